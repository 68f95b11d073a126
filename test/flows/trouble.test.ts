/** What goes wrong around a run, and what the run makes of it: it waits, or it ends where it stands and says why. */
import { describe, expect, it } from 'vitest';
import { Problem, Transient } from '../../src/core/problems/problem.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

const shop = (): World => new World().withShop();
const STEPS = ['01-crds', '02-install-canary', '03-label-shop', '04-restart-shop-deploy-cart', '05-restart-shop-deploy-web'];

/** Asks again, as a person does, where the cluster did not answer before the loop began. */
async function insistently(act: () => Promise<RunResult>): Promise<RunResult> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
    }
  }
}

/** Throws now and then, the same at each run of the test. */
function dice(seed: number, ratio: number): () => void {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    if (state / 2_147_483_647 < ratio) throw new Transient('the store says 503');
  };
}

function endOf(world: World): unknown {
  return [world.cluster.snapshot(), world.cluster.revisionsOf('shop'), Object.fromEntries(world.cluster.restarts)];
}

describe('one call of five fails', () => {
  const undisturbed = shop();
  const times: number[] = [];
  const ends: unknown[] = [];

  it('not: for comparison', async () => {
    await undisturbed.apply();
    times.push(undisturbed.clock.passedMs);
    await finishRun(undisturbed.driver(), undisturbed.run, NEVER);
    ends.push(endOf(undisturbed));
    await rollBack(undisturbed.driver(), { name: undisturbed.run, reason: 'test', stopSignal: NEVER });
    ends.push(endOf(undisturbed));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('and everything only takes longer (seed %i)', async (seed) => {
    const world = shop();
    const plan = await world.plan();
    world.cluster.failNowAndThen(seed * 1013, 0.2);
    world.store.hooks.beforeAppend = dice(seed * 2003, 0.2);
    // The event was written, and its answer was lost.
    world.store.hooks.afterAppend = dice(seed * 3001, 0.2);
    expect((await insistently(() => startRun(world.driver(), plan, NEVER))).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
    expect(world.clock.passedMs).toBeGreaterThanOrEqual(times[0] ?? 0);
    expect(world.observer.of('trouble').length).toBeGreaterThan(0);
    expect((await insistently(() => finishRun(world.driver(), world.run, NEVER))).outcome).toBe('finished');
    expect(endOf(world)).toEqual(ends[0]);
    const back = { name: world.run, reason: 'test', stopSignal: NEVER };
    expect((await insistently(() => rollBack(world.driver(), back))).outcome).toBe('rolled-back');
    expect(endOf(world)).toEqual(ends[1]);
    const { events } = await world.store.load(world.run);
    const started = events.flatMap((event) => (event.type === 'StepStarted' ? [event.step] : []));
    expect(started.length).toBe(new Set(started).size);
  });
});

describe('a cluster that does not answer', () => {
  /** Silent for so long, from the first restart on. */
  const silentFor = async (ms: number): Promise<[World, RunResult]> => {
    const world = shop();
    let fromMs = Number.POSITIVE_INFINITY;
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepStarted' && event.step === STEPS[3]) fromMs = world.clock.passedMs;
    };
    world.cluster.hook = () => {
      if (world.clock.passedMs >= fromMs && world.clock.passedMs < fromMs + ms) throw new Transient('no connection');
    };
    return [world, await world.apply()];
  };

  it('for less than two minutes is waited for', async () => {
    const [world, result] = await silentFor(100_000);
    expect([result.outcome, [...world.cluster.restarts.values()]]).toEqual(['moved', [1, 1, 1]]);
  });

  it('for longer ends the run, says where it stands, and is no failure of the step', async () => {
    const [world, { outcome, problem, record }] = await silentFor(500_000);
    expect([outcome, problem?.code, problem?.state]).toEqual([
      'failed',
      'RUN-050',
      { kind: 'paused', detail: `${world.run} stands at restart deploy/cart in shop; what was done stands and is recorded.` },
    ]);
    expect([record.state.phase, record.state.steps.get(STEPS[3] ?? '')]).toEqual(['running', 'started']);
    const waits = world.observer.of('trouble').map((news) => news.waitMs);
    expect(waits.slice(0, 6)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(100_000);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(120_000);
    world.clock.pass(500_000);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });

  it('is asked again when it says', async () => {
    const world = shop();
    let left = 2;
    world.cluster.hook = (call) => {
      if (call !== 'markRestart' || left === 0) return;
      left -= 1;
      throw new Transient('too many requests', { retryAfterMs: 7000 });
    };
    expect((await world.apply()).outcome).toBe('moved');
    expect(world.observer.of('trouble')).toEqual([
      { kind: 'trouble', reason: 'too many requests', waitMs: 7000 },
      { kind: 'trouble', reason: 'too many requests', waitMs: 7000 },
    ]);
  });
});

describe('a step that does not come to its end', () => {
  it.each<[string, (world: World) => void, string, RegExp]>([
    [
      'pods that are never ready',
      (w) => w.cluster.broken.add('Deployment/shop/cart'),
      'RUN-021',
      /deploy\/cart in shop did not become ready on canary/,
    ],
    [
      'an image that cannot be pulled',
      (w) => w.cluster.wrongImage.set('Deployment/shop/cart', 'app:1 not found'),
      'RUN-021',
      /cart-2-\d+: container app: ErrImagePull, app:1 not found/,
    ],
    [
      'a StatefulSet that stands still',
      (w) => w.cluster.broken.add('StatefulSet/shop/ledger'),
      'RUN-021',
      /sts\/ledger in shop[^]*1 of 2 pods ready/,
    ],
    ['an istiod that does not run', (w) => w.cluster.istiods.dead.add('canary'), 'RUN-010', /istiod 0\/1 ready[^]*ImagePullBackOff/],
  ])('%s: the run stops in time and says what it saw', async (_name, spoil, code, words) => {
    const world = shop();
    spoil(world);
    const { outcome, problem, record } = await world.apply();
    expect([outcome, problem?.code, record.state.phase, record.state.problem?.code]).toEqual(['failed', code, 'failed', code]);
    expect(problem?.details.what).toMatch(words);
    const failed = record.events.findLast((event) => event.type === 'StepStarted');
    const tookMs = Date.parse(record.state.lastEventAt) - Date.parse(failed?.at ?? '');
    expect(tookMs).toBeGreaterThanOrEqual(60_000);
    expect(tookMs).toBeLessThan(65_000);
  });

  it('pods that a webhook refuses to let in: in its words', async () => {
    const world = shop();
    world.store.hooks.afterAppend = (event) =>
      event.type === 'StepDone' && event.step === STEPS[2] && world.cluster.remove('Service', 'istiod-canary', 'istio-system');
    const { problem } = await world.apply();
    expect([problem?.code, problem?.details.what]).toEqual(['RUN-021', expect.stringContaining('failed calling webhook')]);
  });

  it('is tried again by resume once it is mended, and restarted no second time', async () => {
    const world = shop();
    world.cluster.wrongImage.set('Deployment/shop/cart', 'not found');
    expect((await world.apply()).outcome).toBe('failed');
    expect((await resumeRun(world.driver(), world.run, NEVER)).problem?.code).toBe('RUN-021');
    world.cluster.wrongImage.clear();
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });
});

describe('a permission that is taken away', () => {
  it.each([
    ['markRestart', STEPS[3]],
    ['setNamespaceLabels', STEPS[2]],
    ['readWorkload', STEPS[3]],
    ['readIstiods', STEPS[3]],
    ['dryRunPod', STEPS[1]],
  ])('%s: the step fails with it, and resume goes on', async (call, step) => {
    const world = shop();
    const plan = await world.plan();
    world.cluster.forbidden.add(call);
    const { outcome, problem, record } = await startRun(world.driver(), plan, NEVER);
    expect([outcome, problem?.code, record.state.phase]).toEqual(['failed', 'KUBE-005', 'failed']);
    expect([...record.state.steps].find(([, status]) => status === 'failed')?.[0]).toBe(step);
    world.cluster.forbidden.clear();
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });
});

describe('stopping', () => {
  it.each(STEPS)('during %s: it is brought to its end, the next one is not begun', async (step) => {
    for (const how of ['asked', 'paused'] as const) {
      const world = shop();
      const stop = new AbortController();
      world.store.hooks.afterAppend = (event) => {
        if (event.type !== 'StepStarted' || event.step !== step) return;
        if (how === 'asked') stop.abort();
        else void world.store.setPaused(world.run, true);
      };
      const { outcome, record } = await world.apply({}, stop.signal);
      expect([outcome, record.state.steps.get(step), [...record.state.steps.keys()].at(-1)]).toEqual([how, 'done', step]);
      expect([...record.state.steps.values()]).not.toContain('started');
      world.store.hooks.afterAppend = () => undefined;
      const resumed = await resumeRun(world.driver(), world.run, NEVER);
      expect([how, resumed.outcome, [...world.cluster.restarts.values()]]).toEqual([how, 'moved', [1, 1, 1]]);
    }
  });

  it('twice in a row pauses twice', async () => {
    const world = shop();
    world.store.hooks.afterAppend = (event) => {
      if (event.type === 'StepDone') void world.store.setPaused(world.run, true);
    };
    const outcomes = [(await world.apply()).outcome];
    while (outcomes.at(-1) === 'paused') outcomes.push((await resumeRun(world.driver(), world.run, NEVER)).outcome);
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => 'paused'), 'moved']);
    const { events } = await world.store.load(world.run);
    expect(events.filter((event) => event.type === 'Paused').length).toBe(5);
  });
});

