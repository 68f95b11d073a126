/** The loop that performs a run: look, choose, store the intent, bring about the effect, store the outcome. */
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { Step } from '../core/plan/step.ts';
import { Problem, Transient, type ProblemState } from '../core/problems/problem.ts';
import { assessControlPlane, controlPlaneProblem } from '../core/run/assess/assess-control-plane.ts';
import { assessStep } from '../core/run/assess/assess-step.ts';
import { currentStep, decideNextAction, SAMPLE_INTERVAL_MS, stepsAtHand, type NextAction } from '../core/run/decide-next-action.ts';
import type { RunEvent, StoredProblem } from '../core/run/run-event.ts';
import { stepStatus, type RunRecord } from '../core/run/run-state.ts';
import type { ClusterReader } from '../ports/cluster.ts';
import type { HeldLock } from '../ports/run-lock.ts';
import type { RunWriter } from '../ports/run-store.ts';
import { instant, type RunPorts } from './flow-ports.ts';
import { observeStep, type ObserveInput } from './observe-step.ts';
import { Patience } from './patience.ts';
import { installerOf, installTarget, originalsOf, performStep } from './perform-step.ts';

export type RunOutcome = Extract<NextAction, { kind: 'stop' }>['reason'];

export interface RunResult {
  readonly outcome: RunOutcome;
  readonly record: RunRecord;
  /** Set when a step failed, or the cluster stopped answering. */
  readonly problem?: Problem;
}

export interface PerformRunInput {
  readonly writer: RunWriter;
  readonly lock: HeldLock;
  /** Given when somebody asks this process to stop between two steps. */
  readonly stopSignal: AbortSignal;
}

export async function performRun(ports: RunPorts, input: PerformRunInput): Promise<RunResult> {
  const driver = new Driver(ports, input);
  const patience = new Patience(ports);
  for (;;) {
    const progress = driver.progress;
    const turnAtMs = ports.clock.nowMs();
    try {
      const result = await driver.turn();
      patience.renew();
      if (result) return result;
    } catch (error) {
      if (error instanceof Problem) return driver.giveUp(error);
      if (!(error instanceof Transient)) throw error;
      if (driver.progress !== progress) patience.renew();
      if (!(await patience.wait(error)))
        return { outcome: 'failed', record: input.writer.record, problem: silentProblem(error, input.writer.record) };
      driver.disregard(ports.clock.nowMs() - turnAtMs);
    }
  }
}

function silentProblem(error: Transient, record: RunRecord): Problem {
  return new Problem('RUN-050', {
    what: `${error.reason}.`,
    state: standsAt(record),
    next: [
      { label: 'go on', command: 'meshlift resume' },
      { label: 'take back', command: 'meshlift rollback' },
    ],
  });
}

function standsAt(record: RunRecord): ProblemState {
  return {
    kind: 'paused',
    detail: `${record.name} stands at ${currentStep(record)?.title ?? 'its end'}; what was done stands and is recorded.`,
  };
}

type WaitAction = Extract<NextAction, { kind: 'wait' }>;

/** What a driver knows of a step at hand. */
interface StepMemory {
  sinceMs: number;
  performed: boolean;
  /** Effects that this driver has brought about. */
  readonly effects: Set<string>;
  healthySamples: number;
}

function newMemory(nowMs: number): StepMemory {
  return { sinceMs: nowMs, performed: false, effects: new Set(), healthySamples: 0 };
}

/** istiods are asked once in a turn, however many steps look at them. */
function oneLook(read: ClusterReader['readIstiods']): ClusterReader['readIstiods'] {
  const seen = new Map<string, ReturnType<typeof read>>();
  return (namespace = '') => {
    const reports = seen.get(namespace) ?? read(namespace === '' ? undefined : namespace);
    seen.set(namespace, reports);
    return reports;
  };
}

/** One turn at a time; what it remembers between turns is lost with the process, without harm. */
class Driver {
  readonly #ports: RunPorts;
  readonly #input: PerformRunInput;
  /** The step that it looks at or acts on now. */
  #at: Step | undefined;
  /** What it knows of the steps at hand, by their ids. */
  #memories = new Map<string, StepMemory>();
  /** What people have left out, as read before the last step that was to begin. */
  #leftOut: readonly string[] = [];
  /** Raised with each effect and each event. */
  progress = 0;
  #rendered: readonly KubeObject[] | undefined;

  constructor(ports: RunPorts, input: PerformRunInput) {
    this.#ports = ports;
    this.#input = input;
  }

