/**
 * How a value takes part in merging, by its schema: as one leaf, as a list whose items have names, or as a map of fields. Where the schema
 * leaves it open the value decides; lists are atomic then.
 * @source kubernetes/kube-openapi pkg/schemaconv and kubernetes-sigs/structured-merge-diff typed/helpers.go, v6.3
 */
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { isRecord } from './json-values.ts';
import { keyElement, valueElement, type PathElement } from './path-element.ts';

export interface ScalarShape {
  readonly kind: 'scalar';
}

export interface ListShape {
  readonly kind: 'list';
  readonly atomic: boolean;
  /** Fields that name an item; empty for sets. */
  readonly keys: readonly string[];
  readonly items: TypeSchema;
}

export interface MapShape {
  readonly kind: 'map';
  readonly atomic: boolean;
  readonly schema: TypeSchema;
}

export type Shape = ScalarShape | ListShape | MapShape;

/** What is not described: values are taken as they come. */
export const DEDUCED: TypeSchema = { type: 'any', preserveUnknownFields: true };

const SCALAR: ScalarShape = { kind: 'scalar' };

/** Shape of a value of a type. Null and absent values have the shape of their type, or of a map where the type is open. */
export function shapeOf(schema: TypeSchema, value: unknown): Shape {
  switch (schema.type) {
    case 'object':
      return mapShape(schema);
    case 'array':
      return listShape(schema);
    case 'any':
      if (Array.isArray(value)) return listShape(schema);
      return isRecord(value) || value === null || value === undefined ? mapShape(schema) : SCALAR;
    default:
      return SCALAR;
  }
}

/** Whether both shapes treat values alike, so that one pass over both values is enough. */
export function sameShape(left: Shape, right: Shape): boolean {
  return left.kind === right.kind;
}

function mapShape(schema: TypeSchema): MapShape {
  return { kind: 'map', atomic: schema.mapType === 'atomic' || schema.goType === 'runtime.RawExtension', schema };
}

function listShape(schema: TypeSchema): ListShape {
  const items = schema.items ?? DEDUCED;
  if (schema.listType === 'map') return { kind: 'list', atomic: false, keys: schema.listMapKeys ?? [], items };
  if (schema.listType === 'set') return { kind: 'list', atomic: false, keys: [], items };
  const merged = schema.listType === undefined && schema.patchStrategy?.startsWith('merge') === true;
  if (!merged) return { kind: 'list', atomic: true, keys: [], items };
  return { kind: 'list', atomic: false, keys: schema.patchMergeKey === undefined ? [] : [schema.patchMergeKey], items };
}

/** Type of a field. @returns undefined for a field that the type does not have */
export function fieldSchema({ schema }: MapShape, field: string): TypeSchema | undefined {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && Object.hasOwn(properties, field)) return objectRoot(properties[field]);
  if (additionalProperties !== undefined) return objectRoot(additionalProperties);
  if (schema.preserveUnknownFields === true || properties === undefined || Object.keys(properties).length === 0) return DEDUCED;
  return undefined;
}

/** Whether a field is one of the type's own, not the key of a map. */
export function isNamedField({ schema }: MapShape, field: string): boolean {
  return schema.properties !== undefined && Object.hasOwn(schema.properties, field);
}

const OBJECT_META = builtInSchemas('v1', 'ConfigMap')?.properties?.['metadata'] ?? DEDUCED;
const TEXT: TypeSchema = { type: 'string' };
const roots = new WeakMap<TypeSchema, TypeSchema>();

/** The schema of a whole object, which custom resources describe without apiVersion, kind and the fields of metadata. */
export function rootSchema(schema: TypeSchema | undefined): TypeSchema {
  if (schema === undefined) return DEDUCED;
  if (schema.goType !== undefined) return schema;
  const known = roots.get(schema);
  if (known !== undefined) return known;
  const root: TypeSchema = { ...schema, properties: { ...schema.properties, apiVersion: TEXT, kind: TEXT, metadata: OBJECT_META } };
  roots.set(schema, root);
  return root;
}

function objectRoot(schema: TypeSchema | undefined): TypeSchema | undefined {
  return schema?.embeddedResource === true ? rootSchema(schema) : schema;
}

/** Why a list cannot be merged: an item that has no name. */
export class UnnamedItemError extends Error {}

/**
 * The step to an item of a list that is not atomic.
 * @throws UnnamedItemError with the words of structured-merge-diff
 */
export function itemElement(shape: ListShape, item: unknown): PathElement {
  if (shape.keys.length === 0) return setItemElement(item);
  if (item === null) throw new UnnamedItemError('associative list with keys may not have a null element');
  if (!isRecord(item)) throw new UnnamedItemError('associative list with keys may not have non-map elements');
  const keys: [string, unknown][] = [];
  for (const key of shape.keys) {
    const value = Object.hasOwn(item, key) ? item[key] : shape.items.properties?.[key]?.default;
    if (value !== undefined) keys.push([key, value]);
  }
  if (keys.length === 0) {
    const names = shape.keys.map((key) => JSON.stringify(key)).join(' ');
    throw new UnnamedItemError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(keys);
}

function setItemElement(item: unknown): PathElement {
  if (item === null) throw new UnnamedItemError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new UnnamedItemError('not supported: associative list with lists as elements');
  if (isRecord(item)) throw new UnnamedItemError("associative list without keys has an element that's a map type");
  return valueElement(item);
}
