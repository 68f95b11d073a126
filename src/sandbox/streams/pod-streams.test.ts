import { createServer as createHttpServer, request, Server as HttpServer } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { Exec, KubeConfig, PortForward } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { LogFollower, LogLine, PodRuntimes } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import { createPodStreams } from './pod-streams.ts';
import { createSpdyCodec, type SpdyFrame, type SpdyHeaders } from './spdy-frames.ts';
import type { StreamSubresource } from './stream-handler.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
/** Longer than the windows and pieces of all the protocols. */
const LARGE = 'x'.repeat(300_000);

const POD: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { nodeName: 'n', containers: [{ name: 'app', image: 'app:1', env: [{ name: 'A', value: 'b' }] }] },
  status: { phase: 'Running', podIP: '127.99.0.1' },
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Fixture {
  readonly pod?: KubeObject;
  readonly lines?: readonly LogLine[];
  readonly running?: boolean;
}

async function serve({ pod = POD, lines = [], running = true }: Fixture = {}) {
  const clock = new VirtualClock(NOW_MS);
  const followers = new Set<LogFollower>();
  const pods: PodRuntimes = {
    container: (uid, name) => ({
      name,
      id: () => 'c0ffee',
      running: () => running && uid === 'u',
      log: (previous) =>
        previous || !running
          ? undefined
          : {
              lines: () => lines,
              follow: (follower) => {
                followers.add(follower);
                return () => followers.delete(follower);
              },
            },
      exec: ([program]) => (program === 'pilot-agent' ? { stdout: 'LIVE\n', stderr: '', exitCode: 0 } : undefined),
    }),
  };
  const echo = await listening(createTcpServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)));
  const network = {
    connect: (_ip: string, port: number) =>
      port === 80
        ? new Promise<Socket>((resolve) => {
            const socket = connect(portOf(echo), '127.0.0.1', () => resolve(socket));
          })
        : Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
  } as unknown as PodNetwork;
  const handler = createPodStreams({ pods, network, clock });
  const requestOf = (url: string) => {
    const { pathname, searchParams: query } = new URL(url, 'http://x');
    const subresource = pathname.slice(pathname.lastIndexOf('/') + 1) as StreamSubresource;
    return {
      subresource,
      namespace: 'ns',
      pod,
      container: query.get('container') ?? undefined,
      query,
      user: { username: 'u', groups: [] },
    };
  };
  const server = createHttpServer((message, response) => {
    handler.serveLog(requestOf(message.url ?? ''), message, response).catch((error: unknown) => {
      const { status } = error as StatusError;
      response.writeHead(status.code).end(status.message);
    });
  });
  server.on('upgrade', (message, socket, head) => {
    handler.serveUpgrade(requestOf(message.url ?? ''), message, { socket, head }).catch((error: unknown) => {
      const status = error instanceof StatusError ? error.status : { code: 500, message: String(error) };
      socket.end(`HTTP/1.1 ${status.code} Refused\r\nconnection: close\r\n\r\n${status.message ?? ''}`);
    });
  });
  const port = portOf(await listening(server));
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'a', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'a' }],
    contexts: [{ name: 'a', cluster: 'a', user: 'a' }],
    currentContext: 'a',
  });
  return { port, clock, followers, config };
}

async function listening<T extends NetServer>(server: T): Promise<T> {
  closers.push(() => {
    server.close();
    if (server instanceof HttpServer) server.closeAllConnections();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}

function getLog(port: number, query: string, onText?: (text: string) => void): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: `/log?${query}`, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        onText?.(chunk.toString());
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end();
  });
}

const LINES: readonly LogLine[] = [
  { atMs: NOW_MS - 60_000, text: 'one' },
  { atMs: NOW_MS - 5000, text: 'two' },
  { atMs: NOW_MS - 1000, text: 'three' },
];
const TWO: KubeObject = {
  ...POD,
  spec: { nodeName: 'n', containers: [{ name: 'app' }, { name: 'side' }], initContainers: [{ name: 'istio-proxy' }] },
};

