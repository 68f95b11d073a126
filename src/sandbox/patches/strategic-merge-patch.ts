/**
 * Strategic merge patches, as the API server applies them to built-in kinds: lists are merged by key where the type says so, and directives
 * in the patch say what else to do. The rules and words are those of apimachinery v0.34, pkg/util/strategicpatch/patch.go.
 */
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest, StatusError } from '../objects/status-error.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import {
  areObjects,
  badArgument,
  identityOf,
  indexByKey,
  inElementOrder,
  ListOfLists,
  MergeProblem,
  withoutDeletions,
  type List,
} from './element-order.ts';
import { goString, goText, isJsonObject, jsonKind } from './go-text.ts';
import { withoutNulls } from './merge-patch.ts';
import { fieldSchema, itemStrategy, type ItemStrategy } from './patch-strategy.ts';

type Json = Readonly<Record<string, unknown>>;
type Fields = Map<string, unknown>;

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_PREFIX = '$deleteFromPrimitiveList';
const ORDER_PREFIX = '$setElementOrder';

/** Forms of a patch that are refused with 400; other problems end with 500 and no reason, as in the real server. */
class BadForm extends MergeProblem {}

/**
 * Merges a patch into an object of a built-in kind. Fields that the type does not know and directives inside of parts that are new stay in
 * the result, as the real server has it before it reads the result into its type: see pruneUnknown and findFieldProblems.
 * @throws StatusError 400 for a patch that is no object or has malformed directives, 422 for lists of lists, 500 for other problems
 */
export function applyStrategicMergePatch(object: KubeObject, patch: unknown, schema: TypeSchema): KubeObject {
  if (patch === null) return object;
  if (!isJsonObject(patch)) throw badRequest(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`);
  try {
    return mergeMap(object, patch, schema) as unknown as KubeObject;
  } catch (error) {
    if (!(error instanceof MergeProblem)) throw error;
    if (error instanceof BadForm) throw badRequest(error.message);
    if (error instanceof ListOfLists)
      throw new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
    throw new StatusError(500, undefined, error.message);
  }
}

/** @param schema undefined where the type has no structure */
function mergeMap(original: Json, patch: Json, schema: TypeSchema | undefined): Json {
  if (Object.hasOwn(patch, DIRECTIVE)) return replacedByDirective(patch);
  const merged: Fields = new Map(Object.entries(original));
  const rest: Fields = new Map(Object.entries(patch));
  retainKeys(merged, rest);
  for (const [key, order] of Object.entries(patch)) {
    if (key.startsWith(ORDER_PREFIX)) mergeOrderedList(merged, rest, { key, order, schema });
  }
  for (const [key, value] of rest) mergeField(merged, key, value, schema);
  return Object.fromEntries(merged);
}

/** The map with `$patch` in it: `replace` puts it in the place of the original, `delete` empties it. */
function replacedByDirective(patch: Json): Json {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw unknownDirective(directive, patch);
}

function unknownDirective(directive: unknown, patch: Json): MergeProblem {
  return new MergeProblem(`unknown patch type: ${goString(directive)} in map: ${goText(patch)}`);
}

/** `$retainKeys` names all fields that may stay; fields of the patch must be among them. */
function retainKeys(merged: Fields, rest: Fields): void {
  if (!rest.has(RETAIN_KEYS)) return;
  const keys = rest.get(RETAIN_KEYS);
  rest.delete(RETAIN_KEYS);
  if (!Array.isArray(keys)) throw new BadForm('invalid patch format of retainKeys');
  const retained: List = keys;
  for (const [key, value] of rest) {
    const isDirective = key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX);
    if (value !== null && !isDirective && !retained.includes(key)) throw new BadForm('invalid patch format of retainKeys');
  }
  for (const key of merged.keys()) if (!retained.includes(key)) merged.delete(key);
}

interface OrderDirective {
  /** The whole key: `$setElementOrder/containers`. */
  readonly key: string;
  readonly order: unknown;
  readonly schema: TypeSchema | undefined;
}

/** `$setElementOrder/list` with the list of the same name, if the patch has one: merges it and takes it out of the rest. */
function mergeOrderedList(merged: Fields, rest: Fields, { key, order, schema }: OrderDirective): void {
  rest.delete(key);
  if (!Array.isArray(order)) throw badArgument('list', order);
  const named: List = order;
  const field = fieldOfDirective(key, ORDER_PREFIX, 'setElementOrder list');
  const original = listIn(merged, field);
  const patched = listIn(rest, field);
  const strategy = itemStrategy(schema, field);
  checkOrder(patched ?? [], named, strategy.mergeKey);
  if (original === undefined && patched === undefined) return;
  const { list, live } = mergedList(original, patched, strategy);
  areObjects([original ?? [], patched ?? []]);
  merged.set(field, inElementOrder(list, { named, live, mergeKey: strategy.mergeKey }));
  rest.delete(field);
}

interface MergedList {
  readonly list: List;
  /** What counts as the live list's order from now on. */
  readonly live: List;
}

function mergedList(original: List | undefined, patched: List | undefined, strategy: ItemStrategy): MergedList {
  if (patched === undefined) return { list: original ?? [], live: original ?? [] };
  if (original === undefined) return { list: keptItems(patched), live: [] };
  if (!strategy.merge) return { list: patched, live: original };
  return { list: mergeList(original, patched, strategy), live: liveAfterMerge(original, patched, strategy.mergeKey) };
}

/**
 * The real server merges into the live list's own memory: new items take the places of deleted ones there, and count as live, as many as
 * were deleted. So a new item can stand behind items that only the server has.
 */
function liveAfterMerge(original: List, patched: List, mergeKey: string | undefined): List {
  if (mergeKey === undefined) return original;
  const { live, items, replaces } = applyListDirectives(original, patched, mergeKey);
  if (replaces) return live;
  const added = items.filter((item) => indexByKey(live, mergeKey, item[mergeKey]) < 0);
  return [...live, ...added.slice(0, original.length - live.length)];
}

/** @throws BadForm when there is no field behind the directive */
function fieldOfDirective(key: string, prefix: string, what: string): string {
  const [first, ...rest] = key.split('/');
  if (first !== prefix || rest.length === 0) throw new BadForm(`invalid patch format of ${what}`);
  return rest.join('/');
}

function listIn(fields: Fields, field: string): List | undefined {
  if (!fields.has(field)) return undefined;
  const value = fields.get(field);
  if (!Array.isArray(value)) throw badArgument('list', value);
  return value;
}

/** Items of the patch must come in the order that the directive names, and all be named. */
function checkOrder(patched: List, named: List, mergeKey: string | undefined): void {
  if (named.length === 0 || patched.length === 0) return;
  const items = mergeKey === undefined ? patched : withoutDeletions(patched);
  let [next, position] = [0, 0];
  while (next < items.length && position < named.length) {
    const item = items[next];
    if (isJsonObject(item) && Object.hasOwn(item, DIRECTIVE)) {
      next++;
      continue;
    }
    if (identityOf(item, mergeKey) === identityOf(named[position], mergeKey)) next++;
    position++;
  }
  if (next < items.length && position >= named.length) {
    throw new MergeProblem(`The order in patch list:\n${goText(patched)}\n doesn't match ${ORDER_PREFIX} list:\n${goText(named)}\n`);
  }
}

