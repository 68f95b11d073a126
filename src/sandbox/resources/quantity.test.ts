import { describe, expect, test } from 'vitest';
import { canonicalQuantity, compareQuantities, parseQuantity } from './quantity.ts';

describe('quantities', () => {
  test.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1024Mi', '1Gi'],
    ['1000Mi', '1000Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['1e9', '1e9'],
    ['12E', '12E'],
    ['0', '0'],
    ['-1', '-1'],
    ['100', '100'],
    ['.5', '500m'],
    ['1.2345678901', '1234567891n'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  test.each(['abc', '1x', '', '1.2.3', 'Mi', '1 Gi'])('%j is none', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test('are compared by their size', () => {
    expect(compareQuantities('1', '1000m')).toBe(0);
    expect(compareQuantities('1Gi', '1G')).toBeGreaterThan(0);
    expect(compareQuantities('999m', 1)).toBeLessThan(0);
  });
});
