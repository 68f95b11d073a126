/** Asks istiod pods which proxies are connected to them. */
import type { Pod } from '../../core/mesh/kube-objects.ts';
import type { IstiodReport, ReadCluster, SyncEntry } from '../../core/mesh/mesh-objects.ts';
import type { KubeClient } from './kube-client.ts';
import { errorLine } from './kube-errors.ts';
import { getThroughPod } from './port-forward.ts';

/** istiod's monitoring port: requests that come from its own loopback need no credentials. */
const MONITORING_PORT = 15014;

/** Last parts of xDS type URLs, and how Istio calls them. */
const TYPES: Readonly<Record<string, string>> = {
  cluster: 'CDS',
  listener: 'LDS',
  endpoint: 'EDS',
  route: 'RDS',
  extensionconfig: 'ECDS',
};

export interface AskOptions {
  /** Limits the proxies to a namespace. */
  readonly namespace?: string | undefined;
  /** Also ask for the version that istiod itself says it is. */
  readonly withVersion: boolean;
  /** Also ask which clusters it reads. */
  readonly withClusters?: boolean;
}

/** One report for each pod that runs; a pod that does not answer gets a report with the error. */
export async function readIstiods(client: KubeClient, pods: readonly Pod[], options: AskOptions): Promise<IstiodReport[]> {
  const running = pods.filter((pod) => pod.status?.phase === 'Running');
  return Promise.all(running.map((pod) => askIstiod(client, pod, options)));
}

async function askIstiod(client: KubeClient, pod: Pod, options: AskOptions): Promise<IstiodReport> {
  const identity = {
    pod: pod.metadata.name,
    namespace: pod.metadata.namespace ?? '',
    revision: pod.metadata.labels?.['istio.io/rev'] || 'default',
  };
  const target = { namespace: identity.namespace, pod: identity.pod, port: MONITORING_PORT };
  const query = options.namespace === undefined ? '' : `?namespace=${encodeURIComponent(options.namespace)}`;
  try {
    const [syncz, version, clusterz] = await Promise.all([
      getThroughPod(client, target, `/debug/syncz${query}`),
      options.withVersion ? getThroughPod(client, target, '/version').catch(() => undefined) : undefined,
      options.withClusters === true ? getThroughPod(client, target, '/debug/clusterz').catch(() => undefined) : undefined,
    ]);
    const parsed = version === undefined ? undefined : parseVersionAnswer(version);
    const clusters = clusterz === undefined ? undefined : parseClusterz(clusterz);
    return {
      ...identity,
      ...(parsed === undefined ? {} : { version: parsed }),
      proxies: parseSyncz(syncz),
      ...(clusters === undefined ? {} : { clusters }),
    };
  } catch (error) {
    return { ...identity, proxies: [], error: errorLine(error) };
  }
}

/**
 * `1.29.1-6991a379e1fc-Clean` gives `1.29.1`: version, commit and build status.
 * @source istio/istio pkg/version/version.go (BuildInfo.String) @86c9f01
 */
export function parseVersionAnswer(text: string): string | undefined {
  const version = text.trim().replace(/-[0-9a-f]{7,40}(-dirty)?-[A-Za-z]+$/, '');
  return version === '' ? undefined : version;
}

/**
 * The cluster of the istiod itself comes without a Secret. An istiod that answers otherwise has not said.
 * @source istio/istio pkg/cluster/debug.go (DebugInfo) and pkg/kube/multicluster/secretcontroller.go (ListRemoteClusters) @86c9f01
 */
export function parseClusterz(body: string): ReadCluster[] | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(raw)) return undefined;
  return (raw as readonly { readonly id?: unknown; readonly secretName?: unknown; readonly syncStatus?: unknown }[]).flatMap((entry) => {
    const [id, secret] = [text(entry.id), text(entry.secretName)];
    return id === '' ? [] : [{ id, ...(secret === '' ? {} : { secret }), syncStatus: text(entry.syncStatus) || 'unknown' }];
  });
}

interface RawSyncEntry {
  readonly proxy?: string;
  readonly proxy_type?: string;
  readonly istio_version?: string;
  readonly cluster_id?: string;
  readonly [field: string]: unknown;
}

/** @source istio/istio pilot/pkg/xds/debug.go (SyncStatus) @86c9f01; flat fields are there in all versions */
export function parseSyncz(body: string): SyncEntry[] {
  const raw = JSON.parse(body) as readonly RawSyncEntry[] | null;
  return (raw ?? []).flatMap((entry): SyncEntry[] => {
    if (entry.proxy === undefined) return [];
    const types = Object.entries(TYPES).map(
      ([field, name]) => [name, { sent: text(entry[`${field}_sent`]), acked: text(entry[`${field}_acked`]) }] as const,
    );
    return [
      {
        proxy: entry.proxy,
        ...(entry.proxy_type === undefined ? {} : { proxyType: entry.proxy_type }),
        ...(entry.istio_version === undefined ? {} : { istioVersion: entry.istio_version }),
        ...(entry.cluster_id === undefined ? {} : { clusterId: entry.cluster_id }),
        types: Object.fromEntries(types.filter(([, value]) => value.sent !== '' || value.acked !== '')),
      },
    ];
  });
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
