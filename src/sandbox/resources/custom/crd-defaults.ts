/**
 * What a server does to a custom resource before it looks at it: unknown fields go, nulls go where null is no value, defaults come.
 * @source k8s.io/apiextensions-apiserver pkg/apiserver/schema/pruning and defaulting of 1.34
 */
import type { TypeSchema } from '../../schema/type-schema.ts';
import { isRecord, list, type Json } from '../json-tree.ts';

const OBJECT_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/** @param keepUnknown the old `spec.preserveUnknownFields` of CRDs: nothing is dropped */
export function completeCustomResource(object: Json, schema: TypeSchema, keepUnknown: boolean): Json {
  return completeObject(object, schema, keepUnknown, true);
}

function complete(value: unknown, schema: TypeSchema, keepUnknown: boolean): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : list(value).map((item) => complete(item, items, keepUnknown));
  }
  return isRecord(value) ? completeObject(value, schema, keepUnknown, schema.embeddedResource === true) : value;
}

function completeObject(object: Json, schema: TypeSchema, keepUnknown: boolean, isResource: boolean): Json {
  const result: Record<string, unknown> = {};
  const keepsAll = keepUnknown || schema.preserveUnknownFields === true || schema.type === 'any';
  for (const [field, value] of Object.entries(object)) {
    const known = schema.properties?.[field] ?? schema.additionalProperties;
    if (isResource && OBJECT_FIELDS.has(field)) result[field] = value;
    else if (known === undefined) {
      if (keepsAll) result[field] = value;
    } else if (value !== null || known.nullable === true || isFree(known)) {
      result[field] = complete(value, known, keepUnknown);
    }
  }
  const fallbacks = Object.entries(schema.properties ?? {}).filter(
    ([field, { default: fallback }]) => fallback !== undefined && result[field] === undefined,
  );
  for (const [field, known] of fallbacks) result[field] = complete(structuredClone(known.default), known, keepUnknown);
  return result;
}

/** Nothing is known of it, so null may be meant. */
function isFree(schema: TypeSchema): boolean {
  return schema.type === 'any' && schema.preserveUnknownFields === true;
}