describe('logs', () => {
  it.each<[query: string, text: string]>([
    ['', 'one\ntwo\nthree\n'],
    ['container=app&follow=false', 'one\ntwo\nthree\n'],
    ['tailLines=2', 'two\nthree\n'],
    ['tailLines=0', ''],
    ['sinceSeconds=5', 'two\nthree\n'],
    ['sinceTime=2026-01-01T11:59:59Z', 'three\n'],
    ['limitBytes=6', 'one\ntw'],
    ['timestamps=true&tailLines=1', '2026-01-01T11:59:59.000000000Z three\n'],
  ])('%s', async (query, text) => {
    const { port } = await serve({ lines: LINES });
    expect(await getLog(port, query)).toEqual({ status: 200, text });
  });

  const unbound: KubeObject = { ...POD, spec: { containers: [{ name: 'app' }] } };
  const waiting = (reason: string): KubeObject => ({
    ...POD,
    status: { containerStatuses: [{ name: 'app', state: { waiting: { reason } } }] },
  });

  it.each<[string, Fixture, query: string, status: number, text: string]>([
    [
      'two containers',
      { pod: TWO },
      '',
      400,
      'a container name must be specified for pod p, choose one of: [app side] or one of the init containers: [istio-proxy]',
    ],
    ['no such container', {}, 'container=nope', 400, 'container nope is not valid for pod p'],
    ['no run before', {}, 'previous=true', 400, 'previous terminated container "app" in pod "p" not found'],
    ['no node yet', { pod: unbound }, '', 200, ''],
    [
      'not started',
      { pod: waiting('ContainerCreating'), running: false },
      '',
      400,
      'container "app" in pod "p" is waiting to start: ContainerCreating',
    ],
    [
      'no image',
      { pod: waiting('ImagePullBackOff'), running: false },
      '',
      400,
      'container "app" in pod "p" is waiting to start: trying and failing to pull image',
    ],
    ['bad number', {}, 'tailLines=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['negative', {}, 'tailLines=-1', 422, 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
  ])('answers %s', async (_case, fixture, query, status, text) => {
    const { port } = await serve(fixture);
    expect(await getLog(port, query)).toEqual({ status, text });
  });

  it('are followed until the container ends', async () => {
    const { port, followers } = await serve({ lines: LINES });
    const answer = getLog(port, 'follow=true&tailLines=1', (text) => {
      if (!text.includes('three')) return;
      setImmediate(() => {
        for (const { line, end } of followers) {
          line({ atMs: NOW_MS, text: 'four' });
          end();
        }
      });
    });
    expect(await answer).toEqual({ status: 200, text: 'three\nfour\n' });
    expect(followers.size).toBe(0);
  });

  it('are no longer followed when the client hangs up', async () => {
    const { port, followers } = await serve({ lines: LINES });
    const sent = request({ port, host: '127.0.0.1', path: '/log?follow=true', agent: false }, (response) => response.resume());
    sent.on('error', () => undefined).end();
    await expect.poll(() => followers.size).toBe(1);
    sent.destroy();
    await expect.poll(() => followers.size).toBe(0);
  });
});

async function execWith(config: KubeConfig, command: readonly string[], stdin: string | undefined) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const input = stdin === undefined ? null : new PassThrough();
  const status = await new Promise<{ status?: string; details?: { causes?: { message?: string }[] } }>((resolve, reject) => {
    new Exec(config).exec('ns', 'p', 'app', [...command], stdout, stderr, input, false, resolve).catch(reject);
    input?.end(stdin);
  });
  return { ...texts, exitCode: status.status === 'Success' ? 0 : Number(status.details?.causes?.[0]?.message) };
}

