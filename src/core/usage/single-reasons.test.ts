/** One mesh for each reason that has nothing to do with pods of this cluster: that reason is found, alone, with its evidence and its end. */
import { describe, expect, it } from 'vitest';
import { injectorWebhooks, validator } from '../../../test/kit/istio-objects.ts';
import { SYNCED, type MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { apiGateway, istioService, machine, unusedOld, urlWebhook, ztunnel } from '../../../test/kit/unused-mesh.ts';
import type { KubeObject, Labels, PodTemplate } from '../mesh/kube-objects.ts';
import { findUses } from './find-uses.ts';
import { usageVerdict, usesBeforeDefault, type Usage } from './usage.ts';

type Change = (mesh: MeshBuilder) => MeshBuilder;

const usage = (change: Change): Usage => findUses('old', change(unusedOld()).inventory());
const template = (labels: Labels): PodTemplate => ({ metadata: { labels: { app: 'x', ...labels } } });
const ASKS_OLD = template({ 'istio.io/rev': 'old' });

function job(spec: Record<string, unknown>, status: Record<string, unknown>): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'x', namespace: 'plain' },
    spec: { template: ASKS_OLD, ...spec },
    status,
  };
}

/** What `istioctl kube-inject` leaves of a proxy. */
const WRITTEN: PodTemplate = {
  metadata: { labels: { app: 'x' } },
  spec: {
    containers: [
      { name: 'istio-proxy', env: [{ name: 'PROXY_CONFIG', value: '{"discoveryAddress":"istiod-old.istio-system.svc:15012"}' }] },
    ],
  },
};
/** The Deployment that istiod makes for a Gateway. */
const MANAGED: PodTemplate = {
  metadata: {
    labels: {
      'gateway.networking.k8s.io/gateway-name': 'edge',
      'gateway.istio.io/managed': 'istio.io-gateway-controller',
      'sidecar.istio.io/inject': 'false',
    },
    annotations: { 'istio.io/rev': 'old' },
  },
  spec: { containers: [{ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.28.2' }] },
};
const TAG_SERVICE = istioService('istiod-revision-tag-prod', { app: 'istiod', 'istio.io/rev': 'old', 'istio.io/tag': 'prod' }, {});
const route: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'r', namespace: 'shop', labels: { 'istio.io/rev': 'old' } },
};
const unrevisionedConfiguration = (name: string): KubeObject => {
  const made = injectorWebhooks({ configuration: name, value: 'mine', revision: 'x', service: 'istiod-old' });
  return { ...made, metadata: { name } };
};
const CASES: readonly (readonly [name: string, change: Change, use: string, detail: string, toFree: RegExp])[] = [
  [
    'a suspended Job',
    (m) => m.namespace('plain').object(job({ suspend: true }, {})),
    'template plain/job/x',
    'suspended; its next pod would get it',
    /^let it end, or kubectl -n plain delete job\/x$/,
  ],
  [
    'a Job that will try again',
    (m) => m.namespace('plain').object(job({}, { active: 0, failed: 1 })),
    'template plain/job/x',
    'its next pod would get it',
    /^let it end/,
  ],
  [
    'a suspended CronJob',
    (m) =>
      m.namespace('plain').object({
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'x', namespace: 'plain' },
        spec: { suspend: true, jobTemplate: { spec: { template: ASKS_OLD } } },
      }),
    'template plain/cronjob/x',
    'suspended; its next run would get it',
    /^set istio\.io\/rev=new in spec\.jobTemplate\.spec\.template\.metadata\.labels of cronjob\/x in plain$/,
  ],
  [
    'a proxy that is written into a template',
    (m) => m.namespace('plain').workload('plain', 'x', { replicas: 0, template: WRITTEN }),
    'template plain/deployment/x',
    'scaled to zero; a proxy of it is written into its template',
    /^write its template anew/,
  ],
  [
    'the Deployment of a Gateway, scaled to zero',
    (m) => m.namespace('plain').workload('plain', 'edge-istio', { replicas: 0, template: MANAGED }),
    'template plain/deployment/edge-istio',
    'scaled to zero; a proxy of it is written into its template',
    /^kubectl -n plain label gateways\.gateway\.networking\.k8s\.io edge istio\.io\/rev=new --overwrite$/,
  ],
  [
    'ztunnel',
    (m) => m.object(ztunnel('istiod-old')),
    'ztunnel istio-system/ztunnel',
    'its pods ask the istiod of old',
    /^helm upgrade ztunnel .* --set revision=new;/,
  ],
  [
    'a Gateway by its own label',
    (m) => m.object(apiGateway('shop', 'edge', 'istio', { 'istio.io/rev': 'old' })),
    'gateway shop/edge',
    'its label istio.io/rev=old',
    /^kubectl -n shop label gateways\.gateway\.networking\.k8s\.io edge istio\.io\/rev=new --overwrite$/,
  ],
  [
    'a Gateway of another class that says so itself',
    (m) => m.object(apiGateway('shop', 'edge', 'acme', { 'istio.io/rev': 'old' })),
    'gateway shop/edge',
    'its label istio.io/rev=old',
    /istio\.io\/rev=new/,
  ],
  [
    'a Gateway of a class that somebody made for an istiod',
    (m) =>
      m.namespace('off', { 'istio.io/rev': 'old', 'istio-injection': 'disabled' }).object(apiGateway('off', 'edge', 'mine'), {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: 'mine' },
        spec: { controllerName: 'istio.io/gateway-controller' },
      }),
    'gateway off/edge',
    'istio.io/rev=old of its namespace',
    /edge istio\.io\/rev=new/,
  ],
  [
    'a waypoint that nobody uses yet',
    (m) => m.object(apiGateway('shop', 'way', 'istio-waypoint', { 'istio.io/rev': 'old' })),
    'waypoint shop/way',
    'its label istio.io/rev=old',
    /way istio\.io\/rev=new/,
  ],
  [
    'a waypoint, with who uses it',
    (m) =>
      m
        .namespace('ambient', { 'istio.io/use-waypoint': 'way', 'istio.io/use-waypoint-namespace': 'shop' })
        .object(apiGateway('shop', 'way', 'istio-waypoint', { 'istio.io/rev': 'old' }), {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'cart', namespace: 'shop', labels: { 'istio.io/use-waypoint': 'way' } },
        }),
    'waypoint shop/way',
    'its label istio.io/rev=old; namespace ambient and 1 more use it as waypoint',
    /way istio\.io\/rev=new/,
  ],
  [
    'a machine whose istiod noted its connection',
    (m) =>
      m.object(
        machine('WorkloadEntry', {}, { 'istio.io/connectedAt': '2026-01-01T00:00:00Z', 'istio.io/workloadController': 'istiod-old-abc' }),
      ),
    'virtual-machine WorkloadEntry fleet/vm',
    'its machine is connected to istiod-old-abc',
    /workload entry configure --revision new$/,
  ],
  [
    'the labels that a group gives to its machines',
    (m) => m.object(machine('WorkloadGroup', { metadata: { labels: { 'istio.io/rev': 'old' } } })),
    'virtual-machine WorkloadGroup fleet/vm',
    'its machines are labelled istio.io/rev=old',
    /^kubectl -n fleet edit workloadgroup vm: label istio\.io\/rev=new$/,
  ],
  [
    'the labels of a machine',
    (m) => m.object(machine('WorkloadEntry', { labels: { 'istio.io/rev': 'old' } })),
    'virtual-machine WorkloadEntry fleet/vm',
    'its machine is labelled istio.io/rev=old',
    /^kubectl -n fleet edit workloadentry vm/,
  ],
  [
    'the Service of a tag whose webhooks are gone',
    (m) => m.object(TAG_SERVICE),
    'tag tag prod',
    'points to it (Service istio-system/istiod-revision-tag-prod, whose webhooks are gone)',
    /^kubectl -n istio-system delete service istiod-revision-tag-prod$/,
  ],
  [
    'a webhook that somebody else made',
    (m) => m.object(unrevisionedConfiguration('mine')),
    'webhook MutatingWebhookConfiguration mine',
    'calls Service istio-system/istiod-old, while it has no label istio.io/rev',
    /^kubectl delete mutatingwebhookconfiguration mine, or/,
  ],
  [
    'a validator that was labelled anew, and still calls it',
    (m) => m.object(validator('extra-validator', 'new', 'istiod-old')),
    'webhook ValidatingWebhookConfiguration extra-validator',
    'calls Service istio-system/istiod-old, while its label says istio.io/rev=new',
    /^kubectl delete validatingwebhookconfiguration extra-validator/,
  ],
  [
    'a webhook that calls it by URL',
    (m) => m.object(urlWebhook),
    'webhook ValidatingWebhookConfiguration by-url',
    'calls https://istiod-old.istio-system.svc:443/validate, while it has no label istio.io/rev',
    /by-url/,
  ],
  [
    'a route that only it reads',
    (m) => m.object(route),
    'pinned-object HTTPRoute shop/r',
    'labelled istio.io/rev=old: no other revision reads it',
    /^kubectl -n shop label httproute\.gateway\.networking\.k8s\.io r istio\.io\/rev=new --overwrite$/,
  ],
];

