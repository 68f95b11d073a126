/** Work that follows changes of the cluster: never within the change, one piece at a time, tried again until it succeeds. */
import type { SandboxClock, Timer } from '../../clock/sandbox-clock.ts';

export interface WorkQueue {
  /** What is queued already is not queued twice. */
  readonly add: (key: string, delayMs?: number) => void;
  readonly stop: () => void;
}

export interface WorkQueueOptions {
  readonly clock: SandboxClock;
  /** What throws is tried again, later each time. */
  readonly work: (key: string) => Promise<void>;
  /** Told of each failure. */
  readonly onError?: (key: string, error: unknown) => void;
  readonly firstRetryMs?: number;
  readonly maxRetryMs?: number;
}

export function createWorkQueue({ clock, work, onError, firstRetryMs = 100, maxRetryMs = 60_000 }: WorkQueueOptions): WorkQueue {
  const waiting = new Map<string, Timer>();
  const failures = new Map<string, number>();
  let chain = Promise.resolve();
  let stopped = false;

  const run = async (key: string): Promise<void> => {
    if (stopped) return;
    const release = clock.hold();
    try {
      await work(key);
      failures.delete(key);
    } catch (error) {
      if (stopped) return;
      onError?.(key, error);
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      add(key, Math.min(maxRetryMs, firstRetryMs * 2 ** count));
    } finally {
      release();
    }
  };

  const add = (key: string, delayMs = 0): void => {
    if (stopped || waiting.has(key)) return;
    const timer = clock.after(delayMs, () => {
      waiting.delete(key);
      chain = chain.then(() => run(key));
    });
    waiting.set(key, timer);
  };

  return {
    add,
    stop: () => {
      stopped = true;
      for (const timer of waiting.values()) timer.cancel();
      waiting.clear();
    },
  };
}
