/** Reading and changing JSON of which nothing is known but what is looked at. Nothing is changed in place: stored objects are frozen. */

export type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = Object.freeze({});

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one for anything else. */
export function record(value: unknown): Json {
  return isRecord(value) ? value : NOTHING;
}

/** The list, or an empty one for anything else. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The items of a list that are objects; other items as empty objects, so that indexes stay. */
export function records(value: unknown): readonly Json[] {
  return list(value).map(record);
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function integer(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** Absent, as Go decodes JSON: null counts as absent. */
export function absent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Walks down objects by fields and lists by indexes. @returns undefined where the path ends early */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here: unknown = value;
  for (const step of path) {
    if (typeof step === 'number') here = list(here)[step];
    else here = record(here)[step];
  }
  return here;
}

/** Adds the fields that are absent; the same object when there is none. */
export function fill<T extends Json>(target: T, defaults: Json): T {
  const missing = Object.entries(defaults).filter(([field, value]) => absent(target[field]) && value !== undefined);
  return missing.length === 0 ? target : { ...target, ...Object.fromEntries(missing) };
}

/** Replaces a field that is there and is an object. */
export function changeField<T extends Json>(target: T, field: string, change: (value: Json) => Json): T {
  const value = target[field];
  if (!isRecord(value)) return target;
  const next = change(value);
  return next === value ? target : { ...target, [field]: next };
}

/** Replaces the objects of a list that is there. */
export function changeEach<T extends Json>(target: T, field: string, change: (value: Json, index: number) => Json): T {
  const value: unknown = target[field];
  if (!Array.isArray(value)) return target;
  const items: readonly unknown[] = value;
  return { ...target, [field]: items.map((item, index) => (isRecord(item) ? change(item, index) : item)) };
}

export function without<T extends Json>(target: T, ...fields: readonly string[]): T {
  if (!fields.some((field) => field in target)) return target;
  return Object.fromEntries(Object.entries(target).filter(([field]) => !fields.includes(field))) as T;
}

/** Same JSON, whatever the order of fields; absent and null are the same. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other || (absent(one) && absent(other))) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => sameJson(item, other[index]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((field) => sameJson(one[field], other[field]));
}
