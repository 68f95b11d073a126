/** 1.28.2 as revision 1-28-2 from rendered manifests, 1.29.1 the same way; namespaces with both labels, with and without a default tag. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyYaml,
  istioctlNew,
  istioctlOld,
  kubectl,
  meshlift,
  meshliftOk,
  NEW_VERSION,
  podsOf,
  revisionOf,
  run,
  scratch,
  start,
  MESHLIFT,
  type Meta,
} from './kit/cluster.ts';
import { cleanCluster, renderNew, renderOld } from './kit/istio.ts';
import { namespaceYaml, openShop, SHOP } from './kit/shop.ts';

const oldFile = join(scratch, 'old.yaml');
const newFile = join(scratch, 'new.yaml');
const apps = SHOP.filter((app) => app.name === 'quotes' || app.name === 'report');

beforeAll(async () => {
  await cleanCluster();
  await Promise.all([renderOld(oldFile, '1-28-2'), renderNew(newFile, '1-29-1')]);
  await kubectl('create', 'namespace', 'istio-system');
  await run('kubectl', ['apply', '--server-side', '-f', oldFile]);
  await kubectl('-n', 'istio-system', 'rollout', 'status', 'deployment/istiod-1-28-2', '--timeout=120s');
  await openShop('shop', { 'istio.io/rev': '1-28-2' }, apps);
  await applyYaml(
    `${namespaceYaml('both', { 'istio-injection': 'enabled', 'istio.io/rev': '1-28-2' })}${namespaceYaml('off', { 'istio-injection': 'disabled', 'istio.io/rev': '1-28-2' })}`,
  );
});
afterAll(cleanCluster);

interface NamespaceJson {
  readonly name: string;
  readonly gets: string;
}

/** What Meshlift says a namespace gets, beside what a real dry run of a pod gets. */
async function getsAndReal(namespace: string): Promise<{ told: string | undefined; real: string }> {
  const status = JSON.parse(await meshliftOk('status', '-o', 'json')) as { namespaces: NamespaceJson[] };
  const pod = JSON.parse(await kubectl('-n', namespace, 'run', 'probe', '--image=none.invalid/none', '--dry-run=server', '-o', 'json')) as {
    metadata: Meta;
  };
  return {
    told: status.namespaces.find((ns) => ns.name === namespace)?.gets,
    real: pod.metadata.annotations?.['istio.io/rev'] ?? 'nobody',
  };
}

describe('rendered manifests', () => {
  it('with both labels and no default tag: nobody injects, and Meshlift says so', async () => {
    expect(await getsAndReal('both')).toEqual({ told: 'nobody', real: 'nobody' });
    expect(await getsAndReal('off')).toEqual({ told: 'nobody', real: 'nobody' });
    const check = await meshlift('check');
    expect(check.stdout).toContain('CONF-002  namespace both has istio-injection=enabled and istio.io/rev=1-28-2');
  });

  it('with both labels and a default tag: the default injects, and Meshlift says so', async () => {
    await run(istioctlOld(), ['tag', 'set', 'default', '--revision', '1-28-2', '-y']);
    expect(await getsAndReal('both')).toEqual({ told: '1-28-2', real: '1-28-2' });
    expect(await getsAndReal('off')).toEqual({ told: 'nobody', real: 'nobody' });
    await run(istioctlOld(), ['tag', 'remove', 'default', '-y']);
    await kubectl('delete', 'validatingwebhookconfiguration', 'istiod-default-validator', '--ignore-not-found');
  });

  it('of another revision or version are refused', async () => {
    const wrong = await meshlift('plan', '--to', NEW_VERSION, '--revision', 'other', '--manifests', newFile);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('The rendered control plane has the revision 1-29-1; the target is other');
  });

  it('are installed from a folder, the shop moves, and the old control plane goes', async () => {
    const plan = join(scratch, 'manifest-plan.yaml');
    await meshliftOk('plan', '--to', NEW_VERSION, '-n', 'shop', '--manifests', newFile, '-o', plan);
    const applied = await meshliftOk('apply', plan, '--yes');
    expect(applied).toContain('Moved 2 workloads to 1-29-1');
    expect(new Set((await podsOf('shop')).map(revisionOf))).toEqual(new Set(['1-29-1']));
    expect(await meshliftOk('finish', '--yes')).toContain('1-28-2 (1.28.2) is removed');
    const left = await run('kubectl', ['get', '--ignore-not-found', '-o', 'name', '-f', oldFile]);
    expect(
      left
        .trim()
        .split('\n')
        .filter((name) => !name.startsWith('customresourcedefinition')),
    ).toEqual(['serviceaccount/istio-reader-service-account']);
  });

  it('from standard input install a control plane alone; it is removed alone', async () => {
    // A spare control plane of the new version, under another name.
    const rendered = await run(istioctlNew(), [
      'manifest',
      'generate',
      '--set',
      'profile=minimal',
      '--set',
      'revision=spare',
      '--set',
      'values.pilot.resources.requests.cpu=50m',
      '--set',
      'values.pilot.resources.requests.memory=128Mi',
    ]);
    const install = await start(
      MESHLIFT,
      ['install', '--revision', 'spare', '--version', NEW_VERSION, '--from', '1-29-1', '--manifests', '-', '--accept', 'CTRL-004', '--yes'],
      { input: rendered },
    ).done;
    expect(install.stderr + install.stdout).toContain(`spare (${NEW_VERSION}) is installed beside 1-29-1`);
    const secrets = await kubectl('-n', 'istio-system', 'get', 'secrets', '-l', 'meshlift.io/run', '-o', 'name');
    expect(secrets).toContain('secret/meshlift-install-spare');
    expect(await meshliftOk('uninstall', '--revision', 'spare', '--yes')).toContain('spare (1.29.1) is removed');
    expect(
      (await kubectl('-n', 'istio-system', 'get', 'all,cm,sa,role,rolebinding', '-o', 'name'))
        .split('\n')
        .filter((name) => /spare/.test(name) && !/meshlift/.test(name)),
    ).toEqual([]);
  });
});
