/** Overrides that cannot be followed are mistakes: what a person says by name is never dropped in silence. */
import { workloadKey, type Workload } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import type { Moves } from '../moves/select-moves.ts';
import { Problem } from '../problems/problem.ts';
import { namesWorkload, skippedWorkloads, type UpgradeRequest } from '../request/upgrade-request.ts';

/** @returns the Problem of the first workload that the request wants restarted and that stays; undefined when there is none */
export function overrideThatDoesNotFit(request: UpgradeRequest, { notMoved }: Pick<Moves, 'notMoved'>): Problem | undefined {
  const overrides = (request.restarts?.overrides ?? []).filter((override) => override.do === 'restart');
  const stay = notMoved.find(({ workload }) => overrides.some((override) => namesWorkload(override.workload, workload)));
  if (stay === undefined) return undefined;
  const { workload, reason } = stay;
  const isSkipped = skippedWorkloads(request).some((entry) => namesWorkload(entry, workload));
  return isSkipped
    ? problem(workload, 'The request also wants it left where it is.')
    : problem(workload, `It stays: ${reasonNotRestartable(workload) ?? reason}.`);
}

function problem(workload: Workload, why: string): Problem {
  const key = workloadKey(workload);
  return new Problem('PLAN-016', {
    what: `${key} cannot be restarted as the request says.`,
    why,
    next: [{ label: 'take it out', command: `leave --restart-as ${key}=restart away` }],
  });
}
