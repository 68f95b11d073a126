import type { Clock } from '../ports/clock.ts';

/** @param factor waits are so many times shorter */
function clockOf(factor: number): Clock {
  return {
    nowMs: () => Date.now(),
    sleep: (waitMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const timer = setTimeout(resolve, waitMs / factor);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

export const systemClock: Clock = clockOf(1);

/** The name that a sandbox gives its cluster in its kubeconfig. */
const SANDBOX_CLUSTER = 'meshlift-sandbox';
const HIGHEST_FACTOR = 100;

/**
 * In a sandbox whose time passes faster (MESHLIFT_SANDBOX_SPEED), waits are shorter by the same factor; in any other cluster
 * that variable means nothing.
 */
export function clusterClock(clusterName: string | undefined): Clock {
  const factor = Number(process.env['MESHLIFT_SANDBOX_SPEED'] ?? '1');
  if (clusterName !== SANDBOX_CLUSTER || !(factor > 1)) return systemClock;
  return clockOf(Math.min(factor, HIGHEST_FACTOR));
}
