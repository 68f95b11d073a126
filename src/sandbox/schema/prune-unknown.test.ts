import { expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from './built-in-schemas.ts';
import { pruneUnknown } from './prune-unknown.ts';
import type { TypeSchema } from './type-schema.ts';

const text: TypeSchema = { type: 'string' };

function custom(spec: TypeSchema): TypeSchema {
  return { type: 'object', properties: { spec, metadata: { type: 'object' } } };
}

function widget(spec: unknown): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec };
}

test.each<readonly [string, TypeSchema, unknown, unknown]>([
  ['fields that are not listed go', { type: 'object', properties: { a: text } }, { a: '1', b: '2' }, { a: '1' }],
  ['in items too', { type: 'array', items: { type: 'object', properties: { a: text } } }, [{ a: '1', b: '2' }, { c: 1 }], [{ a: '1' }, {}]],
  ['in values of maps too', { type: 'object', additionalProperties: { type: 'object', properties: {} } }, { x: { y: 1 } }, { x: {} }],
  [
    'unknown fields are kept where the schema says so, known ones are still looked into',
    { type: 'object', preserveUnknownFields: true, properties: { a: { type: 'object', properties: {} } } },
    { a: { x: 1 }, b: { y: 2 } },
    { a: {}, b: { y: 2 } },
  ],
  ['nothing is known of an object without fields', { type: 'object' }, { a: 1 }, {}],
  [
    'an embedded object has the fields of every object',
    { type: 'object', embeddedResource: true, properties: { spec: { type: 'object', properties: {} } } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', foo: 1 }, spec: { b: 1 }, c: 1 },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} },
  ],
  ['values of another type stay', { type: 'object', properties: { a: text } }, 'x', 'x'],
  [
    'names that every object inherits are fields like others',
    { type: 'object', properties: { a: text } },
    { constructor: 1, toString: 2 },
    {},
  ],
])('%s', (_, schema, spec, expected) => {
  expect(pruneUnknown(widget(spec), custom(schema))['spec']).toEqual(expected);
});

test('apiVersion, kind and metadata are known of every object', () => {
  const object = { ...widget({}), metadata: { name: 'w', labels: { a: 'b' }, foo: 1 }, extra: 1 };
  expect(pruneUnknown(object, { type: 'object', properties: {} })).toEqual({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', labels: { a: 'b' } },
  });
});

test('what loses nothing is the same object', () => {
  const object = Object.freeze({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', labels: { any: 'thing' } },
    data: { a: '1' },
  });
  const schema = builtInSchemas('v1', 'ConfigMap');
  expect(schema && pruneUnknown(object, schema)).toBe(object);
});
