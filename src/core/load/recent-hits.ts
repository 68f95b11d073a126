/** Whether the latest requests fail so often that the mesh, and not chance, is to blame. */
import type { Hit } from './hit.ts';
import { isSuccess } from './load-summary.ts';

/** Requests that are looked at together: at 50 a second the last two seconds. */
const JUDGED_HITS = 100;
const MOST_FAILED_RATIO = 0.02;

export interface RecentFailures {
  readonly failed: number;
  readonly of: number;
}

export class RecentHits {
  readonly #latest: boolean[] = [];

  add(hit: Pick<Hit, 'code' | 'error'>): void {
    this.#latest.push(isSuccess(hit));
    if (this.#latest.length > JUDGED_HITS) this.#latest.shift();
  }

  /** @returns undefined while all is well, and while there were fewer than 100 requests: too few say nothing */
  tooManyFailures(): RecentFailures | undefined {
    const failed = this.#latest.filter((ok) => !ok).length;
    if (this.#latest.length < JUDGED_HITS || failed / JUDGED_HITS < MOST_FAILED_RATIO) return undefined;
    return { failed, of: JUDGED_HITS };
  }
}
