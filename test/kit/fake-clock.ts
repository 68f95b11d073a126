import type { Clock } from '../../src/ports/clock.ts';

/** Virtual time: sleeping takes none, and lets the world go on. */
export class FakeClock implements Clock {
  readonly #startMs = Date.parse('2026-03-01T12:00:00Z');
  readonly #everySecond: () => void;
  #passedMs = 0;

  constructor(everySecond: () => void = () => undefined) {
    this.#everySecond = everySecond;
  }

  nowMs(): number {
    return this.#startMs + this.#passedMs;
  }

  /** Time since the test began. */
  get passedMs(): number {
    return this.#passedMs;
  }

  async sleep(waitMs: number): Promise<void> {
    this.pass(waitMs);
    await Promise.resolve();
  }

  /** Lets time go on without anybody waiting. */
  pass(ms: number): void {
    const until = this.#passedMs + ms;
    for (let next = nextSecond(this.#passedMs); next <= until; next += 1000) {
      this.#passedMs = next;
      this.#everySecond();
    }
    this.#passedMs = until;
  }
}

function nextSecond(ms: number): number {
  return (Math.floor(ms / 1000) + 1) * 1000;
}
