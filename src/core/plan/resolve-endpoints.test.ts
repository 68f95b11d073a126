import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { Problem } from '../problems/problem.ts';
import { REVISION_NAME, upgradeRequestSchema } from '../request/upgrade-request.ts';
import { resolveEndpoints, type Endpoints } from './resolve-endpoints.ts';

type Mesh = () => MeshBuilder;

const one: Mesh = () => new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).defaultTo('default').tag('prod', 'default');
const two: Mesh = () => one().revision({ revision: 'canary', version: '1.29.1' });
const three: Mesh = () => two().revision({ revision: 'third', version: '1.28.0' });
const unreadable: Mesh = () => new MeshBuilder().revision({ revision: 'default', version: 'latest' });

function resolve(mesh: Mesh, request: Record<string, unknown>): Endpoints | Problem {
  return resolveEndpoints(upgradeRequestSchema.parse(request), mesh().inventory());
}

const OLD = { revision: 'default', version: '1.28.2' };
const NEW = { revision: 'canary', version: '1.29.1' };

describe('an upgrade', () => {
  it.each<[string, Mesh, Record<string, unknown>, Endpoints]>([
    [
      'to a version gets the usual name',
      one,
      { to: { revision: '1-29-1', version: '1.29.1' } },
      { from: OLD, to: { revision: '1-29-1', version: '1.29.1' }, label: '1-29-1', installed: false },
    ],
    ['beside a revision that was begun goes on with it', two, { to: NEW }, { from: OLD, to: NEW, label: 'canary', installed: true }],
    [
      'to a revision that is there takes its version',
      two,
      { to: { revision: 'canary' } },
      { from: OLD, to: NEW, label: 'canary', installed: true },
    ],
    [
      'of two minor versions',
      one,
      { to: { revision: 'x', version: '1.30.0' } },
      { from: OLD, to: { revision: 'x', version: '1.30.0' }, label: 'x', installed: false },
    ],
    [
      'to the same version under another name',
      one,
      { to: { revision: 'x', version: '1.28.2' } },
      { from: OLD, to: { revision: 'x', version: '1.28.2' }, label: 'x', installed: false },
    ],
    [
      'to a variant of a vendor',
      two,
      { to: { revision: 'canary', version: '1.29.1-acme' } },
      { from: OLD, to: { revision: 'canary', version: '1.29.1-acme' }, label: 'canary', installed: true },
    ],
    [
      'away from one of several',
      three,
      { to: NEW, from: { revision: 'third' } },
      { from: { revision: 'third', version: '1.28.0' }, to: NEW, label: 'canary', installed: true },
    ],
    [
      'from a version that nobody can tell',
      unreadable,
      { to: { revision: 'x', version: '1.29.1' } },
      { from: { revision: 'default', version: 'latest' }, to: { revision: 'x', version: '1.29.1' }, label: 'x', installed: false },
    ],
    [
      'where only the target is there moves away from nothing',
      () => new MeshBuilder().revision(NEW),
      { to: NEW },
      { to: NEW, label: 'canary', installed: true },
    ],
  ])('%s', (_name, mesh, request, endpoints) => {
    expect(resolve(mesh, request)).toEqual(endpoints);
  });
});

describe('a part of one', () => {
  it.each<[string, Mesh, Record<string, unknown>, Endpoints]>([
    ['an installation beside', one, { action: 'install', to: NEW }, { from: OLD, to: NEW, label: 'canary', installed: false }],
    ['a migration to a revision', two, { action: 'migrate', to: { revision: 'canary' } }, { to: NEW, label: 'canary', installed: true }],
    [
      'a migration to a tag keeps the tag as the label',
      two,
      { action: 'migrate', to: { revision: 'prod' } },
      { to: OLD, label: 'prod', installed: true },
    ],
    [
      'a migration away from a revision',
      two,
      { action: 'migrate', to: { revision: 'canary' }, from: { revision: 'default' } },
      { from: OLD, to: NEW, label: 'canary', installed: true },
    ],
    [
      'a removal with one heir',
      two,
      { action: 'uninstall', from: { revision: 'default' } },
      { from: OLD, to: NEW, label: 'default', installed: true },
    ],
    [
      'a removal with several heirs names none',
      three,
      { action: 'uninstall', from: { revision: 'default' } },
      { from: OLD, label: 'default', installed: true },
    ],
    [
      'a removal with the heir that was named',
      three,
      { action: 'uninstall', from: { revision: 'third' }, to: { revision: 'canary' } },
      { from: { revision: 'third', version: '1.28.0' }, to: NEW, label: 'third', installed: true },
    ],
    [
      'a removal of the last one',
      one,
      { action: 'uninstall', from: { revision: 'default' } },
      { from: OLD, label: 'default', installed: true },
    ],
  ])('%s', (_name, mesh, request, endpoints) => {
    expect(resolve(mesh, request)).toEqual(endpoints);
  });
});

