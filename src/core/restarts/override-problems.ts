/** Overrides that cannot be followed are mistakes: what a person says by name is never dropped in silence. */
import { workloadKey, type Workload } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import type { Moves } from '../moves/select-moves.ts';
import { Problem } from '../problems/problem.ts';
import { namesWorkload, skippedWorkloads, type RestartOverride, type UpgradeRequest } from '../request/upgrade-request.ts';

type Way = Exclude<RestartOverride['do'], 'skip'>;

const DONE: Readonly<Record<Way, string>> = { restart: 'restarted', surge: 'restarted', wait: 'restarted', evict: 'evicted' };

/** @returns the Problem of the first workload that the request wants moved in a way that does not move it; undefined when there is none */
export function overrideThatDoesNotFit(request: UpgradeRequest, moves: Pick<Moves, 'notMoved' | 'namespaces'>): Problem | undefined {
  const overrides = request.restarts?.overrides ?? [];
  if (overrides.length === 0) return undefined;
  const wayOf = (workload: Workload): Way | undefined => {
    const way = overrides.find((one) => one.do !== 'skip' && namesWorkload(one.workload, workload))?.do;
    return way === 'skip' ? undefined : way;
  };
  for (const { workload, reason } of moves.notMoved) {
    const way = wayOf(workload);
    if (way === undefined) continue;
    const isSkipped = skippedWorkloads(request).some((entry) => namesWorkload(entry, workload));
    if (isSkipped) return problem(workload, way, 'The request also wants it left where it is.');
    return problem(workload, way, `It stays: ${reasonNotRestartable(workload) ?? reason}.`);
  }
  for (const move of moves.namespaces.flatMap((one) => one.workloads)) {
    const way = wayOf(move.workload);
    if (way === 'evict' && move.evict !== true)
      return problem(move.workload, way, 'Its controller replaces its pods by itself: a restart moves it.');
    if (way === 'surge' && move.restart?.reasons.some(({ code }) => code === 'WORK-001') === true)
      return problem(move.workload, way, 'No new pod can come before the old one: see what the check says of it.');
  }
  return undefined;
}

function problem(workload: Workload, way: Way, why: string): Problem {
  const key = workloadKey(workload);
  return new Problem('PLAN-016', {
    what: `${key} cannot be ${DONE[way]} as the request says.`,
    why,
    next: [{ label: 'take it out', command: `leave --restart-as ${key}=${way} away` }],
  });
}
