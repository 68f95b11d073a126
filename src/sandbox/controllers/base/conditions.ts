/** Lists of conditions: find, set, remove. */
import type { Condition } from './workload-shapes.ts';

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((one) => one.type === type);
}

/**
 * Puts a condition at the end of the list in place of the one of its type. Nothing changes when that one has the same status and
 * reason; the time of the last transition stays while the status does.
 */
export function setCondition(conditions: readonly Condition[] | undefined, next: Condition): readonly Condition[] {
  const list = conditions ?? [];
  const before = findCondition(list, next.type);
  if (before !== undefined && before.status === next.status && before.reason === next.reason) return list;
  const since = before?.status === next.status ? before.lastTransitionTime : undefined;
  return [...removeCondition(list, next.type), since === undefined ? next : { ...next, lastTransitionTime: since }];
}

/** Puts a condition where the one of its type stands; also its message is taken over, as `meta.SetStatusCondition` does. */
export function replaceCondition(conditions: readonly Condition[] | undefined, next: Condition): readonly Condition[] {
  const list = conditions ?? [];
  const before = findCondition(list, next.type);
  if (before === undefined) return [...list, next];
  const since = before.status === next.status ? before.lastTransitionTime : next.lastTransitionTime;
  const placed = since === undefined ? next : { ...next, lastTransitionTime: since };
  return list.map((one) => (one === before ? placed : one));
}

export function removeCondition(conditions: readonly Condition[] | undefined, type: string): readonly Condition[] {
  return (conditions ?? []).filter((one) => one.type !== type);
}
