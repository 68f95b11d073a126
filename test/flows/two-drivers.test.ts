/** Two drivers of one mesh: one is refused, overtaken or frozen, and never does harm. */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/core/problems/problem.ts';
import type { RunPorts } from '../../src/flows/flow-ports.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

const shop = (): World => new World().withShop();

/** A call that does not come back before the gate is opened; `reached` says that it has begun. */
interface Gate {
  readonly reached: Promise<void>;
  open(): void;
}

/** Ports of a driver that freezes at a call, as a process does that is stopped or whose machine sleeps. */
function freezing(world: World, call: string, options: { readonly nth?: number; readonly when?: () => boolean } = {}): [RunPorts, Gate] {
  const ports = world.driver();
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let count = 0;
  const frozen = new Proxy(world.cluster, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const answer: unknown = await (value as (...given: unknown[]) => Promise<unknown>).apply(target, args);
        if (name !== call || options.when?.() === false) return answer;
        count += 1;
        if (count !== (options.nth ?? 1)) return answer;
        world.lockState.freeze();
        reached.resolve();
        await opened.promise;
        return answer;
      };
    },
  });
  return [
    { ...ports, reader: frozen, writer: frozen, prober: frozen },
    { reached: reached.promise, open: () => opened.resolve() },
  ];
}

/** Keys of the objects that are no longer as they were. */
function changes(before: Record<string, unknown>, world: World): string[] {
  const now = world.cluster.snapshot();
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
}

const back = (world: World): Promise<RunResult> => rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });

describe('the second is refused', () => {
  it.each<[string, (world: World) => Promise<unknown>]>([
    ['apply', async (w) => startRun(w.driver(), await w.plan(), NEVER)],
    ['resume', (w) => resumeRun(w.driver(), w.run, NEVER)],
    ['finish', (w) => finishRun(w.driver(), w.run, NEVER)],
    ['rollback', back],
  ])('%s, and told who drives', async (_name, act) => {
    const world = shop();
    const stop = new AbortController();
    stop.abort();
    await world.apply({}, stop.signal);
    const first = world.driver();
    await first.lock.acquire();
    const before = [world.cluster.snapshot(), (await world.store.load(world.run)).events];
    const error: unknown = await act(world).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Problem);
    expect([(error as Problem).code, (error as Problem).details.what]).toEqual(['RUN-001', expect.stringContaining(first.lock.identity)]);
    expect([world.cluster.snapshot(), (await world.store.load(world.run)).events]).toEqual(before);
  });

  it('until the lease of a holder that nobody can ask has run out', async () => {
    const world = shop();
    const stop = new AbortController();
    stop.abort();
    await world.apply({}, stop.signal);
    await world.driver().lock.acquire();
    world.lockState.freeze();
    expect(await codeOf(resumeRun(world.driver(), world.run, NEVER))).toBe('RUN-001');
    world.clock.pass(14_000);
    expect(await codeOf(resumeRun(world.driver(), world.run, NEVER))).toBe('RUN-001');
    world.clock.pass(1000);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });
});

describe('a driver that froze and was overtaken', () => {
  it('after it told a workload to restart: its next event is rejected, and nothing happened twice', async () => {
    const world = shop();
    const [ports, gate] = freezing(world, 'markRestart');
    const first = startRun(ports, await world.plan(), NEVER);
    await gate.reached;
    world.clock.pass(20_000);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
    const before = [world.cluster.snapshot(), (await world.store.load(world.run)).events];
    gate.open();
    expect(await codeOf(first)).toBe('RUN-002');
    expect([world.cluster.snapshot(), (await world.store.load(world.run)).events]).toEqual(before);
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
  });

  it('while it read the namespace that it was about to label: labels that were taken back stay', async () => {
    const world = shop();
    let started = false;
    world.store.hooks.afterAppend = (event) => (started ||= event.type === 'StepStarted' && event.step === '03-label-shop');
    const [ports, gate] = freezing(world, 'readObject', { when: () => started });
    const first = startRun(ports, await world.plan(), NEVER);
    await gate.reached;
    world.clock.pass(20_000);
    expect((await back(world)).outcome).toBe('rolled-back');
    const before = world.cluster.snapshot();
    gate.open();
    expect(await codeOf(first)).toBe('RUN-002');
    expect(changes(before, world)).toEqual([]);
  });

  it('in the middle of a removal: what was put back stays', async () => {
    const world = shop();
    await world.apply();
    const [ports, gate] = freezing(world, 'deleteObject', { nth: 3 });
    const first = finishRun(ports, world.run, NEVER);
    await gate.reached;
    world.clock.pass(20_000);
    expect((await back(world)).outcome).toBe('rolled-back');
    const before = world.cluster.snapshot();
    gate.open();
    expect(await codeOf(first)).toBe('RUN-002');
    expect(changes(before, world)).toEqual([]);
  });

  it('in the middle of a way back: what the next one did stays', async () => {
    const world = shop();
    await world.apply();
    await finishRun(world.driver(), world.run, NEVER);
    const [ports, gate] = freezing(world, 'putObject', { nth: 2 });
    const first = rollBack(ports, { name: world.run, reason: 'test', stopSignal: NEVER });
    await gate.reached;
    world.clock.pass(20_000);
    expect((await back(world)).outcome).toBe('rolled-back');
    const before = world.cluster.snapshot();
    gate.open();
    expect(await codeOf(first)).toBe('RUN-002');
    expect(changes(before, world)).toEqual([]);
  });

  it('while it planned a way back: the plan of the next one stays, and is what a third goes on with', async () => {
    const world = shop();
    await world.apply();
    const [ports, gate] = freezing(world, 'readMesh');
    const first = rollBack(ports, { name: world.run, reason: 'test', stopSignal: NEVER });
    await gate.reached;
    world.clock.pass(20_000);
    const stop = new AbortController();
    world.store.hooks.afterAppend = (event) => event.type === 'StepDone' && event.step.startsWith('back-02-') && stop.abort();
    const second = await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: stop.signal });
    expect(second.outcome).toBe('asked');
    gate.open();
    expect(await codeOf(first)).toBe('RUN-002');
    expect((await world.store.load(world.run)).backPlan).toEqual(second.record.backPlan);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect([...world.cluster.restarts.values()]).toEqual([2, 2, 2]);
  });
});
