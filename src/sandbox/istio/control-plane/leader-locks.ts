/**
 * Leader election of istiods: of all revisions in one lock each, where the default revision takes what another holds, or one of its own for each revision.
 * Source: istio/istio, pilot/pkg/leaderelection/leaderelection.go, tag 1.28.2; times as there.
 */
import type { Cluster, ClusterWriter } from '../../cluster/cluster-view.ts';
import { timestamp, type SandboxClock, type Timer } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { hasGatewayStatusLeaderPerRevision, type IstioVersion } from '../istio-version.ts';

const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const LEASES = 'leases.coordination.k8s.io';
const LEASE_SECONDS = 30;

export interface LockName {
  readonly name: string;
  readonly kind: 'ConfigMap' | 'Lease';
}

export const NAMESPACE_LOCK = 'istio-namespace-controller-election';

/** The locks that an istiod takes part in with its default settings and no Gateway API. */
export function locksOf(version: IstioVersion, revision: string): readonly LockName[] {
  const perRevision = hasGatewayStatusLeaderPerRevision(version);
  return [
    { name: 'istio-leader', kind: 'ConfigMap' },
    { name: NAMESPACE_LOCK, kind: 'ConfigMap' },
    { name: 'istio-ip-autoallocate', kind: 'ConfigMap' },
    perRevision
      ? { name: `istio-gateway-status-leader-${revision}`, kind: 'Lease' }
      : { name: 'istio-gateway-status-leader', kind: 'ConfigMap' },
    { name: `istio-gateway-deployment-${revision}`, kind: 'Lease' },
  ];
}

export interface LeaderOptions {
  readonly cluster: Cluster;
  readonly writer: ClusterWriter;
  readonly clock: SandboxClock;
  readonly namespace: string;
  readonly pod: string;
  readonly revision: string;
  readonly retryMs: () => number;
  /** Told when this istiod becomes, or stops being, the leader of a lock. */
  readonly onLeading: (lock: string, leads: boolean) => void;
}

interface Held {
  readonly holder: string;
  readonly key: string;
  readonly renewedMs: number;
  readonly acquired: string;
  readonly transitions: number;
  readonly seconds: number;
}

export interface LeaderElection {
  /** Gives up what it holds, as an istiod does that is told to end. */
  readonly release: () => Promise<void>;
  readonly stop: () => void;
}

export function startLeaderElection(locks: readonly LockName[], options: LeaderOptions): LeaderElection {
  const leads = new Set<string>();
  const timers = new Map<string, Timer>();
  let stopped = false;

  const settle = (lock: LockName, leading: boolean): void => {
    if (leading === leads.has(lock.name)) return;
    if (leading) leads.add(lock.name);
    else leads.delete(lock.name);
    options.onLeading(lock.name, leading);
  };

  const round = async (lock: LockName): Promise<void> => {
    if (stopped) return;
    const release = options.clock.hold();
    try {
      settle(lock, await tryLock(lock, options));
    } catch {
      // A conflict or an unreachable API: the next round sees what has become of the lock.
      settle(lock, leads.has(lock.name) && stillHolds(lock, options));
    } finally {
      release();
      if (!stopped) schedule(lock, options.retryMs());
    }
  };

  const schedule = (lock: LockName, delayMs: number): void => {
    timers.set(
      lock.name,
      options.clock.after(delayMs, () => void round(lock)),
    );
  };

  for (const lock of locks) schedule(lock, 0);
  const stop = (): void => {
    stopped = true;
    for (const timer of timers.values()) timer.cancel();
    for (const lock of locks) settle(lock, false);
  };
  return {
    stop,
    release: async () => {
      const held = locks.filter(({ name }) => leads.has(name));
      stop();
      for (const lock of held) await giveUp(lock, options).catch(() => undefined);
    },
  };
}

function find({ name, kind }: LockName, { cluster, namespace }: LeaderOptions): KubeObject | undefined {
  return cluster.get(kind === 'Lease' ? LEASES : 'configmaps', name, namespace);
}

function stillHolds(lock: LockName, options: LeaderOptions): boolean {
  const object = find(lock, options);
  return object !== undefined && read(lock, object)?.holder === options.pod;
}

