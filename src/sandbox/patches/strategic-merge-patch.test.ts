import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

type Json = Readonly<Record<string, unknown>>;

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) freeze(item);
  }
  return value;
}

/** The result of a patch of a frozen object. */
function patched(object: KubeObject, patch: unknown): KubeObject {
  const schema = builtInSchemas(object.apiVersion, object.kind);
  if (schema === undefined) throw new Error(`no schema for ${object.kind}`);
  return applyStrategicMergePatch(freeze(object), freeze(patch), schema);
}

function podSpec(spec: Json): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
}

/** Parts of a pod's spec before, in the patch and after. All were compared with a real API server v1.34. */
type Case = readonly [what: string, before: Json, patch: Json, after: Json];

const named = (...names: readonly string[]): readonly Json[] => names.map((name) => ({ name }));
const containers = [{ name: 'a', image: '1', command: ['x', 'y'] }, { name: 'b', image: '2' }, { name: 'c' }];

const listCases: readonly Case[] = [
  [
    'an item is merged by its key, keeps its place, and comes before what the patch adds',
    { containers },
    { containers: [{ name: 'b', image: '9' }, { name: 'n' }] },
    { containers: [containers[0], { name: 'b', image: '9' }, { name: 'n' }, { name: 'c' }] },
  ],
  [
    'lists without a strategy are replaced',
    { containers },
    { containers: [{ name: 'a', command: ['q'] }] },
    { containers: [{ ...containers[0], command: ['q'] }, containers[1], containers[2]] },
  ],
  [
    'null in an item deletes its field',
    { containers },
    { containers: [{ name: 'a', command: null }] },
    { containers: [{ name: 'a', image: '1' }, containers[1], containers[2]] },
  ],
  [
    '$patch: delete takes an item out',
    { containers },
    { containers: [{ name: 'b', $patch: 'delete' }] },
    { containers: [containers[0], containers[2]] },
  ],
  ['$patch: delete of what is not there does nothing', { containers }, { containers: [{ name: 'z', $patch: 'delete' }] }, { containers }],
  [
    '$patch: replace puts the other items in the place of all',
    { containers },
    { containers: [{ $patch: 'replace' }, { name: 'z' }, { name: 'a' }] },
    { containers: named('z', 'a') },
  ],
  ['$patch: replace alone empties the list', { containers }, { containers: [{ $patch: 'replace' }] }, { containers: [] }],
  ['an empty list changes nothing', { containers }, { containers: [] }, { containers }],
  ['null deletes the list', { containers, hostname: 'h' }, { containers: null }, { hostname: 'h' }],
  [
    'items with the same key: the first is meant',
    { imagePullSecrets: named('p', 'q') },
    { imagePullSecrets: named('q', 'r') },
    { imagePullSecrets: named('p', 'q', 'r') },
  ],
  [
    'a list that is not there takes the items without directives and nulls',
    {},
    {
      containers: [
        { name: 'a', env: null, resources: { limits: null } },
        { name: 'b', $patch: 'delete' },
      ],
    },
    { containers: [{ name: 'a', resources: {} }] },
  ],
  [
    'new items of a list that is there keep nulls and directives inside',
    { containers },
    { containers: [{ name: 'n', env: null, $retainKeys: ['name'] }] },
    { containers: [{ name: 'n', env: null, $retainKeys: ['name'] }, ...containers] },
  ],
];

