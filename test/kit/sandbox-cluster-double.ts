/** A cluster in memory for tests of the sandbox's controllers: as much of an API server as they notice, and a kubelet that obeys. */
import { type SandboxClock, timestamp } from '../../src/sandbox/clock/sandbox-clock.ts';
import type { Cluster, ClusterChange, ClusterWriter, DeleteOptions, ListOptions } from '../../src/sandbox/cluster/cluster-view.ts';
import type { KubeObject } from '../../src/sandbox/objects/kube-object.ts';
import { alreadyExists, conflict, modified, notFound, StatusError } from '../../src/sandbox/objects/status-error.ts';

type Loose = Record<string, unknown>;
export interface WriteRecord {
  readonly verb: string;
  readonly resource: string;
  readonly name: string;
  readonly user: string;
}

export class ClusterDouble implements Cluster {
  readonly writes: WriteRecord[] = [];
  /** May refuse a write by throwing. */
  refuse: ((verb: string, resource: string, object: KubeObject) => void) | undefined;
  readonly #clock: SandboxClock;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, ((change: ClusterChange) => void)[]>();
  #version = 0;
  #names = 0;

  constructor(clock: SandboxClock) {
    this.#clock = clock;
  }

  get(resource: string, name: string, namespace = ''): KubeObject | undefined {
    return this.#objects.get(resource)?.get(`${namespace}/${name}`);
  }

