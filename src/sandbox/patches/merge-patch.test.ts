import { expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { applyMergePatch } from './merge-patch.ts';

function patched(fields: Readonly<Record<string, unknown>>, patch: unknown): unknown {
  const object: KubeObject = Object.freeze({ apiVersion: 'v1', kind: 'X', metadata: Object.freeze({ name: 'x' }), ...fields });
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = applyMergePatch(object, patch);
  return rest;
}

test.each([
  ['a field is replaced', { a: 'b' }, { a: 'c' }, { a: 'c' }],
  ['a field is added', { a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  ['null deletes', { a: 'b', b: 1 }, { a: null }, { b: 1 }],
  ['null of what is not there does nothing', { a: 'b' }, { z: null }, { a: 'b' }],
  ['a list is replaced', { a: ['b'] }, { a: ['c', 'd'] }, { a: ['c', 'd'] }],
  ['objects are merged', { a: { b: 'c', d: 'e' } }, { a: { b: 'x', d: null } }, { a: { b: 'x' } }],
  ['an object takes the place of a list', { a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
  ['a list takes the place of an object', { a: { b: 1 } }, { a: [1] }, { a: [1] }],
  ['nulls in what is new vanish', {}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ['in objects inside of lists too, while items stay', {}, { a: [{ b: null, c: 1 }, null] }, { a: [{ c: 1 }, null] }],
  ['a list in the place of an object keeps its nulls', { a: { b: 1 } }, { a: [{ b: null }] }, { a: [{ b: null }] }],
  ['any name will do', { a: 1 }, JSON.parse('{"__proto__":{"x":1}}'), JSON.parse('{"a":1,"__proto__":{"x":1}}')],
])('%s', (_, before, patch, after) => {
  expect(JSON.stringify(patched(before, patch))).toBe(JSON.stringify(after));
});

test('what is not touched is shared', () => {
  const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, spec: { a: { b: 1 } } };
  const result = applyMergePatch(object, { spec: { c: 1 } });
  expect((result['spec'] as typeof object.spec).a).toBe(object.spec.a);
});

test.each([
  [null, 'Invalid JSON Patch'],
  [[], 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
  [5, 'error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}'],
  [true, 'error decoding patch: json: cannot unmarshal bool into Go value of type map[string]interface {}'],
])('%j is refused', (patch, message) => {
  expect(() => patched({}, patch)).toThrow(expect.objectContaining({ message, status: expect.objectContaining({ code: 400 }) as unknown }));
});
