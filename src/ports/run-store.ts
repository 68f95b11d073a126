/** Where runs live: in the cluster, so that any machine can go on with them. */
import type { Plan } from '../core/plan/plan.ts';
import type { RunEvent } from '../core/run/run-event.ts';
import type { RunPhase, RunRecord } from '../core/run/run-state.ts';

/** What people may ask of a run from any machine. */
export interface RunControls {
  readonly paused: boolean;
  /** Workloads that the request leaves out by now, as `NAMESPACE/NAME` or `NAMESPACE/KIND/NAME`. */
  readonly leftOut: readonly string[];
}

/** A line of the list of runs. */
export interface RunSummary {
  readonly name: string;
  readonly action: string;
  readonly phase: RunPhase;
  readonly paused: boolean;
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly message: string;
}

/** One driver at a time writes to a run. */
export interface RunWriter {
  /**
   * Adds an event. The write succeeds only if nobody else wrote since this driver took over.
   * @throws Problem RUN-002 when another driver holds the run; Transient when the cluster does not answer
   */
  append(event: RunEvent): Promise<RunRecord>;
  /** Stores the plan of a roll-back beside the plan. Stored again, it replaces one that was not begun. */
  storeBackPlan(plan: Plan): Promise<void>;
  readonly record: RunRecord;
}

export interface RunStore {
  /** Runs of this mesh, newest first; none when the CRD does not exist. */
  list(): Promise<readonly RunSummary[]>;
  /** @throws Problem RUN-003 when it does not exist, RUN-007 when its pieces do not fit together */
  load(name: string): Promise<RunRecord>;
  /** Makes the CRD if it is missing, and the record with its plan. Nothing happens when the record exists. */
  create(name: string, plan: Plan): Promise<void>;
  /** Takes the run over for writing. @param driver identity of this process */
  open(name: string, driver: string): Promise<RunWriter>;
  readControls(name: string): Promise<RunControls>;
  setPaused(name: string, paused: boolean): Promise<void>;
  /** Adds a workload to those that the request leaves out. @throws Transient when somebody else changed the request at the same moment */
  leaveOut(name: string, workload: string): Promise<void>;
  /** Removes the record. */
  forget(name: string): Promise<void>;
  /** Removes every record, the lock and the CRD. */
  forgetEverything(): Promise<void>;
}
