/** How long a run waits for a cluster that does not answer, or refuses for the moment. */
import type { Transient } from '../core/problems/problem.ts';
import { SAMPLE_INTERVAL_MS } from '../core/run/decide-next-action.ts';
import type { RunPorts } from './flow-ports.ts';

/** How long a run may get nowhere before it stops. */
const LONGEST_SILENCE_MS = 120_000;
const LONGEST_BACKOFF_MS = 10_000;

/** Waits longer each time, until the run got somewhere again or has got nowhere for too long. */
export class Patience {
  readonly #ports: Pick<RunPorts, 'clock' | 'observer'>;
  #sinceMs: number | undefined;
  #failures = 0;

  constructor(ports: Pick<RunPorts, 'clock' | 'observer'>) {
    this.#ports = ports;
  }

  renew(): void {
    this.#sinceMs = undefined;
    this.#failures = 0;
  }

  /** @returns false when it is at its end */
  async wait({ reason, retryAfterMs }: Transient): Promise<boolean> {
    const { clock, observer } = this.#ports;
    this.#failures += 1;
    this.#sinceMs ??= clock.nowMs();
    const waitMs = retryAfterMs ?? Math.min(SAMPLE_INTERVAL_MS * 2 ** Math.min(this.#failures - 1, 4), LONGEST_BACKOFF_MS);
    if (clock.nowMs() - this.#sinceMs + waitMs > LONGEST_SILENCE_MS) return false;
    observer.tell({ kind: 'trouble', reason, waitMs });
    await clock.sleep(waitMs);
    return true;
  }
}
