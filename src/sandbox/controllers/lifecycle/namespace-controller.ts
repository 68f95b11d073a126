/** Empties namespaces that are being deleted, then lets them go: `pkg/controller/namespace` of Kubernetes 1.34. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { setCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Condition } from '../base/workload-shapes.ts';
import type { ResourceCatalog } from './resource-catalog.ts';

interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
}

/** @param graceMs from the deletion of a namespace until its content is deleted; 5 s in Kubernetes */
export function createNamespaceController(context: ControllerContext, catalog: ResourceCatalog, graceMs: number): Controller {
  const { cluster, clock } = context;
  return defineController(context, {
    name: 'namespace-controller',
    watches: [{ resource: 'namespaces', onChange: ({ object }, queue) => queue.add(object.metadata.name) }],
    // Something that kept a namespace has gone.
    subscribe: (queue) =>
      catalog.subscribe(({ namespaced }, { type, object }) => {
        const { namespace } = object.metadata;
        if (!namespaced || type !== 'DELETED' || namespace === undefined) return;
        if (cluster.get('namespaces', namespace)?.metadata.deletionTimestamp !== undefined) queue.add(namespace);
      }),
    reconcile: async (name, queue) => {
      const namespace = read<Namespace>(cluster, 'namespaces', name);
      if (namespace?.metadata.deletionTimestamp === undefined) return;
      if (!(namespace.spec?.finalizers ?? []).includes('kubernetes')) return;
      const leftMs = Date.parse(namespace.metadata.deletionTimestamp) + graceMs - clock.nowMs();
      if (leftMs > 0) return queue.addAfter(name, leftMs);
      await empty(context, catalog, name);
      const remaining = contentOf(context, catalog, name);
      await writeConditions(context, name, remaining);
      if (remaining.size === 0) await finalize(context, name);
    },
  });
}

type Content = ReadonlyMap<string, readonly KubeObject[]>;

function contentOf({ cluster }: ControllerContext, catalog: ResourceCatalog, namespace: string): Content {
  const content = new Map<string, readonly KubeObject[]>();
  for (const { resource, namespaced } of catalog.list()) {
    const objects = namespaced ? cluster.list(resource, { namespace }) : [];
    if (objects.length > 0) content.set(resource, objects);
  }
  return content;
}

async function empty(context: ControllerContext, catalog: ResourceCatalog, namespace: string): Promise<void> {
  for (const [resource, objects] of contentOf(context, catalog, namespace)) {
    for (const { metadata } of objects) {
      if (metadata.deletionTimestamp !== undefined) continue;
      try {
        await context.writer.delete(resource, metadata.name, namespace, { propagationPolicy: 'Background' });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}

async function writeConditions({ cluster, writer, clock }: ControllerContext, name: string, remaining: Content): Promise<void> {
  const namespace = read<Namespace>(cluster, 'namespaces', name);
  if (namespace === undefined) return;
  let conditions = namespace.status?.conditions ?? [];
  for (const next of deletionConditions(remaining, timestamp(clock))) {
    const before = conditions.find((one) => one.type === next.type);
    if (before?.message !== next.message) conditions = conditions.filter((one) => one !== before);
    const isSameStatus = before?.status === next.status && before.lastTransitionTime !== undefined;
    conditions = setCondition(conditions, isSameStatus ? { ...next, lastTransitionTime: before.lastTransitionTime } : next);
  }
  const order = (one: Condition): number => TYPES.indexOf(one.type);
  const sorted = conditions.toSorted((a, b) => order(a) - order(b));
  if (sameContent(sorted, namespace.status?.conditions)) return;
  await writer.updateStatus('namespaces', { ...namespace, status: { ...namespace.status, phase: 'Terminating', conditions: sorted } });
}

const TYPES = [
  'NamespaceDeletionDiscoveryFailure',
  'NamespaceDeletionGroupVersionParsingFailure',
  'NamespaceDeletionContentFailure',
  'NamespaceContentRemaining',
  'NamespaceFinalizersRemaining',
];

function deletionConditions(remaining: Content, now: string): readonly Condition[] {
  const finalizers = new Map<string, number>();
  for (const object of [...remaining.values()].flat()) {
    for (const finalizer of object.metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  const counts = [...remaining].map(([resource, objects]) => `${gvr(resource)} has ${objects.length} resource instances`).toSorted();
  const kept = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).toSorted();
  const none = (type: string, reason: string, message: string): Condition => ({
    type,
    status: 'False',
    reason,
    message,
    lastTransitionTime: now,
  });
  const some = (type: string, reason: string, message: string): Condition => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: now,
  });
  const [discovery = '', parsing = '', deletion = '', content = '', finalizing = ''] = TYPES;
  return [
    none(discovery, 'ResourcesDiscovered', 'All resources successfully discovered'),
    none(parsing, 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    none(deletion, 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
    counts.length === 0
      ? none(content, 'ContentRemoved', 'All content successfully removed')
      : some(content, 'SomeResourcesRemain', `Some resources are remaining: ${counts.join(', ')}`),
    kept.length === 0
      ? none(finalizing, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished')
      : some(finalizing, 'SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${kept.join(', ')}`),
  ];
}

/** `pods.` and `deployments.apps`, as Go writes a resource with its group. */
function gvr(resource: string): string {
  return resource.includes('.') ? resource : `${resource}.`;
}

async function finalize({ cluster, writer }: ControllerContext, name: string): Promise<void> {
  const namespace = read<Namespace>(cluster, 'namespaces', name);
  if (namespace === undefined) return;
  const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== 'kubernetes');
  try {
    await writer.patch('namespaces', name, undefined, { spec: { finalizers } }, 'finalize');
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
