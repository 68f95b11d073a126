/** Every live proxy of every istiod, with those that no pod explains and the pods that no istiod knows. */
import { isAlive, type MeshInventory, type MeshPod, type ProxyConnection, type SyncState } from '../mesh/mesh-inventory.ts';
import { typeSyncState } from '../mesh/sync-state.ts';

export type ProxyState =
  | SyncState
  /** A running pod has a proxy, and no istiod that answered lists it. */
  | 'not-connected'
  /** As above, but an istiod could not be asked. */
  | 'unknown';

export interface ProxyStatus {
  /** `<pod>.<namespace>`, as Istio calls it. */
  readonly proxy: string;
  readonly namespace: string;
  readonly cluster: string;
  /** Revision of the istiod that it is connected to; for a proxy that is not connected, the one that injected it. */
  readonly revision: string;
  /** Revision that injected its pod; empty when there is no pod. */
  readonly injectedBy: string;
  /** istiod pod; empty when not connected. */
  readonly istiod: string;
  readonly version: string;
  readonly type: string;
  readonly state: ProxyState;
  /** State by xDS type, for those that were sent. */
  readonly types: Readonly<Record<string, SyncState>>;
  /** False when no pod of this cluster has that name. */
  readonly hasPod: boolean;
  readonly terminating: boolean;
}

/** One line for each connection and for each proxy without one, sorted by name. */
export function summarizeProxies(inventory: MeshInventory, namespaces: readonly string[] = []): ProxyStatus[] {
  const isBlind = inventory.revisions.some((r) => r.istiods.some((report) => report.error !== undefined));
  const pods = inventory.workloads.flatMap((w) => w.pods).filter((pod) => pod.proxy !== undefined && isAlive(pod));
  const lines = [
    ...pods.flatMap((pod) => (pod.connections.length > 0 ? pod.connections.map((c) => connected(c, pod)) : [unconnected(pod, isBlind)])),
    ...inventory.strayConnections.map((c) => connected(c, undefined)),
  ];
  return lines
    .filter((line) => namespaces.length === 0 || namespaces.includes(line.namespace))
    .toSorted((a, b) => (a.proxy < b.proxy ? -1 : a.proxy > b.proxy ? 1 : 0));
}

function connected(connection: ProxyConnection, pod: MeshPod | undefined): ProxyStatus {
  const { entry } = connection;
  return {
    proxy: entry.proxy,
    namespace: entry.proxy.slice(entry.proxy.lastIndexOf('.') + 1),
    cluster: entry.clusterId ?? '',
    revision: connection.revision,
    injectedBy: pod?.revision ?? '',
    istiod: connection.istiodPod,
    version: entry.istioVersion ?? pod?.proxy?.version ?? 'unknown',
    type: entry.proxyType ?? pod?.proxy?.type ?? 'unknown',
    state: connection.sync,
    types: Object.fromEntries(Object.entries(entry.types).map(([type, value]) => [type, typeSyncState(value)])),
    hasPod: pod !== undefined,
    terminating: pod?.terminating ?? false,
  };
}

function unconnected(pod: MeshPod, isBlind: boolean): ProxyStatus {
  return {
    proxy: `${pod.name}.${pod.namespace}`,
    namespace: pod.namespace,
    cluster: '',
    revision: pod.revision ?? 'unknown',
    injectedBy: pod.revision ?? '',
    istiod: '',
    version: pod.proxy?.version ?? 'unknown',
    type: pod.proxy?.type ?? 'unknown',
    state: isBlind ? 'unknown' : 'not-connected',
    types: {},
    hasPod: true,
    terminating: pod.terminating,
  };
}
