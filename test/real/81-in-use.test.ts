/** What keeps a revision, on a real cluster; and a Gateway for which a real istiod makes pods, until what is said ends it. */
import { expect, it } from 'vitest';
import { run, until } from '../kit/child-process.ts';
import { inUse, whatKeepsARevision } from '../scenarios/in-use.ts';
import { namespaceYaml } from '../scenarios/shop.ts';
import { realCluster } from './kit/real-cluster.ts';

whatKeepsARevision(realCluster);

it('a Gateway that istiod serves is told with its pods, and what is said of it frees the revision', async () => {
  const gateway = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: {
      name: 'edge',
      namespace: 'edge',
      labels: { 'istio.io/rev': 'stable' },
      annotations: { 'networking.istio.io/service-type': 'ClusterIP' },
    },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  };
  await realCluster.objects.applyWhole(namespaceYaml('edge', {}));
  await realCluster.objects.applyWhole(JSON.stringify(gateway));
  const kinds = async (): Promise<string> => (await inUse(realCluster, 'stable')).uses.map((use) => use.kind).join();
  await until('its pod is connected', async () => (await kinds()) === 'connection,template,gateway', 60_000);
  const { uses } = await inUse(realCluster, 'stable');
  expect(uses.at(-1)).toMatchObject({ object: 'edge/edge', detail: 'its label istio.io/rev=stable' });
  const waysOut = new Set(uses.map((use) => use.toFree.split(';')[0] ?? ''));
  expect([...waysOut]).toEqual(['kubectl -n edge label gateways.gateway.networking.k8s.io edge istio.io/rev=canary --overwrite']);
  await run('sh', ['-c', [...waysOut].join()]);
  await until('nothing uses the old revision', async () => (await inUse(realCluster, 'stable')).verdict === 'unused', 90_000);
  expect((await inUse(realCluster, 'canary')).uses.map((use) => use.kind)).toEqual([
    'connection',
    'template',
    'gateway',
    'namespace',
    'default',
  ]);
});
