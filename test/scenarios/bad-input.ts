/** What goes wrong gets a clear problem, and changes nothing that is not said. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilSaid, type Outcome } from '../kit/child-process.ts';
import { kubeconfigWith, serverOf } from './changed-kubeconfig.ts';
import { meshlift, meshliftOk, revisionsOf, type ClusterUnderTest } from './cluster-under-test.ts';
import { CutWire } from './cut-wire.ts';
import { expectProblem } from './expect-problem.ts';
import { openShop, someOfShop } from './shop.ts';
import { snapshot } from './snapshot.ts';

/** Words of Meshlift, its problem and its exit code. */
export type BadRequest = readonly [name: string, args: (install: readonly string[]) => readonly string[], code: string, exit: number];

interface World {
  readonly cluster: ClusterUnderTest;
  /** Options for the new version as revision canary. */
  install: readonly string[];
  before: Record<string, unknown>;
}

const SHOP = { namespace: 'shop', name: 'quotes' };

/** @param more requests that only this cluster's installer can refuse */
export function badInput(cluster: ClusterUnderTest, more: readonly BadRequest[] = []): void {
  const world: World = { cluster, install: [], before: {} };
  beforeAll(() => cluster.prepare());
  afterAll(() => cluster.cleanUp());
  describe('a cluster that cannot be used', () => unusableClusters(world));
  describe('a request that makes no sense', () => senselessRequests(world, more));
  describe('a plan', () => badPlans(world));
  describe('a missing permission', () => missingPermissions(world));
  describe('an upgrade that meets trouble', () => upgradesInTrouble(world));
}

function upgrade({ cluster, install }: World, ...rest: string[]): string[] {
  return ['apply', '--to', cluster.newVersion, '--revision', 'canary', ...install, '--yes', ...rest];
}

function unusableClusters({ cluster }: World): void {
  it('without Istio', async () => {
    expectProblem(await meshlift(cluster, 'status'), 'MESH-001', 1);
    const source = await cluster.istio.source('canary');
    expectProblem(await meshlift(cluster, 'plan', '--to', cluster.newVersion, ...source), 'MESH-001', 1);
  });

  it('that is not there, not trusted, or does not accept us', async () => {
    const nowhere = kubeconfigWith(cluster, 'nowhere', (c) =>
      Object.assign(c.clusters[0]?.cluster ?? {}, { server: 'https://127.0.0.1:1' }),
    );
    expectProblem(await meshlift(cluster, '--kubeconfig', nowhere, 'status'), 'KUBE-003', 1);
    const untrusted = kubeconfigWith(cluster, 'untrusted', (c) => {
      const entry = c.clusters[0]?.cluster ?? {};
      delete entry['certificate-authority-data'];
      delete entry['certificate-authority'];
    });
    expectProblem(await meshlift(cluster, '--kubeconfig', untrusted, 'status'), 'KUBE-007', 1);
    const expired = kubeconfigWith(cluster, 'expired', (c) => {
      const user = c.users[0];
      if (user) user.user = { token: 'expired' };
    });
    expectProblem(await meshlift(cluster, '--kubeconfig', expired, 'status'), 'KUBE-004', 1);
    expectProblem(await meshlift(cluster, '--context', 'elsewhere', 'status'), 'KUBE-002', 2);
    expectProblem(await meshlift(cluster, '--kubeconfig', '/does/not/exist', 'status'), 'KUBE-001', 1);
  });
}

function senselessRequests(world: World, more: readonly BadRequest[]): void {
  const { cluster } = world;
  const { newVersion } = cluster;
  const plan = (...args: string[]): BadRequest[1] => {
    return (install) => ['plan', '--to', ...args, ...install];
  };
  beforeAll(async () => {
    await cluster.istio.installOld();
    await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, someOfShop('quotes', 'report'));
    world.install = await cluster.istio.source('canary');
    world.before = await snapshot(cluster, ['shop']);
  });

  it.each<BadRequest>([
    ['a revision name with a dot', plan(newVersion, '--revision', '1.29.1'), 'REVN-001', 2],
    [
      'a revision that is taken',
      (install) => ['install', '--revision', 'default', '--version', newVersion, ...install, '--yes'],
      'REVN-002',
      3,
    ],
    ['a downgrade', plan('1.27.0'), 'PLAN-001', 3],
    ['a jump of three minors', plan('1.31.0'), 'PLAN-001', 3],
    ['an unknown namespace', plan(newVersion, '--revision', 'canary', '-n', 'nowhere'), 'MESH-003', 2],
    ['an unknown workload', plan(newVersion, '--revision', 'canary', '--skip', 'shop/nothing'), 'MESH-004', 2],
    ['an unknown revision', () => ['migrate', 'shop', '--to', 'nothing', '--yes'], 'MESH-002', 2],
    ...more,
  ])('%s', async (_name, args, code, exit) => {
    expectProblem(await meshlift(cluster, ...args(world.install)), code, exit);
  });

  it('leaves everything as it was', async () => {
    expect(await snapshot(cluster, ['shop'])).toEqual(world.before);
  });
}