describe('going on', () => {
  it('is refused where the mesh is another one by now, with the differences', async () => {
    const world = shop();
    world.cluster.namespace('zoo', { 'istio-injection': 'enabled' }).workload('zoo', 'ape');
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step === STEPS[2] && stop.abort();
    await world.apply({}, stop.signal);
    world.cluster.relabel('zoo', { 'istio.io/rev': 'default' });
    const error: unknown = await resumeRun(world.driver(), world.run, NEVER).catch((thrown: unknown) => thrown);
    expect([(error as Problem).code, (error as Problem).details.what]).toEqual([
      'PLAN-013',
      expect.stringContaining('namespace zoo has istio-injection=none, had enabled'),
    ]);
    world.cluster.relabel('zoo', { 'istio-injection': 'enabled' });
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });

  it('with a run that was made and not begun begins it, and tells when', async () => {
    const world = shop();
    const plan = await world.plan();
    world.store.hooks.beforeAppend = () => {
      throw new Error('killed');
    };
    await startRun(world.driver(), plan, NEVER).catch(() => undefined);
    world.store.hooks.beforeAppend = () => undefined;
    const { outcome, record } = await resumeRun(world.driver(), world.run, NEVER);
    expect(outcome).toBe('moved');
    expect(record.state.runStartedAt).not.toBe('');
  });

  it.each<[string, (world: World) => Promise<unknown>, (world: World) => Promise<unknown>, string]>([
    ['resume what is moved', (w) => w.apply(), (w) => resumeRun(w.driver(), w.run, NEVER), 'RUN-005'],
    ['resume what is finished', finished, (w) => resumeRun(w.driver(), w.run, NEVER), 'RUN-005'],
    ['resume what was taken back', takenBack, (w) => resumeRun(w.driver(), w.run, NEVER), 'RUN-005'],
    ['finish what is finished', finished, (w) => finishRun(w.driver(), w.run, NEVER), 'RUN-005'],
    ['finish what was taken back', takenBack, (w) => finishRun(w.driver(), w.run, NEVER), 'RUN-005'],
    ['resume what does not exist', () => Promise.resolve(), (w) => resumeRun(w.driver(), 'nothing', NEVER), 'RUN-003'],
    ['finish what does not exist', () => Promise.resolve(), (w) => finishRun(w.driver(), 'nothing', NEVER), 'RUN-003'],
  ])('%s is refused, and the lock is given back', async (_name, prepare, act, code) => {
    const world = shop();
    await prepare(world);
    const before = endOf(world);
    expect(await codeOf(act(world))).toBe(code);
    expect([endOf(world), await world.driver().lock.holder()]).toEqual([before, undefined]);
  });

  it('applying the same plan again is refused once it was moved, finished or taken back', async () => {
    for (const prepare of [(w: World) => w.apply(), finished, takenBack]) {
      const world = shop();
      const plan = await world.plan();
      await prepare(world);
      expect(await codeOf(startRun(world.driver(), plan, NEVER))).toBe('RUN-005');
    }
  });

  it('applying the same plan again goes on with it when it was stopped', async () => {
    const world = shop();
    const plan = await world.plan();
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step === STEPS[2] && stop.abort();
    await startRun(world.driver(), plan, stop.signal);
    expect((await startRun(world.driver(), plan, NEVER)).outcome).toBe('moved');
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });
});

