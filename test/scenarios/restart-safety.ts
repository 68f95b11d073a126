/**
 * Workloads that a plain restart would hurt or not move: one pod without room for a second, a budget that allows nothing, a
 * StatefulSet that waits for its pods to be deleted. There and back under load, without a request lost.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../kit/child-process.ts';
import { meshlift, meshliftOk, podsOf, revisionOf, type ClusterUnderTest, type LoadResult, type PodJson } from './cluster-under-test.ts';
import { expectProblem } from './expect-problem.ts';
import { openShop, type App } from './shop.ts';
import { snapshot } from './snapshot.ts';

const WEB = 'http://web.shop:9080/';
const APPS: readonly App[] = [
  { kind: 'Deployment', name: 'web', replicas: 2, calls: ['quotes', 'ledger'] },
  { kind: 'Deployment', name: 'quotes', replicas: 1, calls: [] },
  { kind: 'StatefulSet', name: 'ledger', replicas: 2, calls: [] },
];
const QUOTES = { namespace: 'shop', name: 'quotes' };
const LEDGER = { namespace: 'shop', name: 'ledger' };
const OWN = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
const NAMED = ['--restart-as', 'shop/deploy/quotes=surge', '--restart-as', 'shop/sts/ledger=evict'];

interface Budget {
  readonly status?: { readonly expectedPods?: number };
}

export function restartSafety(cluster: ClusterUnderTest): void {
  const { objects } = cluster;
  let before: Record<string, unknown>;
  let upgrade: string[];

  beforeAll(async () => {
    await cluster.prepare();
    await cluster.istio.installOld();
    await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, APPS);
    await cluster.traffic.prepareLoad({ 'istio-injection': 'enabled' }, WEB);
    await objects.patch('deployments', QUOTES, { spec: { strategy: OWN } });
    await objects.patch('statefulsets', LEDGER, { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } });
    await objects.applyWhole(
      'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: quotes, namespace: shop}\nspec: {minAvailable: 1, selector: {matchLabels: {app: quotes}}}\n',
    );
    await until('the budget is counted', async () => {
      const { status } = await objects.get<Budget>('poddisruptionbudgets', QUOTES);
      return status?.expectedPods === 1;
    });
    const source = await cluster.istio.source('canary');
    upgrade = ['--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...source];
    before = await snapshot(cluster, ['shop']);
  });
  afterAll(() => cluster.cleanUp());

  async function underLoad(act: () => Promise<unknown>): Promise<LoadResult> {
    const load = cluster.traffic.startLoad(WEB);
    try {
      await act();
    } finally {
      // What was sent last is answered.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    return load.stop();
  }

  async function pods(): Promise<Map<string, PodJson>> {
    return new Map((await podsOf(cluster, 'shop')).map((pod) => [pod.metadata.name, pod]));
  }

  async function revisions(): Promise<Record<string, string[]>> {
    const of = Map.groupBy(await podsOf(cluster, 'shop'), (pod) => APPS.find((app) => pod.metadata.name.startsWith(app.name))?.name ?? '');
    return Object.fromEntries([...of].map(([name, found]) => [name, found.map((pod) => revisionOf(pod) ?? 'none')]));
  }

  describe('workloads that a restart would hurt', () => {
    it('are told with their reasons, and refused until they are named', async () => {
      const plan = await meshliftOk(cluster, 'plan', ...upgrade);
      expect(plan).toContain('? shop/deploy/quotes has the PodDisruptionBudget quotes, which allows no disruption now');
      expect(plan).toContain('· shop/deploy/quotes would be down with its own strategy (1 pod, maxUnavailable 1): a new pod comes first');
      expect(plan).toContain('! shop/statefulset/ledger: its update strategy is OnDelete: delete its pods by hand');
      const refused = await meshlift(cluster, 'apply', ...upgrade, '--yes');
      expectProblem(refused, 'CHEK-001', 3);
      expect(refused.stderr).toContain('--restart-as shop/quotes=surge to do it all the same, =wait to wait for it, or =skip to leave it');
      expect(await snapshot(cluster, ['shop'])).toEqual(before);
    });

    it('cannot be named for what does not move them', async () => {
      expectProblem(await meshlift(cluster, 'plan', ...upgrade, '--restart-as', 'shop/ledger=restart'), 'PLAN-016', 2);
      const check = ['check', '--to', cluster.newVersion, '--revision', 'canary', '--restart-as'];
      expectProblem(await meshlift(cluster, ...check, 'shop/nobody=skip'), 'MESH-004', 2);
      expectProblem(await meshlift(cluster, ...check, 'shop/ledger=surge'), 'PLAN-016', 2);
      expectProblem(await meshlift(cluster, 'plan', ...upgrade, '--restart-as', 'quotes=down'), 'ARGS-001', 2);
    });

    it('move without a request lost, each in its own way, and keep their strategies', async () => {
      const old = await pods();
      const load = await underLoad(() => meshliftOk(cluster, 'apply', ...upgrade, ...NAMED, '--yes'));
      expect([load.failed, load.sent > 40]).toEqual([0, true]);
      expect(await revisions()).toEqual({ web: ['canary', 'canary'], quotes: ['canary'], ledger: ['canary', 'canary'] });
      for (const [name, pod] of await pods()) expect([name, pod.metadata.uid === old.get(name)?.metadata.uid]).toEqual([name, false]);
      const { spec } = await objects.get<{ spec: { strategy: unknown } }>('deployments', QUOTES);
      expect(spec.strategy).toEqual(OWN);
    });

    it('come back in the same way, and everything is as it was', async () => {
      const load = await underLoad(() => meshliftOk(cluster, 'rollback', '--yes'));
      expect([load.failed, load.sent > 40]).toEqual([0, true]);
      expect(await revisions()).toEqual({ web: ['default', 'default'], quotes: ['default'], ledger: ['default', 'default'] });
      await meshliftOk(cluster, 'forget', '--everything', '--yes');
      expect(await snapshot(cluster, ['shop'])).toEqual(before);
    });

    it('would lose requests otherwise: the control', async () => {
      const load = await underLoad(async () => {
        await new Promise((resolve) => setTimeout(resolve, Math.min(cluster.traffic.controlMs, 5000)));
        await objects.patch('deployments', QUOTES, { spec: { template: { metadata: { annotations: { control: 'yes' } } } } });
        await objects.rolledOut('deployment', QUOTES);
      });
      expect(load.failed).toBeGreaterThan(0);
    });
  });
}
