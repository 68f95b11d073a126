/** The scenario of the real cluster, in a sandbox; and the filter of its Bookinfo. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { meshliftOk, type Meta } from '../scenarios/cluster-under-test.ts';
import { pinnedObjects } from '../scenarios/pinned.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
pinnedObjects(new SandboxCluster({ speed: 10 }));

describe('the Bookinfo of the sandbox', () => {
  const cluster = new SandboxCluster({ speed: 10, scenario: 'bookinfo' });
  const filters = async (): Promise<string[]> =>
    (await cluster.objects.list<{ metadata: Meta }>(['envoyfilters'], { namespace: 'bookinfo' }))
      .map(({ metadata }) => metadata.name)
      .toSorted();
  let upgrade: string[];

  beforeAll(async () => {
    await cluster.prepare();
    upgrade = ['--to', cluster.newVersion, ...(await cluster.istio.source('1-29-1'))];
  });
  afterAll(() => cluster.cleanUp());

  it('has a filter of old proxies: one is made for new ones', async () => {
    const plan = await meshliftOk(cluster, 'plan', ...upgrade);
    expect(plan).toContain(String.raw`EnvoyFilter bookinfo/reviews-buffer → reviews-buffer-1-29-1, proxyVersion ^1\.28.* → ^1\.29.*`);
    await meshliftOk(cluster, 'apply', ...upgrade, '--skip', 'reports/archive', '--yes');
    expect(await filters()).toEqual(['reviews-buffer', 'reviews-buffer-1-29-1']);
    await meshliftOk(cluster, 'rollback', '--yes');
    expect(await filters()).toEqual(['reviews-buffer']);
  });

  it('does without when it is told to', async () => {
    expect(await meshliftOk(cluster, 'plan', ...upgrade, '--skip-pinned', 'EnvoyFilter/bookinfo/reviews-buffer')).not.toContain(
      'reviews-buffer',
    );
  });
});
