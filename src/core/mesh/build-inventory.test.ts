import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlPlaneObjects, defaultObjects, injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder, SYNCED, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { buildPod } from './build-inventory.ts';
import { isIstiod, revisionOfDeployment } from './find-revisions.ts';
import type { KubeObject, Pod, PodController } from './kube-objects.ts';
import { workloadKey } from './mesh-inventory.ts';
import { noIstio, unknownRevision } from './mesh-problems.ts';

/** What a controller of some kind leaves in the owner references of what it makes. */
const ownedBy = (kind: string, name: string, controller = true): Pick<KubeObject['metadata'], 'ownerReferences'> => ({
  ownerReferences: [{ apiVersion: 'x/v1', kind, name, uid: `${kind}-${name}`, controller }],
});

describe('no pod is lost', () => {
  const between = (kind: 'ReplicaSet' | 'Job', owner: Pick<KubeObject['metadata'], 'ownerReferences'>): KubeObject => ({
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name: 'middle', namespace: 'shop', uid: 'middle', ...owner },
    ...(kind === 'ReplicaSet' ? { spec: { template: { metadata: { labels: { app: 'a' } } } } } : {}),
  });
  const workloadsOf = (builder: MeshBuilder): string[] =>
    builder
      .inventory()
      .workloads.filter((w) => w.namespace === 'shop')
      .flatMap((w) => w.pods.map((pod) => `${pod.name} of ${w.kind} ${w.name}`));

  it.each<[string, 'ReplicaSet' | 'Job', Pick<KubeObject['metadata'], 'ownerReferences'>, RegExp]>([
    ['a ReplicaSet that nothing controls', 'ReplicaSet', {}, /^p of ReplicaSet middle$/],
    ['a ReplicaSet that another object only refers to', 'ReplicaSet', ownedBy('App', 'a', false), /^p of ReplicaSet middle$/],
    ['a ReplicaSet of a kind that Meshlift does not know', 'ReplicaSet', ownedBy('CloneSet', 'c'), /^p of /],
    ['a ReplicaSet whose Deployment is gone', 'ReplicaSet', ownedBy('Deployment', 'gone'), /^p of /],
    ['a Job that nothing controls', 'Job', {}, /^p of Job middle$/],
    ['a Job of a kind that Meshlift does not know', 'Job', ownedBy('ScaledJob', 's'), /^p of /],
    ['a Job whose CronJob is gone', 'Job', ownedBy('CronJob', 'gone'), /^p of /],
  ])('%s', (_name, kind, owner, expected) => {
    const builder = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .object(between(kind, owner))
      .pod('shop', 'p', { on: 'default', owner: { kind, name: 'middle', uid: 'middle' } });
    expect(workloadsOf(builder)).toEqual([expect.stringMatching(expected)]);
  });

  it('every pod is in exactly one workload, whatever owns it', () => {
    const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout', 'ReplicaSet', 'Job', 'CronJob', 'StrimziPodSet', 'Node'];
    const owner = fc.option(fc.record({ kind: fc.constantFrom(...kinds), controller: fc.boolean(), there: fc.boolean() }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(owner, owner), { maxLength: 6 }), (chains) => {
        const builder = new MeshBuilder();
        for (const [index, [direct, parent]] of chains.entries()) {
          const name = `o${index}`;
          const grand = parent === undefined ? {} : ownedBy(parent.kind, `p${index}`, parent.controller);
          if (direct?.there === true)
            builder.object({
              apiVersion: 'x/v1',
              kind: direct.kind,
              metadata: { name, namespace: 'shop', uid: name, ...grand },
              spec: { template: {} },
            });
          if (parent?.there === true)
            builder.object({
              apiVersion: 'x/v1',
              kind: parent.kind,
              metadata: { name: `p${index}`, namespace: 'shop', uid: `${parent.kind}-p${index}` },
              spec: {},
            });
          builder.pod('shop', `pod${index}`, direct === undefined ? {} : { owner: { kind: direct.kind, name, uid: name } });
        }
        const found = builder.inventory().workloads.flatMap((w) => w.pods.map((pod) => pod.name));
        expect(found.toSorted()).toEqual(chains.map((_, index) => `pod${index}`).toSorted());
      }),
    );
  });
});

