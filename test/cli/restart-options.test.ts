/** How single workloads are restarted, from the command line to the request. */
import { expect, it } from 'vitest';
import { restartsOf } from '../../src/cli/arguments/restart-options.ts';

function told(...restartAs: string[]): unknown {
  const mistakes: string[] = [];
  const { restarts } = restartsOf({ restartAs }, mistakes);
  return mistakes.length > 0 ? mistakes : restarts?.overrides.map((override) => [override.workload, override.do]);
}

it.each<[string, string[], unknown]>([
  ['nothing', [], undefined],
  [
    'each way',
    ['a/b=restart', 'a/deploy/c=surge', 'a/sts/d=evict', 'a/e=skip'],
    [
      ['a/b', 'restart'],
      ['a/deploy/c', 'surge'],
      ['a/sts/d', 'evict'],
      ['a/e', 'skip'],
    ],
  ],
  [
    'the same twice',
    ['a/b=skip', 'a/b=skip'],
    [
      ['a/b', 'skip'],
      ['a/b', 'skip'],
    ],
  ],
  ['no way', ['a/b'], ['--restart-as a/b: it must be NAMESPACE/NAME=restart, =surge, =wait, =evict or =skip']],
  ['a way that is not there', ['a/b=down'], ['--restart-as a/b=down: it must be NAMESPACE/NAME=restart, =surge, =wait, =evict or =skip']],
  ['no namespace', ['b=skip'], ['--restart-as b=skip: it must be NAMESPACE/NAME=restart, =surge, =wait, =evict or =skip']],
  ['two ways', ['a/b=skip', 'a/b=restart'], ['--restart-as a/b: it cannot be skip and restart']],
])('%s', (_name, given, expected) => {
  expect(told(...given)).toEqual(expected);
});
