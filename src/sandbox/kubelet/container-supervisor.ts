/** Keeps one container of a pod as its spec wants it: pulls its image, starts it, probes it, and starts it again after its end. */
import type { Timer } from '../clock/sandbox-clock.ts';
import type { ContainerProgram } from '../cluster/pod-program.ts';
import type { RunningContainer } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { ContainerProbes, type ProbeHooks, type ProbeKind } from './container-probes.ts';
import type { LineLog } from './container-log.ts';
import type { ContainerRecord, TerminatedState } from './container-record.ts';
import { ContainerRun, type ContainerExit } from './container-run.ts';
import { sha256 } from './container-status.ts';
import { createCrashBackOff, createPullBackOff, type BackOff } from './crash-back-off.ts';
import { planPull, pulledMessage } from './image-pull.ts';
import { containerMatches } from './kubelet-knobs.ts';
import type { KubeletNode, KubeletSurroundings } from './kubelet-node.ts';
import type { PodEvent } from './pod-events.ts';
import { podSpec } from './pod-spec.ts';
import { createDeadline, stopContainers } from './pod-shutdown.ts';
import { createPlainProgram } from './programs/plain-program.ts';

/** What a container needs to know of its pod. */
export interface PodLife {
  readonly surroundings: KubeletSurroundings;
  readonly node: KubeletNode;
  pod(): KubeObject;
  ip(): string;
  /** The pod is being stopped: nothing more is started. */
  ending(): boolean;
  /** Resolves early when the pod is being stopped. */
  sleep(ms: number): Promise<void>;
  changed(): void;
}

const DEFAULT_GRACE_SECONDS = 30;

export class ContainerSupervisor implements ProbeHooks {
  readonly record: ContainerRecord;
  readonly #life: PodLife;
  #backOff: BackOff | undefined;
  /** Waits for the first start. */
  #onFirstStart: (() => void) | undefined;
  #run: ContainerRun | undefined;
  #log: LineLog | undefined;
  #previousLog: LineLog | undefined;
  #probes: ContainerProbes | undefined;
  #runStartedAtMs = 0;
  #crash: Timer | undefined;

  constructor(record: ContainerRecord, life: PodLife) {
    this.record = record;
    this.#life = life;
  }

  get name(): string {
    return this.record.spec.name;
  }

  /** The run that is under way; undefined when there is none. */
  get run(): ContainerRun | undefined {
    return this.#run;
  }