describe('a pod as it is shown', () => {
  it('has what its object and the istiods say of it', () => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .workload('shop', 'web', { on: 'default' })
      .inventory();
    const pod = inventory.workloads.find((w) => w.name === 'web')?.pods[0];
    expect(pod).toEqual({
      namespace: 'shop',
      name: 'web-0',
      uid: 'pod-1',
      labels: { app: 'web' },
      workload: { kind: 'Deployment', namespace: 'shop', name: 'web' },
      phase: 'Running',
      ready: true,
      terminating: false,
      createdAt: '2026-01-01T00:00:00Z',
      revision: 'default',
      proxy: { image: 'docker.io/istio/proxyv2:1.28.2', version: '1.28.2', native: true, type: 'sidecar' },
      connections: [
        {
          istiodPod: 'istiod-default-abc',
          revision: 'default',
          sync: 'synced',
          entry: { proxy: 'web-0.shop', proxyType: 'sidecar', istioVersion: '1.28.2', clusterId: 'Kubernetes', types: SYNCED },
        },
      ],
    });
  });

  it.each<[string, Parameters<MeshBuilder['pod']>[2], Record<string, unknown>]>([
    ['not ready', { ready: false }, { ready: false }],
    ['terminating', { deleting: true }, { terminating: true }],
    ['a classic sidecar', { on: 'default', classic: true }, { proxy: { native: false }, revision: 'default' }],
    ['one that no istiod knows', { on: 'default', connectedTo: null }, { connections: [], revision: 'default' }],
    [
      'one that is connected to another revision',
      { on: 'default', connectedTo: 'canary' },
      { connections: [{ revision: 'canary' }], revision: 'default' },
    ],
  ])('%s', (_name, options, expected) => {
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .pod('shop', 'p', options)
      .inventory();
    expect(inventory.workloads.find((w) => w.name === 'p')?.pods[0]).toMatchObject(expected);
  });

  it('has no revision without a proxy, whatever its annotations say', () => {
    const [pod] = new MeshBuilder().pod('shop', 'p', { annotations: { 'istio.io/rev': 'canary' } }).inventory().workloads[0]?.pods ?? [];
    expect([pod !== undefined && 'revision' in pod, pod !== undefined && 'proxy' in pod]).toEqual([false, false]);
  });

  it('is ready by its condition Ready alone', () => {
    const conditions = [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: 'False' },
    ];
    const bare: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' } };
    const ref = { kind: 'Pod', namespace: 'n', name: 'p' } as const;
    expect(buildPod({ ...bare, status: { conditions } }, ref, []).ready).toBe(false);
    expect(buildPod({ ...bare, status: { conditions: [conditions[0] as never, { type: 'Ready', status: 'True' }] } }, ref, []).ready).toBe(
      true,
    );
    expect(buildPod(bare, ref, [])).toMatchObject({ ready: false, phase: 'Unknown', createdAt: '', uid: '', labels: {} });
  });

  it('is listed by every istiod pod that it is connected to', () => {
    const report = { namespace: 'istio-system', revision: 'default', proxies: [{ proxy: 'p.shop', proxyType: 'sidecar', types: {} }] };
    const inventory = new MeshBuilder({
      istiods: [
        { ...report, pod: 'a' },
        { ...report, pod: 'b' },
      ],
    })
      .pod('shop', 'p', { on: 'default', connectedTo: null })
      .inventory();
    expect(inventory.workloads[0]?.pods[0]?.connections.map((c) => c.istiodPod)).toEqual(['a', 'b']);
  });
});

