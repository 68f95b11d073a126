/**
 * Whether a rollout is complete, as `kubectl rollout status` judges it.
 * @source kubernetes/kubectl pkg/polymorphichelpers/rollout_status.go @v0.34
 */
import type { Condition, PodController } from '../../mesh/kube-objects.ts';

export type RolloutStatus =
  | { readonly kind: 'complete' }
  | { readonly kind: 'progressing'; readonly detail: string }
  | { readonly kind: 'stuck'; readonly detail: string };

export function rolloutStatus(controller: PodController): RolloutStatus {
  const generation = controller.metadata.generation ?? 0;
  if ((controller.status?.observedGeneration ?? 0) < generation)
    return { kind: 'progressing', detail: 'the controller has not seen the change yet' };
  switch (controller.kind) {
    case 'StatefulSet':
      return statefulSetStatus(controller);
    case 'DaemonSet':
      return daemonSetStatus(controller);
    default:
      return deploymentStatus(controller);
  }
}

function deploymentStatus({ spec, status = {} }: PodController): RolloutStatus {
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0, conditions = [] } = status;
  const progressing = conditions.find((c) => c.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return { kind: 'stuck', detail: progressing.message ?? 'progress deadline exceeded' };
  const wanted = spec?.replicas ?? 1;
  if (updated < wanted) return { kind: 'progressing', detail: `${updated} of ${wanted} new pods created${creationFailure(conditions)}` };
  const old = replicas - updated;
  if (old > 0) return { kind: 'progressing', detail: `${old} old ${old === 1 ? 'pod' : 'pods'} still there` };
  return available < updated ? { kind: 'progressing', detail: `${available} of ${updated} new pods available` } : { kind: 'complete' };
}

/** Why the controller could not create pods: a quota, or an admission that refuses them. */
function creationFailure(conditions: readonly Condition[]): string {
  const failure = conditions.find((c) => c.type === 'ReplicaFailure' && c.status === 'True');
  return failure?.message === undefined ? '' : `: ${failure.message}`;
}

function daemonSetStatus({ status }: PodController): RolloutStatus {
  const wanted = status?.desiredNumberScheduled ?? 0;
  const updated = status?.updatedNumberScheduled ?? 0;
  if (updated < wanted) return { kind: 'progressing', detail: `${updated} of ${wanted} new pods created` };
  const available = status?.numberAvailable ?? 0;
  return available < wanted ? { kind: 'progressing', detail: `${available} of ${wanted} new pods available` } : { kind: 'complete' };
}

function statefulSetStatus({ spec, status }: PodController): RolloutStatus {
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  if (ready < wanted) return { kind: 'progressing', detail: `${ready} of ${wanted} pods ready` };
  const updated = status?.updatedReplicas ?? 0;
  if (status?.updateRevision !== undefined && status.updateRevision !== status.currentRevision && updated < wanted) {
    return { kind: 'progressing', detail: `${updated} of ${wanted} new pods created` };
  }
  return { kind: 'complete' };
}