/** Acquires or renews. @returns whether this istiod leads now */
async function tryLock(lock: LockName, options: LeaderOptions): Promise<boolean> {
  const nowMs = options.clock.nowMs();
  const object = find(lock, options);
  const held = object === undefined ? undefined : read(lock, object);
  const mine = held?.holder === options.pod;
  if (held !== undefined && !mine && held.holder !== '') {
    const alive = held.renewedMs + held.seconds * 1000 > nowMs;
    if (alive && !(lock.kind === 'ConfigMap' && isPreferred(held.key, options))) return false;
  }
  const next: Held = {
    holder: options.pod,
    key: options.revision,
    seconds: LEASE_SECONDS,
    renewedMs: nowMs,
    acquired: mine ? held.acquired : stamp(lock, options.clock),
    transitions: held === undefined ? 0 : held.transitions + (mine ? 0 : 1),
  };
  await write(lock, object, next, options);
  return true;
}

/** The default revision takes a lock that another revision holds. */
function isPreferred(key: string, { cluster, revision }: LeaderOptions): boolean {
  const tag = cluster.get('mutatingwebhookconfigurations.admissionregistration.k8s.io', 'istio-revision-tag-default');
  return key !== revision && tag?.metadata.labels?.['istio.io/rev'] === revision;
}

async function giveUp(lock: LockName, options: LeaderOptions): Promise<void> {
  const object = find(lock, options);
  const held = object === undefined ? undefined : read(lock, object);
  if (object === undefined || held?.holder !== options.pod) return;
  const at = stamp(lock, options.clock);
  await write(lock, object, { ...held, holder: '', key: '', seconds: 1, acquired: at, renewedMs: options.clock.nowMs() }, options);
}

/** Leases keep microseconds, the annotation whole seconds. */
function stamp({ kind }: LockName, clock: SandboxClock): string {
  return kind === 'Lease' ? new Date(clock.nowMs()).toISOString().replace('Z', '000Z') : timestamp(clock);
}

interface LeaderRecord {
  readonly holderIdentity?: string;
  readonly holderKey?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaderTransitions?: number;
  readonly leaseTransitions?: number;
}

function read({ kind }: LockName, object: KubeObject): Held | undefined {
  const text = object.metadata.annotations?.[LEADER_ANNOTATION];
  if (kind === 'ConfigMap' && text === undefined) return undefined;
  const record = (kind === 'Lease' ? (object['spec'] ?? {}) : JSON.parse(text ?? '{}')) as LeaderRecord;
  return {
    holder: record.holderIdentity ?? '',
    key: record.holderKey ?? '',
    renewedMs: Date.parse(record.renewTime ?? '') || 0,
    acquired: record.acquireTime ?? '',
    transitions: record.leaderTransitions ?? record.leaseTransitions ?? 0,
    seconds: record.leaseDurationSeconds ?? LEASE_SECONDS,
  };
}

async function write(lock: LockName, found: KubeObject | undefined, held: Held, options: LeaderOptions): Promise<void> {
  const { writer, namespace, clock } = options;
  const base = found ?? blank(lock, namespace);
  const resource = lock.kind === 'Lease' ? LEASES : 'configmaps';
  const common = {
    holderIdentity: held.holder,
    leaseDurationSeconds: held.seconds,
    acquireTime: held.acquired,
    renewTime: stamp(lock, clock),
  };
  const object: KubeObject =
    lock.kind === 'Lease'
      ? { ...base, spec: { ...(base['spec'] as object | undefined), ...common, leaseTransitions: held.transitions } }
      : {
          ...base,
          metadata: { ...base.metadata, annotations: { ...base.metadata.annotations, [LEADER_ANNOTATION]: annotationOf(held, common) } },
        };
  await (found === undefined ? writer.create(resource, object) : writer.update(resource, object));
}

function annotationOf(held: Held, common: LeaderRecord): string {
  return JSON.stringify({
    holderIdentity: common.holderIdentity,
    holderKey: held.key,
    leaseDurationSeconds: common.leaseDurationSeconds,
    acquireTime: common.acquireTime,
    renewTime: common.renewTime,
    leaderTransitions: held.transitions,
  });
}

function blank({ name, kind }: LockName, namespace: string): KubeObject {
  const apiVersion = kind === 'Lease' ? 'coordination.k8s.io/v1' : 'v1';
  return { apiVersion, kind, metadata: { name, namespace } };
}
