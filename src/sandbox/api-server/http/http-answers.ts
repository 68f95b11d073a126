/** Answers as they go over the wire. */
import type { ServerResponse } from 'node:http';
import { StatusError, type Status } from '../../objects/status-error.ts';

export interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly body: string | readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export function jsonAnswer(code: number, value: unknown): Answer {
  return { code, contentType: JSON_TYPE, body: JSON.stringify(value) };
}

export function textAnswer(code: number, body: string): Answer {
  return { code, contentType: TEXT_TYPE, body, headers: { 'X-Content-Type-Options': 'nosniff' } };
}

export function pageNotFound(): Answer {
  return textAnswer(404, '404 page not found\n');
}

/** The Status of anything that was thrown; what is no refusal is an internal error. */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }).status;
}

export function statusAnswer(status: Status): Answer {
  const { reason, message, details, code } = status;
  const body = {
    kind: status.kind,
    apiVersion: status.apiVersion,
    metadata: status.metadata,
    status: status.status,
    ...(message === undefined || message === '' ? {} : { message }),
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
  const seconds = details?.retryAfterSeconds;
  return { ...jsonAnswer(code, body), ...(seconds === undefined ? {} : { headers: { 'Retry-After': String(seconds) } }) };
}

export function failureAnswer(error: unknown): Answer {
  const answer = statusAnswer(statusOf(error));
  // The rest of a body that is too long is not worth reading.
  return answer.code === 413 ? { ...answer, headers: { ...answer.headers, Connection: 'close' } } : answer;
}

export function noSuchResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** A text with quotes as a Warning header carries it; control characters have no place there. */
function warningHeader(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  return `299 - "${clean.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Writes an answer, unless the client has gone. */
export function sendAnswer(response: ServerResponse, answer: Answer, warnings: readonly string[] = []): void {
  if (response.headersSent || response.destroyed) return;
  const chunks = typeof answer.body === 'string' ? [answer.body] : answer.body;
  const buffers = chunks.map((chunk) => Buffer.from(chunk, 'utf8'));
  const length = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  response.writeHead(answer.code, {
    'Content-Type': answer.contentType,
    'Cache-Control': 'no-cache, private',
    'Content-Length': length,
    ...answer.headers,
    ...(warnings.length === 0 ? {} : { Warning: [...new Set(warnings)].map(warningHeader) }),
  });
  for (const buffer of buffers) response.write(buffer);
  response.end();
}
