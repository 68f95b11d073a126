/** How the API server shows a patch whose result it cannot read, in ` "" is invalid: patch: Invalid value: "…"`. */
import { goText, isJsonObject } from './go-text.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Of a strategic merge patch the patch itself as Go prints it; of the other kinds the patched object as JSON. In that, objects that the
 * patch went through have their fields sorted, and the others keep the order of the live object, which should be in canonical form.
 */
export function patchedText(type: 'json' | 'merge' | 'strategic', patch: unknown, patched: unknown): string {
  if (type === 'strategic') return goText(patch);
  const touched = type === 'merge' ? patch : touchedBy(patch);
  return JSON.stringify(sortedAlong(patched, isJsonObject(touched) ? touched : {})).replaceAll(/[<>&\u2028\u2029]/g, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function sortedAlong(value: unknown, touched: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => sortedAlong(item, fieldOf(touched, String(index))));
  if (!isJsonObject(value) || !isJsonObject(touched)) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, item]) => [name, sortedAlong(item, fieldOf(touched, name))]));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
}

/** The containers that operations go through, as a tree. */
function touchedBy(operations: unknown): Json {
  const tree: Record<string, unknown> = {};
  for (const operation of Array.isArray(operations) ? (operations as readonly unknown[]) : []) {
    const { path, from } = isJsonObject(operation) ? operation : {};
    for (const each of [path, from]) if (typeof each === 'string') addPath(tree, each.split('/').slice(1, -1));
  }
  return tree;
}

function addPath(tree: Record<string, unknown>, keys: readonly string[]): void {
  let here = tree;
  for (const key of keys) {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    const known = Object.hasOwn(here, name) ? here[name] : undefined;
    const next = isJsonObject(known) ? (known as Record<string, unknown>) : {};
    Object.defineProperty(here, name, { value: next, enumerable: true, configurable: true, writable: true });
    here = next;
  }
}
