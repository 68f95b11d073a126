/** What is done to bring one workload to a revision, and why: by its kind, its own strategy and what stands around it. */
import type { Workload } from '../mesh/mesh-inventory.ts';
import { runningPods } from '../mesh/mesh-inventory.ts';
import { ownerOf } from '../mesh/object-owner.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import type { RestartChoice, RestartCode, RestartReason } from '../moves/restart-choice.ts';
import { reasonProxyStays, type WorkloadMove } from '../moves/select-moves.ts';
import { SURGE_COUNTS } from '../moves/surge.ts';
import { appContainers, probes, shortTermination } from './pod-hazards.ts';
import { reasonTakenDown } from './rollout-room.ts';
import { roomForOneMore, volumesOnce } from './surge-hazards.ts';
import type { Surroundings } from './surroundings.ts';
import { budgets, scaledToTheLimit } from './disruption-hazards.ts';

/** What of a move the choice depends on. */
export type RestartSubject = Pick<WorkloadMove, 'revision' | 'pinnedImage' | 'canary' | 'evict'> & {
  /** The request wants it restarted by its own strategy, whatever that does. */
  readonly ownStrategy?: boolean;
};

/**
 * A workload that its template cannot move is skipped; one of which somebody would notice the restart is asked about; one that its
 * own strategy would take down, and a new pod before the old one would not, surges; every other one is restarted. What could not be
 * read counts against it only where it decides.
 *
 * @param workload with its pods, as in the inventory; a Deployment scaled to zero has nothing that could go down
 * @param move what becomes of it; a gateway that is made anew is not restarted, so that only its new pods matter
 * @returns reasons to ask first, notes after them, each with the code of the finding that tells it
 */
export function chooseRestart(workload: Workload, move: RestartSubject, surroundings: Surroundings): RestartChoice {
  const never =
    (move.evict === true ? undefined : reasonNotRestartable(workload)) ??
    (move.revision === undefined ? reasonProxyStays(workload) : undefined);
  if (never !== undefined) return { do: 'skip', reasons: [{ weight: 'note', text: never }], whenAllowed: 'restart' };
  const own = restartHazards(workload, move, surroundings);
  const surging = own.some(({ code }) => code === 'WORK-001') && move.ownStrategy !== true ? surge(workload, surroundings) : undefined;
  const found = [
    ...(surging ?? own),
    ...probes(workload),
    ...unhealthy(workload),
    ...pinned(move),
    ...noPreStop(workload),
    ...shortTermination(workload, surroundings.drainSeconds),
  ];
  const asks = found.filter((reason) => reason.weight === 'ask');
  const whenAllowed = move.evict === true ? 'evict' : surging === undefined ? 'restart' : 'surge';
  return {
    do: asks.length > 0 ? 'ask' : whenAllowed,
    reasons: [...asks, ...found.filter((reason) => reason.weight === 'note')],
    whenAllowed,
  };
}

function restartHazards(workload: Workload, move: RestartSubject, surroundings: Surroundings): RestartReason[] {
  // Whoever evicts asks the budgets each time, and was told to by name.
  if (move.canary === true || move.evict === true || workload.desiredPods === 0) return [];
  const down = reasonTakenDown(workload);
  return [
    ...(down === undefined ? [] : [reason('WORK-001', 'ask', `would be down while it restarts (${down})`)]),
    ...hazardsAround(workload, surroundings),
  ];
}

function hazardsAround(workload: Workload, surroundings: Surroundings): RestartReason[] {
  return [
    ...budgets(workload, surroundings),
    ...scaledToTheLimit(workload, surroundings),
    ...volumesOnce(workload, surroundings),
    ...roomForOneMore(workload, surroundings),
  ];
}

/**
 * What there is to know when a new pod comes before an old one goes; undefined where that cannot be: the strategy is another kind
 * on purpose, a tool would put it back, or the new pod could not start.
 */
function surge(workload: Workload, surroundings: Surroundings): RestartReason[] | undefined {
  const { kind, strategy, controller } = workload;
  if (kind !== 'Deployment' || strategy.type === 'Recreate' || controller === undefined) return undefined;
  if (ownerOf(controller).kind === 'gitops') return undefined;
  const around = hazardsAround({ ...workload, strategy: { type: 'RollingUpdate', rollingUpdate: SURGE_COUNTS } }, surroundings);
  if (around.some(({ code, weight }) => weight === 'ask' && (code === 'WORK-011' || code === 'WORK-013'))) return undefined;
  const text = `would be down with its own strategy (${reasonTakenDown(workload) ?? ''}): a new pod comes first`;
  return [reason('WORK-014', 'note', text), ...around];
}

function unhealthy(workload: Workload): RestartReason[] {
  const ready = runningPods(workload).filter((pod) => pod.ready).length;
  if (ready >= workload.desiredPods) return [];
  return [reason('WORK-004', 'ask', `has ${ready} of ${workload.desiredPods} pods ready`)];
}

function pinned({ pinnedImage }: RestartSubject): RestartReason[] {
  return pinnedImage === undefined ? [] : [reason('WORK-007', 'note', `pins its proxy to ${pinnedImage}`)];
}

function noPreStop(workload: Workload): RestartReason[] {
  const without = appContainers(workload).some((c) => (c.ports ?? []).length > 0 && c.lifecycle?.preStop === undefined);
  return without ? [reason('WORK-008', 'note', 'has no preStop delay')] : [];
}

function reason(code: RestartCode, weight: RestartReason['weight'], text: string): RestartReason {
  return { code, weight, text };
}
