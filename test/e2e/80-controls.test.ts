/** What people do to a run that somebody else drives: watch it, leave a workload out, pause it. In a sandbox. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { untilSaid } from '../kit/child-process.ts';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { meshlift, meshliftOk, podsOf, revisionOf } from '../scenarios/cluster-under-test.ts';
import { openShop } from '../scenarios/shop.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const cluster = new SandboxCluster({ speed: 6 });
let plan: string[];

beforeAll(async () => {
  await cluster.prepare();
  await cluster.istio.installOld();
  await openShop(cluster, 'shop', { 'istio-injection': 'enabled' });
  const source = await cluster.istio.source('canary');
  plan = ['apply', '--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...source, '--pause-between', '2s', '--yes'];
});
afterAll(() => cluster.cleanUp());

const withoutInstants = (text: string): string[] =>
  text.split('\n').flatMap((line) => (/^\S+Z (step|started|ended)/.test(line) ? [line.replace(/^\S+ /, '')] : []));

describe('a run that somebody else drives', () => {
  it('is watched from its beginning to its pause, and refuses what is too late', async () => {
    const applying = cluster.start(plan);
    await untilSaid(applying, 'label-shop started', 60_000);
    const watching = cluster.start(['watch']);
    expect(await meshliftOk(cluster, 'skip', 'shop/report')).toMatch(
      /^shop\/report is left out of \S+; it stays on default, which cannot be/,
    );
    await untilSaid(applying, 'restart-shop-deploy-api done', 120_000);
    const late = await meshlift(cluster, 'skip', 'shop/api');
    expect([late.code, late.stderr]).toEqual([3, expect.stringMatching(/RUN-005[^]*shop\/api has moved already\./)]);
    const unknown = await meshlift(cluster, 'skip', 'shop/nobody');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/MESH-004[^]*does not restart a workload shop\/nobody/)]);
    await meshliftOk(cluster, 'pause');
    const [applied, watched] = [await applying.done, await watching.done];
    expect([applied.code, watched.code]).toEqual([3, 3]);
    expect(withoutInstants(watched.stdout)).toEqual(withoutInstants(applied.stdout));
    expect(watched.stdout).toMatch(/\n\S+ is paused\.\nNext: meshlift resume \S+, or meshlift rollback/);
  });

  it('goes on without the workload that is left out', async () => {
    const resuming = cluster.start(['resume']);
    await untilSaid(resuming, 'resumed by', 60_000);
    const watching = cluster.start(['watch']);
    const [resumed, watched] = [await resuming.done, await watching.done];
    expect([resumed.code, watched.code]).toEqual([0, 0]);
    expect(resumed.stdout).toMatch(/restart-shop-deploy-report skipped: left out by meshlift skip/);
    expect(watched.stdout).toMatch(/has moved every workload after \S+\.\nNext: meshlift finish/);
    const on = new Map<string, Set<string | undefined>>();
    for (const pod of await podsOf(cluster, 'shop')) {
      const app = pod.metadata.labels?.['app'] ?? '';
      on.set(app, (on.get(app) ?? new Set()).add(revisionOf(pod)));
    }
    expect(on.get('report')).toEqual(new Set(['default']));
    expect(on.get('web')).toEqual(new Set(['canary']));
  });

  it('is not finished while the workload is there, and is taken back with the rest', async () => {
    const finishing = await meshlift(cluster, 'finish', '--yes');
    expect(finishing.code).not.toBe(0);
    expect(finishing.stdout + finishing.stderr).toContain('shop/report');
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(new Set((await podsOf(cluster, 'shop')).map(revisionOf))).toEqual(new Set(['default']));
    expect((await meshlift(cluster, 'watch')).code).toBe(4);
  });

  it('that does not exist is not watched', async () => {
    const watching = await meshlift(cluster, 'watch', 'none');
    expect([watching.code, watching.stderr]).toEqual([2, expect.stringMatching(/RUN-003[^]*There is no run none\./)]);
  });
});
