import { describe, expect, it, test } from 'vitest';
import type { KubeObject } from '../../objects/kube-object.ts';
import { selects, type LabelSelector } from '../injection/decide-injection.ts';
import { istioManifests } from './istio-manifests.ts';

type Labels = Readonly<Record<string, string>>;

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service: { readonly name: string } };
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
}

function namesOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.filter(({ kind }) => kind !== 'CustomResourceDefinition').map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

/** Services of the webhooks that the API server would call for a pod. */
function calledFor(objects: readonly KubeObject[], namespace: Labels, pod: Labels): readonly string[] {
  return objects
    .filter(({ kind }) => kind === 'MutatingWebhookConfiguration')
    .flatMap(({ metadata, ...rest }) =>
      (rest['webhooks'] as readonly Webhook[])
        .filter((webhook) => selects(webhook.namespaceSelector, namespace) && selects(webhook.objectSelector, pod))
        .map((webhook) => `${metadata.name} ${webhook.clientConfig.service.name}`),
    );
}

it('names what belongs to a revision as the charts do', () => {
  expect(namesOf(istioManifests({ revision: '1-29-1', version: '1.29.1' }))).toEqual([
    'ServiceAccount istio-reader-service-account',
    'ServiceAccount istiod-1-29-1',
    'ClusterRole istiod-clusterrole-1-29-1-istio-system',
    'ClusterRoleBinding istiod-clusterrole-1-29-1-istio-system',
    'ClusterRole istiod-gateway-controller-1-29-1-istio-system',
    'ClusterRoleBinding istiod-gateway-controller-1-29-1-istio-system',
    'ClusterRole istio-reader-clusterrole-1-29-1-istio-system',
    'ClusterRoleBinding istio-reader-clusterrole-1-29-1-istio-system',
    'Role istiod-1-29-1',
    'RoleBinding istiod-1-29-1',
    'ConfigMap istio-1-29-1',
    'ConfigMap istio-sidecar-injector-1-29-1',
    'ConfigMap values-1-29-1',
    'Service istiod-1-29-1',
    'Deployment istiod-1-29-1',
    'MutatingWebhookConfiguration istio-sidecar-injector-1-29-1',
    'ValidatingWebhookConfiguration istio-validator-1-29-1-istio-system',
  ]);
});

describe('the default of istioctl', () => {
  const objects = istioManifests({ revision: 'default', version: '1.28.2', defaults: 'istioctl', tags: ['prod'] });
  test.each<[namespace: Labels, pod: Labels, called: readonly string[]]>([
    [{ 'istio-injection': 'enabled' }, {}, ['istio-revision-tag-default istiod']],
    [{ 'istio-injection': 'enabled', 'istio.io/rev': 'prod' }, {}, ['istio-revision-tag-default istiod']],
    [{ 'istio-injection': 'disabled', 'istio.io/rev': 'prod' }, {}, []],
    [{ 'istio.io/rev': 'prod' }, {}, ['istio-revision-tag-prod istiod']],
    [{ 'istio.io/rev': 'prod' }, { 'sidecar.istio.io/inject': 'false' }, []],
    [{}, { 'istio.io/rev': 'prod' }, ['istio-revision-tag-prod istiod']],
    [{}, { 'sidecar.istio.io/inject': 'true' }, ['istio-revision-tag-default istiod']],
    [{}, {}, []],
    [{ 'istio.io/rev': 'ghost' }, {}, []],
  ])('a namespace with %j and a pod with %j', (namespace, pod, called) => {
    expect(calledFor(objects, namespace, pod)).toEqual(called);
  });

  it('labels the tags of people so that istioctl leaves them alone', () => {
    const labels = (name: string): Labels => objects.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {};
    expect(labels('istio-revision-tag-prod')).toMatchObject({ 'istio.io/tag': 'prod', 'istio.io/rev': 'default' });
    expect(labels('istio-revision-tag-prod')['operator.istio.io/component']).toBeUndefined();
    expect(labels('istio-revision-tag-default')).toMatchObject({ 'istio.io/tag': 'default', 'operator.istio.io/component': 'Pilot' });
    expect(namesOf(objects)).toContain('Service istiod-revision-tag-prod');
  });
});

it('leaves injection to the control plane itself where Helm installed it', () => {
  const objects = istioManifests({ revision: 'default', version: '1.28.2', defaults: 'helm' });
  expect(calledFor(objects, { 'istio-injection': 'enabled' }, {})).toEqual(['istio-sidecar-injector istiod']);
  expect(namesOf(objects)).toContain('ValidatingWebhookConfiguration istiod-default-validator');
});

test.each([
  ['1.26.8', 14, 'v1beta1', 'v1beta1'],
  ['1.27.9', 14, 'v1', 'v1beta1'],
  ['1.28.2', 14, 'v1', 'v1'],
  ['1.30.3', 15, 'v1', 'v1'],
])('%s brings %i CRDs and stores networking as %s, security as %s', (version, count, networking, security) => {
  const crds = istioManifests({ revision: 'x', version }).filter(({ kind }) => kind === 'CustomResourceDefinition');
  const stored = (name: string): string | undefined => {
    const spec = crds.find(({ metadata }) => metadata.name === name)?.['spec'] as
      { versions: { name: string; storage: boolean }[] } | undefined;
    return spec?.versions.find(({ storage }) => storage)?.name;
  };
  expect([crds.length, stored('gateways.networking.istio.io'), stored('peerauthentications.security.istio.io')]).toEqual([
    count,
    networking,
    security,
  ]);
});

test.each([
  ['1.26.8', 1, true],
  ['1.28.2', 1, false],
  ['1.28.2', 2, true],
])('%s with %i istiods has a disruption budget: %s', (version, replicas, has) => {
  expect(namesOf(istioManifests({ revision: 'x', version, replicas })).includes('PodDisruptionBudget istiod-x')).toBe(has);
});

it('takes images from the registry of the version', () => {
  const image = (version: string): string | undefined => {
    const spec = istioManifests({ revision: 'x', version }).find(({ kind }) => kind === 'Deployment')?.['spec'];
    return (spec as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec.containers[0]?.image;
  };
  expect([image('1.29.1'), image('1.30.0')]).toEqual(['docker.io/istio/pilot:1.29.1', 'registry.istio.io/release/pilot:1.30.0']);
});
