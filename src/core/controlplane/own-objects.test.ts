import { describe, expect, it } from 'vitest';
import { controlPlaneObjects, defaultObjects, injectorWebhooks, sharedObjects } from '../../../test/kit/istio-objects.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { installOrder, ownObjects } from './own-objects.ts';

const NAMESPACE = 'istio-system';
const CANARY = controlPlaneObjects({ revision: 'canary', version: '1.29.1' });
const UNREVISIONED = controlPlaneObjects({ revision: 'default', version: '1.28.2' });

function object(kind: string, name: string, more: { labels?: Record<string, string>; [field: string]: unknown } = {}): KubeObject {
  const { labels, namespace = NAMESPACE, ...rest } = more;
  return {
    apiVersion: 'x/v1',
    kind,
    metadata: { name, namespace: namespace as string, ...(labels === undefined ? {} : { labels }) },
    ...rest,
  };
}

/** Names of what an object beside a control plane adds to its own objects. */
function taken(revision: string, own: readonly KubeObject[], ...beside: readonly KubeObject[]): string[] {
  const before = new Set(own.map((o) => `${o.kind}/${o.metadata.name}`));
  return ownObjects(revision, [...own, ...beside])
    .map((o) => `${o.kind}/${o.metadata.name}`)
    .filter((name) => !before.has(name));
}

const CANARY_PODS = { app: 'istiod', 'istio.io/rev': 'canary' };
const BY_REVISION = { labels: { 'istio.io/rev': 'canary' } };

describe('what is around istiod is its own', () => {
  it.each<[string, KubeObject]>([
    ['its autoscaler', object('HorizontalPodAutoscaler', 'a', { ...BY_REVISION, spec: { scaleTargetRef: { name: 'istiod-canary' } } })],
    ['its disruption budget', object('PodDisruptionBudget', 'a', { ...BY_REVISION, spec: { selector: { matchLabels: CANARY_PODS } } })],
    [
      'its network policy',
      object('NetworkPolicy', 'istiod-canary', { ...BY_REVISION, spec: { podSelector: { matchLabels: CANARY_PODS } } }),
    ],
    ['a second Service of it', object('Service', 'istiod-remote', { ...BY_REVISION, spec: { selector: CANARY_PODS } })],
    ['classes of gateways', object('ConfigMap', 'istio-canary-gatewayclass-x', BY_REVISION)],
  ])('%s', (_name, beside) => {
    expect(taken('canary', CANARY, beside)).toEqual([`${beside.kind}/${beside.metadata.name}`]);
  });
});

describe('what is near and not its own', () => {
  const other = { spec: { scaleTargetRef: { name: 'istiod' } } };
  it.each<[string, KubeObject]>([
    ['the autoscaler of another Deployment', object('HorizontalPodAutoscaler', 'a', { ...BY_REVISION, ...other })],
    [
      'the budget of other pods',
      object('PodDisruptionBudget', 'a', { ...BY_REVISION, spec: { selector: { matchLabels: { app: 'gw' } } } }),
    ],
    [
      'a Service of the same pods in another namespace',
      object('Service', 'a', { namespace: 'mon', ...BY_REVISION, spec: { selector: CANARY_PODS } }),
    ],
    ['a Service without a selector', object('Service', 'a', { ...BY_REVISION, spec: {} })],
    ['another Deployment', object('Deployment', 'istio-ingressgateway', BY_REVISION)],
    ['a ServiceAccount of another', object('ServiceAccount', 'istio-ingressgateway-service-account', BY_REVISION)],
    ['a tag', injectorWebhooks({ configuration: 't', value: 'prod', revision: 'canary', tag: 'prod', service: 'istiod-canary' })],
    ['objects of another revision', object('ConfigMap', 'istio-other', { labels: { 'istio.io/rev': 'other' } })],
    ['objects without any label', object('ConfigMap', 'istio-ca-root-cert')],
    ['a role that nothing binds', object('Role', 'istiod-canary-old')],
  ])('%s', (_name, beside) => {
    expect(taken('canary', CANARY, beside)).toEqual([]);
  });

  it.each<[string, KubeObject]>([
    ['a Service of the istiods of all revisions', object('Service', 'istiod-metrics', { spec: { selector: { app: 'istiod' } } })],
    [
      'a budget for the istiods of all revisions',
      object('PodDisruptionBudget', 'istiods', { spec: { selector: { matchLabels: { app: 'istiod' } } } }),
    ],
    ['a budget for every pod of the namespace', object('PodDisruptionBudget', 'all', { spec: { selector: {} } })],
  ])('%s, which somebody made by hand', (_name, beside) => {
    expect(taken('canary', [...CANARY, ...UNREVISIONED], beside)).toEqual([]);
  });

  it.each(['default', 'canary'])('the default tag, its validator and its Service, although they point to %s', (revision) => {
    const own = revision === 'default' ? UNREVISIONED : CANARY;
    expect(taken(revision, own, ...defaultObjects(revision), ...sharedObjects())).toEqual([]);
  });
});