describe('what is refused', () => {
  it.each<[string, Mesh, Record<string, unknown>, Problem['code'], RegExp]>([
    ['no Istio at all', () => new MeshBuilder(), { to: NEW }, 'MESH-001', /No istiod was found in test/],
    ['neither version nor revision', one, {}, 'PLAN-002', /Neither a target version nor a target revision/],
    ['a new revision without its version', one, { to: { revision: 'canary' } }, 'PLAN-002', /The version of canary was not given/],
    ['a downgrade', one, { to: { revision: 'x', version: '1.27.9' } }, 'PLAN-001', /default is version 1\.28\.2; 1\.27\.9 is older/],
    ['a downgrade of a patch', one, { to: { revision: 'x', version: '1.28.1' } }, 'PLAN-001', /1\.28\.1 is older/],
    [
      'three minor versions at once',
      one,
      { to: { revision: 'x', version: '1.31.0' } },
      'PLAN-001',
      /From 1\.28\.2 to 1\.31\.0 is 3 minor versions/,
    ],
    ['a name with dots', one, { to: { revision: '1.29.1', version: '1.29.1' } }, 'REVN-001', /"1\.29\.1" cannot be the name/],
    ['a name in capitals', one, { to: { revision: 'Canary', version: '1.29.1' } }, 'REVN-001', /"Canary"/],
    ['a name that is too long', one, { to: { revision: 'x'.repeat(64), version: '1.29.1' } }, 'REVN-001', /cannot be the name/],
    ['an empty name', one, { to: { revision: '', version: '1.29.1' } }, 'REVN-001', /"" cannot be the name/],
    [
      'the name of the unrevisioned one, where there is none',
      () => new MeshBuilder().revision(NEW),
      { to: { revision: 'default', version: '1.29.2' } },
      'REVN-001',
      /"default"/,
    ],
    ['the name of a tag', one, { to: { revision: 'prod', version: '1.29.1' } }, 'REVN-002', /prod is a tag of this mesh/],
    [
      'a revision that is there with another version',
      two,
      { to: { revision: 'canary', version: '1.29.2' } },
      'REVN-002',
      /it is version 1\.29\.1/,
    ],
    [
      'an installation under a name that is taken',
      two,
      { action: 'install', to: NEW },
      'REVN-002',
      /A control plane of revision canary exists/,
    ],
    ['several to move away from', three, { to: { revision: 'x', version: '1.29.2' } }, 'MESH-006', /3 control planes.*third \(1\.28\.0\)/],
    [
      'away from one that does not exist',
      one,
      { to: { revision: 'x', version: '1.29.1' }, from: { revision: 'nothing' } },
      'MESH-002',
      /nothing is neither a revision nor a tag/,
    ],
    ['away from a tag', one, { to: { revision: 'x', version: '1.29.1' }, from: { revision: 'prod' } }, 'MESH-002', /prod is neither/],
    ['a migration to one that does not exist', one, { action: 'migrate', to: { revision: 'nothing' } }, 'MESH-002', /nothing/],
    ['a migration to nothing', one, { action: 'migrate' }, 'MESH-002', /is neither/],
    [
      'a migration away from one that does not exist',
      two,
      { action: 'migrate', to: { revision: 'canary' }, from: { revision: 'nothing' } },
      'MESH-002',
      /nothing/,
    ],
    ['a removal of one that does not exist', one, { action: 'uninstall', from: { revision: 'nothing' } }, 'MESH-002', /nothing/],
    ['a removal of nothing', one, { action: 'uninstall' }, 'MESH-002', /is neither/],
    [
      'a removal with an heir that does not exist',
      two,
      { action: 'uninstall', from: { revision: 'default' }, to: { revision: 'nothing' } },
      'MESH-002',
      /nothing/,
    ],
    [
      'a removal with itself as the heir',
      two,
      { action: 'uninstall', from: { revision: 'default' }, to: { revision: 'default' } },
      'MESH-002',
      /default/,
    ],
  ])('%s', (_name, mesh, request, code, words) => {
    const problem = resolve(mesh, request);
    expect(problem).toBeInstanceOf(Problem);
    const { code: found, details } = problem as Problem;
    expect([found, details.what, details.next.length > 0]).toEqual([code, expect.stringMatching(words), true]);
  });

  it('several to move away from are offered one by one', () => {
    const problem = resolve(three, { to: { revision: 'x', version: '1.30.0' } }) as Problem;
    expect(problem.details.next.map((step) => step.command)).toEqual(['--from third', '--from default', '--from canary']);
  });

  it.each(['1.29.1', 'Canary', 'default', 'x'.repeat(70), '', '..', `${'x'.repeat(62)}.y`, '-a-'])(
    'the name "%s" cannot be, and is answered with one that can',
    (revision) => {
      const bare = (): MeshBuilder => new MeshBuilder().revision({ revision: 'other', version: '1.28.2' });
      const problem = resolve(bare, { to: { revision, version: '1.29.1' } }) as Problem;
      const [, suggestion] = /^--revision (.*)$/.exec(problem.details.next[0]?.command ?? '') ?? [];
      expect(suggestion).toMatch(REVISION_NAME);
      expect(suggestion).not.toBe('default');
    },
  );
});
