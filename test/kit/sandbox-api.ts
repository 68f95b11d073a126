/** An API server for tests, and a client that speaks to its HTTP front over plain HTTP as an administrator. */
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '../../src/sandbox/clock/seeded-random.ts';
import { VirtualClock } from '../../src/sandbox/clock/virtual-clock.ts';
import type { ClusterWriter } from '../../src/sandbox/cluster/cluster-view.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../../src/sandbox/api-server/api-server.ts';

export interface Reply {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Sent {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestServer {
  readonly api: ApiServer;
  readonly clock: VirtualClock;
  readonly writer: ClusterWriter;
  readonly send: (method: string, path: string, sent?: Sent) => Promise<Reply>;
  /** The lines of a watch, as they come. */
  readonly watch: (path: string, lines: string[]) => Promise<() => void>;
  readonly close: () => Promise<void>;
}

const ADMIN = 'admin-token';
const TYPES: Readonly<Record<string, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

export async function startTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const clock = new VirtualClock();
  const staticTokens = new Map([
    [ADMIN, { username: 'admin', groups: ['system:masters'] }],
    ['nobody-token', { username: 'nobody', groups: [] }],
  ]);
  const api = createApiServer({ clock, random: seededRandom(1), staticTokens, ...options });
  const server = createServer(api.handle);
  server.on('upgrade', api.handleUpgrade);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    api,
    clock,
    writer: api.cluster.as('system:kube-controller-manager', 'kube-controller-manager'),
    send: (method, path, sent = {}) => send(port, method, path, sent),
    watch: (path, lines) => watch(port, path, lines),
    close: () => close(api, server),
  };
}

function headersOf({ body, type, accept, headers }: Sent): Record<string, string> {
  return {
    Authorization: `Bearer ${ADMIN}`,
    'User-Agent': 'probe/1.0',
    ...(accept === undefined ? {} : { Accept: accept }),
    ...(body === undefined ? {} : { 'Content-Type': TYPES[type ?? ''] ?? type ?? 'application/json' }),
    ...headers,
  };
}

function send(port: number, method: string, path: string, sent: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers: headersOf(sent) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) }));
    });
    outgoing.on('error', reject);
    const { body } = sent;
    outgoing.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function parsed(text: string): Reply['body'] {
  try {
    return JSON.parse(text) as Reply['body'];
  } catch {
    return {};
  }
}

function watch(port: number, path: string, lines: string[]): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, headers: headersOf({}) }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const parts = `${rest}${chunk}`.split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts);
      });
      response.on('end', () => lines.push('END'));
      response.on('error', () => lines.push('CUT'));
      resolve(() => outgoing.destroy());
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function close(api: ApiServer, server: Server): Promise<void> {
  await api.stop();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
