/** The only place that chooses what a run does next. */
import type { Step } from '../plan/step.ts';
import type { Problem } from '../problems/problem.ts';
import { namesWorkload } from '../request/upgrade-request.ts';
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
  /** How long ago an instant of the record was. */
  readonly msSince: (instant: string) => number;
  /** Somebody asked this driver to stop between two steps. */
  readonly stopAsked: boolean;
  /** Workloads that people have left out since the plan was made, as `NAMESPACE/NAME` or `NAMESPACE/KIND/NAME`. */
  readonly leftOut: readonly string[];
  /** The present step with what was seen of it; absent when no step is left. */
  readonly current?: {
    readonly step: Step;
    readonly observation: StepObservation;
    readonly assessment: StepAssessment;
    readonly memory: DriverMemory;
  };
}

/** The first step that is not at its end; undefined when none is left. */
export function currentStep(record: RunRecord): Step | undefined {
  return openSteps(record)[0];
}

function openSteps(record: RunRecord): readonly Step[] {
  return activeSteps(record).filter((step) => {
    const status = stepStatus(record.state, step);
    return status !== 'done' && status !== 'skipped';
  });
}

/**
 * The steps that the run is at: the first open one, and where that restarts a workload of a wave, the next restarts of the same wave, as
 * many as the request allows at once. Once the run is to stop, those that have begun, which are brought to their end.
 * @returns empty when no step is left
 */
export function stepsAtHand(record: RunRecord, stopAsked: boolean): readonly Step[] {
  const open = openSteps(record);
  const [first] = open;
  if (first === undefined) return [];
  const end = open.findIndex((step) => step !== first && !goTogether(first, step));
  const together = end === -1 ? open : open.slice(0, end);
  const atHand = together.slice(0, record.plan.request.order?.restartsAtOnce ?? 1);
  const begun = atHand.filter((step) => stepStatus(record.state, step) === 'started');
  const isToStop = stopAsked || record.state.phase === 'paused';
  return isToStop && begun.length > 0 ? begun : atHand;
}

function goTogether(first: Step, step: Step): boolean {
  return first.wave !== undefined && step.wave?.index === first.wave.index && first.kind === 'restartWorkload' && step.kind === first.kind;
}

export function decideNextAction({ record, msSince, stopAsked, leftOut, current }: Turn): NextAction {
  const { state } = record;
  if (state.phase === 'failed') return { kind: 'stop', reason: 'failed' };
  if (!current) return { kind: 'stop', reason: endOf(record) };
  const started = stepStatus(state, current.step) === 'started';
  // A step that has begun is brought to its end before the run stops, so that it never stops half-way by its own will.
  if (!started && stopAsked) return { kind: 'stop', reason: 'asked' };
  if (!started && state.phase === 'paused') return { kind: 'stop', reason: 'paused' };
  if (!started && isLeftOut(current.step, leftOut)) return { kind: 'skip', step: current.step, reason: 'left out by meshlift skip' };
  return started ? decideStarted(current, record) : decideWaiting(current, record, msSince);
}

function endOf(record: RunRecord): 'moved' | 'finished' | 'rolled-back' {
  if (record.state.direction === 'back') return 'rolled-back';
  const leftForFinish = record.plan.steps.some((step) => step.phase === 'finish') && !record.state.finishAsked;
  return leftForFinish ? 'moved' : 'finished';
}

/** Whether a step that has not begun, or has failed, is about a workload that is left out. Shares of a gateway cannot be: they belong together. */
export function isLeftOut(step: Step, leftOut: readonly string[]): boolean {
  if (step.kind !== 'restartWorkload' && step.kind !== 'restartGateway') return false;
  return leftOut.some((entry) => namesWorkload(entry, step.workload));
}

type Current = NonNullable<Turn['current']>;

function decideWaiting({ step, observation, assessment, memory }: Current, record: RunRecord, msSince: Turn['msSince']): NextAction {
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
      return pauseBefore(step, record, msSince) ?? { kind: 'start', step };
  }
}

/** What the request wants to be waited before a restart, since the last one of another wave; on the way back nothing is. */
function pauseBefore(step: Step, { plan, state }: RunRecord, msSince: Turn['msSince']): NextAction | undefined {
  const pauseMs = (plan.request.order?.pauseSeconds ?? 0) * 1000;
  if (pauseMs === 0 || state.direction === 'back' || step.kind !== 'restartWorkload') return undefined;
  const before = plan.steps.filter(
    (other) => other.kind === step.kind && (step.wave === undefined || other.wave?.index !== step.wave.index),
  );
  const passedMs = before.flatMap(({ id }) => (state.steps.get(id) === 'done' ? msSince(state.endedAt.get(id) ?? '') : []));
  const leftMs = pauseMs - Math.min(...passedMs);
  if (!(leftMs > 0)) return undefined;
  const detail = `pause of ${pauseMs / 1000}s between ${step.wave === undefined ? 'two workloads' : 'two waves'}`;
  return { kind: 'wait', step, waitMs: Math.min(leftMs, SAMPLE_INTERVAL_MS), detail };
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
