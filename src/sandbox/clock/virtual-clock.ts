/**
 * Time that passes only when nothing is left to do: hours in seconds, and the same order of events at every run.
 * It jumps to the next timer once no hold is out and the event loop has come to rest.
 */
import { setTimeout as wait } from 'node:timers';
import type { SandboxClock, Timer } from './sandbox-clock.ts';

interface Entry {
  readonly atMs: number;
  readonly act: () => void;
}

/** Rounds of the event loop without a hold after which nothing can be under way inside of this process. */
const QUIET_ROUNDS = 3;

export interface VirtualClockOptions {
  /** It stands still so long (of the machine's time) after the last one who attended to it has left; absent, it never does. */
  readonly restAfterMs?: number;
}

export class VirtualClock implements SandboxClock {
  #nowMs: number;
  /** By time, then in the order in which they were asked for. */
  readonly #queue: Entry[] = [];
  #holds = 0;
  /** Which of the runs by itself goes on; none for undefined. */
  #run: symbol | undefined;
  readonly #restAfterMs: number | undefined;
  #attendants = 0;
  #restTimer: NodeJS.Timeout | undefined;
  #resting = false;
  /** Ends the wait of a run for a timer, or for somebody who attends. */
  #wake: (() => void) | undefined;
  /** Settles when all that was asked for outside has had its turn. */
  #lastTurn = Promise.resolve();
  /** Have not had their turn yet. */
  #turns = 0;
  /** Have let go and are still under way: they wait for time to pass, and so do those who hold the clock for them. */
  #overdue = 0;

  constructor(startMs = Date.UTC(2026, 0, 1), { restAfterMs }: VirtualClockOptions = {}) {
    this.#nowMs = startMs;
    this.#restAfterMs = restAfterMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), act };
    this.#queue.splice(this.#placeOf(entry.atMs), 0, entry);
    this.#wake?.();
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

  /** Each begins once what the one before it led to has been done, as far as no time is needed for it. */
  outside<T>(act: (letGo: () => void) => Promise<T>): Promise<T> {
    const { promise: turn, resolve: endTurn } = Promise.withResolvers<void>();
    const before = this.#lastTurn;
    this.#lastTurn = turn;
    this.#turns += 1;
    let state: 'turn' | 'overdue' | 'over' = 'turn';
    const leave = (next: 'overdue' | 'over'): void => {
      if (state === 'over' || state === next) return;
      if (state === 'turn') this.#turns -= 1;
      else this.#overdue -= 1;
      if (next === 'overdue') this.#overdue += 1;
      state = next;
      endTurn();
    };
    return before
      .then(nextRound)
      .then(() => act(() => leave('overdue')))
      .finally(() => leave('over'));
  }

  #isHeld(): boolean {
    return this.#turns > 0 || (this.#holds > 0 && this.#overdue === 0);
  }

  attend(): () => void {
    this.#attendants += 1;
    clearTimeout(this.#restTimer);
    this.#resting = false;
    this.#wake?.();
    let here = true;
    return () => {
      if (!here) return;
      here = false;
      this.#attendants -= 1;
      if (this.#attendants > 0 || this.#restAfterMs === undefined) return;
      this.#restTimer = wait(() => (this.#resting = true), this.#restAfterMs).unref();
    };
  }

  /** Lets time go on by itself until `stop`. */
  start(): void {
    if (this.#run === undefined) void this.#goOn((this.#run = Symbol('run')));
  }

  stop(): void {
    this.#run = undefined;
    clearTimeout(this.#restTimer);
    this.#wake?.();
  }

  /** Lets so much time pass, with everything that happens in it. Not while it runs by itself. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await this.#rest();
      if ((this.#queue[0]?.atMs ?? Number.POSITIVE_INFINITY) > untilMs) break;
      this.#jump();
    }
    this.#nowMs = untilMs;
  }

  async #goOn(run: symbol): Promise<void> {
    while (this.#run === run) {
      await this.#rest();
      if (this.#run !== run) return;
      if (this.#resting || this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      else this.#jump();
    }
  }

  /** To the next timer. */
  #jump(): void {
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#nowMs = next.atMs;
    next.act();
  }

  /** Resolves once the event loop went round a few times without a hold. */
  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS;) {
      await nextRound();
      quiet = this.#isHeld() ? 0 : quiet + 1;
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
