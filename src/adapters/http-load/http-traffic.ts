/** Sends requests over HTTP/1.1 at a steady pace: an open loop, in which a slow answer delays nobody else. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, STATUS_CODES, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Hit } from '../../core/load/hit.ts';
import { dueAtMs, hitsDue, totalHits } from '../../core/load/pace.ts';
import type { Target } from '../../core/load/target.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { Attack, Traffic } from '../../ports/traffic.ts';

/** How often it is looked whether requests are due. */
const TICK_MS = 1;

interface PreparedTarget {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

interface Answer {
  readonly code: number;
  readonly bytesIn: number;
  readonly location?: string;
}

export class HttpTraffic implements Traffic {
  async attack(attack: Attack, onHit: (hit: Hit) => void, stopSignal: AbortSignal): Promise<void> {
    const targets = attack.targets.map(prepare);
    const agents = makeAgents(attack);
    const startedAtMs = Date.now();
    const started = performance.now();
    const total = totalHits(attack.pace);
    const ends: Set<Promise<void>> = new Set();
    try {
      for (let sent = 0; sent < total && !stopSignal.aborted;) {
        const due = hitsDue(attack.pace, performance.now() - started);
        for (; sent < due && !stopSignal.aborted; sent += 1) {
          const target = targets[sent % targets.length];
          if (target === undefined) return;
          const end = this.#hit({ attack, target, sequence: sent, started, startedAtMs, agents }, onHit);
          ends.add(end);
          void end.finally(() => ends.delete(end));
        }
        if (sent < total) await pause();
      }
      await Promise.all(ends);
    } finally {
      for (const agent of Object.values(agents)) agent.destroy();
    }
  }

  async #hit(input: HitInput, onHit: (hit: Hit) => void): Promise<void> {
    const { attack, target, sequence, started, startedAtMs } = input;
    const dueMs = dueAtMs(attack.pace, sequence);
    let answer: Answer = { code: 0, bytesIn: 0 };
    let error = '';
    try {
      answer = await follow(input);
      if (answer.code < 200 || answer.code >= 400) error = `${answer.code} ${STATUS_CODES[answer.code] ?? ''}`.trim();
    } catch (thrown) {
      error = `${target.method} ${target.url.href}: ${words(thrown as Error)}`;
    }
    onHit({
      attack: attack.name,
      sequence,
      code: answer.code,
      dueAtMs: startedAtMs + dueMs,
      latencyMs: Math.max(0, performance.now() - started - dueMs),
      bytesOut: target.body.length,
      bytesIn: answer.bytesIn,
      error,
      method: target.method,
      url: target.url.href,
    });
  }
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

interface HitInput {
  readonly attack: Attack;
  readonly target: PreparedTarget;
  readonly sequence: number;
  readonly started: number;
  readonly startedAtMs: number;
  readonly agents: Agents;
}

function makeAgents({ keepAlive, maxConnections, insecure }: Attack): Agents {
  const options = { keepAlive, maxSockets: maxConnections, maxFreeSockets: maxConnections };
  return { http: new HttpAgent(options), https: new HttpsAgent({ ...options, rejectUnauthorized: !insecure }) };
}

function prepare({ method, url, headers, body }: Target): PreparedTarget {
  const gathered: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = gathered[name];
    gathered[name] = before === undefined ? value : [...[before].flat(), value];
  }
  return { method, url: new URL(url), headers: gathered, body: readBody(body) };
}

function readBody(body: Target['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if ('base64' in body) return Buffer.from(body.base64, 'base64');
  try {
    return readFileSync(body.file);
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `The body ${body.file} of a target cannot be read: ${(error as Error).message}`,
      next: [{ label: 'correct the targets', command: 'meshlift load attack --help' }],
    });
  }
}

async function follow({ attack, target, agents }: HitInput): Promise<Answer> {
  let { url } = target;
  for (let left = attack.redirects; ; left -= 1) {
    const answer = await send({ ...target, url }, agents, attack.timeoutMs);
    if (answer.location === undefined || left <= 0) return answer;
    url = new URL(answer.location, url);
  }
}

/**
 * A connection that was kept alive may be closed by the server in the moment in which it is used; then the request was not
 * taken, and goes again when it may be repeated, as Go's client does it.
 */
async function send(target: PreparedTarget, agents: Agents, timeoutMs: number): Promise<Answer> {
  const before = performance.now();
  try {
    return await sendOnce(target, agents, timeoutMs);
  } catch (error) {
    if (!(error instanceof ReusedSocketError) || !REPEATABLE.has(target.method)) throw error;
    return sendOnce(target, agents, Math.max(1, timeoutMs - (performance.now() - before)));
  }
}

const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Nothing of an answer came on a connection that had served before. @see https://nodejs.org/api/http.html#requestreusedsocket */
class ReusedSocketError extends Error {}

function sendOnce({ method, url, headers, body }: PreparedTarget, agents: Agents, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const options: RequestOptions = { method, headers: { ...headers }, agent: secure ? agents.https : agents.http };
    if (body.length > 0) options.headers = { ...headers, 'content-length': String(body.length) };
    let answered = false;
    const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
      answered = true;
      receive(response).then(resolve, reject);
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = !answered && request.reusedSocket && error.code === 'ECONNRESET';
      reject(isStale ? new ReusedSocketError(error.message) : error);
    });
    request.end(body);
  });
}

function receive(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let bytesIn = 0;
    response.on('data', (chunk: Buffer) => (bytesIn += chunk.length));
    response.on('error', reject);
    response.on('end', () => {
      const code = response.statusCode ?? 0;
      const location = code >= 300 && code < 400 ? response.headers.location : undefined;
      resolve({ code, bytesIn, ...(location === undefined ? {} : { location }) });
    });
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, TICK_MS));
}

/** In one line; OpenSSL's words are its reason, without the places in its source. */
function words({ message }: Error): string {
  const [, reason] = /:error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  return reason === undefined ? message.replaceAll(/\s+/g, ' ').trim() : `TLS: ${reason}`;
}
