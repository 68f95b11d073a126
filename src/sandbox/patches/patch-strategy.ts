/** Looks up how a strategic merge patch treats a field, in the structure of its type. */
import type { TypeSchema } from '../schema/type-schema.ts';
import { MergeProblem } from './element-order.ts';

export interface ItemStrategy {
  /** Of the items. */
  readonly schema: TypeSchema | undefined;
  readonly merge: boolean;
  /** Undefined for lists of values that are no objects. */
  readonly mergeKey: string | undefined;
}

/** @throws MergeProblem for a field that the type does not have, or that is no list */
export function itemStrategy(schema: TypeSchema | undefined, field: string): ItemStrategy {
  const found = fieldSchema(schema, field);
  if (found.type !== 'array') throw new MergeProblem(`expected slice or array type, but got: ${goKind(schema)}`);
  const strategies = (found.patchStrategy ?? '').split(',');
  return { schema: found.items, merge: strategies.includes('merge'), mergeKey: found.patchMergeKey };
}

/**
 * The structure of a field.
 * @throws MergeProblem for a field that the type does not have
 * @see LookupPatchMetadataForStruct of apimachinery, third_party/forked/golang/json/fields.go
 */
export function fieldSchema(schema: TypeSchema | undefined, field: string): TypeSchema {
  const { properties, goType = '' } = schema ?? {};
  const typeName = goType.slice(goType.lastIndexOf('.') + 1);
  if (properties === undefined && schema?.type === 'object' && schema.preserveUnknownFields !== true) {
    throw new MergeProblem(`merging an object in json but data type is not struct, instead is: ${goKind(schema)}`);
  }
  const folded = field.toLowerCase();
  const name =
    Object.keys(properties ?? {}).find((known) => known === field) ??
    Object.keys(properties ?? {}).find((known) => known.toLowerCase() === folded);
  const found = name === undefined ? undefined : properties?.[name];
  if (found === undefined)
    throw new MergeProblem(`unable to find api field in struct ${typeName} for the json field ${JSON.stringify(field)}`);
  return found;
}

function goKind(schema: TypeSchema | undefined): string {
  if (schema?.type === 'object') return schema.additionalProperties === undefined ? 'struct' : 'map';
  if (schema?.type === 'array') return 'slice';
  return schema?.goType ?? 'struct';
}
