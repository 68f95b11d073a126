/** Objects behind HTTP with the few rules of an API server that a record stands on: names, resourceVersions, conflicts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { merged } from './fake-gateways.ts';
import { loopbackClient } from './loopback-client.ts';

interface Stored {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; resourceVersion?: string; uid?: string };
  [field: string]: unknown;
}

export class ObjectServer {
  readonly objects = new Map<string, Stored>();
  /** Asked before a request is answered; `lose` performs it and drops the answer, `refuse` does not perform it either. */
  beforeAnswer: (method: string, path: string) => 'answer' | 'lose' | 'refuse' = () => 'answer';
  readonly #server: Server;
  #version = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<ObjectServer> {
    const started = new ObjectServer();
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    const body = method === 'GET' || method === 'DELETE' ? undefined : ((await json(request)) as Stored);
    const whatToDo = this.beforeAnswer(method, url.pathname);
    if (whatToDo === 'refuse') return void response.destroy();
    const [status, answer] = this.#answer(method, url, body);
    if (whatToDo === 'lose') return void response.destroy();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  #answer(method: string, url: URL, body: Stored | undefined): [number, unknown] {
    const path = url.pathname.replace(/\/status$/, '');
    switch (method) {
      case 'GET':
        return this.objects.has(path) ? [200, this.objects.get(path)] : this.#list(path, url.searchParams.get('labelSelector'));
      case 'POST':
        return this.#create(`${path}/${body?.metadata.name ?? ''}`, body as Stored);
      case 'PUT':
        return this.#replace(path, body as Stored);
      case 'PATCH':
        return this.#merge(path, body as Stored);
      default:
        return this.objects.delete(path) ? [200, {}] : status(404, 'NotFound');
    }
  }

  #list(path: string, selector: string | null): [number, unknown] {
    if (!/(configmaps|secrets|meshupgrades)$/.test(path)) return status(404, 'NotFound');
    const wanted = (selector ?? '').split(',').flatMap((part) => (part === '' ? [] : [part.split('=')]));
    const items = [...this.objects]
      .filter(
        ([name, { metadata }]) => name.startsWith(`${path}/`) && wanted.every(([key = '', value]) => metadata.labels?.[key] === value),
      )
      .map(([, object]) => object);
    return [200, { apiVersion: 'v1', kind: path.endsWith('secrets') ? 'SecretList' : 'ConfigMapList', metadata: {}, items }];
  }

  #create(path: string, body: Stored): [number, unknown] {
    if (this.objects.has(path)) return status(409, 'AlreadyExists');
    return [201, this.#store(path, body)];
  }

  #replace(path: string, body: Stored): [number, unknown] {
    const live = this.objects.get(path);
    if (!live) return status(404, 'NotFound');
    const { resourceVersion } = body.metadata;
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) return status(409, 'Conflict');
    return [200, this.#store(path, body)];
  }

  #merge(path: string, body: Stored): [number, unknown] {
    const live = this.objects.get(path);
    if (!live && !path.includes('customresourcedefinitions')) return status(404, 'NotFound');
    const { resourceVersion } = body.metadata ?? {};
    if (live !== undefined && resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      return status(409, 'Conflict');
    const fixed = path.includes('customresourcedefinitions') ? { status: { conditions: [{ type: 'Established', status: 'True' }] } } : {};
    return [
      200,
      this.#store(
        path,
        merged<Stored>(live ?? { metadata: { name: '' } }, {
          ...body,
          ...fixed,
          metadata: { ...body.metadata, name: path.split('/').at(-1) ?? '' },
        }),
      ),
    ];
  }

  #store(path: string, object: Stored): Stored {
    this.#version += 1;
    const { uid = `uid-${this.#version}` } = this.objects.get(path)?.metadata ?? {};
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.#version) } };
    this.objects.set(path, stored);
    return stored;
  }
}

function status(code: number, reason: string): [number, unknown] {
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message: reason, code }];
}
