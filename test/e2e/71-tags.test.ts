/** Tags in a sandbox: what people type, what it says, and an upgrade of Bookinfo that takes its tags along, there and back. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import type { Outcome } from '../kit/child-process.ts';
import { meshliftOk, revisionsOf, type Meta } from '../scenarios/cluster-under-test.ts';
import { snapshot } from '../scenarios/snapshot.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const cluster = new SandboxCluster({ speed: 10, scenario: 'bookinfo:prod-stable,prod-canary' });
const tag = (...args: string[]): Promise<string> => meshliftOk(cluster, 'tag', ...args);
const tagOutcome = (...args: string[]): Promise<Outcome> => cluster.start(['tag', ...args]).done;

beforeAll(() => cluster.prepare());
afterAll(() => cluster.cleanUp());

/** It follows a tag by its own label, in a namespace that has none. */
const followerYaml = `apiVersion: v1
kind: Namespace
metadata: {name: bare}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: follower, namespace: bare}
spec:
  replicas: 2
  selector: {matchLabels: {app: follower}}
  template:
    metadata: {labels: {app: follower, istio.io/rev: prod-stable}}
    spec: {containers: [{name: app, image: "docker.io/istio/examples-bookinfo-details-v1:1.20.3", readinessProbe: {httpGet: {path: /, port: 9080}, periodSeconds: 1}}]}
`;

async function followerLabel(): Promise<string | undefined> {
  const name = { namespace: 'bare', name: 'follower' };
  const { spec } = await cluster.objects.get<{ spec: { template: { metadata: Meta } } }>('deployments', name);
  return spec.template.metadata.labels?.['istio.io/rev'];
}

interface TagJson {
  readonly tag: string;
  readonly revision: string;
  readonly namespaces: readonly string[];
  readonly dangling?: string;
}

async function tags(): Promise<unknown> {
  const list = JSON.parse(await tag('list', '-o', 'json')) as TagJson[];
  return list.map(({ tag: name, revision, namespaces, dangling }) => [name, revision, namespaces.join(), ...(dangling ? [dangling] : [])]);
}

describe('tag', () => {
  it('list tells where tags point and who follows them, in every form', async () => {
    expect(await tags()).toEqual([
      ['default', 'default', 'bookinfo,istio-ingress'],
      ['prod-canary', 'default', ''],
      ['prod-stable', 'default', 'reports'],
    ]);
    expect(await tag('list')).toMatch(/^TAG +REVISION +VERSION +NAMESPACES +OWNER\n/);
    expect(await tag('list', '-o', 'wide')).toContain('reports/statefulset/archive');
    expect(await tag('list', '-o', 'name')).toBe('tag/default\ntag/prod-canary\ntag/prod-stable\n');
  });

  it('generate prints objects, and changes nothing', async () => {
    const text = await tag('generate', 'fresh', '--revision', 'default');
    const names = parseAllDocuments(text).map((document) => (document.toJS() as { metadata: Meta }).metadata.name);
    expect(names).toEqual(['istio-revision-tag-fresh', 'istiod-revision-tag-fresh']);
    expect(await tags()).toHaveLength(3);
  });

  it('set makes one, shows it first, and remove takes it away', async () => {
    const shown = await tag('set', 'fresh', '--revision', 'default', '--dry-run');
    expect([shown.includes('Tag fresh → default (1.28.2), new'), shown.includes('Dry run')]).toEqual([true, true]);
    const made = await tag('set', 'fresh', '-r', 'default', '--yes');
    expect(made).toContain('a dry-run pod that follows it was injected by default');
    expect(made).toContain('Next: kubectl label namespace NAMESPACE');
    expect(await tag('set', 'fresh', '-r', 'default', '--yes')).toContain('points to default (1.28.2) already; nothing to do');
    expect(await tag('remove', 'fresh', '--yes')).toContain('The tag fresh is removed.');
    expect(await tags()).toHaveLength(3);
  });

  it.each<[number, string, string, string[]]>([
    [2, 'TAGS-002', '"Prod.1" cannot be the name of a tag', ['set', 'Prod.1', '-r', 'default', '--yes']],
    [2, 'MESH-002', 'ghost is neither a revision nor a tag', ['set', 'fresh', '-r', 'ghost', '--yes']],
    [2, 'MESH-002', 'prod-stable is a tag, which points to default', ['set', 'fresh', '-r', 'prod-stable', '--yes']],
    [2, 'ARGS-001', "required option '-r, --revision <name>' not specified", ['set', 'fresh']],
    [2, 'ARGS-001', "unknown option '--force'", ['remove', 'prod-stable', '--force']],
    [2, 'TAGS-001', 'There is no tag ghost', ['remove', 'ghost', '--yes']],
    [3, 'TAGS-008', 'namespace reports', ['remove', 'prod-stable', '--yes']],
    [3, 'TAGS-011', 'Only the tag default serves istio-injection=enabled', ['remove', 'default', '--yes']],
    [3, 'RUN-006', 'nobody can be asked', ['remove', 'prod-canary']],
    [2, 'MESH-002', 'ghost', ['generate', 'fresh', '-r', 'ghost']],
  ])('exits with %i, %s and words for it: %s', async (code, problem, words, args) => {
    const outcome = await tagOutcome(...args);
    expect([outcome.code, outcome.stderr.includes(problem), outcome.stderr.includes(words)]).toEqual([code, true, true]);
    expect(await tags()).toHaveLength(3);
  });
});

