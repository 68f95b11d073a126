import { describe, expect, it } from 'vitest';
import { outcomeOf, sandboxView, type TestView } from '../../../../test/kit/sandbox-view.ts';
import { rbacAuthorizer } from '../../access/rbac-authorizer.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { AdmissionAttributes, AdmissionChain } from '../admission.ts';
import { createAdmissionChain } from '../admission-chain.ts';

type Json = Readonly<Record<string, unknown>>;

function object(kind: string, name: string, more: Json = {}, namespace?: string): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, ...more };
}

function setUp(view: TestView = world()): { chain: AdmissionChain; view: TestView; clock: VirtualClock } {
  const clock = new VirtualClock();
  const chain = createAdmissionChain({
    view,
    network: { resolve: () => undefined, resolveService: () => undefined },
    clock,
    random: () => 0.5,
    newUid: () => 'uid',
    definitions: () => [],
    applyJsonPatch: (one) => one,
    authorizer: rbacAuthorizer(view),
  });
  return { chain, view, clock };
}

function world(): TestView {
  return sandboxView({
    namespaces: [
      object('Namespace', 'shop', { status: { phase: 'Active' } }),
      object('Namespace', 'going', { status: { phase: 'Terminating' } }),
      object('Namespace', 'empty'),
    ],
    serviceaccounts: [
      object('ServiceAccount', 'default', { imagePullSecrets: [{ name: 'pull' }] }, 'shop'),
      object('ServiceAccount', 'quiet', { automountServiceAccountToken: false }, 'shop'),
    ],
  });
}

function about(one: KubeObject | undefined, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return {
    operation: 'CREATE',
    group: '',
    version: 'v1',
    resource: 'pods',
    kind: 'Pod',
    storage: 'pods',
    subresource: '',
    namespace: 'shop',
    name: one?.metadata.name ?? 'c',
    ...(one === undefined ? {} : { object: one }),
    user: { username: 'ann', groups: [] },
    dryRun: false,
    ...more,
  };
}

const pod = (spec: Json = {}, name = 'p1'): KubeObject => object('Pod', name, { spec: { containers: [{ name: 'a' }], ...spec } }, 'shop');

async function specOf(spec: Json, view?: TestView): Promise<Json> {
  const { object: admitted } = await setUp(view).chain.mutate(about(pod(spec)));
  return admitted?.['spec'] as Json;
}

/** Texts of a Kubernetes 1.34.3 server. */
describe('namespaces', () => {
  it.each<[what: string, sent: AdmissionAttributes, text: string]>([
    ['that are not there', about(pod(), { namespace: 'nope' }), '404 namespaces "nope" not found'],
    ['that are not there, for updates', about(pod(), { namespace: 'nope', operation: 'UPDATE' }), '404 namespaces "nope" not found'],
    [
      'that go away',
      about(object('ConfigMap', 'c'), { namespace: 'going', resource: 'configmaps' }),
      '403 configmaps "c" is forbidden: unable to create new content in namespace going because it is being terminated',
    ],
    ['that go away, for deletes', about(undefined, { namespace: 'going', operation: 'DELETE' }), 'allowed'],
    [
      'that go away, for updates',
      about(object('ConfigMap', 'c'), { namespace: 'going', resource: 'configmaps', operation: 'UPDATE' }),
      'allowed',
    ],
    ['that are not there, for reviews', about(object('L', ''), { namespace: 'nope', resource: 'localsubjectaccessreviews' }), 'allowed'],
    ...['default', 'kube-system', 'kube-public'].map((name): [string, AdmissionAttributes, string] => [
      `that stay: ${name}`,
      about(undefined, { resource: 'namespaces', namespace: name, name, operation: 'DELETE' }),
      `403 namespaces "${name}" is forbidden: this namespace may not be deleted`,
    ]),
    [
      'that may go',
      about(undefined, { resource: 'namespaces', namespace: 'kube-node-lease', name: 'kube-node-lease', operation: 'DELETE' }),
      'allowed',
    ],
  ])('%s', async (_what, sent, text) => {
    expect(await outcomeOf(() => setUp().chain.mutate(sent))).toBe(text);
  });

  it('say why in their causes, and carry their names', async () => {
    const { chain } = setUp();
    const refusal: unknown = await chain.mutate(about(pod(), { namespace: 'going' })).catch((error: unknown) => error);
    const causes = [{ reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: 'metadata.namespace' }];
    expect(refusal).toMatchObject({ status: { details: { name: 'p1', kind: 'pods', causes } } });
    const created = await chain.mutate(about(object('Namespace', 'new'), { resource: 'namespaces', kind: 'Namespace', namespace: 'new' }));
    expect(created.object?.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'new' });
  });
});

