/** Reads the schema of a CRD into the structure that patches, apply and pruning walk along. */
import { builtInSchemas } from '../../schema/built-in-schemas.ts';
import type { SchemaType, TypeSchema } from '../../schema/type-schema.ts';
import { isRecord, list, record, text, type Json } from '../json-tree.ts';

/** Keywords that have a field of their own in the structure. */
const STRUCTURAL = new Set([
  'type',
  'format',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'default',
  'nullable',
  'description',
  'title',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
]);

/**
 * The structure of a whole custom resource: what its CRD says, and apiVersion, kind and metadata as every object has them.
 * @param schema `openAPIV3Schema`; without one nothing is known and everything kept
 */
export function readCrdSchema(schema: unknown): TypeSchema {
  const root = isRecord(schema) ? readSchema(schema) : { type: 'object' as const, preserveUnknownFields: true };
  return { ...root, type: 'object', properties: { ...root.properties, ...objectFields() } };
}

function objectFields(): Readonly<Record<string, TypeSchema>> {
  const metadata = builtInSchemas('v1', 'ConfigMap')?.properties?.['metadata'] ?? { type: 'object', preserveUnknownFields: true };
  return { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata };
}

function readSchema(schema: Json): TypeSchema {
  const rules = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !STRUCTURAL.has(keyword)));
  const properties = isRecord(schema['properties']) ? mapValues(schema['properties']) : undefined;
  const values = schema['additionalProperties'];
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  return {
    type: typeOf(schema),
    ...(schema['format'] === undefined ? {} : { format: text(schema['format']) }),
    ...(properties === undefined && !embedded ? {} : { properties: { ...(embedded ? objectFields() : {}), ...properties } }),
    ...(list(schema['required']).length === 0 ? {} : { required: list(schema['required']).map(text) }),
    ...(isRecord(values) ? { additionalProperties: readSchema(values) } : {}),
    ...(values === true ? { additionalProperties: { type: 'any' as const, preserveUnknownFields: true } } : {}),
    ...(isRecord(schema['items']) ? { items: readSchema(schema['items']) } : {}),
    ...listStructure(schema),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { mapType: 'atomic' as const } : {}),
    ...(schema['default'] === undefined ? {} : { default: schema['default'] }),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? { preserveUnknownFields: true } : {}),
    ...(embedded ? { embeddedResource: true } : {}),
    ...(schema['nullable'] === true ? { nullable: true } : {}),
    ...(Object.keys(rules).length === 0 ? {} : { rules }),
  };
}

function mapValues(properties: Json): Readonly<Record<string, TypeSchema>> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, readSchema(record(schema))]));
}

function typeOf(schema: Json): SchemaType {
  if (schema['x-kubernetes-int-or-string'] === true) return 'int-or-string';
  const type = text(schema['type']);
  return type === '' ? 'any' : (type as SchemaType);
}

function listStructure(schema: Json): Pick<TypeSchema, 'listType' | 'listMapKeys'> {
  const type = text(schema['x-kubernetes-list-type']);
  if (type === 'set') return { listType: 'set' };
  if (type === 'map') return { listType: 'map', listMapKeys: list(schema['x-kubernetes-list-map-keys']).map(text) };
  return {};
}
