/** Drops what a structure does not know, as the API server does with objects of built-in kinds and of custom resources. */
import type { KubeObject } from '../objects/kube-object.ts';
import { objectMetaSchema } from './built-in-schemas.ts';
import type { TypeSchema } from './type-schema.ts';

type Json = Readonly<Record<string, unknown>>;

const text: TypeSchema = { type: 'string' };

/** Copies the object without the fields that its structure does not list; parts in which nothing is dropped are shared. */
export function pruneUnknown(object: KubeObject, schema: TypeSchema): KubeObject {
  return pruneValue(object, rootSchema(schema)) as KubeObject;
}

/** A whole object always has apiVersion, kind and metadata, whatever its CRD says. */
export function rootSchema(schema: TypeSchema): TypeSchema {
  const { properties = {} } = schema;
  const metadata = properties['metadata']?.properties === undefined ? objectMetaSchema : properties['metadata'];
  return { ...schema, type: 'object', properties: { apiVersion: text, kind: text, ...properties, metadata } };
}

/** The structure to go on with: embedded objects have the fields of every object. */
export function expanded(schema: TypeSchema): TypeSchema {
  return schema.embeddedResource === true ? rootSchema({ ...schema, embeddedResource: false }) : schema;
}

function pruneValue(value: unknown, given: TypeSchema): unknown {
  const schema = expanded(given);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : shared(
          value,
          value.map((item: unknown) => pruneValue(item, items)),
        );
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Json);
  const { additionalProperties, properties } = schema;
  if (additionalProperties !== undefined)
    return rebuilt(
      value,
      entries.map(([key, item]) => [key, pruneValue(item, additionalProperties)]),
    );
  const keepsAll = schema.preserveUnknownFields === true;
  if (properties === undefined) return keepsAll || schema.type === 'any' ? value : rebuilt(value, []);
  const kept = entries.filter(([key]) => keepsAll || Object.hasOwn(properties, key));
  return rebuilt(
    value,
    kept.map(([key, item]) => [key, pruneKnown(item, properties, key)]),
  );
}

function pruneKnown(item: unknown, properties: Readonly<Record<string, TypeSchema>>, key: string): unknown {
  const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
  return schema === undefined ? item : pruneValue(item, schema);
}

/** The array itself when no item changed. */
function shared(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return after.every((item, index) => item === before[index]) ? before : after;
}

function rebuilt(before: object, entries: readonly (readonly [string, unknown])[]): object {
  const json = before as Json;
  const same = entries.length === Object.keys(before).length && entries.every(([key, item]) => item === json[key]);
  return same ? before : Object.fromEntries(entries);
}
