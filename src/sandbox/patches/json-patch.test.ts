import fastJsonPatch from 'fast-json-patch';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { applyJsonPatch, findJsonPatchProblems } from './json-patch.ts';

const object: KubeObject = JSON.parse(
  '{"apiVersion":"v1","kind":"X","metadata":{"name":"x"},"data":{"a":"1","x/y":"2","t~":"3"},"list":[{"n":1},{"n":2},{"n":3}]}',
  (_, value: unknown): unknown => (typeof value === 'object' && value !== null ? Object.freeze(value) : value),
) as KubeObject;

function patched(operation: unknown): Readonly<Record<string, unknown>> {
  return applyJsonPatch(object, [operation]);
}

// All were compared with a real API server v1.34.
test.each([
  [{ op: 'add', path: '/data/c', value: '3' }, { data: { a: '1', 'x/y': '2', 't~': '3', c: '3' } }],
  [{ op: 'add', path: '/data/c' }, { data: { a: '1', 'x/y': '2', 't~': '3', c: null } }],
  [{ op: 'replace', path: '/data/new', value: '3' }, { data: { a: '1', 'x/y': '2', 't~': '3', new: '3' } }],
  [{ op: 'replace', path: '/data/x~1y', value: '9' }, { data: { a: '1', 'x/y': '9', 't~': '3' } }],
  [{ op: 'remove', path: '/data/t~0' }, { data: { a: '1', 'x/y': '2' } }],
  [{ op: 'move', from: '/data/a', path: '/data/z' }, { data: { 'x/y': '2', 't~': '3', z: '1' } }],
  [{ op: 'copy', from: '/data/a', path: '/data/z' }, { data: { a: '1', 'x/y': '2', 't~': '3', z: '1' } }],
  [{ op: 'copy', from: '/data/nothing', path: '/data/a' }, { data: { a: null, 'x/y': '2', 't~': '3' } }],
  [{ op: 'add', path: '/list/-', value: 0 }, { list: [{ n: 1 }, { n: 2 }, { n: 3 }, 0] }],
  [{ op: 'add', path: '/list/1', value: 0 }, { list: [{ n: 1 }, 0, { n: 2 }, { n: 3 }] }],
  [{ op: 'add', path: '/list/3', value: 0 }, { list: [{ n: 1 }, { n: 2 }, { n: 3 }, 0] }],
  [{ op: 'add', path: '/list/-1', value: 0 }, { list: [{ n: 1 }, { n: 2 }, { n: 3 }, 0] }],
  [{ op: 'remove', path: '/list/-1' }, { list: [{ n: 1 }, { n: 2 }] }],
  [{ op: 'replace', path: '/list/-1/n', value: 9 }, { list: [{ n: 1 }, { n: 2 }, { n: 9 }] }],
  [{ op: 'replace', path: '/list/+1/n', value: 9 }, { list: [{ n: 1 }, { n: 9 }, { n: 3 }] }],
  [{ op: 'move', from: '/list/0', path: '/list/2' }, { list: [{ n: 2 }, { n: 3 }, { n: 1 }] }],
  [{ op: 'test', path: '/data', value: { 't~': '3', 'x/y': '2', a: '1' } }, {}],
  [{ op: 'test', path: '/data/nothing', value: null }, {}],
  [{ op: 'replace', path: '', value: 5 }, {}],
])('%j', (operation, changed) => {
  expect(patched(operation)).toEqual({ ...object, ...changed });
});

test.each([
  [{ op: 'test', path: '/data/a', value: '2' }],
  [{ op: 'test', path: '/data/a', value: 1 }],
  [{ op: 'test', path: '/list/9', value: 1 }],
  [{ op: 'test', path: '', value: {} }],
  [{ op: 'remove', path: '/data/nothing' }],
  [{ op: 'remove', path: '/list/3' }],
  [{ op: 'remove', path: '' }],
  [{ op: 'add', path: '/list/4', value: 0 }],
  [{ op: 'add', path: '/list/x', value: 0 }],
  [{ op: 'add', path: '/nothing/x', value: 0 }],
  [{ op: 'add', path: '/data/a/x', value: 0 }],
  [{ op: 'add', path: 'data', value: 0 }],
  [{ op: 'add', path: '', value: {} }],
  [{ op: 'add', value: 0 }],
  [{ op: 'replace', path: '/list/7/n', value: 0 }],
  [{ op: 'move', from: '/data/nothing', path: '/data/z' }],
  [{ op: 'copy', from: '/nothing/x', path: '/data/z' }],
  [{ op: 'copy', path: '/data/z' }],
  [{ op: 'foo', path: '/data/z' }],
  [{ path: '/data/z' }],
  [null],
])('%j cannot be applied', (operation) => {
  expect(() => patched(operation)).toThrow(
    expect.objectContaining({
      status: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'the server rejected our request due to an error in our request',
        reason: 'Invalid',
        details: {},
        code: 422,
      },
    }),
  );
});

test.each([
  [{ op: 'add' }, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
  [['x'], 'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp'],
  [[{ op: 5 }], 'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string'],
])('%j is no patch', (operations, message) => {
  expect(() => applyJsonPatch(object, operations)).toThrow(
    expect.objectContaining({ message, status: expect.objectContaining({ code: 400 }) as unknown }),
  );
});

test('operations build on each other, and a failing one spoils all', () => {
  const add = { op: 'add', path: '/data', value: {} };
  expect(applyJsonPatch(object, [add, { op: 'add', path: '/data/q', value: 1 }])['data']).toEqual({ q: 1 });
  expect(() => applyJsonPatch(object, [add, { op: 'test', path: '/data/a', value: '1' }])).toThrow();
  expect(object['data']).toHaveProperty('a', '1');
});

test('no operations leave the object as it is', () => {
  expect(applyJsonPatch(object, [])).toBe(object);
  expect(applyJsonPatch(object, null)).toBe(object);
});

test('more than 10,000 operations are refused', () => {
  const operations = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/a', value: '1' }));
  expect(() => applyJsonPatch(object, operations)).toThrow(
    expect.objectContaining({ status: expect.objectContaining({ code: 413 }) as unknown }),
  );
  expect(applyJsonPatch(object, operations.slice(1))).toBe(object);
});

test('agrees with another implementation about patches that lead from one document to another', () => {
  const json = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>, { maxKeys: 3 });
  fc.assert(
    fc.property(json, json, (from, to) => {
      const [clean, target] = [JSON.parse(JSON.stringify(from)) as object, JSON.parse(JSON.stringify(to)) as object];
      const operations = fastJsonPatch.compare(clean, target);
      expect(JSON.parse(JSON.stringify(applyJsonPatch(clean as KubeObject, operations)))).toEqual(target);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('fields that no operation has are named', () => {
  expect(findJsonPatchProblems([{ op: 'add', path: '/a', value: 1, foo: 1 }, { op: 'x', from: '' }, { bar: 1 }])).toEqual([
    'json patch unknown field "[0].foo"',
    'json patch unknown field "[2].bar"',
  ]);
});