describe('an upgrade', () => {
  it('takes tags along, leaves nothing that points to the old revision, and brings everything back', async () => {
    const namespaces = ['bookinfo', 'istio-ingress', 'reports', 'bare'];
    await cluster.objects.applyWhole(followerYaml);
    await cluster.objects.rolledOut('deployment', { namespace: 'bare', name: 'follower' });
    expect(await revisionsOf(cluster, 'bare')).toEqual(new Set(['default']));
    const before = await snapshot(cluster, namespaces);
    const source = await cluster.istio.source('1-29-1');
    await meshliftOk(cluster, 'apply', '--to', cluster.newVersion, ...source, '--finish', '--yes');
    expect(await tags()).toEqual([
      ['default', '1-29-1', ''],
      ['prod-canary', '1-29-1', ''],
      ['prod-stable', '1-29-1', 'reports'],
    ]);
    expect([await revisionsOf(cluster, 'bare'), await followerLabel()]).toEqual([new Set(['1-29-1']), '1-29-1']);
    expect(await meshliftOk(cluster, 'migrate', 'reports', '--to', 'prod-stable', '--yes')).toContain('Nothing to do');
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(await tags()).toEqual([
      ['default', 'default', 'bookinfo,istio-ingress'],
      ['prod-canary', 'default', ''],
      ['prod-stable', 'default', 'bare,reports'],
    ]);
    expect([await revisionsOf(cluster, 'bare'), await followerLabel()]).toEqual([new Set(['default']), 'prod-stable']);
    expect(await snapshot(cluster, namespaces)).toEqual(before);
    await cluster.objects.remove('namespaces', { name: 'bare' });
  });

  it('beside it, a tag moves with a word about what it moves, and not without being told', async () => {
    const source = await cluster.istio.source('beside');
    await meshliftOk(cluster, 'install', '--revision', 'beside', '--version', cluster.newVersion, ...source, '--yes');
    const refused = await tagOutcome('set', 'prod-stable', '-r', 'beside', '--yes');
    expect([refused.code, refused.stderr.includes('TAGS-004'), refused.stderr.includes('--overwrite --dry-run')]).toEqual([3, true, true]);
    const named = await tagOutcome('set', 'beside', '-r', 'default', '--yes');
    expect([named.code, named.stderr.includes('TAGS-003')]).toEqual([3, true]);
    const moved = await tag('set', 'prod-stable', '-r', 'beside', '--overwrite', '--yes');
    expect(moved).toContain('at their next restart  1 workload in 1 namespace: reports/archive');
    expect(moved).toContain('a dry-run pod in reports was injected by beside');
    expect(moved).toContain('Next: meshlift migrate reports --to prod-stable');
  });

  it('a tag whose control plane is gone is told as dangling, and its revision takes no other', async () => {
    await cluster.objects.remove('services', { namespace: 'istio-system', name: 'istiod-beside' });
    expect(await tag('list')).toContain('! prod-stable leads nowhere: Service istio-system/istiod-beside does not exist');
    const refused = await tagOutcome('set', 'prod-canary', '-r', 'beside', '--overwrite', '--yes');
    expect([refused.code, refused.stderr.includes('TAGS-007')]).toEqual([3, true]);
    expect(await tag('set', 'prod-stable', '-r', 'default', '--overwrite', '--yes')).toContain('was injected by default');
  });
});
