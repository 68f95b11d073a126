/**
 * The driver dies before and after every write of an event and every effect, and between the objects of an installation;
 * the next one goes on from what the cluster holds. The end is always the same, and no workload is restarted twice.
 */
import { describe, expect, it } from 'vitest';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { tagObjects } from '../kit/istio-objects.ts';
import { destinationRule, envoyFilter } from '../kit/pinned-objects.ts';
import { NEVER, World } from '../kit/world.ts';

class Killed extends Error {}

/** Numbers every moment at which a process can die, and dies at the one that is asked for. */
function killAt(world: World, wanted: number): { readonly moments: string[] } {
  const moments: string[] = [];
  const moment = (name: string): void => {
    moments.push(name);
    if (moments.length !== wanted) return;
    world.killDriver();
    throw new Killed();
  };
  const step = (event: { readonly type: string; readonly step?: string }): string => `${event.type} ${event.step ?? ''}`;
  world.store.hooks.beforeAppend = (event) => moment(`before ${step(event)}`);
  world.store.hooks.afterAppend = (event) => moment(`after ${step(event)}`);
  world.cluster.hook = (call, when) => {
    if (!call.startsWith('read') && call !== 'dryRunPod') moment(`${when} ${call}`);
  };
  return { moments };
}

function unharmed(world: World): void {
  killAt(world, -1);
}

/** @returns undefined when the driver was killed */
async function survive(act: () => Promise<RunResult>): Promise<RunResult | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Killed) return undefined;
    throw error;
  }
}

type Act = (world: World) => Promise<RunResult>;
type Prepare = (world: World) => Promise<void>;

async function momentsOf(act: Act, prepare: Prepare): Promise<string[]> {
  const world = shop();
  await prepare(world);
  const { moments } = killAt(world, -1);
  await act(world);
  return moments;
}

/** With objects that only the old revision and only its proxies obey, a tag that a namespace and a workload follow, and one that nobody does. */
function shop(): World {
  const world = new World().withShop();
  world.cluster.put(...tagObjects('prod', 'default'), ...tagObjects('idle', 'default')).namespace('tools', { 'istio.io/rev': 'prod' });
  world.cluster.namespace('bare').workload('bare', 'lone', 1, 'Deployment', { labels: { 'istio.io/rev': 'prod' } });
  world.cluster.put(destinationRule('default'), envoyFilter([String.raw`^1\.28.*`]));
  world.cluster.strategy('shop', 'cart', { maxSurge: 0, maxUnavailable: '100%' });
  return world;
}

/** Everything in the cluster, and which revision the pods are on. */
function endOf(world: World, without: RegExp = /^$/): unknown {
  const objects = Object.entries(world.cluster.snapshot()).filter(([key]) => !without.test(key));
  return { objects, pods: world.cluster.revisionsOf('shop') };
}

/** CRDs are not taken back. */
const CRDS = /^CustomResourceDefinition/;

const upgrade: Act = async (world) => {
  await startRun(world.driver(), await world.plan(), NEVER);
  return finishRun(world.driver(), world.run, NEVER);
};

/** What a person types who finds the run interrupted. */
const goOn: Act = async (world) => {
  if (!world.store.runs.has(world.run)) return upgrade(world);
  const { phase, finishAsked } = (await world.store.load(world.run)).state;
  if (phase === 'moved' || phase === 'finished') return phase === 'moved' ? finishRun(world.driver(), world.run, NEVER) : ended(world);
  const result = await resumeRun(world.driver(), world.run, NEVER);
  return finishAsked ? result : finishRun(world.driver(), world.run, NEVER);
};

async function ended(world: World): Promise<RunResult> {
  return { outcome: 'finished', record: await world.store.load(world.run) };
}

const takeBack: Act = (world) => rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
const nothing: Prepare = () => Promise.resolve();
const moved: Prepare = async (world) => void (await world.apply());
const finished: Prepare = async (world) => void (await upgrade(world));
const halfWay: Prepare = async (world) => {
  const stop = new AbortController();
  world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step.startsWith('05-') && stop.abort();
  await world.apply({}, stop.signal);
};

const restartsOf = (world: World): number[] => [...world.cluster.restarts.values()];

