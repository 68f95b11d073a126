/** What a roll-back has to know of how workloads were restarted: they go back in the same way. */
import { workloadKey, type Workload } from '../mesh/mesh-inventory.ts';
import { canBeEvicted } from '../moves/restartable.ts';
import type { WorkloadMove } from '../moves/select-moves.ts';
import { countsOf, isSurging, type Surge } from '../moves/surge.ts';
import type { Step } from './step.ts';

type Ways = Pick<WorkloadMove, 'surge' | 'evict'>;

/** By the key of the workload. */
export type RestartWays = ReadonlyMap<string, Ways>;

export function restartWaysOf(touched: readonly Step[]): RestartWays {
  return new Map(
    touched.flatMap((step): [string, Ways][] => {
      if (step.kind !== 'restartWorkload' && step.kind !== 'restartGateway') return [];
      const { workload, surge, evict } = step;
      return [[workloadKey(workload), { ...(surge === undefined ? {} : { surge }), ...(evict === undefined ? {} : { evict }) }]];
    }),
  );
}

/** It surges on the way back as well. What it gets back is what it had, or what somebody has given it meanwhile. */
export function wayBack(workload: Workload, ways: RestartWays): Ways {
  const forward = ways.get(workloadKey(workload)) ?? {};
  const surge = forward.surge === undefined ? undefined : surgeBack(workload, forward.surge);
  const isEvicted = forward.evict === true && canBeEvicted(workload);
  return { ...(surge === undefined ? {} : { surge }), ...(isEvicted ? { evict: true } : {}) };
}

function surgeBack({ strategy, controller }: Workload, forward: Surge): Surge | undefined {
  if (strategy.type === 'Recreate') return undefined;
  return isSurging(controller) ? forward : { from: countsOf(controller) };
}

/** Whether its strategy is still the one that it had for the time of its restart. */
export function isStillSurging({ controller }: Workload, { surge }: Ways): boolean {
  return surge !== undefined && isSurging(controller);
}
