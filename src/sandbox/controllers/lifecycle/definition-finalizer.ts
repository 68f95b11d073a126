/** Deletes the custom resources of a CRD that is being deleted, then lets the CRD go: the finalizing controller of apiextensions-apiserver. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { replaceCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, deleteQuietly, isNotFound, read } from '../base/controller.ts';
import type { Condition } from '../base/workload-shapes.ts';
import type { ResourceCatalog } from './resource-catalog.ts';

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

interface Definition extends KubeObject {
  readonly spec: { readonly group: string; readonly names: { readonly plural: string } };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export function createDefinitionFinalizer(context: ControllerContext, catalog: ResourceCatalog): Controller {
  const { cluster, writer } = context;
  return defineController(context, {
    name: 'crd-finalizer',
    watches: [{ resource: DEFINITIONS, onChange: ({ object }, queue) => queue.add(object.metadata.name) }],
    subscribe: (queue) =>
      catalog.subscribe(({ resource }, { type }) => {
        // A definition is named as its resource is stored.
        if (type === 'DELETED' && cluster.get(DEFINITIONS, resource) !== undefined) queue.add(resource);
      }),
    reconcile: async (name) => {
      const definition = read<Definition>(cluster, DEFINITIONS, name);
      if (definition?.metadata.deletionTimestamp === undefined || definition.metadata.finalizers?.includes(CLEANUP) !== true) return;
      const resource = `${definition.spec.names.plural}.${definition.spec.group}`;
      for (const object of cluster.list(resource)) {
        if (object.metadata.deletionTimestamp === undefined) await deleteQuietly(writer, resource, object);
      }
      if (cluster.list(resource).length > 0) return;
      await finish(context, name);
    },
  });
}

async function finish({ cluster, writer, clock }: ControllerContext, name: string): Promise<void> {
  const definition = read<Definition>(cluster, DEFINITIONS, name);
  if (definition === undefined) return;
  const conditions = replaceCondition(definition.status?.conditions, {
    type: 'Terminating',
    status: 'False',
    lastTransitionTime: timestamp(clock),
    reason: 'InstanceDeletionCompleted',
    message: 'removed all instances',
  });
  const finalizers = (definition.metadata.finalizers ?? []).filter((one) => one !== CLEANUP);
  const metadata = { ...definition.metadata, finalizers };
  try {
    await writer.updateStatus(DEFINITIONS, { ...definition, metadata, status: { ...definition.status, conditions } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
