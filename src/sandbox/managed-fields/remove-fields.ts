/**
 * Taking paths out of an object.
 * @source kubernetes-sigs/structured-merge-diff typed/remove.go and fieldpath/set.go, v6.3
 */
import type { TypeSchema } from '../schema/type-schema.ts';
import { EMPTY_SET, FieldSetBuilder, type FieldSet } from './field-set.ts';
import { isRecord } from './json-values.ts';
import { fieldElement } from './path-element.ts';
import { DEDUCED, fieldSchema, isNamedField, itemElement, shapeOf, type ListShape, type MapShape } from './value-shape.ts';

/**
 * The value without the fields, keys and items of a set.
 * @returns null for a map or list of which nothing is left, and for atomic ones
 */
export function removeFields(value: unknown, fields: FieldSet, schema: TypeSchema): unknown {
  const shape = shapeOf(schema, value);
  if (shape.kind === 'scalar') return value;
  if (shape.kind === 'list') return Array.isArray(value) && !shape.atomic ? removeItems(value, fields, shape) : null;
  return isRecord(value) && !shape.atomic ? removeKeys(value, fields, shape) : null;
}

function removeItems(items: readonly unknown[], fields: FieldSet, shape: ListShape): unknown {
  const kept: unknown[] = [];
  for (const item of items) {
    const node = fields.get(itemElement(shape, item));
    if (node?.member === true) continue;
    kept.push(node === undefined ? item : removeFields(item, node.children, shape.items));
  }
  return kept.length === 0 ? null : kept;
}

function removeKeys(values: Readonly<Record<string, unknown>>, fields: FieldSet, shape: MapShape): unknown {
  const kept: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(values)) {
    const node = fields.get(fieldElement(field));
    if (node?.member === true) continue;
    kept[field] = node === undefined ? value : removeFields(value, node.children, fieldSchema(shape, field) ?? DEDUCED);
  }
  return Object.keys(kept).length === 0 ? null : kept;
}

/** The set with the fields of types that lie on the way to its paths: `spec` where `spec.replicas` is in it, but no keys of maps and no items. */
export function withNamedFields(fields: FieldSet, schema: TypeSchema | undefined): FieldSet {
  const out = new FieldSetBuilder();
  for (const [element, node] of fields) {
    const { named, below } = step(element, schema);
    const children = node.children.size === 0 ? EMPTY_SET : withNamedFields(node.children, below);
    out.add(element, node.member || (named && children.size > 0), children);
  }
  return out.build();
}

function step(element: string, schema: TypeSchema | undefined): { readonly named: boolean; readonly below: TypeSchema | undefined } {
  if (schema === undefined) return { named: false, below: undefined };
  if (element.startsWith('f:')) {
    const shape = shapeOf(schema, undefined);
    if (shape.kind !== 'map') return { named: false, below: undefined };
    const field = element.slice(2);
    return { named: isNamedField(shape, field), below: fieldSchema(shape, field) };
  }
  const shape = shapeOf(schema, []);
  return { named: false, below: shape.kind === 'list' && element.startsWith('k:') ? shape.items : undefined };
}
