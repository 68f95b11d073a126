/** The words for values of the wrong type in the result of a strategic merge patch, which the API server does not read from JSON. */
import { valueProblem } from './type-problem.ts';
import type { TypeSchema } from './type-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * What is wrong with the types of a patched object of a built-in kind, such as `cannot restore map from string`; the field is not named.
 * @see fromUnstructured of apimachinery v0.34, pkg/runtime/converter.go
 */
export function findConversionProblem(value: unknown, schema: TypeSchema): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (schema.format === 'quantity' || schema.format === 'date-time' || schema.type === 'int-or-string') return valueProblem(value, schema);
  switch (schema.type) {
    case 'object':
      return objectProblem(value, schema);
    case 'array':
      return arrayProblem(value, schema);
    case 'any':
      return undefined;
    default:
      return scalarProblem(value, schema);
  }
}

function objectProblem(value: unknown, { properties, additionalProperties }: TypeSchema): string | undefined {
  if (properties === undefined && additionalProperties === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    return additionalProperties === undefined ? `cannot restore struct from: ${goKind(value)}` : `cannot restore map from ${goKind(value)}`;
  }
  for (const [name, item] of Object.entries(value as Json)) {
    const inner = additionalProperties ?? (properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined);
    const problem = inner === undefined ? undefined : findConversionProblem(item, inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function arrayProblem(value: unknown, { items }: TypeSchema): string | undefined {
  if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`;
  if (items === undefined) return undefined;
  for (const item of value as readonly unknown[]) {
    const problem = findConversionProblem(item, items);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function scalarProblem(value: unknown, schema: TypeSchema): string | undefined {
  const { goType = '' } = schema;
  if (schema.format === 'byte') {
    if (typeof value !== 'string') return `cannot restore slice from ${goKind(value)}`;
    const problem = valueProblem(value, schema);
    return problem === undefined ? undefined : `error decoding from json: ${problem}`;
  }
  const wanted = { string: 'string', boolean: 'boolean', integer: 'number', number: 'number' }[schema.type as 'string'];
  const isWhole = schema.type !== 'integer' || Number.isInteger(value);
  if (typeof value === wanted && isWhole) return undefined;
  // Go converts numbers into text and into each other, which the server refuses in its own words; all else is no conversion at all.
  const convertible = typeof value === 'number' && (wanted === 'string' ? Number.isInteger(value) : wanted === 'number');
  return convertible ? `cannot convert ${goKind(value)} to ${goType}` : `unrecognized type: ${kindOf(schema)}`;
}

/** The kind below a named type: `string` for `v1.RestartPolicy`. */
function kindOf({ type, format, goType }: TypeSchema): string {
  if (type === 'string') return 'string';
  if (type === 'boolean') return 'bool';
  return type === 'number' ? 'float64' : (format ?? goType ?? '');
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map';
}
