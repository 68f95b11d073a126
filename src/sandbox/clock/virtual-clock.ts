/**
 * Time that passes only when nothing is left to do: hours in seconds, and the same order of events at every run.
 * It jumps to the next timer once no hold is out and the event loop has come to rest.
 */
import type { SandboxClock, Timer } from './sandbox-clock.ts';

interface Entry {
  readonly atMs: number;
  readonly act: () => void;
}

/** Rounds of the event loop without a hold after which nothing can be under way inside of this process. */
const QUIET_ROUNDS = 3;

export class VirtualClock implements SandboxClock {
  #nowMs: number;
  /** By time, then in the order in which they were asked for. */
  readonly #queue: Entry[] = [];
  #holds = 0;
  #running = false;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), act };
    this.#queue.splice(this.#placeOf(entry.atMs), 0, entry);
    return {
      cancel: () => {
        const index = this.#queue.indexOf(entry);
        if (index >= 0) this.#queue.splice(index, 1);
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }

  /** Lets time go on by itself until `stop`. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run(() => this.#running, Number.POSITIVE_INFINITY);
  }

  stop(): void {
    this.#running = false;
  }

  /** Lets so much time pass, with everything that happens in it. Not while it runs by itself. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#run(() => true, untilMs);
    this.#nowMs = untilMs;
  }

  async #run(goesOn: () => boolean, untilMs: number): Promise<void> {
    while (goesOn()) {
      await this.#rest();
      const next = this.#queue[0];
      if (next === undefined || next.atMs > untilMs) {
        if (untilMs !== Number.POSITIVE_INFINITY) return;
        await nextRound();
        continue;
      }
      this.#queue.shift();
      this.#nowMs = next.atMs;
      next.act();
    }
  }

  /** Resolves once the event loop went round a few times without a hold. */
  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS;) {
      await nextRound();
      quiet = this.#holds === 0 ? quiet + 1 : 0;
    }
  }

  #placeOf(atMs: number): number {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
