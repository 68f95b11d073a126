/** Finds the first value that Go could not read into a built-in type, in the words of Go's decoder and of Kubernetes' own types. */
import { objectMetaSchema } from './built-in-schemas.ts';
import type { TypeSchema } from './type-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where a value stands: the struct whose field it is in, and the fields that lead there; list indexes and keys of maps are not named. */
interface Place {
  readonly struct: string;
  readonly path: string;
}

/**
 * What is wrong with the types of a body of a built-in kind, such as `json: cannot unmarshal string into Go struct field
 * DeploymentSpec.spec.replicas of type int32`. Null is never wrong. Only the first problem is reported, in the order of the body.
 * Of a custom resource only the metadata is read into a Go type; the rest is for the rules of its CRD.
 */
export function findTypeProblem(body: unknown, schema: TypeSchema): string | undefined {
  if (schema.goType !== undefined) return problemOf(body, schema, undefined);
  return typeof body === 'object' && body !== null ? problemOf((body as Json)['metadata'], objectMetaSchema, undefined) : undefined;
}

/** The same for one value that stands nowhere, as types see it that read their JSON themselves. */
export function valueProblem(value: unknown, schema: TypeSchema): string | undefined {
  return problemOf(value, schema, undefined);
}

function problemOf(value: unknown, schema: TypeSchema, place: Place | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (schema.type) {
    case 'object':
      return objectProblem(value, schema, place);
    case 'array':
      return arrayProblem(value, schema, place);
    case 'string':
      return stringProblem(value, schema, place);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : mismatch(value, schema.goType, place);
    case 'integer':
      return isInteger(value, schema.format) ? undefined : integerMismatch(value, schema.goType, place);
    case 'number':
      return typeof value === 'number' ? undefined : mismatch(value, schema.goType, place);
    case 'int-or-string':
      return typeof value === 'string' || isInteger(value, 'int32') ? undefined : integerMismatch(value, 'int32', place);
    default:
      return undefined;
  }
}

