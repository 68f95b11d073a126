import type { Problem } from '../problems/problem.ts';

/** What a workload is waiting for, in the order in which it gets there. */
export type PendingCause = 'way' | 'rollout' | 'revision' | 'unknown' | 'proxies';

/** How the target of a step stands, judged from what was observed. */
export type StepAssessment =
  /** Not yet as wanted; `detail` says what is missing, with figures. */
  | {
      readonly kind: 'pending';
      readonly detail: string;
      readonly cause?: PendingCause;
      /** The step has a further effect, which is due now that the one before it is seen. */
      readonly effectDue?: true;
    }
  /** As wanted in this sample. */
  | { readonly kind: 'satisfied'; readonly evidence: readonly string[] }
  /** The target is gone, so there is nothing left to do. */
  | { readonly kind: 'obsolete'; readonly reason: string }
  /** It will not come right by waiting; when `mayPass` is set, it may within seconds, and that is what is waited for. */
  | { readonly kind: 'blocked'; readonly problem: Problem; readonly mayPass?: string };
