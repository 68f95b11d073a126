/** Where a run stands, folded from its events. */
import type { Plan } from '../plan/plan.ts';
import type { Step } from '../plan/step.ts';
import type { Original, RunEvent, StoredProblem } from './run-event.ts';

export type StepStatus = 'waiting' | 'started' | 'done' | 'skipped' | 'failed';

export type RunPhase =
  /** Steps are being performed, or would be if a driver were there. */
  | 'running'
  | 'paused'
  /** A step failed; resume tries it again. */
  | 'failed'
  /** Workloads are moved; the finish was not asked for. */
  | 'moved'
  | 'finished'
  | 'rolled-back';

export interface RunState {
  readonly phase: RunPhase;
  readonly direction: 'forward' | 'back';
  readonly finishAsked: boolean;
  readonly steps: ReadonlyMap<string, StepStatus>;
  /** RFC 3339 of the last start of each step. */
  readonly startedAt: ReadonlyMap<string, string>;
  readonly endedAt: ReadonlyMap<string, string>;
  readonly originals: ReadonlyMap<string, readonly Original[]>;
  readonly digests: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly problem?: StoredProblem;
  readonly runStartedAt: string;
  readonly lastEventAt: string;
}

const EMPTY: RunState = {
  phase: 'running',
  direction: 'forward',
  finishAsked: false,
  steps: new Map(),
  startedAt: new Map(),
  endedAt: new Map(),
  originals: new Map(),
  digests: new Map(),
  runStartedAt: '',
  lastEventAt: '',
};

export function foldEvents(events: readonly RunEvent[]): RunState {
  return events.reduce(applyEvent, EMPTY);
}

export function applyEvent(state: RunState, event: RunEvent): RunState {
  const next = { ...state, lastEventAt: event.at };
  switch (event.type) {
    case 'RunStarted':
      return { ...next, runStartedAt: event.at };
    case 'DriverChanged':
      return next;
    case 'StepStarted':
      return {
        ...withStep(next, event.step, 'started'),
        startedAt: withEntry(state.startedAt, event.step, event.at),
        // A step that is started again keeps what was there before its first effect.
        originals: state.originals.has(event.step) ? state.originals : withEntry(state.originals, event.step, event.originals),
        digests: state.digests.has(event.step) ? state.digests : withEntry(state.digests, event.step, event.digests),
      };
    case 'StepDone':
      return { ...withStep(next, event.step, 'done'), endedAt: withEntry(state.endedAt, event.step, event.at) };
    case 'StepSkipped':
      return { ...withStep(next, event.step, 'skipped'), endedAt: withEntry(state.endedAt, event.step, event.at) };
    case 'StepFailed':
      return { ...withStep(next, event.step, 'failed'), phase: 'failed', problem: event.problem };
    case 'Paused':
      return { ...next, phase: 'paused' };
    case 'Resumed':
      return withoutProblem({ ...next, phase: 'running' });
    case 'FinishAsked':
      return withoutProblem({ ...next, phase: 'running', finishAsked: true });
    case 'RollbackStarted':
      return withoutProblem({ ...next, phase: 'running', direction: 'back' });
    case 'RunEnded':
      return withoutProblem({ ...next, phase: event.outcome });
  }
}

function withStep(state: RunState, step: string, status: StepStatus): RunState {
  return { ...state, steps: withEntry(state.steps, step, status) };
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function withoutProblem(state: RunState): RunState {
  const { problem: _problem, ...rest } = state;
  return rest;
}

/** A run with its plans and where it stands. */
export interface RunRecord {
  readonly name: string;
  readonly plan: Plan;
  /** The plan of the roll-back, once there is one. */
  readonly backPlan?: Plan;
  readonly events: readonly RunEvent[];
  readonly state: RunState;
}

/** The steps that the run performs now: those of the roll-back once it has begun; the finish only when asked. */
export function activeSteps(record: RunRecord): readonly Step[] {
  const { state, plan, backPlan } = record;
  if (state.direction === 'back') return backPlan?.steps ?? [];
  return plan.steps.filter((step) => step.phase === 'move' || state.finishAsked);
}

export function isEnded(state: RunState): boolean {
  return state.phase === 'finished' || state.phase === 'rolled-back';
}

export function stepStatus(state: RunState, step: Step): StepStatus {
  return state.steps.get(step.id) ?? 'waiting';
}
