/** Streams from and to pods, handed to who answers them. */
import { badRequest, StatusError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { StreamRequest, StreamSubresource } from '../../streams/stream-handler.ts';
import { storedObject, type Exchange, type FrontParts } from './exchange.ts';

/** Logs; the other streams come here only when their client did not ask to upgrade. */
export async function answerStream(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<void> {
  const { message, response, release } = exchange;
  const request = streamRequestOf(parts, exchange, definition);
  if (request.subresource !== 'log') throw badRequest('Upgrade request required');
  const handler = parts.streams();
  if (handler === undefined) throw noStreams();
  release();
  const cut = (): void => {
    response.destroy();
  };
  parts.open.add(cut);
  try {
    await handler.serveLog(request, message, response);
  } finally {
    parts.open.delete(cut);
  }
}

export function noStreams(): StatusError {
  return new StatusError(503, 'ServiceUnavailable', 'the sandbox has no kubelet that could answer');
}

/** @throws StatusError 404 for a pod that is not there */
export function streamRequestOf(
  parts: FrontParts,
  exchange: Pick<Exchange, 'info' | 'query' | 'user'>,
  definition: ResourceDefinition,
): StreamRequest {
  const { info, query, user } = exchange;
  return {
    subresource: info.subresource as StreamSubresource,
    namespace: info.namespace,
    pod: storedObject(parts, exchange, definition),
    container: query.get('container') ?? undefined,
    query,
    user,
  };
}
