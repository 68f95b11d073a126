import type { KubeObject, ObjectRef } from '../mesh/kube-objects.ts';

export function refOf(object: KubeObject): ObjectRef {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    name: object.metadata.name,
  };
}

/** Identity without the version of the API: `apps/Deployment/istio-system/istiod`. */
export function refKey(ref: ObjectRef): string {
  const group = ref.apiVersion.includes('/') ? ref.apiVersion.split('/')[0] : '';
  return `${group}/${ref.kind}/${ref.namespace ?? ''}/${ref.name}`;
}

/** How people name it: `Deployment istio-system/istiod`. */
export function refText(ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** An object as it would be created again: without what the server sets, and without status. */
export function withoutServerFields(object: KubeObject): KubeObject {
  const { uid, resourceVersion, generation, creationTimestamp, managedFields, deletionTimestamp, ownerReferences, ...metadata } = object.metadata;
  const { status, ...rest } = object;
  return { ...rest, metadata: { ...metadata, ...(ownerReferences === undefined ? {} : { ownerReferences }) } } as KubeObject;
}
