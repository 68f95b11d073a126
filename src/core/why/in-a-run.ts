/** Where a workload or a namespace stands in a run, and what keeps it from moving. */
import { workloadKey, type WorkloadRef } from '../mesh/mesh-inventory.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { controllerOf } from '../mesh/build-workloads.ts';
import type { PodController } from '../mesh/kube-objects.ts';
import type { Step } from '../plan/step.ts';
import { assessStep } from '../run/assess/assess-step.ts';
import { activeSteps, isEnded, stepStatus, type RunRecord } from '../run/run-state.ts';
import type { StepAssessment } from '../run/step-assessment.ts';
import type { Evidence, InRun, WhyTarget } from './why-answer.ts';

export interface SeenRun {
  readonly record: RunRecord;
  /** A person has asked for a pause. */
  readonly paused: boolean;
  /** Who performs it now; undefined when nobody does. */
  readonly driver?: string;
}

/** @returns undefined when the run is over, or has nothing to do with the target */
export function inRun(target: WhyTarget, seen: SeenRun, objects: MeshObjects): InRun | undefined {
  const { record } = seen;
  if (isEnded(record.state)) return undefined;
  const workload: WorkloadRef | undefined =
    target.kind === 'Namespace' ? undefined : (target.ownedBy ?? { kind: target.kind, namespace: target.namespace, name: target.name });
  const all = activeSteps(record);
  const isOf = (step: Step): boolean =>
    workload === undefined ? concernsNamespace(step, target.namespace) : concernsWorkload(step, workload);
  const own = all.filter(isOf);
  const later = record.state.direction === 'back' ? [] : record.plan.steps.filter((step) => !all.includes(step) && isOf(step));
  if (own.length === 0 && later.length === 0) return leftOut(target, workload, record);
  const step = own.find((one) => !isSettled(record, one)) ?? own.at(-1) ?? later[0];
  if (step === undefined) return undefined;
  const evidence = [...positionOf(step, all, record, objects), ...driverLines(seen)];
  return { run: record.name, answer: sentence(step, seen, all, objects), evidence, next: nextCommands(seen) };
}

function concernsWorkload(step: Step, workload: WorkloadRef): boolean {
  return 'workload' in step && step.workload !== undefined && workloadKey(step.workload) === workloadKey(workload);
}

function concernsNamespace(step: Step, namespace: string): boolean {
  if (step.kind === 'labelNamespace') return step.namespace === namespace;
  return 'workload' in step && step.workload?.namespace === namespace;
}

function isSettled({ state }: RunRecord, step: Step): boolean {
  return ['done', 'skipped'].includes(stepStatus(state, step));
}

function leftOut(target: WhyTarget, workload: WorkloadRef | undefined, record: RunRecord): InRun | undefined {
  if (workload === undefined) return undefined;
  const stays = record.plan.notMoved.find((one) => one.workload === workloadKey(workload));
  if (stays === undefined) return undefined;
  return { run: record.name, answer: `Run ${record.name} does not move ${target.name}: ${stays.reason}.`, evidence: [], next: [] };
}

function sentence(step: Step, { record, paused, driver }: SeenRun, all: readonly Step[], objects: MeshObjects): string {
  const run = `Run ${record.name}`;
  const { state } = record;
  if (!all.includes(step)) return `${run} has it in its finish, which was not asked for yet: ${titleOf(step)}.`;
  switch (stepStatus(state, step)) {
    case 'done':
      return `${run} is through with it: ${titleOf(step)}.`;
    case 'skipped':
      return `${run} has skipped it: ${titleOf(step)}.`;
    case 'failed':
      return `${run} failed at it: ${state.problem === undefined ? titleOf(step) : `${state.problem.code} ${firstLine(state.problem.what)}`}`;
    case 'started':
      return `${run} is at it (${titleOf(step)}), and waits${waitingFor(step, objects)}.`;
    case 'waiting': {
      const before = all.slice(0, all.indexOf(step)).filter((one) => !isSettled(record, one)).length;
      const holdup =
        state.phase === 'failed'
          ? 'the run has failed'
          : paused || state.phase === 'paused'
            ? 'the run is paused'
            : driver === undefined
              ? 'nobody drives the run'
              : '';
      const turn = before === 0 ? 'its turn is next' : `${before} ${before === 1 ? 'step comes' : 'steps come'} before it`;
      return `${run} has not come to it (${titleOf(step)}): ${holdup === '' ? turn : `${holdup}, and ${turn}`}.`;
    }
  }
}

