/** The life of one pod on its node, from its binding to its removal. */
import type { Timer } from '../clock/sandbox-clock.ts';
import type { RunningContainer } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import { newRecord, settleRecord } from './container-record.ts';
import { ContainerSupervisor, type PodLife } from './container-supervisor.ts';
import type { KubeletNode, KubeletSurroundings } from './kubelet-node.ts';
import { containersOf, podSpec, storedStatus, type PodSpec } from './pod-spec.ts';
import { createDeadline, stopContainers, type Deadline } from './pod-shutdown.ts';
import { podStatus } from './pod-status.ts';
import { StatusWriter, type StatusOwner } from './status-writer.ts';

const DEFAULT_GRACE_SECONDS = 30;
const RETRY_MS = 1000;
const SANDBOX_RETRY_MS = 10_000;

export class PodWorker implements PodLife, StatusOwner {
  readonly node: KubeletNode;
  readonly surroundings: KubeletSurroundings;
  readonly #spec: PodSpec;
  readonly #supervisors: readonly ContainerSupervisor[];
  readonly #status = new StatusWriter(this);
  readonly #startedAtMs: number;
  /** There while somebody waits: nobody does in the long life of a pod that is ready. */
  #sleepers: Set<() => void> | undefined;
  #pod: KubeObject;
  #ip: string | undefined;
  #sandboxReady = false;
  /** Nothing more is started. */
  #ending = false;
  /** Nothing runs any more. */
  #ended = false;
  #removed = false;
  #ipReleased = false;
  #isReady = false;
  #deadline: Deadline | undefined;
  #verdict: { readonly reason: string; readonly message: string } | undefined;

  constructor(pod: KubeObject, node: KubeletNode, surroundings: KubeletSurroundings) {
    this.#pod = pod;
    this.node = node;
    this.surroundings = surroundings;
    this.#spec = podSpec(pod);
    this.#startedAtMs = surroundings.clock.nowMs();
    const hasInit = (this.#spec.initContainers ?? []).length > 0;
    this.#supervisors = containersOf(this.#spec).map(
      ({ container, role }) => new ContainerSupervisor(newRecord(container, role, hasInit), this),
    );
  }

  pod(): KubeObject {
    return this.#pod;
  }

  ip(): string {
    return this.#ip ?? '';
  }

  ending(): boolean {
    return this.#ending;
  }

