/** Workloads that are restarted in waves, several at the same time: killed, paused, stopped and taken back in the midst of it. */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/core/problems/problem.ts';
import type { RunEvent } from '../../src/core/run/run-event.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { resumeRun, startRun } from '../../src/flows/start-run.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

/** Seven workloads in two namespaces. */
function mall(): World {
  const world = new World().withShop();
  world.cluster
    .namespace('bank', { 'istio-injection': 'enabled' })
    .workload('bank', 'vault', 2)
    .workload('bank', 'teller', 2)
    .workload('bank', 'audit', 3)
    .workload('bank', 'rates', 2);
  return world;
}

const AT_ONCE = { order: { restartsAtOnce: 3 } };

/** The steps that were under way at each moment at which one began, by the names of their workloads. */
function together(events: readonly RunEvent[]): string[][] {
  const under = new Set<string>();
  return events.flatMap((event) => {
    if (event.type === 'StepStarted') return [[...under.add(event.step)].map((step) => step.replace(/^\w+-\w+-/, ''))];
    if (event.type === 'StepDone') under.delete(event.step);
    return [];
  });
}

const atRestarts = (events: readonly RunEvent[]): string[][] =>
  together(events.filter((event) => !('step' in event) || event.step.includes('restart')));

describe('a run in waves', () => {
  it('restarts so many of a wave at the same time, and the next wave only when it is over', async () => {
    const world = mall();
    const { outcome, record } = await world.apply(AT_ONCE);
    expect(outcome).toBe('moved');
    const moments = atRestarts(record.events);
    expect(Math.max(...moments.map((steps) => steps.length))).toBe(3);
    for (const steps of moments) expect(new Set(steps.map((step) => step.split('-')[0])).size).toBe(1);
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect([world.cluster.revisionsOf('bank'), world.cluster.revisionsOf('shop')]).toEqual([{ canary: 9 }, { canary: 5 }]);
  });

  it('is shorter than one by one', async () => {
    const took = async (more: Record<string, unknown>): Promise<number> => {
      const world = mall();
      const since = world.clock.nowMs();
      await world.apply(more);
      return world.clock.nowMs() - since;
    };
    expect(await took(AT_ONCE)).toBeLessThan((await took({})) * 0.7);
  });

  it('never has both ends of a call under way', async () => {
    const world = mall();
    const edges = [
      { from: 'bank/vault', to: 'bank/teller' },
      { from: 'bank/teller', to: 'bank/audit' },
    ];
    const { record } = await world.apply({ order: { restartsAtOnce: 4, edges } });
    for (const steps of atRestarts(record.events)) {
      expect(steps).not.toEqual(expect.arrayContaining(['bank-deploy-vault', 'bank-deploy-teller']));
      expect(steps).not.toEqual(expect.arrayContaining(['bank-deploy-teller', 'bank-deploy-audit']));
    }
  });

  it('labels a namespace with the first wave that has a workload of it', async () => {
    const plan = await mall().plan({ order: { waves: [{ workloads: ['shop/cart'] }, { namespaces: ['bank'] }] } });
    expect(
      plan.steps.filter((step) => step.phase === 'move').map((step) => `${step.wave?.name ?? '-'}: ${step.title.split('  ')[0] ?? ''}`),
    ).toEqual([
      expect.stringMatching(/^-: .*CRD/),
      expect.stringMatching(/^-: install canary/),
      'shop/cart: label ns/shop',
      'shop/cart: restart deploy/cart in shop',
      'bank: label ns/bank',
      'bank: restart deploy/audit in bank',
      'bank: restart deploy/rates in bank',
      'bank: restart deploy/teller in bank',
      'bank: restart deploy/vault in bank',
      'rest: restart deploy/web in shop',
      'rest: restart sts/ledger in shop',
    ]);
    expect(plan.steps.find((step) => step.title.startsWith('label ns/shop'))?.notes).toEqual([
      'web, ledger of a later wave: pods that are made anew meanwhile get the new revision',
    ]);
  });
});

describe('a pause that the request asks for', () => {
  const gapsOf = (events: readonly RunEvent[]): number[] => {
    const restarts = events.filter((event) => 'step' in event && event.step.includes('restart'));
    return restarts.flatMap((event, index) => {
      const before = restarts[index - 1];
      return event.type === 'StepStarted' && before?.type === 'StepDone' ? [Date.parse(event.at) - Date.parse(before.at)] : [];
    });
  };

  it('lies between two workloads', async () => {
    const { outcome, record } = await new World().withShop().apply({ order: { pauseSeconds: 90 } });
    expect(outcome).toBe('moved');
    for (const gap of gapsOf(record.events)) expect(gap).toBeGreaterThanOrEqual(90_000);
    expect(gapsOf(record.events)).toHaveLength(2);
  });

  it('lies between two waves, and not within one', async () => {
    const order = { pauseSeconds: 90, waves: [{ namespaces: ['bank'] }, { namespaces: ['shop'] }] };
    const { record } = await mall().apply({ order });
    expect(gapsOf(record.events).filter((gap) => gap >= 90_000)).toHaveLength(1);
    expect(gapsOf(record.events)).toHaveLength(6);
  });

  it('goes on where it was when the driver is another one, and there is none on the way back', async () => {
    const world = new World().withShop();
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step.includes('restart') && stop.abort();
    await world.apply({ order: { pauseSeconds: 3600 } }, stop.signal);
    world.store.hooks.afterAppend = () => undefined;
    world.clock.pass(1_800_000);
    const since = world.clock.nowMs();
    const { outcome } = await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
    expect(outcome).toBe('rolled-back');
    expect(world.clock.nowMs() - since).toBeLessThan(600_000);
  });
});

