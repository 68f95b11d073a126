/** The only place that chooses what a run does next. */
import type { Step } from '../plan/step.ts';
import type { Problem } from '../problems/problem.ts';
import { timeoutProblem } from './assess/assess-step.ts';
import type { StepObservation } from './observation.ts';
import { activeSteps, stepStatus, type RunRecord } from './run-state.ts';
import type { StepAssessment } from './step-assessment.ts';

export type NextAction =
  /** Store the intent of this step. */
  | { readonly kind: 'start'; readonly step: Step }
  /** The intent is stored: bring about the effect. */
  | { readonly kind: 'perform'; readonly step: Step }
  | { readonly kind: 'wait'; readonly step: Step; readonly waitMs: number; readonly detail: string }
  | { readonly kind: 'complete'; readonly step: Step; readonly evidence: readonly string[] }
  | { readonly kind: 'skip'; readonly step: Step; readonly reason: string }
  | { readonly kind: 'fail'; readonly step: Step; readonly problem: Problem }
  /** Nothing more to do, or not allowed to go on. */
  | { readonly kind: 'stop'; readonly reason: 'asked' | 'paused' | 'failed' | 'moved' | 'finished' | 'rolled-back' };

/** How long to wait between two looks at a step, and between two healthy samples. */
export const SAMPLE_INTERVAL_MS = 1000;

/** How long something may stand in the way of a step that may go by itself, such as the connection of a pod that has just ended. */
const SETTLING_MS = 30_000;

/** What this driver knows of the present step, and nobody else needs to: it is lost with the process, without harm. */
export interface DriverMemory {
  /** The effect was brought about by this driver. */
  readonly performed: boolean;
  /** Time since this driver took up the step, without the time in which the cluster did not answer. */
  readonly elapsedMs: number;
  /** Healthy samples in a row, the present one included. */
  readonly healthySamples: number;
}

export interface Turn {
  readonly record: RunRecord;
  /** Somebody asked this driver to stop between two steps. */
  readonly stopAsked: boolean;
  /** The present step with what was seen of it; absent when no step is left. */
  readonly current?: {
    readonly step: Step;
    readonly observation: StepObservation;
    readonly assessment: StepAssessment;
    readonly memory: DriverMemory;
  };
}

/** The step that the run is at; undefined when none is left. */
export function currentStep(record: RunRecord): Step | undefined {
  return activeSteps(record).find((step) => {
    const status = stepStatus(record.state, step);
    return status !== 'done' && status !== 'skipped';
  });
}

export function decideNextAction({ record, stopAsked, current }: Turn): NextAction {
  const { state } = record;
  if (state.phase === 'failed') return { kind: 'stop', reason: 'failed' };
  if (!current) return { kind: 'stop', reason: endOf(record) };
  const started = stepStatus(state, current.step) === 'started';
  // A step that has begun is brought to its end before the run stops, so that it never stops half-way by its own will.
  if (!started && stopAsked) return { kind: 'stop', reason: 'asked' };
  if (!started && state.phase === 'paused') return { kind: 'stop', reason: 'paused' };
  return started ? decideStarted(current, record) : decideWaiting(current, record);
}

function endOf(record: RunRecord): 'moved' | 'finished' | 'rolled-back' {
  if (record.state.direction === 'back') return 'rolled-back';
  const leftForFinish = record.plan.steps.some((step) => step.phase === 'finish') && !record.state.finishAsked;
  return leftForFinish ? 'moved' : 'finished';
}

type Current = NonNullable<Turn['current']>;

function decideWaiting({ step, observation, assessment, memory }: Current, record: RunRecord): NextAction {
  switch (assessment.kind) {
    case 'obsolete':
      return { kind: 'skip', step, reason: assessment.reason };
    case 'blocked':
      return assessment.mayPass !== undefined && memory.elapsedMs < SETTLING_MS
        ? { kind: 'wait', step, waitMs: SAMPLE_INTERVAL_MS, detail: assessment.mayPass }
        : { kind: 'fail', step, problem: assessment.problem };
    case 'satisfied':
      // As wanted before anything was done, and steadily so: an autoscaler or a person came first.
      return memory.healthySamples >= samplesNeeded(step)
        ? { kind: 'complete', step, evidence: ['already so', ...assessment.evidence] }
        : { kind: 'wait', step, waitMs: SAMPLE_INTERVAL_MS, detail: 'already so; making sure' };
    case 'pending':
      // What a revision has is taken from it only once nothing uses it: pods that terminate are waited for.
      if ('usage' in observation && (observation.usage?.uses.length ?? 0) > 0)
        return waitOrTimeOut({ step, observation, assessment, memory }, record, assessment);
      if (observation.kind === 'workload' && observation.inTheWay !== undefined)
        return waitOrTimeOut({ step, observation, assessment, memory }, record, {
          kind: 'pending',
          cause: 'way',
          detail: observation.inTheWay,
        });
      return { kind: 'start', step };
  }
}

function decideStarted(current: Current, record: RunRecord): NextAction {
  const { step, assessment, memory } = current;
  switch (assessment.kind) {
    case 'obsolete':
      return { kind: 'skip', step, reason: assessment.reason };
    case 'blocked':
      return memory.performed || step.kind === 'labelNamespace'
        ? { kind: 'fail', step, problem: assessment.problem }
        : { kind: 'perform', step };
    case 'satisfied':
      return memory.healthySamples >= samplesNeeded(step)
        ? { kind: 'complete', step, evidence: assessment.evidence }
        : {
            kind: 'wait',
            step,
            waitMs: SAMPLE_INTERVAL_MS,
            detail: `steady for ${memory.healthySamples} of ${samplesNeeded(step)} samples`,
          };
    case 'pending':
      // After a crash nobody knows whether the effect was brought about; every effect may be repeated without harm.
      if (!memory.performed || (assessment.effectDue === true && memory.elapsedMs < timeoutMs(step, record)))
        return { kind: 'perform', step };
      return waitOrTimeOut(current, record, assessment);
  }
}

function waitOrTimeOut(
  { step, observation, memory }: Current,
  record: RunRecord,
  pending: Extract<StepAssessment, { kind: 'pending' }>,
): NextAction {
  if (memory.elapsedMs >= timeoutMs(step, record)) return { kind: 'fail', step, problem: timeoutProblem(step, observation, pending) };
  return { kind: 'wait', step, waitMs: SAMPLE_INTERVAL_MS, detail: pending.detail };
}

/** What needs no pods to start is settled within seconds, so that waiting longer only hides a mistake. */
const QUICK_STEP_TIMEOUT_MS = 60_000;
const QUICK_STEPS: ReadonlySet<Step['kind']> = new Set(['labelNamespace', 'crds', 'copyRevisionedObjects', 'moveTag', 'moveDefault']);

function timeoutMs(step: Step, record: RunRecord): number {
  const asked = record.plan.request.stepTimeoutSeconds * 1000;
  return QUICK_STEPS.has(step.kind) ? Math.min(asked, QUICK_STEP_TIMEOUT_MS) : asked;
}

/** Sync state flickers during pushes, so proxies must be seen in order several times in a row. */
function samplesNeeded(step: Step): number {
  return step.kind === 'restartWorkload' || step.kind === 'restartGateway' || step.kind === 'addGateway' || step.kind === 'shiftGateway'
    ? 3
    : 1;
}
