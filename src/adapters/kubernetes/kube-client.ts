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
import { Transient } from '../../core/problems/problem.ts';
import { isNotFound, KubeStatusError, toProblem, wasRefused, type RequestIntent } from './kube-errors.ts';
import { tryAgain } from './try-again.ts';

export interface KubeRequest extends RequestIntent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** How long one answer is waited for. */
  readonly timeoutMs?: number;
  /** How long it is tried again. */
  readonly patienceMs?: number;
  /** A write that the fence lets pass: the lock itself. */
  readonly ofLock?: boolean;
}

const TIMEOUT_MS = 30_000;
/** Parallel connections to the API server. */
const CONNECTIONS = 8;
/** Objects a page of a list holds, as kubectl asks for. */
const PAGE_SIZE = '500';
/** Answers that callers handle: gone, there already or changed meanwhile, and a list that has to be begun anew. */
const LEFT_TO_CALLER: readonly number[] = [404, 409, 410];

export class KubeClient {
  readonly config: KubeConfig;
  readonly server: string;
  /** @throws when nothing may be written now. Asked before every attempt of a write, while there is one. */
  fence: (() => void) | undefined;
  #agent: Agent | HttpAgent | undefined;

  constructor(config: KubeConfig) {
    this.config = config;
    this.server = config.getCurrentCluster()?.server ?? '';
  }

  /**
   * One request, tried again while the server or the network says "not now": every write of ours may be repeated, and one
   * whose answer was lost is known by the conflict that it meets, or is gone when it is to be deleted.
   * @returns the parsed body
   * @throws KubeStatusError for 404, 409 and 410, which callers handle; Problem or Transient for everything else
   */
  async request(request: KubeRequest): Promise<unknown> {
    let wasPerhapsDone = false;
    const attempt = async (): Promise<unknown> => {
      if (request.method !== 'GET' && request.ofLock !== true) this.fence?.();
      return this.#once(request);
    };
    try {
      return await tryAgain(attempt, request.patienceMs, (error) => (wasPerhapsDone ||= !wasRefused(error)));
    } catch (error) {
      if (request.method === 'DELETE' && wasPerhapsDone && isNotFound(error)) return undefined;
      if (error instanceof KubeStatusError && LEFT_TO_CALLER.includes(error.status)) throw error;
      throw toProblem(error, this.server);
    }
  }

  /** All objects of a list, page by page. The kind, which items of a list lack, is filled in. */
  async list<T extends KubeObject>(request: Omit<KubeRequest, 'method'>): Promise<T[]> {
    try {
      return await this.#pages<T>(request, PAGE_SIZE);
    } catch (error) {
      // The place where the next page begins is forgotten after some minutes. Whole, there is none.
      if (error instanceof KubeStatusError && error.status === 410) return this.#pages<T>(request, undefined);
      throw error;
    }
  }

  async #pages<T extends KubeObject>(request: Omit<KubeRequest, 'method'>, limit: string | undefined): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const page = (await this.request({
        ...request,
        method: 'GET',
        query: { ...request.query, limit, continue: next },
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
      const message = `the credentials could not be had (${error instanceof Error ? error.message.trim() : String(error)})`;
      // Who had them once in this process has only to wait, as for a cloud that does not answer.
      if (this.#agent !== undefined) throw new Transient(message, { cause: error });
      throw toProblem(new KubeStatusError(401, { message }, noIntent), this.server);
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
    const timeout = request.timeoutMs ?? TIMEOUT_MS;
    const response = await send(
      url,
      { method: request.method, headers, agent, ...(auth === undefined || auth === null ? {} : { auth }), timeout },
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
    request.on('timeout', () => {
      const text = `no answer within ${(options.timeout ?? TIMEOUT_MS) / 1000}s`;
      request.destroy(Object.assign(new Error(text), { code: 'ETIMEDOUT' }));
    });
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
