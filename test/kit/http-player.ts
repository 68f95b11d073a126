/** Plays requests against a Kubernetes API server, whichever it is, and writes down what it answers: for comparing one server with another. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { AnswerNormalizer } from './answer-normalizer.ts';

/**
 * Texts in path, headers and body may hold `{{ns}}` (the sequence's own namespace), `{{id}}` (letters that are new for each play) and
 * `{{2:/metadata/uid}}` (a part of the answer to the request of that number, from 0); a text that is nothing else takes the value's type.
 */
export interface PlayedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown;
  /** The request is sent again until a part of the answer has a value; only the last answer counts. */
  readonly until?: { readonly pointer: string; readonly equals: unknown };
  /** The answer is a stream of JSON lines, read until so many have come, while other requests are played. */
  readonly watch?: { readonly lines: number; readonly meanwhile: readonly PlayedRequest[] };
}

export interface RequestSequence {
  readonly area: string;
  readonly name: string;
  /** What it is that these requests ask. */
  readonly about: string;
  readonly requests: readonly PlayedRequest[];
  /** Removes what is left outside of the namespace; its answers do not count. */
  readonly cleanup?: readonly PlayedRequest[];
}

export interface PlayedAnswer {
  readonly status: number;
  /** Those headers that clients look at. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where it is JSON, lines of a stream as an array, else text. */
  readonly body: unknown;
  /** Answers to what was played while a stream was read. */
  readonly meanwhile?: readonly PlayedAnswer[];
}

export interface PlayTarget {
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

const TIMEOUT_MS = 20_000;
const POLL_MS = 100;
const KEPT_HEADERS = ['content-type', 'warning', 'retry-after', 'allow'];

interface KubeconfigFile {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** @param kubeconfigPath of a file as `playTargetOf` reads it */
export function playTarget(kubeconfigPath: string): PlayTarget {
  return playTargetOf(readFileSync(kubeconfigPath, 'utf8'));
}

/** The first cluster and user of a kubeconfig with client certificates. */
export function playTargetOf(kubeconfig: string): PlayTarget {
  const config = parse(kubeconfig) as KubeconfigFile;
  const cluster = config.clusters[0]?.cluster ?? {};
  const user = config.users[0]?.user ?? {};
  return {
    server: cluster['server'] ?? '',
    ca: material(cluster, 'certificate-authority'),
    cert: material(user, 'client-certificate'),
    key: material(user, 'client-key'),
  };
}

function material(source: Readonly<Record<string, string>>, name: string): Buffer {
  const data = source[`${name}-data`];
  return data === undefined ? readFileSync(source[name] ?? '') : Buffer.from(data, 'base64');
}

/** @returns one answer for each request, with all that differs from play to play put into words: see AnswerNormalizer */
export async function playSequence(sequence: RequestSequence, target: PlayTarget): Promise<readonly PlayedAnswer[]> {
  const player = new HttpPlayer(target);
  try {
    await player.openNamespace();
    for (const each of sequence.requests) await player.play(each);
    const normalizer = new AnswerNormalizer({ ns: player.namespace, id: player.id }, prefixesIn(sequence.requests));
    return player.answers.map((answer) => normalizer.normalize(answer) as PlayedAnswer);
  } finally {
    for (const each of sequence.cleanup ?? []) await player.play(each).catch(() => undefined);
    await player.close();
  }
}

function prefixesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { generateName } = value as { readonly generateName?: unknown };
  return [...(typeof generateName === 'string' ? [generateName] : []), ...Object.values(value).flatMap(prefixesIn)];
}

class HttpPlayer {
  readonly answers: PlayedAnswer[] = [];
  readonly id = randomBytes(5)
    .toString('hex')
    .replaceAll(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? 'x');
  readonly namespace = `sbx-fid-${this.id}`;
  readonly #target: PlayTarget;
  readonly #agent: Agent;

  constructor(target: PlayTarget) {
    this.#target = target;
    const { ca, cert, key } = target;
    this.#agent = new Agent({ keepAlive: true, ca, cert, key });
  }

