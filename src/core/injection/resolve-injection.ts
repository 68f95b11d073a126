/**
 * Who injects the next pod: the live webhooks' own selectors are evaluated, never names or conventions.
 * @source istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml and
 *   pkg/kube/inject/inject.go (injectRequired) @86c9f01
 */
import type { Labels, PodTemplate } from '../mesh/kube-objects.ts';
import { PROXY_CONTAINER, proxyContainers, type InjectionWebhook } from '../mesh/mesh-inventory.ts';
import type { InjectionDecision } from './injection-decision.ts';
import { matchesSelector } from '../mesh/match-selector.ts';

/** Namespaces in which istiod never injects. */
const NEVER_INJECTED = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

export interface InjectionSubject {
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  /** The owner's pod template; running pods carry labels that the injector added. */
  readonly template: PodTemplate;
}

/**
 * Decides what the next pod of a template gets.
 * @param webhooks every injection webhook of the cluster, deactivated and dangling ones included
 * @returns one decision; never throws
 */
export function resolveInjection(subject: InjectionSubject, webhooks: readonly InjectionWebhook[]): InjectionDecision {
  const podLabels = subject.template.metadata?.labels ?? {};
  const matching = matchingWebhooks(subject.namespace, subject.namespaceLabels, podLabels, webhooks);
  const first = matching[0];
  if (!first) {
    const written = proxyInTemplate(subject.template);
    if (written) return { kind: 'not-injected', reason: 'in-template', detail: written };
    return explainNoMatch(subject.namespaceLabels, podLabels);
  }
  const dangling = matching.find((webhook) => !webhook.serviceExists);
  if (dangling) return refusedBy(dangling);
  const declined = declinedByIstiod(subject);
  if (declined) return { kind: 'not-injected', reason: 'declined', detail: declined };
  const revisions = [...new Set(matching.map((webhook) => webhook.revision))];
  if (revisions.length > 1) {
    // The API server calls configurations in the order of their names, and a second injection replaces the first.
    const last = matching.at(-1) ?? first;
    return { kind: 'ambiguous', revision: last.revision, revisions, configurations: matching.map((w) => w.configuration) };
  }
  return { kind: 'injected', revision: first.revision, webhook: first, entryName: first.entry.name };
}

/** The webhooks whose selectors match, one for each configuration, in the order in which the API server calls them. */
export function matchingWebhooks(
  namespace: string,
  namespaceLabels: Labels,
  podLabels: Labels,
  webhooks: readonly InjectionWebhook[],
): InjectionWebhook[] {
  const nsLabels = { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels };
  return webhooks
    .filter(
      (w) => !w.deactivated && matchesSelector(w.entry.namespaceSelector, nsLabels) && matchesSelector(w.entry.objectSelector, podLabels),
    )
    .toSorted((a, b) => (a.configuration < b.configuration ? -1 : a.configuration > b.configuration ? 1 : 0));
}

function refusedBy(webhook: InjectionWebhook): InjectionDecision {
  const service = webhook.entry.clientConfig?.service;
  const target = service ? `Service ${service.namespace}/${service.name}` : (webhook.entry.clientConfig?.url ?? 'its target');
  if (webhook.entry.failurePolicy === 'Ignore') {
    return {
      kind: 'not-injected',
      reason: 'ghost',
      detail: `webhook ${webhook.configuration} points to ${target}, which does not exist; it is ignored`,
    };
  }
  return { kind: 'refused', revision: webhook.revision, configuration: webhook.configuration, detail: `${target} does not exist` };
}

function declinedByIstiod(subject: InjectionSubject): string | undefined {
  if (NEVER_INJECTED.has(subject.namespace)) return `istiod never injects in ${subject.namespace}`;
  if (subject.template.spec?.hostNetwork) return 'the pod uses the host network';
  const label = subject.template.metadata?.labels?.['sidecar.istio.io/inject'];
  const annotation = subject.template.metadata?.annotations?.['sidecar.istio.io/inject'];
  if (label === undefined && annotation !== undefined && isFalse(annotation))
    return `the annotation sidecar.istio.io/inject is "${annotation}"`;
  return undefined;
}

function isFalse(value: string): boolean {
  return ['false', 'off', 'no', 'n'].includes(value.toLowerCase());
}

/** How a proxy is written into a template, so that it runs without a webhook; undefined when it is not. */
export function proxyInTemplate(template: PodTemplate): string | undefined {
  if (template.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined) return 'its template went through istioctl kube-inject';
  const proxy = proxyContainers(template.spec)[0];
  return proxy === undefined ? undefined : `its template has a container ${PROXY_CONTAINER}`;
}

/** The image that a template pins its proxy to, whatever revision injects it; undefined when the revision decides. */
export function pinnedProxyImage(template: PodTemplate): string | undefined {
  const annotation = template.metadata?.annotations?.['sidecar.istio.io/proxyImage'];
  if (annotation !== undefined) return annotation;
  const image = proxyContainers(template.spec)[0]?.image;
  return image === 'auto' ? undefined : image;
}

function explainNoMatch(namespaceLabels: Labels, podLabels: Labels): InjectionDecision {
  const injection = namespaceLabels['istio-injection'];
  const namespaceRevision = namespaceLabels['istio.io/rev'];
  const inject = podLabels['sidecar.istio.io/inject'];
  const podRevision = podLabels['istio.io/rev'];
  const off = (detail: string): InjectionDecision => ({ kind: 'not-injected', reason: 'switched-off', detail });
  const ghost = (detail: string): InjectionDecision => ({ kind: 'not-injected', reason: 'ghost', detail });
  if (inject === 'false') return off('the pod label sidecar.istio.io/inject is "false"');
  if (injection !== undefined) {
    if (injection === 'enabled')
      return ghost('the namespace has istio-injection=enabled, and no control plane serves the default revision');
    return off(`the namespace label istio-injection is "${injection}", not "enabled"`);
  }
  if (namespaceRevision !== undefined) return ghost(`no webhook serves the namespace label istio.io/rev=${namespaceRevision}`);
  if (podRevision !== undefined) return ghost(`no webhook serves the pod label istio.io/rev=${podRevision}`);
  if (inject === 'true') return ghost('the pod label sidecar.istio.io/inject is "true", and no control plane serves the default revision');
  return { kind: 'not-injected', reason: 'not-asked', detail: 'neither the namespace nor the pod asks for a sidecar' };
}
