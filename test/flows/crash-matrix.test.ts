/**
 * The driver dies before and after every write of an event and every effect; the next one goes on from what the cluster
 * holds. The end is always the same, and no workload is restarted twice.
 */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/core/problems/problem.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { NEVER, World } from '../kit/world.ts';

class Killed extends Error {}

/** Numbers every moment at which a process can die, and dies at the one that is asked for. */
function killAt(world: World, wanted: number): { moments: number } {
  const state = { moments: 0 };
  const moment = (): void => {
    state.moments += 1;
    if (state.moments !== wanted) return;
    world.killDriver();
    throw new Killed();
  };
  world.store.hooks.beforeAppend = moment;
  world.store.hooks.afterAppend = moment;
  world.cluster.hook = (call) => {
    if (!call.startsWith('read') && call !== 'dryRunPod') moment();
  };
  return state;
}

function unharmed(world: World): void {
  world.store.hooks.beforeAppend = () => undefined;
  world.store.hooks.afterAppend = () => undefined;
  world.cluster.hook = () => undefined;
}

async function survive(act: () => Promise<RunResult>): Promise<RunResult | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Killed) return undefined;
    throw error;
  }
}

async function moments(prepare: (world: World) => Promise<void>, act: (world: World) => Promise<RunResult>): Promise<number> {
  const world = new World().withShop();
  await prepare(world);
  const state = killAt(world, -1);
  await act(world);
  return state.moments;
}

interface End {
  readonly objects: Record<string, unknown>;
  readonly pods: Record<string, number>;
}

function endOf(world: World): End {
  return { objects: world.cluster.snapshot(), pods: world.cluster.revisionsOf('shop') };
}

const nothing = (): Promise<void> => Promise.resolve();
const moved = async (world: World): Promise<void> => {
  await world.apply();
};

describe('an upgrade with its finish', () => {
  const whole = async (world: World): Promise<RunResult> => {
    await startRun(world.driver(), await world.plan(), NEVER);
    return finishRun(world.driver(), world.run, NEVER);
  };
  const goOn = async (world: World): Promise<RunResult> => {
    const run = world.store.runs.has(world.run) ? await world.store.load(world.run) : undefined;
    if (run === undefined || run.events.length === 0) return whole(world);
    const result =
      run.state.phase === 'moved' || run.state.phase === 'finished' ? undefined : await resumeRun(world.driver(), world.run, NEVER);
    const { state } = await world.store.load(world.run);
    if (state.phase === 'finished') return result ?? { outcome: 'finished', record: await world.store.load(world.run) };
    return finishRun(world.driver(), world.run, NEVER);
  };

  it('ends alike wherever it is killed, every workload restarted once', async () => {
    const undisturbed = new World().withShop();
    await whole(undisturbed);
    const wanted = endOf(undisturbed);
    const count = await moments(nothing, whole);
    expect(count).toBeGreaterThan(40);
    for (let moment = 1; moment <= count; moment += 1) {
      const world = new World().withShop();
      killAt(world, moment);
      await survive(() => whole(world));
      unharmed(world);
      const result = await goOn(world);
      expect([moment, result.outcome, [...world.cluster.restarts.values()]]).toEqual([moment, 'finished', [1, 1, 1]]);
      expect([moment, endOf(world)]).toEqual([moment, wanted]);
    }
  });
});

describe('a roll-back', () => {
  it.each([
    ['from the end', moved],
    [
      'after the old control plane is gone',
      async (world: World): Promise<void> => {
        await world.apply();
        await finishRun(world.driver(), world.run, NEVER);
      },
    ],
  ])('%s ends alike wherever it is killed, every workload restarted once more', async (_name, prepare) => {
    const back = (world: World): Promise<RunResult> => rollBack(world.driver(), world.run, 'test', NEVER);
    const undisturbed = new World().withShop();
    await prepare(undisturbed);
    await back(undisturbed);
    const wanted = endOf(undisturbed);
    const count = await moments(prepare, back);
    expect(count).toBeGreaterThan(15);
    for (let moment = 1; moment <= count; moment += 1) {
      const world = new World().withShop();
      await prepare(world);
      killAt(world, moment);
      await survive(() => back(world));
      unharmed(world);
      const { state } = await world.store.load(world.run);
      if (state.phase !== 'rolled-back') expect([moment, (await back(world)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, [...world.cluster.restarts.values()]]).toEqual([moment, [2, 2, 2]]);
      expect([moment, endOf(world)]).toEqual([moment, wanted]);
    }
  });
});

// The adapter tries reads again by itself, so that of one bad answer in five few reach the flows.
describe('a cluster that fails now and then', () => {
  it.each([1, 2, 3])('only takes longer (seed %i)', async (seed) => {
    const { Transient } = await import('../../src/core/problems/problem.ts');
    const undisturbed = new World().withShop();
    await undisturbed.apply();
    const world = new World().withShop();
    const plan = await world.plan();
    let dice = seed;
    world.cluster.hook = () => {
      dice = (dice * 48_271) % 2_147_483_647;
      if (dice % 30 === 0) throw new Transient('the server says 503');
    };
    const result = await startRun(world.driver(), plan, NEVER);
    expect([result.outcome, [...world.cluster.restarts.values()]]).toEqual(['moved', [1, 1, 1]]);
    expect(endOf(world)).toEqual(endOf(undisturbed));
    expect(world.news.some((news) => news.kind === 'trouble')).toBe(true);
  });
});

it('a problem is never taken for a crash', () => {
  expect(new Problem('RUN-003', { what: '', next: [] })).not.toBeInstanceOf(Killed);
});
