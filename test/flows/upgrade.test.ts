import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/core/problems/problem.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { expectPlanFits, finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { codeOf, NEVER, request, World } from '../kit/world.ts';
import { planUpgrade } from '../../src/flows/plan-upgrade.ts';

describe('there', () => {
  it('a plan reads only, and names every step', async () => {
    const world = new World().withShop();
    const before = world.cluster.snapshot();
    const plan = await world.plan();
    expect(world.cluster.snapshot()).toEqual(before);
    expect(plan.steps.map((step) => step.id)).toEqual([
      '01-crds',
      '02-install-canary',
      '03-label-shop',
      '04-restart-shop-deploy-cart',
      '05-restart-shop-deploy-web',
      '06-restart-shop-sts-ledger',
      '07-default',
      '08-remove-default',
    ]);
  });

  it('every workload moves once, and each step has its evidence', async () => {
    const world = new World().withShop();
    const result = await world.apply();
    expect(result.outcome).toBe('moved');
    expect(world.cluster.revisionsOf('shop')).toEqual({ canary: 5 });
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
    const evidence = result.record.events.flatMap((event) => (event.type === 'StepDone' ? event.evidence : []));
    expect(evidence).toContain('2 proxies connected to canary and synced');
    expect(evidence).toContain('a dry-run pod was injected by canary');
  });

  it('intent is stored before every effect', async () => {
    const world = new World().withShop();
    const started: string[] = [];
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepStarted') started.push(event.step);
    };
    const seen: [string, number][] = [];
    world.cluster.hook = (call, moment) => {
      if (moment === 'before' && !/^read|^dryRunPod|^install /.test(call)) seen.push([call, started.length]);
    };
    await world.apply();
    expect(seen).toEqual([
      ['applyObject', 1],
      ['install', 2],
      ['setNamespaceLabels', 3],
      ['markRestart', 4],
      ['markRestart', 5],
      ['markRestart', 6],
    ]);
  });

  it('the old control plane goes once nothing uses it, the default first', async () => {
    const world = new World().withShop();
    await world.apply();
    const result = await finishRun(world.driver(), world.run, NEVER);
    expect(result.outcome).toBe('finished');
    expect([...world.cluster.objects.keys()].filter((key) => /\/istiod$|istio-sidecar-injector$/.test(key))).toEqual([]);
    expect(world.cluster.objects.get('MutatingWebhookConfiguration//istio-revision-tag-default')?.metadata.labels?.['istio.io/rev']).toBe(
      'canary',
    );
  });

  it('nothing to do is a plan without steps', async () => {
    const world = new World();
    const plan = await world.plan({
      action: 'migrate',
      to: { revision: 'default' },
      install: undefined,
      scope: { namespaces: ['istio-system'], skip: [] },
    });
    expect(plan.steps.filter((step) => step.kind !== 'labelNamespace')).toEqual([]);
  });
});

describe('and back', () => {
  it.each(['the middle', 'the end', 'after the old control plane is gone'])('from %s: everything is as it was', async (where) => {
    const world = new World().withShop();
    const before = world.cluster.snapshot();
    const stop = new AbortController();
    if (where === 'the middle')
      world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step === '04-restart-shop-deploy-cart' && stop.abort();
    const there = await world.apply({}, stop.signal);
    expect(there.outcome).toBe(where === 'the middle' ? 'asked' : 'moved');
    if (where.startsWith('after')) expect((await finishRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    const back = await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
    expect(back.outcome).toBe('rolled-back');
    expect(world.cluster.revisionsOf('shop')).toEqual({ default: 5 });
    expect(withoutCrds(world.cluster.snapshot())).toEqual(withoutCrds(before));
  });

  it('in its own order: removed control plane, default, labels and workloads, new control plane last', async () => {
    const world = new World().withShop();
    await world.apply();
    await finishRun(world.driver(), world.run, NEVER);
    await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
    const { backPlan } = await world.store.load(world.run);
    expect(backPlan?.steps.map((step) => step.kind)).toEqual([
      'restoreObject',
      'restoreObject',
      'labelNamespace',
      'restartWorkload',
      'restartWorkload',
      'restartWorkload',
      'removeControlPlane',
    ]);
  });

  it('twice is refused, and so is what was never begun', async () => {
    const world = new World().withShop();
    await world.apply();
    await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
    expect(await codeOf(rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER }))).toBe('RUN-005');
    expect(await codeOf(rollBack(world.driver(), { name: 'nothing', reason: 'test', stopSignal: NEVER }))).toBe('RUN-003');
  });
});

