import { describe, expect, test } from 'vitest';
import { humanDuration, labelsText, selectorText, shortened } from './cell-text.ts';

const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];

test.each([
  [-2 * S, '<invalid>'],
  [-S, '0s'],
  [119 * S, '119s'],
  [120 * S, '2m'],
  [125 * S, '2m5s'],
  [10 * M + 5 * S, '10m'],
  [179 * M, '179m'],
  [180 * M, '3h'],
  [3 * H + 4 * M, '3h4m'],
  [8 * H + 30 * M, '8h'],
  [47 * H, '47h'],
  [48 * H, '2d'],
  [50 * H, '2d2h'],
  [8 * D + 5 * H, '8d'],
  [729 * D, '729d'],
  [730 * D, '2y'],
  [740 * D, '2y10d'],
  [3000 * D, '8y'],
])('%i ms are %s', (span, wanted) => {
  expect(humanDuration(span)).toBe(wanted);
});

describe('labels and selectors', () => {
  test('are sorted, and nothing is <none>', () => {
    expect(labelsText({ b: 'c', a: 'd' })).toBe('a=d,b=c');
    expect(labelsText(undefined)).toBe('<none>');
    expect(selectorText({})).toBe('<none>');
    const matchExpressions = [
      { key: 'x', operator: 'NotIn', values: ['b', 'a'] },
      { key: 'y', operator: 'DoesNotExist' },
    ];
    expect(selectorText({ matchLabels: { z: '1' }, matchExpressions })).toBe('x notin (a,b),!y,z=1');
  });

  test('long lists are shortened', () => {
    expect(shortened(['a', 'b', 'c', 'd', 'e'], 3)).toBe('a,b,c + 2 more...');
  });
});
