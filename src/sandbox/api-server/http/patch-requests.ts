/** Patches over HTTP: which kind, what is in the body, and what the patched object may not be. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, invalid, StatusError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { findConversionProblem } from '../../schema/conversion-problem.ts';
import { findFieldProblems, findTypeProblem, strictDecodingText } from '../../schema/field-validation.ts';
import { patchedText } from '../../patches/patched-text.ts';
import { parseJsonStrict, type ParsedJson } from '../../schema/parse-json-strict.ts';
import { inOrder } from '../object-metadata.ts';
import { apiVersionOf } from '../resource-registry.ts';
import { checkCustomKind, kindProblem, parseYaml } from './decode-body.ts';
import type { Exchange, FrontParts } from './exchange.ts';
import type { Patch, PatchType } from '../pipeline/patch-object.ts';
import { readBody } from './read-body.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';

const TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export interface PatchRequest {
  readonly patch: Patch;
  readonly options: WriteOptions;
}

/** @throws StatusError 400, 415 or 422 */
export async function readPatch(
  { core }: FrontParts,
  { message, query, warnings }: Exchange,
  definition: ResourceDefinition,
): Promise<PatchRequest> {
  const custom = core.registry.isCustom(definition);
  const type = patchType(message.headers['content-type'], custom);
  const options = readWriteOptions('PatchOptions', query, message.headers['user-agent'], type === 'apply');
  const text = (await readBody(message)).toString('utf8');
  const parsed = type === 'apply' ? { value: appliedYaml(text), duplicates: [] } : parsePatch(text, type);
  const { value: body, duplicates } = parsed;
  const checks = { definition, custom, type, body, fieldValidation: options.fieldValidation, duplicates, warnings };
  const patch: Patch = { type, body, force: options.force, inspect: (patched) => inspect(patched, checks) };
  return { patch, options };
}

function patchType(contentType: string | undefined, custom: boolean): PatchType {
  const name = (contentType ?? '').split(';')[0]?.trim() ?? '';
  const type = TYPES[name];
  if (type === undefined) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  if (!custom || type !== 'strategic') return type;
  const accepted = Object.keys(TYPES).filter((each) => TYPES[each] !== 'strategic');
  throw new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

function appliedYaml(text: string): unknown {
  const value = parseYaml(text, (why) => badRequest(`error decoding YAML: error converting YAML to JSON: ${why}`));
  if (typeof value === 'object' && !Array.isArray(value)) return value ?? {};
  throw badRequest(
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`,
  );
}

function parsePatch(text: string, type: PatchType): Pick<ParsedJson, 'value' | 'duplicates'> {
  const prefix = type === 'strategic' ? '' : 'error decoding patch: ';
  let parsed: ParsedJson;
  try {
    parsed = parseJsonStrict(text);
  } catch (error) {
    throw badRequest(`${prefix}${error instanceof Error ? error.message : String(error)}`);
  }
  const isList = Array.isArray(parsed.value);
  if (type === 'json' && !isList)
    throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(parsed.value)} into Go value of type []handlers.jsonPatchOp`);
  if (type !== 'json' && (isList || typeof parsed.value !== 'object' || parsed.value === null))
    throw badRequest(`${prefix}json: cannot unmarshal ${goKind(parsed.value)} into Go value of type map[string]interface {}`);
  return parsed;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

interface Checks {
  readonly definition: ResourceDefinition;
  readonly custom: boolean;
  readonly type: PatchType;
  /** What was sent. */
  readonly body: unknown;
  readonly fieldValidation: WriteOptions['fieldValidation'];
  readonly duplicates: readonly string[];
  readonly warnings: string[];
}

/** @throws StatusError 422 for values of the wrong type, and for fields that are not known when asked to be strict */
function inspect(patched: KubeObject, { definition, custom, type, body, fieldValidation, duplicates, warnings }: Checks): KubeObject {
  const { schema } = definition;
  if (schema === undefined || type === 'apply') return patched;
  const shown = patchedText(type, body, { ...patched, metadata: inOrder(patched.metadata) });
  const expected = { apiVersion: apiVersionOf(definition), kind: definition.kind };
  if (custom) checkCustomKind(patched, expected);
  const typeProblem = type === 'strategic' ? findConversionProblem : findTypeProblem;
  const problem = custom ? undefined : (kindProblem(patched, expected) ?? typeProblem(patched, schema));
  if (problem !== undefined) throw refusedPatch(shown, problem);
  if (fieldValidation === 'Ignore') return patched;
  const problems = [...duplicates, ...findFieldProblems(patched, schema)];
  if (problems.length > 0 && fieldValidation === 'Strict') throw refusedPatch(shown, strictDecodingText(problems));
  for (const each of problems) if (!warnings.includes(each)) warnings.push(each);
  return patched;
}

function refusedPatch(value: string, why: string): StatusError {
  const error = { reason: 'FieldValueInvalid', field: 'patch', message: `Invalid value: ${JSON.stringify(value)}: ${why}` } as const;
  return new StatusError(422, 'Invalid', ` "" is invalid: patch: ${error.message}`, {
    causes: invalid({ group: '', resource: '', kind: '' }, '', [error]).status.details?.causes ?? [],
  });
}
