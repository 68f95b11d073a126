/** Addresses and node ports of services: the next ones that no service has. */
import type { KubeObject } from '../objects/kube-object.ts';
import type { Allocator } from '../resources/resource-definition.ts';
import type { MemoryStore } from '../store/memory-store.ts';

/** The first port and the number of ports of the default `--service-node-port-range`. */
const FIRST_NODE_PORT = 30_000;
const NODE_PORTS = 2_768;
/** Addresses below are kept for services that ask for one, such as `kubernetes`. */
const FIRST_HOST = 10;
const HOSTS = 65_000;

interface ServiceSpec {
  readonly clusterIP?: string;
  readonly ports?: readonly { readonly nodePort?: number }[];
}

/** @param prefix first half of the addresses, such as `10.96`; `<prefix>.0.1` is that of the API server */
export function serviceAllocator(store: MemoryStore, prefix: string): Allocator {
  const addresses = new Map<string, number>();
  const ports = new Map<number, number>();
  const count = (service: KubeObject | undefined, by: number): void => {
    const spec = service?.['spec'] as ServiceSpec | undefined;
    if (spec?.clusterIP !== undefined) add(addresses, spec.clusterIP, by);
    for (const { nodePort } of spec?.ports ?? []) if (nodePort !== undefined) add(ports, nodePort, by);
  };
  store.subscribe('services', ({ type, object, previous }) => {
    count(previous, -1);
    if (type !== 'DELETED') count(object, 1);
  });
  let host = FIRST_HOST;
  let port = 0;
  return {
    clusterIp: () => {
      for (;;) {
        const address = `${prefix}.${host >> 8}.${host & 255}`;
        host = host === HOSTS ? FIRST_HOST : host + 1;
        if (!addresses.has(address)) return address;
      }
    },
    nodePort: () => {
      for (;;) {
        const candidate = FIRST_NODE_PORT + port;
        port = (port + 1) % NODE_PORTS;
        if (!ports.has(candidate)) return candidate;
      }
    },
  };
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count <= 0) counts.delete(key);
  else counts.set(key, count);
}