describe('an upgrade with its finish', () => {
  it('ends alike wherever it is killed, every workload restarted once', async () => {
    const undisturbed = shop();
    await upgrade(undisturbed);
    const moments = await momentsOf(upgrade, nothing);
    expect(moments.length).toBeGreaterThan(60);
    for (const [index, moment] of moments.entries()) {
      const world = shop();
      killAt(world, index + 1);
      await survive(() => upgrade(world));
      unharmed(world);
      expect([moment, (await goOn(world)).outcome, restartsOf(world)]).toEqual([moment, 'finished', [1, 1, 1, 1]]);
      expect([moment, endOf(world)]).toEqual([moment, endOf(undisturbed)]);
    }
  });

  it('ends alike when the next driver is killed as well', async () => {
    const undisturbed = shop();
    await upgrade(undisturbed);
    const { length } = await momentsOf(upgrade, nothing);
    for (let first = 1; first <= length; first += 1) {
      const world = shop();
      for (const moment of [first, 1 + (first % 5), 2]) {
        killAt(world, moment);
        await survive(() => (moment === first ? upgrade(world) : goOn(world)));
      }
      unharmed(world);
      expect([first, (await goOn(world)).outcome, restartsOf(world)]).toEqual([first, 'finished', [1, 1, 1, 1]]);
      expect([first, endOf(world)]).toEqual([first, endOf(undisturbed)]);
    }
  });

  it('is taken back from wherever it is killed', async () => {
    const before = endOf(shop(), CRDS);
    const moments = await momentsOf(upgrade, nothing);
    for (const [index, moment] of moments.entries()) {
      const world = shop();
      killAt(world, index + 1);
      await survive(() => upgrade(world));
      unharmed(world);
      if (world.cluster.restarts.size === 0 && (await nothingWasBegun(world))) continue;
      expect([moment, (await takeBack(world)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, endOf(world, CRDS)]).toEqual([moment, before]);
      expect([moment, restartsOf(world).every((count) => count <= 2)]).toEqual([moment, true]);
    }
  });
});

/** Before the first step that can be taken back. */
async function nothingWasBegun(world: World): Promise<boolean> {
  if (!world.store.runs.has(world.run)) return true;
  const { steps } = (await world.store.load(world.run)).state;
  return ![...steps.keys()].some((step) => !step.endsWith('-crds'));
}

describe('a roll-back', () => {
  it.each<[string, Prepare, number[]]>([
    ['from half way', halfWay, [2]],
    ['from the end', moved, [2, 2, 2, 2]],
    ['after the old control plane is gone', finished, [2, 2, 2, 2]],
  ])('%s ends alike wherever it is killed, every workload restarted once more', async (_name, prepare, restarts) => {
    const before = endOf(shop(), CRDS);
    const moments = await momentsOf(takeBack, prepare);
    expect(moments.length).toBeGreaterThan(15);
    for (const [index, moment] of moments.entries()) {
      const world = shop();
      await prepare(world);
      killAt(world, index + 1);
      await survive(() => takeBack(world));
      unharmed(world);
      const { phase } = (await world.store.load(world.run)).state;
      if (phase !== 'rolled-back') expect([moment, (await takeBack(world)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, restartsOf(world)]).toEqual([moment, restarts]);
      expect([moment, endOf(world, CRDS)]).toEqual([moment, before]);
    }
  });

  it('is gone on with by resume, too', async () => {
    const before = endOf(shop(), CRDS);
    const moments = await momentsOf(takeBack, moved);
    const begun = moments.findIndex((moment) => moment.startsWith('after RollbackStarted')) + 1;
    for (let moment = begun; moment < moments.length - 1; moment += 3) {
      const world = shop();
      await moved(world);
      killAt(world, moment);
      await survive(() => takeBack(world));
      unharmed(world);
      expect([moment, (await resumeRun(world.driver(), world.run, NEVER)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, restartsOf(world), endOf(world, CRDS)]).toEqual([moment, [2, 2, 2, 2], before]);
    }
  });
});

describe('pods that are evicted', () => {
  const EVICT = { restarts: { overrides: [{ workload: 'shop/ledger', do: 'evict' }] } };
  const evicting = (): World => {
    const world = new World().withShop();
    world.cluster.onDelete('shop', 'ledger');
    return world;
  };
  const apply: Act = (world) => world.apply(EVICT);
  /** How often each pod of the ledger went. */
  const evictions = (moments: readonly string[]): number => moments.filter((moment) => moment === 'after evictPod').length;

  it('go once each, wherever the run is killed, and come back alike', async () => {
    const before = endOf(evicting(), CRDS);
    const undisturbed = evicting();
    const { moments } = killAt(undisturbed, -1);
    expect((await apply(undisturbed)).outcome).toBe('moved');
    expect([evictions(moments), undisturbed.cluster.revisionsOf('shop')]).toEqual([2, { canary: 5 }]);
    for (const [index, moment] of moments.entries()) {
      const world = evicting();
      const first = killAt(world, index + 1).moments;
      await survive(() => apply(world));
      const second = killAt(world, -1).moments;
      const isBegun = world.store.runs.has(world.run);
      if (isBegun && (await world.store.load(world.run)).state.phase !== 'moved') await resumeRun(world.driver(), world.run, NEVER);
      if (!isBegun) await apply(world);
      // An eviction whose answer was lost is asked for again, of the same pod, which is gone.
      expect([moment, evictions(first) + evictions(second) >= 1, world.cluster.evicted.get('shop/ledger')]).toEqual([moment, true, 2]);
      expect([moment, endOf(world)]).toEqual([moment, endOf(undisturbed)]);
      if (index % 3 > 0) continue;
      expect([moment, (await takeBack(world)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, endOf(world, CRDS), world.cluster.evicted.get('shop/ledger')]).toEqual([moment, before, 4]);
    }
  });
});

describe('a busy cluster', () => {
  /** Pods come and go while the driver asks. */
  const busy = (): World => {
    const world = shop();
    world.cluster.everyCall = () => world.clock.pass(300);
    return world;
  };

  it('does not mind a roll-back in the middle of a rollout', async () => {
    const before = endOf(shop(), CRDS);
    const moments = await momentsOf(upgrade, nothing);
    for (const [index, moment] of moments.entries()) {
      if (!/markRestart|restart-/.test(moment)) continue;
      const world = busy();
      killAt(world, index + 1);
      await survive(() => upgrade(world));
      unharmed(world);
      expect([moment, (await takeBack(world)).outcome]).toEqual([moment, 'rolled-back']);
      expect([moment, endOf(world, CRDS)]).toEqual([moment, before]);
    }
  });
});
