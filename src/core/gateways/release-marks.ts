/** What a Helm release of a gateway owns beside its Deployment, and how that stops being the release's. */
import type { KubeObject, Labels } from '../mesh/kube-objects.ts';

export interface HelmRelease {
  readonly name: string;
  readonly namespace: string;
}

const NAME = 'meta.helm.sh/release-name';
const NAMESPACE = 'meta.helm.sh/release-namespace';
const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** @source helm/helm pkg/action/validate.go (checkOwnership): these annotations and this label say whose an object is */
export function releaseOf(object: KubeObject): HelmRelease | undefined {
  const { [NAME]: name, [NAMESPACE]: namespace } = object.metadata.annotations ?? {};
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

export function isOfRelease(object: KubeObject, release: HelmRelease): boolean {
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
    metadata: { annotations: { [NAME]: null, [NAMESPACE]: null }, ...(Object.keys(gone).length === 0 ? {} : { labels: gone }) },
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
