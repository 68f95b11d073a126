/**
 * Who injects the next pod: the live webhooks' own selectors are evaluated, never names or conventions.
 * @source istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml @86c9f01
 */
import type { Labels, PodTemplate } from '../mesh/kube-objects.ts';
import { PROXY_CONTAINER, proxyContainers, type InjectionWebhook } from '../mesh/mesh-inventory.ts';
import { declinedByIstiod, failedByIstiod } from './declined-by-istiod.ts';
import type { InjectionDecision } from './injection-decision.ts';
import { isForPods, selectorsMatch } from './match-webhook.ts';

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
  const failing = matching.find((webhook) => webhook.entry.failurePolicy !== 'Ignore' && whyNotCalled(webhook) !== undefined);
  if (failing)
    return {
      kind: 'refused',
      revision: answererOf(failing),
      configuration: failing.configuration,
      detail: whyNotCalled(failing) ?? '',
    };
  const alive = matching.filter((webhook) => whyNotCalled(webhook) === undefined);
  const answering = alive[0];
  if (!answering) {
    const detail = `webhook ${first.configuration} cannot be called (${whyNotCalled(first) ?? ''}), and is ignored`;
    return { kind: 'not-injected', reason: 'ghost', detail };
  }
  const injecting = alive.filter((webhook) => declinedByIstiod(subject, webhook.policy) === undefined);
  const last = lastInjection(injecting);
  if (!last) return { kind: 'not-injected', reason: 'declined', detail: declinedByIstiod(subject, answering.policy) ?? '' };
  const failed = injecting.find((webhook) => failedByIstiod(subject, webhook.policy) !== undefined);
  if (failed) {
    const detail = failedByIstiod(subject, failed.policy) ?? '';
    return { kind: 'refused', revision: answererOf(failed), configuration: failed.configuration, detail };
  }
  const revisions = [...new Set(injecting.flatMap(answerers))];
  const revision = answererOf(last);
  if (revisions.length === 1) return { kind: 'injected', revision, webhook: last, entryName: last.entry.name };
  return { kind: 'ambiguous', revision, revisions, configurations: injecting.map((w) => w.configuration) };
}

/** Revisions of the istiods that may answer a webhook: those behind its Service, else what its label says. */
function answerers(webhook: InjectionWebhook): readonly string[] {
  return webhook.answeredBy ?? [webhook.revision];
}

/** The revision that answers a webhook; where several are behind its Service, the one that its label names if it is one of them. */
export function answererOf(webhook: InjectionWebhook): string {
  const all = answerers(webhook);
  return all.includes(webhook.revision) ? webhook.revision : (all[0] ?? webhook.revision);
}

/**
 * The webhook whose injection is left in the pod: each replaces the one before, and after all were called, those that allow it
 * are called once more, as every injection changes the pod.
 * @param inOrder webhooks that inject, in the order in which the API server calls them
 * @source kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go and
 *   reinvocationcontext.go, v1.34.3; istio/istio pkg/kube/inject/inject.go (stripPod) @6991a379
 */
export function lastInjection(inOrder: readonly InjectionWebhook[]): InjectionWebhook | undefined {
  return inOrder.findLast((webhook) => webhook.entry.reinvocationPolicy === 'IfNeeded') ?? inOrder.at(-1);
}

/** The webhooks that are called for a pod, in the order in which the API server calls them: that of the names of their configurations. */
export function matchingWebhooks(
  namespace: string,
  namespaceLabels: Labels,
  podLabels: Labels,
  webhooks: readonly InjectionWebhook[],
): InjectionWebhook[] {
  const nsLabels = { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels };
  return webhooks
    .filter((w) => !w.deactivated && isForPods(w.entry) && selectorsMatch(w.entry, nsLabels, podLabels))
    .toSorted(byConfiguration);
}

/** The order in which the API server calls webhooks. */
export function byConfiguration(a: InjectionWebhook, b: InjectionWebhook): number {
  return a.configuration < b.configuration ? -1 : a.configuration > b.configuration ? 1 : 0;
}

/** Why the API server cannot call a webhook, in words; undefined when it can, as far as objects tell. */
export function whyNotCalled(webhook: InjectionWebhook): string | undefined {
  if (!webhook.serviceExists) return `${targetOf(webhook)} does not exist`;
  if (!webhook.hasCaBundle && webhook.entry.clientConfig?.service !== undefined)
    return 'it has no CA bundle, so that istiod is not trusted';
  return undefined;
}

function targetOf({ entry }: InjectionWebhook): string {
  const service = entry.clientConfig?.service;
  return service ? `Service ${service.namespace}/${service.name}` : (entry.clientConfig?.url ?? 'its target');
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
