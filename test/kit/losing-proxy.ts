/** Between a client and an API server: some requests never reach it, and some answers never come back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { loopbackClient } from './loopback-client.ts';

interface Target {
  readonly url: string;
  readonly options: RequestOptions;
}

interface Passed {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export class LosingProxy {
  /** Asked before a request is answered; `lose` performs it and drops the answer, `refuse` does not perform it either. */
  beforeAnswer: (method: string, path: string) => 'answer' | 'lose' | 'refuse' = () => 'answer';
  readonly #server: Server;
  readonly #target: Target;

  private constructor(target: Target) {
    this.#target = target;
    this.#server = createServer((incoming, response) => {
      this.#pass(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(kubeconfig: string): Promise<LosingProxy> {
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const started = new LosingProxy({ url: config.getCurrentCluster()?.server ?? '', options });
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  client(): KubeClient {
    return loopbackClient(this.#server);
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    const body = await buffer(incoming);
    const whatToDo = this.beforeAnswer(method, new URL(url, 'http://localhost').pathname);
    if (whatToDo === 'refuse') return void response.destroy();
    const answer = await this.#ask({ method, url, headers, body });
    const answered = await buffer(answer);
    if (whatToDo === 'lose') return void response.destroy();
    response.writeHead(answer.statusCode ?? 500, { 'content-type': answer.headers['content-type'] ?? 'application/json' });
    response.end(answered);
  }

  #ask({ method, url, headers, body }: Passed): Promise<IncomingMessage> {
    const { host: _host, connection: _connection, ...passed } = headers;
    return new Promise((resolve, reject) => {
      const asked = request(`${this.#target.url}${url}`, { ...this.#target.options, method, headers: passed }, resolve);
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