class Killed extends Error {}

function killAt(world: World, wanted: number): { count: number } {
  const moments = { count: 0 };
  const moment = (): void => {
    moments.count += 1;
    if (moments.count !== wanted) return;
    world.killDriver();
    throw new Killed();
  };
  world.store.hooks.beforeAppend = moment;
  world.store.hooks.afterAppend = moment;
  world.cluster.hook = (call) => {
    if (call.startsWith('markRestart')) moment();
  };
  return moments;
}

describe('in the midst of a wave', () => {
  it('a driver that is killed anywhere is followed by one that restarts nothing twice, there and back', async () => {
    const before = mall().cluster.snapshot();
    const counting = mall();
    const moments = killAt(counting, -1);
    await counting.apply(AT_ONCE);
    expect(moments.count).toBeGreaterThan(30);
    for (let moment = 1; moment <= moments.count; moment += 1) {
      const world = mall();
      killAt(world, moment);
      await startRun(world.driver(), await world.plan(AT_ONCE), NEVER).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      killAt(world, -1);
      if (!world.store.runs.has(world.run)) continue;
      const { phase } = (await world.store.load(world.run)).state;
      const outcome = phase === 'moved' ? phase : (await resumeRun(world.driver(), world.run, NEVER)).outcome;
      expect([moment, outcome, [...world.cluster.restarts.values()]]).toEqual([moment, 'moved', [1, 1, 1, 1, 1, 1, 1]]);
      if (moment % 4 !== 0) continue;
      await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
      const crds = /^CustomResourceDefinition/;
      const withoutCrds = (objects: Readonly<Record<string, unknown>>): unknown =>
        Object.fromEntries(Object.entries(objects).filter(([key]) => !crds.test(key)));
      expect([moment, withoutCrds(world.cluster.snapshot())]).toEqual([moment, withoutCrds(before)]);
    }
  });

  it('one that is asked to stop brings what has begun to its end, and begins nothing more', async () => {
    const world = mall();
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepStarted' && event.step.includes('restart') && stop.abort();
    const { outcome, record } = await world.apply(AT_ONCE, stop.signal);
    const started = record.events.filter((event) => event.type === 'StepStarted' && event.step.includes('restart')).length;
    const done = record.events.filter((event) => event.type === 'StepDone' && event.step.includes('restart')).length;
    expect([outcome, started, done]).toEqual(['asked', 1, 1]);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });

  it('one that fails stops the run; the others are taken up again', async () => {
    const world = mall();
    world.cluster.broken.add('Deployment/bank/teller');
    const failed = await world.apply(AT_ONCE);
    expect([failed.outcome, failed.problem?.details.what]).toEqual(['failed', expect.stringContaining('teller')]);
    expect(failed.record.events.filter((event) => event.type === 'StepStarted' && event.step.includes('shop'))).toEqual([]);
    world.cluster.broken.clear();
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  it('what a look at one of them meets is told of that one', async () => {
    const world = mall();
    const plan = await world.plan(AT_ONCE);
    const teller = plan.steps.find((step) => step.id.endsWith('bank-deploy-teller'));
    const driver = world.driver();
    const readWorkload = driver.reader.readWorkload.bind(driver.reader);
    const failing = new Problem('KUBE-005', { what: 'No.', next: [] });
    driver.reader.readWorkload = (ref) => (ref.name === 'teller' ? Promise.reject(failing) : readWorkload(ref));
    const { outcome, record } = await startRun(driver, plan, NEVER);
    expect([outcome, record.state.steps.get(teller?.id ?? '')]).toEqual(['failed', 'failed']);
  });

  it('goes back in the same waves', async () => {
    const world = mall();
    await world.apply(AT_ONCE);
    const { outcome, record } = await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
    expect(outcome).toBe('rolled-back');
    const back = record.events.slice(record.events.findIndex((event) => event.type === 'RollbackStarted'));
    expect(Math.max(...atRestarts(back).map((steps) => steps.length))).toBe(3);
    expect([world.cluster.revisionsOf('bank'), world.cluster.revisionsOf('shop')]).toEqual([{ default: 9 }, { default: 5 }]);
  });
});

describe('an order that does not fit the mesh', () => {
  it.each<[string, Record<string, unknown>]>([
    ['MESH-004', { waves: [{ workloads: ['shop/none'] }] }],
    ['MESH-003', { waves: [{ namespaces: ['none'] }] }],
    ['MESH-004', { waves: [{ labels: { tier: 'none' } }] }],
    ['MESH-004', { edges: [{ from: 'shop/web', to: 'bank/none' }] }],
    ['none', { waves: [{ percent: 1 }, { percent: 2 }] }],
  ])('%s: %o', async (code, order) => {
    expect(await codeOf(mall().plan({ order }))).toBe(code);
  });
});
