import { expect, test } from 'vitest';
import { patchedText } from './patched-text.ts';

const live = {
  kind: 'X',
  apiVersion: 'v1',
  metadata: { uid: 'u', name: 'n' },
  data: { b: 1, a: { z: 1, y: '<&>' } },
  list: [{ q: 1, p: 2 }],
};
const metadata = '"metadata":{"uid":"u","name":"n"}';
const escaped = String.raw`{"z":1,"y":"\u003c\u0026\u003e"}`;

test.each([
  [
    'the whole is sorted, the rest is not',
    'merge',
    {},
    `{"apiVersion":"v1","data":{"b":1,"a":${escaped}},"kind":"X","list":[{"q":1,"p":2}],${metadata}}`,
  ],
  [
    'objects that a merge patch goes into are sorted',
    'merge',
    { data: { b: 1 } },
    `{"apiVersion":"v1","data":{"a":${escaped},"b":1},"kind":"X","list":[{"q":1,"p":2}],${metadata}}`,
  ],
  [
    'and so are those on the paths of a JSON patch, but not where they end',
    'json',
    [
      { op: 'test', path: '/data/a' },
      { op: 'test', path: '/list/0/q' },
    ],
    `{"apiVersion":"v1","data":{"a":${escaped},"b":1},"kind":"X","list":[{"p":2,"q":1}],${metadata}}`,
  ],
  ['a strategic merge patch shows itself', 'strategic', { b: { x: null }, a: ['1', 2] }, 'map[a:[1 2] b:map[x:<nil>]]'],
] as const)('%s', (_, type, patch, text) => {
  expect(patchedText(type, patch, live)).toBe(text);
});
