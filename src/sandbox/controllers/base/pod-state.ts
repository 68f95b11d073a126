/** What a pod's status says, read as kube-controller-manager reads it. */
import type { Condition, Pod } from './workload-shapes.ts';

export function podPhase(pod: Pod): string {
  return pod.status?.phase ?? 'Pending';
}

/** Neither ended nor on its way out: counts as a replica. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !isTerminating(pod);
}

export function isFinished(pod: Pod): boolean {
  return podPhase(pod) === 'Succeeded' || podPhase(pod) === 'Failed';
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function podCondition(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((one) => one.type === type);
}

export function isReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Milliseconds since the epoch, to the second; undefined when the pod is not ready or does not say since when. */
export function readySinceMs(pod: Pod): number | undefined {
  const condition = podCondition(pod, 'Ready');
  if (condition?.status !== 'True' || condition.lastTransitionTime === undefined) return undefined;
  return Date.parse(condition.lastTransitionTime);
}

/** Ready, and for so many seconds. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return isReady(pod) && msUntilAvailable(pod, minReadySeconds, nowMs) === 0;
}

/** How long until a ready pod is available; 0 when it is. */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number {
  if (minReadySeconds === 0) return 0;
  const since = readySinceMs(pod);
  return since === undefined ? minReadySeconds * 1000 : Math.max(0, since + minReadySeconds * 1000 - nowMs);
}

/**
 * When the next of these pods that are ready but not yet available becomes so.
 * @returns milliseconds from now; undefined when none is on its way
 */
export function nextAvailabilityMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  const waits = pods.filter(isReady).map((pod) => msUntilAvailable(pod, minReadySeconds, nowMs));
  const open = waits.filter((waitMs) => waitMs > 0);
  return open.length === 0 ? undefined : Math.min(...open);
}
