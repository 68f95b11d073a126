/**
 * Istio's own manifests in the sandbox: what the real istioctls and the charts render is applied there, and the real istioctl
 * installs into it. It starts a cluster of its own; the one that other tests are given is not touched.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { run, start } from '../kit/child-process.ts';
import { podsOf, revisionOf, type Meta, type PodJson } from '../scenarios/cluster-under-test.ts';
import { renderedManifests } from '../scenarios/rendered-manifests.ts';
import { namespaceYaml } from '../scenarios/shop.ts';
import { istioctlNew, istioctlOld, kubectl, kubectlJson, meshliftOk, NEW_VERSION, OLD_VERSION, scratch } from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

/** How much faster than the machine's clock the time of the sandbox passes; Meshlift is told of it. */
const SPEED = 10;
const { objects } = realCluster;

let sandbox: Sandbox;

/** All programs that are started from here on meet the sandbox. */
beforeAll(async () => {
  sandbox = await startSandbox({ scenario: 'empty', time: { kind: 'real', factor: SPEED } });
  const kubeconfig = join(scratch, 'sandbox.kubeconfig');
  writeFileSync(kubeconfig, sandbox.kubeconfig, { mode: 0o600 });
  process.env['KUBECONFIG'] = kubeconfig;
  process.env['MESHLIFT_SANDBOX_SPEED'] = String(SPEED);
});
afterAll(() => sandbox.stop());

/** A shop whose containers the sandbox knows. */
async function openShop(namespace: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const workloads = ['web', 'api'].map((app) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          containers: [
            {
              name: 'app',
              image: 'docker.io/istio/examples-bookinfo-details-v1:1.20.3',
              ports: [{ containerPort: 9080 }],
              readinessProbe: { httpGet: { path: '/', port: 9080 }, periodSeconds: 1 },
              lifecycle: { preStop: { sleep: { seconds: 3 } } },
            },
          ],
        },
      },
    },
  }));
  await objects.applyWhole(namespaceYaml(namespace, labels) + workloads.map((one) => JSON.stringify(one)).join('\n---\n'));
  for (const name of ['web', 'api']) await objects.rolledOut('deployment', { namespace, name });
}

/** Which revision injects a pod, and the tag of its proxy's image. */
function proxyOf({ metadata, spec }: PodJson): unknown {
  const proxy = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === 'istio-proxy');
  return [metadata.annotations?.['istio.io/rev'], proxy?.image.split(':').at(-1)];
}

async function revisionsOfPods(namespace: string): Promise<unknown> {
  return [...new Set((await podsOf(realCluster, namespace)).map(revisionOf))];
}

