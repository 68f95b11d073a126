/** Groups pods under what owns them. */
import type { CronJob, Job, KubeObject, Pod, PodController, PodTemplate } from './kube-objects.ts';
import { workloadKey, type MeshPod, type Workload, type WorkloadKind, type WorkloadRef } from './mesh-inventory.ts';
import type { MeshObjects } from './mesh-objects.ts';

/** Finds the workload that a pod belongs to, through ReplicaSets and Jobs. What owns it and was not read does not hide it. */
export function ownerIndex(objects: MeshObjects): (pod: Pod) => WorkloadRef {
  const between = new Map<string, PodController | Job>();
  for (const object of [...objects.replicaSets, ...objects.jobs]) between.set(`${object.kind}/${object.metadata.uid ?? ''}`, object);
  const isTop = topWorkloads(objects);
  return (pod) => {
    const namespace = pod.metadata.namespace ?? '';
    const direct = controllerOf(pod);
    const middle = direct && between.get(`${direct.kind}/${direct.uid}`);
    const owner =
      [controllerOf(middle), direct].find((candidate) => candidate && isTop(candidate, namespace)) ??
      (middle && hasTemplate(middle) ? direct : undefined);
    if (!owner) return { kind: 'Pod', namespace, name: pod.metadata.name };
    return { kind: owner.kind as WorkloadKind, namespace, name: owner.name };
  };
}

/** Whether an owner is one of the workloads that nothing else controls. */
function topWorkloads(objects: MeshObjects): (owner: { readonly kind: string; readonly name: string }, namespace: string) => boolean {
  const { deployments, statefulSets, daemonSets, rollouts, cronJobs } = objects;
  const keys = new Set(
    [...deployments, ...statefulSets, ...daemonSets, ...rollouts, ...cronJobs].map((object) => workloadKey(refOf(object))),
  );
  return ({ kind, name }, namespace) => keys.has(workloadKey({ kind: kind as WorkloadKind, namespace, name }));
}

function hasTemplate(object: PodController | Job): boolean {
  return object.kind === 'Job' || object.spec?.template !== undefined;
}

export function controllerOf(
  object: KubeObject | undefined,
): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return object?.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** All workloads, those without pods included, sorted by namespace, kind and name. ReplicaSets and Jobs under an owner are that owner's. */
export function buildWorkloads(objects: MeshObjects, pods: readonly MeshPod[]): Workload[] {
  const podsByKey = Map.groupBy(pods, (pod) => workloadKey(pod.workload));
  const podsOf = (ref: WorkloadRef): readonly MeshPod[] => podsByKey.get(workloadKey(ref)) ?? [];
  const controllers = [...objects.deployments, ...objects.statefulSets, ...objects.daemonSets, ...objects.rollouts];
  const isTop = topWorkloads(objects);
  // Those of a controller that Meshlift does not know count while they have pods: older ones are only its history.
  const isLeft = (object: KubeObject): boolean => {
    const owner = controllerOf(object);
    return owner === undefined || (!isTop(owner, object.metadata.namespace ?? '') && podsOf(refOf(object)).length > 0);
  };
  const bareReplicaSets = objects.replicaSets.filter((rs) => hasTemplate(rs) && isLeft(rs));
  const bareJobs = objects.jobs.filter(isLeft);
  const workloads = [
    ...[...controllers, ...bareReplicaSets].map((c) => fromController(c, podsOf)),
    ...bareJobs.map((job) => fromJob(job, podsOf)),
    ...objects.cronJobs.map((cronJob) => fromCronJob(cronJob, podsOf)),
    ...barePods(objects.pods, pods),
  ];
  return workloads.toSorted((a, b) => {
    const [left, right] = [workloadKey(a), workloadKey(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

function refOf(object: KubeObject): WorkloadRef {
  return { kind: object.kind as WorkloadKind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

function fromController(controller: PodController, podsOf: (ref: WorkloadRef) => readonly MeshPod[]): Workload {
  const ref = refOf(controller);
  return {
    ...ref,
    apiVersion: controller.apiVersion,
    template: controller.spec?.template ?? {},
    desiredPods: ref.kind === 'DaemonSet' ? (controller.status?.desiredNumberScheduled ?? 0) : (controller.spec?.replicas ?? 1),
    strategy: controller.spec?.strategy ?? controller.spec?.updateStrategy ?? {},
    pods: podsOf(ref),
    controller,
  };
}

function fromJob(job: Job, podsOf: (ref: WorkloadRef) => readonly MeshPod[]): Workload {
  const ref = refOf(job);
  const template = job.spec?.template ?? {};
  const ended = (job.status?.conditions ?? []).some((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
  return {
    ...ref,
    apiVersion: job.apiVersion,
    template,
    desiredPods: job.status?.active ?? 0,
    strategy: {},
    pods: podsOf(ref),
    ...(ended ? { ended: true } : {}),
    ...(job.spec?.suspend === true ? { suspended: true } : {}),
  };
}

function fromCronJob(cronJob: CronJob, podsOf: (ref: WorkloadRef) => readonly MeshPod[]): Workload {
  const ref = refOf(cronJob);
  const template = cronJob.spec?.jobTemplate?.spec?.template ?? {};
  return {
    ...ref,
    apiVersion: cronJob.apiVersion,
    template,
    desiredPods: 0,
    strategy: {},
    pods: podsOf(ref),
    ...(cronJob.spec?.suspend === true ? { suspended: true } : {}),
  };
}

/** Pods that nothing owns, or that something owns which Meshlift does not know: each is a workload of its own. */
function barePods(raw: readonly Pod[], pods: readonly MeshPod[]): Workload[] {
  const rawByUid = new Map(raw.map((pod) => [pod.metadata.uid, pod]));
  return pods
    .filter((pod) => pod.workload.kind === 'Pod')
    .map((pod): Workload => {
      const object = rawByUid.get(pod.uid);
      const template: PodTemplate = {
        metadata: { labels: pod.labels, annotations: object?.metadata.annotations ?? {} },
        ...(object?.spec === undefined ? {} : { spec: object.spec }),
      };
      return { ...pod.workload, apiVersion: 'v1', template, desiredPods: 1, strategy: {}, pods: [pod] };
    });
}
