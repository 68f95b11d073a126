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
  const failing = matching.find((webhook) => !webhook.serviceExists && webhook.entry.failurePolicy !== 'Ignore');
  if (failing)
    return {
      kind: 'refused',
      revision: failing.revision,
      configuration: failing.configuration,
      detail: `${targetOf(failing)} does not exist`,
    };
  const alive = matching.filter((webhook) => webhook.serviceExists);
  const answering = alive[0];
  if (!answering) {
    const detail = `webhook ${first.configuration} points to ${targetOf(first)}, which does not exist; it is ignored`;
    return { kind: 'not-injected', reason: 'ghost', detail };
  }
  const declined = declinedByIstiod(subject);
  if (declined) return { kind: 'not-injected', reason: 'declined', detail: declined };
  return injectedBy(answering, alive);
}

/** The API server calls configurations in the order of their names, and a second injection replaces the first. */
function injectedBy(first: InjectionWebhook, all: readonly InjectionWebhook[]): InjectionDecision {
  const revisions = [...new Set(all.map((webhook) => webhook.revision))];
  if (revisions.length === 1) return { kind: 'injected', revision: first.revision, webhook: first, entryName: first.entry.name };
  const last = all.at(-1) ?? first;
  return { kind: 'ambiguous', revision: last.revision, revisions, configurations: all.map((w) => w.configuration) };
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

function targetOf({ entry }: InjectionWebhook): string {
  const service = entry.clientConfig?.service;
  return service ? `Service ${service.namespace}/${service.name}` : (entry.clientConfig?.url ?? 'its target');
}

function declinedByIstiod(subject: InjectionSubject): string | undefined {
  if (NEVER_INJECTED.has(subject.namespace)) return `istiod never injects in ${subject.namespace}`;
  if (subject.template.spec?.hostNetwork) return 'the pod uses the host network';
  const label = subject.template.metadata?.labels?.['sidecar.istio.io/inject'];
  const annotation = subject.template.metadata?.annotations?.['sidecar.istio.io/inject'];
  // Any other spelling, such as off or False, is no answer to istiod, and the default counts.
  if (label === undefined && annotation === 'false') return 'the annotation sidecar.istio.io/inject is "false"';
  return undefined;
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
  // A name without a registry is looked for in that of the revision, with its version.
  if (annotation !== undefined) return annotation.includes('/') ? annotation : undefined;
  const { initContainers, containers } = addedByInjection(template);
  const image = proxyContainers({
    ...(initContainers.includes(PROXY_CONTAINER) ? {} : { initContainers: template.spec?.initContainers ?? [] }),
    ...(containers.includes(PROXY_CONTAINER) ? {} : { containers: template.spec?.containers ?? [] }),
  })[0]?.image;
  return image === 'auto' ? undefined : image;
}

/**
 * Containers that kube-inject put into a template; the webhook takes them out before it puts in its own.
 * @source istio/istio pkg/kube/inject/webhook.go (stripPod) @86c9f01
 */
function addedByInjection(template: PodTemplate): { initContainers: readonly string[]; containers: readonly string[] } {
  try {
    const text = template.metadata?.annotations?.['sidecar.istio.io/status'] ?? '{}';
    const status = JSON.parse(text) as { initContainers?: readonly string[] | null; containers?: readonly string[] | null } | null;
    return { initContainers: status?.initContainers ?? [], containers: status?.containers ?? [] };
  } catch {
    return { initContainers: [], containers: [] };
  }
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
