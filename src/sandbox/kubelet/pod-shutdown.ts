/**
 * How the containers of a pod are stopped: all at once, sidecars after the others and in reverse order, each with its
 * preStop hook first, all within one grace period.
 * @source kubernetes/kubernetes killContainer of pkg/kubelet/kuberuntime/kuberuntime_container.go @v1.34
 */
import type { SandboxClock, Timer } from '../clock/sandbox-clock.ts';
import type { ContainerRun } from './container-run.ts';
import type { ContainerRole, PodContainer } from './pod-spec.ts';

/** A container is never killed sooner after its SIGTERM, even when its hook or its turn used up the grace period. */
const LEAST_GRACE_MS = 2000;

/** A moment that may come earlier than was thought: a second delete with a shorter grace period. */
export interface Deadline {
  readonly atMs: () => number;
  readonly shorten: (atMs: number) => void;
  readonly passed: Promise<void>;
  readonly cancel: () => void;
}

export function createDeadline(clock: SandboxClock, delayMs: number): Deadline {
  const { promise, resolve } = Promise.withResolvers<void>();
  let atMs = clock.nowMs() + delayMs;
  let timer: Timer = clock.after(delayMs, resolve);
  return {
    atMs: () => atMs,
    shorten: (sooner) => {
      if (sooner >= atMs) return;
      atMs = sooner;
      timer.cancel();
      timer = clock.after(Math.max(0, atMs - clock.nowMs()), resolve);
    },
    passed: promise,
    cancel: () => timer.cancel(),
  };
}

export interface StopTarget {
  readonly spec: PodContainer;
  readonly role: ContainerRole;
  readonly run: ContainerRun;
}

/** Resolves when all have exited. @param targets in the order in which they were started */
export async function stopContainers(targets: readonly StopTarget[], deadline: Deadline, clock: SandboxClock): Promise<void> {
  await Promise.all(targets.map((target, index) => stopOne(target, goneBefore(targets, index), deadline, clock)));
  deadline.cancel();
}

/** A sidecar waits for the main containers and for the sidecars that were started after it. */
function goneBefore(targets: readonly StopTarget[], index: number): readonly StopTarget[] {
  if (targets[index]?.role !== 'sidecar') return [];
  return targets.filter(({ role }, other) => role === 'main' || (role === 'sidecar' && other > index));
}

async function stopOne({ spec, run }: StopTarget, before: readonly StopTarget[], deadline: Deadline, clock: SandboxClock): Promise<void> {
  const exited = run.exited.then(() => undefined);
  if (clock.nowMs() < deadline.atMs()) {
    const preStopMs = preStopDurationMs(spec, run);
    if (preStopMs > 0) await waitAtMost(clock, preStopMs, [exited, deadline.passed]);
    if (before.length > 0) await Promise.race([Promise.all(before.map((other) => other.run.exited)), exited, deadline.passed]);
    run.terminate();
    if (deadline.atMs() - clock.nowMs() < LEAST_GRACE_MS) await waitAtMost(clock, LEAST_GRACE_MS, [exited]);
    else await Promise.race([exited, deadline.passed]);
  }
  run.kill();
  await exited;
}

async function waitAtMost(clock: SandboxClock, ms: number, others: readonly Promise<void>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  await Promise.race([promise, ...others]);
  timer.cancel();
}

/** How long a hook takes: the seconds of a sleep, as an action or as a command; other commands are the program's and take no time. */
export function preStopDurationMs(spec: PodContainer, run: Pick<ContainerRun, 'exec'>): number {
  const preStop = spec.lifecycle?.preStop;
  if (preStop?.sleep !== undefined) return preStop.sleep.seconds * 1000;
  const command = preStop?.exec?.command ?? [];
  if (command.length === 0) return 0;
  const sleeps = [...command.join(' ').matchAll(/\bsleep\s+(\d+(?:\.\d+)?)/g)].map(([, seconds]) => Number(seconds));
  if (sleeps.length === 0) void run.exec(command);
  return sleeps.reduce((sum, seconds) => sum + seconds, 0) * 1000;
}
