/**
 * Tags on a real cluster: what Meshlift writes is what the real istioctls of both versions write, each goes on from what the
 * other left, the default moves while configuration is written all the time, and a plan moves tags there and back.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { run } from '../kit/child-process.ts';
import type { Meta } from '../scenarios/cluster-under-test.ts';
import { namespaceYaml } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import {
  applyYaml,
  istioctlNew,
  istioctlOld,
  kubectl,
  kubectlJson,
  meshlift,
  meshliftOk,
  NEW_VERSION,
  OLD_VERSION,
  scratch,
} from './kit/cluster.ts';
import { watchObject, writeConfiguration } from './kit/config-writes.ts';
import { chartsOf, helm } from './kit/guide-mesh.ts';
import { cleanCluster, installOld, operatorFile, renderNew, renderOld } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

const OLD = 'old';
const NEW = 'new';

afterAll(cleanCluster);

type Tool = 'old istioctl' | 'new istioctl' | 'meshlift';

async function tag(tool: Tool, ...args: string[]): Promise<string> {
  if (tool === 'meshlift') return meshliftOk('tag', ...args, ...(args[0] === 'generate' ? [] : ['--yes']));
  const istioctl = tool === 'old istioctl' ? istioctlOld() : istioctlNew();
  return run(istioctl, ['tag', ...args, ...(args[0] === 'generate' ? ['--overwrite'] : ['-y'])]);
}

interface Item {
  readonly kind: string;
  readonly metadata: Meta & { readonly annotations?: Record<string, string> };
  readonly spec?: Record<string, unknown>;
  readonly webhooks?: readonly (Record<string, unknown> & { readonly name: string })[];
}

const KINDS = 'mutatingwebhookconfigurations,validatingwebhookconfigurations,services';

/**
 * What a cluster shows of a tag, and of the unrevisioned webhooks that a default switches off. Left out: the server's own books,
 * addresses of Services, and the failure policy of validators, which istiod raises when it pleases.
 */
async function tagObjects(name: string): Promise<unknown> {
  const tagged = await kubectlJson<{ items: Item[] }>('get', KINDS, '-A', '-l', `istio.io/tag=${name}`);
  const own = await kubectlJson<{ items: Item[] }>('get', 'mutatingwebhookconfigurations', '-l', 'istio.io/rev=default,!istio.io/tag');
  return [...tagged.items, ...own.items].map(plain).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function plain({ kind, metadata, spec, webhooks }: Item): { readonly name: string } & Record<string, unknown> {
  const { clusterIP: _ip, clusterIPs: _ips, ...rest } = spec ?? {};
  return {
    name: `${kind}/${metadata.name}`,
    labels: metadata.labels,
    annotations: metadata.annotations,
    spec: rest,
    webhooks: webhooks?.map(({ failurePolicy, ...webhook }) => (kind.startsWith('Validating') ? webhook : { ...webhook, failurePolicy })),
  };
}

async function withoutTag(name: string): Promise<void> {
  await kubectl('delete', KINDS.replace(',services', ''), '-l', `istio.io/tag=${name}`, '--ignore-not-found');
  await kubectl('-n', 'istio-system', 'delete', 'services', '-l', `istio.io/tag=${name}`, '--ignore-not-found');
}

/** Printed objects with what istioctl prints of fields that are not set taken out. */
function printed(yaml: string): unknown {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as (Item & { status?: unknown }) | null)
    .filter((object) => object !== null)
    .map(({ status: _status, ...object }) => JSON.parse(JSON.stringify(object).replaceAll(',"targetPort":0', '')) as unknown);
}

type Steps = readonly (readonly [Tool, ...args: string[]])[];

/** Both ways begin without the tag. */
async function resultOf(name: string, steps: Steps): Promise<unknown> {
  await withoutTag(name);
  for (const [tool, ...args] of steps) await tag(tool, ...args);
  return tagObjects(name);
}

const set = (tool: Tool, name: string, revision: string, ...more: string[]): readonly [Tool, ...string[]] => [
  tool,
  'set',
  name,
  '--revision',
  revision,
  '--overwrite',
  ...more,
];

