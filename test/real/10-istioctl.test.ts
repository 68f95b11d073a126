/**
 * An unrevisioned 1.28.2 by istioctl; 1.29.1 beside it as canary; a namespace of six workloads moves over, one at a time;
 * the old control plane goes; the shop serves on.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../kit/child-process.ts';
import { podsOf, revisionOf, type Meta } from '../scenarios/cluster-under-test.ts';
import { namespaceYaml, openShop, SHOP } from '../scenarios/shop.ts';
import { istioctlNew, istioctlOld, kubectl, kubectlJson, meshlift, meshliftOk, NEW_VERSION, OLD_VERSION, scratch } from './kit/cluster.ts';
import { compareProxies, compareStatus } from './kit/compare.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { ask } from './kit/load.ts';
import { realCluster } from './kit/real-cluster.ts';
import { ControlPlaneWatch } from './kit/watch-connections.ts';

const planFile = join(scratch, 'istioctl-plan.yaml');
const install = (): string[] => ['--istioctl', istioctlNew(), '-f', operatorFile];

beforeAll(async () => {
  await cleanCluster();
  await installOld();
  await openShop(realCluster, 'shop', { 'istio-injection': 'enabled' });
});
afterAll(cleanCluster);

describe('an unrevisioned control plane installed by istioctl', () => {
  it('is read as kubectl and istioctl read it', async () => {
    await compareStatus();
    await compareProxies([{ istioctl: istioctlOld(), revision: 'default' }]);
  });

  it('is checked and planned without a change to the cluster', async () => {
    const before = await webhooksAndLabels();
    expect((await meshlift('check', '--to', NEW_VERSION, '--revision', 'canary')).code).toBe(0);
    const text = await meshliftOk('plan', '--to', NEW_VERSION, '--revision', 'canary', ...install(), '-o', planFile);
    for (const app of SHOP) expect(text).toContain(`/${app.name} in shop`);
    expect(text).toContain('istio-injection: enabled → none, istio.io/rev: none → canary');
    expect(await webhooksAndLabels()).toEqual(before);
  });

  it('gets a second one beside it, and every workload moves over', async () => {
    const watch = await ControlPlaneWatch.start();
    const output = await meshliftOk('apply', planFile, '--yes');
    const changes = await watch.stop();
    expect(changes.proxiesSeen).toBeGreaterThan(10);
    expect(changes.moved).toEqual([]);
    expect(output).toContain('Moved 6 workloads to canary');
    const list = await kubectlJson<{ items: { metadata: Meta }[] }>(
      '-n',
      'istio-system',
      'get',
      'deployments,services',
      '-l',
      'app=istiod',
    );
    expect(list.items.map((item) => item.metadata.name).toSorted()).toEqual([
      'istiod',
      'istiod',
      'istiod-canary',
      'istiod-canary',
      'istiod-revision-tag-default',
    ]);
    const injectors = await kubectl('get', 'mutatingwebhookconfigurations', '-l', 'app=sidecar-injector,!istio.io/tag', '-o', 'name');
    expect(
      injectors
        .trim()
        .split('\n')
        .map((name) => name.split('/')[1])
        .toSorted(),
    ).toEqual(['istio-sidecar-injector', 'istio-sidecar-injector-canary']);
    const pods = await podsOf(realCluster, 'shop');
    expect(new Set(pods.map(revisionOf))).toEqual(new Set(['canary']));
    await compareStatus();
    await compareProxies([
      { istioctl: istioctlOld(), revision: 'default' },
      { istioctl: istioctlNew(), revision: 'canary' },
    ]);
  });

  it('is not touched by a second apply of the same plan', async () => {
    const again = await meshlift('apply', planFile, '--yes');
    expect(again.code).toBe(3);
    expect(again.stderr).toContain('RUN-005');
    expect(again.stderr).toContain('meshlift finish');
  });

  it('is removed once nothing uses it: what its own options rendered is gone, what is shared stays', async () => {
    const rendered = await run(istioctlOld(), ['manifest', 'generate', '-f', operatorFile]);
    const output = await meshliftOk('finish', '--yes');
    expect(output).toContain(`default (${OLD_VERSION}) is removed`);
    const left = await leftOf(rendered);
    expect(left.filter((name) => !name.startsWith('CustomResourceDefinition/'))).toEqual(['ServiceAccount/istio-reader-service-account']);
    expect(left.filter((name) => name.startsWith('CustomResourceDefinition/'))).toHaveLength(14);
    expect((await meshlift('in-use', 'default')).stderr).toContain('MESH-002');
  });

  it('leaves a mesh that serves, injects by default and validates', async () => {
    const [web] = (await podsOf(realCluster, 'shop')).filter((pod) => pod.metadata.labels?.['app'] === 'web');
    expect(await ask('shop', web?.metadata.name ?? '', 'http://web:9080/')).toBe(200);
    await run('kubectl', ['apply', '-f', '-'], { input: namespaceYaml('newcomer', { 'istio-injection': 'enabled' }) });
    const pod = JSON.parse(
      await kubectl('-n', 'newcomer', 'run', 'probe', '--image=none.invalid/none', '--dry-run=server', '-o', 'json'),
    ) as { metadata: Meta };
    expect(pod.metadata.annotations?.['istio.io/rev']).toBe('canary');
    const bad = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: bad, namespace: newcomer}\nspec: {hosts: []}\n`;
    await expect(run('kubectl', ['apply', '--dry-run=server', '-f', '-'], { input: bad })).rejects.toThrow(/validation\.istio\.io|hosts/);
  });

  it('leaves no trace of Meshlift after forget --everything, except the mark in pod templates', async () => {
    await meshliftOk('forget', '--everything', '--yes');
    const names = await kubectl('get', 'crd,configmap,secret,lease', '-A', '-o', 'name');
    expect(names.split('\n').filter((name) => name.includes('meshlift'))).toEqual([]);
  });
});

async function webhooksAndLabels(): Promise<unknown> {
  const webhooks = await kubectlJson<{ items: { metadata: Meta & { resourceVersion: string } }[] }>(
    'get',
    'mutatingwebhookconfigurations,validatingwebhookconfigurations,crds,namespaces',
  );
  return webhooks.items.map((item) => [item.metadata.name, item.metadata.resourceVersion]);
}

/** Which objects of a rendered installation are still in the cluster, as `Kind/name`. */
async function leftOf(rendered: string): Promise<string[]> {
  const found = await run('kubectl', ['get', '--ignore-not-found', '-o', 'json', '-f', '-'], { input: rendered });
  if (found.trim() === '') return [];
  const parsed = JSON.parse(found) as { items?: { kind: string; metadata: Meta }[] };
  return (parsed.items ?? [parsed as unknown as { kind: string; metadata: Meta }])
    .map((item) => `${item.kind}/${item.metadata.name}`)
    .toSorted();
}
