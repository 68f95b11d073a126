import { describe, expect, it } from 'vitest';
import { MeshBuilder, SYNCED } from '../../../test/kit/mesh-builder.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { decisionText, summarizeMesh, type NamespaceStatus } from './summarize-mesh.ts';
import { summarizeProxies } from './summarize-proxies.ts';

const STALE = { ...SYNCED, RDS: { sent: 'b', acked: 'a' } };

function mesh(): MeshBuilder {
  return new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .revision({ revision: 'canary', version: '1.29.1' })
    .tag('prod', 'canary');
}

describe('summarizeMesh', () => {
  it('counts pods by what injected them, and proxies by live connections', () => {
    const status = summarizeMesh(
      mesh()
        .namespace('shop', { 'istio.io/rev': 'canary' })
        .workload('shop', 'web', { replicas: 2, on: 'canary' })
        .workload('shop', 'cart', { on: 'default' })
        .workload('shop', 'late', { on: 'default', connectedTo: 'canary' })
        .workload('shop', 'done', { kind: 'Job', on: 'default', phase: 'Succeeded' })
        .pod('shop', 'going', { on: 'default', deleting: true })
        .connection('default', 'vm.fleet')
        .inventory(),
    );
    expect(status.revisions.map((r) => [r.name, r.version, r.ready, r.desired, r.pods, r.proxies])).toEqual([
      ['default', '1.28.2', 1, 1, 2, 3],
      ['canary', '1.29.1', 1, 1, 2, 3],
    ]);
    expect(status.defaults).toEqual({ injection: 'default', validation: 'default', leadership: 'default' });
    expect(status.tags).toEqual([
      { name: 'default', revision: 'default' },
      { name: 'prod', revision: 'canary' },
    ]);
    expect(status.strayProxies).toEqual([{ proxy: 'vm.fleet', revision: 'default', istiod: 'istiod-default-abc', version: '1.28.2' }]);
  });

  it('names istiods that say nothing, and what could not be read', () => {
    const unread = [{ what: 'jobs.batch', why: 'no permission' }];
    const status = summarizeMesh(
      new MeshBuilder({ unread }).revision({ revision: 'r', version: '1.28.2' }, { error: 'no answer' }).inventory(),
    );
    expect(status.revisions[0]?.silent).toEqual([{ pod: 'istiod-r-abc', error: 'no answer' }]);
    expect(status.unread).toEqual(unread);
  });

  const namespaceStatus = (change: (builder: MeshBuilder) => MeshBuilder): Partial<NamespaceStatus> | undefined =>
    summarizeMesh(change(mesh()).inventory()).namespaces[0];

  it.each<[string, (builder: MeshBuilder) => MeshBuilder, Partial<NamespaceStatus> | undefined]>([
    [
      'is shown with its labels of Istio',
      (m) => m.namespace('a', { 'istio.io/rev': 'prod', team: 'x' }),
      { name: 'a', labels: { 'istio.io/rev': 'prod' }, gets: 'canary', detail: '' },
    ],
    [
      'gets nobody, and says why',
      (m) => m.namespace('a', { 'istio-injection': 'disabled' }),
      { gets: 'nobody', detail: 'the namespace label istio-injection is "disabled", not "enabled"' },
    ],
    [
      'would be refused',
      (m) => m.tag('lost', 'gone').namespace('a', { 'istio.io/rev': 'lost' }),
      { gets: 'refused', detail: 'Service istio-system/istiod-gone does not exist' },
    ],
    ['without label and proxy is not of the mesh', (m) => m.namespace('a').workload('a', 'x'), undefined],
    [
      'without label is shown for a pod with a proxy',
      (m) => m.namespace('a').workload('a', 'x', { on: 'default' }),
      { labels: {}, gets: 'nobody', podsByRevision: { default: 1 } },
    ],
    [
      'without label gets what all of its workloads with a proxy get by their own labels',
      (m) =>
        m
          .namespace('a')
          .workload('a', 'gw', { on: 'canary', template: { metadata: { labels: { 'istio.io/rev': 'canary' } } } })
          .workload('a', 'plain'),
      { labels: {}, gets: 'canary', detail: '', toMove: 0 },
    ],
    [
      'without label gets nobody where its workloads do not agree',
      (m) =>
        m
          .namespace('a')
          .workload('a', 'gw', { on: 'canary', template: { metadata: { labels: { 'istio.io/rev': 'canary' } } } })
          .workload('a', 'other', { on: 'default' }),
      { gets: 'nobody' },
    ],
    [
      'counts pods without a proxy apart',
      (m) => m.namespace('a', { 'istio.io/rev': 'canary' }).workload('a', 'x', { on: 'canary', replicas: 2 }).workload('a', 'y'),
      { podsByRevision: { canary: 2, none: 1 } },
    ],
    [
      'counts the pods of workloads that are not in the mesh',
      (m) => m.namespace('a', { 'istio-injection': 'disabled' }).workload('a', 'y'),
      { podsByRevision: { none: 1 }, toMove: 0 },
    ],
    [
      'has workloads to move',
      (m) => m.namespace('a', { 'istio.io/rev': 'canary' }).workload('a', 'x', { on: 'default' }).workload('a', 'y', { on: 'canary' }),
      { toMove: 1, podsByRevision: { default: 1, canary: 1 } },
    ],
    [
      'has none when the old pods end',
      (m) =>
        m
          .namespace('a', { 'istio.io/rev': 'canary' })
          .pod('a', 'x', { on: 'default', deleting: true })
          .pod('a', 'y', { on: 'default', phase: 'Failed' }),
      { toMove: 0, podsByRevision: {} },
    ],
    [
      'counts its gateways',
      (m) =>
        m
          .namespace('a', { 'istio.io/rev': 'canary' })
          .workload('a', 'gw', { template: { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } } }),
      { gateways: 1 },
    ],
  ])('a namespace %s', (_name, change, expected) => {
    if (expected === undefined) expect(namespaceStatus(change)).toBeUndefined();
    else expect(namespaceStatus(change)).toMatchObject(expected);
  });

  it('a namespace is told by its own pods, workloads and gateways, and with the labels of Istio only', () => {
    const gateway = { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } };
    const [a] = summarizeMesh(
      mesh()
        .namespace('a', { 'istio.io/rev': 'canary', team: 'x' })
        .workload('a', 'old', { on: 'default', replicas: 2 })
        .workload('a', 'older', { on: 'default' })
        .workload('a', 'half', { on: 'canary' })
        .pod('a', 'half-old', { on: 'default', owner: { kind: 'ReplicaSet', name: 'half-hash', uid: 'uid-Deployment-a-half-ReplicaSet' } })
        .workload('a', 'new', { on: 'canary' })
        .workload('a', 'gw', { on: 'canary', template: gateway })
        .pod('a', 'going', { on: 'default', deleting: true })
        .namespace('b', { 'istio.io/rev': 'canary' })
        .workload('b', 'other', { on: 'default' })
        .workload('b', 'gw', { on: 'default', template: gateway })
        .inventory(),
    ).namespaces;
    expect(a).toEqual({
      name: 'a',
      labels: { 'istio.io/rev': 'canary' },
      gets: 'canary',
      detail: '',
      podsByRevision: { default: 4, canary: 3 },
      toMove: 3,
      gateways: 1,
    });
  });

  it('where nobody injects, there is nothing to move, and ending pods are not counted', () => {
    const status = (change: (builder: MeshBuilder) => MeshBuilder): unknown => {
      const [a] = summarizeMesh(change(mesh()).inventory()).namespaces;
      return [a?.toMove, a?.podsByRevision];
    };
    expect(status((m) => m.namespace('a', { 'istio-injection': 'disabled' }).workload('a', 'x', { on: 'default' }))).toEqual([
      0,
      { default: 1 },
    ]);
    expect(
      status((m) => m.namespace('a', { 'istio.io/rev': 'canary' }).workload('a', 'x').pod('a', 'y', { on: 'default', deleting: true })),
    ).toEqual([0, { none: 1 }]);
  });

  it('overlapping webhooks are told by all their revisions', () => {
    const overlap = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .defaultTo('canary');
    expect(summarizeMesh(overlap.namespace('a', { 'istio-injection': 'enabled' }).inventory()).namespaces[0]?.gets).toBe(
      'canary and default',
    );
    expect(decisionText(undefined)).toBe('nobody');
  });

  it('workloads are those with a proxy, now or next', () => {
    const status = summarizeMesh(
      mesh()
        .namespace('a', { 'istio.io/rev': 'canary' })
        .workload('a', 'mixed', { replicas: 1, on: 'default', proxyVersion: '1.28.2' })
        .pod('a', 'mixed-new', {
          on: 'canary',
          proxyVersion: '1.29.1',
          owner: { kind: 'ReplicaSet', name: 'mixed-hash', uid: 'uid-Deployment-a-mixed-ReplicaSet' },
        })
        .pod('a', 'mixed-gone', {
          on: 'canary',
          proxyVersion: '1.20.0',
          phase: 'Failed',
          owner: { kind: 'ReplicaSet', name: 'mixed-hash', uid: 'uid-Deployment-a-mixed-ReplicaSet' },
        })
        .workload('a', 'next', { replicas: 0 })
        .workload('a', 'off', { template: { metadata: { labels: { app: 'off', 'sidecar.istio.io/inject': 'false' } } } })
        .inventory(),
    );
    expect(status.workloads).toEqual([
      {
        namespace: 'a',
        kind: 'Deployment',
        name: 'mixed',
        desiredPods: 1,
        podsByRevision: { default: 1, canary: 1 },
        proxyVersions: ['1.28.2', '1.29.1'],
        gets: 'canary',
      },
      { namespace: 'a', kind: 'Deployment', name: 'next', desiredPods: 0, podsByRevision: {}, proxyVersions: [], gets: 'canary' },
    ]);
  });

  it('pods are those that run with a proxy, with the worst state of their connections', () => {
    const status = summarizeMesh(
      mesh()
        .workload('a', 'fine', { on: 'default' })
        .pod('a', 'two', { on: 'default' })
        .connection('canary', 'two.a', { types: STALE })
        .pod('a', 'alone', { on: 'default', connectedTo: null, ready: false, classic: true })
        .pod('a', 'ended', { on: 'default', phase: 'Succeeded' })
        .pod('a', 'plain')
        .inventory(),
    );
    const pods = Object.fromEntries(status.pods.map((pod) => [pod.name, pod]));
    expect(Object.keys(pods).toSorted()).toEqual(['alone', 'fine-0', 'two']);
    expect(pods['fine-0']).toEqual({
      namespace: 'a',
      name: 'fine-0',
      workload: 'a/deployment/fine',
      revision: 'default',
      proxyVersion: '1.28.2',
      proxyType: 'sidecar',
      nativeSidecar: true,
      ready: true,
      createdAt: '2026-01-01T00:00:00Z',
      connectedTo: ['istiod-default-abc'],
      sync: 'synced',
    });
    expect(pods['two']).toMatchObject({ connectedTo: ['istiod-default-abc', 'istiod-canary-abc'], sync: 'stale' });
    expect(pods['alone']).toMatchObject({ connectedTo: [], sync: 'not-connected', ready: false, nativeSidecar: false });
  });

  it('gateways have the pods of their workload and their addresses', () => {
    const gateway: KubeObject = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'api', namespace: 'a' },
      status: { addresses: [{ value: '192.0.2.9' }, {}] },
    };
    const status = summarizeMesh(
      mesh()
        .object(gateway)
        .workload('a', 'gw', {
          on: 'default',
          replicas: 2,
          template: { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } },
        })
        .inventory(),
    );
    expect(status.gateways).toEqual([
      { namespace: 'a', name: 'api', source: 'gateway-api', podsByRevision: {}, addresses: ['192.0.2.9'] },
      { namespace: 'a', name: 'gw', source: 'injected', podsByRevision: { default: 2 }, addresses: [] },
    ]);
  });

  it('limited to namespaces, it counts the whole mesh by revision all the same', () => {
    const inventory = mesh()
      .namespace('a', { 'istio.io/rev': 'canary' })
      .workload('a', 'x', { on: 'canary', template: { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } } })
      .namespace('b', { 'istio.io/rev': 'canary' })
      .workload('b', 'y', { on: 'canary', template: { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } } })
      .inventory();
    const status = summarizeMesh(inventory, ['b']);
    expect([status.namespaces, status.workloads, status.pods, status.gateways].map((list) => list.map((item) => item.name))).toEqual([
      ['b'],
      ['y'],
      ['y-0'],
      ['y'],
    ]);
    expect(status.revisions.map((r) => r.pods)).toEqual([0, 2]);
  });
});

