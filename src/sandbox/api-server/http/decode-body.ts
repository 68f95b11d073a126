/** Bodies of requests as objects: JSON, YAML or protobuf, checked for fields that their type does not have. */
import { parseDocument } from 'yaml';
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, invalid, StatusError, type FieldError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { builtInSchemas } from '../../schema/built-in-schemas.ts';
import { decodeProtobuf } from '../../schema/decode-protobuf.ts';
import {
  cannotBeHandled,
  findFieldProblems,
  findTypeProblem,
  readVersionAndKind,
  strictDecodingError,
  unrecognizedBody,
} from '../../schema/field-validation.ts';
import { parseJsonStrict, type ParsedJson } from '../../schema/parse-json-strict.ts';
import { withMetadata } from '../pipeline/canonical-object.ts';
import { apiVersionOf } from '../resource-registry.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface BodyReading {
  readonly contentType: string | undefined;
  readonly fieldValidation: FieldValidation;
  readonly warnings: string[];
}

export type MediaType = 'json' | 'yaml' | 'protobuf';

const MEDIA_TYPES: Readonly<Record<string, MediaType>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

/** A body without a type is taken for JSON. @throws StatusError 415 */
export function mediaTypeOf(contentType: string | undefined): MediaType {
  const type = (contentType ?? '').split(';')[0]?.trim() ?? '';
  const known = (contentType ?? '') === '' ? 'json' : MEDIA_TYPES[type];
  if (known !== undefined) return known;
  throw new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${Object.keys(MEDIA_TYPES).join(', ')}`,
  );
}

/** What a body is decoded into: a resource, or the kind that a subresource takes. */
export interface BodyType {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: ResourceDefinition['schema'];
  readonly custom: boolean;
}

export function bodyTypeOf(definition: ResourceDefinition, custom: boolean): BodyType {
  return { apiVersion: apiVersionOf(definition), kind: definition.kind, schema: definition.schema, custom };
}

/** @throws StatusError 400 or 415 */
export function decodeBody(body: Buffer, type: BodyType, reading: BodyReading): KubeObject {
  const mediaType = mediaTypeOf(reading.contentType);
  if (mediaType === 'protobuf') {
    const object = decodeProtobuf(body);
    return withMetadata(checkType(object, type));
  }
  const text = body.toString('utf8');
  const parsed = mediaType === 'json' ? parseJsonBody(text, type.kind) : parseYamlBody(text, type.kind);
  const { value } = parsed;
  const named = readVersionAndKind(value, text, type.kind);
  if (type.custom && named.kind === '') throw withoutKind(type.kind, text);
  const object = checkType((value ?? {}) as KubeObject, type);
  checkFields(object, parsed, type, reading);
  return withMetadata(object);
}

function parseJsonBody(text: string, kind: string): ParsedJson {
  try {
    return parseJsonStrict(text);
  } catch (error) {
    throw unrecognizedBody(kind, text, error instanceof Error ? error.message : String(error));
  }
}

function parseYamlBody(text: string, kind: string): ParsedJson {
  return { value: parseYaml(text, (why) => yamlUnrecognized(kind, text, why)), duplicates: [], duplicateFields: new Map() };
}

/** @param refusal what is thrown for a text that is no YAML */
export function parseYaml(text: string, refusal: (why: string) => StatusError): unknown {
  const document = parseDocument(text, { uniqueKeys: false, version: '1.1' });
  const [error] = document.errors;
  if (error !== undefined) throw refusal(`yaml: line ${error.linePos?.[0].line ?? 1}: ${goYamlProblem(error.message, text)}`);
  try {
    return document.toJS() as unknown;
  } catch {
    // A small text whose aliases stand for more than a machine can hold.
    throw refusal('yaml: document contains excessive aliasing');
  }
}

/** The commonest mistakes in the words of Go's parser. */
function goYamlProblem(message: string, text: string): string {
  if (/end with a [\]}]/.test(message) && /[[{,:]$/.test(text.trimEnd())) return 'did not find expected node content';
  if (message.includes('end with a ]')) return "did not find expected ',' or ']'";
  if (message.includes('end with a }')) return "did not find expected ',' or '}'";
  if (/tab/i.test(message)) return 'found character that cannot start any token';
  if (message.includes('Nested mappings')) return 'mapping values are not allowed in this context';
  return message.split('\n')[0] ?? '';
}

/** Built-in types are known by their path; an object without a type must say what it is. */
function withoutKind(kind: string, text: string): StatusError {
  const bytes = Buffer.from(text);
  const shown = `${bytes.subarray(0, 30).toString('utf8')}${bytes.length > 30 ? ' ...' : ''}`;
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): Object 'Kind' is missing in '${text}' (${shown})`);
}

