/**
 * Requests to the API server as raw JSON. Configuration, authentication, TLS, proxies and port-forward are the official
 * client's; only the request itself is ours, because that client's models drop fields that they do not know and turn
 * times into Dates, which no original of an object survives, and because it opens a connection for every request
 * (decision 0008, bench/list-pods.ts).
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { KubeStatusError, toProblem, type RequestIntent } from './kube-errors.ts';

export interface KubeRequest extends RequestIntent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

const TIMEOUT_MS = 30_000;
/** Parallel connections to the API server. */
const CONNECTIONS = 8;
/** Objects a page of a list holds, as kubectl asks for. */
const PAGE_SIZE = '500';
const GET_ATTEMPTS = 4;

export class KubeClient {
  readonly config: KubeConfig;
  readonly server: string;
  #agent: Agent | HttpAgent | undefined;

  constructor(config: KubeConfig) {
    this.config = config;
    this.server = config.getCurrentCluster()?.server ?? '';
  }

  /**
   * One request. Reads are tried again when the server or the network says "not now".
   * @returns the parsed body
   * @throws KubeStatusError for 404 and 409, which callers handle; Problem or Transient for everything else
   */
  async request(request: KubeRequest): Promise<unknown> {
    const attempts = request.method === 'GET' ? GET_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(request);
      } catch (error) {
        if (attempt < attempts && isWorthRetrying(error)) {
          await new Promise((resolve) => setTimeout(resolve, retryDelayMs(error, attempt)));
          continue;
        }
        if (error instanceof KubeStatusError && (error.status === 404 || error.status === 409)) throw error;
        throw toProblem(error, this.server);
      }
    }
  }

  /** All objects of a list, page by page. The kind, which items of a list lack, is filled in. */
  async list<T extends KubeObject>(request: Omit<KubeRequest, 'method'>): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const page = (await this.request({
        ...request,
        method: 'GET',
        query: { ...request.query, limit: PAGE_SIZE, continue: next },
      })) as ListBody<T>;
      const kind = page.kind?.replace(/List$/, '') ?? '';
      for (const item of page.items ?? [])
        items.push({ ...item, apiVersion: item.apiVersion ?? page.apiVersion ?? '', kind: item.kind ?? kind });
      next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
    } while (next !== undefined);
    return items;
  }

  /** Options that carry the credentials of the context; for requests that are not plain ones. */
  async options(): Promise<RequestOptions> {
    const options: RequestOptions = { headers: {} };
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      throw toProblem(
        new KubeStatusError(
          401,
          { message: `the credentials could not be had (${error instanceof Error ? error.message.trim() : String(error)})` },
          noIntent,
        ),
        this.server,
      );
    }
    this.#agent ??= this.#makeAgent(options);
    return { ...options, agent: this.#agent };
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    this.#agent?.destroy();
  }

  #makeAgent(options: RequestOptions): Agent | HttpAgent {
    const cluster = this.config.getCurrentCluster();
    if (cluster?.proxyUrl !== undefined && options.agent instanceof HttpAgent) return options.agent;
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const given = (values: Record<string, unknown>): Record<string, unknown> =>
      Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    // Reading certificates takes longer than a handshake, so that it is done once for all connections.
    const secureContext = createSecureContext(given({ ca, cert, key }));
    const tls = { secureContext, ...given({ rejectUnauthorized, servername }) };
    const pool = { keepAlive: true, maxSockets: CONNECTIONS };
    return this.server.startsWith('http:') ? new HttpAgent(pool) : new Agent({ ...pool, ...tls });
  }

  async #once(request: KubeRequest): Promise<unknown> {
    const url = new URL(`${this.server.replace(/\/$/, '')}${request.path}`);
    for (const [key, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(key, value);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options = await this.options();
    const headers = {
      ...(options.headers as Record<string, string>),
      accept: request.accept ?? 'application/json',
      'user-agent': 'meshlift',
      ...(body === undefined
        ? {}
        : { 'content-type': request.contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    };
    const { auth, agent } = options;
    const response = await send(
      url,
      { method: request.method, headers, agent, ...(auth === undefined || auth === null ? {} : { auth }), timeout: TIMEOUT_MS },
      body,
    );
    return readBody(response, request);
  }
}

const noIntent: RequestIntent = { verb: 'get', group: '', resource: '/' };

interface ListBody<T> {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly T[];
}

function send(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options, resolve);
    request.on('timeout', () => request.destroy(Object.assign(new Error(`no answer within ${TIMEOUT_MS / 1000}s`), { code: 'ETIMEDOUT' })));
    request.on('error', reject);
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, request: KubeRequest): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return text === '' ? undefined : JSON.parse(text);
  throw new KubeStatusError(status, parseStatus(text), request, retryAfterMs(response));
}

function parseStatus(text: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return { message: text.trim().slice(0, 300) };
  }
}

function retryAfterMs(response: IncomingMessage): number | undefined {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof KubeStatusError) return error.status === 429 || error.status === 500 || error.status === 503 || error.status === 504;
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'].includes((error as { code?: string } | null)?.code ?? '');
}

function retryDelayMs(error: unknown, attempt: number): number {
  const asked = error instanceof KubeStatusError ? error.retryAfterMs : undefined;
  return Math.min(asked ?? 100 * 2 ** attempt, 5000);
}
