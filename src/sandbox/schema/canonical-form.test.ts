import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { toCanonicalForm } from './canonical-form.ts';

const serverObjects = JSON.parse(readFileSync(new URL('testdata/server-objects.json', import.meta.url), 'utf8')) as readonly {
  readonly path: string;
  readonly json: string;
}[];

/** The parts of an object, which may be anything. */
function object(apiVersion: string, kind: string, parts: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion, kind, metadata: { name: 'x' }, ...parts };
}

test.each(serverObjects)('what a real server wrote stays, to the byte: $path', ({ json }) => {
  const read = JSON.parse(json) as KubeObject;
  const shuffled = Object.fromEntries(Object.entries(read).reverse()) as unknown as KubeObject;
  expect(JSON.stringify(toCanonicalForm(shuffled))).toBe(json.trim());
});

test.each([
  ['unknown fields vanish', 'v1', 'ConfigMap', { data: { a: '1' }, foo: 1 }, { data: { a: '1' } }],
  ['empty lists and maps vanish', 'v1', 'ConfigMap', { data: {}, binaryData: null }, {}],
  ['null in a map is the zero', 'v1', 'ConfigMap', { data: { a: null } }, { data: { a: '' } }],
  ['maps are sorted', 'v1', 'ConfigMap', { data: { b: '1', a: '2' } }, { data: { a: '2', b: '1' } }],
  ['a pointer keeps its zero', 'v1', 'ServiceAccount', { automountServiceAccountToken: false }, { automountServiceAccountToken: false }],
  ['a list that Go always writes is null', 'rbac.authorization.k8s.io/v1', 'Role', {}, { rules: null }],
  [
    'structures that are no pointers appear',
    'v1',
    'Service',
    { spec: { ports: [{ port: 80 }] } },
    { spec: { ports: [{ port: 80, targetPort: 0 }] }, status: { loadBalancer: {} } },
  ],
  ['a pointer to an empty structure stays', 'policy/v1', 'Eviction', { deleteOptions: {} }, { deleteOptions: {} }],
  [
    'times are in UTC',
    'coordination.k8s.io/v1',
    'Lease',
    { spec: { renewTime: '2026-01-02T03:04:05.1+02:00' } },
    { spec: { renewTime: '2026-01-02T01:04:05.100000Z' } },
  ],
  ['a null quantity in a map is 0', 'v1', 'ResourceQuota', { spec: { hard: { cpu: null } } }, { spec: { hard: { cpu: '0' } }, status: {} }],
])('%s', (_, apiVersion, kind, parts, expected) => {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = toCanonicalForm(object(apiVersion, kind, parts));
  expect(JSON.stringify(rest)).toBe(JSON.stringify(expected));
});

test('times that are no pointers are null when not set, but not the creation', () => {
  const event = toCanonicalForm(object('v1', 'Event', { involvedObject: {} }));
  expect(event).toMatchObject({ firstTimestamp: null, lastTimestamp: null, eventTime: null, source: {} });
  expect(event.metadata).not.toHaveProperty('creationTimestamp');
});

test('embedded structs stand beside the other fields', () => {
  const pod = toCanonicalForm(
    object('v1', 'Pod', {
      spec: { volumes: [{ emptyDir: {}, name: 'v' }], containers: [{ name: 'c', livenessProbe: { periodSeconds: 3, exec: {} } }] },
    }),
  );
  expect(pod['spec']).toEqual({
    volumes: [{ name: 'v', emptyDir: {} }],
    containers: [{ name: 'c', resources: {}, livenessProbe: { exec: {}, periodSeconds: 3 } }],
  });
});

test('schemas in a CustomResourceDefinition may be a schema, a list or a truth value', () => {
  const schema = {
    type: 'object',
    items: [{ type: 'string', foo: 1 }],
    additionalProperties: false,
    not: { items: { type: 'x' } },
    default: { a: null },
  };
  const crd = toCanonicalForm(
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: schema } }] },
    }),
  );
  expect(crd).toMatchObject({
    spec: {
      versions: [
        {
          served: false,
          storage: false,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              items: [{ type: 'string' }],
              additionalProperties: false,
              not: { items: { type: 'x' } },
              default: { a: null },
            },
          },
        },
      ],
    },
  });
  expect(JSON.stringify(crd)).not.toContain('foo');
});

test('objects inside of others keep what they say that they are', () => {
  const claim = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', metadata: { name: 'd' }, spec: {} };
  const set = toCanonicalForm(object('apps/v1', 'StatefulSet', { spec: { volumeClaimTemplates: [claim] } }));
  expect(set).toMatchObject({ spec: { volumeClaimTemplates: [claim] } });
});

test('other kinds come back as they are', () => {
  const custom = object('example.com/v1', 'Widget', { spec: { a: null } });
  expect(toCanonicalForm(custom)).toBe(custom);
});
