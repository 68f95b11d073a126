import { describe, expect, it } from 'vitest';
import { outcomeOf, sandboxView } from '../../../test/kit/sandbox-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { forbiddenError } from './access-refusals.ts';
import type { AccessRequest, UserInfo } from './authorizer.ts';
import { bootstrapAccess } from './bootstrap-access.ts';
import { checkEscalation } from './escalation-check.ts';
import { rbacAuthorizer } from './rbac-authorizer.ts';

const GROUP = 'rbac.authorization.k8s.io';
const API = `${GROUP}/v1`;

function role(name: string, rules: readonly object[], namespace?: string): KubeObject {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  return { apiVersion: API, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, rules };
}

function binding(name: string, to: string, subjects: readonly object[], namespace?: string): KubeObject {
  const [kind, roleName] = to.split('/');
  return {
    apiVersion: API,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: GROUP, kind, name: roleName },
    subjects,
  };
}

const pods = (...verbs: readonly string[]): object => ({ apiGroups: [''], resources: ['pods'], verbs });
const user = (username: string, ...groups: readonly string[]): UserInfo => ({ username, groups: [...groups, 'system:authenticated'] });
const NOTHING = { version: 'v1', group: '', subresource: '', namespace: '', name: '' } as const;

function request(who: UserInfo, verb: string, resource: string, more: Partial<AccessRequest> = {}): AccessRequest {
  const [name = '', subresource = ''] = resource.split('/');
  return { ...NOTHING, user: who, verb, resource: name, subresource, ...more };
}

function path(who: UserInfo, url: string): AccessRequest {
  return { ...NOTHING, user: who, verb: 'get', resource: '', path: url };
}

const ann = user('ann');
const bob = user('bob', 'ops');
const robot: UserInfo = { username: 'system:serviceaccount:shop:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:shop'] };
const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

const view = sandboxView({
  [`clusterroles.${GROUP}`]: [
    ...bootstrapAccess().filter(({ kind }) => kind === 'ClusterRole'),
    role('pod-reader', [pods('get', 'list')]),
    role('scaler', [{ apiGroups: ['apps'], resources: ['*/scale'], verbs: ['update'] }]),
    role('one-map', [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['only'], verbs: ['get'] }]),
    { ...role('extra-view', [pods('watch')]), metadata: { name: 'extra-view', labels: { [`${GROUP}/aggregate-to-view`]: 'true' } } },
  ],
  [`clusterrolebindings.${GROUP}`]: [
    ...bootstrapAccess().filter(({ kind }) => kind === 'ClusterRoleBinding'),
    binding('ann-reads', 'ClusterRole/pod-reader', [{ kind: 'User', name: 'ann' }]),
    binding('ops-scale', 'ClusterRole/scaler', [{ kind: 'Group', name: 'ops' }]),
    binding('lost', 'ClusterRole/gone', [{ kind: 'User', name: 'cid' }]),
  ],
  [`roles.${GROUP}`]: [role('own-pods', [pods('*')], 'shop')],
  [`rolebindings.${GROUP}`]: [
    binding('robot', 'Role/own-pods', [{ kind: 'ServiceAccount', name: 'robot' }], 'shop'),
    binding('bob-views', 'ClusterRole/view', [{ kind: 'User', name: 'bob' }], 'shop'),
    binding('bob-map', 'ClusterRole/one-map', [{ kind: 'User', name: 'bob' }], 'shop'),
    binding('bob-roles', 'ClusterRole/admin', [{ kind: 'User', name: 'bob' }], 'own'),
  ],
});
const authorizer = rbacAuthorizer(view);