describe('commands', () => {
  it.each<[command: readonly string[], stdout: string, stderr: string, exitCode: number]>([
    [['echo', 'a', 'b'], 'a b\n', '', 0],
    [['/bin/hostname'], 'p\n', '', 0],
    [['cat', '/nope'], '', 'cat: /nope: No such file or directory\n', 1],
    [['false'], '', '', 1],
    [['pilot-agent', 'request', 'GET', 'server_info'], 'LIVE\n', '', 0],
    [['nope'], '', 'exec: "nope": executable file not found in $PATH\n', 127],
    [['sh', '-c', 'echo a'], '', 'sh: containers of the sandbox have no shell; commands must be run directly\n', 126],
  ])('%j, with the official client', async (command, stdout, stderr, exitCode) => {
    const { config } = await serve();
    expect(await execWith(config, command, undefined)).toEqual({ stdout, stderr, exitCode });
  });

  it('read what they are sent until its end', async () => {
    const { port } = await serve();
    const client = await spdyClient(port, '/exec?command=cat&stdin=true&stdout=true', 'v4.channel.k8s.io');
    await client.open(1, { streamtype: 'error' });
    await client.open(3, { streamtype: 'stdin' });
    await client.open(5, { streamtype: 'stdout' });
    await client.send({ type: 'data', streamId: 3, data: Buffer.from(LARGE), fin: true });
    await expect.poll(() => client.text(5).length).toBe(LARGE.length);
    await expect.poll(() => client.text(1)).toBe('{"metadata":{},"status":"Success"}');
  });

  it('take their time', async () => {
    const { config, clock } = await serve();
    const result = execWith(config, ['sleep', '3600'], undefined);
    clock.start();
    expect(await result).toMatchObject({ exitCode: 0 });
    clock.stop();
    expect(clock.nowMs()).toBeGreaterThanOrEqual(NOW_MS + 3_600_000);
  });

  it.each<[string, Fixture, number, string]>([
    ['pod without a node', { pod: { ...POD, spec: { containers: [{ name: 'app' }] } } }, 400, 'pod p does not have a host assigned'],
    ['unclear container', { pod: TWO }, 400, 'a container name must be specified'],
  ])('are refused: %s', async (_case, fixture, code, text) => {
    const { port } = await serve(fixture);
    const answer = await refusalOf(port, '/exec?command=ls&stdout=true');
    expect(answer).toContain(`HTTP/1.1 ${code} `);
    expect(answer).toContain(text);
  });
});

it('a command in a container that has ended is refused on the way, as a real server does', async () => {
  const { port, config } = await serve({ running: false });
  const status = await new Promise((resolve, reject) => {
    new Exec(config).exec('ns', 'p', 'app', ['ls'], new PassThrough(), null, null, false, resolve).catch(reject);
  });
  const message = 'Internal error occurred: unable to upgrade connection: container not found ("app")';
  expect(status).toMatchObject({ status: 'Failure', reason: 'InternalError', message, code: 500 });
  await expect(spdyClient(port, '/exec?command=ls&stdout=true', 'v4.channel.k8s.io')).rejects.toThrow('HTTP 404');
});

it('a command without any stream is refused', async () => {
  const { port } = await serve();
  expect(await refusalOf(port, '/exec?command=ls')).toContain('you must specify at least 1 of stdin, stdout, stderr');
});

