/** JSON values: what they are, whether they are equal, and their text as Go writes it. */

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal as JSON; the order of keys does not matter. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => jsonEqual(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key]));
}

/** JSON as encoding/json of Go writes it: keys sorted, and what could be mistaken for HTML escaped. */
export function goJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (isRecord(value)) {
    const fields = Object.keys(value).toSorted();
    return `{${fields.map((key) => `${goJson(key)}:${goJson(value[key])}`).join(',')}}`;
  }
  const text = JSON.stringify(value ?? null);
  return typeof value === 'string' ? text.replaceAll(/[<>&\u2028\u2029]/g, escapeAsUnicode) : text;
}

function escapeAsUnicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
