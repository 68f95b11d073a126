/** Pods with an identity: names, labels and claims by ordinal. `stateful_set_utils.go` of Kubernetes 1.34. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { PodPlan } from '../base/pod-from-template.ts';
import { isAvailable, isReady, isTerminating, podPhase } from '../base/pod-state.ts';
import type { Pod, PodTemplate, StatefulSet } from '../base/workload-shapes.ts';

export const REVISION_LABEL = 'controller-revision-hash';

export interface StatefulPodPlan {
  readonly set: StatefulSet;
  readonly ordinal: number;
  readonly template: PodTemplate;
  /** Name of the ControllerRevision that the template is from. */
  readonly revision: string;
}

export function podNameOf(set: KubeObject, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** The ordinal of a pod of the set; undefined for another's pod. */
export function ordinalOf(set: KubeObject, pod: KubeObject): number | undefined {
  const match = /^(.+)-(\d+)$/.exec(pod.metadata.name);
  return match?.[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[REVISION_LABEL] ?? '';
}

export function isRunningAndReady(pod: Pod): boolean {
  return podPhase(pod) === 'Running' && isReady(pod);
}

/** Counts for the pace of the set: running, available and not on its way out. */
export function isHealthy(pod: Pod, set: StatefulSet, nowMs: number): boolean {
  return !isTerminating(pod) && isRunningAndAvailable(pod, set, nowMs);
}

export function isRunningAndAvailable(pod: Pod, set: StatefulSet, nowMs: number): boolean {
  return podPhase(pod) === 'Running' && isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

export function statefulPodPlan({ set, ordinal, template, revision }: StatefulPodPlan): PodPlan {
  const name = podNameOf(set, ordinal);
  const claims = claimsOf(set, ordinal);
  const claimed = claims.map(({ templateName, claim }) => ({
    name: templateName,
    persistentVolumeClaim: { claimName: claim.metadata.name },
  }));
  const others = (template.spec.volumes ?? []).filter((volume) => !claimed.some((one) => one.name === volume.name));
  return {
    owner: set,
    template,
    name,
    labels: { [REVISION_LABEL]: revision, 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': String(ordinal) },
    spec: {
      hostname: name,
      ...(set.spec.serviceName === undefined ? {} : { subdomain: set.spec.serviceName }),
      ...(claimed.length + others.length === 0 ? {} : { volumes: [...claimed, ...others] }),
    },
  };
}

export interface NamedClaim {
  readonly templateName: string;
  readonly claim: KubeObject;
}

/** The PersistentVolumeClaims that the pod of an ordinal uses. */
export function claimsOf(set: StatefulSet, ordinal: number): readonly NamedClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    templateName: metadata.name,
    claim: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: `${metadata.name}-${podNameOf(set, ordinal)}`,
        ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
        labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
        ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      },
      spec,
    },
  }));
}
