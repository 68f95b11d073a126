/** What bears the name of a revision, or stands beside it, and keeps it not; and what names one that is gone. */
import { describe, expect, it } from 'vitest';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import type { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { apiGateway, cni, istioService, machine, unusedOld, urlWebhook, ztunnel } from '../../../test/kit/unused-mesh.ts';
import type { ReadCluster } from '../mesh/mesh-objects.ts';
import { findUses } from './find-uses.ts';
import { usageVerdict, type Usage } from './usage.ts';

type Change = (mesh: MeshBuilder) => MeshBuilder;

const usage = (change: Change): Usage => findUses('old', change(unusedOld()).inventory());

describe('what is no reason, and may be worth a note', () => {
  const clusters: readonly ReadCluster[] = [
    { id: 'east', syncStatus: 'synced' },
    { id: 'west', secret: 'istio-system/istio-remote-secret-west', syncStatus: 'timeout' },
  ];

  it.each<[string, Change, RegExp | undefined]>([
    [
      'the CNI, whoever installed it last',
      (m) => m.object(cni('old')),
      /^DaemonSet istio-system\/istio-cni-node \(1\.28\.2\) is labelled istio\.io\/rev=old/,
    ],
    ['the CNI of the other one', (m) => m.object(cni('new')), undefined],
    ['ztunnel of the other one', (m) => m.object(ztunnel('istiod-new')), undefined],
    [
      'a label that another beats',
      (m) => m.namespace('both', { 'istio-injection': 'disabled', 'istio.io/rev': 'old' }),
      /^namespace both has istio\.io\/rev=old, which istio-injection=disabled beats$/,
    ],
    [
      'a load balancer before its istiod',
      (m) =>
        m.object(
          istioService('expose', { 'istio.io/rev': 'old' }, { type: 'LoadBalancer', selector: { app: 'istiod', 'istio.io/rev': 'old' } }),
        ),
      /^Service istio-system\/expose \(LoadBalancer\) offers its istiod/,
    ],
    ['a Gateway of another product', (m) => m.namespace('x').object(apiGateway('x', 'edge', 'acme')), undefined],
    ['a Gateway that only tells an address', (m) => m.object(apiGateway('shop', 'edge', 'istio-remote')), undefined],
    ['a Gateway of the other one', (m) => m.object(apiGateway('shop', 'edge', 'istio')), undefined],
    [
      'a machine that has left',
      (m) => m.object(machine('WorkloadEntry', {}, { 'istio.io/workloadController': 'istiod-old-abc' })),
      undefined,
    ],
    [
      'a machine of an istiod that is no more',
      (m) => m.object(machine('WorkloadEntry', {}, { 'istio.io/connectedAt': 'x', 'istio.io/workloadController': 'istiod-old-gone' })),
      undefined,
    ],
    [
      'a webhook that calls something else',
      (m) => m.object({ ...urlWebhook, webhooks: [{ name: 'x', clientConfig: { url: 'https://x.y.svc/z' } }] }),
      undefined,
    ],
    [
      'a webhook that calls a Service of all istiods',
      (m) =>
        m.object(istioService('istiods', {}, { selector: { app: 'istiod' } }), {
          ...urlWebhook,
          webhooks: [{ name: 'x', clientConfig: { service: { name: 'istiods', namespace: 'istio-system' } } }],
        }),
      undefined,
    ],
    ['a waypoint label without a waypoint', (m) => m.namespace('x', { 'istio.io/use-waypoint': 'none' }), undefined],
  ])('%s', (_name, change, note) => {
    const found = usage(change);
    expect([found.uses, usageVerdict(found)]).toEqual([[], 'unused']);
    expect(found.notes).toEqual(note === undefined ? [] : [expect.stringMatching(note)]);
  });

  it('clusters that it reads', () => {
    const found = findUses(
      'old',
      unusedOld({ istiods: [{ pod: 'p', namespace: 'istio-system', revision: 'old', proxies: [], clusters }] }).inventory(),
    );
    expect([found.notes, found.unknown]).toEqual([[expect.stringMatching(/^cluster west is read by the istiods here \(timeout\)/)], []]);
  });
});

describe('a control plane that is gone', () => {
  const named: Change = (m) =>
    m
      .namespace('lost', { 'istio.io/rev': 'ghost' })
      .namespace('plain')
      .workload('plain', 'x', { replicas: 0, template: { metadata: { labels: { app: 'x', 'istio.io/rev': 'ghost' } } } })
      .pod('plain', 'left', { on: 'ghost', connectedTo: null })
      .object(apiGateway('plain', 'edge', 'istio', { 'istio.io/rev': 'ghost' }));

  it('is told with everything that names it', () => {
    const found = findUses('ghost', named(unusedOld()).inventory());
    expect([found.gone, ...found.uses.map(({ object, detail }) => `${object}: ${detail}`)]).toEqual([
      true,
      'plain/left: injected by it, a pod without a controller',
      'plain/deployment/x: scaled to zero; its template has istio.io/rev=ghost: its next pod would get no sidecar',
      'plain/edge: its label istio.io/rev=ghost',
      'namespace lost: istio.io/rev=ghost leads nowhere: its next pods get no sidecar',
    ]);
  });

  it('does not count its own webhooks, which are what is left to remove', () => {
    const mesh = unusedOld().object(
      injectorWebhooks({ configuration: 'istio-sidecar-injector-ghost', value: 'ghost', revision: 'ghost', service: 'istiod-ghost' }),
    );
    const found = findUses('ghost', mesh.inventory());
    expect([found.uses, found.notes]).toEqual([[], ['its webhooks istio-sidecar-injector-ghost are left behind']]);
  });
});