function withoutCrds(snapshot: Record<string, unknown>): unknown {
  return Object.fromEntries(Object.entries(snapshot).filter(([key]) => !key.startsWith('CustomResourceDefinition')));
}

describe('stopping', () => {
  it('between two steps when it is asked, and going on', async () => {
    const world = new World().withShop();
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepStarted' && event.step === '04-restart-shop-deploy-cart' && stop.abort();
    const first = await world.apply({}, stop.signal);
    expect([
      first.outcome,
      first.record.state.steps.get('04-restart-shop-deploy-cart'),
      first.record.state.steps.get('05-restart-shop-deploy-web'),
    ]).toEqual(['asked', 'done', undefined]);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });

  it('when somebody pauses it from another machine', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepDone' && event.step === '03-label-shop') void world.store.setPaused(world.run, true);
    };
    const first = await world.apply();
    expect([first.outcome, first.record.state.phase]).toEqual(['paused', 'paused']);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });
});

describe('a workload that somebody leaves out', () => {
  it('is passed over, and moves in no later run of this driver or the next', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepDone' && event.step === '03-label-shop') void world.store.leaveOut(world.run, 'shop/web');
    };
    const { outcome, record } = await world.apply();
    expect([outcome, record.state.steps.get('05-restart-shop-deploy-web')]).toEqual(['moved', 'skipped']);
    expect(world.cluster.revisionsOf('shop')).toEqual({ canary: 3, default: 2 });
  });

  it('after it has failed lets the run go on', async () => {
    const world = new World().withShop();
    world.cluster.broken.add('Deployment/shop/cart');
    expect((await world.apply()).outcome).toBe('failed');
    await world.store.leaveOut(world.run, 'shop/deployment/cart');
    const { outcome, record } = await resumeRun(world.driver(), world.run, NEVER);
    expect([outcome, record.state.steps.get('04-restart-shop-deploy-cart')]).toEqual(['moved', 'skipped']);
  });
});

describe('trouble', () => {
  it('a workload that does not become ready stops the run, says so, and is tried again by resume', async () => {
    const world = new World().withShop();
    world.cluster.broken.add('Deployment/shop/cart');
    const failed = await world.apply();
    expect([failed.outcome, failed.problem?.code]).toEqual(['failed', 'RUN-021']);
    expect(failed.record.state.phase).toBe('failed');
    world.cluster.broken.clear();
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });

  it('an istiod that does not answer stops the run: unknown is not good', async () => {
    const world = new World().withShop();
    world.cluster.istiods.silent = new Set(['canary']);
    const failed = await world.apply({ accept: ['CTRL-007'] });
    expect(failed.problem?.code).toBe('RUN-023');
  });

  it('labels that somebody else changed are not touched', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) =>
      event.type === 'StepDone' && event.step === '02-install-canary' && world.cluster.relabel('shop', { 'istio-injection': 'disabled' });
    const failed = await world.apply();
    expect(failed.problem?.code).toBe('RUN-020');
    expect(world.cluster.objects.get('Namespace//shop')?.metadata.labels).toEqual({ 'istio-injection': 'disabled' });
  });

  it('a workload that is deleted in mid-run is passed over', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) =>
      event.type === 'StepDone' && event.step === '03-label-shop' && world.cluster.remove('Deployment', 'web', 'shop');
    const result = await world.apply();
    expect([result.outcome, result.record.state.steps.get('05-restart-shop-deploy-web')]).toEqual(['moved', 'skipped']);
  });

  it('an installation that touches the running revision is noticed', async () => {
    const world = new World().withShop();
    world.cluster.hook = (call, moment) => {
      const istiod = world.cluster.objects.get('ConfigMap/istio-system/istio');
      if (call === 'install' && moment === 'after' && istiod) world.cluster.put({ ...istiod, data: { mesh: 'trustDomain: other' } });
    };
    const failed = await world.apply();
    expect([failed.problem?.code, failed.problem?.details.what]).toEqual([
      'RUN-012',
      expect.stringContaining('ConfigMap istio-system/istio'),
    ]);
  });

  it('an installer that fails is told, with its words', async () => {
    const world = new World().withShop();
    world.installer.fails = new Problem('TOOL-003', { what: 'istioctl install ended with 1.', next: [] });
    const failed = await world.apply();
    expect(failed.problem?.code).toBe('TOOL-003');
  });

  it('a cluster that is silent for too long ends the run, which can be resumed', async () => {
    const world = new World().withShop();
    let silent = false;
    world.store.hooks.afterAppend = (event) => {
      silent ||= event.type === 'StepDone' && event.step === '03-label-shop';
    };
    world.cluster.hook = () => {
      if (silent) throw new (class extends Error {})();
    };
    const { Transient } = await import('../../src/core/problems/problem.ts');
    world.cluster.hook = () => {
      if (silent) throw new Transient('no connection');
    };
    const result = await world.apply();
    expect([result.outcome, result.problem?.code]).toEqual(['failed', 'RUN-050']);
    expect(world.observer.of('trouble').length).toBeGreaterThan(5);
    silent = false;
    world.cluster.hook = () => undefined;
    world.store.hooks.afterAppend = () => undefined;
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });
});

