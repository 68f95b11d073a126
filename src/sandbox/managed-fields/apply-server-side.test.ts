import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { deepFreeze } from '../store/share-structure.ts';
import { applyServerSide, type ServerSideApply } from './apply-server-side.ts';
import { resetFieldsOf } from './reset-fields.ts';
import { trackUpdate } from './track-update.ts';

const AT = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:00:09Z';

/** A custom resource with one field of each kind. */
const text: TypeSchema = { type: 'string' };
const widgetSchema: TypeSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        text,
        size: { type: 'integer' },
        set: { type: 'array', items: text, listType: 'set' },
        atoms: { type: 'array', items: text },
        map: { type: 'object', additionalProperties: text },
        whole: { type: 'object', additionalProperties: text, mapType: 'atomic' },
        ports: {
          type: 'array',
          listType: 'map',
          listMapKeys: ['port', 'protocol'],
          items: { type: 'object', properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, name: text } },
        },
        free: { type: 'object', preserveUnknownFields: true },
      },
    },
    status: { type: 'object', properties: { ready: { type: 'integer' } } },
  },
};

type Spec = Readonly<Record<string, unknown>>;

function widget(spec?: Spec, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  return deepFreeze({
    apiVersion: 'x.test/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'n' },
    ...(spec === undefined ? {} : { spec }),
    ...more,
  });
}

function apply(live: KubeObject | undefined, applied: KubeObject, manager = 'a', more: Partial<ServerSideApply> = {}): KubeObject {
  return deepFreeze(applyServerSide({ live, applied, schema: widgetSchema, manager, force: false, time: AT, ...more }));
}

/** Applies one after another, each as a manager of its own. */
function applyAll(...steps: readonly (readonly [manager: string, spec: Spec])[]): KubeObject {
  const all = steps.reduce<KubeObject | undefined>((live, [manager, spec]) => apply(live, widget(spec), manager), undefined);
  if (all === undefined) throw new Error('nothing to apply');
  return all;
}

function fieldsOf(object: KubeObject, manager: string, operation = 'Apply'): unknown {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager && entry.operation === operation)?.fieldsV1;
}

