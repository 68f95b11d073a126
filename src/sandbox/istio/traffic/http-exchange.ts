/** One HTTP request over a real connection to a program in a pod. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { PodNetwork } from '../../cluster/pod-network.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

export interface ExchangeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** Nothing listens, or the connection was cut off. */
export class ConnectionFailure extends Error {
  /** `refused` before the request was sent, `reset` after, `timeout` when no answer came. */
  readonly reason: 'refused' | 'reset' | 'timeout';

  constructor(reason: 'refused' | 'reset' | 'timeout', message: string) {
    super(message);
    this.name = 'ConnectionFailure';
    this.reason = reason;
  }
}

export interface HttpExchange {
  /** @param signal cuts it off @throws ConnectionFailure */
  readonly send: (ip: string, port: number, request: OutgoingRequest, signal: AbortSignal) => Promise<ExchangeResponse>;
  readonly stop: () => void;
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
  'te',
  'trailer',
]);

export function withoutHopByHop<Value>(headers: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())));
}

/** Keeps connections open between requests, as proxies do. */
export function createHttpExchange(network: PodNetwork): HttpExchange {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
  const send = async (ip: string, port: number, request: OutgoingRequest, signal: AbortSignal): Promise<ExchangeResponse> => {
    for (;;) {
      const at = network.resolve(ip, port);
      if (at === undefined) throw new ConnectionFailure('refused', `connect ECONNREFUSED ${ip}:${port}`);
      const result = await exchange(agent, at, request, signal);
      // An idle connection that its server closed at the same moment: nothing has reached it.
      if (result !== 'stale') return result;
    }
  };
  return { send, stop: () => agent.destroy() };
}

function exchange(
  agent: Agent,
  at: { readonly host: string; readonly port: number },
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<ExchangeResponse | 'stale'> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      agent,
      host: at.host,
      port: at.port,
      method: request.method,
      path: request.path,
      headers: { ...withoutHopByHop(request.headers), 'content-length': String(request.body.length) },
      timeout: request.timeoutMs,
      signal,
    });
    outgoing.on('timeout', () => outgoing.destroy(new ConnectionFailure('timeout', 'no answer in time')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof ConnectionFailure) reject(error);
      else if (error.code === 'ECONNREFUSED') reject(new ConnectionFailure('refused', error.message));
      else if (outgoing.reusedSocket && !signal.aborted && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) resolve('stale');
      else reject(new ConnectionFailure('reset', error.message));
    });
    outgoing.on('response', (response) => collect(response, resolve, reject));
    outgoing.end(request.body);
  });
}

function collect(response: IncomingMessage, resolve: (answer: ExchangeResponse) => void, reject: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', (error) => reject(new ConnectionFailure('reset', error.message)));
  response.on('end', () => {
    if (!response.complete) return reject(new ConnectionFailure('reset', 'the connection ended within the answer'));
    resolve({
      status: response.statusCode ?? 502,
      headers: withoutHopByHop(response.headers as Readonly<Record<string, string | readonly string[]>>),
      body: Buffer.concat(chunks),
    });
  });
}
