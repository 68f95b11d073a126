import { describe, expect, it } from 'vitest';
import { MeshBuilder, SYNCED } from '../../../test/kit/mesh-builder.ts';
import { findDefaults, findInjectionWebhooks } from './find-revisions.ts';
import type { KubeObject, LabelSelector, Pod } from './kube-objects.ts';
import { matchesSelector, selectsPod } from './match-selector.ts';
import { workloadKey } from './mesh-inventory.ts';
import { injectedRevision, readProxy } from './read-proxy.ts';
import { connectionSyncState } from './sync-state.ts';

describe('matchesSelector', () => {
  it.each<[string, LabelSelector | undefined, Record<string, string>, boolean]>([
    ['absent selects all', undefined, { a: '1' }, true],
    ['empty selects all', {}, {}, true],
    ['In, there', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' }, true],
    ['In, absent', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] }, {}, false],
    ['In, another', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] }, { a: '2' }, false],
    ['In nothing', { matchExpressions: [{ key: 'a', operator: 'In' }] }, { a: '2' }, false],
    ['NotIn, another', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, { a: '2' }, true],
    ['DoesNotExist, absent', { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { b: '' }, true],
    ['labels, there', { matchLabels: { a: '1', b: '2' } }, { a: '1', b: '2', c: '3' }, true],
    ['labels, one of them another', { matchLabels: { a: '1', b: '2' } }, { a: '1', b: '3' }, false],
    ['labels, one of them absent', { matchLabels: { a: '1', b: '2' } }, { a: '1' }, false],
    ['NotIn, absent', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {}, true],
    ['NotIn, there', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, { a: '1' }, false],
    ['Exists, empty value', { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    ['DoesNotExist, empty value', { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
    ['labels and expressions both', { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] }, { a: '1' }, false],
    ['an operator that does not exist', { matchExpressions: [{ key: 'a', operator: 'Like' }] }, { a: '1' }, false],
  ])('%s', (_name, selector, labels, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  it('a Service without a selector selects no pod', () => {
    expect([selectsPod(undefined, { a: '1' }), selectsPod({}, { a: '1' }), selectsPod({ a: '1' }, { a: '1', b: '2' })]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('the proxy of a pod', () => {
  const pod = (more: { metadata?: Partial<Pod['metadata']>; spec?: Pod['spec'] }): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', ...more.metadata },
    spec: more.spec ?? {},
  });
  const proxy = (
    env: Record<string, string> = {},
    image = 'istio/proxyv2:1.28.2',
  ): NonNullable<NonNullable<Pod['spec']>['containers']>[number] => ({
    name: 'istio-proxy',
    image,
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  });

  it.each<[string, Pod, string | undefined]>([
    [
      'status annotation first',
      pod({
        metadata: { annotations: { 'sidecar.istio.io/status': '{"revision":"a"}', 'istio.io/rev': 'b' }, labels: { 'istio.io/rev': 'c' } },
        spec: { containers: [proxy()] },
      }),
      'a',
    ],
    [
      'then the annotation',
      pod({ metadata: { annotations: { 'istio.io/rev': 'b' }, labels: { 'istio.io/rev': 'c' } }, spec: { containers: [proxy()] } }),
      'b',
    ],
    [
      'then the configured istiod',
      pod({
        metadata: { labels: { 'istio.io/rev': 'tag' } },
        spec: { containers: [proxy({ CA_ADDR: 'istiod-canary.istio-system.svc:15012' })] },
      }),
      'canary',
    ],
    [
      'an unrevisioned istiod',
      pod({ spec: { containers: [proxy({ CA_ADDR: 'istiod.istio-system.svc:15012', PROXY_CONFIG: '{}' })] } }),
      'default',
    ],
    [
      'discoveryAddress before CA_ADDR',
      pod({
        spec: {
          containers: [proxy({ CA_ADDR: 'ca.example:15012', PROXY_CONFIG: '{"discoveryAddress":"istiod-x.istio-system.svc:15012"}' })],
        },
      }),
      'x',
    ],
    [
      'an istiod behind a CA of another kind: a proxy without a discoveryAddress uses the unrevisioned one',
      pod({
        metadata: { labels: { 'istio.io/rev': 'tag' } },
        spec: { containers: [proxy({ CA_ADDR: 'cert-manager-istio-csr.cert-manager.svc:443', PROXY_CONFIG: '{}' })] },
      }),
      'default',
    ],
    [
      'an empty annotation counts as none',
      pod({
        metadata: { annotations: { 'sidecar.istio.io/status': '{"revision":""}', 'istio.io/rev': '' }, labels: { 'istio.io/rev': 'l' } },
        spec: { containers: [proxy({ CA_ADDR: 'istiod-z.istio-system.svc:15012' })] },
      }),
      'z',
    ],
    [
      'null is no revision',
      pod({ metadata: { annotations: { 'sidecar.istio.io/status': 'null', 'istio.io/rev': 'b' } }, spec: { containers: [proxy()] } }),
      'b',
    ],
    [
      'ztunnel has its revision in an annotation',
      pod({ metadata: { labels: { app: 'ztunnel' }, annotations: { 'istio.io/rev': 'z' } }, spec: { containers: [proxy()] } }),
      'z',
    ],
    [
      'ztunnel has it in its label up to 1.22',
      pod({ metadata: { labels: { app: 'ztunnel', 'istio.io/rev': 'z' } }, spec: { containers: [{ name: 'ztunnel' }] } }),
      'z',
    ],
    ['the label last', pod({ metadata: { labels: { 'istio.io/rev': 'old' } }, spec: { containers: [proxy()] } }), 'old'],
    [
      'a broken annotation counts as none',
      pod({
        metadata: { annotations: { 'sidecar.istio.io/status': 'not json' } },
        spec: { containers: [proxy({ CA_ADDR: 'istiod-y.istio-system.svc:15012' })] },
      }),
      'y',
    ],
    ['no proxy at all', pod({ spec: { containers: [{ name: 'app' }] } }), undefined],
  ])('revision: %s', (_name, subject, revision) => {
    expect(injectedRevision(subject)).toBe(revision);
  });

  it('is found among init containers (native) and containers alike', () => {
    expect(readProxy(pod({ spec: { initContainers: [proxy()], containers: [{ name: 'app' }] } }), [])).toMatchObject({
      native: true,
      version: '1.28.2',
      type: 'sidecar',
    });
    expect(readProxy(pod({ spec: { containers: [proxy()] } }), [])).toMatchObject({ native: false });
    expect(readProxy(pod({ spec: { containers: [{ name: 'app' }] } }), [])).toBeUndefined();
    const ztunnel = { containers: [{ name: 'ztunnel', image: 'istio/ztunnel:1.28.2' }] };
    expect(readProxy(pod({ metadata: { labels: { app: 'ztunnel' } }, spec: ztunnel }), [])).toMatchObject({
      type: 'ztunnel',
      version: '1.28.2',
    });
    expect(readProxy(pod({ metadata: { labels: { app: 'other' } }, spec: ztunnel }), [])).toBeUndefined();
  });

  it('has the version that it says itself, before that of its image', () => {
    const connection = {
      istiodPod: 'i',
      revision: 'canary',
      sync: 'synced',
      entry: { proxy: 'p.n', istioVersion: '1.29.1', proxyType: 'router', types: {} },
    } as const;
    expect(readProxy(pod({ spec: { containers: [proxy({}, 'mirror/proxyv2@sha256:12')] } }), [connection])).toMatchObject({
      version: '1.29.1',
      type: 'gateway',
    });
    expect(readProxy(pod({ spec: { containers: [proxy({}, 'mirror/proxyv2@sha256:12')] } }), [])).toMatchObject({ version: 'unknown' });
  });

  it('is configured with the istiod that its settings name, not with whoever signs its certificates', () => {
    const host = (env: Record<string, string>): unknown => readProxy(pod({ spec: { containers: [proxy(env)] } }), [])?.discoveryHost;
    expect(host({ PROXY_CONFIG: '{"discoveryAddress":"istiod-x.istio-system.svc:15012"}' })).toBe('istiod-x.istio-system.svc');
    expect(host({ CA_ADDR: 'istiod-x.istio-system.svc:15012' })).toBe('istiod-x.istio-system.svc');
    expect(host({ CA_ADDR: 'cert-manager-istio-csr.cert-manager.svc:443', PROXY_CONFIG: '{}' })).toBeUndefined();
    expect(host({})).toBeUndefined();
  });

  it.each([
    ['waypoint', {}, 'waypoint'],
    ['ztunnel', {}, 'ztunnel'],
    ['router', {}, 'gateway'],
    ['sidecar', {}, 'sidecar'],
    ['router', { labels: { 'gateway.istio.io/managed': 'istio.io-mesh-controller' } }, 'waypoint'],
    ['sidecar', { annotations: { 'inject.istio.io/templates': 'sidecar, gateway' } }, 'gateway'],
  ])('type: it says that it is a %s, with %o: a %s', (proxyType, metadata, type) => {
    const connection = { istiodPod: 'i', revision: 'r', sync: 'synced', entry: { proxy: 'p.n', proxyType, types: {} } } as const;
    expect(readProxy(pod({ metadata, spec: { containers: [proxy()] } }), [connection])).toMatchObject({ type, version: '1.28.2' });
  });

  it.each([
    [{ labels: { 'gateway.istio.io/managed': 'istio.io-mesh-controller' } }, 'waypoint'],
    [{ labels: { 'gateway.istio.io/managed': 'istio.io-gateway-controller' } }, 'gateway'],
    [{ annotations: { 'inject.istio.io/templates': 'gateway' } }, 'gateway'],
    [{ labels: { app: 'ztunnel' } }, 'ztunnel'],
    [{}, 'sidecar'],
  ])('type: %o is a %s', (metadata, type) => {
    expect(readProxy(pod({ metadata, spec: { containers: [proxy()] } }), [])?.type).toBe(type);
  });
});

const NONE = { sent: '', acked: '' };

it.each([
  ['all acknowledged', SYNCED, 'synced'],
  ['routes and endpoints never sent', { CDS: { sent: 'a', acked: 'a' }, LDS: { sent: 'b', acked: 'b' } }, 'synced'],
  ['listeners never sent', { CDS: { sent: 'a', acked: 'a' } }, 'not-sent'],
  ['clusters never sent', { ...SYNCED, CDS: { sent: '', acked: '' } }, 'not-sent'],
  ['routes, endpoints and extensions sent as nothing', { ...SYNCED, RDS: NONE, EDS: NONE, ECDS: NONE }, 'synced'],
  [
    'time stamps and ids are compared whole',
    { ...SYNCED, EDS: { sent: '2026-11-22T14:23:18Z/1a', acked: '2026-11-22T14:23:18Z/1b' } },
    'stale',
  ],
  ['nothing sent', {}, 'not-sent'],
  ['one not acknowledged', { ...SYNCED, RDS: { sent: 'b', acked: 'a' } }, 'stale'],
  ['never acknowledged', { ...SYNCED, ECDS: { sent: 'b', acked: '' } }, 'stale'],
])('sync state: %s', (_name, types, state) => {
  expect(connectionSyncState({ proxy: 'p.n', types })).toBe(state);
});

describe('revisions', () => {
  it('are read from objects, never from names: unrevisioned, revisioned and what is only left in webhooks', () => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
      .defaultTo('default')
      .revision({ revision: 'canary', version: '1.29.1', installedBy: 'manifests' })
      .tag('prod', 'canary')
      .tag('stale', 'gone')
      .inventory();
    expect(
      inventory.revisions.map(({ name, version, deployment, service, installedBy, tags, defaultFor }) => ({
        name,
        version,
        deployment,
        service,
        installedBy,
        tags,
        defaultFor,
      })),
    ).toEqual([
      {
        name: 'default',
        version: '1.28.2',
        deployment: 'istiod',
        service: 'istiod',
        installedBy: 'istioctl',
        tags: ['default'],
        defaultFor: ['injection', 'validation', 'leadership'],
      },
      {
        name: 'canary',
        version: '1.29.1',
        deployment: 'istiod-canary',
        service: 'istiod-canary',
        installedBy: 'manifests',
        tags: ['prod'],
        defaultFor: [],
      },
      {
        name: 'gone',
        version: 'unknown',
        deployment: undefined,
        service: undefined,
        installedBy: 'manifests',
        tags: ['stale'],
        defaultFor: [],
      },
    ]);
    expect(inventory.revisions[0]?.mutatingWebhooks).toEqual(['istio-sidecar-injector']);
    expect(inventory.revisions[0]?.validatingWebhooks).toEqual(['istio-validator-istio-system']);
    expect(inventory.revisions[1]?.validatingWebhooks).toEqual(['istio-validator-canary-istio-system']);
  });

  it('the three senses of default can disagree', () => {
    const builder = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'a', version: '1.29.0' })
      .revision({ revision: 'b', version: '1.29.1' });
    const tag = {
      apiVersion: 'x',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'istio-revision-tag-default', labels: { 'istio.io/rev': 'a' } },
      webhooks: [],
    };
    const validation = {
      apiVersion: 'x',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'istiod-default-validator', labels: { 'istio.io/rev': 'b' } },
      webhooks: [],
    };
    const senses = Object.fromEntries(
      builder
        .object(tag, validation)
        .inventory()
        .revisions.map((r) => [r.name, r.defaultFor]),
    );
    expect(senses).toEqual({ default: ['injection'], a: ['leadership'], b: ['validation'] });
  });

  it('of two that would inject for the default, the later by name does, in whatever order they were read', () => {
    const webhooks = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).defaultTo('canary').objects();
    const senses = (mutatingWebhooks: typeof webhooks.mutatingWebhooks): unknown =>
      findDefaults(webhooks, findInjectionWebhooks({ ...webhooks, mutatingWebhooks }));
    const wanted = { injection: 'default', validation: 'canary', leadership: 'canary' };
    expect([senses(webhooks.mutatingWebhooks), senses(webhooks.mutatingWebhooks.toReversed())]).toEqual([wanted, wanted]);
  });

  it('a webhook that also wants a label of the pod does not serve the default', () => {
    const picky = {
      configuration: 'c',
      revision: 'picky',
      entry: { name: 'x.sidecar-injector.istio.io', objectSelector: { matchLabels: { team: 'a' } } },
      serviceExists: true,
      hasCaBundle: true,
      deactivated: false,
    };
    expect(findDefaults(new MeshBuilder().objects(), [picky])).toEqual({});
    expect(findDefaults(new MeshBuilder().objects(), [{ ...picky, entry: { name: 'x.sidecar-injector.istio.io' } }])).toEqual({
      injection: 'picky',
    });
    expect(
      findDefaults(new MeshBuilder().objects(), [{ ...picky, deactivated: true, entry: { name: 'x.sidecar-injector.istio.io' } }]),
    ).toEqual({});
  });

  it('helm is told by its release', () => {
    const [revision] = new MeshBuilder().revision({ revision: 'h', version: '1.28.2', installedBy: 'helm' }).inventory().revisions;
    expect(revision).toMatchObject({ installedBy: 'helm', helmRelease: 'istiod-h' });
  });

  it('the version is what istiod says, before its image', () => {
    const [revision] = new MeshBuilder().revision({ revision: 'r', version: '1.28.2' }, { version: '1.28.4' }).inventory().revisions;
    expect(revision?.version).toBe('1.28.4');
  });
});

