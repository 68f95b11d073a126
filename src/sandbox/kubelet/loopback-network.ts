/** The network of pods on loopback addresses. ClusterIPs are names only: whoever connects to one asks `resolveService`. */
import { connect, type Socket } from 'node:net';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { Endpoint, PodNetwork } from '../cluster/pod-network.ts';
import type { AddressPool } from './address-pool.ts';
import { createServiceEndpoints } from './service-endpoints.ts';

export interface PodNetworkOptions {
  readonly cluster: ClusterView;
  readonly pool: Pick<AddressPool, 'octet' | 'wholeLoopback' | 'lowestPort'>;
}

/** Addresses of a pool: 127.octet.0.1 to 127.octet.254.254; the last block marks the pool as taken. */
const BLOCKS = 255;
const HOSTS = 254;

const ANY_PORT = 0;

/** @throws Error from `allocatePodIp` when all 64,770 addresses are in use */
export function createPodNetwork({ cluster, pool }: PodNetworkOptions): PodNetwork {
  const listeners = new Map<string, Endpoint>();
  const ips = createIpPool(pool.octet);
  const services = createServiceEndpoints(cluster);
  const resolve = (ip: string, port: number): Endpoint | undefined => listeners.get(`${ip}:${port}`);
  return {
    allocatePodIp: ips.allocate,
    releasePodIp: ips.release,
    listenAddress: (ip, port) => {
      if (!pool.wholeLoopback) return { host: '127.0.0.1', port: ANY_PORT };
      return { host: ip, port: port < pool.lowestPort ? ANY_PORT : port };
    },
    announce: (ip, port, at) => void listeners.set(`${ip}:${port}`, at),
    withdraw: (ip, port) => void listeners.delete(`${ip}:${port}`),
    resolve,
    resolveService: services.pick,
    connect: (ip, port) => connectTo(resolve(ip, port), ip, port),
  };
}

function createIpPool(octet: number): { readonly allocate: () => string; readonly release: (ip: string) => void } {
  const used = new Set<number>();
  let next = 0;
  const size = BLOCKS * HOSTS;
  return {
    // Goes on after the last one given, so that the address of a pod that has just gone is not reused at once.
    allocate: () => {
      if (used.size >= size) throw new Error(`all ${size} pod addresses are in use`);
      while (used.has(next)) next = (next + 1) % size;
      const index = next;
      used.add(index);
      next = (next + 1) % size;
      return `127.${octet}.${Math.floor(index / HOSTS)}.${(index % HOSTS) + 1}`;
    },
    release: (ip) => {
      const [, , block, host] = ip.split('.').map(Number);
      if (block !== undefined && host !== undefined) used.delete(block * HOSTS + host - 1);
    },
  };
}

function connectTo(at: Endpoint | undefined, ip: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (at === undefined) {
      const error: NodeJS.ErrnoException = new Error(`connect ECONNREFUSED ${ip}:${port}`);
      reject(Object.assign(error, { code: 'ECONNREFUSED', syscall: 'connect', address: ip, port }));
      return;
    }
    const socket = connect(at);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