function badPlans(world: World): void {
  const { cluster } = world;
  const { objects, newVersion, scratch } = cluster;
  const file = join(scratch, 'plan.yaml');
  const edited = join(scratch, 'edited.yaml');
  const labelled = (labels: Readonly<Record<string, string | null>>): Promise<void> =>
    objects.patch('namespaces', { name: 'shop' }, { metadata: { labels } });
  const strategy = (value: object): Promise<void> => objects.patch('deployments', SHOP, { spec: { strategy: value } });

  it('edited into nonsense, or at all, is refused', async () => {
    await meshliftOk(cluster, 'plan', '--to', newVersion, '--revision', 'canary', ...world.install, '-o', file);
    const text = readFileSync(file, 'utf8');
    const cases: [string, string, number][] = [
      [text.replace('kind: labelNamespace', 'kind: eatNamespace'), 'PLAN-010', 2],
      [text.replace('formatVersion: 1', 'formatVersion: 2'), 'PLAN-011', 2],
      [text.replace('namespace: shop', 'namespace: kube-system'), 'PLAN-012', 3],
      [text.replace('steps:', 'steps: ['), 'PLAN-010', 2],
    ];
    for (const [content, code, exit] of cases) {
      writeFileSync(edited, content);
      expectProblem(await meshlift(cluster, 'apply', edited, '--yes'), code, exit);
    }
  });

  it('that no longer fits is refused, the differences named', async () => {
    await labelled({ 'istio-injection': null, 'istio.io/rev': 'default' });
    await objects.applyWhole(newcomer);
    const outcome = await meshlift(cluster, 'apply', file, '--yes');
    expectProblem(outcome, 'PLAN-013', 3);
    expect(outcome.stderr).toContain('namespace shop has istio-injection=none, had enabled');
    await labelled({ 'istio-injection': 'enabled', 'istio.io/rev': null });
    await objects.remove('deployments', { namespace: 'shop', name: 'newcomer' });
  });

  it('is refused while the check has errors, unless they are accepted by name', async () => {
    await strategy({ type: 'Recreate', rollingUpdate: null });
    const refused = await meshlift(cluster, ...upgrade(world));
    expectProblem(refused, 'CHEK-001', 3);
    expect(refused.stderr).toContain('WORK-001  shop/quotes would be down while it restarts (1 pod, strategy Recreate)');
    const accepted = await meshlift(cluster, ...upgrade(world, '--accept-downtime', 'shop/quotes', '--dry-run'));
    expect(accepted.code).toBe(0);
    await strategy({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    expect(await snapshot(cluster, ['shop'])).toEqual(world.before);
  });
}

const newcomer = `apiVersion: apps/v1
kind: Deployment
metadata: {name: newcomer, namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: newcomer}}
  template: {metadata: {labels: {app: newcomer}}, spec: {containers: [{name: none, image: none.invalid/none}]}}
`;

interface Role {
  readonly kind: string;
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
}

const ACCOUNT = 'meshlift-limited';

function missingPermissions(world: World): void {
  const { cluster } = world;
  const { objects } = cluster;
  let limited: string;

  beforeAll(async () => {
    await objects.applyWhole(`apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ${ACCOUNT}, namespace: shop}\n`);
    await objects.applyWhole(await meshliftOk(cluster, 'rbac', '--for', 'install'));
    await objects.applyWhole(binding('ClusterRoleBinding', 'ClusterRole') + binding('RoleBinding', 'Role'));
    const token = await objects.token({ namespace: 'shop', name: ACCOUNT });
    limited = kubeconfigWith(cluster, 'limited', (c) => {
      const user = c.users[0];
      if (user) user.user = { token };
    });
  });
  afterAll(async () => {
    for (const kind of ['clusterroles', 'clusterrolebindings']) await objects.remove(kind, { name: 'meshlift-install' });
  });

  const asLimited = (...args: string[]): Promise<Outcome> => meshlift(cluster, '--kubeconfig', limited, ...args);

  it('of none, when the printed roles are bound', async () => {
    expect((await asLimited('rbac', '--check')).code).toBe(0);
    expect((await asLimited('status')).stdout).toContain('3 of 3 pods on default');
  });

  it('is named by verb and resource, with the rule that would allow it, for every rule that is taken away', async () => {
    for (const kind of ['clusterroles', 'roles']) {
      const whole = await roleOf(cluster, kind);
      for (const [index, rule] of whole.rules.entries()) {
        await objects.replace({ ...whole, rules: whole.rules.filter((_, i) => i !== index) });
        const check = await untilFits(
          () => asLimited('rbac', '--check'),
          (outcome) => outcome.code === 1,
        );
        const resource = rule.resources[0]?.split('/')[0] ?? '';
        expect(check.stdout).toContain(`${rule.verbs[0] ?? ''} ${resource}`);
      }
      await objects.replace(whole);
    }
  });

  it('to read pods refuses a plan, and is said by status', async () => {
    const whole = await roleOf(cluster, 'clusterroles');
    const rules = whole.rules
      .map((rule) => ({ ...rule, resources: rule.resources.filter((r) => r !== 'pods') }))
      .filter((rule) => rule.resources.length > 0);
    await objects.replace({ ...whole, rules });
    const status = await untilFits(
      () => asLimited('status'),
      (outcome) => outcome.stdout.includes('could not be read'),
    );
    expect(status.stdout).toContain('could not be read: pods in all namespaces (no permission)');
    const plan = await asLimited('plan', '--to', cluster.newVersion, ...world.install);
    expectProblem(plan, 'MESH-007', 3);
    expect(plan.stderr).toContain('{apiGroups: [""], resources: ["pods"], verbs: ["list"]}');
  });
}

function binding(kind: string, role: string): string {
  const namespace = kind === 'RoleBinding' ? ', namespace: istio-system' : '';
  return `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: meshlift-install${namespace}}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${role}, name: meshlift-install}\nsubjects: [{kind: ServiceAccount, name: ${ACCOUNT}, namespace: shop}]\n---\n`;
}

/** Ready to be written again. */
async function roleOf({ objects }: ClusterUnderTest, kind: string): Promise<Role & object> {
  const namespace = kind === 'roles' ? { namespace: 'istio-system' } : {};
  const { rules } = await objects.get<Role>(kind, { name: 'meshlift-install', ...namespace });
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: kind === 'roles' ? 'Role' : 'ClusterRole',
    metadata: { name: 'meshlift-install', ...namespace },
    rules,
  } as Role;
}

/** RBAC reaches the API server's cache a moment after it was written. */
async function untilFits(ask: () => Promise<Outcome>, fits: (outcome: Outcome) => boolean): Promise<Outcome> {
  let outcome = await ask();
  for (let attempt = 0; attempt < 20 && !fits(outcome); attempt += 1) outcome = await ask();
  return outcome;
}

function upgradesInTrouble(world: World): void {
  const { cluster } = world;

  it('an istiod that does not become ready: what its pods say, what the installer said, taken back', async () => {
    const broken = await cluster.istio.brokenSource('canary');
    const outcome = await meshlift(cluster, ...upgrade({ ...world, install: broken }, '--step-timeout', cluster.faults.stepTimeout));
    expectProblem(outcome, 'RUN-010', 1);
    expect(outcome.stderr).toMatch(/istiod-canary-\S+: container discovery: (ErrImagePull|ImagePullBackOff)/);
    expect(outcome.stderr).toMatch(cluster.istio.installerFailure);
    expect(outcome.stderr).toContain('meshlift rollback');
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(await snapshot(cluster, ['shop'])).toEqual(world.before);
  });

  it('a workload that does not roll out: stop, why, go on once it is mended', async () => {
    const fault = await cluster.faults.blockNewPods('shop');
    const stubborn = upgrade(world, '--step-timeout', cluster.faults.stepTimeout);
    if (fault.foreseen !== undefined) {
      const refused = await meshlift(cluster, ...stubborn);
      expectProblem(refused, 'CHEK-001', 3);
      expect(refused.stdout + refused.stderr).toContain(fault.foreseen);
      stubborn.push('--accept', fault.foreseen);
    }
    const outcome = await meshlift(cluster, ...stubborn);
    expectProblem(outcome, 'RUN-021', 1);
    expect(outcome.stderr).toContain('deploy/quotes in shop did not become ready on canary');
    expect(outcome.stderr).toMatch(fault.words);
    expect(outcome.stderr).toContain(fault.pods);
    await fault.mend();
    expect(await meshliftOk(cluster, 'resume')).toContain('Moved 2 workloads');
    expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['canary']));
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(await snapshot(cluster, ['shop'])).toEqual(world.before);
  });

  it('an API server that goes away in mid-run and comes back: it waits, and goes on', async () => {
    const wire = await CutWire.open(serverOf(cluster));
    try {
      const viaWire = kubeconfigWith(cluster, 'via-wire', (c) =>
        Object.assign(c.clusters[0]?.cluster ?? {}, { server: `https://127.0.0.1:${wire.port}` }),
      );
      const running = cluster.start(['--kubeconfig', viaWire, ...upgrade(world)]);
      await untilSaid(running, 'restart-shop-deploy-quotes started', 90_000);
      wire.isDown = true;
      wire.cut();
      await untilSaid(running, /trouble .*does not answer/, 30_000);
      wire.isDown = false;
      const outcome = await running.done;
      expect(outcome.stdout).toContain('Moved 2 workloads');
      await meshliftOk(cluster, 'rollback', '--yes');
      expect(await snapshot(cluster, ['shop'])).toEqual(world.before);
    } finally {
      wire.close();
    }
  });
}
