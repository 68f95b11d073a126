/** Tokens of service accounts: signed by the sandbox itself (HS256), with the claims that a real API server writes. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { UserInfo } from './authorizer.ts';
import { isRecord, quotedList, stringsOf, textOf } from './policy-rule.ts';

/** Issuer, and audience of tokens for the API server itself. */
export const CLUSTER_ISSUER = 'https://kubernetes.default.svc.cluster.local';

export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

export interface TokenOrder {
  readonly serviceAccount: string;
  readonly namespace: string;
  /** Of the ServiceAccount; a token is worth nothing for another one of the same name. */
  readonly uid: string;
  readonly expirationSeconds: number;
  /** Absent or empty means the API server. */
  readonly audiences?: readonly string[];
  /** The token is worth nothing once this pod is gone. */
  readonly pod?: BoundObject;
  readonly node?: BoundObject;
}

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export type TokenOutcome =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  /** In the words of the server; undefined when it is no token of this cluster at all. */
  | { readonly error: string | undefined };

export interface ServiceAccountTokens {
  readonly issueToken: (order: TokenOrder) => IssuedToken;
  /** @param audiences that the token must be for one of; absent means the API server */
  readonly checkToken: (token: string, audiences?: readonly string[]) => TokenOutcome;
}

export interface TokenOptions {
  /** A secret of this sandbox. */
  readonly key: string | Uint8Array;
  readonly view: Pick<ClusterView, 'get'>;
  readonly clock: { readonly nowMs: () => number };
  /** Gives each token its id, a UUID. */
  readonly newUid: () => string;
}

type Claims = Readonly<Record<string, unknown>>;

export function createServiceAccountTokens(options: TokenOptions): ServiceAccountTokens {
  return {
    issueToken: (order) => issue(options, order),
    checkToken: (token, audiences) => check(options, token, audiences ?? [CLUSTER_ISSUER]),
  };
}

function issue({ key, clock, newUid }: TokenOptions, order: TokenOrder): IssuedToken {
  const now = Math.floor(clock.nowMs() / 1000);
  const claims = {
    aud: order.audiences === undefined || order.audiences.length === 0 ? [CLUSTER_ISSUER] : order.audiences,
    exp: now + order.expirationSeconds,
    iat: now,
    iss: CLUSTER_ISSUER,
    jti: newUid(),
    'kubernetes.io': {
      namespace: order.namespace,
      ...(order.node === undefined ? {} : { node: order.node }),
      ...(order.pod === undefined ? {} : { pod: order.pod }),
      serviceaccount: { name: order.serviceAccount, uid: order.uid },
    },
    nbf: now,
    sub: `system:serviceaccount:${order.namespace}:${order.serviceAccount}`,
  };
  const signed = `${encode({ alg: 'HS256', kid: 'sandbox' })}.${encode(claims)}`;
  return { token: `${signed}.${signature(key, signed).toString('base64url')}`, expiresAtMs: claims.exp * 1000 };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signature(key: string | Uint8Array, signed: string): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

function check({ key, view, clock }: TokenOptions, token: string, wanted: readonly string[]): TokenOutcome {
  const [header = '', payload = '', mac = '', ...more] = token.split('.');
  const claims = decode(payload);
  if (claims === undefined || more.length > 0 || claims['iss'] !== CLUSTER_ISSUER) return { error: undefined };
  const expected = signature(key, `${header}.${payload}`);
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { error: 'go-jose/go-jose: error in cryptographic primitive' };
  const own = stringsOf(claims['aud']);
  const audiences = own.filter((audience) => wanted.includes(audience));
  if (audiences.length === 0)
    return { error: `token audiences ${quotedList(own)} is invalid for the target audiences ${quotedList(wanted)}` };
  if (!(Number(claims['exp']) * 1000 > clock.nowMs())) return { error: 'service account token has expired' };
  const user = userOf(claims, view);
  return typeof user === 'string' ? { error: user } : { user, audiences };
}

function decode(payload: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** As kubernetes pkg/serviceaccount/claims.go, v1.34. @returns why the token is worth nothing, or its user */
function userOf(claims: Claims, view: Pick<ClusterView, 'get'>): UserInfo | string {
  const own = recordIn(claims, 'kubernetes.io');
  const account = recordIn(own, 'serviceaccount');
  const namespace = textOf(own['namespace']);
  const name = textOf(account['name']);
  const uid = textOf(account['uid']);
  const stored = view.get('serviceaccounts', name, namespace);
  if (stored === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`;
  const storedUid = stored.metadata.uid ?? '';
  if (storedUid !== uid) return `service account UID (${storedUid}) does not match claim (${uid})`;
  const pod = recordIn(own, 'pod');
  const podName = textOf(pod['name']);
  if (podName !== '') {
    const problem = problemOfPod(view.get('pods', podName, namespace), textOf(pod['uid']));
    if (problem !== undefined) return problem;
  }
  return serviceAccountUser(namespace, name, { uid, extra: extraOf(claims, own) });
}

function problemOfPod(pod: KubeObject | undefined, uid: string): string | undefined {
  if (pod === undefined) return 'service account token has been invalidated';
  const storedUid = pod.metadata.uid ?? '';
  return storedUid === uid ? undefined : `pod UID (${storedUid}) does not match service account pod ref claim (${uid})`;
}

function recordIn(claims: Claims, field: string): Claims {
  const value = claims[field];
  return isRecord(value) ? value : {};
}

function extraOf(claims: Claims, own: Claims): Readonly<Record<string, readonly string[]>> {
  const entries = ['node', 'pod'].flatMap((kind) => {
    const bound = recordIn(own, kind);
    return ['name', 'uid'].flatMap((field) => {
      const value = textOf(bound[field]);
      return value === '' ? [] : [[`authentication.kubernetes.io/${kind}-${field}`, [value]] as const];
    });
  });
  return { 'authentication.kubernetes.io/credential-id': [`JTI=${textOf(claims['jti'])}`], ...Object.fromEntries(entries) };
}

/** The user that a service account is, with the groups that all of them have. */
export function serviceAccountUser(namespace: string, name: string, more: Pick<UserInfo, 'uid' | 'extra'> = {}): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...more,
  };
}
