/** One timer for the periodic probes of all containers: ten thousand pods that are ready cost one wake-up a second. */
import type { SandboxClock, Timer } from '../clock/sandbox-clock.ts';

const BUCKET_MS = 1000;

export interface ProbeWheel {
  /** Calls at the first whole second after the delay. @returns cancels it */
  readonly after: (delayMs: number, act: () => void) => () => void;
  readonly stop: () => void;
}

export function createProbeWheel(clock: SandboxClock): ProbeWheel {
  const buckets = new Map<number, Set<() => void>>();
  let timer: { readonly atMs: number; readonly handle: Timer } | undefined;
  let stopped = false;

  const arm = (atMs: number): void => {
    if (stopped) return;
    if (timer !== undefined && timer.atMs <= atMs) return;
    timer?.handle.cancel();
    timer = { atMs, handle: clock.after(atMs - clock.nowMs(), () => fire(atMs)) };
  };
  const fire = (atMs: number): void => {
    timer = undefined;
    const due = buckets.get(atMs) ?? new Set();
    buckets.delete(atMs);
    for (const act of due) act();
    if (buckets.size > 0) arm(Math.min(...buckets.keys()));
  };
  return {
    after: (delayMs, act) => {
      const atMs = Math.ceil((clock.nowMs() + delayMs) / BUCKET_MS) * BUCKET_MS;
      const bucket = buckets.get(atMs) ?? new Set();
      buckets.set(atMs, bucket);
      // A function of its own, since the same one may be asked for twice.
      const entry = (): void => act();
      bucket.add(entry);
      arm(atMs);
      return () => void bucket.delete(entry);
    },
    stop: () => {
      stopped = true;
      timer?.handle.cancel();
      buckets.clear();
    },
  };
}