describe('beside each other, revisions of both versions', () => {
  beforeAll(async () => {
    await cleanCluster();
    await installOld(`revision=${OLD}`);
    await run(istioctlNew(), ['install', '-y', '-f', operatorFile, '--set', `revision=${NEW}`]);
    await applyYaml(namespaceYaml('probe', { 'istio.io/rev': 'prod' }));
  });

  it.each<[Tool, ...string[]]>([
    ['old istioctl', 'prod', OLD],
    ['old istioctl', 'default', OLD],
    ['old istioctl', 'default', OLD, '--auto-inject-namespaces'],
    ['new istioctl', 'prod', NEW],
    ['new istioctl', 'default', NEW],
    ['new istioctl', 'default', NEW, '--auto-inject-namespaces'],
    ['new istioctl', 'prod', OLD],
  ])('generate prints what %s prints: %s %s %s', async (tool, name, revision, ...more) => {
    const args = ['generate', name as string, '--revision', revision as string, ...more.filter((text) => text !== undefined)];
    expect(printed(await tag('meshlift', ...args))).toEqual(printed(await tag(tool, ...args)));
  });

  it.each<[string, string, Steps, Steps]>([
    ['a new tag, old', 'prod', [set('old istioctl', 'prod', OLD)], [set('meshlift', 'prod', OLD)]],
    ['a new tag, new', 'prod', [set('new istioctl', 'prod', NEW)], [set('meshlift', 'prod', NEW)]],
    [
      'a tag that moves on',
      'prod',
      [set('old istioctl', 'prod', OLD), set('new istioctl', 'prod', NEW)],
      [set('meshlift', 'prod', OLD), set('meshlift', 'prod', NEW)],
    ],
    [
      'a tag that moves back',
      'prod',
      [set('new istioctl', 'prod', NEW), set('old istioctl', 'prod', OLD)],
      [set('meshlift', 'prod', NEW), set('meshlift', 'prod', OLD)],
    ],
    [
      'a tag of istioctl that Meshlift moves on',
      'prod',
      [set('old istioctl', 'prod', OLD), set('new istioctl', 'prod', NEW)],
      [set('old istioctl', 'prod', OLD), set('meshlift', 'prod', NEW)],
    ],
    [
      'a tag of Meshlift that istioctl moves on',
      'prod',
      [set('old istioctl', 'prod', OLD), set('new istioctl', 'prod', NEW)],
      [set('meshlift', 'prod', OLD), set('new istioctl', 'prod', NEW)],
    ],
    ['a tag of Meshlift that istioctl removes', 'prod', [], [set('meshlift', 'prod', OLD), ['new istioctl', 'remove', 'prod']]],
    ['a new default, old', 'default', [set('old istioctl', 'default', OLD)], [set('meshlift', 'default', OLD)]],
    ['a new default, new', 'default', [set('new istioctl', 'default', NEW)], [set('meshlift', 'default', NEW)]],
    [
      'a default that moves on',
      'default',
      [set('old istioctl', 'default', OLD), set('new istioctl', 'default', NEW)],
      [set('meshlift', 'default', OLD), set('meshlift', 'default', NEW)],
    ],
    [
      'a default that moves back',
      'default',
      [set('new istioctl', 'default', NEW), set('old istioctl', 'default', OLD)],
      [set('meshlift', 'default', NEW), set('meshlift', 'default', OLD)],
    ],
    [
      'a default with automatic injection',
      'default',
      [set('new istioctl', 'default', NEW, '--auto-inject-namespaces')],
      [set('meshlift', 'default', NEW, '--auto-inject-namespaces')],
    ],
    [
      'a default of Meshlift that istioctl moves on',
      'default',
      [set('old istioctl', 'default', OLD), set('new istioctl', 'default', NEW)],
      [set('meshlift', 'default', OLD), set('new istioctl', 'default', NEW)],
    ],
  ])('%s is what istioctl leaves', async (_title, name, theirs, ours) => {
    const wanted = await resultOf(name, theirs);
    expect(await resultOf(name, ours)).toEqual(wanted);
  });

  it('the default moves there and back while configuration is written all the time, and no write fails', async () => {
    await resultOf('default', [set('meshlift', 'default', OLD)]);
    await validatorIsStrict();
    const writes = await writeConfiguration('probe');
    for (const revision of [NEW, OLD, NEW, OLD]) {
      await tag(...set('meshlift', 'default', revision));
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    const { written, failures } = await writes.stop();
    expect(failures).toEqual([]);
    expect(written).toBeGreaterThan(60);
  });

  it('list tells where tags point and who follows them; a used one is not removed', async () => {
    await resultOf('prod', [set('meshlift', 'prod', OLD)]);
    const tags = JSON.parse(await meshliftOk('tag', 'list', '-o', 'json')) as { tag: string; revision: string; namespaces: string[] }[];
    expect(tags.map(({ tag: name, revision, namespaces }) => [name, revision, namespaces])).toEqual([
      ['default', OLD, []],
      ['prod', OLD, ['probe']],
    ]);
    const refused = await meshlift('tag', 'remove', 'prod', '--yes');
    expect([refused.code, refused.stderr.includes('TAGS-008'), refused.stderr.includes('namespace probe')]).toEqual([3, true, true]);
  });

  it('a plan moves tag and default and removes the old control plane while configuration is written; then everything comes back', async () => {
    await resultOf('default', [set('old istioctl', 'default', OLD)]);
    await resultOf('prod', [set('old istioctl', 'prod', OLD)]);
    await validatorIsStrict();
    const before = await snapshot(realCluster, ['probe']);
    const writes = await writeConfiguration('probe');
    await meshliftOk('apply', '--to', NEW_VERSION, '--revision', NEW, '--from', OLD, '--finish', '--yes');
    const { written, failures } = await writes.stop();
    expect(failures).toEqual([]);
    expect(written).toBeGreaterThan(30);
    const { metadata } = await kubectlJson<{ metadata: Meta }>('get', 'mutatingwebhookconfiguration', 'istio-revision-tag-prod');
    expect([metadata.labels?.['istio.io/rev'], (await kubectl('get', 'deployments', '-n', 'istio-system', '-o', 'name')).trim()]).toEqual([
      NEW,
      `deployment.apps/istiod-${NEW}`,
    ]);
    expect(await whoInjects('probe')).toBe(NEW);
    await meshliftOk('rollback', '--yes');
    expect(await whoInjects('probe')).toBe(OLD);
    expect(await snapshot(realCluster, ['probe'])).toEqual(before);
  });
});

async function whoInjects(namespace: string): Promise<string> {
  const pod = JSON.parse(await kubectl('-n', namespace, 'run', 'probe', '--image=none.invalid/none', '--dry-run=server', '-o', 'json')) as {
    metadata: Meta;
  };
  return pod.metadata.annotations?.['istio.io/rev'] ?? 'nobody';
}

/** istiod raises the policy itself, once it has shown that it rejects what is wrong. */
async function validatorIsStrict(): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const text = await kubectl(
      'get',
      'validatingwebhookconfiguration',
      'istiod-default-validator',
      '-o',
      'jsonpath={.webhooks[0].failurePolicy}',
    );
    if (text === 'Fail') return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error('istiod-default-validator stays lenient');
}

