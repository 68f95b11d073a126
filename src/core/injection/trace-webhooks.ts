/** What becomes of every injection webhook of a cluster for one pod, so that people can follow who decides. */
import type { Labels, LabelSelector } from '../mesh/kube-objects.ts';
import type { InjectionWebhook } from '../mesh/mesh-inventory.ts';
import { matchesSelector } from '../mesh/match-selector.ts';
import { declinedByIstiod, failedByIstiod } from './declined-by-istiod.ts';
import { isForPods } from './match-webhook.ts';
import { answererOf, byConfiguration, lastInjection, matchingWebhooks, whyNotCalled, type InjectionSubject } from './resolve-injection.ts';

/**
 * `injects`: its injection is left in the pod; `replaced`: it injects, and another one does so after it; `declines`: its istiod
 * leaves the pod as it is; `refuses`: it cannot be called, or its istiod fails, so that the pod is refused; `ignored`: it cannot be called, which is
 * allowed; `passed-by`: the API server does not call it; `off`: istioctl has switched it off.
 */
export type WebhookFate = 'injects' | 'replaced' | 'declines' | 'refuses' | 'ignored' | 'passed-by' | 'off';

export interface TracedWebhook {
  readonly configuration: string;
  readonly entry: string;
  readonly tag?: string;
  /** Revision whose istiod answers it. */
  readonly revision: string;
  /** Revision that its label names, where that is another one. */
  readonly labelled?: string;
  readonly fate: WebhookFate;
  /** Why; empty for those that inject. */
  readonly detail: string;
}

/** @returns all of them, in the order in which the API server goes through them */
export function traceWebhooks(subject: InjectionSubject, webhooks: readonly InjectionWebhook[]): TracedWebhook[] {
  const podLabels = subject.template.metadata?.labels ?? {};
  const called = matchingWebhooks(subject.namespace, subject.namespaceLabels, podLabels, webhooks);
  const injecting = called.filter((w) => whyNotCalled(w) === undefined && declinedByIstiod(subject, w.policy) === undefined);
  const last = lastInjection(injecting);
  const fateOf = (webhook: InjectionWebhook): Pick<TracedWebhook, 'fate' | 'detail'> => {
    if (webhook.deactivated) return { fate: 'off', detail: 'switched off by istioctl' };
    if (!called.includes(webhook)) return { fate: 'passed-by', detail: whyPassedBy(webhook, subject) };
    const unreachable = whyNotCalled(webhook);
    if (unreachable !== undefined) return { fate: webhook.entry.failurePolicy === 'Ignore' ? 'ignored' : 'refuses', detail: unreachable };
    const declined = declinedByIstiod(subject, webhook.policy);
    if (declined !== undefined) return { fate: 'declines', detail: declined };
    const failed = failedByIstiod(subject, webhook.policy);
    if (failed !== undefined) return { fate: 'refuses', detail: failed };
    if (webhook === last) return { fate: 'injects', detail: '' };
    return { fate: 'replaced', detail: `replaced by ${last?.configuration ?? ''}` };
  };
  return webhooks.toSorted(byConfiguration).map((webhook) => {
    const revision = answererOf(webhook);
    return {
      configuration: webhook.configuration,
      entry: webhook.entry.name,
      ...(webhook.tag === undefined ? {} : { tag: webhook.tag }),
      revision,
      ...(revision === webhook.revision ? {} : { labelled: webhook.revision }),
      ...fateOf(webhook),
    };
  });
}

function whyPassedBy({ entry }: InjectionWebhook, { namespace, namespaceLabels, template }: InjectionSubject): string {
  if (!isForPods(entry)) return 'its rules are not about new pods';
  const ofNamespace = firstUnmet(entry.namespaceSelector, { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels });
  if (ofNamespace !== undefined) return `the namespace ${ofNamespace}`;
  return `the pod ${firstUnmet(entry.objectSelector, template.metadata?.labels ?? {}) ?? ''}`;
}

/** The first requirement of a selector that labels do not meet, in words; undefined when all are met. */
function firstUnmet(selector: LabelSelector | undefined, labels: Labels): string | undefined {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {}))
    if (labels[key] !== value) return `has ${labelText(key, labels[key])}, not ${value}`;
  const unmet = selector?.matchExpressions?.find((expression) => !matchesSelector({ matchExpressions: [expression] }, labels));
  if (unmet === undefined) return undefined;
  const has = `has ${labelText(unmet.key, labels[unmet.key])}`;
  return unmet.operator === 'In' ? `${has}, not ${(unmet.values ?? []).join(' or ')}` : has;
}

function labelText(key: string, value: string | undefined): string {
  return value === undefined ? `no ${key}` : `${key}=${value}`;
}

/** Labels that a selector asks for by name, which are there; not those that it only wants to be absent. */
export function askedFor(selector: LabelSelector | undefined, labels: Labels): string[] {
  const byName = (selector?.matchExpressions ?? []).filter(({ operator }) => operator === 'In' || operator === 'Exists');
  return [...Object.keys(selector?.matchLabels ?? {}), ...byName.map(({ key }) => key)].filter((key) => labels[key] !== undefined);
}
