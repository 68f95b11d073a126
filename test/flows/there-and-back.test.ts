/** Whatever the mesh looks like: plan, apply and roll back end where it began, restart marks and CRDs apart. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectPlanFits, finishRun, startRun } from '../../src/flows/start-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { injectorWebhooks } from '../kit/istio-objects.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

type Labels = Readonly<Record<string, string>>;

interface RandomWorkload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly replicas: number;
  readonly labels: Labels;
}

interface RandomNamespace {
  readonly labels: Labels;
  readonly workloads: readonly RandomWorkload[];
}

const labelsOfNamespaces: readonly Labels[] = [
  {},
  { 'istio-injection': 'enabled' },
  { 'istio-injection': 'enabled' },
  { 'istio-injection': 'enabled' },
  { 'istio-injection': 'disabled' },
  { 'istio.io/rev': 'default' },
  { 'istio.io/rev': 'prod' },
  { 'istio.io/rev': 'gone' },
  { 'istio-injection': 'enabled', 'istio.io/rev': 'default' },
  { 'istio-injection': 'disabled', 'istio.io/rev': 'default' },
  { 'istio-injection': 'enabled', team: 'a' },
];
const labelsOfPods: readonly Labels[] = [
  {},
  {},
  { 'sidecar.istio.io/inject': 'false' },
  { 'sidecar.istio.io/inject': 'true' },
  { 'istio.io/rev': 'default' },
  { 'istio.io/rev': 'prod', 'sidecar.istio.io/inject': 'true' },
];

const workload: fc.Arbitrary<RandomWorkload> = fc.record({
  kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet'),
  replicas: fc.integer({ min: 0, max: 2 }),
  labels: fc.constantFrom(...labelsOfPods),
});
const mesh: fc.Arbitrary<readonly RandomNamespace[]> = fc.array(
  fc.record({ labels: fc.constantFrom(...labelsOfNamespaces), workloads: fc.array(workload, { maxLength: 4, size: 'max' }) }),
  { minLength: 1, maxLength: 4, size: 'max' },
);

function worldOf(namespaces: readonly RandomNamespace[]): World {
  const world = new World();
  world.cluster.put(
    injectorWebhooks({ configuration: 'istio-revision-tag-prod', value: 'prod', revision: 'default', tag: 'prod', service: 'istiod' }),
  );
  for (const [index, { labels, workloads }] of namespaces.entries()) {
    world.cluster.namespace(`ns-${index}`, labels);
    for (const [number, { kind, replicas, labels: podLabels }] of workloads.entries())
      world.cluster.workload(`ns-${index}`, `w-${number}`, replicas, kind, { labels: podLabels });
  }
  return world;
}

/** Objects and the revisions of running pods. */
function pictureOf(world: World, namespaces: number): unknown {
  const objects = Object.entries(world.cluster.snapshot()).filter(([key]) => !key.startsWith('CustomResourceDefinition'));
  return { objects, pods: Array.from({ length: namespaces }, (_, index) => world.cluster.revisionsOf(`ns-${index}`)) };
}

const back = { reason: 'test', stopSignal: NEVER };

