/** kill -9 of the driver at three points of one upgrade: it is resumed each time, and every workload was restarted exactly once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, untilSaid } from '../kit/child-process.ts';
import { meshlift, meshliftOk, revisionsOf, type ClusterUnderTest } from './cluster-under-test.ts';
import { countedSince, templateCounts } from './restarts.ts';
import { openShop, someOfShop } from './shop.ts';
import { snapshot } from './snapshot.ts';

export function killedDriver(cluster: ClusterUnderTest): void {
  const apps = someOfShop('quotes', 'report', 'ledger');
  let apply: string[];
  let before: Record<string, unknown>;
  let templatesBefore: Record<string, number>;

  beforeAll(async () => {
    await cluster.prepare();
    await cluster.istio.installOld();
    await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, apps);
    apply = ['apply', '--to', cluster.newVersion, '--revision', 'canary', ...(await cluster.istio.source('canary')), '--yes'];
    before = await snapshot(cluster, ['shop']);
    templatesBefore = await templateCounts(cluster, 'shop');
  });
  afterAll(() => cluster.cleanUp());

  /** Starts a driver and kills it without warning when its output says that the moment has come. */
  async function killAt(args: readonly string[], moment: RegExp): Promise<void> {
    const driver = cluster.start(args);
    await untilSaid(driver, moment, 120_000);
    driver.child.kill('SIGKILL');
    expect((await driver.done).code).not.toBe(0);
    const lease = await cluster.objects.get<{ spec: { holderIdentity?: string } }>('leases', {
      namespace: 'istio-system',
      name: 'meshlift',
    });
    expect(lease.spec.holderIdentity).toMatch(/@/);
  }

  describe('a driver that is killed', () => {
    it('while it installs takes the installer with it', async () => {
      await killAt(apply, cluster.istio.installing);
      await until('the installer is gone', () => cluster.istio.installerIsGone(), 5000);
    });

    it('right after a workload was told to restart is followed by another one', async () => {
      await killAt(['resume'], /restart-shop-deploy-report started/);
    });

    it('while a StatefulSet rolls out is followed by another one', async () => {
      await killAt(['resume'], /restart-shop-sts-ledger: 1 of 2/);
    });

    it('leaves a run that ends as if nothing had happened, every workload restarted once', async () => {
      const last = cluster.start(['resume']);
      await untilSaid(last, 'taken over by', 30_000);
      const second = await meshlift(cluster, 'resume');
      expect(second.code).toBe(3);
      expect(second.stderr).toMatch(/RUN-001[^]*@.*drives a run on this mesh/);
      const { stdout } = await last.done;
      expect(stdout).toContain('Moved 3 workloads');
      const counted = countedSince(templatesBefore, await templateCounts(cluster, 'shop'));
      expect(counted).toEqual(Object.fromEntries(apps.map((app) => [app.name, 1])));
      expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['canary']));
    });

    it('can be taken back whole', async () => {
      await meshliftOk(cluster, 'rollback', '--yes');
      expect(await snapshot(cluster, ['shop'])).toEqual(before);
    });
  });
}
