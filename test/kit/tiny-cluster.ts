/** A cluster of the sandbox that is only a map: for rooms that are tested without the API server. */
import type { Cluster, ClusterChange, ClusterWriter, DeleteOptions } from '../../src/sandbox/cluster/cluster-view.ts';
import type { KubeObject } from '../../src/sandbox/objects/kube-object.ts';
import { StatusError } from '../../src/sandbox/objects/status-error.ts';

export interface TinyWrite {
  readonly user: string;
  readonly fieldManager: string;
  readonly verb: 'create' | 'update' | 'updateStatus' | 'patch' | 'delete';
  readonly resource: string;
  readonly name: string;
}

export class TinyCluster implements Cluster {
  readonly writes: TinyWrite[] = [];
  /** Called before each write; may throw the refusal. */
  refuse: (write: TinyWrite) => void = () => undefined;
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Map<string, Set<(change: ClusterChange) => void>>();
  #resourceVersion = 0;

  get(resource: string, name: string, namespace = ''): KubeObject | undefined {
    return this.#objects.get(`${resource}/${namespace}/${name}`);
  }

  list(resource: string, options: { namespace?: string; labels?: Readonly<Record<string, string>> } = {}): readonly KubeObject[] {
    return [...this.#objects]
      .filter(([key, { metadata }]) => {
        if (!key.startsWith(`${resource}/`)) return false;
        if (options.namespace !== undefined && metadata.namespace !== options.namespace) return false;
        return Object.entries(options.labels ?? {}).every(([label, value]) => metadata.labels?.[label] === value);
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  onChange(resource: string, listener: (change: ClusterChange) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  put(resource: string, object: KubeObject): KubeObject {
    const { namespace = '', name } = object.metadata;
    const key = `${resource}/${namespace}/${name}`;
    const previous = this.#objects.get(key);
    this.#resourceVersion += 1;
    const uid = previous?.metadata.uid ?? object.metadata.uid ?? `uid-${this.#resourceVersion}`;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.#resourceVersion) } };
    this.#objects.set(key, stored);
    this.#tell(resource, previous === undefined ? { type: 'ADDED', object: stored } : { type: 'MODIFIED', object: stored, previous });
    return stored;
  }

  remove(resource: string, name: string, namespace = ''): void {
    const object = this.get(resource, name, namespace);
    if (object === undefined) return;
    this.#objects.delete(`${resource}/${namespace}/${name}`);
    this.#tell(resource, { type: 'DELETED', object });
  }

  as(user: string, fieldManager: string): ClusterWriter {
    const record = (verb: TinyWrite['verb'], resource: string, name: string): void => {
      const write = { user, fieldManager, verb, resource, name };
      this.refuse(write);
      this.writes.push(write);
    };
    return {
      create: async (resource, object) => {
        record('create', resource, object.metadata.name);
        return this.put(resource, object);
      },
      update: async (resource, object) => {
        record('update', resource, object.metadata.name);
        return this.put(resource, object);
      },
      updateStatus: async (resource, object) => {
        const present = this.get(resource, object.metadata.name, object.metadata.namespace);
        if (present === undefined) throw new StatusError(404, 'NotFound', 'not found');
        record('updateStatus', resource, object.metadata.name);
        return this.put(resource, { ...present, status: object['status'] });
      },
      /** Only fields at the top. */
      patch: async (resource, name, namespace, patch) => {
        const present = this.get(resource, name, namespace);
        if (present === undefined) throw new StatusError(404, 'NotFound', 'not found');
        record('patch', resource, name);
        return this.put(resource, { ...present, ...(patch as object) });
      },
      delete: async (resource, name, namespace, options: DeleteOptions = {}) => {
        record('delete', resource, name);
        if (resource !== 'pods' || options.gracePeriodSeconds === 0) this.remove(resource, name, namespace);
      },
      evict: () => Promise.reject(new StatusError(501, 'NotImplemented', 'the tiny cluster does not evict')),
    };
  }

  #tell(resource: string, change: ClusterChange): void {
    for (const listener of this.#listeners.get(resource) ?? []) listener(change);
  }
}
