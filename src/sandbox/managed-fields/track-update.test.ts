import { describe, expect, it } from 'vitest';
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import { deepFreeze } from '../store/share-structure.ts';
import { trackUpdate, type UpdateTracking } from './track-update.ts';
import { keepUnchangedTimes } from './unchanged-times.ts';

const AT = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:00:09Z';
const schema = builtInSchemas('v1', 'ConfigMap');

function configMap(data: Readonly<Record<string, string>>, managedFields?: readonly ManagedFieldsEntry[]): KubeObject {
  const metadata = { name: 'c', namespace: 'n', uid: 'u', ...(managedFields === undefined ? {} : { managedFields }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

function track(before: KubeObject | undefined, after: KubeObject, more: Partial<UpdateTracking> = {}): KubeObject {
  return deepFreeze(trackUpdate({ before, after, schema, manager: 'm', apiVersion: 'v1', time: AT, ...more }));
}

/** Entries in short: `manager operation time fields`. */
function short({ metadata }: KubeObject): readonly string[] {
  return (metadata.managedFields ?? []).map(({ manager, operation, time, fieldsV1, subresource }) =>
    [manager + (subresource === undefined ? '' : `/${subresource}`), operation, time, JSON.stringify(fieldsV1)].join(' '),
  );
}

function changed(before: KubeObject, data: Readonly<Record<string, string>>): KubeObject {
  return { ...before, data };
}

const created = track(undefined, configMap({ a: '1', b: '1' }));

describe('trackUpdate', () => {
  it('gives the creator all but what identifies the object', () => {
    expect(created.metadata.managedFields).toEqual([
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'v1',
        time: AT,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } },
      },
    ]);
  });

  it('does not count structures that are always there as created', () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels: { a: 'b' } },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }], resources: {} }] },
        },
      },
      status: {},
    };
    const tracked = track(undefined, deployment, { schema: builtInSchemas('apps/v1', 'Deployment'), apiVersion: 'apps/v1' });
    expect(tracked.metadata.managedFields?.[0]?.fieldsV1).toEqual({
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
      'f:spec': {
        'f:selector': {},
        'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
        'f:template': {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:name': {},
                'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                'f:resources': {},
              },
            },
          },
        },
      },
    });
  });

  it('moves changed fields to the writer', () => {
    const after = track(created, changed(created, { a: '2', b: '1', c: '1' }), { manager: 'n', time: LATER });
    expect(short(after)).toEqual([`m Update ${AT} {"f:data":{".":{},"f:b":{}}}`, `n Update ${LATER} {"f:data":{"f:a":{},"f:c":{}}}`]);
  });

  it('adds to what the writer had', () => {
    const after = track(created, changed(created, { a: '2', b: '1', c: '1' }), { time: LATER });
    expect(short(after)).toEqual([`m Update ${LATER} {"f:data":{".":{},"f:a":{},"f:b":{},"f:c":{}}}`]);
  });

  it('takes removed fields from their owner, and gives the remover nothing', () => {
    const after = track(created, changed(created, { a: '1' }), { manager: 'n', time: LATER });
    expect(short(after)).toEqual([`m Update ${AT} {"f:data":{".":{},"f:a":{}}}`]);
  });

  it('drops an owner of whom nothing is left', () => {
    const after = track(created, { ...created, data: undefined, binaryData: { z: 'AA==' } }, { manager: 'n', time: LATER });
    expect(short(JSON.parse(JSON.stringify(after)) as KubeObject)).toEqual([`n Update ${LATER} {"f:binaryData":{".":{},"f:z":{}}}`]);
  });

  it('leaves everything as it is when nothing changes', () => {
    const after = track(created, { ...created }, { manager: 'n', time: LATER });
    expect(after.metadata.managedFields).toBe(created.metadata.managedFields);
  });

  it('keeps writers of subresources and versions apart', () => {
    const first = track(created, changed(created, { a: '2', b: '1' }), { subresource: 'status', time: LATER });
    const second = track(first, changed(first, { a: '2', b: '2' }), { apiVersion: 'v1beta1', time: LATER });
    expect(short(second)).toEqual([
      `m Update ${AT} {"f:data":{}}`,
      `m/status Update ${LATER} {"f:data":{"f:a":{}}}`,
      `m Update ${LATER} {"f:data":{"f:b":{}}}`,
    ]);
  });

  it('ignores fields that are reset', () => {
    const after = track(
      created,
      { ...changed(created, { a: '2', b: '1' }), binaryData: { z: 'AA==' } },
      { manager: 'n', resetFields: ['data'] },
    );
    expect(short(after)).toEqual([
      `m Update ${AT} {"f:data":{".":{},"f:a":{},"f:b":{}}}`,
      `n Update ${AT} {"f:binaryData":{".":{},"f:z":{}}}`,
    ]);
  });

  it('treats lists of untyped objects as one value', () => {
    const widget = {
      apiVersion: 'x/v1',
      kind: 'W',
      metadata: { name: 'w', finalizers: ['a'] },
      spec: { list: [{ name: 'a' }], map: { k: [] } },
    };
    const tracked = track(undefined, widget, { schema: undefined, apiVersion: 'x/v1' });
    expect(tracked.metadata.managedFields?.[0]?.fieldsV1).toEqual({
      'f:metadata': { 'f:finalizers': {} },
      'f:spec': { '.': {}, 'f:list': {}, 'f:map': { '.': {}, 'f:k': {} } },
    });
  });

  describe('managedFields that the client sends', () => {
    const [entry] = created.metadata.managedFields ?? [];
    const sent = (managedFields: unknown): KubeObject => ({ ...created, metadata: { ...created.metadata, managedFields } }) as KubeObject;

    it('count', () => {
      const after = track(created, sent([{ ...entry, manager: 'other', operation: 'Apply' }]), { manager: 'n', time: LATER });
      expect(short(after)).toEqual([`other Apply ${AT} {"f:data":{".":{},"f:a":{},"f:b":{}}}`]);
    });

    it('do not count through a subresource', () => {
      const after = track(created, sent([{ ...entry, manager: 'other' }]), { subresource: 'status' });
      expect(after.metadata.managedFields).toBe(created.metadata.managedFields);
    });

    it.each([
      ['an empty list', [], []],
      ['one empty entry', [{}], []],
      ['nothing', undefined, ['m']],
      ['what cannot be read', [{ ...entry, fieldsV1: { x: {} } }], ['m']],
      ['an unknown operation', [{ ...entry, operation: 'Guess' }], ['m']],
    ])('%s', (_name, managedFields, managers) => {
      const after = track(created, sent(managedFields));
      expect((after.metadata.managedFields ?? []).map(({ manager }) => manager)).toEqual(managers);
      expect('managedFields' in after.metadata).toBe(managers.length > 0);
    });

    it('once ended, ownership does not come back with updates', () => {
      const reset = track(created, sent([]));
      expect(track(reset, changed(reset, { a: '3' })).metadata.managedFields).toBeUndefined();
    });
  });

  it('unites the oldest updates when there are more than ten', () => {
    let object = created;
    for (let index = 0; index < 12; index += 1) {
      const time = `2026-01-01T00:00:${String(10 + index)}Z`;
      object = track(object, changed(object, { ...(object['data'] as object), [`k${String(index)}`]: '1' }), {
        manager: `u${String(index)}`,
        time,
      });
    }
    const managers = (object.metadata.managedFields ?? []).map(({ manager }) => manager);
    expect(managers).toEqual(['ancient-changes', ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((index) => `u${String(index)}`)]);
    expect(short(object)[0]).toBe(
      'ancient-changes Update 2026-01-01T00:00:12Z {"f:data":{".":{},"f:a":{},"f:b":{},"f:k0":{},"f:k1":{},"f:k2":{}}}',
    );
  });

  it('keeps the owners when items of a list have no name', () => {
    const service = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', uid: 'u' }, spec: { containers: [{ name: 'a' }] } };
    const more = { schema: builtInSchemas('v1', 'Pod') };
    const before = track(undefined, service, more);
    const after = track(before, { ...before, spec: { containers: [null] } }, more);
    expect(after.metadata.managedFields).toBe(before.metadata.managedFields);
  });

  it('does not change what it is given', () => {
    const before = deepFreeze(JSON.parse(JSON.stringify(created)) as KubeObject);
    const after = deepFreeze(changed(before, { a: '5' }));
    expect(() => track(before, after, { manager: 'n' })).not.toThrow();
  });
});

describe('keepUnchangedTimes', () => {
  const retimed = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, managedFields: (object.metadata.managedFields ?? []).map((entry) => ({ ...entry, time: LATER })) },
  });

  it('keeps times when nothing else differs', () => {
    expect(keepUnchangedTimes(created, retimed(created)).metadata.managedFields).toBe(created.metadata.managedFields);
  });

  it('keeps new times when a field or an owner differs', () => {
    const other = retimed(changed(created, { a: '9' }));
    expect(keepUnchangedTimes(created, other)).toBe(other);
    const owner = { ...other, metadata: { ...other.metadata, managedFields: [] } };
    expect(keepUnchangedTimes(created, owner)).toBe(owner);
  });
});
