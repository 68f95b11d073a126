/** Load balancers in front of services: the address that a service of type LoadBalancer shows really answers on this machine. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Cluster } from '../cluster/cluster-view.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { KubeObject } from '../objects/kube-object.ts';

export interface LoadBalancers {
  /** Resolves when what the services ask for now has been tried. */
  readonly settled: () => Promise<void>;
  readonly stop: () => void;
}

interface ServicePort {
  readonly port: number;
  readonly name?: string;
  readonly protocol?: string;
}

interface Forwarder {
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

/**
 * Each connection goes to one ready endpoint, and stays with it until it ends, as behind a load balancer of the fourth layer.
 * @param log told of ports that cannot be listened on, such as those below 1024 for who is not root
 */
export function createLoadBalancers(cluster: Cluster, network: PodNetwork, log: (line: string) => void): LoadBalancers {
  const forwarders = new Map<string, Forwarder>();
  const pending = new Set<Promise<void>>();

  const open = (service: KubeObject, ip: string, port: number): void => {
    const key = `${ip}:${port}`;
    if (forwarders.has(key)) return;
    const { name, namespace = '' } = service.metadata;
    const forwarder: Forwarder = {
      sockets: new Set(),
      server: createServer((socket) => void forward(socket, { name, namespace, port }, network, forwarder.sockets)),
    };
    forwarders.set(key, forwarder);
    const tried = new Promise<void>((resolve) => {
      forwarder.server.once('listening', resolve);
      forwarder.server.once('error', (error) => {
        forwarders.delete(key);
        log(`service ${namespace}/${name}: nothing listens at ${key}: ${error.message}`);
        resolve();
      });
    });
    pending.add(tried);
    void tried.then(() => pending.delete(tried));
    forwarder.server.listen(port, ip);
  };

  const close = (key: string): void => {
    const forwarder = forwarders.get(key);
    forwarders.delete(key);
    forwarder?.server.close();
    for (const socket of forwarder?.sockets ?? []) socket.destroy();
  };

  const reconcile = (): void => {
    const wanted = new Map(
      cluster.list('services').flatMap((service) => addressesOf(service).map((at) => [`${at.ip}:${at.port}`, { service, ...at }])),
    );
    for (const key of forwarders.keys()) if (!wanted.has(key)) close(key);
    for (const { service, ip, port } of wanted.values()) open(service, ip, port);
  };

  const forget = cluster.onChange('services', ({ object, previous }) => {
    if ([object, previous].some((service) => service !== undefined && addressesOf(service).length > 0)) reconcile();
  });
  reconcile();
  return {
    settled: async () => void (await Promise.all(pending)),
    stop: () => {
      forget();
      for (const key of forwarders.keys()) close(key);
    },
  };
}

function addressesOf(service: KubeObject): { readonly ip: string; readonly port: number }[] {
  const spec = service['spec'] as { type?: string; ports?: readonly ServicePort[] } | undefined;
  const status = service['status'] as { loadBalancer?: { ingress?: readonly { ip?: string }[] } } | undefined;
  if (spec?.type !== 'LoadBalancer') return [];
  const ports = (spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip?.startsWith('127.') === true ? ports.map(({ port }) => ({ ip, port })) : [],
  );
}

interface ServiceTarget {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

async function forward(client: Socket, { name, namespace, port }: ServiceTarget, network: PodNetwork, sockets: Set<Socket>): Promise<void> {
  sockets.add(client);
  client.once('close', () => sockets.delete(client));
  client.on('error', () => client.destroy());
  const endpoint = network.resolveService(namespace, name, port);
  try {
    if (!endpoint) throw new Error('no ready endpoint');
    const server = await network.connect(endpoint.ip, endpoint.port);
    server.on('error', () => server.destroy());
    server.once('close', () => client.destroy());
    client.once('close', () => server.destroy());
    client.pipe(server).pipe(client);
  } catch {
    client.destroy();
  }
}
