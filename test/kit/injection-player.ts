/** Plays injection cases against an API server, whichever it is: pods are sent with dryRun, so that nothing is stored. */
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { injectionAnswer, type InjectionAnswer } from './injection-answer.ts';
import { CASE_ACCOUNT, caseNamespaces, type InjectionCase } from './injection-cases.ts';
import type { PlayTarget } from './http-player.ts';

const TIMEOUT_MS = 40_000;
const LOOKS = 200;
const LOOK_EVERY_MS = 100;
const AT_ONCE = 4;

export interface PlayedCase {
  readonly played: InjectionCase;
  readonly answer: InjectionAnswer;
  /** What the server sent. */
  readonly body: unknown;
}

interface Reply {
  readonly code: number;
  readonly body: unknown;
}

export class InjectionPlayer {
  readonly #target: PlayTarget;
  readonly #agent: Agent;

  constructor(target: PlayTarget) {
    const { ca, cert, key } = target;
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca, cert, key });
  }

  /** Makes the namespaces of all cases, with the accounts that their pods run as. @throws Error when that is refused */
  async openNamespaces(): Promise<void> {
    await inParallel(caseNamespaces, async ({ name, labels }) => {
      await this.#make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      const accounts = `/api/v1/namespaces/${name}/serviceaccounts`;
      await this.#make(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: CASE_ACCOUNT } });
      await this.#untilThere(`${accounts}/default`);
    });
  }

  async closeNamespaces(): Promise<void> {
    await inParallel(caseNamespaces, ({ name }) => this.send('DELETE', `/api/v1/namespaces/${name}`));
  }

  play(cases: readonly InjectionCase[]): Promise<readonly PlayedCase[]> {
    return inParallel(cases, async (played) => {
      const { code, body } = await this.send('POST', `/api/v1/namespaces/${played.namespace.name}/pods?dryRun=All`, played.pod);
      return { played, answer: injectionAnswer(played, code, body), body };
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #make(path: string, object: unknown): Promise<void> {
    const { code, body } = await this.send('POST', path, object);
    if (code !== 201 && code !== 409) throw new Error(`POST ${path}: ${String(code)} ${JSON.stringify(body)}`);
  }

  async #untilThere(path: string): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      if ((await this.send('GET', path)).code === 200) return;
      await sleep(LOOK_EVERY_MS);
    }
    throw new Error(`${path} did not appear`);
  }

  send(method: string, path: string, object?: unknown): Promise<Reply> {
    const body = object === undefined ? undefined : JSON.stringify(object);
    const headers = { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const { server, ca, cert, key } = this.#target;
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, server),
        { method, headers, agent: this.#agent, ca, cert, key, timeout: TIMEOUT_MS },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
          response.on('error', reject);
        },
      );
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer within ${String(TIMEOUT_MS)} ms`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** A few at a time; results in the order of what was given. */
async function inParallel<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}
