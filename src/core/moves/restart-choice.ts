/** What is done to bring one workload to the revision, and what speaks for or against it: data of a move and of its step. */

import type { ObjectRef } from '../mesh/kube-objects.ts';

/**
 * `restart`: by its own strategy; `surge`: with another strategy for the time of the restart, so that a new pod comes first;
 * `wait`: as soon as what is in the way allows it, when the request says so; `evict`: pod by pod through the Eviction API, where the controller waits for pods to go, and only when the request says so;
 * `ask`: only when the request names it, since somebody would notice; `skip`: not at all. The list grows with what Meshlift performs.
 */
export type RestartWay = 'restart' | 'surge' | 'wait' | 'evict' | 'ask' | 'skip';

/** Codes of findings that speak of the restart of one workload. */
export type RestartCode =
  | 'WORK-001'
  | 'WORK-002'
  | 'WORK-003'
  | 'WORK-004'
  | 'WORK-007'
  | 'WORK-008'
  | 'WORK-009'
  | 'WORK-010'
  | 'WORK-011'
  | 'WORK-012'
  | 'WORK-013'
  | 'WORK-014';

export interface RestartReason {
  /** The finding that tells it; absent for what only could not be read, which a report names once for all. */
  readonly code?: RestartCode;
  /** `ask`: nobody should do it without being told to; `note`: it is told and done. */
  readonly weight: 'ask' | 'note';
  /** Said after the name of the workload: `would be down while it restarts (1 pod, strategy Recreate)`. */
  readonly text: string;
  /** The object that is in the way for now, and may not be later. */
  readonly passing?: ObjectRef;
  /** The request names the workload or the finding, so that it is done all the same. */
  readonly allowed?: true;
}

export interface RestartChoice {
  readonly do: RestartWay;
  /** What speaks against it first, notes after that; empty when there is nothing to say. */
  readonly reasons: readonly RestartReason[];
  /** How it is restarted once nothing asks any more. */
  readonly whenAllowed: 'restart' | 'surge' | 'evict';
}
