/**
 * How long a container waits before its next start, and an image before its next pull: the first restart comes at once,
 * then ten seconds, doubled up to five minutes; forgotten after ten minutes.
 * @source kubernetes/kubernetes doBackOff of pkg/kubelet/kuberuntime/kuberuntime_manager.go, client-go util/flowcontrol/backoff.go @v1.34
 */
export interface BackOff {
  /** @returns how long to wait from now on */
  readonly next: (nowMs: number) => number;
}

const FIRST_MS = 10_000;
const MOST_MS = 300_000;

export function createCrashBackOff(): BackOff {
  let delayMs = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    next: (nowMs) => {
      const waitMs = nowMs - lastMs > 2 * MOST_MS ? 0 : delayMs;
      delayMs = waitMs === 0 ? FIRST_MS : Math.min(MOST_MS, waitMs * 2);
      lastMs = nowMs + waitMs;
      return waitMs;
    },
  };
}

export function createPullBackOff(): BackOff {
  let delayMs = FIRST_MS / 2;
  return {
    next: () => {
      delayMs = Math.min(MOST_MS, delayMs * 2);
      return delayMs;
    },
  };
}
