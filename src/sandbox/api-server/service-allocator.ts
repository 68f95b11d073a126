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
  const isFree = { address: (address: string) => !addresses.has(address), port: (wanted: number) => !ports.has(wanted) };
  return allocatorFrom({ host: FIRST_HOST, port: 0 }, prefix, isFree);
}

/** Where the search goes on. */
interface Cursor {
  host: number;
  port: number;
}

interface IsFree {
  readonly address: (address: string) => boolean;
  readonly port: (port: number) => boolean;
}

function allocatorFrom(cursor: Cursor, prefix: string, isFree: IsFree): Allocator {
  const addressProblem = (address: string, outside: string): string | undefined => {
    if (!address.startsWith(`${prefix}.`)) return outside;
    return isFree.address(address) ? undefined : 'provided IP is already allocated';
  };
  return {
    clusterIp: () => {
      for (;;) {
        const address = `${prefix}.${cursor.host >> 8}.${cursor.host & 255}`;
        cursor.host = cursor.host === HOSTS ? FIRST_HOST : cursor.host + 1;
        if (isFree.address(address)) return address;
      }
    },
    nodePort: () => {
      for (;;) {
        const candidate = FIRST_NODE_PORT + cursor.port;
        cursor.port = (cursor.port + 1) % NODE_PORTS;
        if (isFree.port(candidate)) return candidate;
      }
    },
    clusterIpProblem: (address) => addressProblem(address, 'the provided network does not match the current range'),
    nodePortProblem: (wanted) => {
      const last = FIRST_NODE_PORT + NODE_PORTS - 1;
      if (wanted < FIRST_NODE_PORT || wanted > last)
        return `provided port is not in the valid range. The range of valid ports is ${FIRST_NODE_PORT}-${last}`;
      return isFree.port(wanted) ? undefined : 'provided port is already allocated';
    },
    // A dry run does not look at the range of ports, and has other words for that of addresses.
    preview: () => ({
      ...allocatorFrom({ ...cursor }, prefix, isFree),
      clusterIpProblem: (address) =>
        addressProblem(address, `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${prefix}.0.0/16`),
      nodePortProblem: () => undefined,
    }),
  };
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count <= 0) counts.delete(key);
  else counts.set(key, count);
}
