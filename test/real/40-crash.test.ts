/** kill -9 of the driver at three points of one upgrade: it is resumed each time, and every workload was restarted exactly once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  istioctlNew,
  kubectlJson,
  meshlift,
  MESHLIFT,
  meshliftOk,
  NEW_VERSION,
  podsOf,
  revisionOf,
  run,
  start,
  until,
  type Meta,
} from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { openShop, SHOP } from './kit/shop.ts';
import { snapshot } from './kit/snapshot.ts';

const apps = SHOP.filter((app) => ['quotes', 'report', 'ledger'].includes(app.name));
const apply = ['apply', '--to', NEW_VERSION, '--revision', 'canary', '--istioctl', istioctlNew(), '-f', operatorFile, '--yes'];
let before: Record<string, unknown>;
let templatesBefore: Record<string, number>;

beforeAll(async () => {
  await cleanCluster();
  await installOld();
  await openShop('shop', { 'istio-injection': 'enabled' }, apps);
  before = await snapshot(['shop']);
  templatesBefore = await templates();
});
afterAll(cleanCluster);

/** How often each workload's pods were replaced: the generations of its template, as its controller keeps them. */
async function templates(): Promise<Record<string, number>> {
  const { items } = await kubectlJson<{ items: { metadata: Meta }[] }>('-n', 'shop', 'get', 'replicasets,controllerrevisions');
  const counts: Record<string, number> = {};
  for (const { metadata } of items) {
    const owner = metadata.ownerReferences?.[0]?.name ?? '';
    counts[owner] = (counts[owner] ?? 0) + 1;
  }
  return counts;
}

/** Starts a driver and kills it without warning when its output says that the moment has come. */
async function killAt(args: readonly string[], isMoment: (output: string) => boolean): Promise<void> {
  const driver = start(MESHLIFT, args);
  await until('the moment to kill', () => isMoment(driver.output()), 120_000);
  driver.child.kill('SIGKILL');
  expect((await driver.done).code).not.toBe(0);
  const lease = await kubectlJson<{ spec: { holderIdentity?: string } }>('-n', 'istio-system', 'get', 'lease', 'meshlift');
  expect(lease.spec.holderIdentity).toMatch(/@/);
}

describe('a driver that is killed', () => {
  it('while istioctl installs takes istioctl with it', async () => {
    await killAt(apply, (output) => output.includes('Processing resources for Istiod'));
    await until('istioctl is gone', async () => (await run('sh', ['-c', 'pgrep -f "[i]stioctl.*revision=canary" || true'])) === '', 5000);
  });

  it('right after a workload was told to restart is followed by another one', async () => {
    await killAt(['resume'], (output) => output.includes('restart-shop-deploy-report started'));
  });

  it('while a StatefulSet rolls out is followed by another one', async () => {
    await killAt(['resume'], (output) => /restart-shop-sts-ledger: 1 of 2/.test(output));
  });

  it('leaves a run that ends as if nothing had happened, every workload restarted once', async () => {
    const last = start(MESHLIFT, ['resume']);
    await until('it has begun', () => last.output().includes('taken over by'), 30_000);
    const second = await meshlift('resume');
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(/RUN-001[^]*@.*drives a run on this mesh/);
    const { stdout } = await last.done;
    expect(stdout).toContain('Moved 3 workloads');
    const now = await templates();
    for (const app of apps) expect(`${app.name} ${(now[app.name] ?? 0) - (templatesBefore[app.name] ?? 0)}`).toBe(`${app.name} 1`);
    expect(new Set((await podsOf('shop')).map(revisionOf))).toEqual(new Set(['canary']));
  });

  it('can be taken back whole', async () => {
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(['shop'])).toEqual(before);
  });
});
