/** What a write to the status subresource may change besides the status. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { ServerCore } from '../server-core.ts';

/**
 * The live object with the status of a written one. Custom resources take nothing else; built-in ones take annotations and
 * finalizers too, pods and nodes also labels (the status strategies of Kubernetes v1.34).
 */
export function storedAfterStatusUpdate(
  core: ServerCore,
  definition: ResourceDefinition,
  live: KubeObject,
  written: KubeObject,
): KubeObject {
  const { status: _status, ...rest } = live;
  const metadata = core.registry.isCustom(definition) ? { ...live.metadata } : writtenMetadata(definition, live, written);
  const managedFields = written.metadata.managedFields;
  const base = { ...rest, metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) } } as KubeObject;
  return 'status' in written ? { ...base, status: written['status'] } : base;
}

function writtenMetadata({ storage }: ResourceDefinition, live: KubeObject, written: KubeObject): KubeObject['metadata'] {
  const { annotations: _annotations, finalizers: _finalizers, ...kept } = live.metadata;
  const { annotations, finalizers, labels } = written.metadata;
  return {
    ...kept,
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...((storage === 'pods' || storage === 'nodes') && labels !== undefined ? { labels } : {}),
  };
}
