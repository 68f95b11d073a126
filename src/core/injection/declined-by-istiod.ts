/** Why an istiod that is asked to inject a pod leaves it as it is, or fails at it. */
import type { InjectorPolicy } from '../mesh/injector-policy.ts';
import type { LabelSelector, Labels, PodTemplate } from '../mesh/kube-objects.ts';
import { matchesSelector } from '../mesh/match-selector.ts';

/** Namespaces in which istiod never injects. */
const NEVER_INJECTED = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/**
 * @param policy settings of the istiod that is asked; undefined when they were not read: then those of a plain installation
 * @returns in words, or undefined when it injects
 * @source istio/istio pkg/kube/inject/inject.go (injectRequired, IgnoredNamespaces) @6991a379, the same @ab413ac6
 */
export function declinedByIstiod(
  { namespace, template }: { readonly namespace: string; readonly template: PodTemplate },
  policy?: InjectorPolicy,
): string | undefined {
  if (template.spec?.hostNetwork) return 'the pod uses the host network';
  if (NEVER_INJECTED.has(namespace)) return `istiod never injects in ${namespace}`;
  if (policy !== undefined && policy.policy !== 'enabled' && policy.policy !== 'disabled')
    return `its injection policy is "${policy.policy}", neither enabled nor disabled`;
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const label = labels['sidecar.istio.io/inject'];
  const asked = label ?? annotations['sidecar.istio.io/inject'];
  if (asked === 'true') return undefined;
  if (asked === 'false') return `the ${label === undefined ? 'annotation' : 'label'} sidecar.istio.io/inject is "false"`;
  // Any other spelling, such as off or False, is no answer to istiod, and its settings count.
  return policy === undefined ? undefined : declinedBySettings(labels, policy);
}

function declinedBySettings(labels: Labels, policy: InjectorPolicy): string | undefined {
  const never = policy.neverInjectSelector.find((selector) => selects(selector, labels));
  if (never) return `the pod matches its neverInjectSelector (${selectorText(never)})`;
  if (policy.policy === 'enabled' || policy.alwaysInjectSelector.some((selector) => selects(selector, labels))) return undefined;
  return 'its injection policy is "disabled", and neither a label nor its alwaysInjectSelector asks for a sidecar';
}

/**
 * Why an istiod that injects a pod fails at it, so that the pod is refused; undefined when it does not, as far as is known here.
 * @source istio/istio pkg/kube/inject/inject.go (selectTemplates, RunTemplate) @6991a379
 */
export function failedByIstiod({ template }: { readonly template: PodTemplate }, policy?: InjectorPolicy): string | undefined {
  const asked = template.metadata?.annotations?.['inject.istio.io/templates'];
  const known = policy?.templates;
  if (asked === undefined || known === undefined) return undefined;
  const unknown = asked
    .split(',')
    .map((name) => name.trim())
    .find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  return `istiod has no template "${unknown}", for which the annotation inject.istio.io/templates asks; it has ${known.join(', ')}`;
}

/** In these lists, an empty selector selects nothing. */
function selects(selector: LabelSelector, podLabels: Labels): boolean {
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
  return !isEmpty && matchesSelector(selector, podLabels);
}

/** As kubectl writes selectors: `app=web, tier in (a,b), !legacy`. */
export function selectorText(selector: LabelSelector): string {
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'NotIn' ? 'notin' : 'in'} (${values.join(',')})`;
    }),
  ].join(', ');
}
