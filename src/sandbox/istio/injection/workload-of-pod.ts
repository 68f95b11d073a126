/** Which workload a pod belongs to, told from the pod alone, as istiod guesses it for names and labels. */
import type { Pod } from '../pod-shape.ts';

export interface PodWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly kind: string;
  readonly apiVersion: string;
}

/** Jobs of CronJobs end in the minute for which they were made. */
const CRON_JOB_NAME = /^(.+)-\d{8,10}$/;

/** Source: istio/istio, pkg/kube/util.go (GetDeployMetaFromPod), tag 1.28.2. */
export function workloadOfPod(pod: Pod, namespace: string): PodWorkload {
  const itself = { name: pod.metadata.name ?? '', namespace, kind: 'Pod', apiVersion: 'v1' };
  if ((pod.metadata.generateName ?? '') === '') return itself;
  const owner = (pod.metadata.ownerReferences ?? []).find((reference) => reference.controller === true);
  if (owner === undefined) return itself;
  const owned = { name: owner.name, namespace, kind: owner.kind, apiVersion: owner.apiVersion };
  if (owner.kind === 'ReplicaSet') return ofReplicaSet(pod, owned);
  const cronJob = owner.kind === 'Job' ? CRON_JOB_NAME.exec(owner.name)?.[1] : undefined;
  if (cronJob !== undefined) return { ...owned, name: cronJob, kind: 'CronJob', apiVersion: 'batch/v1' };
  return owned;
}

function ofReplicaSet(pod: Pod, owned: PodWorkload): PodWorkload {
  const labels = pod.metadata.labels ?? {};
  const hash = labels['pod-template-hash'];
  if (hash !== undefined && hash !== '' && owned.name.endsWith(hash)) {
    return { ...owned, name: owned.name.slice(0, -hash.length - 1), kind: 'Deployment' };
  }
  const rollout = labels['rollouts-pod-template-hash'];
  if (rollout !== undefined && rollout !== '' && owned.name.endsWith(rollout)) {
    return { ...owned, name: owned.name.slice(0, -rollout.length - 1), kind: 'Rollout', apiVersion: 'v1alpha1' };
  }
  return owned;
}
