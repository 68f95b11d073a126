/** `kubectl exec` and `kubectl attach`, over WebSocket channels and over SPDY. */
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { ContainerLog, PodRuntimes, RunningContainer } from '../cluster/pod-runtime.ts';
import { badRequest, StatusError } from '../objects/status-error.ts';
import { chooseContainer, requireNode } from './container-choice.ts';
import { readFlag } from './log-options.ts';
import { runCommand } from './run-command.ts';
import { serveSpdy } from './spdy-session.ts';
import type { StreamRequest, UpgradedConnection } from './stream-handler.ts';
import { acceptSpdy, acceptWebSocket, chooseProtocol, offeredProtocols, upgradeKind } from './upgrade-handshake.ts';
import { openChannels } from './websocket-channels.ts';

const WEBSOCKET_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
/** v5 over SPDY is not spoken by real kubelets either. */
const SPDY_PROTOCOLS = ['v4.channel.k8s.io'];

const STREAM_NAMES = ['stdin', 'stdout', 'stderr'] as const;

export interface CommandSources {
  readonly pods: PodRuntimes;
  readonly clock: SandboxClock;
}

/** What a client and a command have between them. */
interface CommandStreams {
  readonly stdin?: Readable;
  readonly stdout?: Duplex;
  readonly stderr?: Duplex;
  /** Takes the outcome, as a Status. */
  readonly outcome: Duplex;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/** @throws StatusError before anything is answered */
export async function serveCommand(
  { pods, clock }: CommandSources,
  request: StreamRequest,
  message: IncomingMessage,
  upgrade: UpgradedConnection,
): Promise<void> {
  requireNode(request.pod);
  const container = chooseContainer(request.pod, request.container);
  const command = request.query.getAll('command');
  if (!STREAM_NAMES.some((name) => readFlag(request.query, name))) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  if (request.subresource === 'exec' && command.length === 0) throw badRequest('you must specify at least one command for the container');
  const running = pods.container(request.pod.metadata.uid ?? '', container.name);
  const refusal =
    running?.running() === true ? undefined : `unable to upgrade connection: container not found (${JSON.stringify(container.name)})`;
  // A real API server has accepted the WebSocket by the time at which the kubelet refuses.
  if (refusal !== undefined && upgradeKind(message) === 'spdy') throw new StatusError(404, 'NotFound', refusal);
  const streams = await openStreams(request.query, message, upgrade);
  if (running === undefined || refusal !== undefined) {
    await finish(streams, internalError(refusal ?? ''));
    return;
  }
  if (request.subresource === 'attach') {
    await attach(running, streams);
    return;
  }
  const stdin = streams.stdin === undefined ? {} : { stdin: streams.stdin };
  const result = await runCommand({ pod: request.pod, container, running, command, clock, ...stdin });
  await write(streams.stdout, result.stdout);
  // A terminal has one output for both.
  await write(readFlag(request.query, 'tty') ? streams.stdout : streams.stderr, result.stderr);
  await finish(streams, exitStatus(result.exitCode));
}

/** Says what the container logs until it ends or the client goes. */
async function attach(running: RunningContainer, streams: CommandStreams): Promise<void> {
  const log: ContainerLog | undefined = running.log(false);
  streams.stdin?.resume();
  let unfollow: (() => void) | undefined;
  const over = new Promise<void>((resolve) => {
    unfollow = log?.follow({ line: ({ text }) => void streams.stdout?.write(`${text}\n`), end: resolve });
    void streams.ended.then(resolve);
  });
  await over;
  unfollow?.();
  await finish(streams, exitStatus(0));
}

async function openStreams(query: URLSearchParams, message: IncomingMessage, upgrade: UpgradedConnection): Promise<CommandStreams> {
  const kind = upgradeKind(message);
  const offered = offeredProtocols(message, kind);
  const known = kind === 'websocket' ? WEBSOCKET_PROTOCOLS : SPDY_PROTOCOLS;
  const protocol = chooseProtocol(offered, known);
  if (protocol === undefined) {
    const text = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`;
    throw new StatusError(403, 'Forbidden', text);
  }
  const wanted = {
    stdin: readFlag(query, 'stdin'),
    stdout: readFlag(query, 'stdout'),
    stderr: readFlag(query, 'stderr') && !readFlag(query, 'tty'),
  };
  if (kind === 'spdy') return spdyStreams(acceptSpdy(upgrade, protocol), wanted);
  const channels = openChannels(await acceptWebSocket(message, upgrade, protocol));
  return {
    ...(wanted.stdin ? { stdin: channels.channel(0) } : {}),
    ...(wanted.stdout ? { stdout: channels.channel(1) } : {}),
    ...(wanted.stderr ? { stderr: channels.channel(2) } : {}),
    outcome: channels.channel(3),
    ended: channels.ended,
    close: channels.close,
  };
}

/** The client opens one stream for each that it asked for, and one for the outcome. */
function spdyStreams(transport: Duplex, wanted: Readonly<Record<'stdin' | 'stdout' | 'stderr', boolean>>): Promise<CommandStreams> {
  const opened = new Map<string, Duplex>();
  const needed = ['error', ...Object.entries(wanted).flatMap(([name, asked]) => (asked ? [name] : []))];
  return new Promise((resolve, reject) => {
    const session = serveSpdy(transport, ({ headers, duplex }) => {
      opened.set(headers['streamtype'] ?? '', duplex);
      const outcome = opened.get('error');
      if (outcome === undefined || !needed.every((name) => opened.has(name))) return;
      const [stdin, stdout, stderr] = [opened.get('stdin'), opened.get('stdout'), opened.get('stderr')];
      const { ended, close } = session;
      resolve({
        ...(stdin === undefined ? {} : { stdin }),
        ...(stdout === undefined ? {} : { stdout }),
        ...(stderr === undefined ? {} : { stderr }),
        outcome,
        ended,
        close,
      });
    });
    void session.ended.then(() => reject(new Error('the client left before it had opened its streams')));
  });
}

async function finish(streams: CommandStreams, status: unknown): Promise<void> {
  await write(streams.outcome, JSON.stringify(status));
  for (const stream of [streams.stdout, streams.stderr, streams.outcome]) stream?.end();
  streams.close();
  await streams.ended;
}

function write(stream: Duplex | undefined, text: string): Promise<void> {
  if (stream === undefined || text === '' || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => void stream.write(text, () => resolve()));
}

function internalError(text: string): unknown {
  const { status } = new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
  return status;
}

/** @source kubernetes/kubernetes staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/exec.go @v1.34 */
export function exitStatus(exitCode: number): unknown {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
