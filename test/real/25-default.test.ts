/**
 * The default revision: an unrevisioned control plane that serves it without a tag, as helm and rendered manifests leave
 * it. istioctl would hijack the default; Meshlift refuses that, and moves it only when the old control plane goes.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { run, until } from '../kit/child-process.ts';
import type { Meta } from '../scenarios/cluster-under-test.ts';
import { namespaceYaml } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import { applyYaml, istioctlNew, kubectl, kubectlJson, meshlift, meshliftOk, NEW_VERSION, scratch } from './kit/cluster.ts';
import { cleanCluster, operatorFile, renderNew, renderOld } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

const oldFile = join(scratch, 'unrevisioned.yaml');
const newFile = join(scratch, 'canary.yaml');
let before: Record<string, unknown>;

beforeAll(async () => {
  await cleanCluster();
  await Promise.all([renderOld(oldFile, ''), renderNew(newFile, 'canary')]);
  await kubectl('create', 'namespace', 'istio-system');
  await run('kubectl', ['apply', '--server-side', '-f', oldFile]);
  await kubectl('-n', 'istio-system', 'rollout', 'status', 'deployment/istiod', '--timeout=120s');
  await applyYaml(namespaceYaml('probe', { 'istio-injection': 'enabled' }));
});
afterAll(cleanCluster);

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service?: { readonly name: string; readonly path?: string } };
  readonly namespaceSelector?: unknown;
  readonly objectSelector?: unknown;
}

interface Configuration {
  readonly kind: string;
  readonly metadata: Meta;
  readonly webhooks?: readonly Webhook[];
}

function shape({ kind, metadata, webhooks = [] }: Configuration): unknown {
  return {
    kind,
    name: metadata.name,
    revision: metadata.labels?.['istio.io/rev'],
    tag: metadata.labels?.['istio.io/tag'],
    webhooks: webhooks.map((w) => ({
      name: w.name,
      service: w.clientConfig.service?.name,
      path: w.clientConfig.service?.path,
      object: w.objectSelector,
      namespace: w.namespaceSelector ?? {},
    })),
  };
}

async function whoInjects(): Promise<string> {
  const pod = JSON.parse(await kubectl('-n', 'probe', 'run', 'probe', '--image=none.invalid/none', '--dry-run=server', '-o', 'json')) as {
    metadata: Meta;
  };
  return pod.metadata.annotations?.['istio.io/rev'] ?? 'nobody';
}

/** What the validators of a revision do when their istiod does not answer. */
async function policiesOf(revision: string): Promise<(string | undefined)[]> {
  const { items } = await kubectlJson<{ items: { webhooks?: { failurePolicy?: string }[] }[] }>(
    'get',
    'validatingwebhookconfigurations',
    '-l',
    `istio.io/rev=${revision}`,
  );
  return items.flatMap(({ webhooks = [] }) => webhooks.map(({ failurePolicy }) => failurePolicy));
}

describe('a default without a tag', () => {
  it('is not handed to a new revision by installing it with istioctl', async () => {
    const refused = await meshlift(
      'install',
      '--revision',
      'canary',
      '--version',
      NEW_VERSION,
      '--istioctl',
      istioctlNew(),
      '-f',
      operatorFile,
      '--yes',
    );
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('CTRL-006');
    expect(refused.stdout).toContain('istioctl tag set default --revision default');
  });

  it('stays where it is when the new revision comes from manifests', async () => {
    await meshliftOk('install', '--revision', 'canary', '--version', NEW_VERSION, '--manifests', newFile, '--yes');
    expect(await whoInjects()).toBe('default');
    // The new istiod lets its validator refuse once it has seen that it does.
    await until('the validator of canary refuses', async () => (await policiesOf('canary')).every((policy) => policy === 'Fail'), 60_000);
    before = await snapshot(realCluster, ['probe']);
  });

  it('is what a removal waits for', async () => {
    const refused = await meshlift('uninstall', '--revision', 'default', '--yes');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('RUN-030');
    expect(refused.stderr).toContain('namespace probe: istio-injection=enabled resolves to it');
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(realCluster, ['probe'])).toEqual(before);
  });

  it('moves before the old control plane goes, and is what istioctl tag set would have written', async () => {
    await kubectl('label', 'namespace', 'probe', 'istio-injection-', 'istio.io/rev=canary');
    expect(await meshliftOk('uninstall', '--revision', 'default', '--yes')).toContain('default (1.28.2) is removed');
    const generated = parseAllDocuments(
      await run(istioctlNew(), ['tag', 'generate', 'default', '--revision', 'canary', '--overwrite']),
    ).map((d) => d.toJS() as Configuration);
    const { items } = await kubectlJson<{ items: Configuration[] }>(
      'get',
      'mutatingwebhookconfigurations,validatingwebhookconfigurations',
      '-l',
      'istio.io/tag=default',
    );
    const wanted = generated.filter((object) => object?.kind.endsWith('WebhookConfiguration')).map(shape);
    expect(items.map(shape)).toEqual(wanted.map((object) => expect.objectContaining(object as object) as unknown));
    await kubectl('label', 'namespace', 'probe', 'istio-injection=enabled', 'istio.io/rev-');
    expect(await whoInjects()).toBe('canary');
  });

  it('comes back with the old control plane', async () => {
    await meshliftOk('rollback', '--yes');
    expect(await whoInjects()).toBe('default');
    expect(await snapshot(realCluster, ['probe'])).toEqual(before);
  });
});
