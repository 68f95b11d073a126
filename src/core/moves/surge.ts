/** A rolling strategy that is changed for the time of one restart, so that a new pod comes before an old one goes. */
import type { PodController } from '../mesh/kube-objects.ts';

/** The two counts of a rolling update as written; null: not written. */
export interface StrategyCounts {
  readonly maxSurge: number | string | null;
  readonly maxUnavailable: number | string | null;
}

export interface Surge {
  /** What the workload has before the restart, and gets back after it. */
  readonly from: StrategyCounts;
}

/** What it has meanwhile. */
export const SURGE_COUNTS = { maxSurge: 1, maxUnavailable: 0 } as const satisfies StrategyCounts;

export function countsOf(controller: PodController | undefined): StrategyCounts {
  const { maxSurge = null, maxUnavailable = null } = controller?.spec?.strategy?.rollingUpdate ?? {};
  return { maxSurge, maxUnavailable };
}

export function sameCounts(a: StrategyCounts, b: StrategyCounts): boolean {
  return a.maxSurge === b.maxSurge && a.maxUnavailable === b.maxUnavailable;
}

/** Whether it has the counts of the restart: they are taken back only then, since another value is somebody else's. */
export function isSurging(controller: PodController | undefined): boolean {
  return sameCounts(countsOf(controller), SURGE_COUNTS);
}

/** The `spec.strategy` of a merge patch. */
export function strategyOf({ maxSurge, maxUnavailable }: StrategyCounts): Record<string, unknown> {
  return { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
}

/** `maxSurge 0, maxUnavailable 1`, for messages. */
export function countsText({ maxSurge, maxUnavailable }: StrategyCounts): string {
  return `maxSurge ${maxSurge ?? 'not set'}, maxUnavailable ${maxUnavailable ?? 'not set'}`;
}
