/** Workloads whose strategy is changed while they restart: they get it back, whatever happens in between. */
import { describe, expect, it } from 'vitest';
import { countsOf, type StrategyCounts } from '../../src/core/moves/surge.ts';
import type { KubeObject, PodController } from '../../src/core/mesh/kube-objects.ts';
import { expectPlanFits, finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

const OWN = { maxSurge: 0, maxUnavailable: 1 };
const MEANWHILE = { maxSurge: 1, maxUnavailable: 0 };

/** A cart of one pod, which its own strategy would take down. */
function shop(): World {
  const world = new World().withShop();
  world.cluster.strategy('shop', 'cart', OWN);
  return world;
}

function countsIn(world: World): StrategyCounts {
  return countsOf(world.cluster.objects.get('Deployment/shop/cart') as PodController | undefined);
}

function back(world: World): Promise<RunResult> {
  return rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
}

/** Counts of the cart after each write of a strategy or a mark. */
function watched(world: World): StrategyCounts[] {
  const seen: StrategyCounts[] = [];
  world.cluster.hook = (call, when) => {
    if (when === 'after' && (call === 'markRestart' || call === 'patchObject')) seen.push(countsIn(world));
  };
  return seen;
}

describe('a workload that its own strategy would take down', () => {
  it('has another one from its mark to its proof, there and back', async () => {
    const world = shop();
    const before = world.cluster.snapshot();
    const seen = watched(world);
    const plan = await world.plan();
    expect(plan.steps.flatMap((step) => ('surge' in step ? [[step.title, step.restart?.do, step.surge]] : []))).toEqual([
      ['restart deploy/cart in shop', 'surge', { from: OWN }],
    ]);
    expect((await startRun(world.driver(), plan, NEVER)).outcome).toBe('moved');
    expect([seen.slice(0, 3), countsIn(world)]).toEqual([[MEANWHILE, OWN, OWN], OWN]);
    seen.length = 0;
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(seen).toEqual([MEANWHILE, OWN, OWN, OWN]);
    expect(world.cluster.snapshot()['Deployment/shop/cart']).toEqual(before['Deployment/shop/cart']);
  });

  it('gets it back when its new pod never comes and it is taken back', async () => {
    const world = shop();
    world.cluster.broken.add('Deployment/shop/cart@canary');
    expect((await world.apply()).problem?.code).toBe('RUN-021');
    expect([countsIn(world), world.cluster.revisionsOf('shop')['default']]).toEqual([MEANWHILE, 5]);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(countsIn(world)).toEqual(OWN);
  });

  it('keeps what somebody gives it while it restarts', async () => {
    const world = shop();
    const theirs = { maxSurge: 3, maxUnavailable: 0 };
    world.cluster.hook = (call, when) => {
      if (call === 'markRestart' && when === 'after' && world.cluster.restarts.size === 1) world.cluster.strategy('shop', 'cart', theirs);
    };
    expect((await world.apply()).outcome).toBe('moved');
    expect(countsIn(world)).toEqual(theirs);
    world.cluster.hook = () => undefined;
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(countsIn(world)).toEqual(theirs);
  });

  it('stops the run when it has another one by then, and goes on once it is as it was', async () => {
    const world = shop();
    const plan = await world.plan();
    world.cluster.strategy('shop', 'cart', { maxSurge: 2, maxUnavailable: 1 });
    const failed = await startRun(world.driver(), plan, NEVER);
    expect([failed.problem?.code, failed.problem?.details.what]).toEqual([
      'RUN-025',
      'deploy/cart in shop has maxSurge 2, maxUnavailable 1; the plan was made with maxSurge 0, maxUnavailable 1, which it would get back.',
    ]);
    expect(world.cluster.restarts.size).toBe(0);
    world.cluster.strategy('shop', 'cart', OWN);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect(countsIn(world)).toEqual(OWN);
  });

  it('makes a plan stale in which it has another one, or none of its own was to be changed', async () => {
    const before = new World().withShop();
    const plan = await before.plan();
    before.cluster.strategy('shop', 'cart', OWN);
    expect(await codeOf(expectPlanFits(before.driver(), plan))).toBe('PLAN-013');
    const world = shop();
    const planned = await world.plan();
    expect(await codeOf(expectPlanFits(world.driver(), planned))).toBe('none');
    world.cluster.strategy('shop', 'cart', { maxSurge: 0, maxUnavailable: '100%' });
    expect(await codeOf(expectPlanFits(world.driver(), planned))).toBe('PLAN-013');
  });
});

describe('a workload whose controller waits for its pods to go', () => {
  const EVICT = { restarts: { overrides: [{ workload: 'shop/sts/ledger', do: 'evict' }] } };
  const ledger = (): World => {
    const world = new World().withShop();
    world.cluster.onDelete('shop', 'ledger');
    return world;
  };

  it('stays without a word of the request, and keeps the old revision', async () => {
    const plan = await ledger().plan();
    expect(plan.notMoved).toEqual([
      { workload: 'shop/statefulset/ledger', reason: 'its update strategy is OnDelete: delete its pods by hand', keepsOldInUse: true },
    ]);
  });

  it('loses its pods one by one, the highest first, each only when the one before it is proven', async () => {
    const world = ledger();
    const pods: string[] = [];
    const { cluster } = world;
    const evict = cluster.evictPod.bind(cluster);
    cluster.evictPod = async (pod) => {
      const [report] = cluster.istiods.reports(() => []);
      pods.push(`${pod.name} with ${cluster.revisionsOf('shop')['canary'] ?? 0} on canary, ${report === undefined ? 'no' : 'an'} istiod`);
      await evict(pod);
    };
    expect((await world.apply(EVICT)).outcome).toBe('moved');
    expect(pods).toEqual(['ledger-1 with 3 on canary, an istiod', 'ledger-0 with 4 on canary, an istiod']);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect([pods.length, cluster.revisionsOf('shop')]).toEqual([4, { default: 5 }]);
  });

  it('goes on only with a successor that the wanted revision injected', async () => {
    const world = ledger();
    world.cluster.broken.add('StatefulSet/shop/ledger@canary');
    const failed = await world.apply(EVICT);
    expect([failed.problem?.code, world.cluster.evicted.get('shop/ledger')]).toEqual(['RUN-021', 1]);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(world.cluster.revisionsOf('shop')).toEqual({ default: 5 });
  });

  it('waits for its budget, then the run stops, says so, and goes on when it may', async () => {
    const world = ledger();
    world.cluster.protectedPods.add('shop/ledger-1');
    const failed = await world.apply(EVICT);
    expect([failed.problem?.code, failed.problem?.details.what]).toEqual(['RUN-050', "it would violate the pod's disruption budget."]);
    expect(world.cluster.evicted.size).toBe(0);
    world.cluster.protectedPods.clear();
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.evicted.values()]).toEqual([2]);
  });

  it('cannot be evicted where its controller replaces pods by itself', async () => {
    const world = new World().withShop();
    expect(await codeOf(world.plan(EVICT))).toBe('PLAN-016');
  });
});

