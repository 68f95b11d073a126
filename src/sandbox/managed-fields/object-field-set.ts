/**
 * The paths that an applied configuration claims: every leaf, item and key that it mentions.
 * @source kubernetes-sigs/structured-merge-diff typed/tofieldset.go, v6.3
 */
import type { TypeSchema } from '../schema/type-schema.ts';
import { EMPTY_SET, FieldSetBuilder, type FieldSet } from './field-set.ts';
import { isRecord } from './json-values.ts';
import { fieldElement } from './path-element.ts';
import { DEDUCED, fieldSchema, isNamedField, itemElement, shapeOf, type ListShape, type MapShape } from './value-shape.ts';

interface Claim {
  /** Whether the value is one leaf. */
  readonly leaf: boolean;
  readonly below: FieldSet;
}

const LEAF: Claim = { leaf: true, below: EMPTY_SET };
const NOTHING: Claim = { leaf: false, below: EMPTY_SET };

/** @throws UnnamedItemError when an item of a list has no name */
export function objectFieldSet(value: unknown, schema: TypeSchema): FieldSet {
  return claimOf(value, schema).below;
}

function claimOf(value: unknown, schema: TypeSchema): Claim {
  const shape = shapeOf(schema, value);
  if (shape.kind === 'scalar' || shape.atomic) return LEAF;
  if (shape.kind === 'list') return Array.isArray(value) ? { leaf: false, below: claimOfItems(value, shape) } : NOTHING;
  return isRecord(value) ? { leaf: false, below: claimOfFields(value, shape) } : NOTHING;
}

function claimOfItems(items: readonly unknown[], shape: ListShape): FieldSet {
  const out = new FieldSetBuilder();
  const named = items.map((item) => [itemElement(shape, item), item] as const);
  const counts = new Map<string, number>();
  for (const [element] of named) counts.set(element, (counts.get(element) ?? 0) + 1);
  for (const [element, item] of named) {
    // Items that share a name cannot be told apart below it.
    out.add(element, true, counts.get(element) === 1 ? claimOf(item, shape.items).below : EMPTY_SET);
  }
  return out.build();
}

function claimOfFields(fields: Readonly<Record<string, unknown>>, shape: MapShape): FieldSet {
  const out = new FieldSetBuilder();
  for (const [field, value] of Object.entries(fields)) {
    const { leaf, below } = claimOf(value, fieldSchema(shape, field) ?? DEDUCED);
    const empty = value === null || (isRecord(value) && Object.keys(value).length === 0);
    out.add(fieldElement(field), leaf || empty || !isNamedField(shape, field), below);
  }
  return out.build();
}