  /** As streams see it. */
  view(): RunningContainer {
    return {
      name: this.name,
      running: () => this.#run !== undefined,
      id: () => this.record.containerId,
      log: (previous) => (previous ? this.#previousLog : this.#log),
      exec: (command) => this.#run?.exec(command),
    };
  }

  /** Resolves once it has started for the first time, its startup probe included. */
  untilStarted(): Promise<void> {
    if (this.record.started) return Promise.resolve();
    return new Promise((resolve) => (this.#onFirstStart = resolve));
  }

  /** @returns when it has ended for good, or the pod is being stopped */
  async keep(): Promise<void> {
    for (;;) {
      await this.#pull();
      if (this.#life.ending()) return;
      const exit = await this.#runOnce();
      if (exit === undefined || this.#life.ending() || !this.#isRestarted(exit)) return;
      await this.#backOffAfter(exit);
      if (this.#life.ending()) return;
    }
  }

  /** Looks again whether it is ready, after a knob was turned. */
  reconsider(): void {
    const { record } = this;
    if (record.spec.readinessProbe === undefined && record.started && record.role !== 'init') this.#setReady(this.#knobsAllow());
    if (this.run !== undefined) this.#armCrash(this.run);
  }

  #isRestarted({ exitCode }: ContainerExit): boolean {
    const { role } = this.record;
    const policy = podSpec(this.#life.pod()).restartPolicy ?? 'Always';
    if (role === 'sidecar') return true;
    if (exitCode === 0) return role === 'main' && policy === 'Always';
    return policy !== 'Never';
  }

  #tell(event: Omit<PodEvent, 'fieldPath'>): void {
    const group = this.record.role === 'main' ? 'containers' : 'initContainers';
    this.#life.node.events.record(this.#life.pod(), { ...event, fieldPath: `spec.${group}{${this.name}}` });
  }

  #wait(reason: string, message?: string): void {
    const { record } = this;
    if (record.state.kind === 'terminated') record.lastState = record.state;
    record.state = { kind: 'waiting', reason, ...(message === undefined ? {} : { message }) };
    this.#life.changed();
  }

  async #pull(): Promise<void> {
    const { surroundings, node } = this.#life;
    const { image } = this.record.spec;
    const backOff = createPullBackOff();
    while (!this.#life.ending()) {
      const plan = planPull(this.record.spec, node.images.has(image), surroundings.knobs.settings());
      if (plan === undefined) {
        this.#tell({ type: 'Normal', reason: 'Pulled', message: `Container image "${image}" already present on machine` });
        return;
      }
      this.#tell({ type: 'Normal', reason: 'Pulling', message: `Pulling image "${image}"` });
      if (plan.pullMs > 0) {
        this.#life.changed();
        await this.#life.sleep(plan.pullMs);
        if (this.#life.ending()) return;
      }
      if (plan.error === undefined) {
        node.images.add(image);
        this.#tell({ type: 'Normal', reason: 'Pulled', message: pulledMessage(image, plan.pullMs) });
        return;
      }
      await this.#pullFailed(plan.error, backOff.next(surroundings.clock.nowMs()));
    }
  }

  async #pullFailed(error: string, waitMs: number): Promise<void> {
    const { image } = this.record.spec;
    this.#tell({ type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${error}` });
    this.#tell({ type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' });
    this.#wait('ErrImagePull', error);
    // The kubelet looks at the pod again about a second later and finds it in back-off.
    await this.#life.sleep(1000);
    if (this.#life.ending()) return;
    this.#tell({ type: 'Normal', reason: 'BackOff', message: `Back-off pulling image "${image}"` });
    this.#tell({ type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff' });
    this.#wait('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
    await this.#life.sleep(waitMs - 1000);
  }

  async #runOnce(): Promise<ContainerExit | undefined> {
    const life = this.#life;
    const { surroundings } = life;
    await this.#life.sleep(surroundings.knobs.settings().containerStartMs);
    if (this.#life.ending()) return undefined;
    const program = this.#program();
    const run = new ContainerRun({ surroundings, life, container: this.record.spec, ip: life.ip(), program });
    this.#begin(run);
    await run.begin();
    if (!this.#life.ending()) this.#watch(run);
    const exit = await run.exited;
    this.#unwatch();
    this.#ended(exit);
    return exit;
  }

  #program(): ContainerProgram {
    const { surroundings } = this.#life;
    const { spec, role } = this.record;
    for (const factory of surroundings.programs) {
      try {
        const program = factory(this.#life.pod(), spec);
        if (program !== undefined) return program;
      } catch (error) {
        return { start: () => Promise.reject(error as Error), ready: () => false, stop: () => Promise.resolve(), kill: () => undefined };
      }
    }
    const endsByItself = role === 'init' || (role === 'main' && (podSpec(this.#life.pod()).restartPolicy ?? 'Always') !== 'Always');
    const { jobMs } = surroundings.knobs.settings();
    return createPlainProgram(spec, endsByItself ? { endsAfterMs: role === 'init' ? 0 : jobMs } : {});
  }

  #begin(run: ContainerRun): void {
    const { record } = this;
    const { clock } = this.#life.surroundings;
    if (record.containerId !== undefined) {
      record.restartCount += 1;
      this.#previousLog = this.#log;
      if (record.state.kind === 'terminated') record.lastState = record.state;
    }
    this.#run = run;
    this.#log = run.lines;
    this.#runStartedAtMs = clock.nowMs();
    record.containerId = sha256(`${this.#life.pod().metadata.uid ?? ''}/${this.name}/${record.restartCount}`);
    record.state = { kind: 'running', startedAtMs: clock.nowMs() };
    // An init container without probes counts as started while it runs.
    record.started = record.role === 'init';
    record.ready = false;
    this.#tell({ type: 'Normal', reason: 'Created', message: `Created container: ${this.name}` });
    this.#tell({ type: 'Normal', reason: 'Started', message: `Started container ${this.name}` });
  }

  #watch(run: ContainerRun): void {
    const { surroundings } = this.#life;
    const { record } = this;
    this.#life.changed();
    this.#armCrash(run);
    if (record.role !== 'init') {
      this.#probes = new ContainerProbes(record.spec, surroundings, this);
      this.#probes.start();
    }
    if (this.#run !== run) this.#unwatch();
  }

  #unwatch(): void {
    this.#crash?.cancel();
    this.#crash = undefined;
    this.#probes?.stop();
    this.#probes = undefined;
  }

  ready(): boolean {
    return this.#run?.ready() === true && this.#knobsAllow();
  }

  alive(): boolean {
    return this.#run?.alive() === true;
  }

  onStarted(): void {
    this.record.started = true;
    this.#onFirstStart?.();
    this.#life.changed();
  }

  /** Lets a knob end the run after its time. */
  #armCrash(run: ContainerRun): void {
    const { surroundings } = this.#life;
    const rule = surroundings.knobs.settings().crashes.find((match) => containerMatches(match, this.#life.pod(), this.record.spec));
    this.#crash?.cancel();
    if (rule === undefined) return;
    const leftMs = this.#runStartedAtMs + rule.afterMs - surroundings.clock.nowMs();
    this.#crash = surroundings.clock.after(leftMs, () => run.exit(rule.exitCode));
  }

  onReady(ready: boolean): void {
    const needsTime = this.record.spec.readinessProbe === undefined ? this.#slowMs() : 0;
    this.#setReady(ready && this.#knobsAllow());
    if (needsTime > 0) this.#life.surroundings.clock.after(needsTime, () => this.reconsider());
  }

  #setReady(ready: boolean): void {
    if (this.record.ready === ready || this.#run === undefined) return;
    this.record.ready = ready;
    this.#life.changed();
  }

  #knobsAllow(): boolean {
    const { knobs } = this.#life.surroundings;
    if (this.#slowMs() > 0) return false;
    return !knobs.settings().neverReady.some((match) => containerMatches(match, this.#life.pod(), this.record.spec));
  }

  /** How long the slow start of this run still takes. */
  #slowMs(): number {
    const { knobs, clock } = this.#life.surroundings;
    const rule = knobs.settings().slowStarts.find((match) => containerMatches(match, this.#life.pod(), this.record.spec));
    return rule === undefined ? 0 : Math.max(0, this.#runStartedAtMs + rule.delayMs - clock.nowMs());
  }

  onUnhealthy(kind: ProbeKind): void {
    if (this.#life.ending()) return;
    this.#tell({ type: 'Warning', reason: 'Unhealthy', message: `${kind} probe failed: HTTP probe failed with statuscode: 503` });
  }

  /** The kubelet stops a container whose startup or liveness probe gave up, with the pod's grace period. */
  onDead(kind: ProbeKind): void {
    const { surroundings } = this.#life;
    const run = this.#run;
    if (run === undefined || this.#life.ending()) return;
    this.#tell({
      type: 'Normal',
      reason: 'Killing',
      message: `Container ${this.name} failed ${kind.toLowerCase()} probe, will be restarted`,
    });
    const graceMs = (podSpec(this.#life.pod()).terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000;
    void stopContainers([{ spec: this.record.spec, role: 'main', run }], createDeadline(surroundings.clock, graceMs), surroundings.clock);
  }

  #ended({ exitCode, atMs }: ContainerExit): void {
    const { record } = this;
    const { containerId } = record;
    const state: TerminatedState = {
      kind: 'terminated',
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAtMs: this.#runStartedAtMs,
      finishedAtMs: atMs,
      ...(containerId === undefined ? {} : { containerId }),
    };
    record.state = state;
    // Its log is kept, not the program.
    this.#run = undefined;
    record.started = false;
    record.ready = record.role === 'init' && exitCode === 0;
    this.#life.changed();
  }

  async #backOffAfter({ atMs }: ContainerExit): Promise<void> {
    const { surroundings } = this.#life;
    this.#backOff ??= createCrashBackOff();
    const waitMs = this.#backOff.next(atMs);
    if (waitMs === 0) return;
    const { name, namespace, uid } = this.#life.pod().metadata;
    const full = `${name}_${namespace ?? ''}(${uid ?? ''})`;
    this.#tell({ type: 'Warning', reason: 'BackOff', message: `Back-off restarting failed container ${this.name} in pod ${full}` });
    this.#wait('CrashLoopBackOff', `back-off ${goDuration(waitMs)} restarting failed container=${this.name} pod=${full}`);
    await this.#life.sleep(atMs + waitMs - surroundings.clock.nowMs());
  }
}

/** `10s`, `2m40s`, as Go prints a duration of whole seconds. */
export function goDuration(ms: number): string {
  const total = Math.round(ms / 1000);
  const minutes = Math.floor(total / 60);
  return minutes === 0 ? `${total}s` : `${minutes}m${total % 60}s`;
}