describe('istioctl install in the sandbox', () => {
  const planFile = join(scratch, 'sandbox-plan.yaml');
  const setting = 'values.pilot.env.PILOT_ENABLE_EXAMPLE=true';

  beforeAll(async () => {
    await installOld();
    await openShop('shop', { 'istio-injection': 'enabled' });
  });
  afterAll(cleanCluster);

  it('makes an unrevisioned control plane that istioctl knows again', async () => {
    expect(await revisionsOfPods('shop')).toEqual(['default']);
    expect(proxyOf(await objects.dryRunPod('shop'))).toEqual(['default', OLD_VERSION]);
    const version = JSON.parse(await run(istioctlOld(), ['version', '-o', 'json'])) as {
      readonly meshVersion: readonly { readonly Info: { readonly version: string } }[];
      readonly dataPlaneVersion: readonly { readonly IstioVersion: string }[];
    };
    expect(version.meshVersion.map(({ Info }) => Info.version)).toEqual([OLD_VERSION]);
    expect(version.dataPlaneVersion.map(({ IstioVersion }) => IstioVersion)).toEqual([OLD_VERSION, OLD_VERSION, OLD_VERSION, OLD_VERSION]);
    expect(await run(istioctlOld(), ['tag', 'list'])).toMatch(/^default\s+default/m);
    expect((await start(istioctlNew(), ['x', 'precheck']).done).stderr).toContain('No issues found');
    expect((await start(istioctlOld(), ['analyze', '-n', 'shop']).done).stderr).toContain('No validation issues found');
  });

  it('is what Meshlift plans with, with a setting beside the file', async () => {
    const words = ['--to', NEW_VERSION, '--revision', 'canary', '--istioctl', istioctlNew(), '-f', operatorFile, '--set', setting];
    const text = await meshliftOk('plan', ...words, '-o', planFile);
    expect(text).toContain(`install canary (${NEW_VERSION}) with istioctl`);
    expect(text).toContain('values.pilot.env.PILOT_ENABLE_EXAMPLE: unset → true');
    expect(text).toContain('istio-injection: enabled → none, istio.io/rev: none → canary');
  });

  it('is what Meshlift installs with; the shop moves and the old control plane goes', async () => {
    const text = await meshliftOk('apply', planFile, '--yes', '--finish');
    expect(text).toContain('✔ Istiod installed');
    expect(text).toContain(`Upgraded to canary (${NEW_VERSION})`);
    expect(text).toContain(`default (${OLD_VERSION}) is removed`);
    expect(await revisionsOfPods('shop')).toEqual(['canary']);
    const { items } = await kubectlJson<{ items: { metadata: Meta }[] }>('get', 'deployments,services', '-n', 'istio-system');
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['istiod-canary', 'istiod-canary', 'istiod-revision-tag-default']);
    const env = await kubectl('-n', 'istio-system', 'get', 'deployment', 'istiod-canary', '-o', 'jsonpath={..env[*].name}');
    expect(env.split(' ')).toContain('PILOT_ENABLE_EXAMPLE');
    expect(await run(istioctlNew(), ['version'])).toMatch(new RegExp(`^control plane version: ${NEW_VERSION}$`, 'm'));
  });

  it('leaves a default that the new control plane injects and validates', async () => {
    await objects.applyWhole(namespaceYaml('newcomer', { 'istio-injection': 'enabled' }));
    expect(proxyOf(await objects.dryRunPod('newcomer'))).toEqual(['canary', NEW_VERSION]);
    const bad = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: bad, namespace: newcomer}\nspec: {hosts: []}\n`;
    await expect(run('kubectl', ['apply', '--dry-run=server', '-f', '-'], { input: bad })).rejects.toThrow(/validation\.istio\.io|hosts/);
  });

  it('is undone by istioctl uninstall', async () => {
    await run(istioctlNew(), ['uninstall', '--purge', '-y']);
    const kinds = 'deployments,services,configmaps,mutatingwebhookconfigurations,validatingwebhookconfigurations';
    const left = await kubectl('get', kinds, '-A', '-l', 'app=istiod', '-o', 'name');
    expect(left).toBe('');
  });
});

describe('what istioctl manifest generate renders, in the sandbox', () => {
  renderedManifests(realCluster);
});

const charts = [OLD_VERSION, NEW_VERSION].flatMap((version) => {
  const folder = process.env[`ISTIO_CHARTS_${version.replaceAll('.', '_')}`];
  return folder === undefined ? [] : [{ version, folder, revision: `charts-${version.replaceAll('.', '-')}` }];
});

describe.skipIf(charts.length === 0)('charts in the sandbox', () => {
  beforeAll(() => objects.applyWhole(namespaceYaml('istio-system', {})));

  it.each(charts)('of $version: what helm renders gets ready and injects', async ({ version, folder, revision }) => {
    const words = ['-n', 'istio-system', '--set', 'autoscaleEnabled=false'];
    const base = await run('helm', ['template', 'istio-base', join(folder, 'base'), ...words]);
    const istiod = await run('helm', [
      'template',
      `istiod-${revision}`,
      join(folder, 'istio-control/istio-discovery'),
      ...words,
      '--set',
      `revision=${revision}`,
    ]);
    await objects.applyWhole(base);
    await objects.applyWhole(istiod);
    await objects.rolledOut('deployment', { namespace: 'istio-system', name: `istiod-${revision}` });
    await openShop(revision, { 'istio.io/rev': revision });
    expect(await revisionsOfPods(revision)).toEqual([revision]);
    expect(proxyOf(await objects.dryRunPod(revision))).toEqual([revision, version]);
  });

  it('are installed by helm itself, which waits for istiod', async () => {
    const [newest] = charts.toReversed();
    const chart = join(newest?.folder ?? '', 'istio-control/istio-discovery');
    const words = ['-n', 'istio-system', '--set', 'revision=helmed', '--set', 'autoscaleEnabled=false', '--wait', '--timeout', '60s'];
    expect(await run('helm', ['install', 'istiod-helmed', chart, ...words])).toContain('STATUS: deployed');
    await run('helm', ['upgrade', 'istiod-helmed', chart, ...words, '--set', 'env.PILOT_ENABLE_EXAMPLE=true']);
    expect(await run('helm', ['list', '-A', '-o', 'json'])).toContain('"revision":"2"');
    await run('helm', ['uninstall', 'istiod-helmed', '-n', 'istio-system', '--wait', '--timeout', '60s']);
    expect(await kubectl('-n', 'istio-system', 'get', 'deployments', '-l', 'istio.io/rev=helmed', '-o', 'name')).toBe('');
  });
});
