/**
 * A mesh that helm installed, lifted with helm: the driver dies while helm works, the way back from the middle, under load, and to the
 * end. Once with the helm on PATH, and in short with helm 4.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MESHLIFT, run, start, until, untilSaid } from '../kit/child-process.ts';
import { revisionsOf, type Load } from '../scenarios/cluster-under-test.ts';
import { countedSince, templateCounts } from '../scenarios/restarts.ts';
import { openShop, someOfShop } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import { kubectl, meshlift, meshliftOk, NEW_VERSION, OLD_VERSION } from './kit/cluster.ts';
import { chartsOf, fetchHelm4, installByHelm, releases } from './kit/helm.ts';
import { cleanCluster } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

const helm = process.env['MESHLIFT_HELM'] ?? 'helm';
const charts = chartsOf(NEW_VERSION);
const NEW = NEW_VERSION.replaceAll('.', '-');
const OLD = OLD_VERSION.replaceAll('.', '-');
const REPORT = 'http://report.shop:9080/';
const apps = someOfShop('quotes', 'report', 'ledger');
const upgrade = (tool: string): string[] => [
  'apply',
  '--to',
  NEW_VERSION,
  '--with',
  'helm',
  '--helm',
  tool,
  '--charts',
  charts ?? '',
  '--yes',
];
const restartsOf = async (before: Record<string, number>): Promise<unknown> =>
  countedSince(before, await templateCounts(realCluster, 'shop'));
const validates = (): Promise<string> =>
  kubectl('get', 'validatingwebhookconfiguration', 'istiod-default-validator', '-o', 'jsonpath={.webhooks[*].clientConfig.service.name}');

describe.skipIf(charts === undefined)('an unrevisioned mesh by helm', () => {
  const releasesBefore = [`istio-base 1 deployed base-${OLD_VERSION}`, `istiod 1 deployed istiod-${OLD_VERSION}`];
  let before: Record<string, unknown>;
  let templates: Record<string, number>;
  let load: Load;

  beforeAll(async () => {
    await cleanCluster();
    await installByHelm(helm, '');
    await openShop(realCluster, 'shop', { 'istio-injection': 'enabled' }, apps);
    before = await snapshot(realCluster, ['shop']);
    templates = await templateCounts(realCluster, 'shop');
  });
  afterAll(cleanCluster);

  it('keeps what a plan finds pending', async () => {
    const record = `sh.helm.release.v1.istiod-${NEW}.v1`;
    await kubectl('-n', 'istio-system', 'create', 'secret', 'generic', record, '--type=helm.sh/release.v1', '--from-literal=release=x');
    await kubectl(
      '-n',
      'istio-system',
      'label',
      'secret',
      record,
      'owner=helm',
      `name=istiod-${NEW}`,
      'status=pending-install',
      'version=1',
    );
    const refused = await meshlift(...upgrade(helm));
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('HELM-001')]);
    expect(refused.stdout).toContain(`helm uninstall istiod-${NEW} -n istio-system`);
    await kubectl('-n', 'istio-system', 'delete', 'secret', record);
  });

  it('says in the words of helm what does not render', async () => {
    const refused = await meshlift(...upgrade(helm), '--set', 'profile=nothing');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unknown profile nothing')]);
    const older = await meshlift(...upgrade(helm), '--charts', chartsOf(OLD_VERSION) ?? '');
    expect([older.code, older.stderr]).toEqual([3, expect.stringContaining(`istiod ${OLD_VERSION}; the target is ${NEW_VERSION}`)]);
  });

  it('is resumed when the driver dies while helm works, under load, and no release is left pending', async () => {
    await realCluster.traffic.prepareLoad({ 'istio-injection': 'enabled' }, REPORT);
    load = realCluster.traffic.startLoad(REPORT);
    const driver = start(MESHLIFT, upgrade(helm));
    await untilSaid(driver, 'Installing it now', 120_000);
    driver.child.kill('SIGKILL');
    await driver.done;
    const working = async (): Promise<boolean> =>
      (await start('pgrep', ['-f', `upgrade --install istiod-${NEW}`]).done).stdout.trim() === '';
    await until('helm has ended with it', working, 10_000);
    expect(await meshliftOk('resume', '--yes')).toContain('Moved 3 workloads');
    expect(await releases(helm)).toEqual([...releasesBefore, expect.stringMatching(`^istiod-${NEW} \\d deployed istiod-${NEW_VERSION}$`)]);
    expect(await restartsOf(templates)).toEqual(Object.fromEntries(apps.map((app) => [app.name, 1])));
  });

  it('goes back from there, objects and releases as they were, and no request was lost', async () => {
    await meshliftOk('rollback', '--yes');
    const result = await load.stop();
    process.stdout.write(`helm: ${result.sent} requests, ${result.failed} failed, p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms\n`);
    expect([result.failed, result.sent > 300]).toEqual([0, true]);
    expect(await releases(helm)).toEqual(releasesBefore);
    expect(await snapshot(realCluster, ['shop'])).toEqual(before);
    await meshliftOk('forget', '--everything', '--yes');
  });

  it('goes to the end, with only the new releases left', async () => {
    // The pod that sent the load would keep the old revision in use.
    await kubectl('delete', 'namespace', 'load', '--timeout=120s');
    expect(await meshliftOk(...upgrade(helm), '--finish')).toContain(`default (${OLD_VERSION}) is removed`);
    expect(await releases(helm)).toEqual([
      expect.stringMatching(`^istio-base \\d deployed base-${NEW_VERSION}$`),
      `istiod-${NEW} 1 deployed istiod-${NEW_VERSION}`,
    ]);
    expect(await revisionsOf(realCluster, 'shop')).toEqual(new Set([NEW]));
  });

  it('is not pointed back by the next upgrade of the base release', async () => {
    await run(helm, ['upgrade', 'istio-base', join(charts ?? '', 'base'), '-n', 'istio-system', '--reuse-values']);
    expect(await validates()).toBe(`istiod-${NEW}`);
  });
});

const helm4 = charts === undefined ? undefined : fetchHelm4();

describe.skipIf(helm4 === undefined)('a mesh by helm 4, by revision', () => {
  const tool = helm4 ?? '';
  const some = someOfShop('quotes', 'report');
  let before: Record<string, unknown>;
  let releasesBefore: string[];

  beforeAll(async () => {
    await cleanCluster();
    await installByHelm(tool, OLD);
    await openShop(realCluster, 'shop', { 'istio.io/rev': OLD }, some);
    before = await snapshot(realCluster, ['shop']);
    releasesBefore = await releases(tool);
  });
  afterAll(cleanCluster);

  it('goes to the end: what istiod wrote is no conflict', async () => {
    expect(await meshliftOk(...upgrade(tool), '--finish')).toContain(`${OLD} (${OLD_VERSION}) is removed`);
    expect(await releases(tool)).toEqual([
      expect.stringMatching(`^istio-base \\d deployed base-${NEW_VERSION}$`),
      `istiod-${NEW} 1 deployed istiod-${NEW_VERSION}`,
    ]);
    expect(await validates()).toBe(`istiod-${NEW}`);
  });

  it('comes back from the end, objects and releases as they were', async () => {
    await meshliftOk('rollback', '--yes');
    expect(await releases(tool)).toEqual(releasesBefore);
    expect(await snapshot(realCluster, ['shop'])).toEqual(before);
  });
});
