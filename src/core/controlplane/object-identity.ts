import type { KubeObject, ObjectRef, WebhookEntry } from '../mesh/kube-objects.ts';
import { sortKeys } from './diff-objects.ts';

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

/**
 * An object as it would be created again: without what the server or a controller sets, and without status. A Service
 * gets a new address, since its old one may have been given away.
 */
export function withoutServerFields(object: KubeObject): KubeObject {
  const { uid, resourceVersion, generation, creationTimestamp, managedFields, deletionTimestamp, ...metadata } = object.metadata;
  const { status, ...rest } = object;
  const { 'deployment.kubernetes.io/revision': _revision, ...annotations } = metadata.annotations ?? {};
  const clean = { ...rest, metadata: { ...metadata, ...(metadata.annotations === undefined ? {} : { annotations }) } } as KubeObject;
  const address = object['spec'] as ({ clusterIP?: string; clusterIPs?: unknown } & Record<string, unknown>) | undefined;
  if (object.kind !== 'Service' || address === undefined) return clean;
  const { clusterIP, clusterIPs, ...spec } = address;
  return { ...clean, spec: clusterIP === 'None' ? { ...spec, clusterIP } : spec };
}

/** What must stay the same of an object that a step must not touch; what istiod itself writes into webhooks does not count. */
export function contentText(object: KubeObject): string {
  const { webhooks, ...rest } = withoutServerFields(object) as KubeObject & { webhooks?: readonly WebhookEntry[] };
  const stable = webhooks?.map(({ failurePolicy, clientConfig, ...entry }) => ({
    ...entry,
    service: clientConfig?.service,
    url: clientConfig?.url,
  }));
  return JSON.stringify(sortKeys({ ...rest, ...(stable === undefined ? {} : { webhooks: stable }) }));
}
