/** Who a request comes from: a client certificate, a bearer token, or nobody. */
import { StatusError } from '../objects/status-error.ts';
import type { Authorizer, AccessRequest, UserInfo } from './authorizer.ts';
import { forbiddenError, unauthorized } from './access-refusals.ts';
import type { ServiceAccountTokens, TokenOutcome } from './service-account-tokens.ts';

export const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** @param organizations O of the subject: the groups @param sha256 fingerprint of the certificate, lower-case hex */
export function certificateUser(commonName: string, organizations: readonly string[], sha256?: string): UserInfo {
  return {
    username: commonName,
    groups: [...organizations, 'system:authenticated'],
    ...(sha256 === undefined ? {} : { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${sha256}`] } }),
  };
}

export interface BearerOptions {
  readonly tokens: ServiceAccountTokens;
  /** Tokens that are users of their own; their groups need not name `system:authenticated`. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
}

/** @throws StatusError 401 for a token that is nobody's */
export function authenticateBearer(token: string, options: BearerOptions): UserInfo {
  const outcome = checkBearer(token, options);
  if ('error' in outcome) throw unauthorized();
  return outcome.user;
}

/** As authenticateBearer, for TokenReviews: says why. @param audiences absent means the API server */
export function checkBearer(token: string, { tokens, staticTokens }: BearerOptions, audiences?: readonly string[]): TokenOutcome {
  const known = staticTokens?.get(token);
  if (known === undefined) return tokens.checkToken(token, audiences);
  const groups = known.groups.includes('system:authenticated') ? known.groups : [...known.groups, 'system:authenticated'];
  return { user: { ...known, groups }, audiences: audiences ?? [] };
}

/** Headers by lower-case name, each value by itself, such as `headersDistinct` of a message of node:http. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>;

const EXTRA_PREFIX = 'impersonate-extra-';
const NOBODY: AccessRequest = {
  user: ANONYMOUS,
  verb: 'impersonate',
  group: '',
  version: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
};

/**
 * The user that a request is answered as, by its `Impersonate-*` headers; the same user when there are none.
 * As apiserver pkg/endpoints/filters/impersonation.go, v1.34.
 * @throws StatusError 403 when the user may not; 500 for groups, uid or extras without a user
 */
export function impersonatedUser(user: UserInfo, headers: DistinctHeaders, authorizer: Authorizer): UserInfo {
  const wanted = readImpersonation(headers);
  if (wanted === undefined) return user;
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(wanted.username);
  const [, accountNamespace = '', accountName = ''] = account ?? [];
  const requests: readonly AccessRequest[] = [
    account === null
      ? { ...NOBODY, user, resource: 'users', name: wanted.username }
      : { ...NOBODY, user, resource: 'serviceaccounts', namespace: accountNamespace, name: accountName },
    ...wanted.groups.map((name) => ({ ...NOBODY, user, resource: 'groups', name })),
    ...wanted.extras.map(([key, name]) => ({ ...NOBODY, ...AUTHENTICATION, user, resource: 'userextras', subresource: key, name })),
    ...(wanted.uid === '' ? [] : [{ ...NOBODY, ...AUTHENTICATION, user, resource: 'uids', name: wanted.uid }]),
  ];
  for (const request of requests) {
    const { allowed, reason } = authorizer(request);
    if (!allowed) throw forbiddenError(request, reason);
  }
  const accountGroups = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`];
  return {
    username: wanted.username,
    groups: withLoginGroup(wanted.username, wanted.groups.length === 0 ? accountGroups : wanted.groups),
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    ...(wanted.extras.length === 0 ? {} : { extra: gather(wanted.extras) }),
  };
}

const AUTHENTICATION = { group: 'authentication.k8s.io', version: 'v1' } as const;

interface Impersonation {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extras: readonly (readonly [key: string, value: string])[];
}

function readImpersonation(headers: DistinctHeaders): Impersonation | undefined {
  const username = headers['impersonate-user']?.[0] ?? '';
  const groups = headers['impersonate-group'] ?? [];
  const uid = headers['impersonate-uid']?.[0] ?? '';
  const extras = Object.entries(headers).flatMap(([name, values]) => {
    if (!name.startsWith(EXTRA_PREFIX) || values === undefined) return [];
    const key = unescapeKey(name.slice(EXTRA_PREFIX.length));
    return values.map((value) => [key, value] as const);
  });
  if (username !== '') return { username, groups, uid, extras };
  if (groups.length === 0 && uid === '' && extras.length === 0) return undefined;
  const texts = [
    ...groups.map((name) => `{Group  ${name}    }`),
    ...extras.map(([key, value]) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`),
    ...(uid === '' ? [] : [`{UID  ${uid}  authentication.k8s.io/v1  }`]),
  ];
  throw new StatusError(500, 'InternalError', `requested [${texts.join(' ')}] without impersonating a user`);
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function withLoginGroup(username: string, groups: readonly string[]): readonly string[] {
  const { username: anonymous, groups: unauthenticated } = ANONYMOUS;
  if (groups.includes('system:unauthenticated')) return groups;
  if (username === anonymous) return [...groups, ...unauthenticated];
  return groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated'];
}

function gather(extras: readonly (readonly [string, string])[]): Readonly<Record<string, readonly string[]>> {
  const all = new Map<string, string[]>();
  for (const [key, value] of extras) all.set(key, [...(all.get(key) ?? []), value]);
  return Object.fromEntries(all);
}
