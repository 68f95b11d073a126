import { describe, expect, it } from 'vitest';
import { outcomeOf, sandboxView } from '../../../test/kit/sandbox-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { authenticateBearer, certificateUser, checkBearer, impersonatedUser, type DistinctHeaders } from './authentication.ts';
import type { Authorizer, UserInfo } from './authorizer.ts';
import { reviewAccess } from './access-reviews.ts';
import { bootstrapAccess } from './bootstrap-access.ts';
import { rbacAuthorizer } from './rbac-authorizer.ts';
import { CLUSTER_ISSUER, createServiceAccountTokens } from './service-account-tokens.ts';

const GROUP = 'rbac.authorization.k8s.io';

function account(name: string, uid: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'shop', uid } };
}

function setUp() {
  const view = sandboxView({ serviceaccounts: [account('robot', 'u1')] });
  const clock = { now: Date.UTC(2026, 0, 1), nowMs: () => clock.now };
  const tokens = createServiceAccountTokens({ key: 'secret', view, clock, newUid: () => 'id-1' });
  const order = { serviceAccount: 'robot', namespace: 'shop', uid: 'u1', expirationSeconds: 3600 };
  return { view, clock, tokens, order };
}

describe('tokens of service accounts', () => {
  it('name the account, its groups and the token', () => {
    const { tokens, order, clock } = setUp();
    const { token, expiresAtMs } = tokens.issueToken(order);
    expect(expiresAtMs - clock.now).toBe(3_600_000);
    expect(authenticateBearer(token, { tokens })).toEqual({
      username: 'system:serviceaccount:shop:robot',
      uid: 'u1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=id-1'] },
    });
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ iss: CLUSTER_ISSUER, aud: [CLUSTER_ISSUER], sub: 'system:serviceaccount:shop:robot' });
  });

  it('are worth nothing when something about them is not as it was', async () => {
    const { tokens, order, clock, view } = setUp();
    const { token } = tokens.issueToken(order);
    const errorOf = (value: string, audiences?: readonly string[]): unknown => {
      const outcome = checkBearer(value, { tokens }, audiences);
      return 'error' in outcome ? outcome.error : outcome.audiences;
    };
    expect(errorOf(token)).toEqual([CLUSTER_ISSUER]);
    expect(errorOf('abc')).toBeUndefined();
    expect(errorOf('a.b.c')).toBeUndefined();
    const [header = '', payload = '', mac = ''] = token.split('.');
    const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('robot', 'admin')).toString('base64url');
    expect(errorOf(`${header}.${forged}.${mac}`)).toBe('go-jose/go-jose: error in cryptographic primitive');
    expect(errorOf(token, ['istio-ca'])).toBe(`token audiences ["${CLUSTER_ISSUER}"] is invalid for the target audiences ["istio-ca"]`);
    expect(errorOf(tokens.issueToken({ ...order, audiences: ['istio-ca'] }).token, ['istio-ca'])).toEqual(['istio-ca']);
    const bound = tokens.issueToken({ ...order, pod: { name: 'p', uid: 'p1' } }).token;
    expect(errorOf(bound)).toBe('service account token has been invalidated');
    view.put('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop', uid: 'p1' } });
    expect(authenticateBearer(bound, { tokens }).extra).toMatchObject({ 'authentication.kubernetes.io/pod-name': ['p'] });
    view.put('serviceaccounts', account('robot', 'u2'));
    expect(errorOf(token)).toBe('service account UID (u2) does not match claim (u1)');
    clock.now += 3_600_000;
    expect(errorOf(token)).toBe('service account token has expired');
    expect(await outcomeOf(() => authenticateBearer(token, { tokens }))).toBe('401 Unauthorized');
  });
});

describe('other credentials', () => {
  it('are certificates and tokens that are users', () => {
    expect(certificateUser('ann', ['ops'], 'ab12')).toEqual({
      username: 'ann',
      groups: ['ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab12'] },
    });
    const staticTokens = new Map([['t', { username: 'ci', groups: ['ops'] }]]);
    expect(authenticateBearer('t', { tokens: setUp().tokens, staticTokens })).toEqual({
      username: 'ci',
      groups: ['ops', 'system:authenticated'],
    });
  });
});

