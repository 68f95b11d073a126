/** A queue of keys as controllers need it: each key once, one reconcile per key at a time, failures again after a growing delay. */
import type { SandboxClock, Timer } from '../../clock/sandbox-clock.ts';

export interface WorkQueueOptions {
  readonly clock: SandboxClock;
  readonly reconcile: (key: string) => Promise<void>;
  /** How many keys may be worked on at the same time; 1 makes the order of all writes certain. */
  readonly workers: number;
  /** Time between a change and the look at it; what arrives meanwhile for the same key is one look. */
  readonly latencyMs: number;
  readonly onError: (key: string, error: unknown) => void;
}

interface Delayed {
  readonly atMs: number;
  readonly timer: Timer;
}

// Delays of client-go's ItemExponentialFailureRateLimiter as the controllers use it.
const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 1_000_000;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Keys that wait for the latency to pass, in the order of their arrival. */
  #incoming: string[] = [];
  #ready: string[] = [];
  /** Where the next one is: the array is cut only when all are under way. */
  #next = 0;
  /** Keys that wait for a look: incoming, ready, or changed while they are worked on. */
  readonly #queued = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #armed: Timer | undefined;
  #stopped = false;
  #waiting: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped || this.#queued.has(key)) return;
    this.#queued.add(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  /** Adds it later; the earliest of several wishes for a key counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    const atMs = this.#options.clock.nowMs() + Math.max(0, delayMs);
    const before = this.#delayed.get(key);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.timer.cancel();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { atMs, timer });
  }

  /** Resolves when no key waits and none is worked on; keys that are to come later do not count. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** Looks at nothing more; what is under way ends by itself. */
  stop(): void {
    this.#stopped = true;
    this.#armed?.cancel();
    this.#armed = undefined;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#incoming = [];
    this.#ready = [];
    this.#next = 0;
    this.#queued.clear();
    this.#tellIdle();
  }

  #enqueue(key: string): void {
    this.#incoming.push(key);
    this.#armed ??= this.#options.clock.after(this.#options.latencyMs, () => {
      this.#armed = undefined;
      this.#ready.push(...this.#incoming);
      this.#incoming = [];
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopped && this.#processing.size < this.#options.workers) {
      const key = this.#ready[this.#next];
      if (key === undefined) break;
      this.#next += 1;
      void this.#work(key);
    }
    if (this.#next < this.#ready.length || this.#next === 0) return;
    this.#ready = [];
    this.#next = 0;
  }

  async #work(key: string): Promise<void> {
    this.#queued.delete(key);
    this.#processing.add(key);
    const release = this.#options.clock.hold();
    try {
      await this.#options.reconcile(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#retry(key, error);
    }
    this.#processing.delete(key);
    if (this.#queued.has(key)) this.#enqueue(key);
    this.#pump();
    release();
    this.#tellIdle();
  }

  #retry(key: string, error: unknown): void {
    if (this.#stopped) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.onError(key, error);
    this.addAfter(key, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures));
  }

  #isIdle(): boolean {
    return this.#queued.size === 0 && this.#processing.size === 0;
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
