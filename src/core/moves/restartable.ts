import type { Workload } from '../mesh/mesh-inventory.ts';

/** Why a workload cannot be moved by restarting it from its template; undefined when it can. */
export function reasonNotRestartable(workload: Workload): string | undefined {
  switch (workload.kind) {
    case 'Deployment':
      return workload.controller?.spec?.paused === true ? 'the Deployment is paused: kubectl rollout resume it first' : undefined;
    case 'StatefulSet':
      return reasonStatefulSet(workload);
    case 'DaemonSet':
      return workload.strategy.type === 'OnDelete' ? 'its update strategy is OnDelete: delete its pods by hand' : undefined;
    case 'Rollout':
      return 'Argo Rollout: restart it with kubectl argo rollouts restart';
    case 'ReplicaSet':
      return 'a ReplicaSet without a Deployment does not replace its pods: delete them by hand';
    case 'Job':
      return 'a Job ends by itself; its pod keeps its sidecar until then';
    case 'CronJob':
      return 'its running pod keeps its sidecar until it ends; the next run gets the new one';
    case 'Pod':
      return 'no controller that Meshlift knows would bring the pod back: delete and create it by hand';
  }
}

/** Whether its controller brings a pod back that was evicted, and does not replace any by itself. */
export function canBeEvicted({ kind, strategy, controller }: Workload): boolean {
  if (kind === 'ReplicaSet') return controller !== undefined;
  return (kind === 'StatefulSet' || kind === 'DaemonSet') && strategy.type === 'OnDelete';
}

function reasonStatefulSet(workload: Workload): string | undefined {
  if (workload.strategy.type === 'OnDelete') return 'its update strategy is OnDelete: delete its pods by hand';
  const partition = workload.strategy.rollingUpdate?.partition ?? 0;
  return partition > 0 ? `its partition of ${partition} keeps pods below that ordinal as they are` : undefined;
}