  changed(): void {
    this.#status.changed();
    const isReady = this.#supervisors.every(({ record }) => record.role === 'init' || record.ready);
    // Others wait for a pod to be ready, or must know at once that it is not.
    if (isReady !== this.#isReady) this.#status.hurry();
    this.#isReady = isReady;
  }

  /** Begins; also where nothing may be written. */
  start(): void {
    const { phase } = storedStatus(this.#pod);
    if (phase === 'Succeeded' || phase === 'Failed') {
      this.#ending = true;
      this.#ended = true;
    }
    if (this.#pod.metadata.deletionTimestamp !== undefined) {
      this.update(this.#pod);
      return;
    }
    if (this.#ended) return;
    this.#status.changed();
    void this.#live();
  }

  container(name: string): RunningContainer | undefined {
    return this.#supervisors.find((supervisor) => supervisor.name === name)?.view();
  }

  /** The object has changed. Also where nothing may be written. */
  update(pod: KubeObject): void {
    const before = this.#pod;
    this.#pod = pod;
    const { deletionTimestamp, deletionGracePeriodSeconds, generation } = pod.metadata;
    if (deletionTimestamp !== undefined) this.#delete(deletionGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
    else if (generation !== before.metadata.generation && !this.#ended) this.#status.changed();
  }

  /** The object is gone: whatever runs is cut off. */
  removed(): void {
    this.#removed = true;
    this.#stopWaiting();
    for (const { run } of this.#supervisors) run?.kill();
    this.#release();
  }

  /** The node puts an end to it. */
  evict(reason: string, message: string): void {
    if (this.#ending) return;
    this.#verdict = { reason, message };
    this.node.events.record(this.#pod, { type: 'Warning', reason, message });
    void this.#stop(this.#spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  }

  /** A knob was turned. */
  reconsider(): void {
    if (!this.#ending) for (const supervisor of this.#supervisors) supervisor.reconsider();
  }

  status(pod: KubeObject): ReturnType<typeof podStatus> {
    return podStatus({
      pod,
      records: this.#supervisors.map(({ record }) => record),
      nowMs: this.surroundings.clock.nowMs(),
      startedAtMs: this.#startedAtMs,
      hostIp: this.node.ip,
      podIp: this.#ip ?? (storedStatus(pod)['podIP'] as string | undefined),
      sandboxReady: this.#sandboxReady,
      ended: this.#ended,
      ...(this.#verdict === undefined ? {} : { verdict: this.#verdict }),
    });
  }

  async #live(): Promise<void> {
    await this.sleep(this.surroundings.knobs.settings().sandboxMs);
    if (this.#ending) return;
    this.#ip = await this.#allocateIp();
    if (this.#ip === undefined) return;
    this.#sandboxReady = true;
    if (!(await this.#initialize())) return;
    const mains = this.#supervisors.filter(({ record }) => record.role === 'main');
    await Promise.all(mains.map((supervisor) => supervisor.keep()));
    // All main containers have ended for good: the pod is over, sidecars with it.
    if (!this.#ending) await this.#stop(this.#spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  }

  /** @returns undefined when the pod was stopped before an address was free */
  async #allocateIp(): Promise<string | undefined> {
    if (this.#spec.hostNetwork === true) return this.node.ip;
    while (!this.#ending) {
      try {
        return this.surroundings.network.allocatePodIp();
      } catch (error) {
        const message = `Failed to create pod sandbox: ${error instanceof Error ? error.message : String(error)}`;
        this.node.events.record(this.#pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
        await this.sleep(SANDBOX_RETRY_MS);
      }
    }
    return undefined;
  }

  /** @returns false when the main containers may not be started */
  async #initialize(): Promise<boolean> {
    for (const supervisor of this.#supervisors) {
      const { role } = supervisor.record;
      if (role === 'sidecar') {
        void supervisor.keep();
        await Promise.race([supervisor.untilStarted(), this.#untilEnding()]);
      } else if (role === 'init') {
        await supervisor.keep();
        const { state } = supervisor.record;
        if (!this.#ending && state.kind === 'terminated' && state.exitCode !== 0) {
          await this.#stop(this.#spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
        }
      }
      if (this.#ending) return false;
    }
    return true;
  }

  #delete(graceSeconds: number): void {
    if (this.#deadline !== undefined) this.#deadline.shorten(this.surroundings.clock.nowMs() + graceSeconds * 1000);
    else if (this.#ended) void this.#remove();
    else if (!this.#ending) void this.#stop(graceSeconds);
  }

  /** Stops all containers; the object is removed afterwards when that was asked for. */
  async #stop(graceSeconds: number): Promise<void> {
    const { clock } = this.surroundings;
    this.#ending = true;
    this.#stopWaiting();
    this.#status.changed();
    const targets = this.#supervisors.flatMap(({ record, run }) =>
      run === undefined ? [] : [{ spec: record.spec, role: record.role, run }],
    );
    for (const { spec, role } of targets) {
      const fieldPath = `spec.${role === 'main' ? 'containers' : 'initContainers'}{${spec.name}}`;
      this.node.events.record(this.#pod, { type: 'Normal', reason: 'Killing', message: `Stopping container ${spec.name}`, fieldPath });
    }
    this.#deadline = createDeadline(clock, graceSeconds * 1000);
    await stopContainers(targets, this.#deadline, clock);
    this.#deadline = undefined;
    if (this.#removed) return;
    this.#ended = true;
    this.#sandboxReady = false;
    this.#settleRecords();
    this.#status.changed();
    await this.#status.settled();
    this.#release();
    if (this.#pod.metadata.deletionTimestamp !== undefined) await this.#remove();
  }

  #settleRecords(): void {
    const records = this.#supervisors.map(({ record }) => record);
    const initialized = records.every(
      ({ role, ready, state }) => role === 'main' || ready || (role === 'sidecar' && state.kind !== 'waiting'),
    );
    for (const record of records) settleRecord(record, initialized);
  }

  async #remove(): Promise<void> {
    const { clock } = this.surroundings;
    const { name, namespace, uid } = this.#pod.metadata;
    while (!this.#removed) {
      // Not in the moment in which the change was told: listeners may not write.
      await Promise.resolve();
      const release = clock.hold();
      try {
        await this.node.writer.delete('pods', name, namespace, { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { uid }) });
        return;
      } catch (error) {
        if (error instanceof StatusError && (error.status.code === 404 || error.status.code === 409)) return;
      } finally {
        release();
      }
      await clock.sleep(RETRY_MS);
    }
  }

  #release(): void {
    if (this.#ip !== undefined && this.#spec.hostNetwork !== true && !this.#ipReleased) {
      this.#ipReleased = true;
      this.surroundings.network.releasePodIp(this.#ip);
    }
  }

  sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#ending) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#sleepers?.delete(done);
        if (this.#sleepers?.size === 0) this.#sleepers = undefined;
        resolve();
      };
      const timer: Timer = this.surroundings.clock.after(ms, done);
      (this.#sleepers ??= new Set()).add(done);
    });
  }

  #untilEnding(): Promise<void> {
    return new Promise((resolve) => void (this.#sleepers ??= new Set()).add(resolve));
  }

  /** What waits for time to pass goes on at once, and finds that the pod is ending. */
  #stopWaiting(): void {
    this.#ending = true;
    for (const wake of this.#sleepers ?? []) wake();
    this.#sleepers = undefined;
  }
}
