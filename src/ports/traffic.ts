import type { Hit } from '../core/load/hit.ts';
import type { Pace } from '../core/load/pace.ts';
import type { Target } from '../core/load/target.ts';

export interface Attack {
  readonly name: string;
  /** At least one; taken by turns. */
  readonly targets: readonly Target[];
  readonly pace: Pace;
  /** How long one request may take before it counts as failed. */
  readonly timeoutMs: number;
  /** Connections at a time to each host. */
  readonly maxConnections: number;
  readonly keepAlive: boolean;
  /** Certificates of servers are not checked. */
  readonly insecure: boolean;
  /** Redirects that are followed; at 0 the redirect is the answer. */
  readonly redirects: number;
}

/** Sends requests at a steady pace, whether they are answered or not. */
export interface Traffic {
  /**
   * Resolves when every request that was due has ended. When the signal is given, no more are sent.
   * @param onHit called once for each request, in the order in which they end
   */
  attack(attack: Attack, onHit: (hit: Hit) => void, stopSignal: AbortSignal): Promise<void>;
}