it.each(CASES)('%s', (_name, change, use, detail, toFree) => {
  const found = usage(change);
  expect(found.uses.map(({ kind, object }) => `${kind} ${object}`)).toEqual([use]);
  expect([found.uses[0]?.detail, found.unknown, usageVerdict(found)]).toEqual([detail, [], 'used']);
  expect(found.uses[0]?.toFree).toMatch(toFree);
});

describe('the default reaches what bears no label', () => {
  const unlabelled: Change = (m) =>
    m
      .object(apiGateway('shop', 'edge', 'istio'))
      .namespace('free')
      .object(apiGateway('free', 'open', 'istio'));

  it('through its tag', () => {
    const mesh = unlabelled(unusedOld());
    expect(findUses('new', mesh.inventory()).uses.filter((use) => use.kind === 'gateway')).toMatchObject([
      { object: 'free/open', detail: 'it follows the default' },
      { object: 'shop/edge', detail: 'istio.io/rev=new of its namespace' },
    ]);
    expect(usage(unlabelled).uses).toEqual([]);
  });

  it('without a tag through the validator, and a tag beats it', () => {
    const objects = unlabelled(unusedOld()).objects();
    const withoutTag = objects.mutatingWebhooks.filter((c) => c.metadata.labels?.['istio.io/tag'] === undefined);
    const validators = [validator('istiod-default-validator', 'old', 'istiod-old')];
    const uses = (more: object): string[] =>
      findUses('old', unusedOld({ ...objects, validatingWebhooks: validators, ...more }).inventory()).uses.map((use) => use.kind);
    expect(uses({ mutatingWebhooks: withoutTag })).toEqual(['gateway', 'default']);
    expect(uses({})).toEqual(['default']);
  });
});

