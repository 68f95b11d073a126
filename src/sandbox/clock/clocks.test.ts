import { describe, expect, it } from 'vitest';
import { RealClock } from './real-clock.ts';
import { timestamp } from './sandbox-clock.ts';
import { seededParts } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

const pause = (waitMs: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, waitMs));

describe('virtual time', () => {
  it('passes only when it is told to, and stops at each timer on the way', async () => {
    const clock = new VirtualClock(0);
    const seen: [string, number][] = [];
    clock.after(2000, () => seen.push(['b', clock.nowMs()]));
    clock.after(1000, () => {
      seen.push(['a', clock.nowMs()]);
      clock.after(500, () => seen.push(['a2', clock.nowMs()]));
    });
    await clock.advance(1999);
    expect([seen, clock.nowMs()]).toEqual([
      [
        ['a', 1000],
        ['a2', 1500],
      ],
      1999,
    ]);
    await clock.advance(1);
    expect(seen.at(-1)).toEqual(['b', 2000]);
  });

  it('keeps the order of what was asked for one instant', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    for (const n of [1, 2, 3, 4]) clock.after(n === 3 ? 5 : 10, () => seen.push(n));
    await clock.advance(10);
    expect(seen).toEqual([3, 1, 2, 4]);
  });

  it('does not call what was cancelled', async () => {
    const clock = new VirtualClock(0);
    let called = false;
    const timer = clock.after(5, () => (called = true));
    timer.cancel();
    await clock.advance(10);
    expect(called).toBe(false);
  });

  it('stands still while something is under way', async () => {
    const clock = new VirtualClock(0);
    let late = 0;
    const release = clock.hold();
    clock.after(1000, () => (late = clock.nowMs()));
    const done = clock.advance(5000);
    await pause(30);
    expect([late, clock.nowMs()]).toEqual([0, 0]);
    release();
    release();
    await done;
    expect(late).toBe(1000);
    expect(clock.nowMs()).toBe(5000);
  });

  it('lets chains of promises end before it goes on', async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    void (async () => {
      await clock.sleep(10);
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      seen.push('chain');
    })();
    clock.after(11, () => seen.push('timer'));
    await clock.advance(20);
    expect(seen).toEqual(['chain', 'timer']);
  });

  it('stands still while something is done outside, one after the other however long each takes', async () => {
    const clock = new VirtualClock(0);
    const seen: unknown[] = [];
    const outside = async (name: string, waitMs: number): Promise<void> => {
      await clock.outside(async () => {
        seen.push(`${name} begins`);
        await pause(waitMs);
      });
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      seen.push(`${name} was done at ${clock.nowMs()}`);
    };
    clock.after(1, () => seen.push(clock.nowMs()));
    const both = Promise.all([outside('slow', 20), outside('quick', 0)]);
    await Promise.all([both, clock.advance(1)]);
    expect(seen).toEqual(['slow begins', 'slow was done at 0', 'quick begins', 'quick was done at 0', 1]);
  });

  it('passes for what is done outside and waits for it, whoever holds the clock for that', async () => {
    const clock = new VirtualClock(0);
    const release = clock.hold();
    const failed = clock
      .outside(async (letGo) => {
        letGo();
        await clock.sleep(1000);
        throw new Error('no answer in time');
      })
      .finally(release);
    await Promise.all([expect(failed).rejects.toThrow('no answer in time'), clock.advance(2000)]);
    expect(clock.nowMs()).toBe(2000);
  });

  it('stands still a while after the last one who attends to it has left', async () => {
    const clock = new VirtualClock(0, { restAfterMs: 30 });
    const tick = (): void => void clock.after(1000, tick);
    tick();
    clock.start();
    const passed = async (): Promise<number> => {
      const before = clock.nowMs();
      await pause(60);
      return clock.nowMs() - before;
    };
    const leaves = [clock.attend(), clock.attend()];
    expect(await passed()).toBeGreaterThan(0);
    leaves[0]?.();
    leaves[0]?.();
    expect(await passed()).toBeGreaterThan(0);
    leaves[1]?.();
    await pause(60);
    expect(await passed()).toBe(0);
    const leave = clock.attend();
    expect(await passed()).toBeGreaterThan(0);
    leave();
    clock.stop();
    expect(await passed()).toBe(0);
  });

  it('passes hours by itself', async () => {
    const clock = new VirtualClock(0);
    let rounds = 0;
    const again = (): void => {
      rounds += 1;
      if (rounds < 100) clock.after(3_600_000, again);
    };
    clock.after(0, again);
    clock.start();
    while (rounds < 100) await pause(5);
    clock.stop();
    expect(clock.nowMs()).toBe(99 * 3_600_000);
  });
});

describe('real time', () => {
  it('passes faster by its factor', async () => {
    const clock = new RealClock(100);
    const before = clock.nowMs();
    await clock.sleep(2000);
    expect(clock.nowMs() - before).toBeGreaterThanOrEqual(1900);
    expect(() => new RealClock(0)).toThrow(RangeError);
  });

  it('is written as Kubernetes writes it', () => {
    expect(timestamp({ nowMs: () => Date.UTC(2026, 1, 3, 4, 5, 6, 789) })).toBe('2026-02-03T04:05:06Z');
  });
});

describe('chance', () => {
  const draw = (seed: number, part: string): number[] => Array.from({ length: 5 }, seededParts(seed)(part));

  it('is the same for a seed and a part, and another one for every other', () => {
    expect(draw(1, 'pods')).toEqual(draw(1, 'pods'));
    const all = [draw(1, 'pods'), draw(2, 'pods'), draw(1, 'controllers'), draw(11, 'pods')].flat();
    expect(new Set(all).size).toBe(20);
    expect(all.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});
