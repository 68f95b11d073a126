/**
 * What differs between two versions of an object, as sets of paths.
 * @source kubernetes-sigs/structured-merge-diff typed/compare.go, v6.3
 */
import { RecentMemory } from '../objects/recent-memory.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { EMPTY_SET, FieldSetBuilder, isEmpty, recursiveDifference, type FieldSet } from './field-set.ts';
import { isRecord, jsonEqual } from './json-values.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import { DEDUCED, fieldSchema, itemElement, sameShape, shapeOf, type ListShape, type MapShape, type Shape } from './value-shape.ts';

export interface Comparison {
  readonly added: FieldSet;
  /** In both, with other values. */
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export const NO_DIFFERENCE: Comparison = { added: EMPTY_SET, modified: EMPTY_SET, removed: EMPTY_SET };

type Change = 'added' | 'modified' | 'removed' | 'none';

/** Of one value: what happened to the value as a whole, and below it. */
interface Difference {
  readonly self: Change;
  readonly below: Comparison;
}

const SAME: Difference = { self: 'none', below: NO_DIFFERENCE };

/** @throws UnnamedItemError when an item of a list has no name */
export function compareObjects(before: unknown, after: unknown, schema: TypeSchema): Comparison {
  return compareValues(before, after, schema).below;
}

/** A comparison without the paths of a set, and all below them. */
export function withoutFields({ added, modified, removed }: Comparison, fields: FieldSet): Comparison {
  if (isEmpty(fields)) return { added, modified, removed };
  return {
    added: recursiveDifference(added, fields),
    modified: recursiveDifference(modified, fields),
    removed: recursiveDifference(removed, fields),
  };
}

/** Undefined is a value that is not there, on one side at most. */
function compareValues(left: unknown, right: unknown, schema: TypeSchema): Difference {
  if (left === right) return SAME;
  if (left === undefined || right === undefined) {
    return left === undefined ? comeWhole(right, schema) : ofOneSide(left, right, shapeOf(schema, left));
  }
  const [leftShape, rightShape] = [shapeOf(schema, left), shapeOf(schema, right)];
  if (sameShape(leftShape, rightShape)) return compareShaped(left, right, rightShape);
  // The value has become one of another type: what the old one held is gone, and what the new one holds has come.
  return unite(compareShaped(left, right, leftShape), compareShaped(left, right, rightShape));
}

const REMEMBERED = 5_000;

/** What comes with parts that never change, by their schema: pods of one template share them. */
const comings = new RecentMemory<object, { readonly schema: TypeSchema; readonly difference: Difference }>(REMEMBERED);

function comeWhole(value: unknown, schema: TypeSchema): Difference {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return ofOneSide(undefined, value, shapeOf(schema, value));
  const known = comings.get(value);
  if (known?.schema === schema) return known.difference;
  const difference = ofOneSide(undefined, value, shapeOf(schema, value));
  comings.set(value, { schema, difference });
  return difference;
}

function ofOneSide(left: unknown, right: unknown, shape: Shape): Difference {
  const difference = compareShaped(left, right, shape);
  return difference.self === 'none' ? { self: left === undefined ? 'added' : 'removed', below: difference.below } : difference;
}

function unite(first: Difference, second: Difference): Difference {
  const out = new ComparisonBuilder();
  out.addAll(first.below);
  out.addAll(second.below);
  return { self: second.self === 'none' ? first.self : second.self, below: out.build() };
}

function compareShaped(left: unknown, right: unknown, shape: Shape): Difference {
  if (shape.kind === 'scalar' || shape.atomic) return compareLeaf(left, right);
  if (shape.kind === 'list') {
    const [leftItems, rightItems] = [itemsOf(left), itemsOf(right)];
    if (leftItems.length === 0 && rightItems.length === 0) return compareLeaf(left, right);
    return { self: 'none', below: compareItems(leftItems, rightItems, shape) };
  }
  const [leftFields, rightFields] = [fieldsOf(left), fieldsOf(right)];
  if (isBare(leftFields) && isBare(rightFields)) return compareLeaf(left, right);
  return { self: 'none', below: compareFields(leftFields, rightFields, shape) };
}

function compareLeaf(left: unknown, right: unknown): Difference {
  if (left === undefined) return { self: 'added', below: NO_DIFFERENCE };
  if (right === undefined) return { self: 'removed', below: NO_DIFFERENCE };
  return jsonEqual(left, right) ? SAME : { self: 'modified', below: NO_DIFFERENCE };
}

function compareFields(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>, shape: MapShape): Comparison {
  const out = new ComparisonBuilder();
  const visit = (field: string, before: unknown, after: unknown): void => {
    if (before === after) return;
    out.add(fieldElement(field), compareValues(before, after, fieldSchema(shape, field) ?? DEDUCED));
  };
  for (const field of Object.keys(left)) visit(field, left[field], Object.hasOwn(right, field) ? right[field] : undefined);
  for (const field of Object.keys(right)) if (!Object.hasOwn(left, field)) visit(field, undefined, right[field]);
  return out.build();
}

function compareItems(left: readonly unknown[], right: readonly unknown[], shape: ListShape): Comparison {
  const out = new ComparisonBuilder();
  const [leftByName, rightByName] = [byName(left, shape), byName(right, shape)];
  for (const [element, before] of leftByName) compareNamed(out, element, [before, rightByName.get(element) ?? []], shape);
  for (const [element, after] of rightByName) if (!leftByName.has(element)) compareNamed(out, element, [[], after], shape);
  return out.build();
}

/** Items with one name. Lists that were written by other means than apply may have several; these are compared as one leaf. */
function compareNamed(
  out: ComparisonBuilder,
  element: PathElement,
  [before, after]: readonly [readonly unknown[], readonly unknown[]],
  shape: ListShape,
): void {
  if (before.length <= 1 && after.length <= 1) {
    out.add(element, compareValues(before[0], after[0], shape.items));
  } else if (before.length >= 2 && after.length >= 2) {
    if (!jsonEqual(before, after)) out.add(element, { self: 'modified', below: NO_DIFFERENCE });
  } else if (before.length >= 2) {
    if (after.length > 0) out.add(element, compareValues(undefined, after[0], shape.items));
    out.add(element, { self: 'removed', below: NO_DIFFERENCE });
  } else {
    if (before.length > 0) out.add(element, compareValues(before[0], undefined, shape.items));
    out.add(element, { self: 'added', below: NO_DIFFERENCE });
  }
}

function byName(items: readonly unknown[], shape: ListShape): ReadonlyMap<PathElement, readonly unknown[]> {
  const out = new Map<PathElement, unknown[]>();
  for (const item of items) {
    const element = itemElement(shape, item);
    const known = out.get(element);
    if (known === undefined) out.set(element, [item]);
    else known.push(item);
  }
  return out;
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const NO_FIELDS: Readonly<Record<string, unknown>> = {};

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : NO_FIELDS;
}

function isBare(fields: Readonly<Record<string, unknown>>): boolean {
  for (const _field in fields) return false;
  return true;
}

class ComparisonBuilder {
  readonly #added = new FieldSetBuilder();
  readonly #modified = new FieldSetBuilder();
  readonly #removed = new FieldSetBuilder();

  add(element: PathElement, { self, below }: Difference): void {
    this.#added.add(element, self === 'added', below.added);
    this.#modified.add(element, self === 'modified', below.modified);
    this.#removed.add(element, self === 'removed', below.removed);
  }

  addAll({ added, modified, removed }: Comparison): void {
    for (const [element, node] of added) this.#added.add(element, node.member, node.children);
    for (const [element, node] of modified) this.#modified.add(element, node.member, node.children);
    for (const [element, node] of removed) this.#removed.add(element, node.member, node.children);
  }

  build(): Comparison {
    return { added: this.#added.build(), modified: this.#modified.build(), removed: this.#removed.build() };
  }
}
