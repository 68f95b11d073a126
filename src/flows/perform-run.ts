/** The loop that performs a run: look, choose, store the intent, bring about the effect, store the outcome. */
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { Step } from '../core/plan/step.ts';
import { Problem, Transient, type ProblemState } from '../core/problems/problem.ts';
import { assessControlPlane, controlPlaneProblem } from '../core/run/assess/assess-control-plane.ts';
import { assessStep } from '../core/run/assess/assess-step.ts';
import { currentStep, decideNextAction, SAMPLE_INTERVAL_MS, type NextAction } from '../core/run/decide-next-action.ts';
import type { RunEvent, StoredProblem } from '../core/run/run-event.ts';
import { stepStatus, type RunRecord } from '../core/run/run-state.ts';
import type { HeldLock } from '../ports/run-lock.ts';
import type { RunWriter } from '../ports/run-store.ts';
import { instant, type RunPorts } from './flow-ports.ts';
import { observeStep } from './observe-step.ts';
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

/** How long a run may get nowhere, because the cluster does not answer or refuses for the moment, before it stops. */
const LONGEST_SILENCE_MS = 120_000;
const LONGEST_BACKOFF_MS = 10_000;

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

/** Waits longer each time, until the run got somewhere again or has got nowhere for too long. */
class Patience {
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

/** One turn at a time; what it remembers between turns is lost with the process, without harm. */
class Driver {
  readonly #ports: RunPorts;
  readonly #input: PerformRunInput;
  #step = '';
  #sinceMs = 0;
  #performed = false;
  /** Effects of the step that this driver has brought about. */
  readonly #effects = new Set<string>();
  /** Raised with each effect and each event. */
  progress = 0;
  #healthySamples = 0;
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

  async turn(): Promise<RunResult | undefined> {
    this.#expectNotOvertaken();
    const step = currentStep(this.#record);
    if (step && step.id !== this.#step) this.#takeUp(step);
    if (!step) return this.#act(decideNextAction({ record: this.#record, stopAsked: this.#input.stopSignal.aborted }));
    const started = stepStatus(this.#record.state, step) === 'started';
    if (!started && (await this.#pauseWasAsked())) return undefined;
    const observation = await observeStep(this.#ports, {
      home: this.#home,
      step,
      state: this.#record.state,
      rendered: () => this.#render(),
    });
    const assessment = assessStep(step, observation, started);
    this.#healthySamples = assessment.kind === 'satisfied' ? this.#healthySamples + 1 : 0;
    const memory = {
      performed: this.#performed,
      elapsedMs: this.#ports.clock.nowMs() - this.#sinceMs,
      healthySamples: this.#healthySamples,
    };
    return this.#act(
      decideNextAction({
        record: this.#record,
        stopAsked: this.#input.stopSignal.aborted,
        current: { step, observation, assessment, memory },
      }),
    );
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
    const step = currentStep(this.#record);
    if (problem.code === 'RUN-002' || step === undefined) throw problem.withState(standsAt(this.#record));
    try {
      return await this.#fail(step, problem);
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof Transient)) throw error;
      return { outcome: 'failed', record: this.#record, problem };
    }
  }

  #takeUp(step: Step): void {
    this.#step = step.id;
    this.#sinceMs = this.#ports.clock.nowMs();
    this.#performed = false;
    this.#effects.clear();
    this.#healthySamples = 0;
  }

  /** Time in which the cluster did not answer is not time that the step has had. */
  disregard(ms: number): void {
    this.#sinceMs += ms;
  }

  async #effect(name: string, act: () => Promise<void>): Promise<void> {
    if (this.#effects.has(name)) return;
    this.#expectLock();
    await act();
    this.#effects.add(name);
    this.progress += 1;
  }

  async #pauseWasAsked(): Promise<boolean> {
    if (this.#record.state.phase === 'paused') return false;
    const controls = await this.#ports.store.readControls(this.#record.name);
    if (!controls.paused) return false;
    await this.#append({ type: 'Paused', at: this.#now(), by: 'request' });
    return true;
  }

  async #act(action: NextAction): Promise<RunResult | undefined> {
    switch (action.kind) {
      case 'start': {
        const before = await originalsOf(this.#ports, action.step);
        await this.#append({ type: 'StepStarted', at: this.#now(), step: action.step.id, ...before });
        // What it had to wait for before is not time that it has had.
        this.#sinceMs = this.#ports.clock.nowMs();
        return this.#perform(action.step);
      }
      case 'perform':
        return this.#perform(action.step);
      case 'wait':
        this.#ports.observer.tell({ kind: 'progress', step: action.step, detail: action.detail, record: this.#record });
        await this.#ports.clock.sleep(action.waitMs);
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
    try {
      await performStep(this.#ports, {
        run: this.#record.name,
        step,
        plan: this.#record.plan,
        state: this.#record.state,
        rendered: () => this.#render(),
        effect: (name, act) => this.#effect(name, act),
      });
    } catch (error) {
      if (error instanceof Problem && error.code !== 'RUN-002') return this.#fail(step, await this.#explain(step, error));
      throw error;
    }
    // A step of several effects may find none of them due yet.
    if (this.#performed && this.progress === progress) await this.#ports.clock.sleep(SAMPLE_INTERVAL_MS);
    this.#performed = true;
    return undefined;
  }

  /** istioctl and helm only say that they waited in vain; what the pods say tells why. */
  async #explain(step: Step, error: Problem): Promise<Problem> {
    if (step.kind !== 'installControlPlane' || error.code !== 'TOOL-003') return error;
    const observation = await observeStep(this.#ports, {
      home: this.#home,
      step,
      state: this.#record.state,
      rendered: () => this.#render(),
    });
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
