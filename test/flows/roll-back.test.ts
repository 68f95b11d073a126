/** The way back: from failures, beside what other people did, and with a second thought in between. */
import { describe, expect, it } from 'vitest';
import { ownObjects } from '../../src/core/controlplane/own-objects.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { planRollback, rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun } from '../../src/flows/start-run.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

const shop = (): World => new World().withShop();

function back(world: World, shown?: Plan): Promise<RunResult> {
  const input = { name: world.run, reason: 'test', stopSignal: NEVER };
  return rollBack(world.driver(), shown === undefined ? input : { ...input, shown });
}

/** What the namespace, its workloads and the control planes look like; CRDs stay as they are. */
function picture(world: World): unknown {
  const objects = Object.entries(world.cluster.snapshot()).filter(([key]) => !key.startsWith('CustomResourceDefinition'));
  return Object.fromEntries(objects);
}

const labelsOf = (world: World): unknown => world.cluster.objects.get('Namespace//shop')?.metadata.labels;

describe('after a failure', () => {
  it('of a workload that is not ready on the new revision, everything is as it was', async () => {
    const world = shop();
    const before = picture(world);
    world.cluster.broken.add('Deployment/shop/web@canary');
    const failed = await world.apply();
    expect([failed.outcome, failed.problem?.code, failed.record.state.phase]).toEqual(['failed', 'RUN-021', 'failed']);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect([world.cluster.revisionsOf('shop'), picture(world)]).toEqual([{ default: 5 }, before]);
    expect(Object.fromEntries(world.cluster.restarts)).toEqual({ 'Deployment/shop/cart': 2, 'Deployment/shop/web': 2 });
  });

  it('of the control plane that was installed, it is removed again', async () => {
    const world = shop();
    const before = picture(world);
    world.cluster.istiods.dead.add('canary');
    const failed = await world.apply();
    expect(failed.problem?.code).toBe('RUN-010');
    expect((await back(world)).outcome).toBe('rolled-back');
    expect([picture(world), world.cluster.restarts.size]).toEqual([before, 0]);
  });

  it('in the middle of an installation, what is there of it is removed', async () => {
    const world = shop();
    const before = picture(world);
    world.cluster.hook = (call) => {
      if (call === 'install Service') throw new Error('killed');
    };
    await world.apply().catch(() => undefined);
    world.cluster.hook = () => undefined;
    expect(Object.keys(world.cluster.snapshot())).toContain('Deployment/istio-system/istiod-canary');
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
  });

  it('of the roll-back itself, it is resumed, or planned anew with steps of their own', async () => {
    for (const again of ['resume', 'rollback']) {
      const world = shop();
      const before = picture(world);
      await world.apply();
      world.cluster.broken.add('Deployment/shop/web@default');
      const failed = await back(world);
      expect([failed.outcome, failed.problem?.code, failed.record.state.direction]).toEqual(['failed', 'RUN-021', 'back']);
      world.cluster.broken.clear();
      const result = again === 'resume' ? await resumeRun(world.driver(), world.run, NEVER) : await back(world);
      expect([again, result.outcome, picture(world)]).toEqual([again, 'rolled-back', before]);
      const ids = (result.record.backPlan?.steps ?? []).map((step) => /^back\d*-/.exec(step.id)?.[0]);
      expect(new Set(ids)).toEqual(new Set([again === 'resume' ? 'back-' : 'back2-']));
    }
  });

  it('is never begun by the loop, whatever the request says: that is for who asked for the run', async () => {
    const world = shop();
    world.cluster.broken.add('Deployment/shop/cart');
    const failed = await world.apply({ onFailure: 'rollback' });
    expect([failed.outcome, failed.record.state.direction, failed.record.state.phase]).toEqual(['failed', 'forward', 'failed']);
    expect(failed.record.events.some((event) => event.type === 'RollbackStarted')).toBe(false);
  });
});

