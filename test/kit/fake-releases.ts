/** Releases of Helm in a fake cluster: its Secrets, read as the adapter reads them, but with plain JSON inside. */
import { newestRecord, readRelease, recordLabels, type HelmRelease, type ReleaseName } from '../../src/core/helm/release.ts';
import type { SecretObject } from '../../src/core/helm/set-aside.ts';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import type { HelmReleases } from '../../src/ports/helm-releases.ts';

interface Holder {
  readonly objects: ReadonlyMap<string, KubeObject>;
}

export class FakeReleases implements HelmReleases {
  readonly #holder: Holder;

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  async readReleases(namespace: string): Promise<readonly HelmRelease[]> {
    const records = this.#records().filter((secret) => secret.metadata.namespace === namespace);
    return Promise.resolve(
      [...Map.groupBy(records, (record) => recordLabels(record)?.name ?? '').values()].flatMap(
        (versions) => readRelease(versions, (newestRecord(versions) as SecretObject | undefined)?.data?.['release']) ?? [],
      ),
    );
  }

  async readRecords({ name, namespace }: ReleaseName): Promise<readonly KubeObject[]> {
    return Promise.resolve(
      this.#records().filter((secret) => secret.metadata.namespace === namespace && recordLabels(secret)?.name === name),
    );
  }

  #records(): KubeObject[] {
    return [...this.#holder.objects.values()].filter((object) => object.kind === 'Secret' && recordLabels(object) !== undefined);
  }
}

export interface RecordInput {
  readonly name: string;
  readonly version?: number;
  readonly status?: string;
  readonly chart?: string;
  readonly chartVersion?: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** A record as Helm names and labels it. */
export function helmRecord({
  name,
  version = 1,
  status = 'deployed',
  chart = 'istiod',
  chartVersion = '1.28.2',
  values = {},
}: RecordInput): SecretObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.${name}.v${version}`,
      namespace: 'istio-system',
      labels: { owner: 'helm', name, status, version: String(version) },
    },
    data: { release: JSON.stringify({ name, version, chart: { metadata: { name: chart, version: chartVersion } }, config: values }) },
  };
}
