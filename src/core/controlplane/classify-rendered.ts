/** Sorts the objects of a rendered control plane: what is its own, what is shared, what must not come along. */
import { selectsPod } from '../mesh/match-selector.ts';
import { isIstiod, revisionOfDeployment } from '../mesh/find-revisions.ts';
import type { KubeObject, Labels, PodController, WebhookConfiguration } from '../mesh/kube-objects.ts';

export interface RenderedControlPlane {
  readonly crds: readonly KubeObject[];
  /** Objects that only this revision uses. */
  readonly own: readonly KubeObject[];
  /** Objects that other revisions use too: the namespace, the reader's service account. */
  readonly shared: readonly KubeObject[];
  /** Gateways, CNI, ztunnel, tags, the default validator: they would change the running mesh at once. */
  readonly forbidden: readonly { readonly object: KubeObject; readonly reason: string }[];
  /** The istiod Deployment; undefined when there is none. */
  readonly istiod?: PodController;
  /** Revision that the istiod Deployment says it is; `default` for an unrevisioned one. */
  readonly revision?: string;
}

/** @param objects what `istioctl manifest generate`, `helm template` or the like rendered, in any order */
export function classifyRendered(objects: readonly KubeObject[]): RenderedControlPlane {
  const istiod = objects.find((o): o is PodController => o.kind === 'Deployment' && isIstiod(o as PodController));
  const revision = istiod === undefined ? undefined : revisionOfDeployment(istiod);
  const crds: KubeObject[] = [];
  const own: KubeObject[] = [];
  const shared: KubeObject[] = [];
  const forbidden: { object: KubeObject; reason: string }[] = [];
  for (const object of objects) {
    const reason = reasonToForbid(object, istiod);
    if (object.kind === 'CustomResourceDefinition') crds.push(object);
    else if (reason !== undefined) forbidden.push({ object, reason });
    else if (isShared(object, revision)) shared.push(object);
    else own.push(object);
  }
  return { crds, own, shared, forbidden, ...(istiod === undefined ? {} : { istiod }), ...(revision === undefined ? {} : { revision }) };
}

function reasonToForbid(object: KubeObject, istiod: PodController | undefined): string | undefined {
  if (object.kind === 'DaemonSet') return 'one per node, shared by all revisions (CNI, ztunnel)';
  if (object.kind === 'Deployment')
    return object.metadata.name === istiod?.metadata.name ? undefined : 'a gateway or another Deployment beside istiod';
  if (object.kind === 'Service') return servesIstiod(object, istiod) ? undefined : 'a Service that is not the one of istiod';
  if (object.kind === 'MutatingWebhookConfiguration' || object.kind === 'ValidatingWebhookConfiguration')
    return reasonToForbidWebhook(object);
  return undefined;
}

function servesIstiod(service: KubeObject, istiod: PodController | undefined): boolean {
  const selector = (service['spec'] as { selector?: Labels } | undefined)?.selector;
  return selectsPod(selector, istiod?.spec?.template?.metadata?.labels ?? {});
}

function reasonToForbidWebhook(webhook: WebhookConfiguration): string | undefined {
  const tag = webhook.metadata.labels?.['istio.io/tag'];
  if (tag !== undefined) return `it moves the tag ${tag}`;
  return webhook.metadata.name === 'istiod-default-validator' ? 'it moves the default validation' : undefined;
}

/** Shared objects carry no revision: neither as a label nor as a part of their name. */
function isShared(object: KubeObject, revision: string | undefined): boolean {
  if (object.kind === 'Namespace') return true;
  if (object.metadata.labels?.['istio.io/rev'] !== undefined) return false;
  if (revision === undefined || revision === 'default') return object.metadata.name === 'istio-reader-service-account';
  return !object.metadata.name
    .split(/[.]/)
    .some((part) => part === revision || part.endsWith(`-${revision}`) || part.includes(`-${revision}-`));
}
