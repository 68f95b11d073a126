/**
 * What the API server and istiod make of a new pod. Written anew on purpose: the cluster must not share the rules of the
 * code under test.
 */
import type {
  KubeObject,
  LabelSelector,
  PodController,
  PodTemplate,
  Service,
  WebhookConfiguration,
} from '../../src/core/mesh/kube-objects.ts';

type Labels = Readonly<Record<string, string>>;

export type Admission =
  | { readonly kind: 'injected'; readonly revision: string; readonly version: string }
  | { readonly kind: 'plain' }
  /** A webhook that must answer cannot be called, so that the pod is not created. */
  | { readonly kind: 'refused'; readonly message: string };

export interface AdmissionInput {
  readonly objects: readonly KubeObject[];
  readonly namespace: string;
  readonly template: PodTemplate;
  /** Whether the pods of an istiod answer. */
  readonly answers: (istiod: PodController) => boolean;
}

/** Configurations are called in the order of their names, and a later injection replaces an earlier one. */
export function admitPod({ objects, namespace, template, answers }: AdmissionInput): Admission {
  const labels = template.metadata?.labels ?? {};
  const namespaceLabels = {
    'kubernetes.io/metadata.name': namespace,
    ...objects.find((o) => o.kind === 'Namespace' && o.metadata.name === namespace)?.metadata.labels,
  };
  let admission: Admission = { kind: 'plain' };
  for (const configuration of injectors(objects)) {
    const hit = (configuration.webhooks ?? []).find(
      (w) => selects(w.namespaceSelector, namespaceLabels) && selects(w.objectSelector, labels),
    );
    if (hit === undefined) continue;
    const istiod = behind(objects, hit.clientConfig?.service?.name);
    const canBeCalled = istiod !== undefined && answers(istiod) && (hit.clientConfig?.caBundle ?? '') !== '';
    if (canBeCalled) {
      if (injects(namespace, template)) admission = { kind: 'injected', revision: revisionOf(istiod), version: versionOf(istiod) };
    } else if (hit.failurePolicy !== 'Ignore')
      return { kind: 'refused', message: `failed calling webhook "${hit.name}": no endpoints available for service` };
  }
  return admission;
}

function injectors(objects: readonly KubeObject[]): WebhookConfiguration[] {
  return objects
    .filter((o): o is WebhookConfiguration => o.kind === 'MutatingWebhookConfiguration')
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The istiod whose pods a Service selects. */
function behind(objects: readonly KubeObject[], service: string | undefined): PodController | undefined {
  const found = objects.find((o): o is Service => o.kind === 'Service' && o.metadata.name === service);
  const selector = found?.spec?.selector;
  if (selector === undefined) return undefined;
  return istiodsOf(objects).find((istiod) => selects({ matchLabels: selector }, istiod.spec?.template?.metadata?.labels ?? {}));
}

/** istiod's own part of the decision. */
function injects(namespace: string, template: PodTemplate): boolean {
  return namespace !== 'kube-system' && template.spec?.hostNetwork !== true;
}

export function istiodsOf(objects: readonly KubeObject[]): PodController[] {
  return objects.filter(isIstiod);
}

export function isIstiod(object: KubeObject): object is PodController {
  return object.kind === 'Deployment' && (object as PodController).spec?.template?.metadata?.labels?.['app'] === 'istiod';
}

export function revisionOf(istiod: PodController): string {
  return istiod.spec?.template?.metadata?.labels?.['istio.io/rev'] ?? 'default';
}

export function versionOf(istiod: PodController): string {
  return istiod.spec?.template?.spec?.containers?.[0]?.image?.split(':').at(-1) ?? 'unknown';
}

export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  const all = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    all &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const has = Object.hasOwn(labels, key);
      if (operator === 'Exists') return has;
      if (operator === 'DoesNotExist') return !has;
      return operator === 'In' ? has && values.includes(labels[key] ?? '') : !has || !values.includes(labels[key] ?? '');
    })
  );
}
