/** The marks by which Helm knows that an object belongs to a release. */
import type { KubeObject, Labels } from '../mesh/kube-objects.ts';
import type { ReleaseName } from './release.ts';

export const RELEASE_NAME = 'meta.helm.sh/release-name';
export const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Labels that charts make from the release that renders them. */
const OF_A_RELEASE = [MANAGED_BY, 'app.kubernetes.io/instance', 'helm.sh/chart'];

/** The release that an object says it belongs to. */
export function releaseOf(object: KubeObject): ReleaseName | undefined {
  const { [RELEASE_NAME]: name, [RELEASE_NAMESPACE]: namespace } = object.metadata.annotations ?? {};
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

/**
 * A rendered CRD as it is applied: it belongs to the base release that is there, so that its next upgrade meets an object of its
 * own; without one it says of no release that it is part of it.
 * @source helm/helm pkg/action/validate.go (checkOwnership) @ v4.1.4
 */
export function withOwnership(crd: KubeObject, base: ReleaseName | undefined): KubeObject {
  const { metadata } = crd;
  if (base === undefined) {
    const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => !OF_A_RELEASE.includes(key)));
    return { ...crd, metadata: { ...metadata, labels } };
  }
  const labels: Labels = {
    ...metadata.labels,
    [MANAGED_BY]: 'Helm',
    ...(metadata.labels?.['app.kubernetes.io/instance'] === undefined ? {} : { 'app.kubernetes.io/instance': base.name }),
  };
  return {
    ...crd,
    metadata: {
      ...metadata,
      labels,
      annotations: { ...metadata.annotations, [RELEASE_NAME]: base.name, [RELEASE_NAMESPACE]: base.namespace },
    },
  };
}
