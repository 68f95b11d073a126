/** Who is in the mesh of a sandbox now: istiods that take proxies, and proxies, by the addresses of their pods. */
import type { Cluster } from '../cluster/cluster-view.ts';
import type { DiscoveryServer } from './discovery/discovery-server.ts';
import type { IstioKnobs } from './istio-knobs.ts';
import type { LiveProxy } from './traffic/live-proxy.ts';

export interface MeshRegistry {
  readonly knobs: IstioKnobs;
  readonly addIstiod: (ip: string, server: DiscoveryServer) => void;
  /** The istiod of a pod's address; undefined when none takes proxies there. */
  readonly istiodAt: (ip: string) => DiscoveryServer | undefined;
  readonly removeIstiod: (ip: string) => void;
  readonly istiods: () => readonly DiscoveryServer[];
  readonly addProxy: (cluster: Cluster, proxy: LiveProxy) => void;
  /** The proxy of a pod's address, one that has ended included: a pod whose proxy ended cannot be reached any more. */
  readonly proxyAt: (ip: string) => LiveProxy | undefined;
  readonly proxies: () => readonly LiveProxy[];
}

export function createMeshRegistry(knobs: IstioKnobs): MeshRegistry {
  const istiods = new Map<string, DiscoveryServer>();
  const proxies = new Map<string, LiveProxy>();
  const watched = new WeakSet<Cluster>();
  const watch = (cluster: Cluster): void => {
    if (watched.has(cluster)) return;
    watched.add(cluster);
    cluster.onChange('pods', ({ type, object }) => {
      const ip = type === 'DELETED' ? (object['status'] as { readonly podIP?: string } | undefined)?.podIP : undefined;
      if (ip !== undefined && proxies.get(ip)?.podUid === object.metadata.uid) proxies.delete(ip);
    });
  };
  return {
    knobs,
    addIstiod: (ip, server) => void istiods.set(ip, server),
    istiodAt: (ip) => istiods.get(ip),
    removeIstiod: (ip) => void istiods.delete(ip),
    istiods: () => [...istiods.values()],
    addProxy: (cluster, proxy) => {
      watch(cluster);
      proxies.set(proxy.ip, proxy);
    },
    proxyAt: (ip) => proxies.get(ip),
    proxies: () => [...proxies.values()],
  };
}
