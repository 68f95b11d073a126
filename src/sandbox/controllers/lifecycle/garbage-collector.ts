/**
 * Deletes what has no owner left, and what an owner takes along: background, foreground and orphan, as
 * `pkg/controller/garbagecollector` of Kubernetes 1.34.
 */
import type { KubeObject, OwnerReference } from '../../objects/kube-object.ts';
import { type Controller, type ControllerContext, defineController, deleteQuietly, isNotFound } from '../base/controller.ts';
import type { WorkQueue } from '../base/work-queue.ts';
import { DependentIndex, type Identity, identityKey, parseIdentity } from './dependent-index.ts';
import type { KnownResource, ResourceCatalog } from './resource-catalog.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export function createGarbageCollector(context: ControllerContext, catalog: ResourceCatalog): Controller {
  const index = new DependentIndex();
  const collector = new Collector(context, catalog, index);
  return defineController(context, {
    name: 'garbage-collector',
    watches: [],
    subscribe: (queue) => {
      const off = catalog.subscribe((known, { type, object, previous }) => {
        if (known.resource === 'events') return;
        index.note(known.resource, object, type === 'DELETED');
        if (type === 'DELETED') collector.afterDeletion(object, queue);
        if (previous !== undefined && previous.metadata.ownerReferences !== object.metadata.ownerReferences) {
          collector.tellOwners(previous, queue);
        }
        if (type === 'DELETED') return;
        if (collector.needsLook(object, previous)) queue.add(identityKey(known.resource, object));
      });
      return () => {
        off();
        index.clear();
      };
    },
    reconcile: (key, queue) => collector.look(parseIdentity(key), queue),
  });
}

interface Owners {
  readonly solid: readonly OwnerReference[];
  readonly dangling: readonly OwnerReference[];
  /** Owners that are deleted in the foreground, and wait for what they own. */
  readonly waiting: readonly OwnerReference[];
}

class Collector {
  readonly #context: ControllerContext;
  readonly #catalog: ResourceCatalog;
  readonly #index: DependentIndex;

  constructor(context: ControllerContext, catalog: ResourceCatalog, index: DependentIndex) {
    this.#context = context;
    this.#catalog = catalog;
    this.#index = index;
  }

  needsLook(object: KubeObject, previous: KubeObject | undefined): boolean {
    if (isBeingDeleted(object)) return hasFinalizer(object, FOREGROUND) || hasFinalizer(object, ORPHAN);
    const owners = object.metadata.ownerReferences;
    if (owners === undefined || owners.length === 0 || owners === previous?.metadata.ownerReferences) return false;
    const { dangling, waiting } = this.#ownersOf(object);
    return dangling.length + waiting.length > 0;
  }

