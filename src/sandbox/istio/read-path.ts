/** Reads fields out of values and configuration that have no type: Helm's values, mesh configuration, Istio's own objects. */

/** @param path such as `global.proxy.image` */
export function valueAt(tree: unknown, path: string): unknown {
  let at: unknown = tree;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

/** Numbers and booleans are given as text, as a template would print them. */
export function textAt(tree: unknown, path: string): string | undefined {
  const value = valueAt(tree, path);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

export function numberAt(tree: unknown, path: string): number | undefined {
  const value = valueAt(tree, path);
  return typeof value === 'number' ? value : undefined;
}

export function flagAt(tree: unknown, path: string): boolean | undefined {
  const value = valueAt(tree, path);
  return typeof value === 'boolean' ? value : undefined;
}

export function listAt(tree: unknown, path: string): readonly unknown[] {
  const value = valueAt(tree, path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function recordAt(tree: unknown, path: string): Readonly<Record<string, unknown>> {
  const value = valueAt(tree, path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Milliseconds of a duration such as `5s`, `1m30s`, `250ms`; undefined when it is none. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let total = 0;
  for (const [, count, unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) total += Number(count) * (units[unit] ?? 0);
  return total;
}