  list(resource: string, { namespace, labels, ownerUid }: ListOptions = {}): readonly KubeObject[] {
    return [...(this.#objects.get(resource) ?? new Map<string, KubeObject>())]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .filter(({ metadata }) => Object.entries(labels ?? {}).every(([key, value]) => metadata.labels?.[key] === value))
      .filter(({ metadata }) => ownerUid === undefined || metadata.ownerReferences?.some((owner) => owner.uid === ownerUid));
  }

  onChange(resource: string, listener: (change: ClusterChange) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? [];
    this.#listeners.set(resource, [...listeners, listener]);
    return () =>
      this.#listeners.set(
        resource,
        (this.#listeners.get(resource) ?? []).filter((one) => one !== listener),
      );
  }

  as(user: string): ClusterWriter {
    const step = async <T>(verb: string, resource: string, name: string, act: () => T): Promise<T> => {
      await Promise.resolve();
      this.writes.push({ verb, resource, name, user });
      return act();
    };
    return {
      create: (resource, object) => step('create', resource, object.metadata.name, () => this.create(resource, object)),
      update: (resource, object) => step('update', resource, object.metadata.name, () => this.#update(resource, object, 'spec')),
      updateStatus: (resource, object) => step('status', resource, object.metadata.name, () => this.#update(resource, object, 'status')),
      patch: (resource, name, namespace, patch, subresource) =>
        step('patch', resource, name, () => this.patch(resource, name, namespace, patch, subresource)),
      delete: (resource, name, namespace, options) => step('delete', resource, name, () => this.delete(resource, name, namespace, options)),
      evict: (pod, namespace) => step('evict', 'pods', pod, () => this.delete('pods', pod, namespace)),
    };
  }

  create(resource: string, object: KubeObject): KubeObject {
    this.refuse?.('create', resource, object);
    this.#version += 1;
    const { generateName } = object.metadata;
    const name =
      object.metadata.name === '' ? `${generateName ?? ''}${(this.#names += 1).toString(36).padStart(5, '0')}` : object.metadata.name;
    const namespace = object.metadata.namespace ?? '';
    if (this.get(resource, name, namespace) !== undefined) throw alreadyExists(about(resource), name);
    const parent = namespace === '' ? undefined : this.get('namespaces', namespace);
    if (parent?.metadata.deletionTimestamp !== undefined) throw namespaceTerminating(resource, name, namespace);
    const created = {
      ...object,
      metadata: {
        ...object.metadata,
        name,
        uid: `uid-${resource}-${this.#version}`,
        generation: 1,
        creationTimestamp: timestamp(this.#clock),
        resourceVersion: String(this.#version),
      },
    };
    return this.#put(resource, 'ADDED', created);
  }

  patch(resource: string, name: string, namespace: string | undefined, patch: unknown, subresource?: string): KubeObject {
    const present = this.#need(resource, name, namespace);
    if (subresource === 'binding') {
      const { target } = patch as { target: { name: string } };
      return this.#update(resource, merge(present, { spec: { nodeName: target.name } }) as KubeObject, 'spec');
    }
    const wanted = (patch as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== present.metadata.resourceVersion) throw modified(about(resource), name);
    const merged = merge(present, patch) as KubeObject;
    return this.#update(resource, merged, subresource === 'status' ? 'status' : 'spec');
  }

  delete(resource: string, name: string, namespace: string | undefined, options: DeleteOptions = {}): void {
    const present = this.#need(resource, name, namespace);
    const meta = present.metadata;
    if (options.uid !== undefined && options.uid !== meta.uid)
      throw conflict(about(resource), name, `the UID in the precondition (${options.uid}) does not match`);
    const finalizers = [...new Set([...(meta.finalizers ?? []), ...FINALIZERS[options.propagationPolicy ?? 'Background']])];
    const isNamespace = isKeptNamespace(resource, present);
    const isGraceful = resource === 'pods' && options.gracePeriodSeconds !== 0 && (present['spec'] as Loose)['nodeName'] !== undefined;
    if (finalizers.length === 0 && !isGraceful && !isNamespace) return this.#remove(resource, present);
    if (meta.deletionTimestamp !== undefined && options.gracePeriodSeconds !== 0) return;
    const metadata = {
      ...meta,
      deletionTimestamp: meta.deletionTimestamp ?? timestamp(this.#clock),
      ...(resource === 'pods' ? { deletionGracePeriodSeconds: isGraceful ? 30 : 0 } : {}),
      ...(finalizers.length === 0 ? {} : { finalizers }),
      resourceVersion: String((this.#version += 1)),
    };
    const status = isNamespace ? { status: { ...(present['status'] as Loose | undefined), phase: 'Terminating' } } : {};
    this.#put(resource, 'MODIFIED', { ...present, ...status, metadata }, present);
  }

  #update(resource: string, object: KubeObject, part: 'spec' | 'status'): KubeObject {
    this.refuse?.('update', resource, object);
    const { name, namespace, resourceVersion } = object.metadata;
    const present = this.#need(resource, name, namespace);
    if (resourceVersion !== present.metadata.resourceVersion) throw modified(about(resource), name);
    const kept = part === 'status' ? { spec: present['spec'] } : { status: present['status'] };
    const stored = JSON.parse(JSON.stringify({ ...object, ...kept })) as KubeObject;
    const isSame = JSON.stringify({ ...stored }) === JSON.stringify({ ...present });
    if (isSame) return present;
    const grown = JSON.stringify(stored['spec']) === JSON.stringify(present['spec']) ? 0 : 1;
    this.#version += 1;
    const metadata = { ...stored.metadata, generation: (present.metadata.generation ?? 1) + grown, resourceVersion: String(this.#version) };
    const next: KubeObject = { ...stored, metadata };
    const isDone =
      metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0 && metadata.deletionGracePeriodSeconds !== 30;
    if (isDone && !isKeptNamespace(resource, next)) {
      this.#remove(resource, next);
      return next;
    }
    return this.#put(resource, 'MODIFIED', next, present);
  }

  #need(resource: string, name: string, namespace = ''): KubeObject {
    const present = this.get(resource, name, namespace);
    if (present === undefined) throw notFound(about(resource), name);
    return present;
  }

  #put(resource: string, type: 'ADDED' | 'MODIFIED', given: KubeObject, previous?: KubeObject): KubeObject {
    const object = freeze(JSON.parse(JSON.stringify(given)) as KubeObject);
    const objects = this.#objects.get(resource) ?? new Map<string, KubeObject>();
    this.#objects.set(resource, objects);
    objects.set(`${object.metadata.namespace ?? ''}/${object.metadata.name}`, object);
    this.#tell(resource, { type, object, ...(previous === undefined ? {} : { previous }) });
    return object;
  }

  #remove(resource: string, object: KubeObject): void {
    this.#objects.get(resource)?.delete(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
    this.#version += 1;
    this.#tell(resource, { type: 'DELETED', object, previous: object });
  }

  #tell(resource: string, change: ClusterChange): void {
    for (const listener of this.#listeners.get(resource) ?? []) listener(change);
  }
}

const FINALIZERS = { Foreground: ['foregroundDeletion'], Orphan: ['orphan'], Background: [] } as const;

/** Whether it is a namespace that its controller has not let go yet. */
function isKeptNamespace(resource: string, object: KubeObject): boolean {
  const { finalizers = [] } = (object['spec'] ?? {}) as { readonly finalizers?: readonly string[] };
  return resource === 'namespaces' && finalizers.length > 0;
}

function about(resource: string): { readonly group: string; readonly resource: string; readonly kind: string } {
  const [plural = '', ...group] = resource.split('.');
  return { group: group.join('.'), resource: plural, kind: plural };
}

function namespaceTerminating(resource: string, name: string, namespace: string): StatusError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return new StatusError(403, 'Forbidden', `${resource} "${name}" is forbidden: ${why}`, { causes: [{ reason: 'NamespaceTerminating' }] });
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Loose = { ...(typeof target === 'object' && !Array.isArray(target) ? (target as Loose) : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) freeze(field);
  }
  return value;
}

export interface KubeletPlan {
  /** After which time a pod on a node is Ready; undefined for never. */
  readonly readyAfterMs: (pod: KubeObject) => number | undefined;
  readonly goneAfterMs?: (pod: KubeObject) => number;
  /** For pods that end by themselves. */
  readonly endsAfterMs?: (pod: KubeObject) => { readonly ms: number; readonly phase: 'Succeeded' | 'Failed' } | undefined;
}

/** Runs the pods that have a node. */
export function obedientKubelet(cluster: ClusterDouble, clock: SandboxClock, plan: KubeletPlan): void {
  const started = new Set<string>();
  const setStatus = (pod: KubeObject, status: Loose): void => {
    const { name, namespace, uid } = pod.metadata;
    const present = cluster.get('pods', name, namespace);
    const { phase } = (present?.['status'] ?? {}) as { readonly phase?: string };
    if (present?.metadata.uid !== uid || phase === 'Succeeded' || phase === 'Failed') return;
    cluster.patch('pods', name, namespace, { status }, 'status');
  };
  cluster.onChange('pods', ({ type, object: pod }) => {
    const { name, namespace, uid = '', deletionTimestamp } = pod.metadata;
    if (type === 'DELETED') return;
    if (deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 30) {
      if (started.has(`end ${uid}`)) return;
      started.add(`end ${uid}`);
      clock.after(plan.goneAfterMs?.(pod) ?? 20, () => {
        if (cluster.get('pods', name, namespace)?.metadata.uid === uid) cluster.delete('pods', name, namespace, { gracePeriodSeconds: 0 });
      });
      return;
    }
    if ((pod['spec'] as Loose)['nodeName'] === undefined || started.has(uid)) return;
    started.add(uid);
    const index = started.size;
    clock.after(0, () => setStatus(pod, runningStatus(clock, 'False', index)));
    const readyMs = plan.readyAfterMs(pod);
    if (readyMs !== undefined) clock.after(readyMs, () => setStatus(pod, runningStatus(clock, 'True', index)));
    const end = plan.endsAfterMs?.(pod);
    if (end !== undefined) clock.after(end.ms, () => setStatus(pod, { phase: end.phase, conditions: [readyCondition(clock, 'False')] }));
  });
}

function runningStatus(clock: SandboxClock, ready: 'True' | 'False', index: number): Loose {
  const podIP = `127.1.${index >> 8}.${index & 255}`;
  return { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [readyCondition(clock, ready)] };
}

function readyCondition(clock: SandboxClock, status: 'True' | 'False'): Loose {
  return { type: 'Ready', status, lastTransitionTime: timestamp(clock) };
}
