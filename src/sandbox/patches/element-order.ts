/** The order of merged lists: what the patch names comes in the patch's order, what only the server has keeps its place among them. */
import { goText, goTypeName, isJsonObject } from './go-text.ts';

type Json = Readonly<Record<string, unknown>>;
export type List = readonly unknown[];

/** A refusal in the words of apimachinery's mergepatch and strategicpatch. */
export class MergeProblem extends Error {}

export function badArgument(expected: 'map' | 'list', actual: unknown): MergeProblem {
  return new MergeProblem(
    `expected a ${expected === 'map' ? 'map[string]interface {}' : '[]interface {}'}, but received a ${goTypeName(actual)}`,
  );
}

export function noMergeKey(item: unknown, key: string): MergeProblem {
  return new MergeProblem(`map: ${goText(item)} does not contain declared merge key: ${key}`);
}

/** What an item is known by: the value of its merge key, or itself. @throws MergeProblem for an item without the key */
export function identityOf(item: unknown, mergeKey: string | undefined): unknown {
  if (mergeKey === undefined) return item;
  if (!isJsonObject(item)) throw badArgument('map', item);
  if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
  return item[mergeKey];
}

/** Index of the item with that merge key; items without it do not match. */
export function indexByKey(items: List, mergeKey: string, value: unknown): number {
  return items.findIndex((item, index) => {
    if (!isJsonObject(item)) throw notAMap(index);
    return Object.hasOwn(item, mergeKey) && item[mergeKey] === value;
  });
}

function notAMap(index: number): MergeProblem {
  return new MergeProblem(`value for key ${String(index)} is not a map`);
}

export interface Ordering {
  /** The order of what the patch names. */
  readonly named: List;
  /** The order of the rest, and where it stands among what is named. */
  readonly live: List;
  readonly mergeKey: string | undefined;
}

/**
 * Brings a merged list into order. Items that only the server has come before the first named item that follows them in the live list.
 * @see normalizeElementOrder and mergeSortedSlice of apimachinery, pkg/util/strategicpatch/patch.go
 */
export function inElementOrder(merged: List, { named, live, mergeKey }: Ordering): List {
  if (mergeKey !== undefined && merged.length > 0) {
    for (const [index, item] of named.entries()) if (!isJsonObject(item)) throw notAMap(index);
  }
  const namedIds = named.map((item) => identityOf(item, mergeKey));
  const liveIds = live.map((item) => (mergeKey === undefined ? item : isJsonObject(item) ? item[mergeKey] : null));
  const ordered = (items: List, order: readonly unknown[]): { readonly item: unknown; readonly id: unknown }[] =>
    items.map((item) => ({ item, id: identityOf(item, mergeKey) })).sort((a, b) => place(order, a.id) - place(order, b.id));
  const patchItems = ordered(
    merged.filter((item) => namedIds.includes(identityOf(item, mergeKey))),
    namedIds,
  );
  const serverItems = ordered(
    merged.filter((item) => !namedIds.includes(identityOf(item, mergeKey))),
    liveIds,
  );
  const all: unknown[] = [];
  let server = 0;
  for (const { item, id } of patchItems) {
    const at = liveIds.indexOf(id);
    for (let next = serverItems[server]; next !== undefined && comesBefore(liveIds, next.id, at); next = serverItems[server]) {
      all.push(next.item);
      server++;
    }
    all.push(item);
  }
  return [...all, ...serverItems.slice(server).map(({ item }) => item)];
}

function place(order: readonly unknown[], id: unknown): number {
  const index = order.indexOf(id);
  return index < 0 ? order.length : index;
}

function comesBefore(liveIds: readonly unknown[], id: unknown, at: number): boolean {
  const index = liveIds.indexOf(id);
  return index >= 0 && at >= 0 && index < at;
}

/** Items of a patch's list that are there to be merged, not to delete. @throws MergeProblem for items that are no objects */
export function withoutDeletions(items: List): readonly Json[] {
  return items.map(asObject).filter((item) => item['$patch'] !== 'delete');
}

function asObject(item: unknown): Json {
  if (!isJsonObject(item)) throw badArgument('map', item);
  return item;
}

/** Items of one list must all be objects, or all be of one other type, but not lists. @returns whether they are objects */
export function areObjects(lists: readonly List[]): boolean {
  const items = lists.flat(1);
  if (Array.isArray(items[0])) throw new ListOfLists('lists of lists are not supported');
  const types = new Set(items.map(goTypeName));
  if (types.size === 0) throw new MergeProblem('no elements in any of the given slices');
  if (types.size > 1) throw new MergeProblem(`list element types are not identical: ${goText(lists)}`);
  return isJsonObject(items[0]);
}

/** Refused with 422, other than the rest. */
export class ListOfLists extends MergeProblem {}
