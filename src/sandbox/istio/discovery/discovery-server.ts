/** Discovery of one istiod: which proxies are connected, what they were sent and when, and what they acknowledged. */
import { createHash } from 'node:crypto';
import type { Cluster } from '../../cluster/cluster-view.ts';
import { timestamp, type SandboxClock } from '../../clock/sandbox-clock.ts';
import type { IstioKnobs } from '../istio-knobs.ts';
import { createViewBuilder, type MeshView } from './mesh-view.ts';
import { watchChanges, type ResourceType } from './change-watch.ts';

export interface ProxyIdentity {
  readonly pod: string;
  readonly namespace: string;
  readonly ip: string;
  readonly role: 'sidecar' | 'router';
  readonly istioVersion: string;
  readonly clusterId: string;
}

export interface Connection {
  /** `<pod>.<namespace>-<number>` */
  readonly id: string;
  readonly proxy: ProxyIdentity;
  readonly connectedAtMs: number;
  readonly closed: () => boolean;
  /** By the proxy: it goes, and wants to hear no more. */
  readonly close: () => void;
}

export interface PushedType {
  readonly type: ResourceType;
  readonly sent: string;
  /** '' while nothing was acknowledged. */
  readonly acked: string;
  readonly sentAtMs: number;
}

export interface DiscoveryServer {
  readonly revision: string;
  readonly pod: string;
  /** Fingerprint of the authority that signs its proxies' certificates. */
  readonly authority: string;
  readonly view: MeshView;
  /** @param onClose called when the istiod ends the connection @returns undefined when it takes none */
  readonly connect: (proxy: ProxyIdentity, onClose: () => void) => Connection | undefined;
  readonly connections: () => readonly Connection[];
  readonly pushed: (connection: Connection) => readonly PushedType[];
  /** Pushes so far, by type. */
  readonly pushes: () => Readonly<Record<ResourceType, number>>;
  readonly serviceCount: () => number;
  readonly stop: () => void;
}

export interface DiscoveryOptions {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly knobs: IstioKnobs;
  readonly revision: string;
  readonly pod: string;
  readonly authority: string;
  readonly rootNamespace: string;
}

interface Push {
  readonly number: number;
  readonly atMs: number;
}

/** The last push of a type and the one before, which stays acknowledged until the last one is. */
interface Pushes {
  readonly last: Push;
  readonly previous?: Push;
}

interface Open extends Connection {
  readonly end: () => void;
  /** The push that was the newest when it connected. */
  readonly first: Push;
}

export function createDiscoveryServer(options: DiscoveryOptions): DiscoveryServer {
  const { clock, knobs, revision, pod } = options;
  const builder = createViewBuilder(options.cluster, revision, options.rootNamespace);
  const open = new Map<string, Open>();
  const log = createPushLog(clock);
  let connectionNumber = 0;
  let stopped = false;

  const stopWatching = watchChanges(options, builder, (types) => log.push(types, open.size));
  const dropAll = (): void => {
    for (const connection of open.values()) connection.end();
  };
  const unwatchKnobs = knobs.onChange(() => {
    if (knobs.revision(revision).refusesProxies) dropAll();
  });

  const connect = (proxy: ProxyIdentity, onClose: () => void): Connection | undefined => {
    if (stopped || knobs.revision(revision).refusesProxies) return undefined;
    connectionNumber += 1;
    const id = `${proxy.pod}.${proxy.namespace}-${connectionNumber}`;
    const close = (): void => void open.delete(id);
    const end = (): void => {
      if (open.delete(id)) onClose();
    };
    const nowMs = clock.nowMs();
    const connection = {
      id,
      proxy,
      connectedAtMs: nowMs,
      closed: () => !open.has(id),
      close,
      end,
      first: { number: log.number(), atMs: nowMs },
    };
    open.set(id, connection);
    log.count(typesOf(proxy, builder.view));
    return connection;
  };

  return {
    revision,
    pod,
    authority: options.authority,
    view: builder.view,
    connect,
    connections: () => [...open.values()],
    pushed: (connection) => {
      const found = open.get(connection.id);
      if (found === undefined) return [];
      return typesOf(found.proxy, builder.view).map((type) => pushedType(type, found, log.of(type), options));
    },
    pushes: log.counts,
    serviceCount: builder.serviceCount,
    stop: () => {
      stopped = true;
      stopWatching();
      unwatchKnobs();
      dropAll();
    },
  };
}

interface PushLog {
  readonly number: () => number;
  readonly push: (types: ReadonlySet<ResourceType>, connections: number) => void;
  /** A connection that begins is sent these types. */
  readonly count: (types: readonly ResourceType[]) => void;
  readonly of: (type: ResourceType) => Pushes | undefined;
  readonly counts: () => Readonly<Record<ResourceType, number>>;
}

function createPushLog(clock: SandboxClock): PushLog {
  const pushes = new Map<ResourceType, Pushes>();
  const counts: Record<ResourceType, number> = { cluster: 0, listener: 0, route: 0, endpoint: 0 };
  let number = 1;
  return {
    number: () => number,
    push: (types, connections) => {
      number += 1;
      for (const type of types) {
        const before = pushes.get(type)?.last;
        pushes.set(type, { last: { number, atMs: clock.nowMs() }, ...(before === undefined ? {} : { previous: before }) });
        counts[type] += connections;
      }
    },
    count: (types) => {
      for (const type of types) counts[type] += 1;
    },
    of: (type) => pushes.get(type),
    counts: () => ({ ...counts }),
  };
}

/** A gateway asks for routes only when some Gateway gives it listeners. */
function typesOf(proxy: ProxyIdentity, view: MeshView): readonly ResourceType[] {
  if (proxy.role === 'router' && view.config('gateways').length === 0) return ['cluster', 'listener', 'endpoint'];
  return ['cluster', 'listener', 'route', 'endpoint'];
}

function pushedType(
  type: ResourceType,
  connection: Open,
  pushes: Pushes | undefined,
  { clock, knobs, revision }: DiscoveryOptions,
): PushedType {
  const after = (push: Push | undefined): Push => (push === undefined || push.number <= connection.first.number ? connection.first : push);
  const last = after(pushes?.last);
  const nonce = (push: Push): string => nonceOf(push, `${connection.id}/${type}`);
  const isAcked = !knobs.revision(revision).withholdsAcks && clock.nowMs() >= last.atMs + knobs.settings().ackDelayMs;
  const earlier = after(pushes?.previous);
  const acked = isAcked ? nonce(last) : last.number === connection.first.number ? '' : nonce(earlier);
  return { type, sent: nonce(last), acked, sentAtMs: last.atMs };
}

/** Time and number of the push, then a UUID without a mark between them. */
function nonceOf({ atMs, number }: Push, what: string): string {
  const hex = createHash('sha1').update(`${what}/${number}/${atMs}`).digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `${timestamp({ nowMs: () => atMs })}/${number}${uuid}`;
}
