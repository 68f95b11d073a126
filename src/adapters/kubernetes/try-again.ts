/** The one place where an adapter waits and asks again: "not now", or an answer that was lost on its way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { mayPass } from './kube-errors.ts';

/** How long one request is tried. What takes longer is up to the caller: the loop of a run waits longer, a person is told. */
const PATIENCE_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** @param onFailure told of each failure after which it is tried again. @throws the last error */
export async function tryAgain<T>(
  attempt: () => Promise<T>,
  patienceMs = PATIENCE_MS,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const passing = mayPass(error);
      const waitMs = (passing?.retryAfterMs ?? 0) + backoffMs(failures);
      if (!passing || performance.now() + waitMs > untilMs) throw error;
      onFailure(error);
      await sleep(waitMs);
    }
  }
}

/** Longer each time, and never the same for two who failed together. */
function backoffMs(failures: number): number {
  const longestMs = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
  return longestMs * (0.5 + Math.random() / 2);
}