describe('workloads', () => {
  it.each<[WorkloadOptions['kind'], number]>([
    ['Deployment', 3],
    ['StatefulSet', 3],
    ['DaemonSet', 3],
    ['ReplicaSet', 3],
    ['Job', 3],
    ['CronJob', 0],
    ['Rollout', 3],
  ])('a %s of three wants %i pods', (kind = 'Deployment', desired) => {
    const [workload] = new MeshBuilder().workload('shop', 'x', { kind, replicas: 3 }).inventory().workloads;
    expect(workload).toMatchObject({ kind, desiredPods: desired, template: { metadata: { labels: { app: 'x' } } } });
  });

  it('replicas that are not said are one, and a bare pod is one', () => {
    const [deployment, pod] = new MeshBuilder()
      .object({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'a' }, spec: {} })
      .pod('b', 'bare', { labels: { app: 'bare' }, annotations: { note: 'x' } })
      .inventory().workloads;
    expect([deployment?.desiredPods, pod?.desiredPods]).toEqual([1, 1]);
    expect(pod?.template).toMatchObject({
      metadata: { labels: { app: 'bare' }, annotations: { note: 'x' } },
      spec: { containers: [{ name: 'app' }] },
    });
  });

  it('a DaemonSet wants what its status says, whatever its spec holds', () => {
    const daemonSet = (more: object): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'd', namespace: 'a' },
      spec: { replicas: 7 },
      ...more,
    });
    const wanted = (more: object): unknown => new MeshBuilder().object(daemonSet(more)).inventory().workloads[0]?.desiredPods;
    expect([wanted({ status: { desiredNumberScheduled: 3 } }), wanted({})]).toEqual([3, 0]);
  });

  it.each(['Deployment', 'StatefulSet', 'DaemonSet'] as const)('the strategy of a %s is kept; without one there is none', (kind) => {
    const [a, b] = new MeshBuilder()
      .workload('s', 'a', { kind, strategy: { type: 'x' } })
      .workload('s', 'b', { kind })
      .inventory().workloads;
    expect([a?.strategy, b?.strategy]).toEqual([{ type: 'x' }, {}]);
  });

  it('a ReplicaSet of a Deployment is no workload of its own', () => {
    const replicaSet: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web-1', namespace: 'shop', ...ownedBy('Deployment', 'web') },
      spec: { template: {} },
    };
    const inventory = new MeshBuilder().workload('shop', 'web', { pods: 0 }).object(replicaSet).inventory();
    expect(inventory.workloads.map(workloadKey)).toEqual(['shop/deployment/web']);
  });

  it('come in the order of namespace, kind and name', () => {
    const builder = new MeshBuilder();
    for (const name of ['b', 'a']) builder.workload('z', name).workload('m', name, { kind: 'StatefulSet' }).workload('m', name);
    expect(builder.inventory().workloads.map(workloadKey)).toEqual([
      'm/deployment/a',
      'm/deployment/b',
      'm/statefulset/a',
      'm/statefulset/b',
      'z/deployment/a',
      'z/deployment/b',
    ]);
  });
});

describe('gateways', () => {
  const GATEWAY = { metadata: { labels: { app: 'gw' }, annotations: { 'inject.istio.io/templates': 'sidecar, gateway' } } };
  const apiGateway = (name: string, namespace = 'edge'): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace },
  });
  const service = (name: string, namespace: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: 'gw' } },
  });
  const names = (builder: MeshBuilder): string[] =>
    builder
      .inventory()
      .gateways.map((g) => `${g.source} ${g.namespace}/${g.name} (${g.workload?.name ?? 'nothing'}): ${g.services.join(',')}`);

  it('one template among several is enough; only Services of its own namespace count', () => {
    const builder = new MeshBuilder().workload('edge', 'gw', { template: GATEWAY }).object(service('in', 'edge'), service('out', 'other'));
    expect(names(builder)).toEqual(['injected edge/gw (gw): in']);
  });

  it('one whose template does not tell is known by its live proxies', () => {
    const builder = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .workload('edge', 'odd', { on: 'default', connectedTo: null })
      .workload('edge', 'app', { on: 'default' })
      .connection('default', 'odd-0.edge', { proxyType: 'router' });
    expect(names(builder)).toEqual(['injected edge/odd (odd): ']);
  });

  it('that of a Gateway is told once, and belongs to the Gateway of its own name and namespace', () => {
    const builder = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .object(apiGateway('b'), apiGateway('a'), apiGateway('a', 'other'))
      .workload('edge', 'a-istio', {
        on: 'default',
        connectedTo: null,
        template: { metadata: { labels: { 'gateway.networking.k8s.io/gateway-name': 'a' } } },
      })
      .connection('default', 'a-istio-0.edge', { proxyType: 'router' });
    expect(names(builder)).toEqual(['gateway-api edge/a (a-istio): ', 'gateway-api edge/b (nothing): ', 'gateway-api other/a (nothing): ']);
  });

  it('addresses are told once', () => {
    const same = { ...service('a', 'edge'), status: { loadBalancer: { ingress: [{}, { ip: '192.0.2.1' }] } } };
    const builder = new MeshBuilder()
      .workload('edge', 'gw', { template: GATEWAY })
      .object(same, { ...same, metadata: { name: 'b', namespace: 'edge' } });
    expect(builder.inventory().gateways[0]?.addresses).toEqual(['192.0.2.1']);
  });
});

