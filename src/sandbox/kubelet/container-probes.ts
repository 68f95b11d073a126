/** Asks a program whether it has started, is ready and is alive, at the times that the container's probes give. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Probe, PodContainer } from './pod-spec.ts';
import type { ProbeWheel } from './probe-wheel.ts';

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
 * @returns stops them
 */
export function startProbes(container: PodContainer, { clock, wheel }: ProbeTiming, hooks: ProbeHooks): () => void {
  const cancels = new Map<ProbeKind, () => void>();
  const startedAtMs = clock.nowMs();
  let stopped = false;

  const repeat = (kind: ProbeKind, probe: Probe, onResult: (passed: boolean) => 'go on' | 'settled' | 'stop'): void => {
    const periodMs = (probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * MS;
    const ask = (): void => {
      if (stopped) return;
      const next = onResult(kind === 'Liveness' ? hooks.alive() : hooks.ready());
      if (stopped || next === 'stop') return;
      cancels.set(kind, next === 'settled' ? wheel.after(periodMs, ask) : later(periodMs, ask));
    };
    // The delay counts from the start of the container.
    const sinceStartMs = clock.nowMs() - startedAtMs;
    const delayMs = Math.max(0, (probe.initialDelaySeconds ?? 0) * MS - sinceStartMs);
    if (delayMs === 0) ask();
    else cancels.set(kind, later(delayMs, ask));
  };
  const later = (delayMs: number, act: () => void): (() => void) => {
    const timer = clock.after(delayMs, act);
    return () => timer.cancel();
  };
  const begin = (): void => {
    hooks.onStarted();
    if (stopped) return;
    if (container.livenessProbe !== undefined)
      repeat('Liveness', container.livenessProbe, fatal('Liveness', container.livenessProbe, hooks));
    if (container.readinessProbe === undefined) hooks.onReady(true);
    else repeat('Readiness', container.readinessProbe, readiness(container.readinessProbe, hooks));
  };

  const startup = container.startupProbe;
  if (startup === undefined) begin();
  else {
    const judge = fatal('Startup', startup, hooks);
    repeat('Startup', startup, (passed) => {
      if (!passed) return judge(false);
      begin();
      return 'stop';
    });
  }
  return () => {
    stopped = true;
    for (const cancel of cancels.values()) cancel();
  };
}

function readiness(probe: Probe, hooks: ProbeHooks): (passed: boolean) => 'go on' | 'settled' {
  const needed = { passed: probe.successThreshold ?? 1, failed: probe.failureThreshold ?? DEFAULT_FAILURES };
  let row = 0;
  let last: boolean | undefined;
  let ready = false;
  return (passed) => {
    row = passed === last ? row + 1 : 1;
    last = passed;
    if (!passed && row === 1) hooks.onUnhealthy('Readiness');
    if (passed !== ready && row >= (passed ? needed.passed : needed.failed)) {
      ready = passed;
      hooks.onReady(ready);
    }
    return ready && passed ? 'settled' : 'go on';
  };
}

function fatal(kind: 'Startup' | 'Liveness', probe: Probe, hooks: ProbeHooks): (passed: boolean) => 'settled' | 'go on' | 'stop' {
  let failures = 0;
  return (passed) => {
    failures = passed ? 0 : failures + 1;
    if (failures === 1) hooks.onUnhealthy(kind);
    if (failures < (probe.failureThreshold ?? DEFAULT_FAILURES)) return passed ? 'settled' : 'go on';
    hooks.onDead(kind);
    return 'stop';
  };
}
