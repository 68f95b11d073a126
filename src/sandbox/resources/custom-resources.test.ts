/** Custom resources: what a CRD says is what its resources obey. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { customResources } from './custom-resources.ts';
import type { ResourceDefinition } from './resource-definition.ts';

const SPEC = {
  type: 'object',
  required: ['hosts'],
  properties: {
    hosts: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', maxLength: 5 } },
    mode: { type: 'string', enum: ['A', 'B'], default: 'A' },
    weight: { type: 'integer', minimum: 0, maximum: 10 },
    ratio: { type: 'number', exclusiveMinimum: true, minimum: 0 },
    name: { type: 'string', pattern: '^[a-z]+$', minLength: 2 },
    labels: { type: 'object', additionalProperties: { type: 'string' }, minProperties: 1 },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, number: { type: 'integer' } } },
    },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    match: {
      type: 'object',
      oneOf: [{ required: ['exact'] }, { required: ['prefix'] }],
      properties: { exact: { type: 'string' }, prefix: { type: 'string' } },
    },
    either: {
      type: 'object',
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
      properties: { a: { type: 'string' }, b: { type: 'string' } },
    },
    never: { type: 'string', not: { enum: ['bad'] } },
    when: { type: 'string', format: 'date-time' },
    maybe: { type: 'string', nullable: true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    nested: { type: 'object', default: {}, properties: { seconds: { type: 'integer', default: 5 } } },
  },
};

function crd(more: Readonly<Record<string, unknown>> = {}, schema: unknown = SPEC): KubeObject {
  const version = {
    served: true,
    storage: true,
    subresources: { status: {} },
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: schema, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    },
    ...more,
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
      versions: [
        { ...version, name: 'v1' },
        { ...version, name: 'v1beta1', storage: false },
        { ...version, name: 'v1alpha1', storage: false, served: false },
      ],
    },
  };
}

function widgets(more?: Readonly<Record<string, unknown>>, schema?: unknown): ResourceDefinition {
  const [first] = customResources(crd(more, schema));
  if (first === undefined) throw new Error('no version is served');
  return first;
}

function widget(spec: unknown, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' }, spec, ...more };
}

function complaints(spec: unknown, previous?: unknown): readonly string[] {
  const found = widgets().validate?.(widget(spec), previous === undefined ? undefined : widget(previous)) ?? [];
  return found.map(({ field, message }) => `${field}: ${message}`);
}

describe('definitions', () => {
  test('one for each served version, stored in one', () => {
    const definitions = customResources(crd());
    expect(definitions.map(({ version, storageApiVersion, storage }) => [version, storageApiVersion, storage])).toEqual([
      ['v1', 'example.com/v1', 'widgets.example.com'],
      ['v1beta1', 'example.com/v1', 'widgets.example.com'],
    ]);
    const [, beta] = definitions;
    expect(beta?.toStorage?.({ ...widget({}), apiVersion: 'example.com/v1beta1' }).apiVersion).toBe('example.com/v1');
    expect(beta?.fromStorage?.(widget({})).apiVersion).toBe('example.com/v1beta1');
  });

  test('scale has the paths of the CRD', () => {
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' };
    const { subresources } = widgets({ subresources: { scale } });
    expect(subresources).toEqual([
      { name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: ['get', 'patch', 'update'], scale },
    ]);
  });

  test('the structure knows metadata, map lists and free fields', () => {
    expect(widgets().schema).toMatchObject({
      properties: {
        metadata: { properties: { labels: { type: 'object' } } },
        spec: {
          properties: {
            ports: { type: 'array', listType: 'map', listMapKeys: ['name'] },
            free: { preserveUnknownFields: true },
            port: { type: 'int-or-string' },
          },
        },
      },
    });
  });

  test('status is the business of its subresource', () => {
    const prepare = widgets().prepare ?? ((object: KubeObject) => object);
    const allocator = { clusterIp: () => '', nodePort: () => 0 };
    expect(prepare(widget({}, { status: { a: 1 } }), undefined, allocator)).not.toHaveProperty('status');
    expect(prepare(widget({}, { status: { a: 1 } }), widget({}, { status: { a: 0 } }), allocator)['status']).toEqual({ a: 0 });
  });
});

describe('completion', () => {
  const complete = (spec: unknown): unknown => widgets().applyDefaults?.(widget(spec))['spec'];

  test.each([
    ['defaults, also inside of defaults', { hosts: ['a'] }, { hosts: ['a'], mode: 'A', nested: { seconds: 5 } }],
    [
      'unknown fields go',
      { hosts: ['a'], mode: 'B', more: 1, nested: { seconds: 1, x: 2 } },
      { hosts: ['a'], mode: 'B', nested: { seconds: 1 } },
    ],
    ['free fields stay', { mode: 'B', free: { any: [1] }, nested: {} }, { mode: 'B', free: { any: [1] }, nested: { seconds: 5 } }],
    [
      'null is dropped unless it is a value',
      { mode: null, maybe: null, name: null, nested: {} },
      { mode: 'A', maybe: null, nested: { seconds: 5 } },
    ],
    ['maps keep their keys', { mode: 'A', labels: { x: 'y' }, nested: {} }, { mode: 'A', labels: { x: 'y' }, nested: { seconds: 5 } }],
  ])('%s', (_what, spec, wanted) => {
    expect(complete(spec)).toEqual(wanted);
  });
});

describe('refusals', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['type', { hosts: 'x' }, ['spec.hosts: Invalid value: "string": spec.hosts in body must be of type array: "string"']],
    [
      'type of an item',
      { hosts: [1] },
      ['spec.hosts[0]: Invalid value: "integer": spec.hosts[0] in body must be of type string: "integer"'],
    ],
    [
      'fraction',
      { hosts: ['a'], weight: 3.5 },
      ['spec.weight: Invalid value: "number": spec.weight in body must be of type integer: "number"'],
    ],
    ['required', {}, ['spec.hosts: Required value']],
    ['required in a list', { hosts: ['a'], ports: [{}] }, ['spec.ports[0].name: Required value']],
    ['enum', { hosts: ['a'], mode: 'C' }, ['spec.mode: Unsupported value: "C": supported values: "A", "B"']],
    ['maximum', { hosts: ['a'], weight: 11 }, ['spec.weight: Invalid value: 11: spec.weight in body should be less than or equal to 10']],
    ['exclusive', { hosts: ['a'], ratio: 0 }, ['spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0']],
    [
      'pattern and length',
      { hosts: ['a'], name: 'A' },
      [
        'spec.name: Invalid value: "A": spec.name in body should be at least 2 chars long',
        'spec.name: Invalid value: "A": spec.name in body should match \'^[a-z]+$\'',
      ],
    ],
    ['too long', { hosts: ['abcdef'] }, ['spec.hosts[0]: Too long: may not be more than 5 bytes']],
    ['too few', { hosts: [] }, ['spec.hosts: Invalid value: 0: spec.hosts in body should have at least 1 items']],
    ['too many', { hosts: ['a', 'b', 'c', 'd'] }, ['spec.hosts: Too many: 4: must have at most 3 items']],
    ['empty map', { hosts: ['a'], labels: {} }, ['spec.labels: Invalid value: 0: spec.labels in body should have at least 1 properties']],
    [
      'value of a map',
      { hosts: ['a'], labels: { x: 1 } },
      ['spec.labels.x: Invalid value: "integer": spec.labels.x in body must be of type string: "integer"'],
    ],
    ['map list', { hosts: ['a'], ports: [{ name: 'p' }, { name: 'p', number: 2 }] }, ['spec.ports[1]: Duplicate value: {"name":"p"}']],
    ['set', { hosts: ['a'], tags: ['t', 't'] }, ['spec.tags[1]: Duplicate value: "t"']],
    [
      'int or string',
      { hosts: ['a'], port: true },
      ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    ],
    [
      'two of oneOf',
      { hosts: ['a'], match: { exact: 'a', prefix: 'b' } },
      ['<nil>: Invalid value: "": "spec.match" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    ['not', { hosts: ['a'], never: 'bad' }, ['<nil>: Invalid value: "": "spec.never" must not validate the schema (not)']],
    ['format', { hosts: ['a'], when: 'soon' }, ['spec.when: Invalid value: "soon": spec.when in body must be of type date-time: "soon"']],
    [
      'nothing wrong',
      { hosts: ['a'], maybe: null, port: 'http', match: { exact: 'a' }, either: { b: '' }, when: '2026-01-01T00:00:00Z' },
      [],
    ],
  ])('%s', (_what, spec, wanted) => {
    expect(complaints(spec)).toEqual(wanted);
  });

  test('none of oneOf or anyOf', () => {
    expect(complaints({ hosts: ['a'], match: {} })[0]).toMatch(/\(oneOf\)\. Found none valid$/);
    expect(complaints({ hosts: ['a'], either: {} })[0]).toMatch(/must validate at least one schema \(anyOf\)$/);
  });

  test('what was wrong before and did not change is let be', () => {
    expect(complaints({ hosts: [], weight: 1 }, { hosts: [] })).toEqual([]);
    expect(complaints({ hosts: [], weight: 11 }, { hosts: [], weight: 11 })).toEqual([]);
    expect(complaints({ hosts: ['a'], weight: 12 }, { hosts: ['a'], weight: 11 })).toHaveLength(1);
  });

  test('where there are rules in CEL, a broken object says that they were not looked at', () => {
    const withRule = { ...SPEC, 'x-kubernetes-validations': [{ rule: 'true' }] };
    const last = (spec: unknown): string | undefined => {
      const error = widgets({}, withRule).validate?.(widget(spec), undefined).at(-1);
      return error === undefined ? undefined : `${error.field}: ${error.message}`;
    };
    expect(last({})).toMatch(/^<nil>: Invalid value: null: some validation rules were not checked/);
    expect(last({ hosts: [] })).not.toContain('not checked');
    expect(last({ hosts: ['a'] })).toBeUndefined();
  });
});

describe('columns', () => {
  const object = widget(
    { hosts: ['a', 'b'], weight: 3 },
    { status: { conditions: [{ type: 'Ready', status: 'True' }] }, metadata: { name: 'w', creationTimestamp: '2026-01-01T00:00:00Z' } },
  );
  const nowMs = Date.parse('2026-01-01T01:30:00Z');

  test.each([
    ['string', '.spec.hosts', '["a","b"]'],
    ['string', '.spec.hosts[1]', 'b'],
    ['string', '.spec.hosts[*]', 'a b'],
    ['string', '.status.conditions[?(@.type=="Ready")].status', 'True'],
    ['string', ".metadata['name']", 'w'],
    ['string', '.spec.nothing', null],
    ['integer', '.spec.weight', 3],
    ['integer', '.spec.hosts', null],
    ['boolean', '.spec.weight', null],
    ['date', '.metadata.creationTimestamp', '90m'],
    ['date', '.metadata.name', '<invalid>'],
  ])('%s %s', (type, jsonPath, wanted) => {
    const { columns } = widgets({ additionalPrinterColumns: [{ name: 'X', type, jsonPath }] });
    expect(columns.map(({ name }) => name)).toEqual(['Name', 'X']);
    expect(columns[1]?.cell(object, nowMs)).toBe(wanted);
  });

  test('without columns there is the age', () => {
    const { columns } = widgets();
    expect(columns.map(({ name, cell }) => [name, cell(object, nowMs)])).toEqual([
      ['Name', 'w'],
      ['Age', '90m'],
    ]);
  });
});
