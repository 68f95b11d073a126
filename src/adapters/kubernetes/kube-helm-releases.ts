/** Helm's releases from their Secrets. What they hold is never logged. */
import { gunzipSync } from 'node:zlib';
import { newestRecord, readRelease, recordLabels, type HelmRelease, type ReleaseName } from '../../core/helm/release.ts';
import type { SecretObject } from '../../core/helm/set-aside.ts';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { HelmReleases } from '../../ports/helm-releases.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeStatusError } from './kube-errors.ts';
import { known, resourceRequest } from './resource-paths.ts';

export class KubeHelmReleases implements HelmReleases {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async readReleases(namespace: string): Promise<readonly HelmRelease[] | undefined> {
    try {
      const records = await this.#list(namespace, 'owner=helm');
      return [...Map.groupBy(records, (record) => recordLabels(record)?.name ?? '').values()]
        .flatMap((versions) => readRelease(versions, contentOf(newestRecord(versions))) ?? [])
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (isForbidden(error)) return undefined;
      throw error;
    }
  }

  readRecords({ name, namespace }: ReleaseName): Promise<readonly KubeObject[]> {
    return this.#list(namespace, `owner=helm,name=${name}`);
  }

  async #list(namespace: string, labelSelector: string): Promise<KubeObject[]> {
    const secrets = await this.#client.list({
      ...resourceRequest(known('v1', 'Secret'), 'list', { namespace }),
      query: { labelSelector },
    });
    return secrets.flatMap((secret) => (recordLabels(secret) === undefined ? [] : [{ ...secret, apiVersion: 'v1', kind: 'Secret' }]));
  }
}

/** The JSON inside a record: base64 of the API, base64 of Helm, gzip. @returns undefined when it is something else */
function contentOf(record: SecretObject | undefined): string | undefined {
  try {
    const packed = Buffer.from(Buffer.from(record?.data?.['release'] ?? '', 'base64').toString('utf8'), 'base64');
    return gunzipSync(packed).toString('utf8');
  } catch {
    return undefined;
  }
}

function isForbidden(error: unknown): boolean {
  return (error instanceof Problem && error.code === 'KUBE-005') || (error instanceof KubeStatusError && error.status === 403);
}
