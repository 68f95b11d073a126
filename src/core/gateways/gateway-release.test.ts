/** How a gateway of a Helm release goes on as another one: what the chart is told, and what keeps it from it. */
import { describe, expect, it } from 'vitest';
import { gatewayObjects } from '../../../test/kit/fake-gateways.ts';
import { renderGateway } from '../../../test/kit/fake-gateway-chart.ts';
import type { HelmRelease } from '../helm/release.ts';
import type { KubeObject, PodController, Service } from '../mesh/kube-objects.ts';
import { copyName } from './copy-gateway.ts';
import {
  heirOf,
  judgeRendered,
  mergeValues,
  replicasOverride,
  withRelease,
  type GatewayHeir,
  type SuccessionInput,
} from './gateway-release.ts';
import { templateDiff } from './template-diff.ts';

const surroundings = gatewayObjects('edge', 'ingress', { release: 'gw', autoscaled: { min: 2, max: 5 } });
const live = surroundings.find((object) => object.kind === 'Deployment') as PodController;
const old: HelmRelease = {
  name: 'gw',
  namespace: 'edge',
  version: 3,
  status: 'deployed',
  values: { autoscaling: { enabled: true }, env: { A: '1' } },
  chart: { name: 'gateway', version: '1.28.2' },
};
const input = (more: Partial<SuccessionInput> = {}): SuccessionInput => ({
  live,
  revision: 'new',
  label: 'new',
  releases: [old],
  surroundings,
  ...more,
});
const heir = heirOf(input()) as GatewayHeir;
const withSpec = (spec: object): PodController => ({ ...live, spec: { ...live.spec, ...spec } });
const named = (name: string): PodController => ({ ...live, metadata: { ...live.metadata, name } });

describe('the release that takes the place of another', () => {
  it('has the name of the gateway and the revision, and is told what keeps the pods behind the Service', () => {
    expect(heir).toEqual({
      old: { name: 'gw', namespace: 'edge' },
      release: { name: 'ingress-new', namespace: 'edge' },
      overrides: {
        name: 'ingress-new',
        revision: 'new',
        labels: { app: 'ingress', istio: 'ingress', 'meshlift.io/revision': 'new' },
        service: { type: 'None' },
        serviceAccount: { name: 'ingress' },
        autoscaling: { minReplicas: 2, maxReplicas: 5 },
      },
    });
  });

  it('follows a tag where its template does', () => {
    const tagged = heirOf(input({ label: 'prod' })) as GatewayHeir;
    expect([tagged.release.name, tagged.overrides['revision']]).toEqual(['ingress-new', 'prod']);
  });

  it('is followed by one of the same gateway, whose selector has no label of ours', () => {
    const labelled = { ...named('ingress-new'), metadata: { ...named('ingress-new').metadata, labels: { 'meshlift.io/revision': 'new' } } };
    expect(copyName(labelled, 'newer')).toBe('ingress-newer');
  });

  it.each<[string, Partial<SuccessionInput>, string | undefined]>([
    ['a gateway of no release', { live: { ...live, metadata: { name: 'ingress', namespace: 'edge' } } }, undefined],
    ['records that may not be read', { releases: undefined }, 'the records of gw may not be read'],
    ['no records', { releases: [] }, 'gw has no records'],
    ['another chart', { releases: [{ ...old, chart: { name: 'stack', version: '1' } }] }, "the chart of gw is stack, not Istio's gateway"],
    ['an unreadable record', { releases: [{ name: 'gw', namespace: 'edge', version: 1, status: 'deployed', values: {} }] }, 'unknown'],
    ['a change that was begun', { releases: [{ ...old, status: 'pending-upgrade' }] }, 'gw is pending-upgrade'],
    ['a change that failed', { releases: [{ ...old, status: 'failed' }] }, 'gw is failed'],
    ['a long name', { live: named('g'.repeat(50)) }, 'longer than the 53 characters that Helm allows'],
    ['a name that is taken', { releases: [old, { ...old, name: 'ingress-new' }] }, 'there is a release ingress-new already'],
    ['another selector', { live: withSpec({ selector: { matchLabels: { app: 'ingress' } } }) }, 'is not the one of the chart'],
    [
      'a selector of a copy',
      { live: withSpec({ selector: { matchLabels: { app: 'a', istio: 'b', 'meshlift.io/revision': 'old' } } }) },
      'is not the one of the chart',
    ],
  ])('%s', (_name, more, why) => {
    const found = heirOf(input(more));
    if (why === undefined) expect(found).toBeUndefined();
    else expect((found as { why: string }).why).toContain(why);
  });
});

describe('values', () => {
  it('are merged map by map; anything else is replaced', () => {
    const values = { a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } };
    expect(mergeValues(values, { a: { c: [3], g: 2 }, d: { h: 1 }, e: null })).toEqual({ a: { b: 1, c: [3], g: 2 }, d: { h: 1 }, e: null });
    expect(values).toEqual({ a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } });
  });

  it.each<[number | undefined, number | undefined, object]>([
    [2, 2, {}],
    [2, 3, { replicaCount: 3 }],
    [2, undefined, { replicaCount: 1 }],
    [undefined, 3, {}],
  ])('say %s pods where %s are wanted: %o', (rendered, wanted, expected) => {
    const of = (replicas: number | undefined): KubeObject => ({
      ...live,
      spec: replicas === undefined ? {} : { replicas },
    });
    expect(replicasOverride(of(rendered), of(wanted))).toEqual(expected);
  });
});

