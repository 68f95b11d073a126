import type { Pod } from '../../core/mesh/kube-objects.ts';
import type { StepOf } from '../../core/plan/step.ts';
import { podsToEvict, type Observed } from '../../core/run/assess/assess-eviction.ts';
import { isReady, isTerminating } from '../../core/run/assess/describe-pods.ts';
import { rolloutStatus } from '../../core/run/assess/rollout-status.ts';
import type { ClusterReader } from '../../ports/cluster.ts';
import { stillInTheWay } from '../../core/restarts/still-in-the-way.ts';
import type { RunState } from '../../core/run/run-state.ts';

/** A workload that is restarted, with its pods. istiods are asked only when everything else is as wanted. */
export async function observeRestart(
  reader: ClusterReader,
  step: StepOf<'restartWorkload' | 'restartGateway'>,
  readIstiods: ClusterReader['readIstiods'] = (namespace) => reader.readIstiods(namespace),
): Promise<Observed> {
  const found = await reader.readWorkload(step.workload);
  if (!found) return { pods: [], reports: [] };
  const { controller, pods } = found;
  // What is evicted has no rollout that could be complete, and pods that are still to go need not be ready.
  const leaving = step.evict === true ? podsToEvict(found, step.revision) : [];
  const rolledOut = step.evict === true || rolloutStatus(controller).kind === 'complete';
  const isUp = rolledOut && pods.filter((pod: Pod) => !isTerminating(pod) && !leaving.includes(pod)).every(isReady);
  const reports = isUp && step.revision !== null ? await readIstiods(step.workload.namespace) : [];
  return { controller, pods, reports };
}

/**
 * Whether what the plan found in the way still is; asked only until the restart has begun.
 * @param pods of the workload, as this look has seen them
 */
export async function observeWay(
  reader: ClusterReader,
  step: StepOf<'restartWorkload' | 'restartGateway'>,
  state: RunState,
  pods: readonly Pod[],
): Promise<{ readonly inTheWay?: string }> {
  if (step.waitFor === undefined || state.steps.get(step.id) === 'started') return {};
  for (const ref of step.waitFor) {
    const inTheWay = stillInTheWay(await reader.readObject(ref), ref.kind, pods);
    if (inTheWay !== undefined) return { inTheWay };
  }
  return {};
}
