/**
 * Two control planes, of which nothing needs the old one: each object that needs it is found, alone, with what ends it. Then
 * nothing needs it again. Also a control plane that is gone, while things still name it.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../kit/child-process.ts';
import { gatewayApiCrds } from '../kit/gateway-api.ts';
import { meshlift, meshliftOk, type ClusterUnderTest } from './cluster-under-test.ts';
import { namespaceYaml } from './shop.ts';

const OLD = 'stable';
const NEW = 'canary';
const REV = { 'istio.io/rev': OLD };
const NAMESPACE = 'plain';

interface UseJson {
  readonly kind: string;
  readonly object: string;
  readonly detail: string;
  readonly toFree: string;
}

export interface UsageJson {
  readonly verdict: string;
  readonly gone: boolean;
  readonly uses: readonly UseJson[];
  readonly unknown: readonly string[];
  readonly notes: readonly string[];
}

export async function inUse(cluster: ClusterUnderTest, revision: string): Promise<UsageJson & { readonly code: number | null }> {
  const { code, stdout, stderr } = await meshlift(cluster, 'in-use', revision, '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as UsageJson), code };
}

interface Case {
  readonly name: string;
  /** Plural, as `ClusterObjects` takes it. */
  readonly plural: string;
  readonly object: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly use: string;
  readonly detail: RegExp;
}

const metadata = (name: string, labels: Readonly<Record<string, string>> = {}): object => ({ name, namespace: NAMESPACE, labels });
const pods = (labels: Readonly<Record<string, string>>): object => ({
  metadata: { labels: { app: 'x', ...labels } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'none.invalid/app:1' }] },
});
const always = (template: object): object => ({ ...template, spec: { containers: [{ name: 'app', image: 'none.invalid/app:1' }] } });
const selector = { matchLabels: { app: 'x' } };
const GATEWAY_API = 'gateway.networking.k8s.io/v1';

const CASES: readonly Case[] = [
  {
    name: 'a Deployment that is scaled to zero',
    plural: 'deployments',
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata('x'),
      spec: { replicas: 0, selector, template: always(pods(REV)) },
    },
    use: 'template plain/deployment/x',
    detail: /^scaled to zero; its next pod would get it$/,
  },
  {
    name: 'a CronJob between its runs',
    plural: 'cronjobs',
    object: {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: metadata('x'),
      spec: { schedule: '0 0 31 2 *', jobTemplate: { spec: { template: pods(REV) } } },
    },
    use: 'template plain/cronjob/x',
    detail: /^its next run would get it$/,
  },
  {
    name: 'a suspended Job',
    plural: 'jobs',
    object: { apiVersion: 'batch/v1', kind: 'Job', metadata: metadata('x'), spec: { suspend: true, template: pods(REV) } },
    use: 'template plain/job/x',
    detail: /^suspended; its next pod would get it$/,
  },
  {
    name: 'a ztunnel on no node',
    plural: 'daemonsets',
    object: {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: metadata('ztunnel'),
      spec: {
        selector: { matchLabels: { app: 'ztunnel' } },
        template: {
          metadata: { labels: { app: 'ztunnel' } },
          spec: {
            nodeSelector: { nowhere: 'yes' },
            containers: [
              {
                name: 'istio-proxy',
                image: 'none.invalid/ztunnel:1',
                env: [{ name: 'XDS_ADDRESS', value: `istiod-${OLD}.istio-system.svc:15012` }],
              },
            ],
          },
        },
      },
    },
    use: 'ztunnel plain/ztunnel',
    detail: /^its pods ask the istiod of stable$/,
  },
  {
    name: 'a Gateway of a class that nobody serves, by its label',
    plural: 'gateways.gateway.networking.k8s.io',
    object: {
      apiVersion: GATEWAY_API,
      kind: 'Gateway',
      metadata: metadata('edge', REV),
      spec: { gatewayClassName: 'acme', listeners: [] },
    },
    use: 'gateway plain/edge',
    detail: /^its label istio\.io\/rev=stable$/,
  },
  {
    name: 'a route that only it reads',
    plural: 'httproutes.gateway.networking.k8s.io',
    object: { apiVersion: GATEWAY_API, kind: 'HTTPRoute', metadata: metadata('r', REV), spec: {} },
    use: 'pinned-object HTTPRoute plain/r',
    detail: /no other revision reads it$/,
  },
  {
    name: 'a WorkloadEntry that only it reads',
    plural: 'workloadentries',
    object: { apiVersion: 'networking.istio.io/v1', kind: 'WorkloadEntry', metadata: metadata('vm', REV), spec: { address: '10.99.0.1' } },
    use: 'pinned-object WorkloadEntry plain/vm',
    detail: /no other revision reads it$/,
  },
  {
    name: 'a machine by its labels',
    plural: 'workloadentries',
    object: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata: metadata('vm'),
      spec: { address: '10.99.0.1', labels: REV },
    },
    use: 'virtual-machine WorkloadEntry plain/vm',
    detail: /labelled istio\.io\/rev=stable$/,
  },
  {
    name: 'a group by the labels of its machines',
    plural: 'workloadgroups',
    object: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadGroup',
      metadata: metadata('vms'),
      spec: { metadata: { labels: REV }, template: { serviceAccount: 'default' } },
    },
    use: 'virtual-machine WorkloadGroup plain/vms',
    detail: /labelled istio\.io\/rev=stable$/,
  },
  {
    name: 'a rule that only it reads',
    plural: 'destinationrules',
    object: { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: metadata('x', REV), spec: { host: 'nowhere' } },
    use: 'pinned-object DestinationRule plain/x',
    detail: /no other revision reads it$/,
  },
  {
    name: 'a webhook of somebody else that calls it',
    plural: 'validatingwebhookconfigurations',
    object: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      // So named that whoever cleans up after Istio takes it too.
      metadata: { name: 'istio-of-somebody-else' },
      webhooks: [
        {
          name: 'somebody.else.example',
          clientConfig: { service: { name: `istiod-${OLD}`, namespace: 'istio-system', path: '/validate' } },
          rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['nothings'], operations: ['CREATE'] }],
          failurePolicy: 'Ignore',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    },
    use: 'webhook ValidatingWebhookConfiguration istio-of-somebody-else',
    detail: /^calls Service istio-system\/istiod-stable, while it has no label istio\.io\/rev$/,
  },
];

