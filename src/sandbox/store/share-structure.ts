/** Objects of the store never change, so the parts that two versions of an object have in common are kept once. */

/**
 * The value of `next`, built from parts of `previous` wherever they are equal; the order of keys does not matter.
 * @returns `previous` itself when nothing differs
 */
export function shareStructure<T>(previous: unknown, next: T): T {
  if (previous === next || typeof next !== 'object' || next === null || typeof previous !== 'object' || previous === null) return next;
  if (Array.isArray(next)) return Array.isArray(previous) ? (shareArray(previous, next) as T) : next;
  if (Array.isArray(previous)) return next;
  return shareRecord(previous as Record<string, unknown>, next as Record<string, unknown>) as T;
}

function shareArray(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  let same = previous.length === next.length;
  const shared = next.map((item, index) => {
    const kept = shareStructure(previous[index], item);
    if (kept !== previous[index]) same = false;
    return kept;
  });
  return same ? previous : shared;
}

function shareRecord(
  previous: Readonly<Record<string, unknown>>,
  next: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const shared: Record<string, unknown> = {};
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(previous).length;
  for (const key of keys) {
    const before = Object.hasOwn(previous, key) ? previous[key] : undefined;
    const kept = shareStructure(before, next[key]);
    if (kept !== before || !Object.hasOwn(previous, key)) same = false;
    shared[key] = kept;
  }
  return same ? previous : shared;
}

/** Freezes a JSON value through and through. What is frozen already is taken to be so in all its depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
