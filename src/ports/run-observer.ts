/** Who wants to know what a run is doing: a terminal, a log. */
import type { RunEvent } from '../core/run/run-event.ts';
import type { RunRecord } from '../core/run/run-state.ts';
import type { Step } from '../core/plan/step.ts';

export type RunNews =
  | { readonly kind: 'event'; readonly event: RunEvent; readonly record: RunRecord }
  /** The present step is being waited for. */
  | { readonly kind: 'progress'; readonly step: Step; readonly detail: string; readonly record: RunRecord }
  /** A line of output of a tool. */
  | { readonly kind: 'output'; readonly line: string }
  /** The cluster did not answer; tried again. */
  | { readonly kind: 'trouble'; readonly reason: string; readonly waitMs: number };

export interface RunObserver {
  tell(news: RunNews): void;
}
