/** The old version as revision 1-28-2 from rendered manifests, the new one the same way; namespaces with both labels, with and without a default tag. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meshlift, meshliftOk, revisionsOf, type ClusterUnderTest, type Meta } from './cluster-under-test.ts';
import { namespaceYaml, openShop, someOfShop } from './shop.ts';

interface NamespaceJson {
  readonly name: string;
  readonly gets: string;
}

export function renderedManifests(cluster: ClusterUnderTest): void {
  const { objects, oldVersion, newVersion } = cluster;
  const oldRevision = oldVersion.replaceAll('.', '-');
  const newRevision = newVersion.replaceAll('.', '-');
  let oldFile: string;
  let newFile: string;

  beforeAll(async () => {
    await cluster.prepare();
    [oldFile, newFile] = await Promise.all([cluster.istio.render('old', oldRevision), cluster.istio.render('new', newRevision)]);
    await objects.applyWhole('apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n');
    await objects.applyWhole(readFileSync(oldFile, 'utf8'));
    await objects.rolledOut('deployment', { namespace: 'istio-system', name: `istiod-${oldRevision}` });
    await openShop(cluster, 'shop', { 'istio.io/rev': oldRevision }, someOfShop('quotes', 'report'));
    const both = namespaceYaml('both', { 'istio-injection': 'enabled', 'istio.io/rev': oldRevision });
    const off = namespaceYaml('off', { 'istio-injection': 'disabled', 'istio.io/rev': oldRevision });
    await objects.applyWhole(`${both}${off}`);
  });
  afterAll(() => cluster.cleanUp());

  /** What Meshlift says a namespace gets, beside what a real dry run of a pod gets. */
  async function getsAndReal(namespace: string): Promise<{ told: string | undefined; real: string }> {
    const status = JSON.parse(await meshliftOk(cluster, 'status', '-o', 'json')) as { namespaces: NamespaceJson[] };
    const pod = await objects.dryRunPod(namespace);
    return {
      told: status.namespaces.find((ns) => ns.name === namespace)?.gets,
      real: pod.metadata.annotations?.['istio.io/rev'] ?? 'nobody',
    };
  }

  describe('rendered manifests', () => {
    it('with both labels and no default tag: nobody injects, and Meshlift says so', async () => {
      expect(await getsAndReal('both')).toEqual({ told: 'nobody', real: 'nobody' });
      expect(await getsAndReal('off')).toEqual({ told: 'nobody', real: 'nobody' });
      const check = await meshlift(cluster, 'check');
      expect(check.stdout).toContain(`CONF-002  namespace both has istio-injection=enabled and istio.io/rev=${oldRevision}`);
    });

    it('with both labels and a default tag: the default injects, and Meshlift says so', async () => {
      await cluster.istio.setDefaultTag(oldRevision);
      expect(await getsAndReal('both')).toEqual({ told: oldRevision, real: oldRevision });
      expect(await getsAndReal('off')).toEqual({ told: 'nobody', real: 'nobody' });
      await cluster.istio.removeDefaultTag();
    });

    it('of another revision or version are refused', async () => {
      const wrong = await meshlift(cluster, 'plan', '--to', newVersion, '--revision', 'other', '--manifests', newFile);
      expect(wrong.code).toBe(3);
      expect(wrong.stderr).toContain(`The rendered control plane has the revision ${newRevision}; the target is other`);
    });

    it('are installed from a folder, the shop moves, and the old control plane goes', async () => {
      const plan = join(cluster.scratch, 'manifest-plan.yaml');
      await meshliftOk(cluster, 'plan', '--to', newVersion, '-n', 'shop', '--manifests', newFile, '-o', plan);
      const applied = await meshliftOk(cluster, 'apply', plan, '--yes');
      expect(applied).toContain(`Moved 2 workloads to ${newRevision}`);
      expect(await revisionsOf(cluster, 'shop')).toEqual(new Set([newRevision]));
      expect(await meshliftOk(cluster, 'finish', '--yes')).toContain(`${oldRevision} (${oldVersion}) is removed`);
      const left = await objects.present(readFileSync(oldFile, 'utf8'));
      expect(left.filter((name) => !name.startsWith('CustomResourceDefinition/'))).toEqual(['ServiceAccount/istio-reader-service-account']);
    });

    it('from standard input install a control plane alone; it is removed alone', async () => {
      // A spare control plane of the new version, under another name.
      const spare = readFileSync(await cluster.istio.render('new', 'spare'), 'utf8');
      const words = ['--revision', 'spare', '--version', newVersion, '--from', newRevision, '--manifests', '-', '--accept', 'CTRL-004'];
      const install = await cluster.start(['install', ...words, '--yes'], { input: spare }).done;
      expect(install.stderr + install.stdout).toContain(`spare (${newVersion}) is installed beside ${newRevision}`);
      const secrets = await objects.list<{ metadata: Meta }>(['secrets'], { namespace: 'istio-system', selector: 'meshlift.io/run' });
      expect(secrets.map(({ metadata }) => metadata.name).join(' ')).toContain('meshlift-install-spare');
      expect(await meshliftOk(cluster, 'uninstall', '--revision', 'spare', '--yes')).toContain(`spare (${newVersion}) is removed`);
      const all = await objects.list<{ metadata: Meta }>(EVERYTHING, { namespace: 'istio-system' });
      expect(all.map(({ metadata }) => metadata.name).filter((name) => /spare/.test(name) && !/meshlift/.test(name))).toEqual([]);
    });
  });
}

const EVERYTHING = [
  'pods',
  'services',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'horizontalpodautoscalers',
  'configmaps',
  'serviceaccounts',
  'roles',
  'rolebindings',
];