describe('what this run did not do is not taken back', () => {
  it('labels that somebody else set', async () => {
    const world = shop();
    world.store.hooks.afterAppend = (event) =>
      event.type === 'StepDone' && event.step === '02-install-canary' && world.cluster.relabel('shop', { 'istio-injection': 'disabled' });
    expect((await world.apply()).problem?.code).toBe('RUN-020');
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(labelsOf(world)).toEqual({ 'istio-injection': 'disabled' });
  });

  it('a removal that was refused', async () => {
    const world = shop();
    const request = { action: 'uninstall', to: undefined, from: { revision: 'default' }, install: undefined };
    const refused = await world.apply(request);
    expect(refused.problem?.code).toBe('RUN-030');
    const before = picture(world);
    const closed = await back(world);
    expect([closed.outcome, closed.record.backPlan?.steps, picture(world)]).toEqual(['rolled-back', [], before]);
  });

  it('a run that stopped before its first step', async () => {
    const world = shop();
    const stop = new AbortController();
    stop.abort();
    await world.apply({}, stop.signal);
    const closed = await back(world);
    expect([closed.outcome, closed.record.backPlan?.steps, closed.record.state.phase]).toEqual(['rolled-back', [], 'rolled-back']);
  });

  it.each([
    ['with its tag', true],
    ['alone', false],
  ])('nothing is pointed at a control plane that somebody removed by hand, %s', async (_name, tagToo) => {
    const world = shop();
    await world.apply();
    const candidates = await world.driver().reader.readControlPlaneObjects();
    for (const { kind, metadata } of ownObjects('default', candidates)) world.cluster.remove(kind, metadata.name, metadata.namespace);
    if (tagToo) world.cluster.remove('MutatingWebhookConfiguration', 'istio-revision-tag-default');
    const outcome = await back(world).then(
      (result) => result.outcome,
      () => 'refused',
    );
    expect(outcome).not.toBe('rolled-back');
    expect([labelsOf(world), world.cluster.revisionsOf('shop')]).toEqual([{ 'istio.io/rev': 'canary' }, { canary: 5 }]);
  });

  it('a removal that somebody else did: nothing can be put back, and nothing is pointed at it', async () => {
    const world = shop();
    await world.apply();
    world.store.hooks.afterAppend = (event) => {
      if (event.type !== 'StepDone' || event.step !== '07-default') return;
      for (const key of world.cluster.objects.keys())
        if (/\/(istiod|istio|istio-sidecar-injector|values|istio-validator-istio-system)$|clusterrole-istio-system$/.test(key))
          world.cluster.objects.delete(key);
    };
    const finished = await finishRun(world.driver(), world.run, NEVER);
    expect([finished.outcome, finished.record.state.startedAt.has('08-remove-default')]).toEqual(['finished', false]);
    const outcome = await back(world).then(
      (result) => result.outcome,
      () => 'refused',
    );
    expect(outcome).not.toBe('rolled-back');
    expect([labelsOf(world), world.cluster.revisionsOf('shop')]).toEqual([{ 'istio.io/rev': 'canary' }, { canary: 5 }]);
  });
});

