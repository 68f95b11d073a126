/** `why` in a sandbox: names in every form, what is said before and after labels change, during a run, and to someone who may only look. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WhyAnswer } from '../../src/core/why/why-answer.ts';
import { until, type Outcome } from '../kit/child-process.ts';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { kubeconfigWith } from '../scenarios/changed-kubeconfig.ts';
import { meshliftOk } from '../scenarios/cluster-under-test.ts';
import { expectProblem } from '../scenarios/expect-problem.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const cluster = new SandboxCluster({ speed: 10, scenario: 'bookinfo:prod-stable,prod-canary' });
const text = (...args: string[]): Promise<string> => meshliftOk(cluster, 'why', ...args);
const outcomeOf = (...args: string[]): Promise<Outcome> => cluster.start(['why', ...args]).done;
const why = async (...args: string[]): Promise<WhyAnswer> => JSON.parse(await text(...args, '-o', 'json')) as WhyAnswer;
const label = (namespace: string, labels: Record<string, string | null>): Promise<void> =>
  cluster.objects.patch('namespaces', { name: namespace }, { metadata: { labels } });

const LOOK = 'meshlift-look';

beforeAll(() => cluster.prepare());
afterAll(() => cluster.cleanUp());

describe('names', () => {
  it.each<[string[], string]>([
    [['bookinfo/details-v1'], 'deploy/details-v1 -n bookinfo'],
    [['details-v1'], 'deploy/details-v1 -n bookinfo'],
    [['deploy/details-v1', '-n', 'bookinfo'], 'deploy/details-v1 -n bookinfo'],
    [['deploy', 'details-v1', '-A'], 'deploy/details-v1 -n bookinfo'],
    [['sts/archive', '-n', 'reports'], 'sts/archive -n reports'],
    [['pod/archive-0'], 'pod/archive-0 -n reports'],
    [['archive-0.reports'], 'pod/archive-0 -n reports'],
    [['cronjob/nightly-report'], 'cronjob/nightly-report -n reports'],
    [['ns/bookinfo'], 'ns/bookinfo'],
    [['bookinfo'], 'ns/bookinfo'],
  ])('%j', async (args, found) => {
    expect((await text(...args, '-o', 'name')).trim()).toBe(found);
  });

  it.each<[string, number, string, string[]]>([
    ['MESH-004', 2, 'meshlift why deploy/details-v1 -n bookinfo', ['bookinfo/detials-v1']],
    ['MESH-004', 2, 'There is no StatefulSet called details-v1', ['sts/details-v1']],
    ['MESH-003', 2, 'Near it: bookinfo', ['bokinfo/details-v1']],
    ['MESH-003', 2, 'There is no namespace nowhere', ['archive', '-n', 'nowhere']],
    ['ARGS-001', 2, "missing required argument 'target'", []],
    ['ARGS-001', 2, 'too many arguments', ['a', 'b', 'c']],
    ['ARGS-001', 2, '-o xml', ['bookinfo', '-o', 'xml']],
  ])('%s, exit code %i: %s', async (code, exit, words, args) => {
    const outcome = await outcomeOf(...args);
    expect([outcome.code, outcome.stderr.includes(code), outcome.stderr.includes(words)]).toEqual([exit, true, true]);
    expect(outcome.stdout).toBe('');
  });

  it('that fit twice are listed, as they can be typed', async () => {
    await cluster.objects.applyWhole('apiVersion: v1\nkind: Namespace\nmetadata: {name: archive}\n');
    const outcome = await outcomeOf('archive');
    expectProblem(outcome, 'MESH-011', 2);
    expect(outcome.stderr).toContain('meshlift why ns/archive');
    expect(outcome.stderr).toContain('meshlift why sts/archive -n reports');
    await cluster.objects.remove('namespaces', { name: 'archive' });
  });
});

describe('two revisions', () => {
  beforeAll(async () => {
    const source = await cluster.istio.source('canary');
    await meshliftOk(cluster, 'install', '--revision', 'canary', '--version', cluster.newVersion, ...source, '--yes');
  });

  it('the answer follows the label, says who wrote it, and what takes it back', async () => {
    const before = await why('reports/archive');
    expect([before.next.revision, before.pods.map((pod) => [pod.revision, pod.proxy, pod.differs])]).toEqual([
      'default',
      [
        ['default', 'synced', ''],
        ['default', 'synced', ''],
      ],
    ]);
    await label('reports', { 'istio.io/rev': 'canary' });
    const after = await why('reports/archive');
    expect(after.answer).toBe(
      'The next pod of reports/archive gets a proxy from canary (1.29.1); its 2 running pods have one from default (1.28.2).',
    );
    expect(after.next.decidedBy.map(({ on, label: name, value }) => [on, name, value])).toEqual([['namespace', 'istio.io/rev', 'canary']]);
    expect(after.next.decidedBy[0]?.managers.length).toBe(1);
    expect(after.changes.map(({ commands }) => commands)).toEqual([
      ['kubectl -n reports rollout restart sts/archive'],
      ['kubectl label namespace reports istio.io/rev=default --overwrite'],
    ]);
    expect(await text('reports/archive')).toContain('  because     namespace reports has istio.io/rev=canary\n');
    await label('reports', { 'istio.io/rev': 'prod-stable' });
  });

  it('the next pod is what a dry run of it shows', async () => {
    for (const [labels, revision] of [
      [{ 'istio.io/rev': 'canary', 'istio-injection': null }, 'canary'],
      [{ 'istio.io/rev': 'canary', 'istio-injection': 'enabled' }, 'default'],
      [{ 'istio.io/rev': 'ghost', 'istio-injection': null }, undefined],
      [{ 'istio.io/rev': 'prod-canary', 'istio-injection': null }, 'default'],
      [{ 'istio.io/rev': null, 'istio-injection': 'enabled' }, 'default'],
    ] as const) {
      await label('bookinfo', labels);
      const pod = await cluster.objects.dryRunPod('bookinfo');
      const status = JSON.parse(pod.metadata.annotations?.['sidecar.istio.io/status'] ?? '{}') as { revision?: string };
      expect([(await why('ns/bookinfo')).next.revision, status.revision]).toEqual([revision, revision]);
    }
  });

  it('a Service that is gone refuses pods, and that is said', async () => {
    await label('reports', { 'istio.io/rev': 'canary' });
    await cluster.objects.remove('services', { namespace: 'istio-system', name: 'istiod-canary' });
    const said = await text('ns/reports');
    expect(said).toMatch(/^✗ New pods in reports are refused by the API server;/);
    expect(said).toContain('by the webhook: Service istio-system/istiod-canary does not exist');
    await label('reports', { 'istio.io/rev': 'prod-stable' });
    await cluster.objects.remove('mutatingwebhookconfigurations', { name: 'istio-sidecar-injector-canary' });
    await meshliftOk(cluster, 'uninstall', '--revision', 'canary', '--yes');
  });
});

describe('a run', () => {
  it('that stands still at a workload: it is said for that one and for those behind it, and the end as well', async () => {
    const source = await cluster.istio.source('next');
    await cluster.trouble('missing-image', `image=*/proxyv2:${cluster.newVersion}*`);
    const upgrade = [
      'apply',
      '--to',
      cluster.newVersion,
      '--revision',
      'next',
      '-n',
      'bookinfo',
      ...source,
      '--step-timeout',
      '10m',
      '--yes',
    ];
    const running = cluster.start(upgrade);
    const standing = async (): Promise<WhyAnswer['inRun']> => (await why('deploy/details-v1')).inRun;
    const ended = running.done.then(({ code, stdout, stderr }) => new Error(`ended with ${String(code)}: ${stdout}${stderr}`));
    const isAtIt = until('it is at the first workload', async () => (await standing())?.answer.includes('is at it') === true, 60_000);
    expect(await Promise.race([isAtIt, ended])).toBeUndefined();
    expect((await standing())?.answer).toMatch(/^Run to-next-\w+ is at it \(restart deploy\/details-v1 in bookinfo\), and waits: .*\.$/);
    const behind = (await why('deploy/reviews-v3')).inRun;
    expect(behind?.answer).toMatch(/has not come to it \(restart deploy\/reviews-v3 in bookinfo\): \d steps come before it\.$/);
    expect(behind?.evidence.find((line) => line.label === 'run is at')?.text).toMatch(
      /restart deploy\/details-v1 in bookinfo, which waits: /,
    );
    expect(behind?.evidence.at(-1)?.text).toMatch(/^running, driven by /);
    expect((await why('sts/archive', '-n', 'reports')).inRun?.answer).toMatch(
      /does not move archive: namespace reports is not part of this run\.$/,
    );
    running.child.kill('SIGKILL');
    await running.done;
    await until('its lock has run out', async () => (await standing())?.evidence.at(-1)?.text === 'running, driven by nobody now', 60_000);
    expect(await text('deploy/details-v1')).toMatch(/Next: meshlift resume to-next-\w+, or meshlift rollback to-next-\w+\n$/);
    const looker = await openLooker();
    const unknown = async (): Promise<string> =>
      (
        JSON.parse((await outcomeOf('deploy/details-v1', '-o', 'json', '--kubeconfig', looker)).stdout || '{}') as Partial<WhyAnswer>
      ).unknown?.join() ?? '';
    // Plans that hold manifests are in Secrets, which who only looks may not read.
    await until('the roles are bound', async () => (await unknown()).includes('You may not list secrets'), 20_000);
    expect(await unknown()).toMatch(/^where run to-next-\w+ \(running, 4\/9 restart deploy\/details-v1 in bookinfo\) stands: /);
    await cluster.endTrouble('missing-image');
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(await standing()).toBeUndefined();
  });
});

describe('someone who may only look', () => {
  it('gets the answer, or is told what is not to be seen', async () => {
    const looker = await openLooker();
    const asLooker = (): Promise<Outcome> => outcomeOf('reports/archive', '-o', 'json', '--kubeconfig', looker);
    await until('the roles are bound', async () => (await asLooker()).code === 0, 20_000);
    const answer = JSON.parse((await asLooker()).stdout) as WhyAnswer;
    expect([answer.next.revision, answer.unknown]).toEqual(['default', []]);
    const role = await cluster.objects.get<{ rules: { resources: string[] }[] }>('clusterroles', { name: LOOK });
    const rules = role.rules.map((rule) => ({ ...rule, resources: rule.resources.filter((one) => !one.startsWith('mutating')) }));
    await cluster.objects.replace({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: LOOK },
      rules: rules.filter((rule) => rule.resources.length > 0),
    });
    await until('webhooks are not to be seen', async () => (await asLooker()).code === 3, 20_000);
    const { stdout, stderr } = await asLooker();
    expect(stdout + stderr).toContain('mutatingwebhookconfigurations.admissionregistration.k8s.io');
  });
});

/** @returns path of a kubeconfig of an account that has the roles of `rbac --for look` */
async function openLooker(): Promise<string> {
  await cluster.objects.applyWhole(`apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: looker, namespace: reports}\n`);
  await cluster.objects.applyWhole(await meshliftOk(cluster, 'rbac', '--for', 'look'));
  await cluster.objects.applyWhole(binding('ClusterRoleBinding', 'ClusterRole') + binding('RoleBinding', 'Role'));
  const token = await cluster.objects.token({ namespace: 'reports', name: 'looker' });
  return kubeconfigWith(cluster, 'looker', (config) => {
    const user = config.users[0];
    if (user) user.user = { token };
  });
}

function binding(kind: string, role: string): string {
  const namespace = kind === 'RoleBinding' ? ', namespace: istio-system' : '';
  return `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: ${LOOK}${namespace}}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${role}, name: ${LOOK}}\nsubjects: [{kind: ServiceAccount, name: looker, namespace: reports}]\n---\n`;
}