describe('impersonation', () => {
  const yes: Authorizer = () => ({ allowed: true, reason: '' });
  const no: Authorizer = () => ({ allowed: false, reason: '' });
  const admin: UserInfo = { username: 'admin', groups: [] };

  /** As a Kubernetes 1.34.3 server answered whoami. */
  it.each<[DistinctHeaders, Partial<UserInfo>]>([
    [{}, admin],
    [{ 'impersonate-user': ['u'] }, { username: 'u', groups: ['system:authenticated'] }],
    [
      { 'impersonate-user': ['u'], 'impersonate-group': ['g1', 'g2'], 'impersonate-uid': ['77'], 'impersonate-extra-acme.io%2fx': ['v1'] },
      { username: 'u', uid: '77', groups: ['g1', 'g2', 'system:authenticated'], extra: { 'acme.io/x': ['v1'] } },
    ],
    [
      { 'impersonate-user': ['system:serviceaccount:a:b'] },
      { username: 'system:serviceaccount:a:b', groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'] },
    ],
    [{ 'impersonate-user': ['system:anonymous'] }, { username: 'system:anonymous', groups: ['system:unauthenticated'] }],
  ])('%j', (headers, wanted) => {
    expect(impersonatedUser(admin, headers, yes)).toEqual(wanted);
  });

  it.each<[DistinctHeaders, string]>([
    [
      { 'impersonate-user': ['x'] },
      '403 users "x" is forbidden: User "admin" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { 'impersonate-user': ['system:serviceaccount:a:b'] },
      '403 serviceaccounts "b" is forbidden: User "admin" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"',
    ],
    [{ 'impersonate-group': ['x'] }, '500 requested [{Group  x    }] without impersonating a user'],
  ])('%j is refused', async (headers, text) => {
    expect(await outcomeOf(() => impersonatedUser(admin, headers, no))).toBe(text);
  });

  it('asks for each thing', () => {
    const onlyUsers: Authorizer = ({ resource }) => ({ allowed: resource === 'users', reason: '' });
    expect(() => impersonatedUser(admin, { 'impersonate-user': ['u'], 'impersonate-group': ['g'] }, onlyUsers)).toThrow(
      'groups "g" is forbidden: User "admin" cannot impersonate resource "groups"',
    );
  });
});

describe('reviews', () => {
  const { view, clock, tokens, order } = setUp();
  for (const object of bootstrapAccess()) view.put(`${object.kind.toLowerCase()}s.${GROUP}`, object);
  const authorizer = rbacAuthorizer(view);
  const ann: UserInfo = { username: 'ann', groups: ['system:authenticated'] };
  const checkToken = (token: string, audiences?: readonly string[]) => checkBearer(token, { tokens }, audiences);
  const answer = (kind: string, spec: object, metadata: object = {}): unknown => {
    const apiVersion = kind === 'TokenReview' || kind === 'SelfSubjectReview' ? 'authentication.k8s.io/v1' : 'authorization.k8s.io/v1';
    const review = { apiVersion, kind, metadata, spec } as unknown as KubeObject;
    return reviewAccess(review, ann, authorizer, { namespace: 'shop', clock, checkToken })['status'];
  };
  const list = { verb: 'list', resource: 'pods' };

  it('say what is allowed, to whom', () => {
    expect(answer('SelfSubjectAccessReview', { resourceAttributes: list })).toEqual({ allowed: false });
    expect(answer('SelfSubjectAccessReview', { nonResourceAttributes: { verb: 'get', path: '/api' } })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    });
    expect(answer('SubjectAccessReview', { groups: ['system:masters'], resourceAttributes: list })).toEqual({ allowed: true });
    expect(
      answer('LocalSubjectAccessReview', { user: 'u', resourceAttributes: { ...list, namespace: 'shop' } }, { namespace: 'shop' }),
    ).toEqual({
      allowed: false,
    });
  });

  it('tell all rules, and who one is', () => {
    expect(answer('SelfSubjectRulesReview', { namespace: 'shop' })).toEqual({
      resourceRules: [
        { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'] },
        { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
      ],
      nonResourceRules: [
        {
          verbs: ['get'],
          nonResourceURLs: [
            '/api',
            '/api/*',
            '/apis',
            '/apis/*',
            '/healthz',
            '/livez',
            '/openapi',
            '/openapi/*',
            '/readyz',
            '/version',
            '/version/',
          ],
        },
        { verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] },
      ],
      incomplete: false,
    });
    expect(answer('SelfSubjectReview', {})).toEqual({ userInfo: { username: 'ann', groups: ['system:authenticated'] } });
  });

  it('check tokens', () => {
    const { token } = tokens.issueToken(order);
    expect(answer('TokenReview', { token })).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:shop:robot' } });
    expect(answer('TokenReview', { token: 'abc' })).toEqual({ user: {}, error: 'invalid bearer token' });
  });

  /** As a Kubernetes 1.34.3 server refused them. */
  it.each<[kind: string, spec: object, metadata: object, text: string]>([
    [
      'SelfSubjectAccessReview',
      {},
      {},
      '422 .authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'SelfSubjectAccessReview',
      { resourceAttributes: list, nonResourceAttributes: { path: '/x', verb: 'get' } },
      {},
      '422 .authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes',
    ],
    [
      'SubjectAccessReview',
      { resourceAttributes: list },
      {},
      '422 .authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'LocalSubjectAccessReview',
      { user: 'u', resourceAttributes: { ...list, namespace: 'default' } },
      { namespace: 'shop' },
      '422 .authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
    ],
    ['SelfSubjectRulesReview', {}, {}, '400 no namespace on request'],
    ['TokenReview', {}, {}, '400 token is required for TokenReview in authentication'],
  ])('%s %j is refused', async (kind, spec, metadata, text) => {
    expect(await outcomeOf(() => answer(kind, spec, metadata))).toBe(text);
  });
});
