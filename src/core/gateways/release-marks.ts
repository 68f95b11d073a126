/** What a Helm release of a gateway owns beside its Deployment, and how that stops being the release's. */
import type { HelmRelease, ReleaseName } from '../helm/release.ts';
import { MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, releaseOf } from '../helm/release-marks.ts';
import type { KubeObject, Labels } from '../mesh/kube-objects.ts';

export function isOfRelease(object: KubeObject, release: ReleaseName): boolean {
  const of = releaseOf(object);
  return of?.name === release.name && of.namespace === release.namespace;
}

/** A merge patch that takes the marks of a release away, so that no release owns the object. */
export function withoutReleasePatch(object: KubeObject): { readonly metadata: Record<string, Record<string, null>> } {
  const labels = object.metadata.labels ?? {};
  const gone = {
    ...(labels[MANAGED_BY] === 'Helm' ? { [MANAGED_BY]: null } : {}),
    ...(labels['helm.sh/chart'] === undefined ? {} : { 'helm.sh/chart': null }),
  };
  return {
    metadata: {
      annotations: { [RELEASE_NAME]: null, [RELEASE_NAMESPACE]: null },
      ...(Object.keys(gone).length === 0 ? {} : { labels: gone }),
    },
  };
}

/** A merge patch that gives an object its labels and annotations back, and takes away those that it did not have. */
export function marksPatch(original: KubeObject, live: KubeObject): { readonly metadata: Record<string, Record<string, string | null>> } {
  const back = (was: Labels = {}, is: Labels = {}): Record<string, string | null> => ({
    ...Object.fromEntries(
      Object.keys(is)
        .filter((key) => was[key] === undefined)
        .map((key) => [key, null]),
    ),
    ...Object.fromEntries(Object.entries(was).filter(([key, value]) => is[key] !== value)),
  });
  return {
    metadata: {
      labels: back(original.metadata.labels, live.metadata.labels),
      annotations: back(original.metadata.annotations, live.metadata.annotations),
    },
  };
}

export function hasSameMarks(original: KubeObject, live: KubeObject): boolean {
  const { metadata } = marksPatch(original, live);
  return Object.values(metadata).every((marks) => Object.keys(marks).length === 0);
}

/** Charts that make one gateway and nothing else, by the names that Istio gave them. @source istio/istio manifests/charts/gateway(s) @86c9f01 */
const GATEWAY_CHARTS = new Set(['gateway', 'istio-ingress', 'istio-egress']);

export type ReleaseAnswer =
  /** Its records go with the gateway. */
  | { readonly kind: 'goes'; readonly release: ReleaseName }
  /** It stays as it is, and why. */
  | { readonly kind: 'stays'; readonly release: ReleaseName; readonly why: string }
  | { readonly kind: 'none' };

/**
 * What becomes of the Helm release of a gateway whose Deployment goes.
 * @param releases what could be read of the releases in its namespace
 */
export function releaseAnswer(gateway: KubeObject, releases: readonly HelmRelease[] | undefined): ReleaseAnswer {
  const release = releaseOf(gateway);
  if (release === undefined) return { kind: 'none' };
  if (releases === undefined) return { kind: 'stays', release, why: 'its records may not be read' };
  const found = releases.find(({ name, namespace }) => name === release.name && namespace === release.namespace);
  if (found === undefined) return { kind: 'stays', release, why: 'it has no records' };
  const chart = found.chart?.name;
  if (chart !== undefined && GATEWAY_CHARTS.has(chart)) return { kind: 'goes', release };
  return { kind: 'stays', release, why: `its chart ${chart ?? 'of an unknown name'} may make more than this gateway` };
}