  get #record(): RunRecord {
    return this.#input.writer.record;
  }

  get #home(): { run: string; istioNamespace: string } {
    return { run: this.#record.name, istioNamespace: this.#record.plan.mesh.istioNamespace };
  }

  /** Looks at each step at hand once, and does what is due; sleeps when all of them are only waited for. */
  async turn(): Promise<RunResult | undefined> {
    this.#expectNotOvertaken();
    const steps = stepsAtHand(this.#record, this.#stopAsked);
    this.#memories = new Map(steps.map(({ id }) => [id, this.#memories.get(id) ?? newMemory(this.#ports.clock.nowMs())]));
    if (steps.length === 0)
      return this.#act(decideNextAction({ record: this.#record, msSince: this.#msSince, stopAsked: this.#stopAsked, leftOut: [] }));
    const isToBegin = steps.some((step) => stepStatus(this.#record.state, step) !== 'started');
    if (isToBegin && (await this.#pauseWasAsked())) return undefined;
    const readIstiods = oneLook((namespace) => this.#ports.reader.readIstiods(namespace));
    const waits: WaitAction[] = [];
    for (const step of steps) {
      // Since the turn began, a stop may have been asked for: then only what has begun is still at hand.
      if (!stepsAtHand(this.#record, this.#stopAsked).includes(step)) continue;
      this.#at = step;
      const action = await this.#decide(step, readIstiods);
      if (action.kind === 'wait') waits.push(action);
      const result = action.kind === 'wait' ? undefined : await this.#act(action);
      if (result) return result;
    }
    if (waits.length === steps.length) await this.#wait(waits);
    return undefined;
  }

  async #decide(step: Step, readIstiods: ClusterReader['readIstiods']): Promise<NextAction> {
    const memory = this.#memoryOf(step);
    const started = stepStatus(this.#record.state, step) === 'started';
    const observation = await observeStep(this.#ports, { ...this.#lookAt(step), readIstiods });
    const assessment = assessStep(step, observation, started);
    memory.healthySamples = assessment.kind === 'satisfied' ? memory.healthySamples + 1 : 0;
    const { performed, healthySamples } = memory;
    const current = { step, observation, assessment, memory: { performed, healthySamples, elapsedMs: this.#nowMs - memory.sinceMs } };
    return decideNextAction({ record: this.#record, msSince: this.#msSince, stopAsked: this.#stopAsked, leftOut: this.#leftOut, current });
  }

  #lookAt(step: Step): ObserveInput {
    return { home: this.#home, step, state: this.#record.state, rendered: () => this.#render() };
  }

  /** All are told, those that wait for the same before they begin once; the one that is due first says when to look again. */
  async #wait(waits: readonly WaitAction[]): Promise<void> {
    const isBegun = ({ step }: WaitAction): boolean => stepStatus(this.#record.state, step) === 'started';
    const told = waits.filter((wait, index) => isBegun(wait) || !waits.slice(0, index).some(({ detail }) => detail === wait.detail));
    for (const { step, detail } of told) this.#ports.observer.tell({ kind: 'progress', step, detail, record: this.#record });
    await this.#ports.clock.sleep(Math.min(...waits.map(({ waitMs }) => waitMs)));
  }

  #memoryOf(step: Step): StepMemory {
    const memory = this.#memories.get(step.id) ?? newMemory(this.#nowMs);
    this.#memories.set(step.id, memory);
    return memory;
  }

  get #nowMs(): number {
    return this.#ports.clock.nowMs();
  }

  readonly #msSince = (instant: string): number => this.#nowMs - Date.parse(instant);

  get #stopAsked(): boolean {
    return this.#input.stopSignal.aborted;
  }

  #expectNotOvertaken(): void {
    if (!this.#input.lock.isLost()) return;
    throw new Problem('RUN-002', { what: 'The lock of this mesh was lost.', next: [{ label: 'look', command: 'meshlift runs' }] });
  }

  /** Without it nothing is written. One that could not be renewed in time comes back with a renewal, unless somebody took it. */
  #expectLock(): void {
    this.#expectNotOvertaken();
    if (!this.#input.lock.isHeld()) throw new Transient('the lock of this mesh could not be renewed');
  }

  /**
   * Ends the run where it stands because of something that only a person can mend, such as a permission that is missing.
   * The record says so, unless it is another driver's by now or cannot be written for the same reason.
   */
  async giveUp(problem: Problem): Promise<RunResult> {
    const step = this.#at ?? currentStep(this.#record);
    if (problem.code === 'RUN-002' || step === undefined) throw problem.withState(standsAt(this.#record));
    try {
      return await this.#fail(step, problem);
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof Transient)) throw error;
      return { outcome: 'failed', record: this.#record, problem };
    }
  }

  /** Time in which the cluster did not answer is not time that the steps have had. */
  disregard(ms: number): void {
    for (const memory of this.#memories.values()) memory.sinceMs += ms;
  }

  async #effect(step: Step, name: string, act: () => Promise<void>): Promise<void> {
    const { effects } = this.#memoryOf(step);
    if (effects.has(name)) return;
    this.#expectLock();
    await act();
    effects.add(name);
    this.progress += 1;
  }

  async #pauseWasAsked(): Promise<boolean> {
    if (this.#record.state.phase === 'paused') return false;
    const { paused, leftOut } = await this.#ports.store.readControls(this.#record.name);
    this.#leftOut = leftOut;
    if (!paused) return false;
    await this.#append({ type: 'Paused', at: this.#now(), by: 'request' });
    return true;
  }

  async #act(action: NextAction): Promise<RunResult | undefined> {
    switch (action.kind) {
      case 'start': {
        const before = await originalsOf(this.#ports, action.step);
        await this.#append({ type: 'StepStarted', at: this.#now(), step: action.step.id, ...before });
        // What it had to wait for before is not time that it has had.
        this.#memoryOf(action.step).sinceMs = this.#nowMs;
        return this.#perform(action.step);
      }
      case 'perform':
        return this.#perform(action.step);
      case 'wait':
        await this.#wait([action]);
        return undefined;
      case 'complete':
        await this.#append({ type: 'StepDone', at: this.#now(), step: action.step.id, evidence: [...action.evidence] });
        return undefined;
      case 'skip':
        await this.#append({ type: 'StepSkipped', at: this.#now(), step: action.step.id, reason: action.reason });
        return undefined;
      case 'fail':
        return this.#fail(action.step, action.problem);
      case 'stop':
        return this.#stop(action.reason);
    }
  }

  async #perform(step: Step): Promise<RunResult | undefined> {
    const { progress } = this;
    const memory = this.#memoryOf(step);
    try {
      await performStep(this.#ports, {
        run: this.#record.name,
        step,
        plan: this.#record.plan,
        state: this.#record.state,
        rendered: () => this.#render(),
        effect: (name, act) => this.#effect(step, name, act),
      });
    } catch (error) {
      if (error instanceof Problem && error.code !== 'RUN-002') return this.#fail(step, await this.#explain(step, error));
      throw error;
    }
    // A step of several effects may find none of them due yet.
    if (memory.performed && this.progress === progress) await this.#ports.clock.sleep(SAMPLE_INTERVAL_MS);
    memory.performed = true;
    return undefined;
  }

  /** istioctl and helm only say that they waited in vain; what the pods say tells why. */
  async #explain(step: Step, error: Problem): Promise<Problem> {
    if (step.kind !== 'installControlPlane' || error.code !== 'TOOL-003') return error;
    const observation = await observeStep(this.#ports, this.#lookAt(step));
    if (observation.kind !== 'control-plane' || !observation.controlPlane.deployment) return error;
    const wanted = { revision: step.revision, namespace: step.namespace, mustInject: true };
    const assessment = assessControlPlane(wanted, observation.controlPlane);
    const detail = assessment.kind === 'pending' ? assessment.detail : 'the installation failed';
    const problem = controlPlaneProblem(wanted, observation.controlPlane, detail);
    return new Problem(problem.code, { ...problem.details, what: `${problem.details.what}\n${error.details.what}` });
  }

  async #fail(step: Step, problem: Problem): Promise<RunResult> {
    await this.#append({ type: 'StepFailed', at: this.#now(), step: step.id, problem: stored(problem) });
    return { outcome: 'failed', record: this.#record, problem };
  }

  async #stop(reason: RunOutcome): Promise<RunResult> {
    if ((reason === 'moved' || reason === 'finished' || reason === 'rolled-back') && this.#record.state.phase !== reason) {
      await this.#append({ type: 'RunEnded', at: this.#now(), outcome: reason });
    }
    return { outcome: reason, record: this.#record };
  }

  async #append(event: RunEvent): Promise<void> {
    this.#expectLock();
    const record = await this.#input.writer.append(event);
    this.progress += 1;
    this.#ports.observer.tell({ kind: 'event', event, record });
  }

  async #render(): Promise<readonly KubeObject[]> {
    const { plan } = this.#record;
    this.#rendered ??= (await installerOf(this.#ports, plan).render(installTarget(plan), plan.pins)).objects;
    return this.#rendered;
  }

  #now(): string {
    return instant(this.#ports.clock.nowMs());
  }
}

function stored(problem: Problem): StoredProblem {
  const { what, why, next } = problem.details;
  return {
    code: problem.code,
    what,
    why: why ?? '',
    next: next.map((step) => ({ label: step.label, ...(step.command === undefined ? {} : { command: step.command }) })),
  };
}
