/** Differences between two values as lines that people read: `- path: old`, `+ path: new`. */

/** Longest value shown on a diff line; longer ones are cut. */
const LONGEST_VALUE = 120;

/**
 * Compares what is wanted with what is there. Only fields that `wanted` names are compared, as an apply would change
 * only those; lists are compared as a whole unless their members have a `name`.
 * @returns no lines when nothing would change
 */
export function diffWanted(wanted: unknown, live: unknown, path = ''): string[] {
  if (isRecord(wanted) && isRecord(live)) {
    return Object.keys(wanted)
      .toSorted()
      .flatMap((key) => diffWanted(wanted[key], live[key], joinPath(path, key)));
  }
  if (Array.isArray(wanted) && Array.isArray(live) && namedList(wanted) && namedList(live)) return diffNamed(wanted, live, path);
  if (Array.isArray(wanted) && Array.isArray(live) && wanted.length === live.length) {
    return wanted.flatMap((item, index) => diffWanted(item, live[index], `${path}[${index}]`));
  }
  if (sameValue(wanted, live)) return [];
  return [
    ...(live === undefined ? [] : [`- ${path}: ${showValue(live)}`]),
    ...(wanted === undefined ? [] : [`+ ${path}: ${showValue(wanted)}`]),
  ];
}

type Named = { readonly name: string } & Record<string, unknown>;

function namedList(list: readonly unknown[]): list is readonly Named[] {
  return list.length > 0 && list.every((item) => isRecord(item) && typeof item['name'] === 'string');
}

function diffNamed(wanted: readonly Named[], live: readonly Named[], path: string): string[] {
  const liveByName = new Map(live.map((item) => [item.name, item]));
  const wantedNames = new Set(wanted.map((item) => item.name));
  return [
    ...live.filter((item) => !wantedNames.has(item.name)).map((item) => `- ${path}[${item.name}]`),
    ...wanted.flatMap((item) => {
      const there = liveByName.get(item.name);
      return there ? diffWanted(item, there, `${path}[${item.name}]`) : [`+ ${path}[${item.name}]`];
    }),
  ];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Empty maps, empty lists and absent values are the same thing to an API server. */
function sameValue(a: unknown, b: unknown): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  return JSON.stringify(sortKeys(a)) === JSON.stringify(sortKeys(b));
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)
  );
}

/** The same value with keys in order, so that its JSON is canonical. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sortKeys(value[key])]),
  );
}

function joinPath(path: string, key: string): string {
  const safe = /^[A-Za-z0-9_-]+$/.test(key) ? key : `"${key}"`;
  return path === '' ? safe : `${path}.${safe}`;
}

function showValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.split('\n').length > 1 ? `${text.split('\n')[0] ?? ''} … (${text.split('\n').length} lines)` : text;
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
}
