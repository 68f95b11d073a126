/** Objects of the store never change, so the parts that two versions of an object have in common are kept once. */

/**
 * The value of `next`, built from parts of `previous` wherever they are equal; the order of keys does not matter.
 * @param alike shared from where `previous` differs, such as another object of the same kind
 * @returns `previous` itself when nothing differs
 */
export function shareStructure<T>(previous: unknown, next: T, alike?: unknown): T {
  if (previous === next || typeof next !== 'object' || next === null) return next;
  if (Array.isArray(next)) {
    const other = Array.isArray(alike) && alike !== previous ? alike : undefined;
    if (Array.isArray(previous)) return shareArray(next, previous, other) as T;
    return other === undefined ? next : (shareArray(next, other) as T);
  }
  const other = isRecord(alike) && alike !== previous ? alike : undefined;
  if (isRecord(previous)) return shareRecord(next as JsonRecord, previous, other) as T;
  return other === undefined ? next : (shareRecord(next as JsonRecord, other) as T);
}

type JsonRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shareArray(next: readonly unknown[], previous: readonly unknown[], alike?: readonly unknown[]): readonly unknown[] {
  let same = previous.length === next.length;
  let sameAsAlike = alike?.length === next.length;
  const shared = next.map((item, index) => {
    const kept = shareStructure(previous[index], item, alike?.[index]);
    if (kept !== previous[index]) same = false;
    if (kept !== alike?.[index]) sameAsAlike = false;
    return kept;
  });
  if (same) return previous;
  return sameAsAlike && alike !== undefined ? alike : shared;
}

function shareRecord(next: JsonRecord, previous: JsonRecord, alike?: JsonRecord): JsonRecord {
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(previous).length;
  let sameAsAlike = alike !== undefined && keys.length === Object.keys(alike).length;
  const parts: unknown[] = [];
  for (const key of keys) {
    // What is not their own is a function, which no part of JSON is equal to.
    const before = previous[key];
    const other = alike?.[key];
    const kept = shareStructure(before, next[key], other);
    if (kept !== before || kept === undefined) same = false;
    if (kept !== other || kept === undefined) sameAsAlike = false;
    parts.push(kept);
  }
  if (same) return previous;
  if (sameAsAlike && alike !== undefined) return alike;
  const shared: Record<string, unknown> = {};
  for (let index = 0; index < keys.length; index += 1) shared[keys[index] ?? ''] = parts[index];
  return shared;
}

/**
 * Freezes a JSON value through and through. What is frozen already is taken to be so in all its depth.
 * Texts that were put together keep their parts in memory until somebody reads in them: that happens here.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'string') value.charCodeAt(0);
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