function yamlUnrecognized(kind: string, text: string, why: string): StatusError {
  const shown = Buffer.from(text).subarray(0, 30).toString('hex');
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${shown})`);
}

/** A body that does not say what it is, is what the path says. */
function checkType(sent: KubeObject, type: BodyType): KubeObject {
  const { apiVersion, kind, custom } = type;
  const object = { ...sent, apiVersion: sent.apiVersion || apiVersion, kind: sent.kind || kind };
  if (custom && object.apiVersion !== apiVersion) throw badRequest(versionMismatch(object.apiVersion, apiVersion));
  const problem = custom ? undefined : kindProblem(object, type);
  if (custom) checkCustomKind(object, type);
  if (problem === undefined) return object;
  if (isOtherVersion(object, type)) throw badRequest(problem);
  throw cannotBeHandled(object, kind, problem);
}

/** Another version of the same kind, one that the server knows. */
function isOtherVersion(
  object: Pick<KubeObject, 'apiVersion' | 'kind'>,
  { apiVersion, kind }: Pick<BodyType, 'apiVersion' | 'kind'>,
): boolean {
  const sameKind = object.kind === kind && groupOf(object.apiVersion) === groupOf(apiVersion);
  return sameKind && builtInSchemas(object.apiVersion, object.kind) !== undefined;
}

function versionMismatch(sent: string, expected: string): string {
  return `the API version in the data (${sent}) does not match the expected API version (${expected})`;
}

/** What a custom resource must call itself. @throws StatusError 422 */
export function checkCustomKind(object: KubeObject, { apiVersion, kind }: Pick<BodyType, 'apiVersion' | 'kind'>): void {
  const wrong = (field: string, value: string, must: string): FieldError => ({
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: must be ${must}`,
  });
  const errors = [
    ...(object.kind === kind ? [] : [wrong('kind', object.kind, kind)]),
    ...(object.apiVersion === apiVersion ? [] : [wrong('apiVersion', object.apiVersion, apiVersion)]),
  ];
  const about = { group: groupOf(object.apiVersion), resource: '', kind: object.kind };
  if (errors.length > 0) throw invalid(about, object.metadata.name, errors);
}

/** Why an object is not of the type that it should be; undefined when it is. */
export function kindProblem(
  object: Pick<KubeObject, 'apiVersion' | 'kind'>,
  type: Pick<BodyType, 'apiVersion' | 'kind'>,
): string | undefined {
  const { apiVersion, kind } = type;
  if (object.apiVersion === apiVersion && object.kind === kind) return undefined;
  if (isOtherVersion(object, type)) return versionMismatch(object.apiVersion, apiVersion);
  if (builtInSchemas(object.apiVersion, object.kind) === undefined)
    return `no kind ${JSON.stringify(object.kind)} is registered for version ${JSON.stringify(object.apiVersion)} in scheme "pkg/runtime/scheme.go:110"`;
  const short = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);
  const group = groupOf(apiVersion);
  const goPackage = group === '' ? 'core' : (group.split('.')[0] ?? '');
  return `converting (${short}.${object.kind}) to (${goPackage}.${kind}): unknown conversion`;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** Types must fit; fields that are not known are refused, warned of, or dropped without a word. */
function checkFields(object: KubeObject, { duplicateFields, value }: ParsedJson, type: BodyType, reading: BodyReading): void {
  const { schema, kind } = type;
  if (schema === undefined) return;
  const problem = findTypeProblem(object, schema);
  if (problem !== undefined) throw cannotBeHandled(object, kind, problem);
  if (reading.fieldValidation === 'Ignore') return;
  const problems = findFieldProblems(value, schema, duplicateFields);
  if (problems.length === 0) return;
  if (reading.fieldValidation === 'Strict') throw strictDecodingError(object, kind, problems);
  reading.warnings.push(...problems);
}
