/** `kubectl port-forward`, over SPDY (bare or inside of WebSocket) and over WebSocket channels. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest, StatusError } from '../objects/status-error.ts';
import { requireNode } from './container-choice.ts';
import { serveSpdy, type SpdyStream } from './spdy-session.ts';
import type { StreamRequest, UpgradedConnection } from './stream-handler.ts';
import { acceptSpdy, acceptWebSocket, byteStream, chooseProtocol, offeredProtocols, upgradeKind } from './upgrade-handshake.ts';
import { openChannels, type ChannelConnection } from './websocket-channels.ts';

const SPDY_PROTOCOL = 'portforward.k8s.io';
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const CHANNEL_PROTOCOLS = ['v4.channel.k8s.io', 'v5.channel.k8s.io'];

/** @throws StatusError before anything is answered */
export async function forwardPorts(
  network: PodNetwork,
  request: StreamRequest,
  message: IncomingMessage,
  upgrade: UpgradedConnection,
): Promise<void> {
  requireNode(request.pod);
  const target = forwardTarget(request.pod, network);
  const kind = upgradeKind(message);
  const offered = offeredProtocols(message, kind);
  if (kind === 'spdy') {
    if (!offered.includes(SPDY_PROTOCOL)) throw unknownProtocol(offered, [SPDY_PROTOCOL]);
    await forwardOverSpdy(acceptSpdy(upgrade, SPDY_PROTOCOL), target);
    return;
  }
  if (offered.includes(TUNNEL_PROTOCOL)) {
    await forwardOverSpdy(byteStream(await acceptWebSocket(message, upgrade, TUNNEL_PROTOCOL)), target);
    return;
  }
  const protocol = chooseProtocol(offered, CHANNEL_PROTOCOLS);
  if (protocol === undefined) throw unknownProtocol(offered, [TUNNEL_PROTOCOL, ...CHANNEL_PROTOCOLS]);
  const ports = readPorts(request.query);
  await forwardOverChannels(openChannels(await acceptWebSocket(message, upgrade, protocol)), ports, target);
}

function unknownProtocol(offered: readonly string[], known: readonly string[]): StatusError {
  const list = (protocols: readonly string[]): string => `[${protocols.join(' ')}]`;
  return new StatusError(
    403,
    'Forbidden',
    `unable to upgrade: unable to negotiate protocol: client supports ${list(offered)}, server accepts ${list(known)}`,
  );
}

interface ForwardTarget {
  readonly connect: (port: number) => Promise<Duplex>;
  /** @returns what the client is told */
  readonly refusal: (port: number) => string;
}

/** @source the words are those of a kubelet v1.34 with containerd */
function forwardTarget(pod: KubeObject, network: PodNetwork): ForwardTarget {
  const { podIP } = (pod['status'] ?? {}) as { readonly podIP?: string };
  const { uid = '' } = pod.metadata;
  return {
    connect: (port) => (podIP === undefined ? Promise.reject(new Error('no address yet')) : network.connect(podIP, port)),
    refusal: (port) => {
      const namespace = `/var/run/netns/cni-${uid}`;
      const tried = `IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6 [::1]:${port}: connect: connection refused`;
      const why = `failed to execute portforward in network namespace "${namespace}": failed to connect to localhost:${port} inside namespace "${namespace}", ${tried}`;
      return `error forwarding port ${port} to pod ${pod.metadata.name}, uid ${uid}: ${why}`;
    },
  };
}

/** Each connection is a pair of streams with the same request id: one for data, one for an error. */
async function forwardOverSpdy(transport: Duplex, target: ForwardTarget): Promise<void> {
  const halves = new Map<string, SpdyStream>();
  const session = serveSpdy(transport, (stream) => {
    const { requestid = '', streamtype, port } = stream.headers;
    const other = halves.get(requestid);
    if (other === undefined) {
      halves.set(requestid, stream);
      return;
    }
    halves.delete(requestid);
    const [data, errors] = streamtype === 'data' ? [stream, other] : [other, stream];
    void forwardOne(Number(port), data.duplex, errors.duplex, target);
  });
  await session.ended;
}

async function forwardOne(port: number, data: Duplex, errors: Duplex, target: ForwardTarget): Promise<void> {
  let socket: Duplex;
  try {
    socket = await target.connect(port);
  } catch {
    errors.end(target.refusal(port));
    data.end();
    data.resume();
    return;
  }
  errors.resume();
  join(data, socket);
  socket.once('close', () => errors.end());
}

/** Bytes both ways; the end of one side ends the other. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => {
      if (!to.writableEnded) to.end();
    });
  }
}

/** `ports` once or several times, each with numbers that commas divide. */
function readPorts(query: URLSearchParams): readonly number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','));
  if (texts.length === 0) throw badRequest('query parameter "port" is required');
  return texts.map((text) => {
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`port ${text} is invalid: must be a number from 1 to 65535`);
    return port;
  });
}

/** Two channels for each port: data and error; the first message of each is the port in two bytes, little-endian. */
async function forwardOverChannels(channels: ChannelConnection, ports: readonly number[], target: ForwardTarget): Promise<void> {
  for (const [index, port] of ports.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    const [data, errors] = [channels.channel(2 * index), channels.channel(2 * index + 1)];
    data.write(number);
    errors.write(number);
    void forwardChannel(port, data, errors, target).finally(() => {
      if (ports.length === 1) channels.close();
    });
  }
  await channels.ended;
}

async function forwardChannel(port: number, data: Duplex, errors: Duplex, target: ForwardTarget): Promise<void> {
  let socket: Duplex;
  try {
    socket = await target.connect(port);
  } catch {
    await new Promise<void>((resolve) => void errors.write(target.refusal(port), () => resolve()));
    return;
  }
  errors.resume();
  join(data, socket);
  await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
}
