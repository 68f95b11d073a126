/** Whether the API server calls a webhook for a new pod. */
import type { Labels, WebhookEntry, WebhookRule } from '../mesh/kube-objects.ts';
import { matchesSelector } from '../mesh/match-selector.ts';

/** @param namespaceLabels with `kubernetes.io/metadata.name`, which every namespace has */
export function selectorsMatch(entry: WebhookEntry, namespaceLabels: Labels, podLabels: Labels): boolean {
  return matchesSelector(entry.namespaceSelector, namespaceLabels) && matchesSelector(entry.objectSelector, podLabels);
}

/**
 * Whether its rules cover the creation of pods; rules that were not read are taken to.
 * @source kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go, v1.34.3
 */
export function isForPods({ rules }: WebhookEntry): boolean {
  return rules === undefined || rules.some(coversPods);
}

function coversPods({ operations, apiGroups, apiVersions, resources, scope = '*' }: WebhookRule): boolean {
  const has = (items: readonly string[] | undefined, wanted: readonly string[]): boolean =>
    items?.some((item) => wanted.includes(item)) ?? false;
  return (
    has(operations, ['*', 'CREATE']) &&
    has(apiGroups, ['*', '']) &&
    has(apiVersions, ['*', 'v1']) &&
    has(resources, ['*', 'pods', '*/*', 'pods/*']) &&
    scope !== 'Cluster'
  );
}
