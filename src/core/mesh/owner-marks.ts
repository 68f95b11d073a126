/**
 * Labels and annotations by which tools know what they made. Whoever removes or prunes what it owns would take a copy with such a mark
 * along, and whoever keeps an object as it is elsewhere undoes a change of it.
 * @source helm/helm pkg/action/validate.go @ v4.1.4; istio/istio operator/pkg/install/installer.go @86c9f01; the tracking marks that
 *   Argo CD, Flux, Config Sync, Fleet, kapp and kubectl document
 */
import type { KubeObject } from './kube-objects.ts';

/** By the beginning of the key. */
const TRACKING_MARKS: readonly (readonly [prefix: string, tool: string])[] = [
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/', 'Flux'],
  ['helm.toolkit.fluxcd.io/', 'Flux'],
  ['configmanagement.gke.io/', 'Config Sync'],
  ['configsync.gke.io/', 'Config Sync'],
  ['fleet.cattle.io/', 'Fleet'],
  ['objectset.rio.cattle.io/', 'Fleet'],
  ['kapp.k14s.io/', 'kapp'],
];

/** Beside those, marks that a copy must not carry, whoever made them. */
const OTHER_MARKS = [
  'argocd.argoproj.io/',
  'meta.helm.sh/',
  'helm.sh/',
  'kubectl.kubernetes.io/last-applied-configuration',
  'operator.istio.io/',
  'install.operator.istio.io/',
];
const ALL_MARKS = [...TRACKING_MARKS.map(([prefix]) => prefix), ...OTHER_MARKS];

export interface TrackingMark {
  readonly key: string;
  readonly tool: string;
}

/** The first mark of a tool that keeps an object as it is elsewhere, such as in git; Helm is none, since it only looks when it is told to. */
export function trackingMark({ metadata: { labels, annotations } }: KubeObject): TrackingMark | undefined {
  for (const key of Object.keys({ ...labels, ...annotations })) {
    const tool = TRACKING_MARKS.find(([prefix]) => key.startsWith(prefix))?.[1];
    if (tool !== undefined) return { key, tool };
  }
  return undefined;
}

/** Whether a label or annotation says who owns an object, so that a copy must not have it. */
export function isOwnerMark(key: string): boolean {
  return ALL_MARKS.some((prefix) => key.startsWith(prefix));
}

/** Whether a field manager is a tool that puts back what is changed under it. */
export function isGitopsManager(manager: string): boolean {
  return /argocd|argo-cd|kustomize-controller|helm-controller|flux|config-?sync|fleet/i.test(manager);
}
