/** Finds the fields of a body that its type does not know or that came twice, and words the refusals of bodies that cannot be read. */
import { badRequest, type StatusError } from '../objects/status-error.ts';
import type { ParsedJson } from './parse-json-strict.ts';
import { expanded, rootSchema } from './prune-unknown.ts';
import { jsonTypeName } from './type-problem.ts';
import type { TypeSchema } from './type-schema.ts';

export { findTypeProblem } from './type-problem.ts';

type Json = Readonly<Record<string, unknown>>;

type DuplicateFields = ParsedJson['duplicateFields'];

/** As many as sigs.k8s.io/json reports. */
const MAX_PROBLEMS = 100;

/**
 * What fieldValidation=Strict refuses and Warn warns of: `unknown field "spec.foo"`, and `duplicate field "spec.x"` when told how the body
 * was read. Built-in kinds report in the order of the body, and nothing inside of fields they do not know; custom resources report all
 * duplicates first, then unknown fields by name.
 * @param duplicateFields of parseJsonStrict, for the same body; without them, no duplicates are reported
 */
export function findFieldProblems(body: unknown, schema: TypeSchema, duplicateFields: DuplicateFields = new Map()): readonly string[] {
  const problems: Problem[] = [];
  walk(body, rootSchema(schema), '', { problems, duplicateFields });
  if (schema.goType !== undefined) return problems.slice(0, MAX_PROBLEMS).map(textOf);
  const unknown = problems.filter(({ kind }) => kind === 'unknown').sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...allDuplicates(body, '', duplicateFields), ...unknown].map(textOf);
}

/** Fields that came twice, wherever they are. */
function allDuplicates(value: unknown, path: string, duplicateFields: DuplicateFields): readonly Problem[] {
  if (duplicateFields.size === 0 || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    return (value as readonly unknown[]).flatMap((item, index) => allDuplicates(item, `${path}[${String(index)}]`, duplicateFields));
  }
  const pathOf = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const repeated = duplicateFields.get(value) ?? [];
  return Object.entries(value as Json).flatMap(([name, item]) => [
    ...allDuplicates(item, pathOf(name), duplicateFields),
    ...repeated.filter((field) => field.name === name).map((): Problem => ({ kind: 'duplicate', path: pathOf(name) })),
  ]);
}

interface Problem {
  readonly kind: 'unknown' | 'duplicate';
  readonly path: string;
}

interface Walk {
  readonly problems: Problem[];
  readonly duplicateFields: DuplicateFields;
}

function textOf({ kind, path }: Problem): string {
  return `${kind} field ${JSON.stringify(path)}`;
}

function walk(value: unknown, given: TypeSchema, path: string, to: Walk): void {
  const schema = expanded(given);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, item] of (value as readonly unknown[]).entries()) walk(item, items, `${path}[${String(index)}]`, to);
  } else if (typeof value === 'object' && value !== null) walkFields(value, schema, path, to);
}

function walkFields(value: object, schema: TypeSchema, path: string, to: Walk): void {
  const repeated = (to.duplicateFields.get(value) ?? []).filter(({ name }) => fieldSchema(schema, name) !== 'unknown');
  const pathOf = (name: string): string => (path === '' ? name : `${path}.${name}`);
  let reported = 0;
  for (const [index, [name, item]] of Object.entries(value as Json).entries()) {
    for (let next = repeated[reported]; next !== undefined && next.after <= index; next = repeated[reported]) {
      to.problems.push({ kind: 'duplicate', path: pathOf(next.name) });
      reported++;
    }
    const inner = fieldSchema(schema, name);
    if (inner === 'unknown') to.problems.push({ kind: 'unknown', path: pathOf(name) });
    else if (inner !== undefined) walk(item, inner, pathOf(name), to);
  }
  for (const { name } of repeated.slice(reported)) to.problems.push({ kind: 'duplicate', path: pathOf(name) });
}

/** @returns undefined for what has no structure to follow */
function fieldSchema(schema: TypeSchema, name: string): TypeSchema | 'unknown' | undefined {
  if (schema.additionalProperties !== undefined) return schema.additionalProperties;
  const { properties } = schema;
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name];
  if (schema.preserveUnknownFields === true || schema.type === 'any' || schema.type !== 'object') return undefined;
  return 'unknown';
}

/** The 400 for a body that cannot be read into its type. @param why such as the text of findTypeProblem */
export function cannotBeHandled(body: VersionAndKind, expectedKind: string, why: string): StatusError {
  const version = body.apiVersion.slice(body.apiVersion.indexOf('/') + 1);
  return badRequest(`${body.kind} in version ${JSON.stringify(version)} cannot be handled as a ${expectedKind}: ${why}`);
}

/** The 400 for fieldValidation=Strict. @param problems of findFieldProblems, at least one */
export function strictDecodingError(body: VersionAndKind, expectedKind: string, problems: readonly string[]): StatusError {
  return cannotBeHandled(body, expectedKind, strictDecodingText(problems));
}

/** The part of it that other refusals contain too. */
export function strictDecodingText(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(', ')}`;
}

/** What a body says that it is. */
export interface VersionAndKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Reads apiVersion and kind; an empty text for one that is absent, as in a body `null`.
 * @param text the body as it came, which the refusal shows
 * @throws StatusError 400 for a body that is no object, and for apiVersion or kind that are no strings
 */
export function readVersionAndKind(body: unknown, text: string, expectedKind: string): VersionAndKind {
  if (body === null) return { apiVersion: '', kind: '' };
  if (typeof body !== 'object' || Array.isArray(body)) {
    const target = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;
    throw unrecognizedBody(expectedKind, text, `json: cannot unmarshal ${jsonTypeName(body)} into Go value of type ${target}`);
  }
  const read = (field: 'apiVersion' | 'kind'): string => {
    const value = (body as Json)[field] ?? '';
    if (typeof value === 'string') return value;
    throw unrecognizedBody(
      expectedKind,
      text,
      `json: cannot unmarshal ${jsonTypeName(value)} into Go struct field .${field} of type string`,
    );
  };
  return { apiVersion: read('apiVersion'), kind: read('kind') };
}

/** How much of a body that cannot be read is shown, in bytes. */
const SHOWN_BYTES = 30;

/** The 400 for a body that is no JSON object. @param why the words of Go, such as a SyntaxError of parseJson */
export function unrecognizedBody(expectedKind: string, body: string, why: string): StatusError {
  const bytes = Buffer.from(body);
  const shown = bytes.subarray(0, SHOWN_BYTES).toString(body.startsWith('{') ? 'utf8' : 'hex');
  const summary = body === '' ? '<empty>' : `${shown}${bytes.length > SHOWN_BYTES ? ' ...' : ''}`;
  return badRequest(
    `the object provided is unrecognized (must be of type ${expectedKind}): couldn't get version/kind; json parse error: ${why} (${summary})`,
  );
}