function positionOf(step: Step, all: readonly Step[], record: RunRecord, objects: MeshObjects): Evidence[] {
  const current = all.find((one) => !isSettled(record, one));
  const at = (one: Step): string => `${all.indexOf(one) + 1} of ${all.length}`;
  const lines: Evidence[] = all.includes(step)
    ? [{ label: 'step', text: `${at(step)}, ${stepStatus(record.state, step)}; done when ${step.doneWhen}` }]
    : [];
  if (current === undefined || current === step) return lines;
  const started = record.state.steps.get(current.id) === 'started';
  return [
    ...lines,
    { label: 'run is at', text: `${at(current)}: ${titleOf(current)}${started ? `, which waits${waitingFor(current, objects)}` : ''}` },
  ];
}

function driverLines({ record, paused, driver }: SeenRun): Evidence[] {
  const { problem, phase } = record.state;
  return [
    ...(problem === undefined ? [] : [{ label: 'problem', text: `${problem.code} ${firstLine(problem.what)}` }]),
    {
      label: 'run',
      text: `${paused && phase === 'running' ? 'to be paused after its present step' : phase}, ${driver === undefined ? 'driven by nobody now' : `driven by ${driver}`}`,
    },
  ];
}

function nextCommands({ record, driver }: SeenRun): string[] {
  const { phase } = record.state;
  if (phase === 'running' && driver !== undefined) return [];
  return phase === 'moved' ? [`meshlift finish ${record.name}`] : [`meshlift resume ${record.name}`, `meshlift rollback ${record.name}`];
}

/** Titles stand in columns; here they stand in sentences. */
function titleOf({ title }: Step): string {
  return title.replaceAll(/\s+/g, ' ');
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** What a started step still waits for, after the word `waits`: judged as the run itself does from what was just read; its own words where that does not tell. */
function waitingFor(step: Step, objects: MeshObjects): string {
  if (step.kind !== 'restartWorkload' && step.kind !== 'restartGateway') return ` until ${step.doneWhen}`;
  return `: ${assessmentText(assessRestart(step, objects))}`;
}

function assessRestart(step: Extract<Step, { kind: 'restartWorkload' | 'restartGateway' }>, objects: MeshObjects): StepAssessment {
  const { kind, namespace, name } = step.workload;
  const controllers: readonly PodController[] = [...objects.deployments, ...objects.statefulSets, ...objects.daemonSets];
  const controller = controllers.find((c) => c.kind === kind && c.metadata.namespace === namespace && c.metadata.name === name);
  const between = new Set(
    objects.replicaSets.filter((rs) => controllerOf(rs)?.uid === controller?.metadata.uid).map((rs) => rs.metadata.uid),
  );
  const pods = objects.pods.filter((pod) => {
    const owner = controllerOf(pod);
    return owner !== undefined && (owner.uid === controller?.metadata.uid || between.has(owner.uid));
  });
  return assessStep(step, { kind: 'workload', ...(controller === undefined ? {} : { controller }), pods, reports: objects.istiods }, true);
}

function assessmentText(assessment: StepAssessment): string {
  switch (assessment.kind) {
    case 'pending':
      return assessment.detail;
    case 'satisfied':
      return 'it is as wanted now, and must be so in several looks in a row';
    case 'obsolete':
      return assessment.reason;
    case 'blocked':
      return assessment.mayPass ?? firstLine(assessment.problem.details.what);
  }
}
