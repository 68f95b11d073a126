import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { WorkQueue } from './work-queue.ts';

function queueOf(reconcile: (key: string) => Promise<void>, workers = 1) {
  const clock = new VirtualClock(0);
  const errors: string[] = [];
  const queue = new WorkQueue({ clock, reconcile, workers, latencyMs: 1, onError: (key) => errors.push(`${key}@${clock.nowMs()}`) });
  return { clock, queue, errors };
}

describe('a work queue', () => {
  it('looks once at a key that was added several times, in the order of the first', async () => {
    const seen: string[] = [];
    const { clock, queue } = queueOf((key) => Promise.resolve(void seen.push(key)));
    for (const key of ['b', 'a', 'b', 'a', 'c']) queue.add(key);
    await clock.advance(10);
    expect(seen).toEqual(['b', 'a', 'c']);
  });

  it('looks again, and only then, at a key that changes while it is worked on', async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    const world = queueOf(async (key) => {
      running += 1;
      most = Math.max(most, running);
      if (seen.length === 0) world.queue.add(key);
      seen.push(world.clock.nowMs());
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
      running -= 1;
    }, 5);
    world.queue.add('a');
    await world.clock.advance(10);
    expect([seen, most]).toEqual([[1, 2], 1]);
  });

  it('tries again after 5, 10, 20 … ms, and forgets the failures after a success', async () => {
    let failures = 3;
    const { clock, queue, errors } = queueOf(() => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('conflict')) : Promise.resolve();
    });
    queue.add('a');
    await clock.advance(1000);
    expect(errors).toEqual(['a@1', 'a@7', 'a@18']);
    failures = 1;
    queue.add('a');
    await clock.advance(1000);
    expect(errors.at(-1)).toBe('a@1001');
  });

  it('takes the earliest of several delays', async () => {
    const seen: number[] = [];
    const { clock, queue } = queueOf(() => Promise.resolve(void seen.push(clock.nowMs())));
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    await clock.advance(1000);
    expect(seen).toEqual([101]);
  });

  it('is idle when nothing waits or is worked on', async () => {
    const { clock, queue } = queueOf(() => Promise.resolve());
    await queue.idle();
    let idle = false;
    queue.add('a');
    queue.addAfter('b', 5000);
    const waiting = queue.idle().then(() => (idle = true));
    expect(idle).toBe(false);
    await clock.advance(10);
    await waiting;
    expect(idle).toBe(true);
  });

  it('does nothing after it was stopped', async () => {
    const seen: string[] = [];
    const { clock, queue } = queueOf((key) => Promise.resolve(void seen.push(key)));
    queue.add('a');
    queue.addAfter('b', 1);
    queue.stop();
    queue.add('c');
    await clock.advance(100);
    await queue.idle();
    expect(seen).toEqual([]);
  });
});
