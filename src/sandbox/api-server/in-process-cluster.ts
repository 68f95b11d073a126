/** The cluster for those who live in this process: reads straight from the store, writes through the same pipeline as HTTP. */
import type { UserInfo } from '../access/authorizer.ts';
import type { Cluster, ClusterChange, ClusterWriter, DeleteOptions, ListOptions } from '../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';
import { notFound, StatusError } from '../objects/status-error.ts';
import { applyMergePatch } from '../patches/merge-patch.ts';
import type { StoreEvent } from '../store/object-store.ts';
import { createObject } from './pipeline/create-object.ts';
import { deleteObject } from './pipeline/delete-object.ts';
import { finalizeNamespace } from './pipeline/namespace-finalize.ts';
import { updateScale } from './pipeline/scale-subresource.ts';
import { evictPod } from './pipeline/evict-pod.ts';
import { patchObject } from './pipeline/patch-object.ts';
import { replaceObject } from './pipeline/replace-object.ts';
import { bindPod } from './pipeline/pod-subresources.ts';
import type { ServerCore, WriteContext } from './server-core.ts';

export function inProcessCluster(core: ServerCore): Cluster {
  const { store } = core;
  return {
    get: (resource, name, namespace) => store.get(resource, namespace ?? '', name),
    list: (resource, options) => listOf(core, resource, options ?? {}),
    onChange: (resource, listener) => store.subscribe(resource, (event) => listener(changeOf(event))),
    as: (user, fieldManager) => writerFor(core, { username: user, groups: groupsOf(user) }, fieldManager),
  };
}

function listOf({ store }: ServerCore, resource: GroupResource, { namespace, labels, ownerUid }: ListOptions): readonly KubeObject[] {
  const wanted = Object.entries(labels ?? {});
  const objects = ownerUid === undefined ? store.list(resource, namespace) : ownedIn(store.ownedBy(ownerUid), resource, namespace);
  if (wanted.length === 0) return objects;
  return objects.filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value));
}

function ownedIn(
  owned: readonly { readonly resource: GroupResource; readonly object: KubeObject }[],
  resource: GroupResource,
  namespace: string | undefined,
): readonly KubeObject[] {
  return owned
    .filter((each) => each.resource === resource && (namespace === undefined || each.object.metadata.namespace === namespace))
    .map(({ object }) => object)
    .toSorted((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1));
}

function sortKey({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function changeOf({ type, object, previous }: StoreEvent): ClusterChange {
  return { type, object, ...(previous === undefined ? {} : { previous }) };
}

/** Users of this process are as trusted as the server itself; admission still sees who they are. */
function groupsOf(user: string): readonly string[] {
  if (user.startsWith('system:node:')) return ['system:nodes', 'system:authenticated'];
  const [, namespace] = /^system:serviceaccount:([^:]+):/.exec(user) ?? [];
  if (namespace !== undefined) return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return ['system:authenticated'];
}

function writerFor(core: ServerCore, user: UserInfo, fieldManager: string): ClusterWriter {
  const contextFor = (resource: GroupResource, namespace: string | undefined, apiVersion?: string, subresource = ''): WriteContext => {
    const definition = core.registry.byStorage(resource, apiVersion);
    if (definition === undefined) throw new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
    if (subresource !== '' && !definition.subresources.some(({ name }) => name === subresource))
      throw new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
    return {
      definition,
      namespace: definition.namespaced ? (namespace ?? '') : '',
      subresource,
      user,
      fieldManager,
      dryRun: false,
      warnings: [],
    };
  };
  /** Writes start in a turn of their own, so that a listener that asks for one does not write while others are still being told. */
  const inTurn = async <T>(act: () => Promise<T>): Promise<T> => {
    const release = core.clock.hold();
    try {
      await Promise.resolve();
      return await act();
    } finally {
      release();
    }
  };
  const replace = (resource: GroupResource, object: KubeObject, subresource: string): Promise<KubeObject> =>
    inTurn(async () => {
      const context = contextFor(resource, object.metadata.namespace, object.apiVersion, subresource);
      return (await replaceObject(core, context, object.metadata.name, object)).object;
    });
  return {
    create: (resource, object) =>
      inTurn(() => createObject(core, contextFor(resource, object.metadata.namespace, object.apiVersion), object)),
    update: (resource, object) => replace(resource, object, ''),
    updateStatus: (resource, object) => replace(resource, object, 'status'),
    patch: (...[resource, name, namespace, patch, subresource]) =>
      inTurn(() => patchPart(core, contextFor(resource, namespace, undefined, subresource), name, patch)),
    delete: (resource, name, namespace, options) =>
      inTurn(async () => {
        await deleteObject(core, contextFor(resource, namespace), name, options ?? ({} satisfies DeleteOptions));
      }),
    evict: (pod, namespace) =>
      inTurn(async () => {
        await evictPod(core, contextFor('pods', namespace, undefined, 'eviction'), pod, {});
      }),
  };
}

/** A merge patch, of what the subresource shows. */
async function patchPart(core: ServerCore, context: WriteContext, name: string, patch: unknown): Promise<KubeObject> {
  const merge = { type: 'merge', body: patch, force: false } as const;
  switch (context.subresource) {
    case 'binding':
      bindPod(core, context, name, patch as KubeObject);
      return core.store.get('pods', context.namespace, name) ?? (patch as KubeObject);
    case 'scale':
      return updateScale(core, context, name, (scale) => applyMergePatch(scale, patch));
    case 'finalize': {
      const live = core.store.get('namespaces', '', name);
      if (live === undefined) throw notFound(context.definition, name);
      return finalizeNamespace(core, context, name, applyMergePatch(live, patch));
    }
    default:
      return (await patchObject(core, context, name, merge)).object;
  }
}
