/** How single workloads are restarted, as people say it. */
import type { Command } from 'commander';
import type { UpgradeRequest } from '../../core/request/upgrade-request.ts';

export interface RestartOptions {
  readonly restartAs?: readonly string[];
}

type Overrides = NonNullable<UpgradeRequest['restarts']>['overrides'];

const WAYS = ['restart', 'surge', 'wait', 'evict', 'skip'] as const;

/** @param gather splits `a,b` and gathers repeated options */
export function withRestartAs(command: Command, gather: (value: string, before?: readonly string[]) => string[]): Command {
  return command.option(
    '--restart-as <workload=how>',
    'NAMESPACE/NAME=HOW: restart (whatever speaks against it), surge, wait, evict or skip (repeat)',
    gather,
  );
}

/** @returns nothing when nothing was said; mistakes are gathered */
export function restartsOf({ restartAs = [] }: RestartOptions, mistakes: string[]): { restarts?: { overrides: Overrides } } {
  const overrides = restartAs.flatMap((text): Overrides => {
    const [workload = '', how = '', ...more] = text.split('=');
    const way = WAYS.find((one) => one === how);
    const parts = workload.split('/');
    if (way !== undefined && more.length === 0 && [2, 3].includes(parts.length) && !parts.includes('')) return [{ workload, do: way }];
    mistakes.push(`--restart-as ${text}: it must be NAMESPACE/NAME=restart, =surge, =wait, =evict or =skip`);
    return [];
  });
  for (const [workload, ways] of Map.groupBy(overrides, (override) => override.workload)) {
    const different = [...new Set(ways.map((one) => one.do))];
    if (different.length > 1) mistakes.push(`--restart-as ${workload}: it cannot be ${different.join(' and ')}`);
  }
  return overrides.length === 0 ? {} : { restarts: { overrides } };
}
