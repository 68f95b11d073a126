/**
 * An object with an applied configuration laid over it. Nothing is taken away here.
 * @source kubernetes-sigs/structured-merge-diff typed/merge.go, v6.3
 */
import type { TypeSchema } from '../schema/type-schema.ts';
import { isRecord, jsonEqual } from './json-values.ts';
import type { PathElement } from './path-element.ts';
import { DEDUCED, fieldSchema, itemElement, shapeOf, type ListShape, type MapShape, type Shape } from './value-shape.ts';

/**
 * Leaves come from the configuration where it has them. Items of lists keep the order of the object; where the configuration has several
 * of them, these stand in its order, and new items stand after the one that they follow in it.
 * @returns parts of the object itself wherever nothing changes
 * @throws UnnamedItemError when an item of a list has no name
 */
export function mergeObjects(live: unknown, applied: unknown, schema: TypeSchema): unknown {
  if (applied === undefined) return live;
  // A value of another type than the live one takes its place.
  return mergeShaped(live, applied, shapeOf(schema, applied));
}

function mergeShaped(live: unknown, applied: unknown, shape: Shape): unknown {
  if (shape.kind === 'scalar' || shape.atomic) return keep(live, applied);
  if (shape.kind === 'list') {
    const liveItems: readonly unknown[] = Array.isArray(live) ? live : [];
    const appliedItems: readonly unknown[] = Array.isArray(applied) ? applied : [];
    if (liveItems.length === 0 && appliedItems.length === 0) return keep(live, applied);
    const merged = mergeItems(liveItems, appliedItems, shape);
    return Array.isArray(live) && sameItems(live, merged) ? live : merged;
  }
  const liveFields = isRecord(live) ? live : {};
  const appliedFields = isRecord(applied) ? applied : {};
  if (Object.keys(liveFields).length === 0 && Object.keys(appliedFields).length === 0) return keep(live, applied);
  return mergeFields(liveFields, appliedFields, shape);
}

function keep(live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  return jsonEqual(live, applied) ? live : applied;
}

function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

function mergeFields(live: Readonly<Record<string, unknown>>, applied: Readonly<Record<string, unknown>>, shape: MapShape): unknown {
  let out: Record<string, unknown> | undefined;
  for (const [field, value] of Object.entries(applied)) {
    const before = Object.hasOwn(live, field) ? live[field] : undefined;
    const merged = mergeObjects(before, value, fieldSchema(shape, field) ?? DEDUCED);
    if (merged !== before && merged !== undefined) (out ??= { ...live })[field] = merged;
  }
  return out ?? live;
}

interface NamedItems {
  readonly elements: readonly PathElement[];
  readonly items: ReadonlyMap<PathElement, unknown>;
}

function nameItems(items: readonly unknown[], shape: ListShape): NamedItems {
  const elements: PathElement[] = [];
  const byElement = new Map<PathElement, unknown>();
  for (const item of items) {
    const element = itemElement(shape, item);
    elements.push(element);
    // Items that share a name cannot be merged with anything.
    byElement.set(element, byElement.has(element) ? null : item);
  }
  return { elements, items: byElement };
}

function mergeItems(liveItems: readonly unknown[], appliedItems: readonly unknown[], shape: ListShape): readonly unknown[] {
  const live = nameItems(liveItems, shape);
  const applied = nameItems(appliedItems, shape);
  const shared = applied.elements.filter((element) => live.items.has(element));
  const done = new Set<PathElement>();
  const out: unknown[] = [];
  let [liveAt, appliedAt, sharedAt] = [0, 0, 0];

  const takeApplied = (element: PathElement): void => {
    done.add(element);
    out.push(mergeObjects(live.items.get(element), applied.items.get(element), shape.items));
    appliedAt += 1;
  };

  while (liveAt < live.elements.length || appliedAt < applied.elements.length) {
    const ours = live.elements[liveAt];
    const theirs = applied.elements[appliedAt];
    if (ours !== undefined && ours === theirs) {
      takeApplied(ours);
      liveAt += 1;
      sharedAt += 1;
      continue;
    }
    if (ours !== undefined && theirs !== undefined && applied.items.has(ours) && sharedAt < shared.length && shared[sharedAt] !== ours) {
      // In both, but its turn is another one in the configuration's order.
      liveAt += 1;
      continue;
    }
    if (ours !== undefined && !applied.items.has(ours)) {
      out.push(liveItems[liveAt]);
      liveAt += 1;
      continue;
    }
    if (ours !== undefined && done.has(ours)) liveAt += 1;
    if (theirs !== undefined) {
      takeApplied(theirs);
      if (shared[sharedAt] === theirs) sharedAt += 1;
    }
  }
  return out;
}
