/** Nobody may give what he does not have: the check that RBAC makes before roles and bindings are written. */
import type { KubeObject } from '../objects/kube-object.ts';
import { forbidden, notFound, type StatusError } from '../objects/status-error.ts';
import type { AccessRequest, UserInfo } from './authorizer.ts';
import { componentRole } from './cluster-components.ts';
import { describeRule, isRecord, quotedList, recordsOf, rulesOf, uncoveredRules, type PolicyRule } from './policy-rule.ts';
import { aggregate, type RbacAuthorizer } from './rbac-authorizer.ts';
import { roleRefOf, rulesOfRole, type RoleView } from './rbac-rules.ts';

export interface RbacChange {
  readonly user: UserInfo;
  /** Plural, without the group. */
  readonly resource: string;
  readonly namespace: string;
  readonly object: KubeObject;
  /** Absent for create. */
  readonly oldObject?: KubeObject;
}

const GROUP = 'rbac.authorization.k8s.io';
const FULL: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
  { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
];

/**
 * As kubernetes pkg/registry/rbac, v1.34: whoever has the verb `escalate` on roles or `bind` on the role of a binding may;
 * others need every right that the role gives.
 * @throws StatusError 403 when the user would give more than he has; 404 when a binding's role is not there
 */
export function checkEscalation(change: RbacChange, authorizer: RbacAuthorizer, view: RoleView): void {
  const { user, resource, object, oldObject } = change;
  if (user.groups.includes('system:masters') || componentRole(user) !== undefined) return;
  if (oldObject !== undefined && sameButOwners(object, oldObject)) return;
  if (resource === 'roles' || resource === 'clusterroles') checkRole(change, authorizer);
  else if (resource === 'rolebindings' || resource === 'clusterrolebindings') checkBinding(change, authorizer, view);
}

function checkRole(change: RbacChange, authorizer: RbacAuthorizer): void {
  const { user, resource, namespace, object, oldObject } = change;
  // The name is that of the path, which a create does not have.
  const name = oldObject === undefined ? '' : object.metadata.name;
  if (authorizer(requestFor(user, 'escalate', { resource, name, namespace })).allowed) return;
  const problem = missingRights(change, rulesOf(object), authorizer);
  if (problem !== undefined) throw refusal(change, problem);
  const aggregates = [object, oldObject].some((role) => role !== undefined && isAggregated(role));
  if (aggregates && missingRights(change, FULL, authorizer) !== undefined)
    throw refusal(change, 'must have cluster-admin privileges to use the aggregationRule');
}

function checkBinding(change: RbacChange, authorizer: RbacAuthorizer, view: RoleView): void {
  const { user, namespace, object } = change;
  const ref = roleRefOf(object);
  const resource = ref.kind === 'Role' ? 'roles' : 'clusterroles';
  if (authorizer(requestFor(user, 'bind', { resource, name: ref.name, namespace })).allowed) return;
  const rules = rulesOfRole(view, ref, namespace);
  // A real server names the resource of the request and not that of the role.
  if (typeof rules === 'string') throw notFound({ group: GROUP, resource: change.resource, kind: ref.kind }, ref.name);
  const problem = missingRights(change, rules, authorizer);
  if (problem !== undefined) throw refusal(change, problem);
}

function requestFor(user: UserInfo, verb: string, about: Pick<AccessRequest, 'resource' | 'name' | 'namespace'>): AccessRequest {
  return { user, verb, group: GROUP, version: '*', subresource: '', ...about };
}

function missingRights(
  { user, namespace, resource }: RbacChange,
  rules: readonly PolicyRule[],
  authorizer: RbacAuthorizer,
): string | undefined {
  const held = authorizer.rulesFor(user, namespace);
  const missing = uncoveredRules(held.rules, rules);
  if (missing.length === 0) return undefined;
  const who = `user ${JSON.stringify(user.username)} (groups=${quotedList(user.groups)})`;
  const lines = [...new Set(missing.map(describeRule))].sort();
  const errors = held.errors.map((error) => error.replace(/^(cluster)?role\./, `${resource}.`));
  const unresolved = errors.length === 0 ? '' : `; resolution errors: [${aggregate(errors)}]`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved}`;
}

function refusal({ resource, object }: RbacChange, why: string): StatusError {
  return forbidden({ group: GROUP, resource, kind: object.kind }, object.metadata.name, why);
}

function isAggregated(role: KubeObject): boolean {
  const rule = role['aggregationRule'];
  return isRecord(rule) && recordsOf(rule['clusterRoleSelectors']).length > 0;
}

/** The same but for owners and finalizers, which the garbage collector takes away. */
function sameButOwners(one: KubeObject, other: KubeObject): boolean {
  return comparable(one) === comparable(other);
}

function comparable({ metadata, ...rest }: KubeObject): string {
  const { ownerReferences, finalizers, managedFields, resourceVersion, generation, ...kept } = metadata;
  return JSON.stringify(sorted({ ...rest, metadata: kept }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