/**
 * istioctl labels everything with the revision that it installed last, and the CNI chart labels its objects with
 * `default` when it is not told otherwise.
 * @source istio/istio manifests/charts/istio-cni/templates, operator/pkg/install/installer.go @86c9f01
 */
describe.each([
  ['default', UNREVISIONED],
  ['canary', CANARY],
])('the CNI, ztunnel and gateways are shared, although they are labelled with %s', (revision, own) => {
  const labelled = (component: string): { labels: Record<string, string> } => ({
    labels: { 'istio.io/rev': revision, 'operator.istio.io/component': component },
  });
  const selects = (app: string): { spec: object } => ({ spec: { podSelector: { matchLabels: { app } } } });
  it.each<[string, KubeObject]>([
    ['DaemonSet of the CNI', object('DaemonSet', 'istio-cni-node', labelled('Cni'))],
    ['DaemonSet of the CNI by another installer', object('DaemonSet', 'istio-cni-node', { labels: { 'istio.io/rev': revision } })],
    ['ConfigMap of the CNI', object('ConfigMap', 'istio-cni-config', labelled('Cni'))],
    ['NetworkPolicy of the CNI', object('NetworkPolicy', 'istio-cni', { ...labelled('Cni'), ...selects('istio-cni-node') })],
    ['DaemonSet of ztunnel', object('DaemonSet', 'ztunnel', labelled('Ztunnel'))],
    [
      'NetworkPolicy of a gateway',
      object('NetworkPolicy', 'istio-ingressgateway', { ...labelled('IngressGateways'), ...selects('istio-ingressgateway') }),
    ],
    ['CRD', object('CustomResourceDefinition', 'gateways.networking.istio.io', labelled('Base'))],
  ])('%s', (_name, beside) => {
    expect(taken(revision, own, beside)).toEqual([]);
  });
});

