/**
 * Under a load of 20 requests a second, with mTLS STRICT: a control run without an upgrade, the way there, the way back; old
 * and new proxies talk to each other in the mixed phase; the roll-back from the middle and from the end leaves every object
 * as it was.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, until, untilSaid } from '../kit/child-process.ts';
import {
  meshlift,
  meshliftOk,
  podsOf,
  revisionOf,
  revisionsOf,
  type ClusterUnderTest,
  type Load,
  type LoadResult,
} from './cluster-under-test.ts';
import { namespaceYaml, openShop, podYaml } from './shop.ts';
import { snapshot } from './snapshot.ts';

const WEB = 'http://web.shop:9080/';
const NAMESPACES = ['shop', 'load'];
const STRICT =
  'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n';

export function thereAndBack(cluster: ClusterUnderTest): void {
  const { traffic, objects } = cluster;
  const figures: Record<string, LoadResult> = {};
  let before: Record<string, unknown>;
  let plan: string[];

  beforeAll(async () => {
    await cluster.prepare();
    await cluster.istio.installOld();
    await openShop(cluster, 'shop', { 'istio-injection': 'enabled' });
    await traffic.prepareLoad({ 'istio-injection': 'enabled' }, WEB);
    await objects.applyWhole(STRICT);
    const source = await cluster.istio.source('canary');
    plan = ['apply', '--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...source, '--yes'];
    await until('the shop answers', async () => (await traffic.ask('load', 'sender', WEB)) === 200);
    before = await snapshot(cluster, NAMESPACES);
  });
  afterAll(async () => {
    for (const [name, result] of Object.entries(figures))
      process.stdout.write(`load ${name}: ${result.sent} sent, ${result.failed} failed, p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms\n`);
    await cluster.cleanUp();
  });

  async function podOf(app: string, revision: string): Promise<string> {
    const pod = (await podsOf(cluster, 'shop')).find((p) => p.metadata.labels?.['app'] === app && revisionOf(p) === revision);
    if (!pod) throw new Error(`no pod of ${app} on ${revision}`);
    return pod.metadata.name;
  }

  function expectAllAnswered(name: string, result: LoadResult): void {
    figures[name] = result;
    expect(result.sent).toBeGreaterThan(0);
    expect(result.codes).toEqual({ '200': result.sent });
  }

  describe('there and back', () => {
    let load: Load;

    it('serves every request of a control run', async () => {
      const controlLoad = traffic.startLoad(WEB);
      await pause(traffic.controlMs);
      const control = await controlLoad.stop();
      expect(control.sent).toBeGreaterThan((traffic.controlMs / 1000) * 16);
      expectAllAnswered('control', control);
    });

    it('stops in the middle when it is paused', async () => {
      load = traffic.startLoad(WEB);
      const applying = cluster.start(plan);
      await untilSaid(applying, 'restart-shop-deploy-api done', 120_000);
      expect((await meshlift(cluster, 'pause')).code).toBe(0);
      const outcome = await applying.done;
      expect(outcome.stdout).toContain('Paused before step');
      expect(outcome.code).toBe(3);
    });

    it('lets old and new proxies talk to each other with mTLS, both ways, and nobody else', async () => {
      const [oldPod, newPod] = [await podOf('web', 'default'), await podOf('api', 'canary')];
      expect(await traffic.ask('shop', oldPod, 'http://api:9080/')).toBe(200);
      expect(await traffic.ask('shop', newPod, 'http://report:9080/')).toBe(200);
      expect(await traffic.ask('shop', newPod, 'http://web:9080/')).toBe(200);
      await objects.applyWhole(namespaceYaml('outside', {}) + podYaml(cluster, 'outside', 'plain'));
      await objects.podReady({ namespace: 'outside', name: 'plain' });
      expect(await traffic.ask('outside', 'plain', 'http://report.shop:9080/')).not.toBe(200);
      expect(await traffic.ask('outside', 'plain', 'http://api.shop:9080/')).not.toBe(200);
    });

    it('shows the mixed namespace for what it is', async () => {
      const status = await meshliftOk(cluster, 'status');
      expect(status).toMatch(/shop\s+istio\.io\/rev=canary\s+canary\s+\d+\s+\d+\s+mixed: \d workloads not restarted yet/);
    });

    it('is taken back from the middle: every object is as it was', async () => {
      const output = await meshliftOk(cluster, 'rollback', '--yes');
      expect(output).toContain('Rolled back');
      expect(await snapshot(cluster, NAMESPACES)).toEqual(before);
      expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['default']));
    });

    it('goes all the way there, three workloads at once, and lost no request on any of these ways', async () => {
      const output = await meshliftOk(cluster, ...plan, '--restarts-at-once', '3', '--edge', 'shop/web:shop/api');
      expect(output).toContain('Moved 6 workloads');
      expect(mostAtOnce(output)).toBe(3);
      expectAllAnswered('middle, back, there', await load.stop());
    });

    it('is taken back from the end, three at once, without a lost request, and every object is as it was', async () => {
      const backLoad = traffic.startLoad(WEB);
      expect(mostAtOnce(await meshliftOk(cluster, 'rollback', '--yes'))).toBe(3);
      expectAllAnswered('back from the end', await backLoad.stop());
      expect(await snapshot(cluster, NAMESPACES)).toEqual(before);
    });
  });
}

/** How many restarts were under way at the same time, from what a run says line by line. */
function mostAtOnce(output: string): number {
  const changes = [...output.matchAll(/ step \S*restart-\S+ (started|done)/g)].map(([, what]) => (what === 'started' ? 1 : -1));
  let under = 0;
  return Math.max(...changes.map((change) => (under += change)));
}
