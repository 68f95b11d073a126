/** The lock when answers are lost: against objects with the rules of an API server, and against the sandbox. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeRunLock } from '../../src/adapters/kubernetes/kube-run-lock.ts';
import { known, resourceRequest } from '../../src/adapters/kubernetes/resource-paths.ts';
import { Transient } from '../../src/core/problems/problem.ts';
import type { HeldLock } from '../../src/ports/run-lock.ts';
import { startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { until } from '../kit/child-process.ts';
import { LosingProxy } from '../kit/losing-proxy.ts';
import { ObjectServer } from '../kit/object-server.ts';

type Answering = (method: string, path: string) => 'answer' | 'lose' | 'refuse';

interface Server {
  client(): KubeClient;
  beforeAnswer: Answering;
  stop(): void | Promise<void>;
}

async function startBehindProxy(): Promise<Server> {
  const sandbox = await startSandbox();
  const proxy = await LosingProxy.start(sandbox.kubeconfig);
  const stopProxy = proxy.stop.bind(proxy);
  const stop = async (): Promise<void> => {
    stopProxy();
    await sandbox.stop();
  };
  return Object.assign(proxy, { stop });
}

const NAMESPACE = 'default';
const RENEW_INTERVAL_MS = 5000;
const LEASES = known('coordination.k8s.io/v1', 'Lease');
const LEASE = { namespace: NAMESPACE, name: 'meshlift' };

interface Lease {
  readonly spec: { readonly holderIdentity: string; readonly renewTime: string };
}

describe.each<[string, () => Promise<Server>]>([
  ['objects behind HTTP', () => ObjectServer.start()],
  ['the sandbox', startBehindProxy],
])('a lock in %s', (_name, start) => {
  let server: Server;
  const clients: KubeClient[] = [];
  const held: HeldLock[] = [];

  beforeAll(async () => {
    server = await start();
  });

  afterAll(() => server.stop());

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'] });
  });

  afterEach(async () => {
    server.beforeAnswer = () => 'answer';
    for (const lock of held.splice(0)) await lock.release();
    vi.useRealTimers();
    await client().request({ method: 'DELETE', ...resourceRequest(LEASES, 'delete', LEASE) });
    for (const made of clients.splice(0)) made.close();
  });

  function client(): KubeClient {
    const made = server.client();
    clients.push(made);
    return made;
  }

  const driver = (of = client()): KubeRunLock => new KubeRunLock(of, NAMESPACE, () => Promise.resolve());

  async function hold(lock: KubeRunLock): Promise<HeldLock> {
    const answer = await lock.acquire();
    if (answer.kind !== 'held') throw new Error(`held by ${answer.holder.identity}`);
    held.push(answer.lock);
    return answer.lock;
  }

  const lease = async (): Promise<Lease> => (await client().request({ method: 'GET', ...resourceRequest(LEASES, 'get', LEASE) })) as Lease;

  /** The next write of this method is performed, and its answer is lost. @returns how often it was written since */
  function loseNext(method: string): () => number {
    let writes = 0;
    server.beforeAnswer = (asked, path) => {
      if (asked !== method || !path.includes('/leases')) return 'answer';
      writes += 1;
      return writes === 1 ? 'lose' : 'answer';
    };
    return () => writes;
  }

  it('is not lost with the answer to a renewal: the next one goes on from it', async () => {
    const first = driver();
    const lock = await hold(first);
    for (let renewal = 0; renewal < 6; renewal += 1) {
      const writes = loseNext('PUT');
      await vi.advanceTimersByTimeAsync(RENEW_INTERVAL_MS);
      // One that is lost, one that meets it, and one that goes on from it.
      await until('it is renewed', () => writes() === 3, 10_000, 5);
      await sleep(50);
      expect([lock.isHeld(), lock.isLost()]).toEqual([true, false]);
    }
    expect((await lease()).spec.holderIdentity).toBe(first.identity);
    expect(await driver().acquire()).toMatchObject({ kind: 'busy', holder: { identity: first.identity } });
  });

  it('is had although the answer to the taking was lost, the first time and later', async () => {
    loseNext('POST');
    await (await hold(driver())).release();
    loseNext('PUT');
    const second = driver();
    expect((await hold(second)).isHeld()).toBe(true);
    expect((await lease()).spec.holderIdentity).toBe(second.identity);
  });

  it('is given back although the answer to that was lost', async () => {
    const lock = await hold(driver());
    loseNext('PUT');
    await lock.release();
    expect((await hold(driver())).isHeld()).toBe(true);
  });

  it('that its own process could not give back is in nobody else’s hands', async () => {
    const first = driver();
    const lock = await hold(first);
    server.beforeAnswer = (method) => (method === 'PUT' ? 'refuse' : 'answer');
    const given = lock.release();
    await sleep(50);
    await vi.advanceTimersByTimeAsync(10_000);
    await given;
    server.beforeAnswer = () => 'answer';
    expect(await first.holder()).toBeUndefined();
    expect((await hold(first)).isHeld()).toBe(true);
  });

  it('is lost once somebody else has it, and nothing is written with it any more', async () => {
    const own = client();
    const lock = await hold(driver(own));
    const taken = await lease();
    const body = { ...taken, spec: { ...taken.spec, holderIdentity: 'ann@far/1/x' } };
    await client().request({ method: 'PUT', ...resourceRequest(LEASES, 'update', LEASE), body });
    await vi.advanceTimersByTimeAsync(RENEW_INTERVAL_MS);
    await until('it is lost', () => lock.isLost(), 10_000, 5);
    expect(lock.isHeld()).toBe(false);
    expect((await lease()).spec.holderIdentity).toBe('ann@far/1/x');
    const write = own.request({
      method: 'DELETE',
      ...resourceRequest(known('v1', 'ConfigMap'), 'delete', { namespace: NAMESPACE, name: 'c' }),
    });
    await expect(write).rejects.toMatchObject({ code: 'RUN-002' });
  });

  it('that cannot be renewed is not held before its time is up; nothing is written until a renewal comes through', async () => {
    const own = client();
    const lock = await hold(driver(own));
    const paths: string[] = [];
    server.beforeAnswer = (method, path) => {
      if (method === 'PUT') return 'refuse';
      paths.push(`${method} ${path}`);
      return 'answer';
    };
    await vi.advanceTimersByTimeAsync(11_000);
    expect(lock.isHeld()).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect([lock.isHeld(), lock.isLost()]).toEqual([false, false]);
    const write = own.request({
      method: 'DELETE',
      ...resourceRequest(known('v1', 'ConfigMap'), 'delete', { namespace: NAMESPACE, name: 'c' }),
    });
    await expect(write).rejects.toBeInstanceOf(Transient);
    expect(paths.filter((path) => path.startsWith('DELETE'))).toEqual([]);
    server.beforeAnswer = () => 'answer';
    await vi.advanceTimersByTimeAsync(RENEW_INTERVAL_MS);
    await until('it is held again', () => lock.isHeld(), 10_000, 5);
  });
});