  async openNamespace(): Promise<void> {
    await this.#send({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{{ns}}' } },
    });
    const path = '/api/v1/namespaces/{{ns}}/serviceaccounts/default';
    await this.#sendUntil({ method: 'GET', path, until: { pointer: '/kind', equals: 'ServiceAccount' } });
  }

  async play(played: PlayedRequest): Promise<void> {
    this.answers.push(await this.#sendUntil(played));
  }

  async close(): Promise<void> {
    await this.#send({ method: 'DELETE', path: '/api/v1/namespaces/{{ns}}' }).catch(() => undefined);
    this.#agent.destroy();
  }

  async #sendUntil(played: PlayedRequest): Promise<PlayedAnswer> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const answer = await this.#send(played);
      const { until } = played;
      if (until === undefined || JSON.stringify(valueAt(answer.body, until.pointer)) === JSON.stringify(until.equals)) return answer;
      if (Date.now() > deadline)
        throw new Error(`${played.method} ${played.path}: ${until.pointer} did not become ${JSON.stringify(until.equals)}`);
      await sleep(POLL_MS);
    }
  }

  #send(played: PlayedRequest): Promise<PlayedAnswer> {
    const { ca, cert, key, server } = this.#target;
    const body = played.body === undefined ? undefined : this.#bodyText(played.body);
    const given = this.#fill(played.headers ?? {}) as Readonly<Record<string, string>>;
    const headers = {
      accept: 'application/json',
      'user-agent': 'player/1.0',
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...given,
    };
    const url = new URL(this.#fill(played.path) as string, server);
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: played.method, headers, agent: this.#agent, ca, cert, key, timeout: TIMEOUT_MS }, (response) => {
        const kept = KEPT_HEADERS.flatMap((name) => {
          const value = response.headers[name];
          return value === undefined ? [] : [[name, String(value)]];
        });
        const base = { status: response.statusCode ?? 0, headers: Object.fromEntries(kept) as Record<string, string> };
        const read = played.watch === undefined ? readBody(response) : this.#readStream(response, played.watch);
        read.then((rest) => {
          resolve({ ...base, ...rest });
          if (played.watch !== undefined) sent.destroy();
        }, reject);
      });
      sent.on('timeout', () => sent.destroy(new Error(`${played.method} ${url.pathname}: no answer within ${String(TIMEOUT_MS)} ms`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async #readStream(
    response: AsyncIterable<Buffer>,
    { lines, meanwhile }: NonNullable<PlayedRequest['watch']>,
  ): Promise<Pick<PlayedAnswer, 'body' | 'meanwhile'>> {
    const playing = this.#playAll(meanwhile);
    const events: unknown[] = [];
    let rest = '';
    for await (const chunk of response) {
      const parts = (rest + chunk.toString('utf8')).split('\n');
      rest = parts.pop() ?? '';
      events.push(...parts.filter((part) => part !== '').map((part) => JSON.parse(part) as unknown));
      if (events.length >= lines) break;
    }
    return { body: events.slice(0, lines), meanwhile: await playing };
  }

  async #playAll(all: readonly PlayedRequest[]): Promise<readonly PlayedAnswer[]> {
    const answers: PlayedAnswer[] = [];
    for (const each of all) answers.push(await this.#sendUntil(each));
    return answers;
  }

  #bodyText(body: unknown): string {
    return typeof body === 'string' ? (this.#fillText(body) as string) : JSON.stringify(this.#fill(body));
  }

  #fill(value: unknown): unknown {
    if (typeof value === 'string') return this.#fillText(value);
    if (Array.isArray(value)) return value.map((item) => this.#fill(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [this.#fillText(key), this.#fill(each)]));
  }

  #fillText(text: string): unknown {
    const whole = /^\{\{(\d+):([^}]*)\}\}$/.exec(text);
    if (whole !== null) return valueAt(this.answers[Number(whole[1])]?.body, whole[2] ?? '');
    return text
      .replaceAll('{{ns}}', this.namespace)
      .replaceAll('{{id}}', this.id)
      .replaceAll(/\{\{(\d+):([^}]*)\}\}/g, (_all, index: string, pointer: string) =>
        String(valueAt(this.answers[Number(index)]?.body, pointer)),
      );
  }
}

async function readBody(response: AsyncIterable<Buffer>): Promise<Pick<PlayedAnswer, 'body'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return { body: JSON.parse(text) as unknown };
  } catch {
    return { body: text };
  }
}

/** The part of a JSON value that a JSON pointer names. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at = value;
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[key] : undefined;
  }
  return at;
}
