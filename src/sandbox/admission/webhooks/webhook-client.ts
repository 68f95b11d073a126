/** Posts reviews to webhooks over HTTPS and keeps the connections. Everything that goes wrong is told in the words of a real API server. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { Endpoint } from '../../cluster/pod-network.ts';
import { CallFailure } from './call-failure.ts';
import { certificateProblem, readBundle } from './certificate-check.ts';
import { unusableAnswer } from './http-answer.ts';
import type { Webhook } from './registered-webhooks.ts';
import { addressOf, type AddressOptions, type WebhookAddress } from './webhook-address.ts';

export interface WebhookClient {
  /** @returns the parsed body @throws CallFailure */
  readonly post: (webhook: Webhook, body: unknown) => Promise<unknown>;
  /** Closes idle connections, so that the process can end. */
  readonly close: () => void;
}

export interface ClientOptions extends AddressOptions {
  readonly clock: Pick<SandboxClock, 'nowMs' | 'after' | 'outside'>;
  /**
   * A call takes no time of the sandbox, and others wait for it. If nothing came back for so long by the clock of the machine,
   * the other side is waiting for time to pass, and they are let go; the webhook's timeout then passes by it. Absent means
   * two seconds.
   */
  readonly maxHoldMs?: number;
}

const MAX_HOLD_MS = 2000;
/** Agents kept; one for each address and bundle. */
const MAX_AGENTS = 200;