describe('the service account of a pod', () => {
  it('is completed as a real server does', async () => {
    const mount = { name: 'kube-api-access-rrrrr', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    const spec = await specOf({
      initContainers: [{ name: 'i', volumeMounts: [{ name: 'x', mountPath: '/x' }] }],
      volumes: [{ name: 'x' }],
    });
    expect(spec).toEqual({
      containers: [{ name: 'a', volumeMounts: [mount] }],
      initContainers: [{ name: 'i', volumeMounts: [{ name: 'x', mountPath: '/x' }, mount] }],
      imagePullSecrets: [{ name: 'pull' }],
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      serviceAccount: 'default',
      serviceAccountName: 'default',
      tolerations: ['not-ready', 'unreachable'].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      volumes: [
        { name: 'x' },
        {
          name: 'kube-api-access-rrrrr',
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
            ],
          },
        },
      ],
    });
  });

  it.each<[spec: Json, hasToken: boolean]>([
    [{ serviceAccountName: 'quiet' }, false],
    [{ serviceAccount: 'quiet' }, false],
    [{ serviceAccountName: 'quiet', automountServiceAccountToken: true }, true],
    [{ automountServiceAccountToken: false }, false],
    [{ containers: [{ name: 'a', volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }] }, false],
  ])('%j mounts a token: %s', async (spec, hasToken) => {
    expect('volumes' in (await specOf(spec))).toBe(hasToken);
  });

  it('must be there', async () => {
    const { chain } = setUp();
    expect(await outcomeOf(() => chain.mutate(about(pod({ serviceAccountName: 'nope' }))))).toBe(
      '403 pods "p1" is forbidden: error looking up service account shop/nope: serviceaccount "nope" not found',
    );
    const generated = { ...pod({ serviceAccountName: 'nope' }), metadata: { name: '', generateName: 'gen-' } };
    expect(await outcomeOf(() => chain.mutate(about(generated)))).toMatch(/^403 pods "gen-" is forbidden/);
    expect(await outcomeOf(() => chain.validate(about(pod({ serviceAccountName: 'nope' }))))).toMatch(
      /^403 pods "p1" is forbidden: error looking/,
    );
  });

  it('is waited for in a new namespace', async () => {
    const { chain, view, clock } = setUp();
    const late = chain.mutate(about(pod(), { namespace: 'empty' }));
    view.put('serviceaccounts', object('ServiceAccount', 'default', {}, 'empty'));
    expect((await late).object?.['spec']).toMatchObject({ serviceAccountName: 'default' });
    view.remove('serviceaccounts', 'default', 'empty');
    const never = outcomeOf(() => chain.mutate(about(pod(), { namespace: 'empty' })));
    await clock.advance(1500);
    expect(await never).toBe(
      '403 pods "p1" is forbidden: error looking up service account empty/default: serviceaccount "default" not found',
    );
  });
});

describe('priorities', () => {
  const classes = sandboxView();
  for (const name of ['shop']) classes.put('namespaces', object('Namespace', name));
  classes.put('serviceaccounts', object('ServiceAccount', 'default', {}, 'shop'));
  classes.put('priorityclasses.scheduling.k8s.io', object('PriorityClass', 'high', { value: 9, preemptionPolicy: 'Never' }));
  classes.put('priorityclasses.scheduling.k8s.io', object('PriorityClass', 'usual', { value: 3, globalDefault: true }));

  it.each<[spec: Json, view: TestView, wanted: Json | string]>([
    [{ priorityClassName: 'high' }, classes, { priority: 9, preemptionPolicy: 'Never' }],
    [{}, classes, { priority: 3, priorityClassName: 'usual', preemptionPolicy: 'PreemptLowerPriority' }],
    [{ priorityClassName: 'system-node-critical' }, world(), { priority: 2_000_001_000 }],
    [{ priorityClassName: 'nope' }, world(), '403 pods "p1" is forbidden: no PriorityClass with name nope was found'],
    [
      { priority: 7 },
      world(),
      '403 pods "p1" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      { preemptionPolicy: 'Never' },
      world(),
      '403 pods "p1" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
  ])('%j', async (spec, view, wanted) => {
    if (typeof wanted === 'string') expect(await outcomeOf(() => specOf(spec, view))).toBe(wanted);
    else expect(await specOf(spec, view)).toMatchObject(wanted);
  });

  it('have one default class', async () => {
    const second = object('PriorityClass', 'second', { value: 4, globalDefault: true });
    const { chain } = setUp(classes);
    const more = { group: 'scheduling.k8s.io', resource: 'priorityclasses', storage: 'priorityclasses.scheduling.k8s.io', namespace: '' };
    expect(await outcomeOf(() => chain.validate(about(second, more)))).toBe(
      '403 priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
  });
});

describe('other rules', () => {
  it('leave tolerations that are there', async () => {
    expect((await specOf({ tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }))['tolerations']).toHaveLength(1);
    expect((await specOf({ tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists' }] }))['tolerations']).toHaveLength(2);
  });

  it('give containers the requests and limits of their namespace', async () => {
    const view = world();
    const limits = [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '100m', memory: '8Mi' } }];
    view.put('limitranges', object('LimitRange', 'l', { spec: { limits } }, 'shop'));
    const { object: admitted } = await setUp(view).chain.mutate(
      about(pod({ containers: [{ name: 'a', resources: { requests: { cpu: '5m' } } }] })),
    );
    const { containers } = (admitted ?? pod())['spec'] as { containers: readonly { resources: Json }[] };
    expect(containers[0]?.resources).toEqual({ requests: { cpu: '5m', memory: '8Mi' }, limits: { cpu: '1' } });
    expect(admitted?.metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger': 'LimitRanger plugin set: memory request for container a; cpu limit for container a',
    });
  });

  it('let nobody give rights that he does not have', async () => {
    const role = object('Role', 'r', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }, 'shop');
    const more = { group: 'rbac.authorization.k8s.io', resource: 'roles', kind: 'Role', storage: 'roles.rbac.authorization.k8s.io' };
    expect(await outcomeOf(() => setUp().chain.validate(about(role, more)))).toMatch(
      /^403 roles\..* is attempting to grant RBAC permissions not currently held/,
    );
  });
});
