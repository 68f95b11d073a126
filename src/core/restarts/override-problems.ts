/** Overrides that cannot be followed are mistakes: what a person says by name is never dropped in silence. */
import { workloadKey, type Workload } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import type { Moves } from '../moves/select-moves.ts';
import { Problem } from '../problems/problem.ts';
import { namesWorkload, skippedWorkloads, type UpgradeRequest } from '../request/upgrade-request.ts';

/** @returns the Problem of the first workload that the request wants moved in a way that does not move it; undefined when there is none */
export function overrideThatDoesNotFit(
  request: UpgradeRequest,
  { notMoved, namespaces }: Pick<Moves, 'notMoved' | 'namespaces'>,
): Problem | undefined {
  const overrides = (request.restarts?.overrides ?? []).filter((override) => override.do !== 'skip');
  const named = (workload: Workload): 'restart' | 'evict' | undefined => {
    const override = overrides.find((one) => namesWorkload(one.workload, workload));
    return override?.do === 'skip' ? undefined : override?.do;
  };
  for (const { workload, reason } of notMoved) {
    const way = named(workload);
    if (way === undefined) continue;
    const isSkipped = skippedWorkloads(request).some((entry) => namesWorkload(entry, workload));
    if (isSkipped) return problem(workload, way, 'The request also wants it left where it is.');
    return problem(workload, way, `It stays: ${reasonNotRestartable(workload) ?? reason}.`);
  }
  const wrong = namespaces.flatMap((one) => one.workloads).find(({ workload, evict }) => named(workload) === 'evict' && evict !== true);
  return wrong && problem(wrong.workload, 'evict', 'Its controller replaces its pods by itself: a restart moves it.');
}

const DONE = { restart: 'restarted', evict: 'evicted' } as const;

function problem(workload: Workload, way: keyof typeof DONE, why: string): Problem {
  const key = workloadKey(workload);
  return new Problem('PLAN-016', {
    what: `${key} cannot be ${DONE[way]} as the request says.`,
    why,
    next: [{ label: 'take it out', command: `leave --restart-as ${key}=${way} away` }],
  });
}
