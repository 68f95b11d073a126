/**
 * Judges custom resources by the schema of their CRD, in the words of Kubernetes. Rules in CEL (`x-kubernetes-validations`) are not evaluated.
 * @source k8s.io/kube-openapi pkg/validation, k8s.io/apiextensions-apiserver pkg/apiserver/validation of 1.34
 */
import type { FieldError } from '../../objects/status-error.ts';
import { invalidValue, notSupported, quoted, required, tooLong, tooMany, typeInvalid } from '../field-errors.ts';
import { isRecord, list, record, sameJson, text, type Json } from '../json-tree.ts';
import { matchesFormat } from './string-formats.ts';

const NO_PATH = '<nil>';

/** A value in its place, with the value that was there before an update. */
interface Place {
  readonly value: unknown;
  readonly path: string;
  readonly previous?: unknown;
}

/** @param previous absent on create; what did not change since is not judged again */
export function validateBySchema(schema: Json, object: Json, previous?: Json): readonly FieldError[] {
  const properties = Object.entries(record(schema['properties'])).filter(([field]) => !['apiVersion', 'kind', 'metadata'].includes(field));
  const errors = validate({ ...schema, properties: Object.fromEntries(properties) }, place(object, '', previous));
  const blocking = errors.some(({ reason }) => BLOCKING.has(reason));
  if (!blocking || !hasCelRules(schema)) return errors;
  const unchecked =
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  return [...errors, invalidValue(NO_PATH, null, unchecked)];
}

const BLOCKING = new Set<FieldError['reason']>([
  'FieldValueTypeInvalid',
  'FieldValueRequired',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
]);

function hasCelRules(schema: unknown): boolean {
  if (Array.isArray(schema)) return list(schema).some(hasCelRules);
  if (!isRecord(schema)) return false;
  return 'x-kubernetes-validations' in schema || Object.values(schema).some(hasCelRules);
}

function place(value: unknown, path: string, previous: unknown): Place {
  return previous === undefined ? { value, path } : { value, path, previous };
}

