/** The ports that a program serves, on the address of its pod or wherever this machine lets it listen. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Endpoint, PodNetwork } from '../cluster/pod-network.ts';
import { answerByOwner, ownConnection, readRequests, type ConnectionOwner } from './shared-http.ts';

/** Errors that say that this address or port is not to be had, while another one may be. */
const ELSEWHERE: ReadonlySet<string | undefined> = new Set(['EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL']);

export class PodListeners {
  readonly #ip: string;
  readonly #network: PodNetwork;
  readonly #clock: SandboxClock;
  readonly #listeners: Listener[] = [];
  #destroyed = false;

  constructor(ip: string, network: PodNetwork, clock: SandboxClock) {
    this.#ip = ip;
    this.#network = network;
    this.#clock = clock;
  }

  serveHttp(port: number, handler: RequestListener): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const listener = new Listener(port, server, handler, this.#clock);
    server.on('connection', (socket) => {
      listener.take(socket);
      readRequests(socket);
    });
    return this.#listen(listener);
  }

  serveHttps(port: number, tls: { readonly cert: string; readonly key: string }, handler: RequestListener): Promise<void> {
    const server = createTlsServer({ cert: tls.cert, key: tls.key, keepAliveTimeout: 0 }, answerByOwner);
    const listener = new Listener(port, server, handler, this.#clock);
    server.on('secureConnection', (socket) => listener.take(socket));
    return this.#listen(listener);
  }

  /** No new connections; those that are open end with the request that is under way. */
  close(): void {
    for (const listener of this.#listeners) {
      this.#network.withdraw(this.#ip, listener.port);
      listener.closeGently();
    }
  }

  /** All connections are cut off. */
  destroy(): void {
    this.#destroyed = true;
    for (const listener of this.#listeners) {
      this.#network.withdraw(this.#ip, listener.port);
      listener.cutOff();
    }
    this.#listeners.length = 0;
  }

  async #listen(listener: Listener): Promise<void> {
    await this.#clock.outside(async () => {
      const at = await listenSomewhere(listener.server, this.#network.listenAddress(this.#ip, listener.port));
      if (this.#destroyed) {
        listener.cutOff();
        return;
      }
      this.#listeners.push(listener);
      this.#network.announce(this.#ip, listener.port, at);
    });
  }
}

class Listener implements ConnectionOwner {
  readonly port: number;
  readonly server: Server;
  readonly #handler: RequestListener;
  readonly #clock: SandboxClock;
  /** With the bytes that had come when a connection came to rest after an answer; undefined while it has not. Made for the first one. */
  #connections: Map<Socket, number | undefined> | undefined;
  #underWay: Set<ServerResponse> | undefined;
  #closing = false;

  constructor(port: number, server: Server, handler: RequestListener, clock: SandboxClock) {
    this.port = port;
    this.server = server;
    this.#handler = handler;
    this.#clock = clock;
  }

  take(socket: Socket): void {
    this.#connections ??= new Map();
    this.#connections.set(socket, undefined);
    socket.once('close', () => this.#connections?.delete(socket));
    ownConnection(socket, this);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const leave = this.#clock.attend?.();
    const { socket } = request;
    this.#underWay ??= new Set();
    this.#underWay.add(response);
    this.#connections?.set(socket, undefined);
    response.once('close', () => {
      this.#underWay?.delete(response);
      if (this.#connections?.has(socket) === true) this.#connections.set(socket, socket.bytesRead);
      leave?.();
    });
    if (this.#closing) response.setHeader('connection', 'close');
    this.#handler(request, response);
  }

  closeGently(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const response of this.#underWay ?? []) if (!response.headersSent) response.setHeader('connection', 'close');
    this.server.close();
    // A request that has begun to come, or a connection that has not been used yet, is still answered.
    for (const [socket, atRest] of this.#connections ?? []) if (atRest === socket.bytesRead) socket.destroy();
  }

  cutOff(): void {
    this.server.close();
    for (const socket of this.#connections?.keys() ?? []) socket.destroy();
  }
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