const orderCases: readonly Case[] = [
  [
    'all in the order that is named',
    { containers },
    { '$setElementOrder/containers': named('c', 'b', 'a') },
    { containers: [...containers].reverse() },
  ],
  [
    'what only the server has keeps its place',
    { containers },
    { '$setElementOrder/containers': named('c', 'a') },
    { containers: [containers[1], containers[2], containers[0]] },
  ],
  [
    'new items stand where the order says',
    { containers: named('a', 'b', 'c') },
    { '$setElementOrder/containers': named('c', 'n', 'a'), containers: named('n') },
    { containers: named('b', 'c', 'n', 'a') },
  ],
  ['an order without a list does nothing', {}, { '$setElementOrder/containers': named('c', 'a') }, {}],
  [
    'an order for a list that is new',
    {},
    { '$setElementOrder/containers': named('b', 'a'), containers: named('b', 'a') },
    { containers: named('b', 'a') },
  ],
  [
    'a new item that comes in the place of a deleted one stands behind what only the server has',
    { containers: named('a', 'b', 'c') },
    { '$setElementOrder/containers': named('n', 'a'), containers: [{ name: 'b', $patch: 'delete' }, { name: 'n' }] },
    { containers: named('c', 'n', 'a') },
  ],
  [
    'but only as many as were deleted',
    { imagePullSecrets: named('p', 'q') },
    {
      '$setElementOrder/imagePullSecrets': named('m', 'n'),
      imagePullSecrets: [{ name: 'p', $patch: 'delete' }, { name: 'm' }, { name: 'n' }],
    },
    { imagePullSecrets: named('q', 'm', 'n') },
  ],
];

const mapCases: readonly Case[] = [
  [
    'maps are merged, null deletes',
    { nodeSelector: { a: '1', b: '2' } },
    { nodeSelector: { b: null, c: '3' } },
    { nodeSelector: { a: '1', c: '3' } },
  ],
  ['$patch: replace', { nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'replace', c: '3' } }, { nodeSelector: { c: '3' } }],
  ['$patch: delete empties', { nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'delete' } }, { nodeSelector: {} }],
  ['a directive where there is nothing leaves nothing', {}, { nodeSelector: { $patch: 'replace', c: '3' } }, {}],
  ['a value of another type takes the place', { nodeSelector: { a: '1' } }, { nodeSelector: ['x'] }, { nodeSelector: ['x'] }],
  [
    '$retainKeys clears the rest of a volume',
    { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
    { volumes: [{ name: 'v', emptyDir: {}, $retainKeys: ['name', 'emptyDir'] }] },
    { volumes: [{ name: 'v', emptyDir: {} }] },
  ],
  ['fields that the type does not know stay in the result', {}, { foo: 1 }, { foo: 1 }],
];

describe.each([
  ['lists', listCases],
  ['order', orderCases],
  ['maps', mapCases],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_what, before, patch, after) => {
    expect(patched(podSpec(before), { spec: patch })['spec']).toEqual(after);
  });
});

test.each([
  ['added to', { finalizers: ['d', 'b'] }, ['d', 'a', 'b', 'c']],
  ['deleted from', { '$deleteFromPrimitiveList/finalizers': ['b', 'z'] }, ['a', 'c']],
  [
    'both, in an order',
    { finalizers: ['d'], '$deleteFromPrimitiveList/finalizers': ['a'], '$setElementOrder/finalizers': ['d', 'c'] },
    ['d', 'b', 'c'],
  ],
])('a set of texts is %s', (_, metadata, finalizers) => {
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', finalizers: ['a', 'b', 'c'] } };
  expect(patched(object, { metadata }).metadata.finalizers).toEqual(finalizers);
});

test('ports of a Service are known by their number alone', () => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: { ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }, { port: 80 }] },
  };
  expect(patched(object, { spec: { ports: [{ port: 53, name: 'dns' }] } })['spec']).toEqual({
    ports: [{ port: 53, protocol: 'UDP', name: 'dns' }, { port: 53, protocol: 'TCP' }, { port: 80 }],
  });
});

test('the strategy of a Deployment with and without $retainKeys', () => {
  const object: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
  };
  expect(patched(object, { spec: { strategy: { type: 'Recreate', $retainKeys: ['type'] } } })['spec']).toEqual({
    strategy: { type: 'Recreate' },
  });
  expect(patched(object, { spec: { strategy: { rollingUpdate: { maxUnavailable: 2 } } } })['spec']).toEqual({
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 2 } },
  });
});

test('the selector of a PodDisruptionBudget is replaced as a whole', () => {
  const object: KubeObject = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'p' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] } },
  };
  expect(patched(object, { spec: { selector: { matchLabels: { tier: 'x' } } } })['spec']).toEqual({
    minAvailable: 1,
    selector: { matchLabels: { tier: 'x' } },
  });
});

