/** What only a sandbox can be made to do, and what a user must get: exit code, problem, the mesh afterwards, nothing lost. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { until, untilSaid, type Outcome } from '../kit/child-process.ts';
import { SandboxCluster, startAttack } from '../kit/sandbox-cluster.ts';
import { meshlift, meshliftOk, revisionsOf, type LoadResult } from '../scenarios/cluster-under-test.ts';
import { expectProblem } from '../scenarios/expect-problem.ts';
import { countedSince, templateCounts } from '../scenarios/restarts.ts';
import { openShop, someOfShop } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 90_000 });

const WEB = 'http://web.shop:9080/';
/** What the trouble blocking-budget makes. */
const BUDGET = 'web-blocked';
const NAMESPACES = ['shop', 'load'];
const apps = someOfShop('quotes').concat({ kind: 'Deployment', name: 'web', replicas: 2, calls: ['quotes'] });
const restarts = (times: number): Record<string, number> => Object.fromEntries(apps.map(({ name }) => [name, times]));
const cluster = new SandboxCluster({ speed: 10 });
let before: Record<string, unknown>;
let templatesBefore: Record<string, number>;
let install: readonly string[];

beforeAll(async () => {
  await cluster.prepare();
  await cluster.istio.installOld();
  await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, apps);
  await cluster.traffic.prepareLoad({ 'istio-injection': 'enabled' }, WEB);
  install = await cluster.istio.source('canary');
  before = await snapshot(cluster, NAMESPACES);
});
afterAll(() => cluster.cleanUp());

const upgradeWords = (source = install): string[] => {
  return ['apply', '--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...source, '--step-timeout', '10s', '--yes'];
};
const upgrade = (): Promise<Outcome> => meshlift(cluster, ...upgradeWords());

async function takeBack(): Promise<void> {
  await meshliftOk(cluster, 'rollback', '--yes');
  await expectAsBefore();
}

async function expectAsBefore(): Promise<void> {
  expect(await snapshot(cluster, NAMESPACES)).toEqual(before);
  expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['default']));
}

async function underLoad<T>(act: () => Promise<T>): Promise<[T, LoadResult]> {
  const load = startAttack(cluster, '/');
  const [done] = await Promise.allSettled([act()]);
  const result = await load.stop();
  if (done.status === 'rejected') throw done.reason;
  return [done.value, result];
}

function expectNothingLost({ codes, sent }: LoadResult): void {
  expect(sent).toBeGreaterThan(0);
  expect(codes).toEqual({ '200': sent });
}

/** A failed test leaves nothing to the next one. */
afterEach(async () => {
  await cluster.endDrivers();
  await cluster.endTroubles();
  await cluster.objects.remove('poddisruptionbudgets', { namespace: 'shop', name: BUDGET });
  await meshlift(cluster, 'rollback', '--yes');
  await meshliftOk(cluster, 'forget', '--everything', '--yes');
});

describe('a control plane that does not come up', () => {
  it('is never ready: the run stops before any workload, nothing is lost, it is taken back', async () => {
    await meshliftOk(cluster, 'sandbox', 'trouble', 'unready-istiod', '--name', 'e2e', '--set', 'revision=canary');
    const [outcome, load] = await underLoad(() => upgrade());
    expectProblem(outcome, 'RUN-010', 1);
    expect(outcome.stderr).toMatch(/istiod-canary-\S+/);
    expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['default']));
    expectNothingLost(load);
    await takeBack();
  });
});

describe('a webhook that does not answer', () => {
  it('before the first restart: no pod is touched, in its own words; it goes on when it is mended', async () => {
    templatesBefore = await templateCounts(cluster, 'shop');
    await cluster.trouble('webhook-down', 'revision=canary');
    const [outcome, load] = await underLoad(() => upgrade());
    expectProblem(outcome, 'RUN-011', 1);
    expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['default']));
    expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual({ quotes: 0, web: 0 });
    expectNothingLost(load);
    await cluster.endTrouble('webhook-down');
    expect(await meshliftOk(cluster, 'resume')).toContain('Moved 2 workloads');
    await takeBack();
  });

  it('in the middle: old pods serve on, and no workload is restarted twice', async () => {
    templatesBefore = await templateCounts(cluster, 'shop');
    const [outcome, load] = await underLoad(async () => {
      const running = cluster.start(upgradeWords());
      await untilSaid(running, 'restart-shop-deploy-quotes started');
      await cluster.trouble('webhook-down', 'revision=canary');
      return running.done;
    });
    expectProblem(outcome, 'RUN-021', 1);
    expect(outcome.stderr).toContain('failed calling webhook');
    expectNothingLost(load);
    await cluster.endTrouble('webhook-down');
    expect(await meshliftOk(cluster, 'resume')).toContain('Moved 2 workloads');
    expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual(restarts(1));
    await takeBack();
  });
});