describe('what has changed since', () => {
  it.each<[string, (world: World) => void, string[]]>([
    ['a namespace that is gone is passed over', (w) => w.cluster.remove('Namespace', 'shop'), ['removeControlPlane']],
    [
      'a workload that is gone is passed over',
      (w) => w.cluster.remove('Deployment', 'web', 'shop'),
      ['labelNamespace', 'restartWorkload', 'restartWorkload', 'removeControlPlane'],
    ],
    [
      'a workload that came meanwhile goes along',
      (w) => w.cluster.workload('shop', 'newcomer'),
      ['labelNamespace', 'restartWorkload', 'restartWorkload', 'restartWorkload', 'restartWorkload', 'removeControlPlane'],
    ],
    [
      'labels that are back already are left alone',
      (w) => w.cluster.relabel('shop', { 'istio-injection': 'enabled' }),
      ['restartWorkload', 'restartWorkload', 'restartWorkload', 'removeControlPlane'],
    ],
  ])('%s', async (_name, change, kinds) => {
    const world = shop();
    await world.apply();
    change(world);
    const gone = !world.cluster.objects.has('Namespace//shop');
    if (gone) for (const name of ['web', 'cart']) world.cluster.remove('Deployment', name, 'shop');
    if (gone) world.cluster.remove('StatefulSet', 'ledger', 'shop');
    world.clock.pass(5000);
    const result = await back(world);
    expect(result.record.backPlan?.steps.map((step) => step.kind)).toEqual(kinds);
    expect([result.outcome, Object.keys(world.cluster.revisionsOf('shop'))]).toEqual(['rolled-back', gone ? [] : ['default']]);
    expect(world.cluster.objects.has('Deployment/istio-system/istiod-canary')).toBe(false);
  });

  it('a workload that is deleted while it is taken back is passed over', async () => {
    const world = shop();
    await world.apply();
    world.store.hooks.afterAppend = (event) =>
      event.type === 'StepDone' && event.step.includes('restart-shop-deploy-cart') && world.cluster.remove('Deployment', 'web', 'shop');
    const result = await back(world);
    expect(result.outcome).toBe('rolled-back');
    expect([...result.record.state.steps].filter(([, status]) => status === 'skipped').map(([id]) => id)).toEqual([
      'back-03-restart-shop-deploy-web',
    ]);
  });

  it('another way back than the one that was shown is refused before anything is done', async () => {
    const world = shop();
    await world.apply();
    const shown = await planRollback(world.driver(), await world.store.load(world.run));
    world.cluster.workload('shop', 'newcomer');
    const before = world.cluster.snapshot();
    expect(await codeOf(back(world, shown))).toBe('PLAN-013');
    expect([world.cluster.snapshot(), (await world.store.load(world.run)).state.direction]).toEqual([before, 'forward']);
    const again = await planRollback(world.driver(), await world.store.load(world.run));
    expect((await back(world, again)).outcome).toBe('rolled-back');
  });
});

describe('a driver that is alive', () => {
  it('is asked to stop, ends its step, and the way back begins', async () => {
    const world = shop();
    const before = picture(world);
    let second: Promise<RunResult> | undefined;
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepStarted' && event.step === '04-restart-shop-deploy-cart') second = back(world);
    };
    const first = await world.apply();
    expect([first.outcome, first.record.state.steps.get('04-restart-shop-deploy-cart')]).toEqual(['paused', 'done']);
    expect((await second)?.outcome).toBe('rolled-back');
    expect([picture(world), Object.fromEntries(world.cluster.restarts)]).toEqual([before, { 'Deployment/shop/cart': 2 }]);
  });

  it('that does not stop in time keeps the run', async () => {
    const world = shop();
    await world.apply();
    await world.driver().lock.acquire();
    expect(await codeOf(back(world))).toBe('RUN-001');
    expect(world.clock.passedMs).toBeGreaterThan(30_000);
  });
});

it('a way back that was stopped goes on where it stands, with the same plan', async () => {
  const world = shop();
  const before = picture(world);
  await world.apply();
  await finishRun(world.driver(), world.run, NEVER);
  const stop = new AbortController();
  world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step.startsWith('back-03-') && stop.abort();
  const first = await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: stop.signal });
  expect(first.outcome).toBe('asked');
  const second = await back(world);
  expect([second.outcome, second.record.backPlan]).toEqual(['rolled-back', first.record.backPlan]);
  expect([picture(world), [...world.cluster.restarts.values()]]).toEqual([before, [2, 2, 2]]);
});

it('and forward again: there and back twice ends where it began', async () => {
  const world = shop();
  const before = picture(world);
  for (let round = 1; round <= 2; round += 1) {
    const run = (await world.apply()).record.name;
    expect((await rollBack(world.driver(), { name: run, reason: 'test', stopSignal: NEVER })).outcome).toBe('rolled-back');
    expect([round, picture(world), world.cluster.revisionsOf('shop')]).toEqual([round, before, { default: 5 }]);
    world.clock.pass(60_000);
  }
  expect([...world.cluster.restarts.values()]).toEqual([4, 4, 4]);
});
