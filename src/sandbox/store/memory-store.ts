/** The store in the memory of this process. Every write is synchronous; its listeners are told in the order of resourceVersions. */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';
import type { ObjectStore, StoreEvent } from './object-store.ts';
import { FieldsPool } from './fields-pool.ts';
import { ResourceTable } from './resource-table.ts';
import { deepFreeze, shareStructure } from './share-structure.ts';

/** Events that are remembered for each resource; watches that start before them are refused with 410. */
const DEFAULT_HISTORY_SIZE = 4_000;

type Listener = (event: StoreEvent) => void;

interface Owned {
  readonly resource: GroupResource;
  readonly namespace: string;
  readonly name: string;
}

export class MemoryStore implements ObjectStore {
  readonly #tables = new Map<GroupResource, ResourceTable>();
  readonly #owned = new Map<string, Map<string, Owned>>();
  /** As it was created. */
  readonly #newest = new Map<GroupResource, KubeObject>();
  /** Written last, whichever object it was. */
  readonly #latest = new Map<GroupResource, KubeObject>();
  readonly #fields = new FieldsPool();
  readonly #listeners = new Map<GroupResource | undefined, Set<Listener>>();
  readonly #historySize: number;
  #resourceVersion = 0;
  #compactedUpTo = 0;

  constructor(options: { readonly historySize?: number } = {}) {
    this.#historySize = options.historySize ?? DEFAULT_HISTORY_SIZE;
  }

  get resourceVersion(): number {
    return this.#resourceVersion;
  }

  get(resource: GroupResource, namespace: string, name: string): KubeObject | undefined {
    return this.#tables.get(resource)?.get(namespace, name);
  }

  list(resource: GroupResource, namespace?: string): readonly KubeObject[] {
    return this.#tables.get(resource)?.list(namespace) ?? [];
  }

  put(resource: GroupResource, object: KubeObject): KubeObject {
    const { name, namespace = '' } = object.metadata;
    const table = this.#table(resource);
    const previous = table.get(namespace, name);
    const resourceVersion = (this.#resourceVersion += 1);
    const metadata = { ...object.metadata, resourceVersion: String(resourceVersion) };
    // A new object often looks like the one before it, as pods of one template do; what changes often changes as it did in another one.
    const like = previous ?? this.#newest.get(resource);
    const shared = shareStructure(like, { ...object, metadata }, this.#latest.get(resource));
    const stored = deepFreeze(this.#fields.share(shared));
    if (previous === undefined) this.#newest.set(resource, stored);
    this.#latest.set(resource, stored);
    table.set(namespace, name, stored);
    this.#index(resource, previous, stored);
    this.#publish(table, {
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      resource,
      object: stored,
      ...(previous === undefined ? {} : { previous }),
      resourceVersion,
    });
    return stored;
  }

  remove(resource: GroupResource, namespace: string, name: string): KubeObject | undefined {
    const table = this.#tables.get(resource);
    const previous = table?.get(namespace, name);
    if (table === undefined || previous === undefined) return undefined;
    const resourceVersion = (this.#resourceVersion += 1);
    if (this.#newest.get(resource) === previous) this.#newest.delete(resource);
    const last = deepFreeze({ ...previous, metadata: { ...previous.metadata, resourceVersion: String(resourceVersion) } });
    table.delete(namespace, name);
    this.#index(resource, previous, undefined);
    this.#publish(table, { type: 'DELETED', resource, object: last, previous, resourceVersion });
    return last;
  }

  ownedBy(ownerUid: string): readonly { readonly resource: GroupResource; readonly object: KubeObject }[] {
    const owned = [...(this.#owned.get(ownerUid)?.values() ?? [])];
    return owned.flatMap(({ resource, namespace, name }) => {
      const object = this.get(resource, namespace, name);
      return object === undefined ? [] : [{ resource, object }];
    });
  }

  eventsSince(resource: GroupResource, resourceVersion: number): readonly StoreEvent[] | undefined {
    return this.#table(resource).eventsSince(resourceVersion);
  }

  /**
   * The objects of a resource as they were at a resourceVersion, found by taking back what happened since.
   * @returns undefined when the history does not reach back so far
   */
  listAt(resource: GroupResource, namespace: string | undefined, resourceVersion: number): readonly KubeObject[] | undefined {
    const events = this.eventsSince(resource, resourceVersion);
    if (events === undefined) return undefined;
    if (events.length === 0) return this.list(resource, namespace);
    const past = new ResourceTable(0);
    for (const object of this.list(resource, namespace)) past.set(object.metadata.namespace ?? '', object.metadata.name, object);
    for (const event of events.toReversed()) {
      const { name, namespace: at = '' } = event.object.metadata;
      if (namespace !== undefined && at !== namespace) continue;
      if (event.previous === undefined) past.delete(at, name);
      else past.set(at, name, event.previous);
    }
    return past.list(namespace);
  }

  /** Forgets the history of a resource, as etcd does when it is compacted: older watches and lists end with 410. */
  compact(resource: GroupResource): void {
    this.#table(resource).forget(this.#resourceVersion);
  }

  /** Nothing that has happened so far can be watched or listed any more, whatever its resource. */
  compactAll(): void {
    this.#compactedUpTo = this.#resourceVersion;
    for (const table of this.#tables.values()) table.forget(this.#resourceVersion);
  }

  subscribe(resource: GroupResource | undefined, listener: Listener): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set<Listener>();
    this.#listeners.set(resource, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  #table(resource: GroupResource): ResourceTable {
    let table = this.#tables.get(resource);
    if (table === undefined) {
      table = new ResourceTable(this.#historySize);
      table.forget(this.#compactedUpTo);
      this.#tables.set(resource, table);
    }
    return table;
  }

  #publish(table: ResourceTable, event: StoreEvent): void {
    table.remember(event);
    for (const listener of this.#listeners.get(event.resource) ?? []) listener(event);
    for (const listener of this.#listeners.get(undefined) ?? []) listener(event);
  }

  #index(resource: GroupResource, previous: KubeObject | undefined, next: KubeObject | undefined): void {
    const before = previous?.metadata.ownerReferences;
    const after = next?.metadata.ownerReferences;
    if (before === after) return;
    const { name, namespace = '' } = (next ?? previous)?.metadata ?? { name: '' };
    const key = `${resource}/${namespace}/${name}`;
    for (const { uid } of before ?? []) {
      const owned = this.#owned.get(uid);
      owned?.delete(key);
      if (owned?.size === 0) this.#owned.delete(uid);
    }
    for (const { uid } of after ?? []) {
      const owned = this.#owned.get(uid) ?? new Map<string, Owned>();
      this.#owned.set(uid, owned);
      owned.set(key, { resource, namespace, name });
    }
  }
}
