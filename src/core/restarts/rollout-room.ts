/** How many pods a rollout takes away and adds at once. */
import type { Workload } from '../mesh/mesh-inventory.ts';

export interface RolloutRoom {
  /** Pods that may be missing at one moment. */
  readonly missing: number;
  /** Pods that may be there beyond what is wanted. */
  readonly surge: number;
}

/** What the strategy of a workload allows; a rollout that may do neither takes one pod away, as Kubernetes does. */
export function rolloutRoom({ kind, desiredPods, strategy }: Workload): RolloutRoom {
  switch (kind) {
    case 'Deployment': {
      if (strategy.type === 'Recreate') return { missing: desiredPods, surge: 0 };
      const { maxUnavailable = '25%', maxSurge = '25%' } = strategy.rollingUpdate ?? {};
      const missing = resolveCount(maxUnavailable, desiredPods, 'down');
      const surge = resolveCount(maxSurge, desiredPods, 'up');
      // Both resolving to 0 is taken as one unavailable by the Deployment controller.
      return { missing: missing === 0 && surge === 0 ? 1 : missing, surge };
    }
    case 'DaemonSet': {
      const { maxUnavailable = 1, maxSurge = 0 } = strategy.rollingUpdate ?? {};
      const surge = resolveCount(maxSurge, desiredPods, 'up');
      return { missing: surge > 0 ? 0 : resolveCount(maxUnavailable, desiredPods, 'up'), surge };
    }
    default:
      return { missing: Math.min(1, desiredPods), surge: 0 };
  }
}

/** Why no pod serves at some moment of a restart; undefined when one always does. */
export function reasonTakenDown(workload: Workload): string | undefined {
  const { kind, desiredPods, strategy } = workload;
  const pods = `${desiredPods} ${desiredPods === 1 ? 'pod' : 'pods'}`;
  const { missing } = rolloutRoom(workload);
  switch (kind) {
    case 'Deployment':
      if (strategy.type === 'Recreate') return `${pods}, strategy Recreate`;
      return desiredPods > 0 && missing >= desiredPods
        ? `${pods}, maxUnavailable ${strategy.rollingUpdate?.maxUnavailable ?? '25%'}`
        : undefined;
    case 'StatefulSet':
      return desiredPods === 1 ? 'a StatefulSet of 1 pod is stopped before it is started again' : undefined;
    case 'DaemonSet':
      return desiredPods > 0 && missing >= desiredPods ? `${desiredPods === 1 ? '1 pod on 1 node' : pods}, maxSurge 0` : undefined;
    default:
      return undefined;
  }
}

/** @source kubernetes/apimachinery pkg/util/intstr GetScaledValueFromIntOrPercent: surge rounds up, unavailable down */
function resolveCount(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = Number.parseFloat(value);
  if (!value.endsWith('%') || Number.isNaN(percent)) return Number.isNaN(Number(value)) ? 0 : Number(value);
  return round === 'up' ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}
