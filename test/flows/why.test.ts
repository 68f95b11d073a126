/** Why a workload of a run is not moving, told at each stage of the run from what the cluster and the record say. */
import { describe, expect, it } from 'vitest';
import { buildInventory } from '../../src/core/mesh/build-inventory.ts';
import { explainWhy } from '../../src/core/why/explain-why.ts';
import { findTarget } from '../../src/core/why/find-target.ts';
import type { InRun } from '../../src/core/why/why-answer.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun } from '../../src/flows/start-run.ts';
import { NEVER, World } from '../kit/world.ts';

async function inRun(world: World, target: string, driver?: string, paused = false): Promise<InRun | undefined> {
  const objects = await world.cluster.readMesh('status');
  const seen = { objects, inventory: buildInventory(objects) };
  const record = await world.store.load(world.run);
  return explainWhy(findTarget(target, [], seen), seen, { record, paused, ...(driver === undefined ? {} : { driver }) }).inRun;
}

const lines = (inside: InRun | undefined): string[] => (inside?.evidence ?? []).map(({ label, text }) => `${label}: ${text}`);

/** A run whose driver is killed when it has begun a step. */
async function killedAt(step: RegExp, act: (world: World) => Promise<unknown>, world = new World().withShop()): Promise<World> {
  world.store.hooks.afterAppend = (event) => {
    if (event.type === 'StepStarted' && step.test(event.step)) throw new Error('killed');
  };
  await expect(act(world)).rejects.toThrow('killed');
  world.store.hooks.afterAppend = () => undefined;
  world.killDriver();
  return world;
}

describe('a workload', () => {
  it('whose turn has not come', async () => {
    const world = await killedAt(/03-label/, (one) => one.apply());
    const web = await inRun(world, 'deploy/web');
    expect(web?.answer).toBe(
      `Run ${world.run} has not come to it (restart deploy/web in shop): nobody drives the run, and 2 steps come before it.`,
    );
    expect(lines(web)).toEqual([
      'step: 5 of 6, waiting; done when rolled out, every pod is ready and injected by canary, its proxy connected to canary and synced, steadily',
      'run is at: 3 of 6: label ns/shop istio-injection: enabled → none, istio.io/rev: none → canary, which waits until the labels are set, and a dry-run pod is injected by canary',
      'run: running, driven by nobody now',
    ]);
    expect(web?.next).toEqual([`meshlift resume ${world.run}`, `meshlift rollback ${world.run}`]);
    expect((await inRun(world, 'deploy/web', 'ann@laptop'))?.answer).toContain(': 2 steps come before it.');
    expect((await inRun(world, 'deploy/web', 'ann@laptop'))?.next).toEqual([]);
    expect((await inRun(world, 'deploy/cart', 'ann@laptop', true))?.answer).toContain(': the run is paused, and 1 step comes before it.');
    expect(lines(await inRun(world, 'deploy/cart', 'ann@laptop', true)).at(-1)).toBe(
      'run: to be paused after its present step, driven by ann@laptop',
    );
  });

  it('that is being moved, judged as the run judges it', async () => {
    const world = await killedAt(/04-restart/, (one) => one.apply());
    const told = await inRun(world, 'deploy/cart', 'ann@laptop');
    expect(told?.answer).toBe(
      `Run ${world.run} is at it (restart deploy/cart in shop), and waits: 1 of 1 pods are on default, wanted canary.`,
    );
    expect(lines(told).at(-1)).toBe('run: running, driven by ann@laptop');
    const other = await inRun(world, 'deploy/web', 'ann@laptop');
    expect(lines(other)[1]).toBe('run is at: 4 of 6: restart deploy/cart in shop, which waits: 1 of 1 pods are on default, wanted canary');
    expect((await inRun(world, 'ns/shop'))?.answer).toContain('is at it (restart deploy/cart in shop)');
  });

  it('whose step has failed', async () => {
    const world = new World().withShop();
    world.cluster.wrongImage.set('Deployment/shop/cart', 'not found');
    const { outcome } = await world.apply();
    expect(outcome).toBe('failed');
    expect((await inRun(world, 'deploy/cart'))?.answer).toMatch(
      /failed at it: RUN-021 deploy\/cart in shop did not become ready on canary/,
    );
    const web = await inRun(world, 'deploy/web');
    expect(web?.answer).toContain('the run has failed, and 1 step comes before it');
    expect(lines(web).some((line) => line.startsWith('problem: RUN-021'))).toBe(true);
    world.cluster.wrongImage.clear();
    await resumeRun(world.driver(), world.run, NEVER);
    expect((await inRun(world, 'deploy/cart'))?.answer).toMatch(/is through with it: restart deploy\/cart in shop\.$/);
    expect((await inRun(world, 'deploy/cart'))?.next).toEqual([`meshlift finish ${world.run}`]);
    await finishRun(world.driver(), world.run, NEVER);
    expect(await inRun(world, 'deploy/cart')).toBeUndefined();
  });

  it('that is left out, and one that the run knows nothing of', async () => {
    const world = new World().withShop();
    world.cluster.namespace('zoo').workload('zoo', 'ape');
    await killedAt(/03-label/, (one) => one.apply({ scope: { namespaces: ['shop'], skip: ['shop/web'] } }), world);
    expect(await inRun(world, 'deploy/web')).toEqual({
      run: world.run,
      answer: `Run ${world.run} does not move web: left out by the request.`,
      evidence: [],
      next: [],
    });
    expect(await inRun(world, 'zoo/ape')).toBeUndefined();
  });

  it('that is taken back', async () => {
    const world = new World().withShop();
    await world.apply();
    await killedAt(/restart/, (one) => rollBack(one.driver(), { name: one.run, reason: 'test', stopSignal: NEVER }), world);
    const answers = await Promise.all(['deploy/cart', 'deploy/web', 'sts/ledger'].map((target) => inRun(world, target)));
    expect(answers.filter((one) => one?.answer.includes('is at it')).length).toBe(1);
    expect(answers.filter((one) => one?.answer.includes('has not come to it')).length).toBe(2);
  });
});