test('names are found whatever their case, as the real server does', () => {
  expect(patched(podSpec({}), { Spec: { a: 1 } })).toMatchObject({ spec: {}, Spec: { a: 1 } });
});

const before = { containers: named('a', 'b'), tolerations: [{ key: 't' }], nodeSelector: { a: 'b' }, foo: { x: 1 } };
const orderText = "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n";

// The words of a real API server v1.34.
test.each([
  [{ containers: [{ image: 'x' }] }, 500, 'map: map[image:x] does not contain declared merge key: name'],
  [{ containers: ['x'] }, 500, 'list element types are not identical: [[map[name:a] map[name:b]] [x]]'],
  [{ containers: [{ name: 'b', $patch: 'foo' }] }, 500, 'unknown patch type: foo in map: map[$patch:foo name:b]'],
  [{ containers: [{ name: 'b', $patch: 'merge' }] }, 500, 'merging lists cannot yet be specified in the patch'],
  [{ containers: [{ $patch: 'delete' }] }, 500, 'map: map[$patch:delete] does not contain declared merge key: name'],
  [{ nodeSelector: { $patch: 5 } }, 500, 'unknown patch type: %!s(int64=5) in map: map[$patch:5]'],
  [{ '$setElementOrder/containers': named('c'), containers: named('b') }, 500, orderText],
  [{ '$setElementOrder/containers': 'x' }, 500, 'expected a []interface {}, but received a string'],
  [{ '$setElementOrder/containers': ['c'] }, 500, 'value for key 0 is not a map'],
  [{ '$setElementOrder/containers': [{ nam: 'c' }] }, 500, 'map: map[nam:c] does not contain declared merge key: name'],
  [{ '$setElementOrder/nodeSelector': ['x'] }, 500, 'expected a []interface {}, but received a map[string]interface {}'],
  [{ '$setElementOrder/foos': ['x'] }, 500, 'unable to find api field in struct PodSpec for the json field "foos"'],
  [{ foo: { a: 1 } }, 500, 'unable to find api field in struct PodSpec for the json field "foo"'],
  [{ $setElementOrder: [] }, 400, 'invalid patch format of setElementOrder list'],
  [{ $deleteFromPrimitiveList: ['x'] }, 400, 'invalid patch format of primitive list'],
  [{ $retainKeys: 'x' }, 400, 'invalid patch format of retainKeys'],
  [{ $retainKeys: ['x'], hostname: 'h' }, 400, 'invalid patch format of retainKeys'],
])('%j is refused with %i', (spec, code, message) => {
  const refusal = expect.objectContaining({ message, status: expect.objectContaining({ code }) as unknown });
  expect(() => patched(podSpec(before), { spec })).toThrow(refusal);
});

test.each([
  [[], 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['x', 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
])('a patch %j is refused', (patch, message) => {
  expect(() => patched(podSpec({}), patch)).toThrow(expect.objectContaining({ message }));
});

test('lists of lists are refused with 422', () => {
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', finalizers: [] } };
  expect(() => patched(object, { metadata: { finalizers: [['x']] } })).toThrow(
    expect.objectContaining({ status: expect.objectContaining({ code: 422, details: {} }) as unknown }),
  );
});

test('null and an empty patch change nothing', () => {
  const object = podSpec({ containers });
  expect(patched(object, null)).toEqual(object);
  expect(patched(object, {})).toEqual(object);
});

test('a merged list is the named items in their order, and the others in theirs', () => {
  const name: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.uniqueArray(name, { minLength: 1 }), (live, order) => {
      const result = patched(podSpec({ containers: named(...live) }), {
        spec: { '$setElementOrder/containers': named(...order), containers: named(...order) },
      })['spec'] as { readonly containers: readonly { readonly name: string }[] };
      const names = result.containers.map((container) => container.name);
      expect(names.filter((each) => order.includes(each))).toEqual(order);
      expect(names.filter((each) => !order.includes(each))).toEqual(live.filter((each) => !order.includes(each)));
    }),
    { numRuns: 300, seed: 1 },
  );
});
