import { describe, expect, it } from 'vitest';
import { AnswerNormalizer, answerDifferences } from './answer-normalizer.ts';

describe('AnswerNormalizer', () => {
  const uid = '3d94455b-81e3-4075-9d46-78cde283662c';
  const other = '461ecc1e-5794-4eb1-9f30-78f38d7102f2';

  it.each<[string, unknown, unknown]>([
    [
      'uids, in keys and texts, too',
      { uid, ref: `x ${other}`, [`k:{"uid":"${uid}"}`]: {} },
      { uid: '<uid-1>', ref: 'x <uid-2>', 'k:{"uid":"<uid-1>"}': {} },
    ],
    [
      'resourceVersions',
      [{ resourceVersion: '12' }, { resourceVersion: '9' }, { resourceVersion: '12' }, { resourceVersion: '0' }],
      [{ resourceVersion: '<rv-1>' }, { resourceVersion: '<rv-2>' }, { resourceVersion: '<rv-1>' }, { resourceVersion: '0' }],
    ],
    ['not those of lists', { items: [], metadata: { resourceVersion: '12' } }, { items: [], metadata: { resourceVersion: '<now>' } }],
    ['times', { time: '2026-01-01T00:00:00Z', message: 'since 2026-01-01T00:00:00.123456Z' }, { time: '<time>', message: 'since <time>' }],
    [
      'addresses, but not None',
      { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], podIP: 'None' },
      { clusterIP: '<address-1>', clusterIPs: ['<address-1>'], podIP: 'None' },
    ],
    ['ports of nodes', { nodePort: 30123, port: 80 }, { nodePort: '<node-port-1>', port: 80 }],
    [
      'names that the server has made',
      { name: 'web-x7k9z', text: 'pods "web-x7k9z" and web-longer' },
      { name: 'web-<letters-1>', text: 'pods "web-<letters-1>" and web-longer' },
    ],
    ['names that were made up', { namespace: 'sbx-abc', text: 'in sbx-abc, abc' }, { namespace: '<ns>', text: 'in <ns>, <id>' }],
    [
      'ages of tables',
      { kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Age' }], rows: [{ cells: ['a', '5s'] }] },
      { kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Age' }], rows: [{ cells: ['a', '<age>'] }] },
    ],
    [
      'versions in messages, by the number that they have elsewhere',
      { metadata: { resourceVersion: '7' }, message: '{\\"resourceVersion\\":\\"7\\"}, current: 9' },
      { metadata: { resourceVersion: '<rv-1>' }, message: '{\\"resourceVersion\\":\\"<rv-1>\\"}, current: <rv>' },
    ],
    ['tokens', { token: 'eyJhbGciOi.eyJpc3M.c2ln-_A' }, { token: '<token>' }],
    [
      'the order of managers',
      {
        managedFields: [
          { operation: 'Update', manager: 'b' },
          { operation: 'Update', manager: 'a' },
        ],
      },
      {
        managedFields: [
          { operation: 'Update', manager: 'a' },
          { operation: 'Update', manager: 'b' },
        ],
      },
    ],
  ])('%s', (_name, value, expected) => {
    expect(new AnswerNormalizer({ id: 'abc', ns: 'sbx-abc' }, ['web-']).normalize(value)).toEqual(expected);
  });
});

describe('answerDifferences', () => {
  it('names the place, whatever the order of keys', () => {
    expect(answerDifferences({ a: [{ x: 1, y: 2 }], 'b/c': 1 }, { 'b/c': 2, a: [{ y: 2, x: 3 }] })).toEqual([
      { at: '/a/0/x', expected: 1, actual: 3 },
      { at: '/b~1c', expected: 1, actual: 2 },
    ]);
    expect(answerDifferences({ a: 1 }, {})).toEqual([{ at: '/a', expected: 1, actual: undefined }]);
    expect(answerDifferences({ a: [1] }, { a: [1, 2] })).toEqual([{ at: '/a', expected: [1], actual: [1, 2] }]);
  });
});
