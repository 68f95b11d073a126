/**
 * Under a load of 20 requests a second from inside the mesh, with mTLS STRICT: a control run without an upgrade, the way
 * there, the way back; old and new proxies talk to each other in the mixed phase; the roll-back from the middle and from
 * the end leaves every object as it was.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyYaml,
  istioctlNew,
  kubectl,
  meshlift,
  MESHLIFT,
  meshliftOk,
  NEW_VERSION,
  podsOf,
  revisionOf,
  start,
  until,
} from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { loadFor, prepareLoad, startLoad, type Load, type LoadResult } from './kit/load.ts';
import { ask, openShop } from './kit/shop.ts';
import { snapshot } from './kit/snapshot.ts';

const URL = 'http://web.shop:9080/';
const NAMESPACES = ['shop', 'load'];
const figures: Record<string, LoadResult> = {};
let before: Record<string, unknown>;

beforeAll(async () => {
  await cleanCluster();
  await installOld();
  await openShop('shop', { 'istio-injection': 'enabled' });
  await prepareLoad({ 'istio-injection': 'enabled' });
  await applyYaml(
    'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n',
  );
  await until('the shop answers', async () => (await ask('load', 'sender', URL)) === 200);
  before = await snapshot(NAMESPACES);
});
afterAll(async () => {
  for (const [name, result] of Object.entries(figures))
    process.stdout.write(`load ${name}: ${result.sent} sent, ${result.failed} failed, p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms\n`);
  await cleanCluster();
});

async function podOf(app: string, revision: string): Promise<string> {
  const pod = (await podsOf('shop')).find((p) => p.metadata.labels?.['app'] === app && revisionOf(p) === revision);
  if (!pod) throw new Error(`no pod of ${app} on ${revision}`);
  return pod.metadata.name;
}

const plan = ['apply', '--to', NEW_VERSION, '--revision', 'canary', '-n', 'shop', '--istioctl', istioctlNew(), '-f', operatorFile, '--yes'];

describe('there and back', () => {
  let load: Load;

  it('serves every request of a control run', async () => {
    const control = await loadFor(URL, 15_000);
    figures['control'] = control;
    expect(control.sent).toBeGreaterThan(250);
    expect(control.codes).toEqual({ '200': control.sent });
  });

  it('stops in the middle when it is paused', async () => {
    load = startLoad(URL);
    const applying = start(MESHLIFT, plan);
    await until('api is moved', () => applying.output().includes('restart-shop-deploy-api done'), 120_000);
    expect((await meshlift('pause')).code).toBe(0);
    const outcome = await applying.done;
    expect(outcome.stdout).toContain('Paused before step');
    expect(outcome.code).toBe(3);
  });

  it('lets old and new proxies talk to each other with mTLS, both ways, and nobody else', async () => {
    const [oldPod, newPod] = [await podOf('web', 'default'), await podOf('api', 'canary')];
    expect(await ask('shop', oldPod, 'http://api:9080/')).toBe(200);
    expect(await ask('shop', newPod, 'http://report:9080/')).toBe(200);
    expect(await ask('shop', newPod, 'http://web:9080/')).toBe(200);
    await applyYaml(`apiVersion: v1\nkind: Namespace\nmetadata: {name: outside, labels: {meshlift-test: 'true'}}\n`);
    await kubectl(
      '-n',
      'outside',
      'run',
      'plain',
      `--image=${process.env['MESHLIFT_TEST_IMAGE'] ?? 'docker.io/fortio/fortio:latest'}`,
      '--overrides={"spec":{"containers":[{"name":"app","image":"IMAGE","args":["server"]}]}}'.replace(
        'IMAGE',
        process.env['MESHLIFT_TEST_IMAGE'] ?? 'docker.io/fortio/fortio:latest',
      ),
    );
    await kubectl('-n', 'outside', 'wait', '--for=condition=Ready', 'pod/plain', '--timeout=60s');
    expect(await ask('outside', 'plain', 'http://report.shop:9080/')).not.toBe(200);
    expect(await ask('outside', 'plain', 'http://api.shop:9080/')).not.toBe(200);
  });

  it('shows the mixed namespace for what it is', async () => {
    const status = await meshliftOk('status');
    expect(status).toMatch(/shop\s+istio\.io\/rev=canary\s+canary\s+\d+\s+\d+\s+mixed: \d workloads not restarted yet/);
  });

  it('is taken back from the middle: every object is as it was', async () => {
    const output = await meshliftOk('rollback', '--yes');
    expect(output).toContain('Rolled back');
    expect(await snapshot(NAMESPACES)).toEqual(before);
    expect(new Set((await podsOf('shop')).map(revisionOf))).toEqual(new Set(['default']));
  });

  it('goes all the way there, and lost no request on any of these ways', async () => {
    const output = await meshliftOk(...plan);
    expect(output).toContain('Moved 6 workloads');
    figures['middle, back, there'] = await load.stop();
    expect(figures['middle, back, there'].codes).toEqual({ '200': figures['middle, back, there'].sent });
  });

  it('is taken back from the end without a lost request, and every object is as it was', async () => {
    const backLoad = startLoad(URL);
    await meshliftOk('rollback', '--yes');
    figures['back from the end'] = await backLoad.stop();
    expect(figures['back from the end'].codes).toEqual({ '200': figures['back from the end'].sent });
    expect(await snapshot(NAMESPACES)).toEqual(before);
  });
});
