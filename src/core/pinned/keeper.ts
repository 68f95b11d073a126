/** Who keeps an object in shape: whatever is written by hand beside such a tool is undone by it, or surprises its owner. */
import type { KubeObject } from '../mesh/kube-objects.ts';
import { ownerOf } from '../mesh/object-owner.ts';

/** Labels and annotations by which tools know what they made; without the trailing part of the key. */
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
  ['meta.helm.sh/release-name', 'Helm'],
];

/** Marks that a copy must not carry, whoever made them. */
const NOT_COPIED = [
  ...TRACKING_MARKS.map(([prefix]) => prefix),
  'argocd.argoproj.io/',
  'meta.helm.sh/',
  'helm.sh/',
  'kubectl.kubernetes.io/last-applied-configuration',
  'operator.istio.io/',
  'install.operator.istio.io/',
];
/** Marks that tools also take for theirs, which people set as well: left out of the copy of an object that somebody keeps. */
const MEANT_FOR_TOOLS = ['app.kubernetes.io/instance', 'app.kubernetes.io/managed-by'];

/** @returns the name of the tool or owner, with what is known of it; undefined when nobody keeps the object */
export function keeperOf(object: KubeObject): string | undefined {
  const { labels, annotations, ownerReferences } = object.metadata;
  const release = annotations?.['meta.helm.sh/release-name'];
  if (release !== undefined) return `the Helm release ${release}`;
  const mark = Object.keys({ ...labels, ...annotations }).find((key) => TRACKING_MARKS.some(([prefix]) => key.startsWith(prefix)));
  if (mark !== undefined) return TRACKING_MARKS.find(([prefix]) => mark.startsWith(prefix))?.[1];
  const owner = ownerOf(object);
  if (owner.kind === 'gitops') return owner.tool;
  if (owner.kind === 'helm') return `the Helm release ${owner.release}`;
  if ((object.metadata.managedFields ?? []).some(({ manager }) => manager === 'helm')) return 'Helm';
  const controller = ownerReferences?.find((reference) => reference.controller === true) ?? ownerReferences?.[0];
  return controller === undefined ? undefined : `${controller.kind} ${controller.name}`;
}

/** Labels or annotations without what tools know their objects by. */
export function withoutTracking(marks: Readonly<Record<string, string>>, isKept: boolean): Record<string, string> {
  const left = isKept ? [...NOT_COPIED, ...MEANT_FOR_TOOLS] : NOT_COPIED;
  return Object.fromEntries(Object.entries(marks).filter(([key]) => !left.some((prefix) => key.startsWith(prefix))));
}

/** Istio's own installation made it: the new control plane brings its own, and it goes with the old one. */
export function isOfInstallation(object: KubeObject): boolean {
  return Object.keys(object.metadata.labels ?? {}).some(
    (key) => key.startsWith('operator.istio.io/') || key.startsWith('install.operator.istio.io/'),
  );
}
