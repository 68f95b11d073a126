/** Kinds that are not stored but answered: who am I, may I, may they, is this token good. */
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest, StatusError, type FieldError } from '../objects/status-error.ts';
import type { AccessRequest, UserInfo } from './authorizer.ts';
import { isRecord, stringsOf, textOf } from './policy-rule.ts';
import { aggregate, type RbacAuthorizer } from './rbac-authorizer.ts';
import type { TokenOutcome } from './service-account-tokens.ts';

export interface ReviewContext {
  /** The namespace of the path, for LocalSubjectAccessReview; '' for the others. */
  readonly namespace: string;
  readonly clock: { readonly nowMs: () => number };
  /** For TokenReview. @param audiences absent means the API server */
  readonly checkToken: (token: string, audiences?: readonly string[]) => TokenOutcome;
}

type Json = Readonly<Record<string, unknown>>;

/** Kinds that `reviewAccess` answers. */
export const REVIEW_KINDS: ReadonlySet<string> = new Set([
  'SelfSubjectAccessReview',
  'SubjectAccessReview',
  'LocalSubjectAccessReview',
  'SelfSubjectRulesReview',
  'SelfSubjectReview',
  'TokenReview',
]);

/**
 * Answers a review: the object with its status, which is never stored.
 * As kubernetes pkg/registry/authorization and pkg/registry/authentication, v1.34.
 * @throws StatusError 422 or 400 for a review that asks nothing or too much
 */
export function reviewAccess(review: KubeObject, user: UserInfo, authorizer: RbacAuthorizer, context: ReviewContext): KubeObject {
  switch (review.kind) {
    case 'SelfSubjectAccessReview':
    case 'SubjectAccessReview':
    case 'LocalSubjectAccessReview':
      return answerAccess(review, user, authorizer, context.namespace);
    case 'SelfSubjectRulesReview':
      return answerRules(review, user, authorizer);
    case 'SelfSubjectReview':
      return answerWhoAmI(user, context);
    case 'TokenReview':
      return answerToken(review, context);
    default:
      throw badRequest(`not a review: ${review.kind}`);
  }
}

function specOf(review: KubeObject): Json {
  return isRecord(review['spec']) ? review['spec'] : {};
}