function mergeField(merged: Fields, key: string, value: unknown, schema: TypeSchema | undefined): void {
  const isDeletion = key.startsWith(DELETE_PREFIX);
  const field = isDeletion ? fieldOfDirective(key, DELETE_PREFIX, 'primitive list') : key;
  if (value === null) {
    merged.delete(field);
    return;
  }
  const current = merged.get(field);
  if (Array.isArray(value) && Array.isArray(current)) {
    const strategy = itemStrategy(schema, field);
    if (isDeletion) merged.set(field, deleteFromList(current, value));
    else merged.set(field, strategy.merge ? mergeList(current, value, strategy) : value);
  } else if (isJsonObject(value) && isJsonObject(current)) {
    const inner = fieldSchema(schema, field);
    merged.set(field, inner.patchStrategy === 'replace' ? value : mergeMap(current, value, inner));
  } else if (!isDeletion) setNew(merged, field, value);
}

/** A value that takes the place of none, or of one of another type. */
function setNew(merged: Fields, field: string, value: unknown): void {
  const kept = withoutDirectives(withoutNulls(value));
  if (kept === undefined) merged.delete(field);
  else merged.set(field, kept);
}

function deleteFromList(current: List, deletions: List): List {
  if (current.length === 0 && deletions.length === 0) return current;
  if (areObjects([current, deletions])) throw new MergeProblem('cannot merge lists without merge key for struct');
  return current.filter((item) => !deletions.includes(item));
}

function mergeList(original: List, patch: List, strategy: ItemStrategy): List {
  const { mergeKey } = strategy;
  if (original.length === 0 && patch.length === 0) return original;
  if (!areObjects([original, patch])) {
    return inElementOrder([...new Set([...original, ...patch])], { named: patch, live: original, mergeKey: undefined });
  }
  if (mergeKey === undefined) throw new MergeProblem('cannot merge lists without merge key for struct');
  const { live, items, replaces } = applyListDirectives(original, patch, mergeKey);
  if (replaces) return items;
  const merged = [...live];
  for (const item of items) {
    const index = indexByKey(merged, mergeKey, identityOf(item, mergeKey));
    const found = merged[index];
    // New items are taken as they are, with nulls and directives that may be inside.
    if (isJsonObject(found)) merged[index] = mergeMap(found, item, strategy.schema);
    else merged.push(item);
  }
  return inElementOrder(merged, { named: items, live, mergeKey });
}

interface ListDirectives {
  /** The live list without what was deleted. */
  readonly live: List;
  /** The patch's items without directives. */
  readonly items: readonly Json[];
  /** The items take the place of the whole list. */
  readonly replaces: boolean;
}

/** Items with `$patch: delete` take theirs out of the list, one with `$patch: replace` puts the other items in the place of all. */
function applyListDirectives(original: List, patch: List, mergeKey: string): ListDirectives {
  let live: List = original;
  let replaces = false;
  const items: Json[] = [];
  for (const item of patch.filter(isJsonObject)) {
    const directive = item[DIRECTIVE];
    if (!Object.hasOwn(item, DIRECTIVE)) items.push(item);
    else if (directive === 'replace') replaces = true;
    else if (directive === 'merge') throw new MergeProblem('merging lists cannot yet be specified in the patch');
    else if (directive !== 'delete') throw unknownDirective(directive, item);
    else {
      const deleted = identityOf(item, mergeKey);
      live = live.filter((other) => !(isJsonObject(other) && other[mergeKey] === deleted));
    }
  }
  return { live, items, replaces };
}

/** Drops objects with `$patch` at every depth; undefined when the value is one itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return keptItems(value);
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const fields = Object.entries(value).map(([name, item]) => [name, withoutDirectives(item)] as const);
  return Object.fromEntries(fields.filter(([, item]) => item !== undefined));
}

function keptItems(items: List): List {
  return items.map(withoutDirectives).filter((item) => item !== undefined);
}