function validate(schema: Json, at: Place): readonly FieldError[] {
  const { value, previous } = at;
  if (value === undefined || (previous !== undefined && sameJson(value, previous))) return [];
  if (value === null && schema['nullable'] === true) return [];
  return [
    ...typeErrors(schema, at),
    ...alternativeErrors(schema, at),
    ...(typeof value === 'string' ? stringErrors(schema, at.path, value) : []),
    ...(typeof value === 'number' ? numberErrors(schema, at.path, value) : []),
    ...(Array.isArray(value) ? listErrors(schema, at, list(value)) : []),
    ...enumErrors(schema, at),
    ...(isRecord(value) ? objectErrors(schema, at, value) : []),
  ];
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeErrors(schema: Json, { value, path, previous }: Place): readonly FieldError[] {
  const wanted = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : [text(schema['type'])];
  const given = typeName(value);
  if (wanted[0] === '' || wanted.includes(given) || (wanted.includes('number') && given === 'integer')) return [];
  // A value that takes the place of another one is judged by itself, without where it is.
  const shown = previous === undefined ? path : path.slice(path.lastIndexOf('.') + 1);
  return [typeInvalid(path, given, `${shown} in body must be of type ${wanted.join(',')}: ${quoted(given)}`)];
}

function enumErrors(schema: Json, { value, path }: Place): readonly FieldError[] {
  const allowed = list(schema['enum']);
  if (allowed.length === 0 || allowed.some((item) => sameJson(item, value))) return [];
  return [
    notSupported(
      path,
      value,
      allowed.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
    ),
  ];
}

function stringErrors(schema: Json, path: string, value: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const length = Array.from(value).length;
  const { minLength, maxLength, pattern, format } = schema;
  if (typeof maxLength === 'number' && length > maxLength) errors.push(tooLong(path, maxLength));
  if (typeof minLength === 'number' && length < minLength)
    errors.push(invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`));
  if (typeof pattern === 'string' && !(compile(pattern)?.test(value) ?? true))
    errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  if (typeof format === 'string' && !matchesFormat(format, value)) {
    errors.push(typeInvalid(path, value, `${path} in body must be of type ${format}: ${quoted(value)}`));
  }
  return errors;
}

/** Patterns are written for Go, whose syntax is nearly the same. @returns undefined for one that only Go understands */
function compile(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = (flags === null ? pattern : pattern.slice(flags[0].length)).replaceAll('\\z', '$').replaceAll('\\A', '^');
  try {
    return new RegExp(source, flags?.[1] ?? '');
  } catch {
    return undefined;
  }
}

function numberErrors(schema: Json, path: string, value: number): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { minimum, maximum, multipleOf } = schema;
  const say = (what: string): void => void errors.push(invalidValue(path, value, `${path} in body should be ${what}`));
  if (typeof multipleOf === 'number' && !Number.isInteger(value / multipleOf)) say(`a multiple of ${multipleOf}`);
  if (typeof maximum === 'number') {
    if (schema['exclusiveMaximum'] === true ? value >= maximum : value > maximum) {
      say(`less than ${schema['exclusiveMaximum'] === true ? '' : 'or equal to '}${maximum}`);
    }
  }
  if (typeof minimum === 'number') {
    if (schema['exclusiveMinimum'] === true ? value <= minimum : value < minimum) {
      say(`greater than ${schema['exclusiveMinimum'] === true ? '' : 'or equal to '}${minimum}`);
    }
  }
  return errors;
}

function listErrors(schema: Json, { path, previous }: Place, values: readonly unknown[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { minItems, maxItems, items } = schema;
  if (isRecord(items)) {
    for (const [index, value] of values.entries())
      errors.push(...validate(items, place(value, `${path}[${index}]`, list(previous)[index])));
  }
  if (typeof minItems === 'number' && values.length < minItems) {
    errors.push(invalidValue(path, values.length, `${path} in body should have at least ${minItems} items`));
  }
  if (typeof maxItems === 'number' && values.length > maxItems) errors.push(tooMany(path, values.length, maxItems));
  return [...errors, ...duplicateErrors(schema, path, values)];
}

/** Lists that are sets or maps must not name a thing twice. */
function duplicateErrors(schema: Json, path: string, values: readonly unknown[]): readonly FieldError[] {
  const type = text(schema['x-kubernetes-list-type']);
  if (type !== 'set' && type !== 'map') return [];
  const keys = list(schema['x-kubernetes-list-map-keys']).map(text);
  const seen = new Set<string>();
  return values.flatMap((value, index): FieldError[] => {
    const id =
      type === 'set'
        ? value
        : Object.fromEntries(keys.toSorted().flatMap((key) => (record(value)[key] === undefined ? [] : [[key, record(value)[key]]])));
    const shown = JSON.stringify(id);
    if (!seen.has(shown)) {
      seen.add(shown);
      return [];
    }
    return [{ reason: 'FieldValueDuplicate', field: `${path}[${index}]`, message: `Duplicate value: ${shown}` }];
  });
}

function objectErrors(schema: Json, { path, previous }: Place, value: Json): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { minProperties, maxProperties, additionalProperties } = schema;
  const count = Object.keys(value).length;
  if (typeof minProperties === 'number' && count < minProperties) {
    errors.push(invalidValue(path, count, `${path} in body should have at least ${minProperties} properties`));
  }
  if (typeof maxProperties === 'number' && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
  const properties = record(schema['properties']);
  for (const [field, item] of Object.entries(value)) {
    const known = properties[field] ?? additionalProperties;
    if (isRecord(known)) errors.push(...validate(known, place(item, join(path, field), isRecord(previous) ? previous[field] : undefined)));
  }
  for (const field of list(schema['required']).map(text)) {
    if (!Object.hasOwn(value, field)) errors.push(required(join(path, field)));
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    for (const field of ['apiVersion', 'kind'])
      if (text(value[field]) === '') errors.push(required(join(path, field), 'must not be empty'));
  }
  return errors;
}

function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

function alternativeErrors(schema: Json, at: Place): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = quoted(at.path);
  const say = (what: string): void => void errors.push(invalidValue(NO_PATH, '', `${name} must ${what}`));
  const { anyOf, oneOf, allOf, not } = schema;
  if (Array.isArray(anyOf) && schema['x-kubernetes-int-or-string'] !== true) {
    const { valid, best } = alternatives(anyOf, at);
    if (valid === 0) {
      say('validate at least one schema (anyOf)');
      errors.push(...best);
    }
  }
  if (Array.isArray(oneOf)) {
    const { valid, best } = alternatives(oneOf, at);
    if (valid !== 1) {
      say(`validate one and only one schema (oneOf). Found ${valid === 0 ? 'none valid' : `${valid} valid alternatives`}`);
      if (valid === 0) errors.push(...best);
    }
  }
  if (Array.isArray(allOf)) {
    const results = allOf.map((branch) => validate(record(branch), at));
    errors.push(...results.flat());
    const valid = results.filter((result) => result.length === 0).length;
    if (valid < results.length) say(`validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
  }
  if (isRecord(not) && validate(not, at).length === 0) say('not validate the schema (not)');
  return errors;
}

/** @returns how many branches hold, and what the branch that failed least complains about */
function alternatives(branches: readonly unknown[], at: Place): { readonly valid: number; readonly best: readonly FieldError[] } {
  const results = branches.map((branch) => validate(record(branch), at));
  const valid = results.filter((result) => result.length === 0).length;
  const best = results.reduce<readonly FieldError[]>(
    (least, result) => (least.length === 0 || result.length < least.length ? result : least),
    [],
  );
  return { valid, best };
}