describe('removal', () => {
  it('is refused while something uses the old revision, and so is moving the default', async () => {
    const world = new World().withShop();
    world.cluster.namespace('late', { 'istio-injection': 'enabled' });
    await world.apply({ scope: { namespaces: ['shop'], skip: [] } });
    const refused = await finishRun(world.driver(), world.run, NEVER);
    expect([refused.outcome, refused.problem?.code]).toEqual(['failed', 'RUN-030']);
    expect(refused.problem?.details.what).toContain('namespace late');
    expect(world.cluster.objects.get('MutatingWebhookConfiguration//istio-revision-tag-default')?.metadata.labels?.['istio.io/rev']).toBe(
      'default',
    );
    world.cluster.remove('Namespace', 'late');
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
  });

  it('is refused while it is unknown', async () => {
    const world = new World().withShop();
    await world.apply();
    world.cluster.istiods.silent = new Set(['default']);
    const refused = await finishRun(world.driver(), world.run, NEVER);
    expect(refused.problem?.code).toBe('RUN-031');
  });

  it('is not part of a run that still moves workloads', async () => {
    const world = new World().withShop();
    const stop = new AbortController();
    stop.abort();
    await world.apply({}, stop.signal);
    expect(await codeOf(finishRun(world.driver(), world.run, NEVER))).toBe('RUN-005');
  });
});

describe('a plan that no longer fits', () => {
  it.each<[string, (world: World) => void, string, string]>([
    [
      'labels',
      (w) => w.cluster.relabel('shop', { 'istio.io/rev': 'default' }),
      'PLAN-013',
      'namespace shop has istio-injection=none, had enabled',
    ],
    ['a workload that is gone', (w) => w.cluster.remove('Deployment', 'web', 'shop'), 'PLAN-013', 'workload shop/deployment/web is gone'],
    [
      'a workload that is new',
      (w) => w.cluster.workload('shop', 'newcomer'),
      'PLAN-013',
      'workload shop/deployment/newcomer is not in the plan',
    ],
    ['a namespace that is gone', (w) => w.cluster.remove('Namespace', 'shop'), 'PLAN-013', 'namespace shop is gone'],
    ['another istioctl', (w) => (w.installer.digest = 'other'), 'PLAN-013', 'istioctl istioctl is another file'],
    ['another cluster', (w) => (w.cluster.clusterUid = 'cluster-2'), 'PLAN-014', 'another cluster'],
    ['a permission that is gone', (w) => w.cluster.denied.add('patch namespaces'), 'CHEK-001', 'PLAT-001'],
  ])('%s', async (_name, change, code, words) => {
    const world = new World().withShop();
    const plan = await world.plan();
    change(world);
    const error: unknown = await expectPlanFits(world.driver(), plan).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Problem);
    expect([(error as Problem).code, (error as Problem).details.what]).toEqual([code, expect.stringContaining(words)]);
  });

  it('one that fits is not refused', async () => {
    const world = new World().withShop();
    expect((await expectPlanFits(world.driver(), await world.plan())).report.checks).toBeGreaterThan(15);
  });
});

