/** How workloads are restarted, why, and which are not: many of them in few lines. */
import { findingCatalogue, type FindingCode } from '../../core/findings/finding.ts';
import { shortName } from '../../core/plan/build-steps.ts';
import type { NotMoved, Plan } from '../../core/plan/plan.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { Terminal } from '../terminal.ts';
import { count, some } from './words.ts';

type Restart = StepOf<'restartWorkload' | 'restartGateway'>;
type Reason = NonNullable<Restart['restart']>['reasons'][number];

/** So many workloads of one kind of reason are named each on a line of its own. */
const FEW = 3;
/** So many lines, then the rest is counted. */
const MOST_LINES = 15;

export interface TextOptions {
  /** Every workload on a line of its own. */
  readonly wide: boolean;
}

interface Told {
  readonly workload: string;
  readonly reason: Reason;
}

/** Reasons that speak against restarts, by kind of reason: what must be allowed first, then what the request allows, then notes. */
export function restartLines(plan: Plan, terminal: Terminal, { wide }: TextOptions): string {
  const told = plan.steps.flatMap((step): Told[] =>
    step.kind === 'restartWorkload' || step.kind === 'restartGateway'
      ? (step.restart?.reasons ?? []).map((reason) => ({ workload: `${step.workload.namespace}/${shortName(step.workload)}`, reason }))
      : [],
  );
  const groups = [...Map.groupBy(told, ({ reason }) => `${rank(reason)} ${reason.code ?? reason.text}`).values()].toSorted(
    ([a], [b]) => rank(a?.reason) - rank(b?.reason),
  );
  if (groups.length === 0) return '';
  const asked = new Set(told.filter(({ reason }) => rank(reason) === 0).map(({ workload }) => workload)).size;
  const heading =
    asked === 0
      ? 'Restarts to know of:'
      : `${count(asked, 'restart')} to be named first, with --restart-as NAMESPACE/NAME=restart (or =surge, =wait, =skip):`;
  return [heading, ...groups.flatMap((group) => groupLines(group, terminal, wide))].join('\n');
}

/** Not allowed yet, allowed by the request, only to know. */
function rank(reason: Reason | undefined): 0 | 1 | 2 {
  if (reason?.weight !== 'ask') return 2;
  return reason.allowed === true ? 1 : 0;
}

function groupLines(group: readonly Told[], terminal: Terminal, wide: boolean): string[] {
  const first = group[0]?.reason;
  const mark = [terminal.tone('warn', '?'), '○', '·'][rank(first)] ?? '·';
  const end = first?.allowed === true ? ' (as the request says)' : '';
  if (wide || group.length <= FEW) return group.map(({ workload, reason }) => `  ${mark} ${workload} ${reason.text}${end}`);
  const title = first?.code === undefined ? (first?.text ?? '') : findingCatalogue[first.code as FindingCode].title;
  return [`  ${mark} ${count(group.length, 'workload')}: ${title}${end}: ${some(group.map(({ workload }) => workload))}`];
}

/** Workloads that stay where they are; those that keep the old revision in use first. */
export function notMovedLines(plan: Plan, terminal: Terminal, { wide }: TextOptions): string {
  if (plan.notMoved.length === 0) return '';
  const groups = [...Map.groupBy(plan.notMoved, (stay) => `${stay.keepsOldInUse} ${stay.reason}`).values()].toSorted(
    ([a], [b]) => Number(b?.keepsOldInUse ?? false) - Number(a?.keepsOldInUse ?? false),
  );
  const all = groups.flatMap((group) => stayLines(group, terminal, wide));
  const shown = wide ? all : all.slice(0, MOST_LINES);
  const left = all.slice(shown.length).reduce((sum, line) => sum + line.workloads, 0);
  const blocking = plan.notMoved.some((stay) => stay.keepsOldInUse) ? ` (! keeps ${plan.from?.revision ?? 'the old revision'} in use)` : '';
  return [
    `Not moved${blocking}:`,
    ...shown.map((line) => line.text),
    ...(left === 0 ? [] : [`  and ${count(left, 'workload')} more, with -o wide`]),
  ].join('\n');
}

function stayLines(group: readonly NotMoved[], terminal: Terminal, wide: boolean): { readonly text: string; readonly workloads: number }[] {
  const mark = group[0]?.keepsOldInUse === true ? terminal.tone('warn', '!') : '·';
  if (wide || group.length <= FEW) return group.map((stay) => ({ text: `  ${mark} ${stay.workload}: ${stay.reason}`, workloads: 1 }));
  const names = some(group.map((stay) => stay.workload));
  return [{ text: `  ${mark} ${count(group.length, 'workload')}: ${group[0]?.reason ?? ''}: ${names}`, workloads: group.length }];
}
