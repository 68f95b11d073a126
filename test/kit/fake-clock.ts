import type { Clock } from '../../src/ports/clock.ts';

/** Virtual time: sleeping takes none, and lets the world go on. */
export class FakeClock implements Clock {
  #nowMs = Date.parse('2026-03-01T12:00:00Z');
  readonly #tick: () => void;

  constructor(tick: () => void = () => undefined) {
    this.#tick = tick;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(waitMs: number): Promise<void> {
    // In steps of a second, as controllers work while somebody waits.
    for (let left = waitMs; left > 0; left -= 1000) {
      this.#nowMs += Math.min(left, 1000);
      this.#tick();
    }
    await Promise.resolve();
  }
}