export function createWebhookClient(options: ClientOptions): WebhookClient {
  const agents = new Map<string, Agent>();
  const agentFor = (address: WebhookAddress, target: Endpoint, caBundle: string): Agent => {
    const key = JSON.stringify([target.host, target.port, address.serverName, caBundle]);
    const agent = agents.get(key) ?? createAgent(address, target, trustedBy(caBundle));
    agents.delete(key);
    agents.set(key, agent);
    const [oldest] = agents.keys();
    if (agents.size > MAX_AGENTS && oldest !== undefined) {
      agents.get(oldest)?.destroy();
      agents.delete(oldest);
    }
    return agent;
  };
  return {
    post: (webhook, body) => post(webhook, body, { ...options, agentFor }),
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

interface PostOptions extends ClientOptions {
  readonly agentFor: (address: WebhookAddress, target: Endpoint, caBundle: string) => Agent;
}

async function post(webhook: Webhook, body: unknown, options: PostOptions): Promise<unknown> {
  const address = addressOf(webhook, options);
  if (address === undefined) throw new CallFailure('could not get REST client: webhook configuration must have either service or URL');
  const timeout = `timeout=${webhook.timeoutSeconds}s`;
  const failed = (why: string): CallFailure => new CallFailure(`failed to call webhook: Post "${address.url}?${timeout}": ${why}`);
  if ('problem' in address.target) throw failed(address.target.problem);
  const agent = options.agentFor(address, address.target, webhook.caBundle);
  const path = `${address.path}${address.path.includes('?') ? '&' : '?'}${timeout}`;
  const exchange = {
    agent,
    path,
    address,
    payload: Buffer.from(JSON.stringify(body)),
    timeoutMs: webhook.timeoutSeconds * 1000,
    maxHoldMs: options.maxHoldMs ?? MAX_HOLD_MS,
  };
  try {
    return await inTime(exchange, options.clock);
  } catch (error) {
    if (error instanceof CallFailure) throw error;
    throw failed(error instanceof Error ? goText(error, address.dialed) : String(error));
  }
}

/** PEM of the bundle, or nothing for what the machine trusts. @throws CallFailure for a bundle that cannot be read */
function trustedBy(caBundle: string): readonly X509Certificate[] {
  if (caBundle === '') return [];
  const certificates = readBundle(caBundle);
  if (certificates !== undefined) return certificates;
  throw new CallFailure('could not get REST client: unable to load root certificates: unable to parse bytes as PEM block');
}

/** A certificate or a connection that is no good, with its text ready. */
class ConnectionProblem extends Error {}

/**
 * Certificates are checked here and not by Node, whose order of checks and words are others. They are valid or not by the
 * machine's clock, by which they were made.
 */
function createAgent({ serverName }: WebhookAddress, { host, port }: Endpoint, trusted: readonly X509Certificate[]): Agent {
  const agent = new Agent({ keepAlive: true });
  const ca = trusted.map((certificate) => certificate.toString());
  agent.createConnection = (_options, callback): Duplex => {
    const socket = tlsConnect({
      host,
      port,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(ca.length === 0 ? {} : { ca }),
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    let isDone = false;
    const finish = (error: Error | null): void => {
      if (isDone) return;
      isDone = true;
      if (error !== null) socket.destroy();
      callback?.(error, socket);
    };
    socket.on('error', (error) => finish(error));
    socket.once('secureConnect', () => finish(checkedConnection(socket, serverName, trusted)));
    return undefined as unknown as Duplex;
  };
  return agent;
}

function checkedConnection(socket: TLSSocket, serverName: string, trusted: readonly X509Certificate[]): Error | null {
  try {
    const problem = certificateProblem(socket, serverName, trusted, Date.now());
    return problem === undefined ? null : new ConnectionProblem(problem);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

interface Exchange {
  readonly agent: Agent;
  readonly path: string;
  readonly address: WebhookAddress;
  readonly payload: Buffer;
  readonly timeoutMs: number;
  readonly maxHoldMs: number;
}

/** The timeout passes by the sandbox's clock, and by the machine's, since others may hold the sandbox's. */
function inTime(exchange: Exchange, clock: ClientOptions['clock']): Promise<unknown> {
  return clock.outside(async (letGo) => {
    const overdue = new AbortController();
    const timer = clock.after(exchange.timeoutMs, () => overdue.abort());
    const signal = AbortSignal.any([overdue.signal, AbortSignal.timeout(exchange.timeoutMs)]);
    try {
      return await send(exchange, signal, letGo);
    } catch (error) {
      throw signal.aborted && !(error instanceof CallFailure) ? new ConnectionProblem('context deadline exceeded') : error;
    } finally {
      timer.cancel();
    }
  });
}

function send(exchange: Exchange, signal: AbortSignal, letGo: () => void, isSecondTry = false): Promise<unknown> {
  const { agent, path, address, payload, maxHoldMs } = exchange;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      agent,
      path,
      method: 'POST',
      signal,
      headers: {
        host: hostHeader(address),
        accept: 'application/json, */*',
        'content-type': 'application/json',
        'content-length': payload.length,
        'user-agent': 'kube-apiserver-admission',
      },
    });
    request.setTimeout(maxHoldMs, letGo);
    request.on('error', (error) => {
      // The server had closed a kept connection before the request reached it.
      if (request.reusedSocket && codeOf(error) === 'ECONNRESET' && !isSecondTry && !signal.aborted)
        resolve(send(exchange, signal, letGo, true));
      else reject(error);
    });
    request.on('response', (response) => {
      readBody(response)
        .then((body) => resolve(parse(response, body)))
        .catch(reject);
    });
    request.end(payload);
  });
}

/** As it stands in the address: with the port, also where it is the usual one. */
function hostHeader({ url }: WebhookAddress): string {
  return /^\w+:\/\/([^/]+)/.exec(url)?.[1] ?? '';
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parse(response: IncomingMessage, body: Buffer): unknown {
  const answer = { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: body.toString('utf8') };
  const problem = unusableAnswer(answer);
  if (problem !== undefined) throw new CallFailure(`failed to call webhook: ${problem}`);
  return JSON.parse(answer.body);
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The error of Node as Go's net and tls packages would word it. */
function goText(error: Error, dialed: string): string {
  if (error instanceof ConnectionProblem) return error.message;
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return `dial tcp ${dialed}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${dialed}: connect: no route to host`;
    case 'ETIMEDOUT':
      return `dial tcp ${dialed}: i/o timeout`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${dialed.replace(/:\d+$/, '')}: no such host`;
    case 'ECONNRESET':
      return error.message === 'read ECONNRESET' ? `read tcp ${dialed}: read: connection reset by peer` : 'EOF';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client';
    default:
      return error.message;
  }
}