function refusal(act: () => unknown): StatusError {
  try {
    act();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('applyServerSide', () => {
  it('creates', () => {
    const created = apply(
      undefined,
      widget({ text: 'x', set: ['a'], ports: [{ port: 80 }], map: { k: 'v' }, whole: { k: 'v' }, atoms: ['z'] }),
    );
    expect(created).toEqual({
      apiVersion: 'x.test/v1',
      kind: 'Widget',
      metadata: {
        name: 'w',
        namespace: 'n',
        managedFields: [
          {
            manager: 'a',
            operation: 'Apply',
            apiVersion: 'x.test/v1',
            time: AT,
            fieldsType: 'FieldsV1',
            fieldsV1: {
              'f:spec': {
                'f:atoms': {},
                'f:map': { 'f:k': {} },
                'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
                'f:set': { 'v:"a"': {} },
                'f:text': {},
                'f:whole': {},
              },
            },
          },
        ],
      },
      spec: { text: 'x', set: ['a'], ports: [{ port: 80 }], map: { k: 'v' }, whole: { k: 'v' }, atoms: ['z'] },
    });
  });

  it('keeps the very object, and its times, when the same is applied again', () => {
    const live = apply(undefined, widget({ text: 'x', set: ['a'] }));
    expect(apply(live, widget({ set: ['a'], text: 'x' }), 'a', { time: LATER })).toBe(live);
  });

  it('gives a co-owner of unchanged fields no time, as the API server does', () => {
    const live = apply(undefined, widget({ text: 'x' }));
    const shared = apply(live, widget({ text: 'x' }), 'b', { time: LATER });
    expect(shared['spec']).toBe(live['spec']);
    expect(shared.metadata.managedFields?.map(({ manager, time }) => [manager, time])).toEqual([
      ['b', undefined],
      ['a', AT],
    ]);
  });

  it('replaces the entry of an applier that applies in another version', () => {
    const live = apply(undefined, widget({ text: 'x', size: 1 }));
    const next = apply(live, widget({ text: 'x' }, { apiVersion: 'x.test/v2' }), 'a', { time: LATER });
    expect(next.metadata.managedFields?.map(({ manager, apiVersion }) => [manager, apiVersion])).toEqual([['a', 'x.test/v2']]);
    expect(next['spec']).toEqual({ text: 'x' });
  });

  it('drops managers of versions that are not served any more', () => {
    const live = apply(undefined, widget({ text: 'x' }, { apiVersion: 'x.test/v0' }), 'old');
    const next = apply({ ...live, apiVersion: 'x.test/v1' }, widget({ text: 'y' }), 'a', { convert: () => undefined });
    expect(next.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['a']);
  });

  it('compares in the version of each owner', () => {
    const renamed: TypeSchema = { type: 'object', properties: { spec: { type: 'object', properties: { label: text } } } };
    const convert: ServerSideApply['convert'] = (object, apiVersion) => {
      const { text: value, label = value } = (object['spec'] ?? {}) as Record<string, unknown>;
      const old = apiVersion === 'x.test/v0';
      const spec = label === undefined ? {} : old ? { label } : { text: label };
      return { object: { ...object, apiVersion, spec }, schema: old ? renamed : widgetSchema };
    };
    const live = apply(undefined, widget({ label: 'x' }, { apiVersion: 'x.test/v0' }), 'old', { schema: renamed });
    const now = deepFreeze({ ...live, apiVersion: 'x.test/v1', spec: { text: 'x' } });
    expect(refusal(() => apply(now, widget({ text: 'y' }), 'a', { convert })).message).toBe(
      'Apply failed with 1 conflict: conflict with "old": .spec.label',
    );
    expect(apply(now, widget({}), 'old', { convert })['spec']).toEqual({});
  });

  it('loses what is empty in metadata', () => {
    const created = apply(undefined, widget({}, { metadata: { name: 'w', labels: {}, annotations: null, finalizers: [] } }));
    expect(Object.keys(created.metadata)).toEqual(['name', 'managedFields']);
  });

  describe('takes out what is no longer applied', () => {
    it.each<[string, readonly (readonly [string, Spec])[], Spec]>([
      [
        'a field',
        [
          ['a', { text: 'x', size: 1 }],
          ['a', { size: 1 }],
        ],
        { size: 1 },
      ],
      [
        'a key',
        [
          ['a', { map: { k: '1', l: '2' } }],
          ['a', { map: { l: '2' } }],
        ],
        { map: { l: '2' } },
      ],
      [
        'an item',
        [
          ['a', { ports: [{ port: 1 }, { port: 2 }] }],
          ['a', { ports: [{ port: 2 }] }],
        ],
        { ports: [{ port: 2 }] },
      ],
      [
        'a part of an item',
        [
          ['a', { ports: [{ port: 1, name: 'n' }] }],
          ['a', { ports: [{ port: 1 }] }],
        ],
        { ports: [{ port: 1 }] },
      ],
      [
        'a value of a set',
        [
          ['a', { set: ['x', 'y'] }],
          ['a', { set: ['y'] }],
        ],
        { set: ['y'] },
      ],
      [
        'a whole list',
        [
          ['a', { text: 'x', set: ['y'] }],
          ['a', { text: 'x' }],
        ],
        { text: 'x' },
      ],
      [
        'of an atomic list, the list',
        [
          ['a', { text: 'x', atoms: ['y'] }],
          ['a', { text: 'x' }],
        ],
        { text: 'x' },
      ],
      [
        'not what another applier owns, too',
        [
          ['a', { text: 'x', size: 1 }],
          ['b', { text: 'x' }],
          ['a', { size: 1 }],
        ],
        { text: 'x', size: 1 },
      ],
      [
        'not the item that another applier has put fields into',
        [
          ['a', { ports: [{ port: 1 }] }],
          ['b', { ports: [{ port: 1, name: 'n' }] }],
          ['a', { text: 'x' }],
        ],
        { text: 'x', ports: [{ port: 1, name: 'n' }] },
      ],
      [
        'not what others have added to a list',
        [
          ['a', { set: ['x'] }],
          ['b', { set: ['y'] }],
          ['a', { text: 't' }],
        ],
        { text: 't', set: ['y'] },
      ],
    ])('%s', (_name, steps, expected) => {
      expect(applyAll(...steps)['spec']).toEqual(expected);
    });

    it('but not what an update has changed since', () => {
      const live = applyAll(['a', { text: 'x', size: 1 }]);
      const changed = trackUpdate({
        before: live,
        after: { ...live, spec: { text: 'y', size: 1 } },
        schema: widgetSchema,
        manager: 'u',
        apiVersion: 'x.test/v1',
        time: AT,
      });
      expect(apply(deepFreeze(changed), widget({ size: 1 }))['spec']).toEqual({ text: 'y', size: 1 });
    });
  });

  describe('the order of items', () => {
    it.each([
      ['stays when nothing is added', ['a', 'b', 'c'], ['c', 'a'], ['b', 'c', 'a']],
      ['has new items last', ['a', 'b'], ['c'], ['a', 'b', 'c']],
      ['has new items after those that they follow', ['a', 'b'], ['a', 'x', 'b'], ['a', 'x', 'b']],
      ['has new items before those that they precede', ['a', 'b'], ['x', 'b'], ['a', 'x', 'b']],
    ])('%s', (_name, live, applied, expected) => {
      expect(applyAll(['a', { set: live }], ['b', { set: applied }])['spec']).toEqual({ set: expected });
    });
  });

  it.each<[string, Spec, Spec]>([
    ['null does not take out a map or list', { map: null, set: null }, { map: { k: 'v' }, set: ['a'], atoms: ['z'] }],
    ['empty maps and lists add nothing', { map: {}, set: [] }, { map: { k: 'v' }, set: ['a'], atoms: ['z'] }],
    ['an atomic list is replaced', { atoms: [] }, { map: { k: 'v' }, set: ['a'], atoms: [] }],
  ])('%s', (_name, spec, expected) => {
    const live = applyAll(['a', { map: { k: 'v' }, set: ['a'], atoms: ['z'] }]);
    expect(apply(live, widget(spec), 'b', { force: true })['spec']).toEqual(expected);
  });

  it('treats what has no schema as fields and whole lists', () => {
    const created = apply(undefined, widget({ free: { list: [{ name: 'a' }], deep: { x: 1, empty: {} } } }));
    expect(fieldsOf(created, 'a')).toEqual({
      'f:spec': { 'f:free': { 'f:deep': { '.': {}, 'f:empty': {}, 'f:x': {} }, 'f:list': {} } },
    });
  });

  describe('conflicts', () => {
    const live = applyAll(['a', { text: 'x', size: 1, ports: [{ port: 80, name: 'n' }] }]);
    const change = widget({ text: 'y', size: 2, ports: [{ port: 80, name: 'm' }] });

    it('name the field and its owner', () => {
      const { status } = refusal(() => apply(live, widget({ text: 'y' }), 'b'));
      expect(status).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Apply failed with 1 conflict: conflict with "a": .spec.text',
        reason: 'Conflict',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.spec.text' }] },
        code: 409,
      });
    });

    it('are grouped by owner, with version and subresource of those that updated', () => {
      const updated = trackUpdate({
        before: live,
        after: { ...live, spec: { ...(live['spec'] as object), size: 3 } },
        schema: widgetSchema,
        manager: 'u',
        apiVersion: 'x.test/v1',
        time: AT,
        subresource: 'scale',
      });
      const { status } = refusal(() => apply(deepFreeze(updated), change, 'b'));
      expect(status.message).toBe(
        'Apply failed with 3 conflicts: conflicts with "a":\n- .spec.text\n- .spec.ports[port=80,protocol="TCP"].name\n' +
          'conflicts with "u" with subresource "scale" using x.test/v1:\n- .spec.size',
      );
      expect(status.details?.causes?.map(({ field }) => field)).toEqual([
        '.spec.text',
        '.spec.ports[port=80,protocol="TCP"].name',
        '.spec.size',
      ]);
    });

    it('do not arise from equal values', () => {
      expect(fieldsOf(apply(live, widget({ text: 'x', ports: [{ port: 80, protocol: 'TCP' }] }), 'b'), 'b')).toEqual({
        'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} } }, 'f:text': {} },
      });
    });

    it('are taken over by force', () => {
      const forced = apply(live, widget({ text: 'y', size: 2 }), 'b', { force: true });
      expect(forced['spec']).toEqual({ text: 'y', size: 2, ports: [{ port: 80, name: 'n' }] });
      expect(fieldsOf(forced, 'a')).toEqual({
        'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
      });
      expect(fieldsOf(forced, 'b')).toEqual({ 'f:spec': { 'f:size': {}, 'f:text': {} } });
    });
  });

  describe('fields that are reset', () => {
    const ask = { group: 'x.test', resource: 'widgets', custom: true, hasStatus: true };

    it.each([
      ['', { 'f:spec': { 'f:text': {} } }],
      ['status', { 'f:status': { 'f:ready': {} } }],
    ])('are not owned through %j', (subresource, expected) => {
      const resetFields = resetFieldsOf({ ...ask, subresource });
      const applied = widget({ text: 'x' }, { status: { ready: 1 } });
      expect(fieldsOf(apply(undefined, applied, 'a', { resetFields, subresource }), 'a')).toEqual(expected);
    });

    it.each([
      [{ ...ask, subresource: '', hasStatus: false }, []],
      [{ ...ask, subresource: 'scale' }, []],
      [{ group: 'apps', resource: 'deployments', subresource: 'status', custom: false, hasStatus: true }, ['spec', 'metadata.labels']],
      [{ group: '', resource: 'services', subresource: 'status', custom: false, hasStatus: true }, ['spec']],
    ])('%j', (question, expected) => {
      expect(resetFieldsOf(question)).toEqual(expected);
    });
  });

  it('never owns what identifies the object', () => {
    const metadata = {
      name: 'w',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      generation: 2,
      creationTimestamp: AT,
      labels: { l: '1' },
      finalizers: ['f'],
    };
    const created = apply(undefined, deepFreeze({ apiVersion: 'x.test/v1', kind: 'Widget', metadata }));
    expect(fieldsOf(created, 'a')).toEqual({ 'f:metadata': { 'f:finalizers': { 'v:"f"': {} }, 'f:labels': { 'f:l': {} } } });
  });

  it('gives what was there before anybody was tracked to before-first-apply', () => {
    const live = widget({ text: 'x', size: 1 }, { metadata: { name: 'w', namespace: 'n', uid: 'u' } });
    const { message } = refusal(() => apply(live, widget({ text: 'y' })));
    expect(message).toBe('Apply failed with 1 conflict: conflict with "before-first-apply" using x.test/v1: .spec.text');
    const applied = apply(live, widget({ text: 'x' }));
    expect(fieldsOf(applied, 'before-first-apply', 'Update')).toEqual({ 'f:spec': { '.': {}, 'f:size': {}, 'f:text': {} } });
  });

  describe('configurations that are refused', () => {
    const what = 'failed to create typed patch object (n/w; x.test/v1, Kind=Widget): ';
    it.each<[string, KubeObject, number, string]>([
      ['managedFields', widget({}, { metadata: { name: 'w', managedFields: [] } }), 400, 'metadata.managedFields must be nil'],
      ['an unknown field', widget({ typo: 1 }), 500, `${what}.spec.typo: field not declared in schema`],
      ['a text for a number', widget({ size: '1' }), 500, `${what}.spec.size: expected numeric (int or float), got string`],
      ['a number for a text', widget({ text: 1 }), 500, `${what}.spec.text: expected string, got &value.valueUnstructured{Value:1}`],
      ['a text for a list', widget({ set: 'a' }), 500, `${what}.spec.set: expected list, got &{a}`],
      ['a list for a map', widget({ map: [] }), 500, `${what}.spec.map: expected map, got &{[]}`],
      ['the same value twice', widget({ set: ['a', 'a'] }), 500, `${what}.spec.set: duplicate entries for key [="a"]`],
      [
        'several',
        widget({ ports: [{ port: 1 }, { port: 1 }], size: true }),
        500,
        `${what}errors:\n  .spec.ports: duplicate entries for key [port=1,protocol="TCP"]\n  .spec.size: expected numeric (int or float), got bool`,
      ],
    ])('%s', (_name, applied, code, message) => {
      const { status } = refusal(() => apply(undefined, applied));
      expect([status.code, status.message]).toEqual([code, message]);
    });
  });

  describe('kubectl after client-side apply', () => {
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const schema = builtInSchemas('v1', 'ConfigMap');
    const configMap = (data: Spec): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' }, data });
    const clientSide = (data: Spec, live: Spec): KubeObject => {
      const after = {
        ...configMap(live),
        metadata: { name: 'c', namespace: 'n', annotations: { [annotation]: JSON.stringify(configMap(data)) } },
      };
      return deepFreeze(
        trackUpdate({ before: undefined, after, schema, manager: 'kubectl-client-side-apply', apiVersion: 'v1', time: AT }),
      );
    };

    it('takes over fields that are still as it left them, and writes the annotation', () => {
      const applied = apply(clientSide({ a: '1' }, { a: '1' }), configMap({ a: '<2>' }), 'kubectl', { schema });
      expect(applied['data']).toEqual({ a: '<2>' });
      expect(applied.metadata.annotations?.[annotation]).toBe(
        '{"apiVersion":"v1","data":{"a":"\\u003c2\\u003e"},"kind":"ConfigMap","metadata":{"name":"c","namespace":"n"}}\n',
      );
    });

    it('conflicts over fields that were changed since', () => {
      const { message } = refusal(() =>
        apply(clientSide({ a: '1', b: '1' }, { a: '3', b: '1' }), configMap({ a: '2', b: '2' }), 'kubectl', { schema }),
      );
      expect(message).toBe('Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a');
    });

    it('is no exception for other managers', () => {
      expect(refusal(() => apply(clientSide({ a: '1' }, { a: '1' }), configMap({ a: '2' }), 'helm', { schema })).status.code).toBe(409);
    });
  });
});
