/** One timer for the periodic probes of all containers: ten thousand pods that are ready cost one wake-up a second. */
import type { SandboxClock, Timer } from '../clock/sandbox-clock.ts';

const BUCKET_MS = 1000;

export interface WheelEntry {
  act(): void;
}

/** All that is due at one moment; who deletes itself is not called. */
export type WheelBucket = Set<WheelEntry>;

export interface ProbeWheel {
  /** Calls at the first whole second after the delay, an entry once in each second. */
  readonly after: (delayMs: number, entry: WheelEntry) => WheelBucket;
  readonly stop: () => void;
}

export function createProbeWheel(clock: SandboxClock): ProbeWheel {
  const buckets = new Map<number, WheelBucket>();
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
    const due: WheelBucket = buckets.get(atMs) ?? new Set();
    buckets.delete(atMs);
    for (const entry of due) entry.act();
    if (buckets.size > 0) arm(Math.min(...buckets.keys()));
  };
  return {
    after: (delayMs, entry) => {
      const atMs = Math.ceil((clock.nowMs() + delayMs) / BUCKET_MS) * BUCKET_MS;
      const bucket: WheelBucket = buckets.get(atMs) ?? new Set();
      buckets.set(atMs, bucket);
      bucket.add(entry);
      arm(atMs);
      return bucket;
    },
    stop: () => {
      stopped = true;
      timer?.handle.cancel();
      buckets.clear();
    },
  };
}