describe('accounts and roles', () => {
  const bare = controlPlaneObjects({ revision: 'canary', version: '1.29.1', installedBy: 'helm' });
  const rbac = (kind: string, name: string, more: Record<string, unknown> = {}): KubeObject => object(kind, name, more);
  const subject = (name: string, namespace: string | undefined = NAMESPACE): object => ({ kind: 'ServiceAccount', name, namespace });
  const binding = (kind: string, name: string, role: string, ...subjects: object[]): KubeObject =>
    rbac(kind, name, { roleRef: { kind: kind.replace('Binding', ''), name: role }, subjects });

  it('without labels are found through the account of the Deployment', () => {
    const found = ownObjects('canary', bare).map((o) => `${o.kind}/${o.metadata.name}`);
    expect(found.filter((name) => /Role|Account/.test(name)).toSorted()).toEqual([
      'ClusterRole/istio-reader-clusterrole-canary-istio-system',
      'ClusterRole/istiod-clusterrole-canary-istio-system',
      'ClusterRoleBinding/istio-reader-clusterrole-canary-istio-system',
      'ClusterRoleBinding/istiod-clusterrole-canary-istio-system',
      'Role/istiod-canary',
      'RoleBinding/istiod-canary',
      'ServiceAccount/istiod-canary',
    ]);
  });

  it('an account that another Deployment runs with stays', () => {
    const second = object('Deployment', 'other', { spec: { template: { spec: { serviceAccountName: 'istiod-canary' } } } });
    const found = ownObjects('canary', [...bare, second]).filter((o) => o.kind === 'ServiceAccount');
    expect(found).toEqual([]);
  });

  it('a Deployment without an account of its own has none', () => {
    const stripped = bare.map((o) => (o.kind === 'Deployment' ? withoutAccount(o) : o));
    expect(ownObjects('canary', stripped).filter((o) => o.kind === 'ServiceAccount')).toEqual([]);
  });

  it.each<[string, KubeObject[], string[]]>([
    [
      'a binding for its account alone, with its role',
      [binding('RoleBinding', 'b', 'r', subject('istiod-canary')), rbac('Role', 'r')],
      ['Role/r', 'RoleBinding/b'],
    ],
    [
      'a binding that names no namespace means its own',
      [binding('RoleBinding', 'b', 'r', { kind: 'ServiceAccount', name: 'istiod-canary' })],
      ['RoleBinding/b'],
    ],
    ['a binding for others too', [binding('RoleBinding', 'b', 'r', subject('istiod-canary'), subject('istiod'))], []],
    ['a binding for an account of that name elsewhere', [binding('ClusterRoleBinding', 'b', 'r', subject('istiod-canary', 'other'))], []],
    ['a binding for a user of that name', [binding('RoleBinding', 'b', 'r', { kind: 'User', name: 'istiod-canary' })], []],
    ['a binding for nobody', [binding('RoleBinding', 'b', 'r')], []],
    [
      'a role that others are bound to as well stays',
      [binding('RoleBinding', 'a', 'r', subject('istiod-canary')), binding('RoleBinding', 'b', 'r', subject('other')), rbac('Role', 'r')],
      ['RoleBinding/a'],
    ],
    [
      'a ClusterRole is not a Role of that name',
      [binding('ClusterRoleBinding', 'b', 'r', subject('istiod-canary')), rbac('Role', 'r'), rbac('ClusterRole', 'r')],
      ['ClusterRole/r', 'ClusterRoleBinding/b'],
    ],
  ])('%s', (_name, beside, expected) => {
    expect(taken('canary', bare, ...beside).toSorted()).toEqual(expected);
  });

  it('of a revision that is not there belong to nobody', () => {
    const found = ownObjects('ghost', [...bare, binding('RoleBinding', 'b', 'r', subject('istiod-ghost')), rbac('Role', 'r')]);
    expect(found).toEqual([]);
  });
});

function withoutAccount(deployment: KubeObject): KubeObject {
  const { spec } = deployment as { spec?: { template?: { spec?: Record<string, unknown> } } };
  const { serviceAccountName: _gone, ...pod } = spec?.template?.spec ?? {};
  return { ...deployment, spec: { ...spec, template: { ...spec?.template, spec: pod } } };
}

it('the order of removal is: webhooks, what runs, what it reads, what it may do', () => {
  const policy = object('NetworkPolicy', 'istiod-canary', { ...BY_REVISION, spec: { podSelector: { matchLabels: CANARY_PODS } } });
  const kinds = ownObjects('canary', [policy, ...CANARY.toReversed()]).map((o) => o.kind);
  expect([...new Set(kinds)]).toEqual([
    'MutatingWebhookConfiguration',
    'ValidatingWebhookConfiguration',
    'Deployment',
    'Service',
    'NetworkPolicy',
    'ConfigMap',
    'RoleBinding',
    'ClusterRoleBinding',
    'Role',
    'ClusterRole',
    'ServiceAccount',
  ]);
  const beside = [object('Widget', 'w'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }];
  expect([...new Set(installOrder([...CANARY, policy, ...beside]).map((o) => o.kind))]).toEqual([
    'Namespace',
    'Widget',
    ...new Set(kinds.toReversed()),
  ]);
});
