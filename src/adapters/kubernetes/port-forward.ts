/** HTTP to a pod's loopback through the API server, as `kubectl port-forward` does it. */
import { request } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { WebSocketHandler } from '@kubernetes/client-node/dist/web-socket-handler.js';
import { Problem, Transient } from '../../core/problems/problem.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeStatusError, toProblem } from './kube-errors.ts';
import { tryAgain } from './try-again.ts';

const TIMEOUT_MS = 10_000;
/** How long a connection is tried: what a pod does not say now, it is asked at the next look. */
const PATIENCE_MS = 5_000;

export interface PodTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * One GET over a forwarded connection of its own, and over another one when that cannot be had now or is lost.
 * @returns the body
 * @throws Error with a short text: not allowed, nothing listens, another status than 200, no answer in time
 */
export async function getThroughPod(client: KubeClient, target: PodTarget, path: string): Promise<string> {
  return tryAgain(() => getOnce(client, target, path), PATIENCE_MS);
}

async function getOnce(client: KubeClient, target: PodTarget, path: string): Promise<string> {
  const connection = await forward(client, target);
  try {
    const { status, body } = await get(connection.stream, path, connection.errors);
    if (status !== 200) throw new Error(`${path} answers ${status}: ${body.trim().slice(0, 100)}`);
    return body;
  } finally {
    connection.close();
  }
}

/**
 * One GET over a forwarded connection of its own, for whether anything answers.
 * @returns the status of any HTTP answer, else a short text of why there was none; a missing permission is thrown
 */
export async function askThroughPod(
  client: KubeClient,
  target: PodTarget,
  path: string,
): Promise<{ readonly status?: number; readonly error?: string }> {
  try {
    // Only the way to the pod is tried again: a port that hangs up has answered.
    const connection = await tryAgain(() => forward(client, target), PATIENCE_MS);
    try {
      return { status: (await get(connection.stream, path, connection.errors)).status };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

interface Forwarded {
  readonly stream: Duplex;
  readonly errors: () => string;
  close(): void;
}

/**
 * Channel 0 carries data, channel 1 errors; the first message of each only names the port.
 * @source kubernetes/kubernetes staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go @v1.34
 */
const DATA_CHANNEL = 0;

async function forward(client: KubeClient, target: PodTarget): Promise<Forwarded> {
  const toPod = new PassThrough();
  const fromPod = new PassThrough();
  // What the other end says of a failure may come before anybody reads, and after; `errors` keeps it.
  for (const end of [toPod, fromPod]) end.on('error', () => undefined);
  const opened = new Set<number>();
  let errors = '';
  const onMessage = (channel: number, data: Buffer): boolean => {
    const content = opened.has(channel) ? data : data.subarray(2);
    opened.add(channel);
    if (channel === DATA_CHANNEL) fromPod.write(content);
    else if (content.length > 0) {
      errors += content.toString('utf8');
      fromPod.destroy(new Error(errors.trim()));
    }
    return true;
  };
  const path = `/api/v1/namespaces/${target.namespace}/pods/${target.pod}/portforward?ports=${target.port}`;
  // By default the handler closes our own standard output when the server closes a channel.
  const handler = new WebSocketHandler(client.config, undefined, { stdin: toPod, stdout: new PassThrough(), stderr: new PassThrough() });
  let socket: Awaited<ReturnType<WebSocketHandler['connect']>>;
  try {
    socket = await handler.connect(path, null, onMessage);
  } catch (error) {
    throw forwardProblem(error, target, client);
  }
  WebSocketHandler.handleStandardInput(socket, toPod, DATA_CHANNEL);
  socket.on('close', () => fromPod.end());
  const stream = Duplex.from({ readable: fromPod, writable: toPod });
  stream.on('error', () => undefined);
  return {
    stream,
    errors: () => errors.trim(),
    close: () => {
      stream.destroy();
      socket.terminate();
    },
  };
}

/** The handshake fails with the status only in its text. */
function forwardProblem(error: unknown, target: PodTarget, client: KubeClient): Error {
  const text = (error as { message?: string } | null)?.message ?? String(error);
  const status = Number(/Unexpected server response: (\d+)/.exec(text)?.[1]);
  if (Number.isNaN(status)) return toProblem((error as { error?: unknown }).error ?? error, client.server);
  const intent = { verb: 'get', group: '', resource: 'pods/portforward', namespace: target.namespace, name: target.pod };
  return toProblem(new KubeStatusError(status, { message: `HTTP ${status} on pods/portforward` }, intent), client.server);
}

/** What the other end says of it is an answer; a connection that ends without a word is lost. */
function cutOff(error: Error, words: string): Error {
  if (words === '' && (error as { code?: string }).code === 'ECONNRESET') return new Transient(error.message, { cause: error });
  return new Error(words || error.message);
}

/** An application behind a gateway can tell by them who asks. */
const HEADERS = { host: 'localhost', 'user-agent': 'meshlift', connection: 'close' };

function get(stream: Duplex, path: string, errors: () => string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error instanceof Problem ? error : cutOff(error, errors()));
    // It failed before anybody asked; a stream that has ended already would say nothing more.
    if (errors() !== '') return fail(new Error(errors()));
    // A request takes any duplex stream as its connection, although its type wants a socket.
    const call = request({ path, headers: { ...HEADERS }, createConnection: () => stream as Socket, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    call.on('error', fail);
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000}s`)));
    setTimeout(() => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000}s`)), TIMEOUT_MS).unref();
    call.end();
  });
}