async function finished(world: World): Promise<void> {
  await world.apply();
  await finishRun(world.driver(), world.run, NEVER);
}

async function takenBack(world: World): Promise<void> {
  await world.apply();
  await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
}

describe('finishing', () => {
  it('waits for pods that still end', async () => {
    const world = shop();
    await world.apply();
    world.cluster.workload('shop', 'late');
    world.cluster.relabel('shop', { 'istio-injection': 'enabled' });
    world.cluster.workload('shop', 'old');
    world.cluster.relabel('shop', { 'istio.io/rev': 'canary' });
    expect((await finishRun(world.driver(), world.run, NEVER)).problem?.code).toBe('RUN-030');
    world.cluster.remove('Deployment', 'old', 'shop');
    world.clock.pass(1000);
    const { outcome } = await resumeRun(world.driver(), world.run, NEVER);
    expect(outcome).toBe('finished');
    expect(world.observer.of('progress').some((news) => /1 terminating pod still use it/.test(news.detail))).toBe(true);
  });
});

it('an event that cannot be written stops the run, and nothing was done that it does not say', async () => {
  const world = shop();
  world.store.hooks.beforeAppend = (event) => {
    if (event.type === 'StepStarted' && event.step === STEPS[3]) throw new Problem('KUBE-005', { what: 'You may not.', next: [] });
  };
  const { outcome, problem } = await world.apply();
  expect([outcome, problem?.code, world.cluster.restarts.size]).toEqual(['failed', 'KUBE-005', 0]);
});
