/** The lock of a mesh: one Lease in the Istio namespace, renewed while a driver is alive. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { Problem, Transient } from '../../core/problems/problem.ts';
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
/** A driver that could not renew for this long brings nothing about any more, before its lease is up. */
const RENEW_DEADLINE_MS = 12_000;
/** How long a renewal is tried before the next one is due, and how long one answer is waited for. */
const RENEW_PATIENCE_MS = 4_000;
/** An own write whose answer was lost, that of the driver before, and one more. */
const CLAIMS = 4;

const OF_LOCK = { ofLock: true, patienceMs: RENEW_PATIENCE_MS, timeoutMs: RENEW_PATIENCE_MS } as const;

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** By both clocks: one stands still while the machine sleeps, the other one may be set. */
interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

/** The lease as this driver wrote it, and when: its time begins when it was sent, not when the answer came. */
interface Claim {
  readonly lease: Lease;
  readonly sentAt: Moment;
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
    const first = found && this.#otherHolder(found);
    const isSilent = first !== undefined && first.expiresInMs <= 0 && !first.knownDead;
    const lease = isSilent ? await this.#lookAgain() : found;
    const holder = lease && this.#otherHolder(lease);
    if (holder && isSilent && lease.spec?.renewTime !== found?.spec?.renewTime)
      return { kind: 'busy', holder: { ...holder, silentForMs: 0 } };
    if (holder && holder.expiresInMs > 0 && !holder.knownDead) return { kind: 'busy', holder };
    const claim = await this.#claim(lease, true);
    if (claim) return { kind: 'held', lock: this.#keep(claim) };
    const now = await this.holder();
    if (now) return { kind: 'busy', holder: now };
    throw new Transient('the lock changed hands at the same moment');
  }

  /**
   * Writes this driver into the lease. A conflict is either with somebody else, or with an own write whose answer was lost.
   * @returns undefined when somebody else was faster
   */
  async #claim(lease: Lease | undefined, isTransition: boolean): Promise<Claim | undefined> {
    let present = lease;
    for (let tries = 0; tries < CLAIMS; tries += 1) {
      const sentAt = thisMoment();
      try {
        return { lease: present ? await this.#update(present, this.identity, isTransition) : await this.#create(), sentAt };
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
      present = await this.#read();
      // A lease that was removed is free for who asks, and lost for who had it.
      const isMine = present?.spec?.holderIdentity === this.identity;
      if (!isMine && !(isTransition && present === undefined)) return undefined;
    }
    throw new Transient('another program writes to the lock all the time');
  }

  /** The clocks of two machines differ: a holder that is alive shows it by renewing while we look. */
  async #lookAgain(): Promise<Lease | undefined> {
    await this.#wait(RENEW_INTERVAL_MS + RENEW_MARGIN_MS);
    return this.#read();
  }

  async holder(): Promise<LockHolder | undefined> {
    const lease = await this.#read();
    const holder = lease && this.#otherHolder(lease);
    return holder && holder.expiresInMs > 0 && !holder.knownDead ? holder : undefined;
  }

  /** What this process could not give back is in nobody's way. */
  #otherHolder(lease: Lease): LockHolder | undefined {
    const holder = holderOf(lease);
    return holder?.identity === this.identity ? undefined : holder;
  }

  #keep(first: Claim): HeldLock {
    let { lease, sentAt } = first;
    let lost = false;
    let renewal: Promise<void> | undefined;
    const renew = async (): Promise<void> => {
      const claim = await this.#claim(lease, false);
      if (claim) ({ lease, sentAt } = claim);
      else lost = true;
    };
    // One that fails may pass: the next one tells.
    const begin = (): void => {
      if (!lost)
        renewal ??= renew()
          .catch(() => undefined)
          .finally(() => (renewal = undefined));
    };
    const timer = setInterval(begin, RENEW_INTERVAL_MS);
    timer.unref();
    // One that took long to be had has to be renewed before the first interval is over.
    if (ageMs(sentAt) > RENEW_MARGIN_MS) begin();
    const isHeld = (): boolean => !lost && ageMs(sentAt) < RENEW_DEADLINE_MS;
    this.#client.fence = () => {
      if (!isHeld()) throw lost ? lostProblem() : new Transient('the lock of this mesh could not be renewed');
    };
    return {
      isHeld,
      isLost: () => lost,
      release: async () => {
        clearInterval(timer);
        await renewal;
        this.#client.fence = undefined;
        if (!lost) await this.#giveBack(lease).catch(() => undefined);
      },
    };
  }

  async #giveBack(lease: Lease): Promise<void> {
    try {
      await this.#update(lease, '', false);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const live = await this.#read();
      if (live?.spec?.holderIdentity === this.identity) await this.#update(live, '', false);
    }
  }

  async #read(): Promise<Lease | undefined> {
    try {
      return (await this.#client.request({
        method: 'GET',
        ...resourceRequest(LEASES, 'get', { namespace: this.#namespace, name: LEASE_NAME }),
        ...OF_LOCK,
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
      ...OF_LOCK,
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
      ...OF_LOCK,
      query: { fieldManager: FIELD_MANAGER },
      body: { ...lease, metadata, spec },
    })) as Lease;
  }
}

function thisMoment(): Moment {
  return { steadyMs: performance.now(), wallMs: Date.now() };
}

function ageMs({ steadyMs, wallMs }: Moment): number {
  return Math.max(performance.now() - steadyMs, Math.abs(Date.now() - wallMs));
}

function lostProblem(): Problem {
  return new Problem('RUN-002', { what: 'The lock of this mesh was lost.', next: [{ label: 'look', command: 'meshlift runs' }] });
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