describe('what the chart renders', () => {
  const rendered = (values: object = {}): KubeObject[] =>
    renderGateway({ release: heir.release, values: mergeValues({ autoscaling: { enabled: true }, ...values }, heir.overrides) }) ?? [];
  const service = surroundings.find((object) => object.kind === 'Service') as Service;
  const judge = (more: Partial<Parameters<typeof judgeRendered>[0]> = {}): ReturnType<typeof judgeRendered> =>
    judgeRendered({ heir, chart: '1.29.1', objects: rendered(), live, services: [service], surroundings, ...more });

  it('stands beside the gateway with the marks of its release, and leaves the number of pods to the shares', () => {
    const judged = judge();
    if (judged.kind !== 'release') expect.fail(judged.why);
    expect(judged.deployment.metadata.annotations).toEqual({
      'meta.helm.sh/release-name': 'ingress-new',
      'meta.helm.sh/release-namespace': 'edge',
    });
    expect(judged.deployment.spec).not.toHaveProperty('replicas');
    expect(judged.others.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'ServiceAccount/ingress',
      'HorizontalPodAutoscaler/ingress-new',
    ]);
  });

  it('lets go of the number of pods that it would set', () => {
    const counted = rendered({ replicaCount: 7 }).map((object) =>
      object.kind === 'Deployment' ? { ...object, spec: { ...(object['spec'] as object), replicas: 7 } } : object,
    );
    const judged = judge({ objects: counted });
    expect(judged.kind === 'release' && judged.deployment.spec).not.toHaveProperty('replicas');
  });

  const policy: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'edge' } };
  const pods = (
    change: (template: { metadata: { labels: Record<string, string> }; spec: Record<string, unknown> }) => void,
  ): PodController => {
    const template = structuredClone(live.spec?.template) as {
      metadata: { labels: Record<string, string> };
      spec: Record<string, unknown>;
    };
    change(template);
    return withSpec({ template });
  };
  it.each<[string, Partial<Parameters<typeof judgeRendered>[0]>, string]>([
    ['nothing', { objects: [] }, 'the chart renders no Deployment of its name'],
    ['more than a gateway', { objects: [...rendered(), policy] }, 'the chart renders ConfigMap edge/x too'],
    ['a Service all the same', { objects: [...rendered(), service] }, 'the chart renders Service edge/ingress too'],
    [
      'an autoscaler that nobody had',
      { surroundings: surroundings.filter(({ kind }) => kind !== 'HorizontalPodAutoscaler') },
      'the gateway has none',
    ],
    ['what is of another release', { heir: { ...heir, old: { name: 'other', namespace: 'edge' } } }, 'is not of the release other'],
    [
      'pods that a Service does not select',
      {
        services: [{ ...service, spec: { selector: { ...service.spec?.selector, extra: '1' } } }],
        live: pods((t) => (t.metadata.labels['extra'] = '1')),
      },
      'Service edge/ingress selects the old pods by a label that the chart gives others',
    ],
    [
      'no volume that the pods have',
      { live: pods((t) => (t.spec['volumes'] = [{ name: 'certs' }])) },
      'spec.template.spec.volumes, which the chart does not render',
    ],
    ['no label that the pods have', { live: pods((t) => (t.metadata.labels['team'] = 'edge')) }, 'spec.template.metadata.labels.team'],
  ])('%s: it is a copy instead', (_name, more, why) => {
    const judged = judge(more);
    expect(judged.kind === 'copy' ? judged.why : '').toContain(why);
  });

  it('does not mind what the API server set, nor a restart', () => {
    const defaulted = pods((template) => {
      Object.assign(template.spec, { dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', schedulerName: 'default-scheduler', volumes: [] });
      template.metadata.labels['sidecar.istio.io/inject'] = 'true';
      Object.assign(template.metadata, {
        annotations: { 'inject.istio.io/templates': 'gateway', 'kubectl.kubernetes.io/restartedAt': 'x' },
      });
    });
    expect(judge({ live: defaulted }).kind).toBe('release');
  });

  it('would restart pods only where it differs from them', () => {
    const deployment = rendered().find(({ kind }) => kind === 'Deployment') as KubeObject;
    const restarted = structuredClone(deployment) as KubeObject & {
      spec: { template: { metadata: { annotations: Record<string, string> } } };
    };
    restarted.spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt'] = 'x';
    expect(templateDiff(deployment, restarted)).toEqual([]);
    expect(templateDiff(rendered({ env: { A: '1' } }).find(({ kind }) => kind === 'Deployment') as KubeObject, deployment)).toHaveLength(1);
  });

  it.each<[string | number, string, boolean]>([
    ['2000m', '2', true],
    ['1024Mi', '1Gi', true],
    ['0.5', '500m', true],
    [2, '2', true],
    ['1e3', '1k', true],
    ['100m', '200m', false],
    ['1G', '1Gi', false],
    ['much', '1', false],
  ])('%s of a resource is %s to the API server: %s', (given, stored, same) => {
    const of = (cpu: unknown): KubeObject => ({
      ...live,
      spec: { template: { spec: { containers: [{ name: 'istio-proxy', resources: { limits: { cpu } } }] } } },
    });
    expect(templateDiff(of(given), of(stored))).toHaveLength(same ? 0 : 2);
  });

  it('is not equal where something else than a resource is written so', () => {
    const of = (value: string): KubeObject => ({ ...live, spec: { template: { metadata: { annotations: { limit: value } } } } });
    expect(templateDiff(of('2000m'), of('2'))).toHaveLength(2);
  });

  it('keeps the labels of the chart beside the marks of its release', () => {
    expect(withRelease(service, heir.release).metadata).toMatchObject({
      labels: { app: 'ingress', 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': 'ingress-new' },
    });
  });
});
