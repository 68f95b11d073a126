/** Whether the latest requests fail so often that the mesh, and not chance, is to blame. */
import type { Hit } from './hit.ts';
import { isSuccess } from './load-summary.ts';

export interface RecentFailures {
  readonly failed: number;
  readonly of: number;
}

/** One failure may be chance. At 50 requests a second, 100 of them are the last two seconds. */
export const USUAL_STOP: RecentFailures = { failed: 2, of: 100 };

export class RecentHits {
  readonly #latest: boolean[] = [];
  readonly #stopAt: RecentFailures;
  #failed = 0;

  /** @param stopAt so many failures of the latest requests are too many; both at least 1 */
  constructor(stopAt: RecentFailures = USUAL_STOP) {
    this.#stopAt = stopAt;
  }

  add(hit: Pick<Hit, 'code' | 'error'>): void {
    const isFailure = !isSuccess(hit);
    this.#latest.push(isFailure);
    if (isFailure) this.#failed += 1;
    if (this.#latest.length > this.#stopAt.of && this.#latest.shift() === true) this.#failed -= 1;
  }

  /** @returns undefined while all is well, and while there were fewer requests than are looked at: too few say nothing */
  tooManyFailures(): RecentFailures | undefined {
    const { failed, of } = this.#stopAt;
    return this.#latest.length < of || this.#failed < failed ? undefined : { failed: this.#failed, of };
  }
}