describe('beside an unrevisioned control plane', () => {
  const oldFile = join(scratch, 'tags-old.yaml');
  const newFile = join(scratch, 'tags-new.yaml');
  /** As they are without a default tag. */
  const renewUnrevisioned = async (): Promise<void> => {
    await run('kubectl', ['apply', '--server-side', '--force-conflicts', '-f', oldFile]);
  };

  beforeAll(async () => {
    await cleanCluster();
    await Promise.all([renderOld(oldFile, ''), renderNew(newFile, NEW)]);
    await kubectl('create', 'namespace', 'istio-system');
    await renewUnrevisioned();
    await run('kubectl', ['apply', '--server-side', '--force-conflicts', '-f', newFile]);
    for (const name of ['istiod', `istiod-${NEW}`])
      await kubectl('-n', 'istio-system', 'rollout', 'status', `deployment/${name}`, '--timeout=120s');
    await applyYaml(namespaceYaml('probe', { 'istio-injection': 'enabled' }));
  });

  it.each<[string, string, Steps, Steps]>([
    ['a tag', 'prod', [set('old istioctl', 'prod', 'default')], [set('meshlift', 'prod', 'default')]],
    ['a default of its own', 'default', [set('old istioctl', 'default', 'default')], [set('meshlift', 'default', 'default')]],
    ['a default of the other', 'default', [set('new istioctl', 'default', NEW)], [set('meshlift', 'default', NEW)]],
    [
      'a tag that moves to the other',
      'prod',
      [set('old istioctl', 'prod', 'default'), set('new istioctl', 'prod', NEW)],
      [set('meshlift', 'prod', 'default'), set('meshlift', 'prod', NEW)],
    ],
  ])('%s is what istioctl leaves', async (_title, name, theirs, ours) => {
    const wanted = await resultOf(name, theirs);
    await withoutTag(name);
    await renewUnrevisioned();
    expect(await resultOf(name, ours)).toEqual(wanted);
    await withoutTag(name);
    await renewUnrevisioned();
  });
});