describe('a random mesh', () => {
  it('ends where it began, by way of the new revision, and no workload is restarted more than once each way', async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(mesh, fc.boolean(), async (namespaces, withFinish) => {
        const world = worldOf(namespaces);
        const before = pictureOf(world, namespaces.length);
        const plan = await world.plan();
        expect(await codeOf(expectPlanFits(world.driver(), plan))).toMatch(/none|CHEK-001/);
        expect((await startRun(world.driver(), plan, NEVER)).outcome).toBe('moved');
        const planned = plan.steps.filter((step) => 'workload' in step).length;
        expect([...world.cluster.restarts.values()]).toEqual(Array.from({ length: planned }, () => 1));
        // It may be refused, since a tag or a pod may still need the old revision; what it has done is taken back as well.
        if (withFinish) await finishRun(world.driver(), world.run, NEVER);
        expect((await rollBack(world.driver(), { name: world.run, ...back })).outcome).toBe('rolled-back');
        expect(pictureOf(world, namespaces.length)).toEqual(before);
        expect([...world.cluster.restarts.values()]).toEqual(Array.from({ length: planned }, () => 2));
        moved += planned;
      }),
      { numRuns: 60, seed: 20_260_301 },
    );
    expect(moved).toBeGreaterThan(60);
  });

  it('has every pod on the new revision that the plan said, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(mesh, async (namespaces) => {
        const world = worldOf(namespaces);
        const plan = await world.plan();
        await startRun(world.driver(), plan, NEVER);
        const wanted = new Map(plan.steps.flatMap((step) => ('workload' in step ? [[step.workload.namespace, step.pods] as const] : [])));
        for (const [index, { workloads }] of namespaces.entries()) {
          const pods = workloads.reduce((sum, { replicas }) => sum + replicas, 0);
          const counts = world.cluster.revisionsOf(`ns-${index}`);
          expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(pods);
          if (!wanted.has(`ns-${index}`)) expect(counts['canary']).toBeUndefined();
        }
        const canaries = plan.steps.filter((step) => 'workload' in step && step.revision === 'canary');
        const planned = canaries.reduce((sum, step) => sum + ('pods' in step ? step.pods : 0), 0);
        const there = namespaces.reduce((sum, _, index) => sum + (world.cluster.revisionsOf(`ns-${index}`)['canary'] ?? 0), 0);
        expect(there).toBe(planned);
      }),
      { numRuns: 30, seed: 20_260_302 },
    );
  });
});

describe('a part of an upgrade', () => {
  const shop = (): World => new World().withShop();
  const picture = (world: World): unknown => {
    const objects = Object.entries(world.cluster.snapshot()).filter(([key]) => !key.startsWith('CustomResourceDefinition'));
    return [objects, world.cluster.revisionsOf('shop')];
  };
  const install = { action: 'install' };
  const migrate = { action: 'migrate', to: { revision: 'canary' }, install: undefined, scope: { namespaces: ['shop'], skip: [] } };
  const uninstall = { action: 'uninstall', from: { revision: 'default' }, to: { revision: 'canary' }, install: undefined };

  async function takeBackLast(world: World): Promise<string> {
    const name = [...world.store.runs.keys()].at(-1) ?? '';
    return (await rollBack(world.driver(), { name, ...back })).outcome;
  }

  it('only the control plane, and back', async () => {
    const world = shop();
    const before = picture(world);
    const { outcome, record } = await world.apply(install);
    expect([outcome, record.plan.steps.map((step) => step.kind)]).toEqual(['finished', ['crds', 'installControlPlane']]);
    expect(world.cluster.revisionsOf('shop')).toEqual({ default: 5 });
    expect(await takeBackLast(world)).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
  });

  it('only the workloads, and back', async () => {
    const world = shop();
    await world.apply(install);
    const before = picture(world);
    expect((await world.apply(migrate)).outcome).toBe('finished');
    expect(world.cluster.revisionsOf('shop')).toEqual({ canary: 5 });
    expect(await takeBackLast(world)).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
  });

  it('only the removal, and back', async () => {
    const world = shop();
    await world.apply(install);
    await world.apply(migrate);
    const before = picture(world);
    const { outcome, record } = await world.apply(uninstall);
    expect([outcome, record.plan.steps.map((step) => step.kind)]).toEqual(['finished', ['moveDefault', 'removeControlPlane']]);
    expect(await takeBackLast(world)).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
  });

  it('one after another, the same end as all at once', async () => {
    const world = shop();
    for (const part of [install, migrate, uninstall]) await world.apply(part);
    const whole = shop();
    await whole.apply();
    await finishRun(whole.driver(), whole.run, NEVER);
    expect(picture(world)).toEqual(picture(whole));
  });

  it('some namespaces only, and some workloads not', async () => {
    const world = shop();
    world.cluster.namespace('zoo', { 'istio-injection': 'enabled' }).workload('zoo', 'ape');
    const { outcome, record } = await world.apply({ scope: { namespaces: ['shop'], skip: ['shop/cart'] } });
    expect([outcome, world.cluster.revisionsOf('shop'), world.cluster.revisionsOf('zoo')]).toEqual([
      'moved',
      { canary: 4, default: 1 },
      { default: 1 },
    ]);
    expect(record.plan.notMoved.map((stay) => stay.workload).toSorted()).toEqual(['shop/deployment/cart', 'zoo/deployment/ape']);
  });
});
