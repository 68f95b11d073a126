/** Changes a connection to WebSocket or SPDY/3.1, as the client asked for it. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import { badRequest } from '../objects/status-error.ts';
import type { UpgradedConnection } from './stream-handler.ts';

export type UpgradeKind = 'websocket' | 'spdy';

/** @throws StatusError for any other protocol */
export function upgradeKind(message: IncomingMessage): UpgradeKind {
  const wanted = String(message.headers.upgrade ?? '').toLowerCase();
  if (wanted === 'websocket') return 'websocket';
  if (wanted === 'spdy/3.1') return 'spdy';
  throw badRequest('Upgrade request required');
}

/** The protocols that the client can speak, its favourite first. */
export function offeredProtocols(message: IncomingMessage, kind: UpgradeKind): readonly string[] {
  const value = message.headers[kind === 'websocket' ? 'sec-websocket-protocol' : 'x-stream-protocol-version'];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/** The first of our protocols that the client offers. */
export function chooseProtocol(offered: readonly string[], known: readonly string[]): string | undefined {
  return known.find((protocol) => offered.includes(protocol));
}

const LARGEST_MESSAGE = 16 * 1024 * 1024;

/** @param protocol the sub-protocol that is agreed on; undefined for none */
export function acceptWebSocket(
  message: IncomingMessage,
  { socket, head }: UpgradedConnection,
  protocol: string | undefined,
): Promise<WebSocket> {
  // ws takes only tokens for names, and `SPDY/3.1+portforward.k8s.io` is none: the header is handled here.
  delete message.headers['sec-websocket-protocol'];
  const server = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE, perMessageDeflate: false, clientTracking: false });
  if (protocol !== undefined) server.on('headers', (headers) => void headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    server.once('wsClientError', reject);
    server.handleUpgrade(message, socket, head, resolve);
  });
}

/** The messages of a WebSocket as one stream of bytes. */
export function byteStream(socket: WebSocket): Duplex {
  return createWebSocketStream(socket);
}

export function acceptSpdy({ socket, head }: UpgradedConnection, protocol: string): Duplex {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1', `X-Stream-Protocol-Version: ${protocol}`];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}
