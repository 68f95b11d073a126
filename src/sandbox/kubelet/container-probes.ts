/** Asks a program whether it has started, is ready and is alive, at the times that the container's probes give. */
import type { SandboxClock, Timer } from '../clock/sandbox-clock.ts';
import type { Probe, PodContainer } from './pod-spec.ts';
import type { ProbeWheel, WheelBucket, WheelEntry } from './probe-wheel.ts';

export type ProbeKind = 'Startup' | 'Readiness' | 'Liveness';

export interface ProbeHooks {
  readonly ready: () => boolean;
  readonly alive: () => boolean;
  /** The startup probe has succeeded, or there is none. */
  readonly onStarted: () => void;
  readonly onReady: (ready: boolean) => void;
  /** The first failure of a row. */
  readonly onUnhealthy: (kind: ProbeKind) => void;
  /** The startup or liveness probe has failed as often as it may. */
  readonly onDead: (kind: ProbeKind) => void;
}

export interface ProbeTiming {
  readonly clock: SandboxClock;
  readonly wheel: ProbeWheel;
}

const MS = 1000;
const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_FAILURES = 3;

/**
 * Begins with the startup probe; the others follow once it has succeeded. Without a readiness probe a container is ready
 * as soon as it has started.
 */
export class ContainerProbes {
  readonly #container: PodContainer;
  readonly #startedAtMs: number;
  readonly #probes: RepeatedProbe[] = [];
  readonly timing: ProbeTiming;
  readonly hooks: ProbeHooks;
  stopped = false;

  constructor(container: PodContainer, timing: ProbeTiming, hooks: ProbeHooks) {
    this.#container = container;
    this.timing = timing;
    this.hooks = hooks;
    this.#startedAtMs = timing.clock.nowMs();
  }

  start(): void {
    const { startupProbe } = this.#container;
    if (startupProbe === undefined) this.#begin();
    else this.#repeat(new FatalProbe('Startup', startupProbe, this, () => this.#begin()));
  }

  stop(): void {
    this.stopped = true;
    for (const probe of this.#probes) probe.cancel();
  }

  #begin(): void {
    this.hooks.onStarted();
    if (this.stopped) return;
    const { livenessProbe, readinessProbe } = this.#container;
    if (livenessProbe !== undefined) this.#repeat(new FatalProbe('Liveness', livenessProbe, this));
    if (readinessProbe === undefined) this.hooks.onReady(true);
    else this.#repeat(new ReadinessProbe('Readiness', readinessProbe, this));
  }

  #repeat(probe: RepeatedProbe): void {
    this.#probes.push(probe);
    // The delay counts from the start of the container.
    const sinceStartMs = this.timing.clock.nowMs() - this.#startedAtMs;
    probe.start(Math.max(0, (probe.probe.initialDelaySeconds ?? 0) * MS - sinceStartMs));
  }
}

abstract class RepeatedProbe implements WheelEntry {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  protected readonly of: ContainerProbes;
  #timer: Timer | undefined;
  #bucket: WheelBucket | undefined;

  constructor(kind: ProbeKind, probe: Probe, of: ContainerProbes) {
    this.kind = kind;
    this.probe = probe;
    this.of = of;
  }

  start(delayMs: number): void {
    if (delayMs === 0) this.act();
    else this.#later(delayMs);
  }

  act(): void {
    const { hooks, timing } = this.of;
    this.#timer = undefined;
    this.#bucket = undefined;
    if (this.of.stopped) return;
    const next = this.judge(this.kind === 'Liveness' ? hooks.alive() : hooks.ready());
    if (this.of.stopped || next === 'stop') return;
    const periodMs = (this.probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * MS;
    if (next === 'settled') this.#bucket = timing.wheel.after(periodMs, this);
    else this.#later(periodMs);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#bucket?.delete(this);
  }

  protected abstract judge(passed: boolean): 'go on' | 'settled' | 'stop';

  #later(delayMs: number): void {
    this.#timer = this.of.timing.clock.after(delayMs, () => this.act());
  }
}

class ReadinessProbe extends RepeatedProbe {
  #row = 0;
  #last: boolean | undefined;
  #ready = false;

  protected judge(passed: boolean): 'go on' | 'settled' {
    const { hooks } = this.of;
    this.#row = passed === this.#last ? this.#row + 1 : 1;
    this.#last = passed;
    if (!passed && this.#row === 1) hooks.onUnhealthy('Readiness');
    const needed = passed ? (this.probe.successThreshold ?? 1) : (this.probe.failureThreshold ?? DEFAULT_FAILURES);
    if (passed !== this.#ready && this.#row >= needed) {
      this.#ready = passed;
      hooks.onReady(passed);
    }
    return this.#ready && passed ? 'settled' : 'go on';
  }
}

/** Of a container that ends when it fails too often. */
class FatalProbe extends RepeatedProbe {
  readonly #onPassed: (() => void) | undefined;
  #failures = 0;

  /** @param onPassed ends it once it has passed */
  constructor(kind: 'Startup' | 'Liveness', probe: Probe, of: ContainerProbes, onPassed?: () => void) {
    super(kind, probe, of);
    this.#onPassed = onPassed;
  }

  protected judge(passed: boolean): 'settled' | 'go on' | 'stop' {
    if (passed && this.#onPassed !== undefined) {
      this.#onPassed();
      return 'stop';
    }
    this.#failures = passed ? 0 : this.#failures + 1;
    if (this.#failures === 1) this.of.hooks.onUnhealthy(this.kind);
    if (this.#failures < (this.probe.failureThreshold ?? DEFAULT_FAILURES)) return passed ? 'settled' : 'go on';
    this.of.hooks.onDead(this.kind);
    return 'stop';
  }
}