describe('workloads and connections', () => {
  it('pods are found through ReplicaSets and Jobs; unknown owners leave a pod alone', () => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .namespace('shop')
      .workload('shop', 'web', { replicas: 2, on: 'default' })
      .workload('shop', 'ledger', { kind: 'StatefulSet', on: 'default' })
      .workload('shop', 'agent', { kind: 'DaemonSet' })
      .workload('shop', 'nightly', { kind: 'CronJob', pods: 1 })
      .workload('shop', 'once', { kind: 'Job' })
      .pod('shop', 'bare', { on: 'default' })
      .pod('shop', 'odd', { owner: { kind: 'StrimziPodSet', name: 's', uid: 's' } })
      .inventory();
    expect(
      Object.fromEntries(inventory.workloads.filter((w) => w.namespace === 'shop').map((w) => [workloadKey(w), w.pods.length])),
    ).toEqual({
      'shop/cronjob/nightly': 1,
      'shop/daemonset/agent': 1,
      'shop/deployment/web': 2,
      'shop/job/once': 1,
      'shop/pod/bare': 1,
      'shop/pod/odd': 1,
      'shop/statefulset/ledger': 1,
    });
  });

  it('connections without a pod are strays; istioctl itself is none', () => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .pod('shop', 'web', { on: 'default' })
      .connection('default', 'vm.fleet')
      .connection('default', 'test-1.default', { istioVersion: '65536.65536.65536' })
      .connection('default', 'client.nowhere', { istioVersion: undefined as never, proxyType: undefined as never })
      .inventory();
    expect(inventory.strayConnections.map((c) => c.entry.proxy)).toEqual(['vm.fleet']);
    expect(inventory.workloads.find((w) => w.name === 'web')?.pods[0]?.connections).toHaveLength(1);
  });

  it('gateways are found by template, with the addresses of the Services that select them', () => {
    const service: KubeObject = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ingress', namespace: 'edge' },
      spec: { selector: { app: 'gw' }, externalIPs: ['192.0.2.7'] },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example' }] } },
    };
    const api: KubeObject = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'api', namespace: 'edge' },
      status: { addresses: [{ value: '192.0.2.9' }] },
    };
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .workload('edge', 'gw', {
        on: 'default',
        template: { metadata: { labels: { app: 'gw' }, annotations: { 'inject.istio.io/templates': 'gateway' } } },
      })
      .workload('edge', 'api-istio', { template: { metadata: { labels: { 'gateway.networking.k8s.io/gateway-name': 'api' } } } })
      .object(service, api)
      .inventory();
    expect(inventory.gateways).toEqual([
      {
        namespace: 'edge',
        name: 'api',
        source: 'gateway-api',
        managed: false,
        workload: { kind: 'Deployment', namespace: 'edge', name: 'api-istio' },
        services: [],
        addresses: ['192.0.2.9'],
      },
      {
        namespace: 'edge',
        name: 'gw',
        source: 'injected',
        managed: false,
        workload: { kind: 'Deployment', namespace: 'edge', name: 'gw' },
        services: ['ingress'],
        addresses: ['192.0.2.1', 'lb.example', '192.0.2.7'],
      },
    ]);
  });

  it('who wrote the injection labels is kept', () => {
    const managedFields = [
      { manager: 'argocd-controller', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:istio-injection': {}, 'f:other': {} } } } },
    ];
    const [namespace] = new MeshBuilder().namespace('shop', { 'istio-injection': 'enabled' }, { managedFields }).inventory().namespaces;
    expect(namespace?.labelManagers).toEqual([{ label: 'istio-injection', manager: 'argocd-controller' }]);
  });

  it('mesh configuration is kept by revision', () => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2', mesh: 'trustDomain: a' })
      .revision({ revision: 'canary', version: '1.29.1', mesh: 'trustDomain: b' })
      .inventory();
    expect([inventory.meshConfigs['default']?.mesh, inventory.meshConfigs['canary']?.mesh]).toEqual(['trustDomain: a', 'trustDomain: b']);
  });
});
