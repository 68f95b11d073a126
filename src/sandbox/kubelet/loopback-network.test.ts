import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { TinyCluster } from '../../../test/kit/tiny-cluster.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { claimAddressPool } from './address-pool.ts';
import { createPodNetwork } from './loopback-network.ts';
import { PodListeners } from './pod-listeners.ts';

const POOL = { octet: 125, wholeLoopback: true, lowestPort: 1024 };

function service(spec: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'ns' }, spec };
}

function slice(name: string, ips: Readonly<Record<string, boolean | undefined>>, ports: readonly unknown[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'ns', labels: { 'kubernetes.io/service-name': 's' } },
    endpoints: Object.entries(ips).map(([ip, ready]) => ({ addresses: [ip], conditions: ready === undefined ? {} : { ready } })),
    ports,
  };
}

describe('addresses of pods', () => {
  it('are given one after the other and not again while they are in use', () => {
    const network = createPodNetwork({ cluster: new TinyCluster(), pool: POOL });
    const first = network.allocatePodIp();
    network.releasePodIp(first);
    const more = Array.from({ length: 300 }, () => network.allocatePodIp());
    expect([first, more[0], more[252], more[253]]).toEqual(['127.125.0.1', '127.125.0.2', '127.125.0.254', '127.125.1.1']);
    expect(new Set(more).size).toBe(300);
  });

  it('run out, and come back when they are released', () => {
    const network = createPodNetwork({ cluster: new TinyCluster(), pool: POOL });
    for (let n = 0; n < 255 * 254; n += 1) network.allocatePodIp();
    expect(() => network.allocatePodIp()).toThrow('all 64770 pod addresses are in use');
    network.releasePodIp('127.125.3.7');
    expect(network.allocatePodIp()).toBe('127.125.3.7');
  });

  it('come from a pool of each sandbox', async () => {
    const [one, other] = [await claimAddressPool(), await claimAddressPool()];
    if (one.wholeLoopback) expect(one.octet).not.toBe(other.octet);
    one.release();
    other.release();
  });
});

describe('listeners', () => {
  it.each<[string, Partial<typeof POOL>, port: number, host: string, samePort: boolean]>([
    ['on the address of the pod', {}, 18_080, '127.125.0.1', true],
    ['on another port where the port may not be bound', {}, 80, '127.125.0.1', false],
    ['on 127.0.0.1 where other addresses are not there', { wholeLoopback: false }, 18_080, '127.0.0.1', false],
  ])('are %s', async (_case, pool, port, host, samePort) => {
    const network = createPodNetwork({ cluster: new TinyCluster(), pool: { ...POOL, ...pool } });
    const ip = network.allocatePodIp();
    const listeners = new PodListeners(ip, network, new VirtualClock());
    await listeners.serveHttp(port, (_request, response) => void response.end());
    const at = network.resolve(ip, port);
    expect(at?.host).toBe(host);
    expect(at?.port === port).toBe(samePort);
    (await network.connect(ip, port)).destroy();
    listeners.destroy();
    expect(network.resolve(ip, port)).toBeUndefined();
    await expect(network.connect(ip, port)).rejects.toMatchObject({ code: 'ECONNREFUSED', address: ip, port });
  });

  it('answer what has come when they close, and end the connections that rest', async () => {
    const network = createPodNetwork({ cluster: new TinyCluster(), pool: { ...POOL, octet: 123 } });
    const ip = network.allocatePodIp();
    const listeners = new PodListeners(ip, network, new VirtualClock());
    await listeners.serveHttp(18_081, (request, response) => void response.end(request.url));
    const [resting, unused] = [await network.connect(ip, 18_081), await network.connect(ip, 18_081)];
    const ask = async (socket: Socket, path: string): Promise<string> => {
      const answered = once(socket, 'data') as Promise<[Buffer]>;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: pod\r\n\r\n`);
      return (await answered)[0].toString();
    };
    expect(await ask(resting, '/first')).toContain('keep-alive');
    const ended = once(resting, 'close');
    listeners.close();
    await ended;
    expect(await ask(unused, '/late')).toMatch(/connection: close[^]*\/late/i);
    listeners.destroy();
  });

  it('give way when the port is taken', async () => {
    const network = createPodNetwork({ cluster: new TinyCluster(), pool: { ...POOL, octet: 124 } });
    const ip = network.allocatePodIp();
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, ip, resolve));
    const { port } = taken.address() as AddressInfo;
    const listeners = new PodListeners(ip, network, new VirtualClock());
    await listeners.serveHttp(port, (_request, response) => void response.end());
    expect(network.resolve(ip, port)?.port).not.toBe(port);
    listeners.destroy();
    taken.close();
  });
});

describe('services', () => {
  const PORTS = [
    { name: 'http', port: 80, targetPort: 'web' },
    { name: 'admin', port: 81, targetPort: 9000 },
  ];

  it('are reached at their ready endpoints by turns, by number and by name', () => {
    const cluster = new TinyCluster();
    const network = createPodNetwork({ cluster, pool: POOL });
    const pick = (port: number | string) => network.resolveService('ns', 's', port);
    expect(pick(80)).toBeUndefined();
    cluster.put('services', service({ ports: PORTS }));
    expect(pick(80)).toBeUndefined();
    const web = { name: 'http', port: 8080 };
    cluster.put(
      'endpointslices.discovery.k8s.io',
      slice('s-1', { '1.1.1.1': true, '1.1.1.2': false, '1.1.1.3': undefined }, [web, { name: 'admin', port: 9000 }]),
    );
    cluster.put('endpointslices.discovery.k8s.io', slice('s-2', { '1.1.1.4': true }, [{ name: 'http', port: 8081 }]));
    expect([pick(80), pick(80), pick('http'), pick(80)].map((target) => `${target?.ip}:${target?.port}`)).toEqual([
      '1.1.1.1:8080',
      '1.1.1.3:8080',
      '1.1.1.1:8080',
      '1.1.1.4:8081',
    ]);
    expect(pick(81)).toEqual({ ip: '1.1.1.1', port: 9000 });
    expect([pick(82), pick('nope')]).toEqual([undefined, undefined]);
    cluster.remove('endpointslices.discovery.k8s.io', 's-1', 'ns');
    expect(pick(80)).toEqual({ ip: '1.1.1.4', port: 8081 });
    cluster.remove('services', 's', 'ns');
    expect(pick(80)).toBeUndefined();
  });

  it('are reached by Endpoints where there are no slices', () => {
    const cluster = new TinyCluster();
    const network = createPodNetwork({ cluster, pool: POOL });
    cluster.put('services', service({ ports: [{ port: 443, targetPort: 15017 }] }));
    const subsets = [{ addresses: [{ ip: '1.1.1.1' }], notReadyAddresses: [{ ip: '1.1.1.2' }], ports: [{ port: 15017 }] }];
    cluster.put('endpoints', { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 's', namespace: 'ns' }, subsets });
    expect([network.resolveService('ns', 's', 443), network.resolveService('ns', 's', 443)]).toEqual([
      { ip: '1.1.1.1', port: 15017 },
      { ip: '1.1.1.1', port: 15017 },
    ]);
  });

  it('without an address are names of their pods, whatever the port', () => {
    const cluster = new TinyCluster();
    const network = createPodNetwork({ cluster, pool: POOL });
    cluster.put('services', service({ clusterIP: 'None' }));
    cluster.put('endpointslices.discovery.k8s.io', slice('s-1', { '1.1.1.1': true }, []));
    expect(network.resolveService('ns', 's', 7070)).toEqual({ ip: '1.1.1.1', port: 7070 });
  });
});
