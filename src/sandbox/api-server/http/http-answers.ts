/** Answers as they go over the wire. */
import type { ServerResponse } from 'node:http';
import { StatusError, type Status } from '../../objects/status-error.ts';

export interface Answer {
  readonly code: number;
  readonly contentType: string;
  /** In pieces when it is long: each is made when the one before it has gone out. */
  readonly body: string | Iterable<string>;
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
export async function sendAnswer(response: ServerResponse, answer: Answer, warnings: readonly string[] = []): Promise<void> {
  if (response.headersSent || response.destroyed) return;
  const { code, contentType, body, headers } = answer;
  const whole = typeof body === 'string' ? Buffer.from(body, 'utf8') : undefined;
  response.writeHead(code, {
    'Content-Type': contentType,
    'Cache-Control': 'no-cache, private',
    ...(whole === undefined ? {} : { 'Content-Length': whole.byteLength }),
    ...headers,
    ...(warnings.length === 0 ? {} : { Warning: [...new Set(warnings)].map(warningHeader) }),
  });
  if (whole !== undefined) {
    response.end(whole);
    return;
  }
  for (const piece of body) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

/** Resolves when there is room for more, or nobody left to read it. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
