/**
 * Which live objects belong to one control plane alone. The list is shown in the plan, and is what gets removed:
 * neither tags nor shared objects (CRDs, CNI, gateways, the reader's service account) are ever in it.
 * @source istio/istio manifests/charts/istio-control/istio-discovery/templates @86c9f01; operator/pkg/uninstall/prune.go @86c9f01
 */
import { isIstiod, revisionOfDeployment } from '../mesh/find-revisions.ts';
import type { KubeObject, Labels, LabelSelector, PodController } from '../mesh/kube-objects.ts';
import { matchesSelector, selectsPod } from '../mesh/match-selector.ts';

interface Binding extends KubeObject {
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

/**
 * @param candidates objects of the Istio namespace and of the cluster that could belong to it, of the kinds that Istio's charts make
 * @returns its objects in the order in which they are removed; empty when the revision has no Deployment among the candidates
 */
export function ownObjects(revision: string, candidates: readonly KubeObject[]): KubeObject[] {
  const istiod = candidates.find(
    (o): o is PodController =>
      o.kind === 'Deployment' && isIstiod(o as PodController) && revisionOfDeployment(o as PodController) === revision,
  );
  const context = { revision, istiod, candidates };
  return candidates.filter((object) => belongs(object, context)).toSorted((a, b) => rank(a) - rank(b));
}

interface Context {
  readonly revision: string;
  readonly istiod: PodController | undefined;
  readonly candidates: readonly KubeObject[];
}

function belongs(object: KubeObject, context: Context): boolean {
  if (object.metadata.labels?.['istio.io/tag'] !== undefined || object.metadata.name === 'istiod-default-validator') return false;
  switch (object.kind) {
    case 'ServiceAccount':
      return isOwnServiceAccount(object, context);
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return isOwnBinding(object as Binding, context);
    case 'Role':
    case 'ClusterRole':
      return isOwnRole(object, context);
    case 'Deployment':
      return object.metadata.name === context.istiod?.metadata.name && object.metadata.namespace === context.istiod.metadata.namespace;
    case 'Service':
    case 'HorizontalPodAutoscaler':
    case 'PodDisruptionBudget':
    case 'NetworkPolicy':
      return isLabelled(object, context.revision) && context.istiod !== undefined && isAround(object, context.istiod);
    case 'ConfigMap':
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
    case 'ValidatingAdmissionPolicy':
    case 'ValidatingAdmissionPolicyBinding':
      return isLabelled(object, context.revision) && !isOfAnotherComponent(object);
    default:
      return false;
  }
}

function isLabelled(object: KubeObject, revision: string): boolean {
  return object.metadata.labels?.['istio.io/rev'] === revision;
}

/** The CNI's chart labels its objects with a revision too, and istioctl whatever it installs. */
function isOfAnotherComponent({ metadata: { labels = {} } }: KubeObject): boolean {
  const { 'operator.istio.io/component': component = 'Pilot', 'app.kubernetes.io/name': name = 'istiod' } = labels;
  return component !== 'Pilot' || name !== 'istiod';
}

/** What selects istiod's pods or scales its Deployment. */
function isAround(object: KubeObject, istiod: PodController): boolean {
  const spec = object['spec'] as { selector?: unknown; podSelector?: unknown; scaleTargetRef?: { name?: string } } | undefined;
  const podLabels = istiod.spec?.template?.metadata?.labels ?? {};
  if (object.metadata.namespace !== istiod.metadata.namespace) return false;
  switch (object.kind) {
    case 'Service':
      return selectsPod(spec?.selector as Labels | undefined, podLabels);
    case 'HorizontalPodAutoscaler':
      return spec?.scaleTargetRef?.name === istiod.metadata.name;
    case 'NetworkPolicy':
      return matchesSelector(spec?.podSelector as LabelSelector | undefined, podLabels);
    default:
      return matchesSelector(spec?.selector as LabelSelector | undefined, podLabels);
  }
}

function serviceAccountOf(istiod: PodController | undefined): string | undefined {
  return (istiod?.spec?.template?.spec as { serviceAccountName?: string } | undefined)?.serviceAccountName;
}

function isOwnServiceAccount(object: KubeObject, { istiod, candidates }: Context): boolean {
  const name = serviceAccountOf(istiod);
  if (name === undefined || object.metadata.name !== name) return false;
  return !candidates.some(
    (o) => o.kind === 'Deployment' && o.metadata.name !== istiod?.metadata.name && serviceAccountOf(o as PodController) === name,
  );
}

/** The reader's binding has the shared service account as its subject, so only its name tells whose it is. */
function readerName({ istiod }: Context): string {
  return `istio-reader-clusterrole${istiod?.metadata.name.slice('istiod'.length) ?? ''}-${istiod?.metadata.namespace ?? ''}`;
}

function isOwnBinding(binding: Binding, context: Context): boolean {
  if (!context.istiod) return false;
  if (binding.metadata.name === readerName(context)) return true;
  const account = serviceAccountOf(context.istiod);
  const namespace = context.istiod.metadata.namespace;
  const subjects = binding.subjects ?? [];
  return (
    subjects.length > 0 &&
    subjects.every((s) => s.kind === 'ServiceAccount' && s.name === account && (s.namespace ?? namespace) === namespace)
  );
}

function isOwnRole(role: KubeObject, context: Context): boolean {
  const bindings = context.candidates.filter((o): o is Binding => {
    const ref = (o as Binding).roleRef;
    return (o.kind === 'RoleBinding' || o.kind === 'ClusterRoleBinding') && ref?.kind === role.kind && ref.name === role.metadata.name;
  });
  return bindings.length > 0 && bindings.every((binding) => isOwnBinding(binding, context));
}

/** Order of removal: what acts first (webhooks stop calling before their Service goes), what it stands on last. */
const REMOVAL_ORDER = [
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingAdmissionPolicy',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'Deployment',
  'Service',
  'NetworkPolicy',
  'ConfigMap',
  'RoleBinding',
  'ClusterRoleBinding',
  'Role',
  'ClusterRole',
  'ServiceAccount',
];

function rank(object: KubeObject): number {
  const index = REMOVAL_ORDER.indexOf(object.kind);
  return index < 0 ? REMOVAL_ORDER.length : index;
}

/** Order in which objects are created: the reverse of their removal, unknown kinds first. */
export function installOrder(objects: readonly KubeObject[]): KubeObject[] {
  const order = (object: KubeObject): number => (object.kind === 'Namespace' ? REMOVAL_ORDER.length + 1 : rank(object));
  return objects.toSorted((a, b) => order(b) - order(a));
}
