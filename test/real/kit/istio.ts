/** Istio on the cluster of the tests, installed by its own istioctl. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, until } from '../../kit/child-process.ts';
import type { Meta } from '../../scenarios/cluster-under-test.ts';
import { istioctlNew, istioctlOld, kubectl, kubectlJson, scratch } from './cluster.ts';

/** Small requests, so that two control planes fit a small machine. */
export const operatorFile = join(scratch, 'operator.yaml');
writeFileSync(
  operatorFile,
  `apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  profile: minimal
  values:
    pilot:
      autoscaleEnabled: false
      resources: {requests: {cpu: 50m, memory: 128Mi}}
    global:
      proxy:
        resources: {requests: {cpu: 10m, memory: 48Mi}}
`,
);

export async function installOld(...settings: string[]): Promise<void> {
  await run(istioctlOld(), ['install', '-y', '-f', operatorFile, ...settings.flatMap((setting) => ['--set', setting])]);
}

export async function renderOld(file: string, revision: string): Promise<void> {
  writeFileSync(file, await run(istioctlOld(), ['manifest', 'generate', '-f', operatorFile, '--set', `revision=${revision}`]));
}

export async function renderNew(file: string, revision: string): Promise<void> {
  writeFileSync(file, await run(istioctlNew(), ['manifest', 'generate', '-f', operatorFile, '--set', `revision=${revision}`]));
}

const TEST_LABEL = 'meshlift-test=true';

/** Removes everything that an earlier test left: its namespaces, Istio of every revision, and what Meshlift recorded. */
export async function cleanCluster(): Promise<void> {
  await kubectl('delete', 'namespace', '-l', TEST_LABEL, '--ignore-not-found', '--wait=false');
  await kubectl('delete', 'meshupgrades', '-A', '--all', '--ignore-not-found').catch(() => '');
  const webhooks = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
  for (const kind of webhooks) {
    const list = await kubectlJson<{ items: { metadata: Meta }[] }>('get', kind);
    const names = list.items.map((item) => item.metadata.name).filter((name) => name.startsWith('istio'));
    if (names.length > 0) await kubectl('delete', kind, ...names, '--ignore-not-found');
  }
  await kubectl('delete', 'namespace', 'istio-system', '--ignore-not-found', '--wait=false');
  for (const kind of ['clusterrolebindings', 'clusterroles']) {
    const list = await kubectlJson<{ items: { metadata: Meta }[] }>('get', kind);
    const names = list.items.map((item) => item.metadata.name).filter((name) => name.startsWith('istio'));
    if (names.length > 0) await kubectl('delete', kind, ...names, '--ignore-not-found');
  }
  const crds = await kubectlJson<{ items: { metadata: Meta }[] }>('get', 'crds');
  const names = crds.items.map((item) => item.metadata.name).filter((name) => name.endsWith('.istio.io') || name.endsWith('.meshlift.io'));
  if (names.length > 0) await kubectl('delete', 'crd', ...names, '--ignore-not-found', '--timeout=60s');
  await until(
    'the namespaces of an earlier test are gone',
    async () => {
      const list = await kubectlJson<{ items: { metadata: Meta }[] }>('get', 'namespaces');
      return !list.items.some((ns) => ns.metadata.name === 'istio-system' || ns.metadata.labels?.['meshlift-test'] === 'true');
    },
    120_000,
  );
}
