import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, workload } from '../../../../test/kit/controllers-world.ts';
import { DESIRED_REPLICAS_KNOB } from './autoscaler-controller.ts';

interface Loose {
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Readonly<Record<string, unknown>>[] };
  readonly spec?: { readonly replicas?: number };
}

async function budgetOf(
  spec: Readonly<Record<string, unknown>>,
  replicas: number,
  brokenPods = 0,
): Promise<readonly [Loose, ControllersWorld]> {
  let made = 0;
  const world = controllersWorld({ readyAfterMs: () => ((made += 1) <= brokenPods ? undefined : 1000) });
  world.cluster.create('poddisruptionbudgets.policy', {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas }));
  await world.clock.advance(5000);
  return [world.cluster.get('poddisruptionbudgets.policy', 'web', 'shop') as Loose, world];
}

describe('a PodDisruptionBudget', () => {
  it.each([
    { spec: { minAvailable: 2 }, replicas: 3, broken: 0, gives: [1, 3, 2, 3] },
    { spec: { minAvailable: 1 }, replicas: 1, broken: 0, gives: [0, 1, 1, 1] },
    { spec: { minAvailable: '50%' }, replicas: 5, broken: 0, gives: [2, 5, 3, 5] },
    { spec: { maxUnavailable: 1 }, replicas: 4, broken: 0, gives: [1, 4, 3, 4] },
    { spec: { maxUnavailable: 1 }, replicas: 4, broken: 1, gives: [0, 3, 3, 4] },
    { spec: { maxUnavailable: '34%' }, replicas: 3, broken: 0, gives: [2, 3, 1, 3] },
    { spec: { maxUnavailable: '100%' }, replicas: 2, broken: 0, gives: [2, 2, 0, 2] },
    { spec: { minAvailable: 5 }, replicas: 3, broken: 0, gives: [0, 3, 5, 3] },
    { spec: { maxUnavailable: 1 }, replicas: 0, broken: 0, gives: [0, 0, 0, 0] },
  ])('$spec of $replicas with $broken broken', async ({ spec, replicas, broken, gives }) => {
    const [budget, world] = await budgetOf(spec, replicas, broken);
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions } = budget.status ?? {};
    expect([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]).toEqual(gives);
    const allowed = (gives[0] ?? 0) > 0;
    expect(conditions).toMatchObject([
      { type: 'DisruptionAllowed', status: allowed ? 'True' : 'False', reason: allowed ? 'SufficientPods' : 'InsufficientPods' },
    ]);
    expect(world.errors).toEqual([]);
  });

  it('counts an eviction that was allowed until it shows, at most for two minutes', async () => {
    const [, { cluster, clock }] = await budgetOf({ minAvailable: 1 }, 3);
    const read = (): Loose => cluster.get('poddisruptionbudgets.policy', 'web', 'shop') as Loose;
    const pod = cluster.list('pods')[0]?.metadata.name ?? '';
    const disruptedPods = { [pod]: new Date(clock.nowMs()).toISOString() };
    cluster.patch('poddisruptionbudgets.policy', 'web', 'shop', { status: { disruptedPods } }, 'status');
    await clock.advance(60_000);
    expect(read().status).toMatchObject({ disruptionsAllowed: 1, currentHealthy: 2 });
    await clock.advance(61_000);
    expect(read().status).toMatchObject({ disruptionsAllowed: 2, currentHealthy: 3 });
    expect(read().status).not.toHaveProperty('disruptedPods', disruptedPods);
  });

  it('follows the scale of the workload', async () => {
    const [, { cluster, clock }] = await budgetOf({ minAvailable: '50%' }, 2);
    cluster.patch('deployments.apps', 'web', 'shop', { spec: { replicas: 6 } });
    await clock.advance(5000);
    expect(cluster.get('poddisruptionbudgets.policy', 'web', 'shop')).toMatchObject({
      status: { disruptionsAllowed: 3, desiredHealthy: 3 },
    });
  });
});

describe('a HorizontalPodAutoscaler', () => {
  const start = async (knob?: number): Promise<ControllersWorld> => {
    const world = controllersWorld();
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 2 }));
    world.cluster.create('horizontalpodautoscalers.autoscaling', {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: {
        name: 'web',
        namespace: 'shop',
        ...(knob === undefined ? {} : { annotations: { [DESIRED_REPLICAS_KNOB]: String(knob) } }),
      },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 2, maxReplicas: 5 },
    });
    await world.clock.advance(40_000);
    return world;
  };

  it('is looked at every 15 seconds, not when something changes', async () => {
    const { cluster, clock } = await start(3);
    const replicas = (): number | undefined => (cluster.get('deployments.apps', 'web', 'shop') as Loose).spec?.replicas;
    cluster.patch('deployments.apps', 'web', 'shop', { spec: { replicas: 2 } });
    await clock.advance(5000);
    expect(replicas()).toBe(2);
    await clock.advance(15_000);
    expect(replicas()).toBe(3);
  });

  it.each([
    { knob: undefined, replicas: 2, limited: 'DesiredWithinRange' },
    { knob: 4, replicas: 4, limited: 'DesiredWithinRange' },
    { knob: 9, replicas: 5, limited: 'TooManyReplicas' },
    { knob: 0, replicas: 2, limited: 'TooFewReplicas' },
  ])('with the knob at $knob wants $replicas', async ({ knob, replicas, limited }) => {
    const { cluster, errors } = await start(knob);
    expect((cluster.get('deployments.apps', 'web', 'shop') as Loose).spec?.replicas).toBe(replicas);
    const { status } = cluster.get('horizontalpodautoscalers.autoscaling', 'web', 'shop') as Loose;
    expect(status).toMatchObject({ currentReplicas: replicas, desiredReplicas: replicas });
    expect(status?.conditions?.map((one) => one['reason'])).toContain(limited);
    expect(errors).toEqual([]);
  });

  it('says what it cannot find', async () => {
    const { cluster, clock } = await start();
    cluster.delete('deployments.apps', 'web', 'shop');
    await clock.advance(16_000);
    const { status } = cluster.get('horizontalpodautoscalers.autoscaling', 'web', 'shop') as Loose;
    expect(status?.conditions?.find((one) => one['type'] === 'AbleToScale')).toMatchObject({ status: 'False', reason: 'FailedGetScale' });
  });
});
