/** Whether istiod injects a pod once the API server has asked it: the selectors of the webhook are behind it already. */
import type { Pod } from '../pod-shape.ts';

export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

export interface InjectionPolicy {
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
}

const IGNORED_NAMESPACES: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/** Source: istio/istio, pkg/kube/inject/inject.go (injectRequired), tag 1.28.2. */
export function isInjectionRequired(pod: Pod, namespace: string, policy: InjectionPolicy): boolean {
  if (pod.spec?.hostNetwork === true || IGNORED_NAMESPACES.has(namespace)) return false;
  const labels = pod.metadata.labels ?? {};
  const asked = labels['sidecar.istio.io/inject'] ?? pod.metadata.annotations?.['sidecar.istio.io/inject'];
  const wanted = asked === 'true' ? true : asked === 'false' ? false : chosenByPolicy(labels, policy);
  if (policy.policy === 'enabled') return wanted ?? true;
  return policy.policy === 'disabled' ? (wanted ?? false) : false;
}

function chosenByPolicy(labels: Readonly<Record<string, string>>, policy: InjectionPolicy): boolean | undefined {
  if (policy.neverInjectSelector.some((selector) => !isEmpty(selector) && selects(selector, labels))) return false;
  if (policy.alwaysInjectSelector.some((selector) => !isEmpty(selector) && selects(selector, labels))) return true;
  return undefined;
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => fulfils(requirement, labels[requirement.key]))
  );
}

function fulfils({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
