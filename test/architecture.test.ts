import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findViolations, type SourceFile } from './kit/walls.ts';

const ROOT = join(import.meta.dirname, '..');

test('the repository keeps its walls', () => {
  const files = ['src', 'test', 'scripts', 'bench'].filter((folder) => existsSync(join(ROOT, folder))).flatMap(readSources);
  expect(files.length).toBeGreaterThan(10);
  expect(findViolations(files)).toEqual([]);
});

function readSources(folder: string): SourceFile[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return entries
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => ({ path: `${folder}/${entry.replaceAll('\\', '/')}`, text: readFileSync(join(ROOT, folder, entry), 'utf8') }));
}

describe('planted violations are found', () => {
  test.each<[path: string, text: string, violation: string]>([
    ['src/core/versions/a.ts', "import { b } from '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "import type { B } from '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "import {\n  b,\n  type C,\n} from '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "export * from '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "export type { B } from '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "import '../mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "const b = await import('../mesh/b.ts');", 'may not import src/core/mesh/b.ts'],
    ['src/core/versions/a.ts', "type B = import('../mesh/b.ts').B;", 'may not import src/core/mesh/b.ts'],
    ['src/core/plan/a.ts', "import { b } from '../run/b.ts';", 'may not import src/core/run/b.ts'],
    ['src/core/mesh/a.ts', "import type { Clock } from '../../ports/clock.ts';", 'may not import src/ports/clock.ts'],
    ['src/core/mesh/a.ts', "import { readFileSync } from 'node:fs';", 'may not import node:fs'],
    ['src/core/mesh/a.ts', "import { Command } from 'commander';", 'may not import commander'],
    ['src/core/mesh/a.ts', "import type { V1Pod } from '@kubernetes/client-node';", 'may not import @kubernetes/client-node'],
    ['src/core/gossip/a.ts', '', 'belongs to no room of the wall table'],
    ['src/core/a.ts', '', 'belongs to no room of the wall table'],
    ['src/other/a.ts', '', 'belongs to no room of the wall table'],
    ['src/ports/a.ts', "import { Problem } from '../core/problems/problem.ts';", 'ports use "import type" only'],
    ['src/ports/a.ts', "import { type Problem } from '../core/problems/problem.ts';", 'ports use "import type" only'],
    ['src/ports/a.ts', "import type { planUpgrade } from '../flows/plan-upgrade.ts';", 'may not import src/flows/plan-upgrade.ts'],
    [
      'src/flows/a.ts',
      "import { KubeCluster } from '../adapters/kubernetes/kube-cluster.ts';",
      'may not import src/adapters/kubernetes/kube-cluster.ts',
    ],
    ['src/flows/a.ts', "import { join } from 'node:path';", 'may not import node:path'],
    ['src/flows/a.ts', "import { main } from '../cli/main.ts';", 'may not import src/cli/main.ts'],
    ['src/adapters/istioctl/a.ts', "import { b } from '../kubernetes/b.ts';", 'may not import src/adapters/kubernetes/b.ts'],
    ['src/adapters/istioctl/a.ts', "import { b } from '../../flows/b.ts';", 'may not import src/flows/b.ts'],
    [
      'src/cli/main.ts',
      "import { KubeCluster } from '../adapters/kubernetes/kube-cluster.ts';",
      'may not import src/adapters/kubernetes/kube-cluster.ts',
    ],
    ['src/cli/commands/a.ts', 'const command = await import(`./${name}.ts`);', 'cannot be checked'],
    ['src/cli/a.ts', "import { fakeCluster } from '../../test/kit/fake-cluster.ts';", 'nobody imports tests'],
    ['src/cli/a.ts', "import { build } from '../../scripts/build.mjs';", 'may not import scripts/build.mjs'],
    ['src/cli/a.ts', "import { b } from './b.test.ts';", 'nobody imports tests'],
    ['src/sandbox/store/a.ts', "import { b } from '../../core/mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/sandbox/a.ts', "import type { B } from '../core/mesh/b.ts';", 'may not import src/core/mesh/b.ts'],
    ['src/sandbox/istio/a.ts', "import { b } from '../api-server/b.ts';", 'may not import src/sandbox/api-server/b.ts'],
    ['src/sandbox/gossip/a.ts', '', 'belongs to no room of the wall table'],
    ['src/adapters/kubernetes/a.ts', "import { b } from '../../sandbox/b.ts';", 'may not import src/sandbox/b.ts'],
    ['src/cli/main.ts', "import { b } from '../sandbox/b.ts';", 'may not import src/sandbox/b.ts'],
    ['scripts/a.ts', "import { b } from '../test/kit/b.ts';", 'nobody imports tests'],
    ['bench/a.ts', "import { b } from '../test/real/10-b.test.ts';", 'nobody imports tests'],
    ['bench/a.ts', "import { b } from '../test/flows/b.ts';", 'nobody imports tests'],
    ['src/cli/views/a.ts', 'export default function a() {}', 'no default exports'],
    ['src/cli/views/a.ts', 'export { a as default };', 'no default exports'],
    ['src/cli/views/index.ts', '', 'no barrels'],
    ['src/cli/string-utils.ts', '', '"utils" says nothing'],
    ['src/cli/common/a.ts', '', '"common" says nothing'],
    ['test/kit/helpers.ts', '', '"helpers" says nothing'],
    ['src/cli/planView.ts', '', 'kebab-case'],
  ])('%s: %s', (path, text, violation) => {
    expect(findViolations([{ path, text }])).toEqual([expect.stringContaining(`${path}: `)]);
    expect(findViolations([{ path, text }])[0]).toContain(violation);
  });
});

test('what the walls allow is left alone', () => {
  const files: SourceFile[] = [
    {
      path: 'src/core/mesh/a.ts',
      text: "import * as z from 'zod';\nimport { parse } from 'yaml';\nimport { config } from 'zod/v4/core';",
    },
    { path: 'src/core/mesh/a.test.ts', text: "import { readFileSync } from 'node:fs';\nimport { mesh } from '../../../test/kit/mesh.ts';" },
    {
      path: 'src/core/run/a.ts',
      text: "import { plan } from '../plan/plan.ts';\n// import { b } from '../../cli/b.ts';\n * import '../../cli/b.ts'",
    },
    {
      path: 'src/ports/a.ts',
      text: "import type { Problem } from '../core/problems/problem.ts';\nimport type { Clock } from './clock.ts';",
    },
    { path: 'src/flows/a.ts', text: "import { plan } from '../core/plan/plan.ts';\nimport type { Clock } from '../ports/clock.ts';" },
    {
      path: 'src/adapters/kubernetes/a.ts',
      text: "import { readFile } from 'node:fs/promises';\nimport { KubeConfig } from '@kubernetes/client-node';",
    },
    {
      path: 'src/cli/main.ts',
      text: "const { planCommand } = await import('./commands/plan.ts');\nimport { table } from './views/table.ts';",
    },
    { path: 'src/cli/compose.ts', text: "import { KubeCluster } from '../adapters/kubernetes/kube-cluster.ts';" },
    {
      path: 'bench/a.ts',
      text: "import { b } from '../test/kit/b.ts';\nimport { c } from '../test/real/kit/c.ts';",
    },
    { path: 'src/core/mesh/service-ports.ts', text: "export const from = 'x';\nexport function defaultPort() {}" },
  ];
  expect(findViolations(files)).toEqual([]);
});

describe('cycles', () => {
  const cycle = (path: string, targets: string): SourceFile => ({ path, text: targets });

  test('between files are found', () => {
    const files = [cycle('src/cli/a.ts', "import { b } from './b.ts';"), cycle('src/cli/b.ts', "import { a } from './a.ts';")];
    expect(findViolations(files)).toEqual(['src/cli/a.ts: cycle src/cli/a.ts -> src/cli/b.ts -> src/cli/a.ts']);
  });

  test('of types are allowed inside one room', () => {
    const files = [cycle('src/cli/a.ts', "import { b } from './b.ts';"), cycle('src/cli/b.ts', "import type { A } from './a.ts';")];
    expect(findViolations(files)).toEqual([]);
  });

  test('of types are found between rooms', () => {
    const files = [
      cycle('src/core/mesh/a.ts', "import type { B } from '../versions/b.ts';"),
      cycle('src/core/versions/b.ts', "import type { A } from '../mesh/a.ts';"),
    ];
    expect(findViolations(files)).toContain('src/core/mesh/a.ts: cycle src/core/mesh/a.ts -> src/core/versions/b.ts -> src/core/mesh/a.ts');
  });
});