describe('who may do what', () => {
  it.each<[who: string, request: AccessRequest, reason: string | false]>([
    ['a user by name', request(ann, 'list', 'pods'), 'ClusterRoleBinding "ann-reads" of ClusterRole "pod-reader" to User "ann"'],
    [
      'in every namespace',
      request(ann, 'get', 'pods', { namespace: 'shop', name: 'p' }),
      'ClusterRoleBinding "ann-reads" of ClusterRole "pod-reader" to User "ann"',
    ],
    ['no other verb', request(ann, 'delete', 'pods'), false],
    ['no other resource', request(ann, 'get', 'services'), false],
    ['no subresource', request(ann, 'get', 'pods/log', { namespace: 'shop' }), false],
    ['no other group', request(ann, 'get', 'pods', { group: 'metrics.k8s.io' }), false],
    [
      'a group, any scale',
      request(bob, 'update', 'deployments/scale', { group: 'apps' }),
      'ClusterRoleBinding "ops-scale" of ClusterRole "scaler" to Group "ops"',
    ],
    ['not the scaled object itself', request(bob, 'update', 'deployments', { group: 'apps' }), false],
    [
      "a service account of the binding's namespace",
      request(robot, 'delete', 'pods', { namespace: 'shop' }),
      'RoleBinding "robot/shop" of Role "own-pods" to ServiceAccount "robot/shop"',
    ],
    ['only in that namespace', request(robot, 'delete', 'pods', { namespace: 'default' }), false],
    ['nor cluster-wide', request(robot, 'list', 'pods'), false],
    [
      'a resource name',
      request(bob, 'get', 'configmaps', { namespace: 'own', name: 'x' }),
      'RoleBinding "bob-roles/own" of ClusterRole "admin" to User "bob"',
    ],
    [
      'an aggregated role',
      request(bob, 'watch', 'pods', { namespace: 'shop' }),
      'RoleBinding "bob-views/shop" of ClusterRole "view" to User "bob"',
    ],
    ['which view does not have', request(bob, 'get', 'secrets', { namespace: 'shop' }), false],
    [
      'discovery',
      path(ann, '/apis/apps/v1'),
      'ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    ],
    [
      'health',
      path(anonymous, '/livez'),
      'ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated"',
    ],
    ['no path below', path(anonymous, '/livez/etcd'), false],
    ['metrics', path(ann, '/metrics'), false],
    [
      'the controller manager',
      request(user('system:kube-controller-manager'), 'delete', 'pods'),
      'ClusterRoleBinding "system:kube-controller-manager" of ClusterRole "system:kube-controller-manager" to User "system:kube-controller-manager"',
    ],
    ['a node that is none', request(user('system:node:n1'), 'get', 'pods'), false],
  ])('%s', (_who, asked, reason) => {
    const wanted = reason === false ? { allowed: false, reason: '' } : { allowed: true, reason: `RBAC: allowed by ${reason}` };
    expect(authorizer(asked)).toEqual(wanted);
  });

  it('counts the names of resources', () => {
    const only = rbacAuthorizer(
      sandboxView({
        [`clusterroles.${GROUP}`]: [
          role('one-map', [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['only'], verbs: ['get', 'list'] }]),
        ],
        [`clusterrolebindings.${GROUP}`]: [binding('b', 'ClusterRole/one-map', [{ kind: 'User', name: 'ann' }])],
      }),
    );
    const allowed = ['only', 'other', ''].map((name) => only(request(ann, 'get', 'configmaps', { name })).allowed);
    expect(allowed).toEqual([true, false, false]);
  });

  it('allows masters everything and gives no reason', () => {
    expect(authorizer(request(user('x', 'system:masters'), 'escalate', 'anything'))).toEqual({ allowed: true, reason: '' });
  });

  it('says when a role is missing', () => {
    const asked = request(user('cid'), 'list', 'pods');
    const decision = authorizer(asked);
    expect(decision).toEqual({ allowed: false, reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found' });
    expect(forbiddenError(asked, decision.reason).message).toBe(
      'pods is forbidden: User "cid" cannot list resource "pods" in API group "" at the cluster scope: RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    );
  });
});

/** Texts and details of a Kubernetes 1.34.3 server. */
describe('refusals', () => {
  const who = user('sbx-user');
  it.each<[AccessRequest, string, object]>([
    [
      request(who, 'list', 'deployments', { group: 'apps', namespace: 'shop' }),
      'deployments.apps is forbidden: User "sbx-user" cannot list resource "deployments" in API group "apps" in the namespace "shop"',
      { group: 'apps', kind: 'deployments' },
    ],
    [
      request(who, 'get', 'deployments', { group: 'apps', namespace: 'shop', name: 'web' }),
      'deployments.apps "web" is forbidden: User "sbx-user" cannot get resource "deployments" in API group "apps" in the namespace "shop"',
      { name: 'web', group: 'apps', kind: 'deployments' },
    ],
    [
      request(who, 'get', 'pods/log', { namespace: 'shop', name: 'web' }),
      'pods "web" is forbidden: User "sbx-user" cannot get resource "pods/log" in API group "" in the namespace "shop"',
      { name: 'web', kind: 'pods' },
    ],
    [
      request(who, 'get', 'nodes', { name: 'n1' }),
      'nodes "n1" is forbidden: User "sbx-user" cannot get resource "nodes" in API group "" at the cluster scope',
      { name: 'n1', kind: 'nodes' },
    ],
    [path(who, '/metrics'), 'forbidden: User "sbx-user" cannot get path "/metrics"', {}],
    [
      request(user('a<b>"&'), 'get', 'pods', { namespace: 'shop', name: 'a<b>&c' }),
      'pods "a<b>&c" is forbidden: User "a&lt;b&gt;\\"&amp;" cannot get resource "pods" in API group "" in the namespace "shop"',
      { name: 'a<b>&c', kind: 'pods' },
    ],
  ])('%#', (asked, message, details) => {
    expect(forbiddenError(asked).status).toMatchObject({ code: 403, reason: 'Forbidden', message, details });
  });
});

describe('nobody gives what he does not have', () => {
  const create = (who: UserInfo, resource: string, object: KubeObject, oldObject?: KubeObject): Promise<string> =>
    outcomeOf(() =>
      checkEscalation(
        { user: who, resource, namespace: object.metadata.namespace ?? '', object, ...(oldObject === undefined ? {} : { oldObject }) },
        authorizer,
        view,
      ),
    );
  const grantee = [{ kind: 'User', name: 'eve' }];

  it('in roles', async () => {
    expect(await create(ann, 'clusterroles', role('r', [pods('get')]))).toBe('allowed');
    expect(
      await create(ann, 'clusterroles', role('r', [pods('list', 'delete', 'watch'), { nonResourceURLs: ['/x'], verbs: ['get'] }])),
    ).toBe(
      '403 clusterroles.rbac.authorization.k8s.io "r" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}\n{NonResourceURLs:["/x"], Verbs:["get"]}',
    );
    expect(await create(user('cid'), 'clusterroles', role('r', [pods('get')]))).toMatch(
      /Verbs:\["get"\]}; resolution errors: \[clusterroles\.rbac\.authorization\.k8s\.io "gone" not found\]$/,
    );
    expect(await create(user('m', 'system:masters'), 'clusterroles', role('r', [pods('*')]))).toBe('allowed');
  });

  it('in bindings', async () => {
    expect(await create(ann, 'rolebindings', binding('b', 'ClusterRole/pod-reader', grantee, 'shop'))).toBe('allowed');
    expect(await create(bob, 'rolebindings', binding('b', 'Role/own-pods', grantee, 'shop'))).toMatch(
      /^403 rolebindings.* "b" is forbidden: user "bob"/,
    );
    expect(await create(ann, 'clusterrolebindings', binding('b', 'ClusterRole/none', grantee))).toBe(
      '404 clusterrolebindings.rbac.authorization.k8s.io "none" not found',
    );
  });

  it('but lets owners and finalizers be changed', async () => {
    const before = role('r', [pods('*')]);
    const after = { ...before, metadata: { ...before.metadata, finalizers: ['x'] } };
    expect(await create(ann, 'clusterroles', after, before)).toBe('allowed');
    expect(await create(ann, 'clusterroles', { ...after, rules: [pods('*'), pods('get')] }, before)).toMatch(/^403/);
  });

  it('in rules that select other roles', async () => {
    const aggregated = { ...role('r', []), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } };
    expect(await create(ann, 'clusterroles', aggregated)).toBe(
      '403 clusterroles.rbac.authorization.k8s.io "r" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    );
  });
});

describe('what every cluster starts with', () => {
  it('has the rules of aggregated roles in them, in the order of a real server', () => {
    const edit = bootstrapAccess().find(({ metadata }) => metadata.name === 'edit');
    const rules = edit?.['rules'] as readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
    expect(rules).toHaveLength(25);
    expect(rules[0]?.resources).toContain('pods/attach');
    expect(rules.at(-1)?.resources).toEqual(['resourceclaims', 'resourceclaims/status', 'resourceclaimtemplates']);
  });
});