export function whatKeepsARevision(cluster: ClusterUnderTest): void {
  const { objects } = cluster;

  beforeAll(async () => {
    await cluster.prepare();
    await objects.applyWhole('apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n');
    for (const crd of gatewayApiCrds) await objects.applyWhole(JSON.stringify(crd));
    const files = await Promise.all([cluster.istio.render('old', OLD), cluster.istio.render('new', NEW)]);
    for (const file of files) await objects.applyWhole(readFileSync(file, 'utf8'));
    await Promise.all([OLD, NEW].map((name) => objects.rolledOut('deployment', { namespace: 'istio-system', name: `istiod-${name}` })));
    await cluster.istio.setDefaultTag(NEW);
    await objects.applyWhole(namespaceYaml(NAMESPACE, {}));
    await isUnused();
  });
  afterAll(async () => {
    for (const { metadata: named } of gatewayApiCrds) await objects.remove('customresourcedefinitions', named);
    await cluster.cleanUp();
  });

  async function isUnused(): Promise<void> {
    await until('nothing uses the old revision', async () => (await inUse(cluster, OLD)).verdict === 'unused', 30_000);
  }

  describe('in-use', () => {
    it('tells of a revision that nothing needs, and exits with 0', async () => {
      const text = await meshliftOk(cluster, 'in-use', OLD);
      expect(text).toMatch(/^✓ Nothing uses stable \(1\.28\.2\)/);
    });

    it.each(CASES)('finds $name', async ({ plural, object, use, detail }) => {
      await objects.applyWhole(JSON.stringify(object));
      try {
        const found = await inUse(cluster, OLD);
        expect([found.code, found.verdict, found.unknown]).toEqual([3, 'used', []]);
        expect(found.uses.map(({ kind, object: named }) => `${kind} ${named}`)).toEqual([use]);
        expect(found.uses[0]?.detail).toMatch(detail);
        expect(found.uses[0]?.toFree).not.toContain('REVISION');
      } finally {
        await objects.remove(plural, (object as unknown as { metadata: { name: string; namespace?: string } }).metadata);
      }
    });

    it('finds the label of a namespace, and of a tag', async () => {
      await objects.applyWhole(namespaceYaml('labelled', REV));
      await meshliftOk(cluster, 'tag', 'set', 'prod', '--revision', OLD, '--yes');
      const found = await inUse(cluster, OLD);
      expect(found.uses.map(({ kind, object }) => `${kind} ${object}`)).toEqual(['namespace namespace labelled', 'tag tag prod']);
      await meshliftOk(cluster, 'tag', 'remove', 'prod', '--yes');
      await objects.patch('namespaces', { name: 'labelled' }, { metadata: { labels: { 'istio.io/rev': NEW } } });
      await isUnused();
    });

    it('says what bears its name and needs it not', async () => {
      const cni = {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: metadata('istio-cni-node', REV),
        spec: {
          selector: { matchLabels: { 'k8s-app': 'istio-cni-node' } },
          template: {
            metadata: { labels: { 'k8s-app': 'istio-cni-node' } },
            spec: { nodeSelector: { nowhere: 'yes' }, containers: [{ name: 'install-cni', image: 'none.invalid/install-cni:1.28.2' }] },
          },
        },
      };
      await objects.applyWhole(JSON.stringify(cni));
      const found = await inUse(cluster, OLD);
      expect([found.code, found.verdict]).toEqual([0, 'unused']);
      expect(found.notes).toEqual([
        expect.stringMatching(/^DaemonSet plain\/istio-cni-node \(1\.28\.2\) is labelled istio\.io\/rev=stable/),
      ]);
      await objects.remove('daemonsets', { namespace: NAMESPACE, name: 'istio-cni-node' });
    });

    it('lists what names a control plane that is gone; a name that nothing bears is a mistake', async () => {
      await objects.applyWhole(namespaceYaml('lost', { 'istio.io/rev': 'ghost' }));
      const { code, stdout } = await meshlift(cluster, 'in-use', 'ghost');
      expect([code, stdout]).toEqual([3, expect.stringMatching(/^✗ There is no control plane ghost, and 1 thing still names it\n/)]);
      expect(stdout).toContain('istio.io/rev=ghost leads nowhere');
      const wrong = await meshlift(cluster, 'in-use', 'nobody');
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('MESH-002')]);
      const tag = await meshlift(cluster, 'in-use', 'default');
      expect([tag.code, tag.stderr]).toEqual([2, expect.stringContaining(`default is a tag, not a revision; it points to ${NEW}.`)]);
    });
  });
}
