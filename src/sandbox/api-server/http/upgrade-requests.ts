/** Requests that ask to go on in another protocol: commands in pods and forwarded ports. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { StatusError } from '../../objects/status-error.ts';
import type { AdmittedRequest } from './admitted-request.ts';
import type { FrontParts } from './exchange.ts';
import { failureAnswer, noSuchResource } from './http-answers.ts';
import { noStreams, streamRequestOf } from './stream-requests.ts';

export interface UpgradeRequest {
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const UPGRADED: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

/** @throws StatusError before anything is written to the socket */
export async function upgradeRequest(
  parts: FrontParts,
  admit: (message: IncomingMessage) => AdmittedRequest,
  { message, socket, head }: UpgradeRequest,
): Promise<void> {
  const { info, query, user } = admit(message);
  const definition = info === undefined ? undefined : parts.core.registry.find(info.group, info.version, info.resource);
  if (info === undefined || definition?.storage !== 'pods') throw noSuchResource();
  const isStreamed = definition.subresources.some(({ name }) => name === info.subresource) && UPGRADED.has(info.subresource);
  if (!isStreamed) throw new StatusError(400, 'BadRequest', 'this path cannot be upgraded to another protocol');
  const request = streamRequestOf(parts, { info, query, user }, definition);
  const handler = parts.streams();
  if (handler === undefined) throw noStreams();
  const cut = (): void => {
    socket.destroy();
  };
  parts.open.add(cut);
  socket.once('close', () => parts.open.delete(cut));
  await handler.serveUpgrade(request, message, { socket, head });
}

/** The socket is no longer HTTP's once a client asked to upgrade: the refusal is written by hand. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { code, contentType, body } = failureAnswer(error);
  const text = typeof body === 'string' ? body : [...body].join('');
  if (!socket.writable) return;
  const length = Buffer.byteLength(text);
  socket.end(`HTTP/1.1 ${code} Refused\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${text}`);
}
