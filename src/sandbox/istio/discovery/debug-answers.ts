/** What an istiod tells of its proxies on its debug paths, in the shapes of the real one. Source: istio/istio, pilot/pkg/xds/debug.go, tag 1.28.2. */
import type { ResourceType } from './change-watch.ts';
import type { DiscoveryServer, PushedType } from './discovery-server.ts';

const TYPE_URLS: Readonly<Record<ResourceType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
};

/** @param namespace only of this namespace; '' for all */
export function syncz(server: DiscoveryServer, namespace: string): readonly object[] {
  return server
    .connections()
    .filter(({ proxy }) => namespace === '' || proxy.namespace === namespace)
    .map((connection) => {
      const { proxy } = connection;
      const pushed = server.pushed(connection);
      return {
        cluster_id: proxy.clusterId,
        proxy: `${proxy.pod}.${proxy.namespace}`,
        proxy_type: proxy.role,
        istio_version: proxy.istioVersion,
        ...Object.fromEntries(
          (['cluster', 'listener', 'route', 'endpoint'] as const).flatMap((type) =>
            flatFields(pushed.find((entry) => entry.type === type)),
          ),
        ),
        resources: Object.fromEntries(
          pushed.map((entry) => [TYPE_URLS[entry.type], resourceOf(entry)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
        ),
      };
    });
}

function flatFields(entry: PushedType | undefined): readonly (readonly [string, string])[] {
  if (entry === undefined) return [];
  return [[`${entry.type}_sent`, entry.sent], ...(entry.acked === '' ? [] : [[`${entry.type}_acked`, entry.acked] as const])];
}

function resourceOf({ sent, acked, sentAtMs }: PushedType): object {
  return { sent, ...(acked === '' ? {} : { acked }), sentTime: new Date(sentAtMs).toISOString() };
}

export function connectionsAnswer(server: DiscoveryServer): object {
  const clients = server.connections().map(({ id, connectedAtMs, proxy }) => ({
    connectionId: id,
    connectedAt: new Date(connectedAtMs).toISOString(),
    address: `${proxy.ip}:15012`,
  }));
  return { totalClients: clients.length, clients };
}

/** A sandbox is one cluster: an istiod reads no other. Source: istio/istio, pkg/cluster/debug.go, tag 1.28.2. */
export function clusterz(clusterId: string): readonly object[] {
  return [{ id: clusterId, secretName: '', syncStatus: 'synced' }];
}

/** The debug paths that are there. */
export const DEBUG_PATHS: readonly string[] = ['clusterz', 'connections', 'syncz'];