describe('summarizeProxies', () => {
  const proxies = (builder: MeshBuilder, namespaces: readonly string[] = []): unknown[] =>
    summarizeProxies(builder.inventory(), namespaces).map((p) => [p.proxy, p.revision, p.injectedBy, p.istiod, p.state, p.hasPod]);

  it('has a line for every connection, and for every proxy without one', () => {
    const builder = mesh()
      .pod('b', 'web', { on: 'default' })
      .pod('a', 'moved', { on: 'default', connectedTo: 'canary' })
      .pod('a', 'alone', { on: 'canary', connectedTo: null })
      .pod('a', 'ended', { on: 'canary', connectedTo: null, phase: 'Failed' })
      .pod('a', 'plain')
      .connection('canary', 'web.b', { types: STALE })
      .connection('default', 'vm.fleet', { types: {} });
    expect(proxies(builder)).toEqual([
      ['alone.a', 'canary', 'canary', '', 'not-connected', true],
      ['moved.a', 'canary', 'default', 'istiod-canary-abc', 'synced', true],
      ['vm.fleet', 'default', '', 'istiod-default-abc', 'not-sent', false],
      ['web.b', 'default', 'default', 'istiod-default-abc', 'synced', true],
      ['web.b', 'canary', 'default', 'istiod-canary-abc', 'stale', true],
    ]);
    expect(proxies(builder, ['fleet', 'a'])).toHaveLength(3);
  });

  it('one without a connection is unknown while an istiod could not be asked', () => {
    const builder = mesh()
      .revision({ revision: 'mute', version: '1.28.2' }, { error: 'no answer' })
      .pod('a', 'alone', { on: 'default', connectedTo: null });
    expect(proxies(builder)).toEqual([['alone.a', 'default', 'default', '', 'unknown', true]]);
  });

  it('what the proxy says of itself comes first, then what its pod shows', () => {
    const [said, shown, alone] = summarizeProxies(
      mesh()
        .pod('a', '1', { on: 'default', connectedTo: null })
        .connection('default', '1.a', { istioVersion: '1.29.9', proxyType: 'router', clusterId: 'west' })
        .pod('a', '2', { on: 'default', connectedTo: null, deleting: true })
        .connection('default', '2.a', { istioVersion: undefined as never, clusterId: undefined as never })
        .pod('a', '3', { on: 'default', connectedTo: null })
        .inventory(),
    );
    expect(said).toMatchObject({
      namespace: 'a',
      version: '1.29.9',
      type: 'router',
      cluster: 'west',
      terminating: false,
      types: { CDS: 'synced', RDS: 'synced' },
    });
    expect(shown).toMatchObject({ version: '1.28.2', type: 'sidecar', cluster: '', terminating: true });
    expect(alone).toMatchObject({ namespace: 'a', version: '1.28.2', type: 'sidecar', cluster: '', types: {}, terminating: false });
  });
});