function objectProblem(value: unknown, schema: TypeSchema, place: Place | undefined): string | undefined {
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return mismatch(value, schema.goType, place);
  const struct = (schema.goType ?? '').slice((schema.goType ?? '').indexOf('.') + 1);
  for (const [name, item] of Object.entries(value as Json)) {
    const inner = additionalProperties ?? (properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined);
    if (inner === undefined) continue;
    const path = place === undefined ? name : `${place.path}.${name}`;
    const problem = problemOf(item, inner, additionalProperties === undefined ? { struct, path } : place);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function arrayProblem(value: unknown, schema: TypeSchema, place: Place | undefined): string | undefined {
  if (!Array.isArray(value)) return mismatch(value, schema.goType, place);
  const { items } = schema;
  if (items === undefined) return undefined;
  for (const item of value as readonly unknown[]) {
    const problem = problemOf(item, items, place);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function stringProblem(value: unknown, schema: TypeSchema, place: Place | undefined): string | undefined {
  if (schema.format === 'quantity') return quantityProblem(value);
  if (typeof value !== 'string') return mismatch(value, schema.format === 'date-time' ? 'string' : schema.goType, place);
  if (schema.format === 'byte') return base64Problem(value);
  return schema.format === 'date-time' ? timeProblem(value, schema.goType === 'v1.MicroTime') : undefined;
}

function mismatch(value: unknown, goType: string | undefined, place: Place | undefined): string {
  return `json: cannot unmarshal ${jsonTypeName(value)} into Go ${placeText(place)} of type ${goType ?? ''}`;
}

/** Numbers are named with their digits where an integer is wanted. */
function integerMismatch(value: unknown, goType: string | undefined, place: Place | undefined): string {
  const name = typeof value === 'number' ? `number ${String(value)}` : jsonTypeName(value);
  return `json: cannot unmarshal ${name} into Go ${placeText(place)} of type ${goType ?? ''}`;
}

function placeText(place: Place | undefined): string {
  return place === undefined ? 'value' : `struct field ${place.struct}.${place.path}`;
}

/** Go's name for what a JSON value is. */
export function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function isInteger(value: unknown, format: string | undefined): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  const limit = format === 'int64' ? 2 ** 63 : 2 ** 31;
  return value >= -limit && value < limit;
}

const QUANTITY_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const quantitySuffix = /^(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

/** @see resource.ParseQuantity of apimachinery, pkg/api/resource/quantity.go */
function quantityProblem(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  const [, amount, suffix = ''] = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text) ?? [];
  if (amount === undefined) return QUANTITY_FORM;
  if (!/^[+-]?\d*\.?\d*$/.test(amount)) return QUANTITY_FORM;
  return quantitySuffix.test(suffix) ? undefined : "unable to parse quantity's suffix";
}

/** Groups of four with padding, line breaks skipped. @see encoding/base64 of Go, Encoding.decodeQuantum */
function base64Problem(value: string): string | undefined {
  const at = corruptByte(value);
  return at === undefined ? undefined : `illegal base64 data at input byte ${String(at)}`;
}

function corruptByte(value: string): number | undefined {
  // A group that ends too early is reported at its beginning, without the line breaks in it.
  let inGroup = 0;
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? '';
    if (character === '\n' || character === '\r') continue;
    if (/^[A-Za-z0-9+/]$/.test(character)) inGroup = (inGroup + 1) % 4;
    else return character === '=' && inGroup >= 2 ? wrongPadding(value, index, inGroup) : index;
  }
  return inGroup === 0 ? undefined : value.length - inGroup;
}

/** @param index of the first `=`, after two or three characters of a group */
function wrongPadding(value: string, index: number, inGroup: number): number | undefined {
  let next = afterBreaks(value, index + 1);
  if (inGroup === 2) {
    if (next === value.length) return next;
    if (value[next] !== '=') return next - 1;
    next = afterBreaks(value, next + 1);
  }
  return next < value.length ? next : undefined;
}

function afterBreaks(value: string, from: number): number {
  let index = from;
  while (value[index] === '\n' || value[index] === '\r') index++;
  return index;
}

interface TimeElement {
  readonly layout: string;
  readonly form: RegExp;
}

const timeElements: readonly TimeElement[] = [
  { layout: '2006', form: /^\d{4}/ },
  { layout: '-', form: /^-/ },
  { layout: '01', form: /^\d{2}/ },
  { layout: '-', form: /^-/ },
  { layout: '02', form: /^\d{2}/ },
  { layout: 'T', form: /^T/ },
  { layout: '15', form: /^\d{1,2}/ },
  { layout: ':', form: /^:/ },
  { layout: '04', form: /^\d{2}/ },
  { layout: ':', form: /^:/ },
  { layout: '05', form: /^\d{2}/ },
];

/** @see time.Parse of Go, with the layouts of RFC 3339 in seconds and in microseconds */
function timeProblem(value: string, micro: boolean): string | undefined {
  const elements = [
    ...timeElements,
    ...(micro ? [{ layout: '.000000', form: /^[.,]\d{6}/ }] : [{ layout: '', form: /^(?:[.,]\d+)?/ }]),
    { layout: 'Z07:00', form: /^(?:Z|[+-]\d{2}:\d{2})/ },
  ];
  const what = `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05${micro ? '.000000' : ''}Z07:00"`;
  let rest = value;
  for (const { layout, form } of elements) {
    const found = form.exec(rest);
    if (found === null) return `${what}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(layout)}`;
    rest = rest.slice(found[0].length);
  }
  if (rest !== '') return `parsing time ${JSON.stringify(value)}: extra text: ${JSON.stringify(rest)}`;
  const outOfRange = rangeProblem(value);
  return outOfRange === undefined ? undefined : `parsing time ${JSON.stringify(value)}: ${outOfRange} out of range`;
}

function rangeProblem(value: string): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = value.split(/[-T:.,Z+]/).map(Number);
  if (month < 1 || month > 12) return 'month';
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return 'day';
  if (hour > 23) return 'hour';
  if (minute > 59) return 'minute';
  return second > 59 ? 'second' : undefined;
}
