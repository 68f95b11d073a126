/** The time of the machine, or faster by a factor. */
import { setTimeout as wait } from 'node:timers';
import type { SandboxClock, Timer } from './sandbox-clock.ts';

export class RealClock implements SandboxClock {
  readonly #factor: number;
  readonly #startedAtMs = Date.now();
  readonly #started = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param factor how much faster than the machine's clock; 1 is real time */
  constructor(factor = 1) {
    if (!(factor > 0)) throw new RangeError(`a clock cannot run at ${factor} times the speed of time`);
    this.#factor = factor;
  }

  nowMs(): number {
    return this.#startedAtMs + (performance.now() - this.#started) * this.#factor;
  }

  after(delayMs: number, act: () => void): Timer {
    const timer = wait(
      () => {
        this.#timers.delete(timer);
        act();
      },
      Math.max(0, delayMs / this.#factor),
    );
    this.#timers.add(timer);
    return {
      cancel: () => {
        clearTimeout(timer);
        this.#timers.delete(timer);
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  hold(): () => void {
    return () => undefined;
  }

  outside<T>(act: (letGo: () => void) => Promise<T>): Promise<T> {
    return act(() => undefined);
  }

  /** Forgets what was asked for, so that the process can end. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