  /** What it owned has lost an owner, and an owner may have waited for it. */
  afterDeletion({ metadata }: KubeObject, queue: WorkQueue): void {
    for (const dependent of this.#index.dependentsOf(metadata.uid ?? '')) queue.add(dependent);
    this.tellOwners({ metadata }, queue);
  }

  /** Owners that are deleted in the foreground look again whether something still blocks them. */
  tellOwners({ metadata }: Pick<KubeObject, 'metadata'>, queue: WorkQueue): void {
    for (const owner of metadata.ownerReferences ?? []) {
      const found = this.#find(owner, metadata.namespace);
      if (found !== undefined && isDeletedInForeground(found.object)) queue.add(identityKey(found.known.resource, found.object));
    }
  }

  async look({ resource, namespace, name }: Identity, queue: WorkQueue): Promise<void> {
    const object = this.#context.cluster.get(resource, name, namespace);
    if (object === undefined) return;
    if (!isBeingDeleted(object)) return this.#deleteIfUnowned(resource, object);
    if (hasFinalizer(object, ORPHAN)) return this.#orphan(resource, object);
    if (hasFinalizer(object, FOREGROUND)) await this.#deleteDependents(resource, object, queue);
  }

  async #deleteIfUnowned(resource: string, object: KubeObject): Promise<void> {
    const { solid, dangling, waiting } = this.#ownersOf(object);
    if (dangling.length + waiting.length === 0) return;
    if (solid.length > 0) return this.#patchOwners(resource, object, solid);
    const dependents = this.#dependents(object);
    if (waiting.length > 0 && dependents.length > 0) {
      // A dependent that waits as well would make a ring in which everybody waits for the next: this one lets go.
      if (dependents.some(({ object: dependent }) => isDeletedInForeground(dependent))) await this.#unblockOwners(resource, object);
      return deleteQuietly(this.#context.writer, resource, object, { propagationPolicy: 'Foreground' });
    }
    const propagationPolicy = hasFinalizer(object, ORPHAN) ? 'Orphan' : hasFinalizer(object, FOREGROUND) ? 'Foreground' : 'Background';
    await deleteQuietly(this.#context.writer, resource, object, { propagationPolicy });
  }

  async #orphan(resource: string, object: KubeObject): Promise<void> {
    const uid = object.metadata.uid;
    for (const { identity, object: dependent } of this.#dependents(object)) {
      const rest = (dependent.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      await this.#patchOwners(identity.resource, dependent, rest);
    }
    await this.#removeFinalizer(resource, object, ORPHAN);
  }

  async #deleteDependents(resource: string, object: KubeObject, queue: WorkQueue): Promise<void> {
    const { uid } = object.metadata;
    const blocking = this.#dependents(object).filter(({ object: dependent }) =>
      dependent.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    if (blocking.length === 0) return this.#removeFinalizer(resource, object, FOREGROUND);
    for (const { identity, object: dependent } of blocking) {
      if (!isBeingDeleted(dependent)) queue.add(identityKey(identity.resource, dependent));
    }
  }

  #ownersOf(object: KubeObject): Owners {
    const owners: { solid: OwnerReference[]; dangling: OwnerReference[]; waiting: OwnerReference[] } = {
      solid: [],
      dangling: [],
      waiting: [],
    };
    for (const owner of object.metadata.ownerReferences ?? []) {
      // What nobody knows cannot be called gone.
      if (this.#catalog.find(owner.apiVersion, owner.kind) === undefined) owners.solid.push(owner);
      else {
        const found = this.#find(owner, object.metadata.namespace);
        if (found === undefined) owners.dangling.push(owner);
        else if (isDeletedInForeground(found.object)) owners.waiting.push(owner);
        else owners.solid.push(owner);
      }
    }
    return owners;
  }

  #find(owner: OwnerReference, namespace: string | undefined): { readonly known: KnownResource; readonly object: KubeObject } | undefined {
    const known = this.#catalog.find(owner.apiVersion, owner.kind);
    if (known === undefined) return undefined;
    const object = this.#context.cluster.get(known.resource, owner.name, known.namespaced ? namespace : undefined);
    return object === undefined || object.metadata.uid !== owner.uid ? undefined : { known, object };
  }

  #dependents({ metadata }: KubeObject): readonly { readonly identity: Identity; readonly object: KubeObject }[] {
    return this.#index.dependentsOf(metadata.uid ?? '').flatMap((key) => {
      const identity = parseIdentity(key);
      const object = this.#context.cluster.get(identity.resource, identity.name, identity.namespace);
      return object === undefined ? [] : { identity, object };
    });
  }

  async #patchOwners(resource: string, { metadata }: KubeObject, ownerReferences: readonly OwnerReference[]): Promise<void> {
    const { uid, resourceVersion } = metadata;
    await this.#patch(resource, metadata, {
      metadata: { uid, resourceVersion, ownerReferences: ownerReferences.length === 0 ? null : ownerReferences },
    });
  }

  async #unblockOwners(resource: string, { metadata }: KubeObject): Promise<void> {
    const ownerReferences = (metadata.ownerReferences ?? []).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
    await this.#patch(resource, metadata, { metadata: { uid: metadata.uid, ownerReferences } });
  }

  async #removeFinalizer(resource: string, { metadata }: KubeObject, finalizer: string): Promise<void> {
    const finalizers = (metadata.finalizers ?? []).filter((one) => one !== finalizer);
    const { uid, resourceVersion } = metadata;
    await this.#patch(resource, metadata, { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } });
  }

  async #patch(resource: string, { name, namespace }: KubeObject['metadata'], patch: unknown): Promise<void> {
    try {
      await this.#context.writer.patch(resource, name, namespace, patch);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function isBeingDeleted({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function hasFinalizer({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}

function isDeletedInForeground(object: KubeObject): boolean {
  return isBeingDeleted(object) && hasFinalizer(object, FOREGROUND);
}