describe.skipIf(process.env[`ISTIO_CHARTS_${NEW_VERSION.replaceAll('.', '_')}`] === undefined)('a tag of a Helm release', () => {
  const release = (revision: string): string => `istiod-${revision}`;
  const small = ['--set', 'autoscaleEnabled=false', '--set', 'resources.requests.cpu=50m', '--set', 'resources.requests.memory=128Mi'];
  const tagged = (tag = 'prod'): Promise<Item> => kubectlJson<Item>('get', 'mutatingwebhookconfiguration', `istio-revision-tag-${tag}`);
  let before: Record<string, unknown>;

  beforeAll(async () => {
    await cleanCluster();
    await kubectl('create', 'namespace', 'istio-system');
    const charts = chartsOf(OLD_VERSION);
    const settings = ['--set', `revision=${OLD}`, '--set', 'revisionTags={prod,default}', ...small];
    await helm('install', 'istio-base', join(charts, 'base'), '-n', 'istio-system', '--set', `defaultRevision=${OLD}`);
    await helm('install', release(OLD), join(charts, 'istiod'), '-n', 'istio-system', ...settings, '--wait');
    await applyYaml(namespaceYaml('probe', { 'istio.io/rev': 'prod' }));
    await validatorIsStrict();
    before = await snapshot(realCluster, ['probe']);
  });

  it('is not set or removed beside Helm', async () => {
    for (const args of [
      ['set', 'prod', '--revision', OLD],
      ['remove', 'prod'],
    ]) {
      const { code, stderr } = await meshlift('tag', ...args, '--yes');
      expect([args[0], code, stderr.includes('TAGS-005')]).toEqual(args[0] === 'set' ? ['set', 0, false] : ['remove', 3, true]);
    }
  });

  it('moves without a moment in which it is missing, and survives its release', async () => {
    const watch = await watchObject('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-revision-tag-prod');
    const writes = await writeConfiguration('probe');
    const way = ['--with', 'helm', '--charts', chartsOf(NEW_VERSION), '--revision', NEW];
    await meshliftOk('apply', '--to', NEW_VERSION, ...way, '--finish', '--yes');
    expect((await writes.stop()).failures).toEqual([]);
    const { looks, missing } = await watch.stop();
    expect([missing, looks > 50]).toEqual([[], true]);
    for (const tag of ['prod', 'default']) {
      const { metadata } = await tagged(tag);
      expect([metadata.labels?.['istio.io/rev'], metadata.annotations?.['meta.helm.sh/release-name']]).toEqual([NEW, release(NEW)]);
    }
    expect(await whoInjects('probe')).toBe(NEW);
    const releases = JSON.parse(await helm('list', '-n', 'istio-system', '-o', 'json')) as { name: string; status: string }[];
    expect(releases.map(({ name, status }) => [name, status]).toSorted()).toEqual([
      ['istio-base', 'deployed'],
      [release(NEW), 'deployed'],
    ]);
    expect(JSON.parse(await helm('get', 'values', release(NEW), '-n', 'istio-system', '-o', 'json'))).toMatchObject({
      revisionTags: ['prod', 'default'],
    });
  });

  it('belongs to the new release as if that had made it', async () => {
    const upgrade = ['upgrade', release(NEW), join(chartsOf(NEW_VERSION), 'istiod'), '-n', 'istio-system', '--reuse-values', '--wait'];
    try {
      await helm(...upgrade);
    } catch (error) {
      // helm 4 and istiod both write the failure policy of the revision's own validator; nobody but Helm writes the tag.
      expect(String(error)).toMatch(/istio-validator-.* conflict with "pilot-discovery"/);
      expect(String(error)).not.toContain('revision-tag');
      await helm(...upgrade, '--force-conflicts');
    }
    for (const tag of ['prod', 'default']) expect((await tagged(tag)).metadata.labels?.['istio.io/rev']).toBe(NEW);
    expect(await whoInjects('probe')).toBe(NEW);
  });

  it('comes back with the old release', async () => {
    await meshliftOk('rollback', '--yes');
    expect(await whoInjects('probe')).toBe(OLD);
    for (const tag of ['prod', 'default'])
      expect((await tagged(tag)).metadata.annotations?.['meta.helm.sh/release-name']).toBe(release(OLD));
    expect(await snapshot(realCluster, ['probe'])).toEqual(before);
  });
});
