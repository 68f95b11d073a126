/** Helm's releases, as the cluster holds them. */
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { HelmRelease, ReleaseName } from '../core/helm/release.ts';

export interface HelmReleases {
  /**
   * The newest version of each release of a namespace, by name.
   * @returns undefined when Secrets may not be read there; none when there are no releases
   */
  readReleases(namespace: string): Promise<readonly HelmRelease[] | undefined>;
  /** The records of one release, one for each version that Helm keeps, as Secrets; none when it does not exist. */
  readRecords(release: ReleaseName): Promise<readonly KubeObject[]>;
}
