/** What is done to bring one workload to a revision, and why: by its kind, its own strategy and what stands around it. */
import type { Workload } from '../mesh/mesh-inventory.ts';
import { runningPods } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import type { RestartChoice, RestartCode, RestartReason } from '../moves/restart-choice.ts';
import { reasonProxyStays, type WorkloadMove } from '../moves/select-moves.ts';
import { appContainers, probes, shortTermination } from './pod-hazards.ts';
import { reasonTakenDown } from './rollout-room.ts';
import { roomForOneMore, volumesOnce } from './surge-hazards.ts';
import type { Surroundings } from './surroundings.ts';
import { budgets, scaledToTheLimit } from './disruption-hazards.ts';

/** What of a move the choice depends on. */
export type RestartSubject = Pick<WorkloadMove, 'revision' | 'pinnedImage' | 'canary'>;

/**
 * A workload that its template cannot move is skipped; one of which somebody would notice the restart is asked about; every other
 * one is restarted. What could not be read counts against it only where it decides.
 *
 * @param workload with its pods, as in the inventory; a Deployment scaled to zero has nothing that could go down
 * @param move what becomes of it; a gateway that is made anew is not restarted, so that only its new pods matter
 * @returns reasons to ask first, notes after them, each with the code of the finding that tells it
 */
export function chooseRestart(workload: Workload, move: RestartSubject, surroundings: Surroundings): RestartChoice {
  const never = reasonNotRestartable(workload) ?? (move.revision === undefined ? reasonProxyStays(workload) : undefined);
  if (never !== undefined) return { do: 'skip', reasons: [{ weight: 'note', text: never }] };
  const found = [
    ...(move.canary === true || workload.desiredPods === 0 ? [] : restartHazards(workload, surroundings)),
    ...probes(workload),
    ...unhealthy(workload),
    ...pinned(move),
    ...noPreStop(workload),
    ...shortTermination(workload, surroundings.drainSeconds),
  ];
  const asks = found.filter((reason) => reason.weight === 'ask');
  return { do: asks.length > 0 ? 'ask' : 'restart', reasons: [...asks, ...found.filter((reason) => reason.weight === 'note')] };
}

function restartHazards(workload: Workload, surroundings: Surroundings): RestartReason[] {
  const down = reasonTakenDown(workload);
  return [
    ...(down === undefined ? [] : [reason('WORK-001', 'ask', `would be down while it restarts (${down})`)]),
    ...budgets(workload, surroundings),
    ...scaledToTheLimit(workload, surroundings),
    ...volumesOnce(workload, surroundings),
    ...roomForOneMore(workload, surroundings),
  ];
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