it('a proxy is told by its type or by its version: istiods up to 1.17 tell no type', () => {
  const inventory = new MeshBuilder()
    .revision({ revision: 'r', version: '1.17.0' })
    .connection('r', 'old.x', { proxyType: undefined as never })
    .connection('r', 'new.x', { istioVersion: undefined as never })
    .inventory();
  expect(inventory.strayConnections.map((c) => c.entry.proxy)).toEqual(['old.x', 'new.x']);
});

describe('control planes', () => {
  it('the Service of an unrevisioned one is not taken for that of a revisioned one', () => {
    const [, unrevisionedService] = controlPlaneObjects({ revision: 'default', version: '1.28.2' });
    const [deployment] = controlPlaneObjects({ revision: 'canary', version: '1.29.1' });
    const inventory = new MeshBuilder().object(unrevisionedService as KubeObject, deployment as KubeObject).inventory();
    expect(inventory.revisions.map((r) => [r.name, r.service])).toEqual([['canary', undefined]]);
  });

  it('the Service of a tag is not taken for its own', () => {
    const [own, tagged] = [new MeshBuilder(), new MeshBuilder()].map((builder) => builder.object(...defaultObjects('canary')));
    const objects = controlPlaneObjects({ revision: 'canary', version: '1.29.1' });
    expect(own?.object(...objects).inventory().revisions[0]?.service).toBe('istiod-canary');
    expect(tagged?.object(...objects.filter((o) => o.kind !== 'Service')).inventory().revisions[0]?.service).toBeUndefined();
  });

  it('a Service for something else on the same pods is not the one that proxies use', () => {
    const [deployment, service] = controlPlaneObjects({ revision: 'canary', version: '1.29.1' }) as [KubeObject, KubeObject];
    const metrics = {
      ...service,
      metadata: { ...service.metadata, name: 'a-metrics' },
      spec: { selector: { app: 'istiod' }, ports: [{ port: 15014 }] },
    };
    const away = { ...service, metadata: { ...service.metadata, name: 'away', namespace: 'elsewhere' } };
    expect(new MeshBuilder().object(deployment, metrics, away).inventory().revisions[0]?.service).toBeUndefined();
    expect(new MeshBuilder().object(deployment, metrics, away, service).inventory().revisions[0]?.service).toBe('istiod-canary');
  });

  it('other Deployments are none, and a webhook configuration without webhooks is no tag', () => {
    const empty: KubeObject = {
      apiVersion: 'x',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'c', labels: { 'istio.io/tag': 'prod' } },
    };
    const inventory = new MeshBuilder().workload('istio-system', 'gateway').object(empty).inventory();
    expect([inventory.revisions, inventory.tags]).toEqual([[], []]);
  });

  it('say how many of their pods are wanted and ready', () => {
    const [deployment] = controlPlaneObjects({ revision: 'r', version: '1.28.2' }) as [PodController];
    const replicas = (spec: object, status: object | undefined): unknown =>
      new MeshBuilder()
        .object({ ...deployment, spec: { ...deployment.spec, replicas: undefined, ...spec } as never, status: status as never })
        .inventory().revisions[0]?.replicas;
    expect([replicas({ replicas: 3 }, { readyReplicas: 2 }), replicas({}, undefined), replicas({ replicas: 0 }, {})]).toEqual([
      { desired: 3, ready: 2 },
      { desired: 1, ready: 0 },
      { desired: 0, ready: 0 },
    ]);
  });

  it('of one version come by name', () => {
    const builder = new MeshBuilder();
    for (const revision of ['b', 'c', 'a']) builder.revision({ revision, version: '1.28.2' });
    expect(builder.inventory().revisions.map((r) => r.name)).toEqual(['a', 'b', 'c']);
  });

  it('one in another namespace has only the reports of its own pods', () => {
    const elsewhere = controlPlaneObjects({ revision: 'canary', version: '1.29.1' }).map((o) =>
      o.metadata.namespace === undefined ? o : { ...o, metadata: { ...o.metadata, namespace: 'mesh' } },
    );
    const report = { revision: 'canary', proxies: [] };
    const inventory = new MeshBuilder({
      istiods: [
        { ...report, pod: 'a', namespace: 'mesh' },
        { ...report, pod: 'b', namespace: 'istio-system' },
      ],
    })
      .object(...elsewhere)
      .inventory();
    expect(inventory.revisions).toMatchObject([{ name: 'canary', namespace: 'mesh', service: 'istiod-canary', istiods: [{ pod: 'a' }] }]);
  });

  it.each<[string, KubeObject['metadata']['labels'], string, boolean]>([
    ['a container discovery', { app: 'istiod' }, 'discovery', true],
    ['another container', { app: 'istiod' }, 'sidecar', false],
    ['another app', { app: 'remote' }, 'discovery', false],
    ['one container beside others', { app: 'istiod' }, 'discovery,helper', true],
  ])('an istiod is told by label and container: %s', (_name, labels = {}, container, expected) => {
    const template = { metadata: { labels }, spec: { containers: container.split(',').map((name) => ({ name })) } };
    expect(
      isIstiod({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', labels: { app: 'other' } }, spec: { template } }),
    ).toBe(expected);
  });

  it('its variable REVISION is trusted before its label; without both it is unrevisioned', () => {
    const deployment = (value: string | undefined, labels: Record<string, string>): PodController => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels },
      spec: { template: { spec: { containers: [{ name: 'discovery', env: value === undefined ? [] : [{ name: 'REVISION', value }] }] } } },
    });
    expect([
      revisionOfDeployment(deployment('real', { 'istio.io/rev': 'label' })),
      revisionOfDeployment(deployment('', { 'istio.io/rev': 'label' })),
      revisionOfDeployment(deployment(undefined, { 'istio.io/rev': 'label' })),
      revisionOfDeployment(deployment(undefined, {})),
    ]).toEqual(['real', 'label', 'label', 'default']);
  });

  it('its image tells the version where nobody could be asked; a digest tells nothing', () => {
    const versions = ['docker.io/istio/pilot:1.28.2-distroless', 'mirror.example/pilot@sha256:12'].map((image) => {
      const builder = new MeshBuilder({ istiods: [] }).object(...controlPlaneObjects({ revision: 'r', version: '1.28.2' }));
      const [deployment] = builder.objects().deployments;
      const containers = [{ name: 'discovery', image, env: [{ name: 'REVISION', value: 'r' }] }];
      return new MeshBuilder({
        istiods: [],
        deployments: [
          { ...(deployment as PodController), spec: { template: { metadata: { labels: { app: 'istiod' } }, spec: { containers } } } },
        ],
      }).inventory().revisions[0]?.version;
    });
    expect(versions).toEqual(['1.28.2', 'unknown']);
  });

  it('come oldest version first; tags by name, with who owns them', () => {
    const helmTag = injectorWebhooks({ configuration: 'istio-revision-tag-a', value: 'a', revision: 'r9', tag: 'a', service: 'istiod-r9' });
    const inventory = new MeshBuilder()
      .revision({ revision: 'r10', version: '1.10.0' })
      .revision({ revision: 'r9', version: '1.9.0' })
      .tag('b', 'r9')
      .object({
        ...helmTag,
        metadata: {
          ...helmTag.metadata,
          labels: { ...helmTag.metadata.labels, 'operator.istio.io/component': 'Pilot' },
          annotations: { 'meta.helm.sh/release-name': 'istiod-r9' },
        },
      })
      .inventory();
    expect(inventory.revisions.map((r) => r.name)).toEqual(['r9', 'r10']);
    expect(inventory.tags).toEqual([
      {
        name: 'a',
        revision: 'r9',
        configuration: 'istio-revision-tag-a',
        owner: { kind: 'helm', release: 'istiod-r9', namespace: 'istio-system' },
        helmRelease: 'istiod-r9',
      },
      { name: 'b', revision: 'r9', configuration: 'istio-revision-tag-b', owner: { kind: 'nobody' } },
    ]);
  });

  it('webhooks of others are not theirs', () => {
    const foreign = (kind: string, name: string): KubeObject => ({
      apiVersion: 'x',
      kind,
      metadata: { name },
      webhooks: [{ name: `${name}.example` }],
    });
    const inventory = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .object(foreign('MutatingWebhookConfiguration', 'other'), foreign('ValidatingWebhookConfiguration', 'another'))
      .inventory();
    expect(inventory.revisions.map((r) => [...r.mutatingWebhooks, ...r.validatingWebhooks])).toEqual([
      ['istio-sidecar-injector', 'istio-validator-istio-system'],
    ]);
  });

  it('an injection webhook is dangling without its Service, and remote with a URL', () => {
    const hook = injectorWebhooks({ configuration: 'c', value: 'r', revision: 'r', service: 'istiod-r', caBundle: '' });
    const remote = {
      ...hook,
      webhooks: hook.webhooks?.map((w) => ({ ...w, clientConfig: { url: 'https://istiod.example/inject', caBundle: 'Y2E=' } })),
    };
    const nothing = { ...hook, webhooks: hook.webhooks?.map((w) => ({ ...w, clientConfig: {} })) };
    const told = (...objects: KubeObject[]): unknown =>
      new MeshBuilder()
        .object(...objects)
        .inventory()
        .webhooks.map((w) => [w.serviceExists, w.hasCaBundle])[0];
    const [, service] = controlPlaneObjects({ revision: 'r', version: '1.28.2' });
    expect([told(hook), told(hook, service as KubeObject), told(remote), told(nothing)]).toEqual([
      [false, false],
      [true, false],
      [true, true],
      [false, false],
    ]);
    expect(told(hook, { ...(service as KubeObject), metadata: { name: 'istiod-r', namespace: 'elsewhere' } })).toEqual([false, false]);
    expect(told(hook, { ...(service as KubeObject), metadata: { name: 'istiod-s', namespace: 'istio-system' } })).toEqual([false, false]);
  });
});