function answerAccess(review: KubeObject, user: UserInfo, authorizer: RbacAuthorizer, namespace: string): KubeObject {
  const spec = specOf(review);
  const errors = [...shapeErrors(spec), ...subjectErrors(review, spec), ...metadataErrors(review)];
  if (errors.length > 0) throw invalidReview(errors);
  if (review.kind === 'LocalSubjectAccessReview' && review.metadata.namespace !== namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  const subject = review.kind === 'SelfSubjectAccessReview' ? user : subjectOf(spec);
  const { allowed, reason } = authorizer(requestOf(spec, subject));
  return { ...review, status: { allowed, ...(reason === '' ? {} : { reason }) } };
}

function subjectOf(spec: Json): UserInfo {
  const uid = textOf(spec['uid']);
  return { username: textOf(spec['user']), groups: stringsOf(spec['groups']), ...(uid === '' ? {} : { uid }) };
}

function requestOf(spec: Json, user: UserInfo): AccessRequest {
  const nothing = { user, verb: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
  const path = spec['nonResourceAttributes'];
  if (isRecord(path)) return { ...nothing, verb: textOf(path['verb']), path: textOf(path['path']) };
  const attributes = isRecord(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  return {
    user,
    verb: textOf(attributes['verb']),
    group: textOf(attributes['group']),
    version: textOf(attributes['version']) || '*',
    resource: textOf(attributes['resource']),
    subresource: textOf(attributes['subresource']),
    namespace: textOf(attributes['namespace']),
    name: textOf(attributes['name']),
  };
}

function wrong(field: string, value: unknown, why: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}` };
}

function shapeErrors(spec: Json): readonly FieldError[] {
  const resource = isRecord(spec['resourceAttributes']);
  const path = spec['nonResourceAttributes'];
  if (resource && isRecord(path)) {
    // Printed with the names of Go's fields, as the server does.
    const value = { Path: textOf(path['path']), Verb: textOf(path['verb']) };
    return [wrong('spec.nonResourceAttributes', value, 'cannot be specified in combination with resourceAttributes')];
  }
  if (resource || isRecord(path)) return [];
  return [wrong('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')];
}

function subjectErrors(review: KubeObject, spec: Json): readonly FieldError[] {
  if (review.kind === 'SelfSubjectAccessReview') return [];
  const errors: FieldError[] = [];
  if (textOf(spec['user']) === '' && stringsOf(spec['groups']).length === 0)
    errors.push(wrong('spec.user', '', 'at least one of user or group must be specified'));
  if (review.kind !== 'LocalSubjectAccessReview') return errors;
  const attributes = spec['resourceAttributes'];
  const namespace = isRecord(attributes) ? textOf(attributes['namespace']) : undefined;
  if (namespace !== undefined && namespace !== (review.metadata.namespace ?? ''))
    errors.push(wrong('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'));
  if (isRecord(spec['nonResourceAttributes']))
    errors.push(wrong('spec.nonResourceAttributes', spec['nonResourceAttributes'], 'disallowed on this kind of request'));
  return errors;
}

function metadataErrors(review: KubeObject): readonly FieldError[] {
  const local = review.kind === 'LocalSubjectAccessReview';
  const allowed = new Set(['managedFields', 'creationTimestamp', ...(local ? ['namespace'] : [])]);
  const extra = Object.entries(review.metadata).some(([field, value]) => !allowed.has(field) && value !== undefined && value !== '');
  return extra ? [wrong('metadata', review.metadata, local ? 'must be empty except for namespace' : 'must be empty')] : [];
}

/** The kind is missing in the message, as it is in that of a real server. */
function invalidReview(errors: readonly FieldError[]): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const message = `.authorization.k8s.io "" is invalid: ${texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`}`;
  const causes = errors.map(({ reason, message: text, field }) => ({ reason, message: text, field }));
  return new StatusError(422, 'Invalid', message, { group: 'authorization.k8s.io', causes });
}

function answerRules(review: KubeObject, user: UserInfo, authorizer: RbacAuthorizer): KubeObject {
  const namespace = textOf(specOf(review)['namespace']);
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, errors } = authorizer.rulesFor(user, namespace);
  const resourceRules = rules
    .filter((rule) => rule.resources.length > 0)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames.length === 0 ? {} : { resourceNames }),
    }));
  const nonResourceRules = rules
    .filter((rule) => rule.nonResourceURLs.length > 0)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  return {
    apiVersion: review.apiVersion,
    kind: review.kind,
    metadata: NO_METADATA,
    spec: {},
    status: { resourceRules, nonResourceRules, incomplete: false, ...(errors.length === 0 ? {} : { evaluationError: aggregate(errors) }) },
  };
}

/** Reviews have no name, which the type of other objects' metadata asks for. */
const NO_METADATA = Object.freeze({}) as unknown as KubeObject['metadata'];

function answerWhoAmI(user: UserInfo, { clock }: ReviewContext): KubeObject {
  const creationTimestamp = `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    metadata: { ...NO_METADATA, creationTimestamp },
    status: { userInfo: userInfoOf(user) },
  };
}

function userInfoOf({ username, uid, groups, extra }: UserInfo): Json {
  return {
    username,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function answerToken(review: KubeObject, { checkToken }: ReviewContext): KubeObject {
  const spec = specOf(review);
  const token = textOf(spec['token']);
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const audiences = stringsOf(spec['audiences']);
  const outcome = checkToken(token, audiences.length === 0 ? undefined : audiences);
  if ('error' in outcome)
    return {
      ...review,
      status: { user: {}, error: outcome.error === undefined ? 'invalid bearer token' : `[invalid bearer token, ${outcome.error}]` },
    };
  return { ...review, status: { authenticated: true, user: userInfoOf(outcome.user), audiences: outcome.audiences } };
}
