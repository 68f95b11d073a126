/** The lock of a mesh: one Lease in the Istio namespace, renewed while a driver is alive. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { Transient } from '../../core/problems/problem.ts';
import type { HeldLock, LockAnswer, LockHolder, RunLock } from '../../ports/run-lock.ts';
import type { KubeClient } from './kube-client.ts';
import { FIELD_MANAGER } from './kube-cluster-writer.ts';
import { isConflict, isNotFound } from './kube-errors.ts';
import { known, resourceRequest } from './resource-paths.ts';

const LEASES = known('coordination.k8s.io/v1', 'Lease');
const LEASE_NAME = 'meshlift';
const MACHINE_ANNOTATION = 'meshlift.io/machine';

const LEASE_DURATION_MS = 15_000;
const RENEW_INTERVAL_MS = 5_000;
const RENEW_MARGIN_MS = 1_000;
/** A driver that could not renew for this long stops before its lease is up. */
const RENEW_DEADLINE_MS = 12_000;

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export class KubeRunLock implements RunLock {
  readonly identity: string;
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #wait: (ms: number) => Promise<unknown>;

  constructor(client: KubeClient, namespace: string, wait: (ms: number) => Promise<unknown> = sleep) {
    this.#client = client;
    this.#wait = wait;
    this.#namespace = namespace;
    this.identity = `${userName()}@${hostname()}/${process.pid}/${randomBytes(3).toString('hex')}`;
  }

  async acquire(): Promise<LockAnswer> {
    const found = await this.#read();
    const first = found && holderOf(found);
    const isSilent = first !== undefined && first.expiresInMs <= 0 && !first.knownDead;
    const lease = isSilent ? await this.#lookAgain() : found;
    const holder = lease && holderOf(lease);
    if (holder && isSilent && lease.spec?.renewTime !== found?.spec?.renewTime)
      return { kind: 'busy', holder: { ...holder, silentForMs: 0 } };
    if (holder && holder.expiresInMs > 0 && !holder.knownDead) return { kind: 'busy', holder };
    return this.#take(lease);
  }

  async #take(lease: Lease | undefined): Promise<LockAnswer> {
    try {
      const taken = lease ? await this.#update(lease, this.identity, true) : await this.#create();
      return { kind: 'held', lock: this.#keep(taken) };
    } catch (error) {
      if (!isConflict(error)) throw error;
      const now = await this.holder();
      if (now) return { kind: 'busy', holder: now };
      throw new Transient('the lock changed hands at the same moment', { cause: error });
    }
  }

  /** The clocks of two machines differ: a holder that is alive shows it by renewing while we look. */
  async #lookAgain(): Promise<Lease | undefined> {
    await this.#wait(RENEW_INTERVAL_MS + RENEW_MARGIN_MS);
    return this.#read();
  }

  async holder(): Promise<LockHolder | undefined> {
    const lease = await this.#read();
    const holder = lease && holderOf(lease);
    return holder && holder.expiresInMs > 0 && !holder.knownDead ? holder : undefined;
  }

  #keep(first: Lease): HeldLock {
    let lease = first;
    // By both clocks: one stands still while the machine sleeps, the other one may be set.
    let renewedAt = performance.now();
    let renewedAtMs = Date.now();
    let lost = false;
    // A conflict is either somebody else, or an own renewal whose answer was lost.
    const settle = async (): Promise<void> => {
      const live = await this.#read();
      if (live?.spec?.holderIdentity !== this.identity) lost = true;
      else lease = live;
    };
    const renew = async (): Promise<void> => {
      try {
        lease = await this.#update(lease, this.identity, false);
        renewedAt = performance.now();
        renewedAtMs = Date.now();
      } catch (error) {
        if (isNotFound(error)) lost = true;
        if (isConflict(error)) await settle().catch(() => undefined);
      }
    };
    const timer = setInterval(() => void renew(), RENEW_INTERVAL_MS);
    timer.unref();
    return {
      isHeld: () => !lost && performance.now() - renewedAt < RENEW_DEADLINE_MS && Math.abs(Date.now() - renewedAtMs) < RENEW_DEADLINE_MS,
      release: async () => {
        clearInterval(timer);
        if (!lost) await this.#update(lease, '', false).catch(() => undefined);
      },
    };
  }

  async #read(): Promise<Lease | undefined> {
    try {
      return (await this.#client.request({
        method: 'GET',
        ...resourceRequest(LEASES, 'get', { namespace: this.#namespace, name: LEASE_NAME }),
      })) as Lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(): Promise<Lease> {
    const now = new Date().toISOString().replace('Z', '000Z');
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: LEASE_NAME,
        namespace: this.#namespace,
        labels: { 'app.kubernetes.io/name': 'meshlift' },
        annotations: { [MACHINE_ANNOTATION]: machineId() },
      },
      spec: {
        holderIdentity: this.identity,
        leaseDurationSeconds: LEASE_DURATION_MS / 1000,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 1,
      },
    };
    return (await this.#client.request({
      method: 'POST',
      ...resourceRequest(LEASES, 'create', { namespace: this.#namespace }),
      query: { fieldManager: FIELD_MANAGER },
      body,
    })) as Lease;
  }

  async #update(lease: Lease, identity: string, isTransition: boolean): Promise<Lease> {
    const now = new Date().toISOString().replace('Z', '000Z');
    const spec = {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_DURATION_MS / 1000,
      renewTime: now,
      ...(isTransition ? { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 } : {}),
    };
    const metadata = { ...lease.metadata, annotations: { ...lease.metadata.annotations, [MACHINE_ANNOTATION]: machineId() } };
    const target = { namespace: this.#namespace, name: LEASE_NAME };
    return (await this.#client.request({
      method: 'PUT',
      ...resourceRequest(LEASES, 'update', target),
      query: { fieldManager: FIELD_MANAGER },
      body: { ...lease, metadata, spec },
    })) as Lease;
  }
}

function holderOf(lease: Lease): LockHolder | undefined {
  const identity = lease.spec?.holderIdentity ?? '';
  if (identity === '') return undefined;
  const renewedMs = Date.parse(lease.spec?.renewTime ?? '');
  const silentForMs = Number.isNaN(renewedMs) ? LEASE_DURATION_MS : Math.max(0, Date.now() - renewedMs);
  const durationMs = (lease.spec?.leaseDurationSeconds ?? LEASE_DURATION_MS / 1000) * 1000;
  return { identity, silentForMs, expiresInMs: durationMs - silentForMs, knownDead: isKnownDead(lease, identity) };
}

/** On the machine of the holder nobody has to wait for its lease to expire: its process is there or it is not. */
function isKnownDead(lease: Lease, identity: string): boolean {
  if (lease.metadata.annotations?.[MACHINE_ANNOTATION] !== machineId()) return false;
  const pid = Number(identity.split('/').at(-2));
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}

/** The same for processes that see each other: host, boot and, on Linux, the namespace of process ids. */
function machineId(): string {
  const parts = [
    hostname(),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ];
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16);
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function userName(): string {
  return attempt(() => userInfo().username) || 'user';
}