describe('an API server in trouble', () => {
  /** From the first event on, and one driver is enough: nothing is resumed. */
  async function inStorm(args: readonly string[], begun: RegExp, status: number): Promise<Outcome> {
    const running = cluster.start(args);
    await untilSaid(running, begun);
    await cluster.trouble('failing-api', 'ratio=0.2', `status=${status}`);
    await cluster.trouble('resetting-api', 'ratio=0.1');
    const outcome = await running.done;
    await cluster.endTroubles();
    return outcome;
  }

  it('fails one request of five and cuts one connection of ten during a run, there and back: it ends as without', async () => {
    templatesBefore = await templateCounts(cluster, 'shop');
    const [outcome, load] = await underLoad(() => inStorm(upgradeWords(), /started run/, 500));
    expect([outcome.stderr, outcome.code]).toEqual(['', 0]);
    expect(outcome.stdout).toContain('Moved 2 workloads to canary');
    expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual(restarts(1));
    expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['canary']));
    expectNothingLost(load);
    const [back, loadBack] = await underLoad(() => inStorm(['rollback', '--yes'], /step back-\S+ started/, 429));
    expect([back.stderr, back.code]).toEqual(['', 0]);
    expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual(restarts(2));
    expectNothingLost(loadBack);
    await expectAsBefore();
  });

  it('answers 429 to one request of five: it is asked again when it says', async () => {
    await cluster.trouble('failing-api', 'ratio=0.2', 'status=429');
    const outcome = await meshlift(cluster, 'status');
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    expect(outcome.stdout).toContain('5 of 5 pods on default');
  });

  it('has watches that have gone silent: nothing waits for them', async () => {
    await cluster.trouble('silent-watches');
    const outcome = await upgrade();
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    await cluster.endTrouble('silent-watches');
    await takeBack();
  });
});

describe('a person', () => {
  it('takes the label away in the middle: the run stops and names it, nothing is lost, it is taken back', async () => {
    const [outcome, load] = await underLoad(async () => {
      const running = cluster.start(upgradeWords());
      await untilSaid(running, 'restart-shop-deploy-quotes done');
      await cluster.objects.patch('namespaces', { name: 'shop' }, { metadata: { labels: { 'istio.io/rev': null } } });
      return running.done;
    });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/^✗ RUN-02[02] /);
    expectNothingLost(load);
    // What somebody else changed is not put back over their head.
    await cluster.objects.patch('namespaces', { name: 'shop' }, { metadata: { labels: { 'istio.io/rev': 'canary' } } });
    await takeBack();
  });

  it('has a budget that allows no disruption: refused by name; accepted, a restart is no eviction and loses nothing', async () => {
    await cluster.trouble('blocking-budget', 'namespace=shop', 'app=web');
    type Budget = { metadata: { name: string }; status?: { expectedPods?: number } };
    await until('the budget is counted', async () => {
      const budgets = await cluster.objects.list<Budget>(['poddisruptionbudgets'], { namespace: 'shop' });
      return budgets.some(({ metadata, status }) => metadata.name === BUDGET && status?.expectedPods === 2);
    });
    const refused = await upgrade();
    expectProblem(refused, 'CHEK-001', 3);
    expect(refused.stderr).toContain('WORK-002  shop/web has the PodDisruptionBudget web-blocked, which allows no disruption now');
    await expectAsBefore();
    const [outcome, load] = await underLoad(() => meshlift(cluster, ...upgradeWords(), '--accept-downtime', 'shop/web'));
    expect([outcome.stderr, outcome.code]).toEqual(['', 0]);
    expectNothingLost(load);
    await takeBack();
  });
});

describe('proxies in trouble', () => {
  it('that lose their istiod: the run stops and says so', async () => {
    await cluster.trouble('lost-proxies', 'revision=canary');
    const [outcome, load] = await underLoad(() => upgrade());
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/^✗ RUN-02[1-4]/);
    expectNothingLost(load);
    await cluster.endTrouble('lost-proxies');
    expect(await meshliftOk(cluster, 'resume')).toContain('Moved 2 workloads');
    await takeBack();
  });

  it('that answer 5xx are seen by a load, and taken back at any moment', async () => {
    const plan = join(cluster.scratch, 'plan.yaml');
    await meshliftOk(cluster, 'plan', '--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...install, '-o', plan);
    await cluster.trouble('failing-proxies', 'revision=canary', 'ratio=0.5');
    const [outcome, load] = await underLoad(() => meshlift(cluster, 'apply', plan, '--yes'));
    expect(outcome.code).toBe(0);
    expect(load.failed).toBeGreaterThan(0);
    await meshliftOk(cluster, 'rollback', '--yes');
    const [, after] = await underLoad(() => meshlift(cluster, 'status'));
    expectNothingLost(after);
    await expectAsBefore();
  });
});
