import { describe, expect, it } from 'vitest';
import { RecentMemory } from './recent-memory.ts';

describe('a recent memory', () => {
  it('knows the newest, and what is asked for again and again, and forgets the rest', () => {
    const memory = new RecentMemory<object, number>(2);
    const keys = Array.from({ length: 6 }, () => ({}));
    const [wanted = {}, forgotten = {}] = keys;
    for (const [index, key] of keys.entries()) {
      memory.set(key, index);
      expect(memory.get(wanted)).toBe(0);
      expect(memory.get(key)).toBe(index);
    }
    expect(memory.get(forgotten)).toBeUndefined();
  });
});
