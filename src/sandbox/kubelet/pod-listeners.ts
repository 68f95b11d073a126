/** The ports that a program serves, on the address of its pod or wherever this machine lets it listen. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Endpoint, PodNetwork } from '../cluster/pod-network.ts';

export interface PodListeners {
  readonly serveHttp: (port: number, handler: RequestListener) => Promise<void>;
  readonly serveHttps: (port: number, tls: { readonly cert: string; readonly key: string }, handler: RequestListener) => Promise<void>;
  /** No new connections; those that are open end with the request that is under way. */
  readonly close: () => void;
  /** All connections are cut off. */
  readonly destroy: () => void;
}

interface Listener {
  readonly port: number;
  readonly server: Server;
  readonly underWay: Set<ServerResponse>;
  closing: boolean;
}

/** Errors that say that this address or port is not to be had, while another one may be. */
const ELSEWHERE: ReadonlySet<string | undefined> = new Set(['EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL']);

export function createPodListeners(ip: string, network: PodNetwork, clock: SandboxClock): PodListeners {
  const listeners = new Set<Listener>();
  let destroyed = false;

  const serve = async (port: number, handler: RequestListener, create: (handler: RequestListener) => Server): Promise<void> => {
    const attending: RequestListener = (request, response) => {
      const leave = clock.attend?.();
      if (leave !== undefined) response.once('close', leave);
      handler(request, response);
    };
    const listener = newListener(port, attending, create);
    await clock.outside(async () => {
      const at = await listenSomewhere(listener.server, network.listenAddress(ip, port));
      if (destroyed) {
        cutOff(listener);
        return;
      }
      listeners.add(listener);
      network.announce(ip, port, at);
    });
  };
  const stopAll = (stop: (listener: Listener) => void): void => {
    for (const listener of listeners) {
      network.withdraw(ip, listener.port);
      stop(listener);
    }
  };
  return {
    serveHttp: (port, handler) => serve(port, handler, (listen) => createServer(listen)),
    serveHttps: (port, tls, handler) => serve(port, handler, (listen) => createTlsServer({ cert: tls.cert, key: tls.key }, listen)),
    close: () => stopAll(closeGently),
    destroy: () => {
      destroyed = true;
      stopAll(cutOff);
      listeners.clear();
    },
  };
}

function newListener(port: number, handler: RequestListener, create: (handler: RequestListener) => Server): Listener {
  const underWay = new Set<ServerResponse>();
  const server = create((request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (listener.closing) response.setHeader('connection', 'close');
    handler(request, response);
  });
  const listener: Listener = { port, server, underWay, closing: false };
  // A client may keep a connection as long as it likes; only the end of the container ends it.
  server.keepAliveTimeout = 0;
  return listener;
}

async function listenSomewhere(server: Server, wanted: Endpoint): Promise<Endpoint> {
  try {
    return await listen(server, wanted);
  } catch (error) {
    if (!ELSEWHERE.has((error as NodeJS.ErrnoException).code)) throw error;
    return await listen(server, { host: '127.0.0.1', port: 0 });
  }
}

function listen(server: Server, { host, port }: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

function closeGently(listener: Listener): void {
  if (listener.closing) return;
  listener.closing = true;
  for (const response of listener.underWay) if (!response.headersSent) response.setHeader('connection', 'close');
  listener.server.close();
}

function cutOff({ server }: Listener): void {
  server.close();
  server.closeAllConnections();
}