describe('problems of every look', () => {
  it('no Istio names the cluster', () => {
    expect(noIstio(new MeshBuilder().inventory())).toMatchObject({ code: 'MESH-001', details: { what: 'No istiod was found in test.' } });
  });

  it('an unknown revision names the known ones and the tags', () => {
    const mesh = new MeshBuilder().revision({ revision: 'a', version: '1.28.2' }).tag('prod', 'a').inventory();
    expect(unknownRevision('x', mesh)).toMatchObject({ code: 'MESH-002', details: { why: 'Revisions: a. Tags: prod.' } });
    expect(unknownRevision('x', new MeshBuilder().inventory()).details.why).toBe('Revisions: none. Tags: none.');
  });
});

it('the rest of a mesh: namespaces, pinned objects, configuration of both kinds of ConfigMap', () => {
  const pinned: KubeObject = {
    apiVersion: 'x/v1',
    kind: 'EnvoyFilter',
    metadata: { name: 'f', namespace: 'shop', labels: { 'istio.io/rev': 'old' } },
  };
  const clusterWide: KubeObject = { apiVersion: 'x/v1', kind: 'Odd', metadata: { name: 'o' } };
  const configMap = (name: string, data: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { 'istio.io/rev': 'r' } },
    data,
  });
  const inventory = new MeshBuilder({ pinnedObjects: [pinned, clusterWide] })
    .namespace('here', { team: 'a' })
    .namespace('ending', {}, { deletionTimestamp: 'now' })
    .object(
      configMap('istio-r', { mesh: 'm' }),
      configMap('istio-sidecar-injector-r', { config: 'c', values: 'v' }),
      configMap('values-r', { 'original-values': 'o', 'merged-values': 'x' }),
      configMap('istio-leader', {}),
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio-sidecar-injector-empty', labels: { 'istio.io/rev': 'r' } } },
      configMap('other', { mesh: 'not this', values: 'nor this' }),
    )
    .inventory();
  expect(inventory.namespaces).toEqual([
    { name: 'here', labels: { team: 'a' }, resourceVersion: '1', terminating: false, labelManagers: [] },
    { name: 'ending', labels: {}, resourceVersion: '1', terminating: true, labelManagers: [] },
  ]);
  expect(inventory.pinnedObjects).toEqual([
    { ref: { apiVersion: 'x/v1', kind: 'EnvoyFilter', namespace: 'shop', name: 'f' }, revision: 'old' },
    { ref: { apiVersion: 'x/v1', kind: 'Odd', name: 'o' }, revision: 'default' },
  ]);
  expect(inventory.meshConfigs).toEqual({ r: { mesh: 'm', originalValues: 'o' } });
});