describe('a proxy is freed by what makes it', () => {
  const owned = (kind: string, name: string): { owner: { kind: string; name: string; uid: string } } => ({
    owner: { kind, name, uid: name },
  });

  it.each<[string, Change, string]>([
    ['a Deployment', (m) => m.workload('shop', 'x', { on: 'old' }), 'kubectl -n shop rollout restart deployment/x'],
    ['a Rollout', (m) => m.workload('shop', 'x', { kind: 'Rollout', on: 'old' }), 'kubectl argo rollouts -n shop restart x'],
    ['a ReplicaSet', (m) => m.workload('shop', 'x', { kind: 'ReplicaSet', on: 'old' }), 'kubectl -n shop delete pod x-0'],
    ['a Job', (m) => m.workload('shop', 'x', { kind: 'Job', on: 'old' }), 'wait: a run ends by itself'],
    ['a bare pod', (m) => m.pod('shop', 'x', { on: 'old' }), 'kubectl -n shop delete pod x; whoever made it makes it anew'],
    ['a pod that ends', (m) => m.pod('shop', 'x', { on: 'old', deleting: true }), 'wait: it goes by itself'],
    [
      'a Gateway',
      (m) => m.workload('shop', 'edge-istio', { on: 'old', template: MANAGED }),
      'kubectl -n shop label gateways.gateway.networking.k8s.io edge istio.io/rev=new --overwrite; istiod replaces its pods at once',
    ],
    [
      'ztunnel',
      (m) => m.object(ztunnel('istiod-old')).pod('istio-system', 'ztunnel-0', { on: 'old', ...owned('DaemonSet', 'ztunnel') }),
      'helm upgrade ztunnel istio/ztunnel -n istio-system --reuse-values --set revision=new; it restarts on every node',
    ],
    [
      'a workload whose next pod would be the same',
      (m) => m.namespace('plain').workload('plain', 'x', { on: 'old', template: ASKS_OLD }),
      'kubectl -n plain rollout restart deployment/x, once its template is free',
    ],
  ])('%s', (_name, change, toFree) => {
    expect(usage(change).uses[0]?.toFree).toBe(toFree);
  });
});

it('proxies of another cluster are named with it, and its own webhooks stay unknown', () => {
  const west = { clusterId: 'west', types: SYNCED };
  const mesh = unusedOld().connection('new', 'web-0.shop').connection('old', 'cart-0.shop', west);
  const found = findUses('old', mesh.inventory());
  expect(found.uses).toMatchObject([
    { kind: 'remote', object: 'cart-0.shop', detail: 'a proxy of cluster west, connected to istiod-old-abc' },
  ]);
  const elsewhere = findUses('old', unusedOld().connection('new', 'cart-0.shop', west).inventory());
  expect([usageVerdict(elsewhere), elsewhere.unknown]).toEqual([
    'unknown',
    [expect.stringContaining('webhooks and labels of cluster west')],
  ]);
});

it('before the default moves, only what it could carry along counts', () => {
  const mesh = unusedOld()
    .pod('shop', 'bare', { on: 'old' })
    .tag('prod', 'old')
    .object(apiGateway('shop', 'edge', 'istio', { 'istio.io/rev': 'old' }), ztunnel('istiod-old'), urlWebhook, route);
  const found = findUses('old', mesh.inventory());
  expect(found.uses.map((use) => use.kind)).toEqual(['connection', 'ztunnel', 'gateway', 'tag', 'webhook', 'pinned-object']);
  expect(usesBeforeDefault(found).uses.map((use) => use.kind)).toEqual(['connection', 'tag']);
});