it('what only bears on restarts and cannot be read does not make the use of a revision unknown', async () => {
  const world = new World().withShop();
  const asked: string[] = [];
  const read = world.cluster.readMesh.bind(world.cluster);
  world.cluster.readMesh = async (scope) => {
    asked.push(scope);
    const objects = await read(scope);
    return scope === 'plan' ? { ...objects, unread: [{ what: 'nodes', why: 'no permission' }] } : objects;
  };
  await world.apply();
  expect((await finishRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
  expect(asked).toContain('uses');
});

describe('a workload with something in the way that may pass', () => {
  const WAIT = { restarts: { overrides: [{ workload: 'shop/deploy/web', do: 'wait' }] } };
  const budget = (disruptionsAllowed: number): KubeObject => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { disruptionsAllowed },
  });
  const blocked = (): World => {
    const world = new World().withShop();
    world.cluster.put(budget(0));
    return world;
  };
  const chosen = async (world: World, more: object): Promise<unknown> => {
    const found = (await world.plan({ ...more })).steps.find((step) => 'workload' in step && step.workload.name === 'web');
    return found !== undefined && 'restart' in found ? [found.restart?.do, 'waitFor' in found ? found.waitFor : undefined] : undefined;
  };

  it('is asked about, or waits when it is named so', async () => {
    expect(await chosen(blocked(), {})).toEqual(['ask', undefined]);
    expect(await chosen(blocked(), WAIT)).toEqual([
      'wait',
      [{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', namespace: 'shop', name: 'web' }],
    ]);
  });

  it('is restarted as soon as it may, with all the time that a restart has', async () => {
    const world = blocked();
    const plan = await world.plan(WAIT);
    expect(await codeOf(expectPlanFits(world.driver(), plan))).toBe('none');
    let waited = 0;
    const sleep = world.clock.sleep.bind(world.clock);
    world.clock.sleep = async (ms) => {
      if (world.cluster.restarts.has('Deployment/shop/cart') && !world.cluster.restarts.has('Deployment/shop/web')) waited += ms;
      // A minute is all that a step has.
      if (waited > 58_000) world.cluster.put(budget(1));
      await sleep(ms);
    };
    expect((await startRun(world.driver(), plan, NEVER)).outcome).toBe('moved');
    expect([waited > 58_000, world.cluster.restarts.get('Deployment/shop/web')]).toEqual([true, 1]);
  });

  it('is not touched when it waited in vain; the run stops, says why, and goes on when it may', async () => {
    const world = blocked();
    const failed = await world.apply(WAIT);
    expect([failed.problem?.code, failed.problem?.details.what]).toEqual([
      'RUN-028',
      'deploy/web in shop was not restarted: the PodDisruptionBudget web allows no disruption.',
    ]);
    expect([...world.cluster.restarts.keys()]).toEqual(['Deployment/shop/cart']);
    world.cluster.put(budget(1));
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect((await back(world)).outcome).toBe('rolled-back');
  });
});
