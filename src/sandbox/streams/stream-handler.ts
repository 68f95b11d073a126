/** The seam between the API server and the kubelet for everything that streams: logs, commands in containers, forwarded ports. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubeObject } from '../objects/kube-object.ts';

export type StreamSubresource = 'log' | 'exec' | 'attach' | 'portforward';

/** A request that has been authenticated, authorized and admitted, about a pod that exists. */
export interface StreamRequest {
  readonly subresource: StreamSubresource;
  readonly namespace: string;
  /** The pod as it is stored now. Whether it has the container and a node is the handler's to check. */
  readonly pod: KubeObject;
  /** The query parameter `container`; undefined when the client left it out. */
  readonly container: string | undefined;
  /** All parameters, such as `follow`, `tailLines`, `command` (repeated), `stdin`, `tty`, `ports`. */
  readonly query: URLSearchParams;
  readonly user: { readonly username: string; readonly groups: readonly string[] };
}

/**
 * Answers streams. A StatusError that is thrown before anything was written is answered by the API server as a Status with
 * its code; after the first byte the handler ends the stream itself. The promise resolves when the stream has ended.
 */
export interface StreamHandler {
  /** `log`: plain chunked text; the client may hang up at any time (`response` emits `close`). */
  readonly serveLog: (request: StreamRequest, message: IncomingMessage, response: ServerResponse) => Promise<void>;
  /**
   * `exec`, `attach`, `portforward`: the client asked to upgrade (WebSocket or SPDY/3.1); nothing is written yet, the
   * handler answers 101 itself. @param head what has been read of the new protocol; to be put back with `socket.unshift`
   */
  readonly serveUpgrade: (request: StreamRequest, message: IncomingMessage, upgrade: UpgradedConnection) => Promise<void>;
}

export interface UpgradedConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
}
