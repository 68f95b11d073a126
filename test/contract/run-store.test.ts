/** The record and the lock against objects with resourceVersions: who took a run over last, and nobody else, writes to it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeRunLock } from '../../src/adapters/kubernetes/kube-run-lock.ts';
import { KubeRunStore } from '../../src/adapters/kubernetes/kube-run-store.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { RunEvent } from '../../src/core/run/run-event.ts';
import { ObjectServer } from '../kit/object-server.ts';
import { codeOf, World } from '../kit/world.ts';

let server: ObjectServer;
const clients: KubeClient[] = [];
let plan: Plan;

beforeEach(async () => {
  server = await ObjectServer.start();
  plan = await new World().withShop().plan();
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  server.stop();
});

function client(): KubeClient {
  const made = server.client();
  clients.push(made);
  return made;
}

const store = (): KubeRunStore => new KubeRunStore(client(), 'istio-system');
const at = '2026-03-01T12:00:00Z';
const started: RunEvent = { type: 'RunStarted', at, driver: 'a', planDigest: 'd' };
const stepDone = (step: string): RunEvent => ({ type: 'StepDone', at, step, evidence: [] });

/** Events that do not compress, so that pieces of the journal fill up. */
function bulky(step: string): RunEvent {
  const text = Array.from({ length: 40_000 }, (_, i) => Math.sin(i + step.length).toString(36)).join('');
  return { type: 'StepDone', at, step, evidence: [text] };
}

const journal = (): string[] =>
  [...server.objects.keys()].filter((path) => path.includes('-events-')).map((path) => path.split('/').at(-1) ?? '');

describe('a run', () => {
  it('is read back as it was written, by any driver', async () => {
    await store().create('r', plan);
    const writer = await store().open('r', 'a');
    for (const event of [started, stepDone('01-crds')]) await writer.append(event);
    const record = await store().load('r');
    expect(record.plan).toEqual(plan);
    expect(record.events).toEqual([started, stepDone('01-crds')]);
    expect((await store().list()).map((run) => [run.name, run.phase])).toEqual([['r', 'running']]);
  });

  it('can be told from anywhere to pause, and to leave workloads out, each once', async () => {
    await store().create('r', plan);
    await store().setPaused('r', true);
    await store().leaveOut('r', 'shop/web');
    await store().leaveOut('r', 'shop/Deployment/cart');
    await store().leaveOut('r', 'shop/web');
    expect(await store().readControls('r')).toEqual({ paused: true, leftOut: ['shop/web', 'shop/Deployment/cart'] });
    expect(await codeOf(store().leaveOut('none', 'shop/web'))).toBe('RUN-003');
  });

  it('is written in as many pieces as it takes, and the order survives', async () => {
    await store().create('r', plan);
    const writer = await store().open('r', 'a');
    const events = [started, bulky('01'), bulky('002'), stepDone('03'), bulky('0004'), stepDone('05')];
    for (const event of events) await writer.append(event);
    expect(journal().length).toBeGreaterThan(2);
    expect((await store().load('r')).events).toEqual(events);
  });

  it('with a piece of its journal missing is damaged, not shorter', async () => {
    await store().create('r', plan);
    const writer = await store().open('r', 'a');
    for (const event of [started, bulky('01'), bulky('002'), stepDone('03')]) await writer.append(event);
    const middle = [...server.objects.keys()].find((path) => path.endsWith('-events-1')) ?? '';
    server.objects.delete(middle);
    expect(await codeOf(store().load('r'))).toBe('RUN-007');
  });

  it('an event whose answer was lost is there once', async () => {
    await store().create('r', plan);
    const writer = await store().open('r', 'a');
    await writer.append(started);
    let lost = 0;
    server.beforeAnswer = (method, path) => (method === 'PUT' && path.includes('-events-') && lost++ === 0 ? 'lose' : 'answer');
    const later = '2026-03-01T12:00:09Z';
    await writer.append(stepDone('01')).catch(async () => writer.append({ ...stepDone('01'), at: later }));
    expect(lost).toBeGreaterThan(0);
    expect((await store().load('r')).events).toEqual([started, stepDone('01')]);
  });
});

describe('a driver that was overtaken', () => {
  it('is rejected', async () => {
    await store().create('r', plan);
    const first = await store().open('r', 'a');
    await first.append(started);
    const second = await store().open('r', 'b');
    expect(await codeOf(first.append(stepDone('01')))).toBe('RUN-002');
    await second.append(stepDone('01'));
    expect((await store().load('r')).events).toEqual([started, stepDone('01')]);
  });

  it('is rejected where it would begin a new piece, too', async () => {
    await store().create('r', plan);
    const first = await store().open('r', 'a');
    await first.append(started);
    await first.append(bulky('01'));
    const second = await store().open('r', 'b');
    expect(await codeOf(first.append(stepDone('by a')))).toBe('RUN-002');
    await second.append(stepDone('by b'));
    expect((await store().load('r')).events.at(-1)).toEqual(stepDone('by b'));
  });
});

describe('the lock', () => {
  const waits: number[] = [];
  const lock = (whileWaiting: () => void = () => undefined): KubeRunLock =>
    new KubeRunLock(client(), 'istio-system', (ms) => {
      waits.push(ms);
      whileWaiting();
      return Promise.resolve();
    });
  const lease = (): { spec: Record<string, unknown>; metadata: { annotations: Record<string, string> } } => {
    const [, object] = [...server.objects].find(([path]) => path.endsWith('/leases/meshlift')) ?? [];
    return object as unknown as ReturnType<typeof lease>;
  };
  /** A holder on another machine that renewed last this long ago, by our clock. */
  const heldElsewhere = (agoMs: number): void => {
    lease().metadata.annotations = {};
    Object.assign(lease().spec, { holderIdentity: 'ann@far/1/x', renewTime: new Date(Date.now() - agoMs).toISOString() });
  };

  beforeEach(() => waits.splice(0));

  it('is held by one, and given back', async () => {
    const first = await lock().acquire();
    if (first.kind !== 'held') throw new Error('not held');
    expect(await lock().acquire()).toMatchObject({ kind: 'busy' });
    await first.lock.release();
    expect(await lock().acquire()).toMatchObject({ kind: 'held' });
    expect(waits).toEqual([]);
  });

  it('of a holder that was seen lately is not taken', async () => {
    await lock().acquire();
    heldElsewhere(3000);
    expect(await lock().acquire()).toMatchObject({ kind: 'busy', holder: { identity: 'ann@far/1/x' } });
  });

  it('of a holder that went silent is taken, after a look whether it renews', async () => {
    await lock().acquire();
    heldElsewhere(60_000);
    expect(await lock().acquire()).toMatchObject({ kind: 'held' });
    expect(waits).toEqual([6000]);
  });

  it('of a holder that renews is not taken, however late its clock is', async () => {
    await lock().acquire();
    heldElsewhere(3_600_000);
    const answer = await lock(() => heldElsewhere(3_595_000)).acquire();
    expect(answer).toMatchObject({ kind: 'busy', holder: { identity: 'ann@far/1/x' } });
  });

  it('of a holder on this machine whose process is gone is taken at once', async () => {
    await lock().acquire();
    lease().spec['holderIdentity'] = 'ann@here/4194303/x';
    expect(await lock().acquire()).toMatchObject({ kind: 'held' });
    expect(waits).toEqual([]);
  });
});
