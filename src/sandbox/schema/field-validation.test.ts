import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from './built-in-schemas.ts';
import {
  cannotBeHandled,
  findFieldProblems,
  findTypeProblem,
  readVersionAndKind,
  strictDecodingError,
  unrecognizedBody,
} from './field-validation.ts';
import { parseJsonStrict } from './parse-json-strict.ts';
import type { TypeSchema } from './type-schema.ts';

/** Bodies and what a real API server v1.34 said of them; without a message it took them, or refused them later for other reasons. */
const recordings = JSON.parse(readFileSync(new URL('testdata/refused-bodies.json', import.meta.url), 'utf8')) as readonly {
  readonly strict: boolean;
  readonly body: string;
  readonly message?: string;
}[];

function refusalOf(body: string, strict: boolean): string | undefined {
  const { value, duplicateFields } = parseJsonStrict(body);
  const object = value as KubeObject;
  const schema = builtInSchemas(object.apiVersion, object.kind);
  if (schema === undefined) throw new Error(`no schema for ${object.kind}`);
  const typeProblem = findTypeProblem(object, schema);
  if (typeProblem !== undefined) return cannotBeHandled(object, object.kind, typeProblem).message;
  const problems = strict ? findFieldProblems(object, schema, duplicateFields) : [];
  return problems.length === 0 ? undefined : strictDecodingError(object, object.kind, problems).message;
}

test.each(recordings)('$body', ({ body, strict, message }) => {
  expect(refusalOf(body, strict)).toBe(message);
});

const text: TypeSchema = { type: 'string' };
const custom: TypeSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        hosts: { type: 'array', items: text },
        http: { type: 'array', items: { type: 'object', properties: { route: text } } },
        open: { type: 'object', preserveUnknownFields: true },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { a: text } } },
      },
    },
  },
};

test('custom resources report all duplicates first, then what is unknown by name', () => {
  const body =
    '{"apiVersion":"x/v1","kind":"W","zz":1,"metadata":{"name":"x","ww":1,"labels":{"a":"b","a":"c"}},' +
    '"spec":{"hosts":["a"],"zoo":1,"foo":{"b":1,"b":2},"http":[{"route":"a","abc":2}],"open":{"any":1},"map":{"k":{"b":1}}}}';
  const { value, duplicateFields } = parseJsonStrict(body);
  expect(findFieldProblems(value, custom, duplicateFields)).toEqual([
    'duplicate field "metadata.labels.a"',
    'duplicate field "spec.foo.b"',
    'unknown field "metadata.ww"',
    'unknown field "spec.foo"',
    'unknown field "spec.http[0].abc"',
    'unknown field "spec.map.k.b"',
    'unknown field "spec.zoo"',
    'unknown field "zz"',
  ]);
});

test.each([
  [{ metadata: { name: 5 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.name of type string'],
  [{ metadata: { labels: { a: 5 } } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string'],
  [{ metadata: 5 }, 'json: cannot unmarshal number into Go value of type v1.ObjectMeta'],
  [{ metadata: { name: 'x' }, spec: 5 }, undefined],
])('of a custom resource only the metadata has Go types: %j', (body, problem) => {
  expect(findTypeProblem(body, custom)).toBe(problem);
});

test('no more than 100 problems are reported', () => {
  const schema = builtInSchemas('v1', 'ConfigMap');
  const body = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`field${String(index)}`, 1]));
  expect(schema && findFieldProblems(body, schema)).toHaveLength(100);
});

const envelope = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;
const unrecognized = "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error:";

test.each([
  ['[]', `${unrecognized} json: cannot unmarshal array into Go value of type ${envelope} (5b5d)`],
  ['"x"', `${unrecognized} json: cannot unmarshal string into Go value of type ${envelope} (227822)`],
  ['{"apiVersion":5}', `${unrecognized} json: cannot unmarshal number into Go struct field .apiVersion of type string ({"apiVersion":5})`],
  ['{"kind":{}}', `${unrecognized} json: cannot unmarshal object into Go struct field .kind of type string ({"kind":{}})`],
])('%s does not say what it is', (body, message) => {
  expect(() => readVersionAndKind(JSON.parse(body), body, 'Pod')).toThrow(expect.objectContaining({ message }));
});

test('what is absent is the empty text', () => {
  expect(readVersionAndKind({}, '{}', 'Pod')).toEqual({ apiVersion: '', kind: '' });
  expect(readVersionAndKind(null, 'null', 'Pod')).toEqual({ apiVersion: '', kind: '' });
});

test.each([
  ['', '<empty>'],
  ['{', '{'],
  [`{"a":"${'x'.repeat(40)}"`, `{"a":"${'x'.repeat(24)} ...`],
  ['apiVersion: v1', Buffer.from('apiVersion: v1').toString('hex')],
])('a refused body is shown, but not much of it: %j', (body, shown) => {
  expect(unrecognizedBody('Pod', body, 'unexpected end of JSON input').message).toBe(
    `${unrecognized} unexpected end of JSON input (${shown})`,
  );
});
