/** The body of a request, up to the size that an API server takes. */
import type { IncomingMessage } from 'node:http';
import { StatusError } from '../../objects/status-error.ts';

/** `--max-resource-write-bytes` of etcd and the API server's own limit of requests. */
const MAX_BYTES = 3 * 1024 * 1024;

/** @throws StatusError 413 */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    // What is too long is still read to its end: a client that is cut off while it sends never reads the answer.
    if (size <= MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MAX_BYTES) throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BYTES}`);
  return Buffer.concat(chunks, size);
}
