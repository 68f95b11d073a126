import { describe, expect, it } from 'vitest';
import { RealClock } from './real-clock.ts';
import { timestamp } from './sandbox-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

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
    await new Promise((resolve) => void setTimeout(resolve, 30));
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

  it('passes hours by itself', async () => {
    const clock = new VirtualClock(0);
    let rounds = 0;
    const again = (): void => {
      rounds += 1;
      if (rounds < 100) clock.after(3_600_000, again);
    };
    clock.after(0, again);
    clock.start();
    while (rounds < 100) await new Promise((resolve) => void setTimeout(resolve, 5));
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