describe('forwarded ports', () => {
  it('carry bytes both ways, with the official client', async () => {
    const { config } = await serve();
    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
    let text = '';
    output.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const socket = await new PortForward(config).portForward('ns', 'p', [80], output, errors, input);
    input.write(LARGE);
    await expect.poll(() => text.length).toBe(LARGE.length);
    (socket as { close: () => void }).close();
  });

  it('say that nobody listens, with the official client', async () => {
    const { config } = await serve();
    const errors = new PassThrough();
    let text = '';
    errors.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await new PortForward(config).portForward('ns', 'p', [81], new PassThrough(), errors, new PassThrough());
    await expect.poll(() => text).toMatch(/^error forwarding port 81 to pod p, uid u: failed to execute portforward .*connection refused$/);
  });

  it('carry many connections at once over SPDY', async () => {
    const { port } = await serve();
    const client = await spdyClient(port, '/portforward', 'portforward.k8s.io');
    for (let n = 0; n < 20; n += 1) {
      await client.open(4 * n + 1, { streamtype: 'error', port: '80', requestid: String(n) });
      await client.open(4 * n + 3, { streamtype: 'data', port: '80', requestid: String(n) });
      await client.send({ type: 'data', streamId: 4 * n + 3, data: Buffer.from(`${n} ${LARGE}`), fin: true });
    }
    await expect.poll(() => client.finished.size).toBe(40);
    for (let n = 0; n < 20; n += 1) expect(client.text(4 * n + 3)).toBe(`${n} ${LARGE}`);
    await client.send({ type: 'ping', id: 7 });
    await expect.poll(() => client.pings).toEqual([7]);
  });

  it('say that nobody listens over SPDY', async () => {
    const { port } = await serve();
    const client = await spdyClient(port, '/portforward', 'portforward.k8s.io');
    await client.open(1, { streamtype: 'error', port: '81', requestid: '0' });
    await client.open(3, { streamtype: 'data', port: '81', requestid: '0' });
    await expect.poll(() => client.text(1)).toContain('error forwarding port 81 to pod p, uid u: ');
    await expect.poll(() => [...client.finished].toSorted()).toEqual([1, 3]);
  });

  it.each<[path: string, protocol: string, code: number]>([
    ['/portforward', 'nothing.k8s.io', 403],
    ['/portforward?ports=80', 'v1.channel.k8s.io', 403],
    ['/portforward', 'v4.channel.k8s.io', 400],
    ['/portforward?ports=70000', 'v4.channel.k8s.io', 400],
  ])('are refused: %s %s', async (path, protocol, code) => {
    const { port } = await serve();
    expect(await refusalOf(port, path, protocol)).toContain(`HTTP/1.1 ${code} `);
  });

  it('survive a client that does not speak SPDY after all', async () => {
    const { port } = await serve();
    const socket = await upgraded(port, '/portforward', 'portforward.k8s.io');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    expect((await getLog(port, '')).status).toBe(200);
  });
});

/** The answer to a WebSocket handshake. */
function refusalOf(port: number, path: string, protocol = 'v5.channel.k8s.io'): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    const lines = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('\r\n')}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.once('close', () => resolve(text));
  });
}

function upgraded(port: number, path: string, protocol: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol };
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent: false });
    sent.once('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      if (response.headers['x-stream-protocol-version'] === protocol) resolve(socket);
      else reject(new Error('another protocol was answered'));
    });
    sent.once('response', (response) => reject(new Error(`HTTP ${response.statusCode ?? 0}`)));
    sent.once('error', reject);
    sent.end();
  });
}

async function spdyClient(port: number, path: string, protocol: string) {
  const socket = await upgraded(port, path, protocol);
  const codec = createSpdyCodec();
  const received = new Map<number, Buffer[]>();
  const finished = new Set<number>();
  const pings: number[] = [];
  let reading: Promise<void> = Promise.resolve();
  socket.on('data', (chunk: Buffer) => {
    reading = reading.then(async () => {
      for (const frame of await codec.decode(chunk)) {
        if (frame.type === 'ping') pings.push(frame.id);
        if (frame.type !== 'data') continue;
        received.set(frame.streamId, [...(received.get(frame.streamId) ?? []), frame.data]);
        if (frame.fin) finished.add(frame.streamId);
      }
    });
  });
  closers.push(() => socket.destroy());
  const send = async (frame: SpdyFrame): Promise<void> => void socket.write(await codec.encode(frame));
  return {
    finished,
    pings,
    send,
    open: (streamId: number, headers: SpdyHeaders) => send({ type: 'syn-stream', streamId, headers, fin: false }),
    text: (streamId: number) => Buffer.concat(received.get(streamId) ?? []).toString(),
  };
}
