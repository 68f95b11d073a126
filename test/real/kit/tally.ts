/** Counts the requests that each part of an application serves, outside of the mesh and of all that restarts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { kubectlJson } from './cluster.ts';

/**
 * Who serves a request asks the tally at its own path, and passes the request's headers on. Envoy gives each request that
 * enters the mesh an x-request-id of its own, and keeps it when it sends that request again: by it they are told apart.
 * @source envoyproxy/envoy source/common/http/conn_manager_utility.cc mutateRequestHeaders: set before a request is routed
 */
export interface Tally {
  /** With a slash at its end, after which the name of the one who asks follows. */
  readonly url: string;
  /** Different requests that `name` has served, without those of Meshlift itself. One without an x-request-id is different from all. */
  requests(name: string): number;
  /** Requests that `name` has served and that Meshlift sent itself, through the pods of a new gateway. */
  asked(name: string): number;
  /** How often `name` was asked beyond that: requests that were sent again. */
  again(name: string): number;
  reset(): void;
  close(): void;
}

/** As Meshlift calls itself where it asks a pod. */
const OURSELVES = 'meshlift';

interface Seen {
  readonly ids: Set<string>;
  readonly ours: Set<string>;
  attempts: number;
}

const NOTHING: Seen = { ids: new Set(), ours: new Set(), attempts: 0 };

/** Listens on the address at which the pods of this machine's cluster reach it. @throws Error when no node is this machine */
export async function openTally(): Promise<Tally> {
  const seen = new Map<string, Seen>();
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/')[1] ?? '';
    const of = seen.get(name) ?? { ids: new Set(), ours: new Set(), attempts: 0 };
    seen.set(name, of);
    of.attempts += 1;
    const ids = request.headers['user-agent'] === OURSELVES ? of.ours : of.ids;
    ids.add(String(request.headers['x-request-id'] ?? `none ${of.attempts}`));
    response.end('ok');
  });
  server.keepAliveTimeout = 120_000;
  const host = await nodeAddress();
  await listen(server, host);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    requests: (name) => (seen.get(name) ?? NOTHING).ids.size,
    asked: (name) => (seen.get(name) ?? NOTHING).ours.size,
    again: (name) => {
      const { attempts, ids, ours } = seen.get(name) ?? NOTHING;
      return attempts - ids.size - ours.size;
    },
    reset: () => seen.clear(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function nodeAddress(): Promise<string> {
  const nodes = await kubectlJson<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>('get', 'nodes');
  const own = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
  const found = nodes.items.flatMap(({ status }) => status.addresses.map(({ address }) => address)).find((address) => own.has(address));
  if (found === undefined) throw new Error('no node of the cluster is this machine, so pods cannot reach what counts their requests');
  return found;
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
}
