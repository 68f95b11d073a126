import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import type { StoreEvent } from './object-store.ts';
import { MemoryStore } from './memory-store.ts';

function thing(namespace: string, name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, ...more };
}

const names = (objects: readonly KubeObject[] | undefined): readonly string[] | undefined =>
  objects?.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);

describe('a store in memory', () => {
  it('lists in the order of etcd keys, where a-b comes before a', () => {
    const store = new MemoryStore();
    for (const [namespace, name] of [
      ['b', 'x'],
      ['a', 'z'],
      ['a-b', 'y'],
      ['a', 'b'],
    ] as const)
      store.put('things', thing(namespace, name));
    expect(names(store.list('things'))).toEqual(['a-b/y', 'a/b', 'a/z', 'b/x']);
    expect(names(store.list('things', 'a'))).toEqual(['a/b', 'a/z']);
    expect(store.list('others')).toEqual([]);
  });

  it('gives each write its own resourceVersion, freezes the object and shares what did not change', () => {
    const store = new MemoryStore();
    const first = store.put('things', thing('a', 'x', { data: { deep: { k: 'v' } }, other: 1 }));
    const second = store.put('things', thing('a', 'x', { data: { deep: { k: 'v' } }, other: 2 }));
    expect([first.metadata.resourceVersion, second.metadata.resourceVersion]).toEqual(['1', '2']);
    expect(second['data']).toBe(first['data']);
    expect(Object.isFrozen(second['data'])).toBe(true);
    expect(store.get('things', 'a', 'x')).toBe(second);
  });

  it('shares what changed as it did in another object, and nothing else', () => {
    const store = new MemoryStore();
    store.put('things', thing('a', 'x', { v: [1], status: { ready: false } }));
    store.put('things', thing('a', 'y', { v: [2], status: { ready: false } }));
    const first = store.put('things', thing('a', 'x', { v: [1], status: { ready: true, at: ['now'] } }));
    const second = store.put('things', thing('a', 'y', { v: [2], status: { ready: true, at: ['now'] } }));
    const third = store.put('things', thing('a', 'x', { v: [1], status: { ready: true, at: ['later'] } }));
    expect(second['status']).toBe(first['status']);
    expect(second).toMatchObject({ metadata: { name: 'y' }, v: [2], status: { ready: true, at: ['now'] } });
    expect(third).toMatchObject({ metadata: { name: 'x' }, v: [1], status: { ready: true, at: ['later'] } });
    expect(Object.keys(third)).toEqual(['apiVersion', 'kind', 'metadata', 'v', 'status']);
  });

  it('tells what happened since, and no more once it was forgotten', () => {
    const store = new MemoryStore({ historySize: 3 });
    for (const name of ['a', 'b', 'c', 'd']) store.put('things', thing('n', name));
    store.remove('things', 'n', 'b');
    expect(store.eventsSince('things', 3)?.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED d', 'DELETED b']);
    expect(store.eventsSince('things', 2)).toHaveLength(3);
    expect(store.eventsSince('things', 1)).toBeUndefined();
    store.compact('things');
    expect(store.eventsSince('things', 4)).toBeUndefined();
    expect(store.eventsSince('things', 5)).toEqual([]);
  });

  it('finds the state of the past', () => {
    const store = new MemoryStore();
    store.put('things', thing('n', 'a', { v: 1 }));
    store.put('things', thing('n', 'b', { v: 1 }));
    store.put('things', thing('n', 'a', { v: 2 }));
    store.remove('things', 'n', 'b');
    store.put('things', thing('m', 'c'));
    const past = store.listAt('things', undefined, 2);
    expect(names(past)).toEqual(['n/a', 'n/b']);
    expect(past?.map((object) => object['v'])).toEqual([1, 1]);
    expect(names(store.listAt('things', 'n', 4))).toEqual(['n/a']);
    store.compactAll();
    expect(store.listAt('things', undefined, 2)).toBeUndefined();
    expect(store.eventsSince('never', 2)).toBeUndefined();
  });

  it('tells listeners of a resource, and of all, with the state before', () => {
    const store = new MemoryStore();
    const seen: string[] = [];
    const note = (who: string) => (event: StoreEvent) => {
      seen.push(`${who} ${event.type} ${event.resourceVersion} ${event.previous?.metadata.resourceVersion ?? '-'}`);
    };
    const stop = store.subscribe('things', note('one'));
    store.subscribe(undefined, note('all'));
    store.put('things', thing('n', 'a'));
    store.put('others', thing('n', 'a'));
    stop();
    store.remove('things', 'n', 'a');
    expect(seen).toEqual(['one ADDED 1 -', 'all ADDED 1 -', 'all ADDED 2 -', 'all DELETED 3 1']);
  });

  it('knows dependents by the uid of their owner, as owners come and go', () => {
    const store = new MemoryStore();
    const owned = (uid: string): KubeObject => ({
      ...thing('n', 'a'),
      metadata: { name: 'a', namespace: 'n', ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid }] },
    });
    store.put('things', owned('1'));
    expect(store.ownedBy('1').map(({ resource, object }) => `${resource} ${object.metadata.name}`)).toEqual(['things a']);
    store.put('things', owned('2'));
    expect([store.ownedBy('1').length, store.ownedBy('2').length]).toEqual([0, 1]);
    store.remove('things', 'n', 'a');
    expect(store.ownedBy('2')).toEqual([]);
  });
});
