/**
 * What we tell a person when something is in the way.
 *
 * Three kinds of trouble exist and no fourth: a {@link Problem} (the user can act), a {@link Transient}
 * (an adapter says: try again) and a {@link Defect} (our own mistake).
 */
import type { ProblemCode } from './problem-catalogue.ts';

/** What state things are in after the problem. */
export type ProblemState =
  | { readonly kind: 'nothing-changed' }
  | { readonly kind: 'paused'; readonly detail: string }
  | { readonly kind: 'changed'; readonly detail: string }
  | { readonly kind: 'rolled-back'; readonly detail: string };

/** One way out: what it is for, and the line to type (absent when the way is not a command). */
export interface NextStep {
  readonly label: string;
  readonly command?: string;
}

export interface ProblemDetails {
  /** What was found, with names; one or more lines. */
  readonly what: string;
  /** Why it is so, or why it matters; empty when `what` already says it. */
  readonly why?: string;
  /** Defaults to "nothing was changed". */
  readonly state?: ProblemState;
  /** At least one. */
  readonly next: readonly NextStep[];
  /** Machine-readable facts for `-o json`. Never holds credentials. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Something that a person can act on. Its code is permanent; its title comes from the catalogue. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, details: ProblemDetails) {
    super(`${code}: ${details.what}`);
    this.name = 'Problem';
    this.code = code;
    this.details = details;
  }

  get state(): ProblemState {
    return this.details.state ?? { kind: 'nothing-changed' };
  }

  /** The same problem, told after something had already been changed. */
  withState(state: ProblemState, next: readonly NextStep[] = this.details.next): Problem {
    return new Problem(this.code, { ...this.details, state, next });
  }
}

/** An outside system failed in a way that may pass: throttled, reset, timed out, conflict. Tried again by the loop. */
export class Transient extends Error {
  readonly reason: string;
  /** How long the other side asked us to wait; absent when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(reason, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Transient';
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A broken precondition inside Meshlift: our mistake, never the user's. */
export class Defect extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Defect';
  }
}