describe('two drivers', () => {
  it('the second is refused, and told who holds the run', async () => {
    const world = new World().withShop();
    const plan = await world.plan();
    const first = world.driver();
    const answer = await first.lock.acquire();
    expect(answer.kind).toBe('held');
    const error: unknown = await startRun(world.driver(), plan, NEVER).catch((thrown: unknown) => thrown);
    expect([(error as Problem).code, (error as Problem).details.what]).toEqual(['RUN-001', expect.stringContaining(first.lock.identity)]);
  });

  it('another plan is refused while one is unfinished', async () => {
    const world = new World().withShop();
    const stop = new AbortController();
    stop.abort();
    await world.apply({}, stop.signal);
    world.clock.nowMs();
    await world.clock.sleep(5000);
    expect(await codeOf(startRun(world.driver(), await world.plan({ onFailure: 'rollback' }), NEVER))).toBe('RUN-004');
  });

  it('a driver that lost its lock stops before the next effect', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepDone' && event.step === '03-label-shop') world.lockState.holder = { identity: 'other', knownDead: false };
    };
    expect(await codeOf(world.apply())).toBe('RUN-002');
    expect(world.cluster.restarts.size).toBe(0);
  });

  it('a driver that cannot renew its lock does nothing, for two minutes at most', async () => {
    const world = new World().withShop();
    let atMs = 0;
    world.store.hooks.afterAppend = (event) => {
      if (event.type !== 'StepDone' || event.step !== '03-label-shop') return;
      world.lockState.freeze();
      atMs = world.clock.nowMs();
    };
    const { outcome, problem, record } = await world.apply();
    expect([outcome, problem?.code, record.events.at(-1)?.type]).toEqual(['failed', 'RUN-050', 'StepDone']);
    expect(world.clock.nowMs() - atMs).toBeLessThanOrEqual(120_000);
    expect(world.cluster.restarts.size).toBe(0);
  });

  it('a driver whose lock is renewed late goes on', async () => {
    const world = new World().withShop();
    world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step === '03-label-shop' && world.lockState.freeze();
    const sleep = world.clock.sleep.bind(world.clock);
    world.clock.sleep = async (waitMs) => {
      await sleep(waitMs);
      const since = world.lockState.holder?.silentSinceMs ?? Infinity;
      if (world.clock.nowMs() - since > 40_000) delete world.lockState.holder?.silentSinceMs;
    };
    expect((await world.apply()).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });

  it('a late write of a driver that was overtaken is rejected, so that it has no effect', async () => {
    const world = new World().withShop();
    const overtaking: Promise<unknown>[] = [];
    world.store.hooks.beforeAppend = (event) => {
      if (event.type !== 'StepStarted' || event.step !== '04-restart-shop-deploy-cart' || overtaking.length > 0) return;
      overtaking.push(world.store.open(world.run, 'somebody else'));
    };
    expect(await codeOf(world.apply())).toBe('RUN-002');
    expect(world.cluster.restarts.size).toBe(0);
  });
});

describe('planning is refused', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a downgrade', { to: { revision: 'x', version: '1.27.0' } }, 'PLAN-001'],
    ['a jump', { to: { revision: 'x', version: '1.31.0' } }, 'PLAN-001'],
    ['an invalid name', { to: { revision: '1.29', version: '1.29.1' } }, 'REVN-001'],
    ['the default name', { to: { revision: 'default', version: '1.29.1' } }, 'REVN-002'],
    ['no way to install', { install: undefined }, 'PLAN-002'],
    ['no target', { to: undefined }, 'PLAN-002'],
    ['an unknown namespace', { scope: { namespaces: ['nowhere'], skip: [] } }, 'MESH-003'],
    ['an unknown workload', { scope: { namespaces: [], skip: ['shop/nothing'] } }, 'MESH-004'],
    ['an unknown revision to move from', { from: { revision: 'nothing' } }, 'MESH-002'],
    ['manifests of another revision', { to: { revision: 'other', version: '1.29.1' } }, 'PLAN-003'],
    ['manifests of another version', { to: { revision: 'canary', version: '1.29.2' } }, 'PLAN-003'],
    ['an unknown revision to migrate to', { action: 'migrate', to: { revision: 'nothing' }, install: undefined }, 'MESH-002'],
    [
      'an unknown revision to uninstall',
      { action: 'uninstall', to: undefined, from: { revision: 'nothing' }, install: undefined },
      'MESH-002',
    ],
  ])('%s', async (_name, more, code) => {
    const world = new World().withShop();
    expect(await codeOf(planUpgrade(world.driver(), request(more)))).toBe(code);
  });

  it('while essential things could not be read', async () => {
    const world = new World().withShop();
    world.cluster.unread = [
      { what: 'pods in all namespaces', why: 'no permission', missingRule: { verb: 'list', group: '', resource: 'pods' } },
    ];
    expect(await codeOf(world.plan())).toBe('MESH-007');
  });

  it('when the rendered objects would touch more than the new control plane', async () => {
    const world = new World().withShop();
    world.installer.rendered.push({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'istio-cni-node', namespace: 'kube-system' },
    });
    expect(await codeOf(world.plan())).toBe('TOOL-004');
  });

  it('when several control planes could be meant', async () => {
    const world = new World().withShop();
    const { controlPlaneObjects } = await import('../kit/istio-objects.ts');
    world.cluster.put(...controlPlaneObjects({ revision: 'third', version: '1.28.2' }));
    expect(await codeOf(world.plan())).toBe('MESH-006');
  });
});
