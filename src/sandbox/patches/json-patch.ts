/**
 * JSON patches (RFC 6902) with the rules of evanphx/json-patch v4, which the API server uses: negative indexes count from the end,
 * `replace` creates a field that is not there and `remove` of one is an error, as is every step of a path that leads nowhere.
 */
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest, StatusError } from '../objects/status-error.ts';
import { isJsonObject, jsonKind } from './go-text.ts';

type Json = Readonly<Record<string, unknown>>;
type Container = Json | readonly unknown[];

/** @see maxJSONPatchOperations of apiserver, pkg/endpoints/handlers/patch.go */
const MAX_OPERATIONS = 10_000;

/**
 * Applies operations in order; the object is copied along the paths that they touch.
 * @throws StatusError 400 when the operations have not the form of a patch, 413 for too many, 422 when one cannot be applied or a test fails
 */
export function applyJsonPatch(object: KubeObject, operations: unknown): KubeObject {
  return readOperations(operations).reduce<Container>(applyOperation, object) as KubeObject;
}

/** The API server does not say which operation failed or why. */
function inapplicable(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

interface Operation {
  readonly op: string | undefined;
  readonly path: string | undefined;
  readonly from: string | undefined;
  /** Undefined when there is none. */
  readonly value: unknown;
}

const fieldNames = ['op', 'path', 'from', 'value'];

function readOperations(operations: unknown): readonly Operation[] {
  if (operations === null) return [];
  if (!Array.isArray(operations)) throw undecodable(`${jsonKind(operations)} into Go value of type []handlers.jsonPatchOp`);
  const patch = (operations as readonly unknown[]).map(readOperation);
  if (patch.length <= MAX_OPERATIONS) return patch;
  const message = `The allowed maximum operations in a JSON patch is ${String(MAX_OPERATIONS)}, got ${String(patch.length)}`;
  throw new StatusError(413, 'RequestEntityTooLarge', `Request entity is too large: ${message}`);
}

function readOperation(operation: unknown): Operation {
  if (operation !== null && !isJsonObject(operation))
    throw undecodable(`${jsonKind(operation)} into Go value of type handlers.jsonPatchOp`);
  const fields = operation ?? {};
  const read = (name: 'op' | 'path' | 'from'): string | undefined => {
    const value = fields[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw undecodable(`${jsonKind(value)} into Go struct field jsonPatchOp.${name} of type string`);
  };
  return { op: read('op'), path: read('path'), from: read('from'), value: fields['value'] };
}

function undecodable(what: string): StatusError {
  return badRequest(`error decoding patch: json: cannot unmarshal ${what}`);
}

/** What fieldValidation=Strict refuses and Warn warns of in the patch itself: `json patch unknown field "[0].foo"`. */
export function findJsonPatchProblems(operations: unknown): readonly string[] {
  if (!Array.isArray(operations)) return [];
  return (operations as readonly unknown[]).flatMap((operation, index) =>
    Object.keys(isJsonObject(operation) ? operation : {})
      .filter((name) => !fieldNames.includes(name))
      .map((name) => `json patch unknown field ${JSON.stringify(`[${String(index)}].${name}`)}`),
  );
}

function applyOperation(document: Container, { op, path, from, value = null }: Operation): Container {
  if (path === undefined) throw inapplicable();
  switch (op) {
    case 'add':
      return addAt(document, path, value);
    case 'remove':
      return edit(document, path, withoutKey);
    case 'replace':
      return replaceAt(document, path, value);
    case 'test':
      if (!sameValue(path === '' ? document : read(document, path), value)) throw inapplicable();
      return document;
    case 'move':
      return addAt(edit(document, from, withoutKey), path, read(document, from));
    case 'copy':
      return addAt(document, path, read(document, from));
    default:
      throw inapplicable();
  }
}

function addAt(document: Container, path: string, value: unknown): Container {
  return edit(document, path, (container, key) => {
    if (!isList(container)) return { ...container, [key]: value };
    return key === '-' ? [...container, value] : container.toSpliced(indexOf(key, container.length + 1), 0, value);
  });
}

function withoutKey(container: Container, key: string): Container {
  if (isList(container)) return container.toSpliced(indexOf(key, container.length), 1);
  if (!Object.hasOwn(container, key)) throw inapplicable();
  return Object.fromEntries(Object.entries(container).filter(([name]) => name !== key));
}

/** With no path the value takes the place of the whole; anything that is no container changes nothing. */
function replaceAt(document: Container, path: string, value: unknown): Container {
  if (path === '') return isContainer(value) ? value : document;
  return edit(document, path, (container, key) =>
    isList(container) ? container.with(indexOf(key, container.length), value) : { ...container, [key]: value },
  );
}

/** Changes the container that a path ends in. @throws StatusError when the path does not lead to one */
function edit(document: Container, path: string | undefined, change: (container: Container, key: string) => Container): Container {
  const keys = (path ?? '').split('/').slice(1).map(unescaped);
  const descend = (container: Container, depth: number): Container => {
    const key = keys[depth];
    if (key === undefined) throw inapplicable();
    if (depth === keys.length - 1) return change(container, key);
    const found = child(container, key);
    if (!isContainer(found)) throw inapplicable();
    const changed = descend(found, depth + 1);
    return isList(container) ? container.with(indexOf(key, container.length), changed) : { ...container, [key]: changed };
  };
  return descend(document, 0);
}

/** The value at a path, null where an object has no such field. @throws StatusError where a list has no such item */
function read(document: Container, path: string | undefined): unknown {
  let found: unknown;
  edit(document, path, (container, key) => {
    found = child(container, key) ?? null;
    return container;
  });
  return found;
}

function child(container: Container, key: string): unknown {
  if (isList(container)) return container[indexOf(key, container.length)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

/** The index that a key stands for; negative ones count from the end. @throws StatusError when there is none below the length */
function indexOf(key: string, length: number): number {
  const index = /^[+-]?\d+$/.test(key) ? Number(key) : Number.NaN;
  if (!(index < length && index >= -length)) throw inapplicable();
  return index < 0 ? index + length : index;
}

function isList(value: Container): value is readonly unknown[] {
  return Array.isArray(value);
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function unescaped(key: string): string {
  return key.replaceAll(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~'));
}

function sameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, index) => sameValue(item, other[index]));
  }
  if (!isJsonObject(one) || !isJsonObject(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
  );
}
