/** Which rules apply to a user: walks along bindings to roles, as the rule resolver of kubernetes pkg/registry/rbac/validation/rule.go, v1.34. */
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { UserInfo } from './authorizer.ts';
import { isRecord, recordsOf, rulesOf, stringsOf, textOf, type PolicyRule } from './policy-rule.ts';

export type RoleView = Pick<ClusterView, 'get' | 'list'>;

const GROUP = 'rbac.authorization.k8s.io';
const CLUSTER_ROLES = `clusterroles.${GROUP}`;

/** Rules of one binding that is about the user, or the reason why its role gives none. */
export type BoundRules =
  | {
      /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"` */
      readonly source: string;
      readonly rules: readonly PolicyRule[];
    }
  | { readonly error: string };

/** Bindings about the user, cluster-wide ones first, in the order of their names. @param namespace '' for the whole cluster */
export function* boundRules(view: RoleView, user: UserInfo, namespace: string): Generator<BoundRules> {
  for (const binding of view.list(`clusterrolebindings.${GROUP}`)) yield* rulesOfBinding(view, user, binding);
  if (namespace === '') return;
  for (const binding of view.list(`rolebindings.${GROUP}`, { namespace })) yield* rulesOfBinding(view, user, binding);
}

function* rulesOfBinding(view: RoleView, user: UserInfo, binding: KubeObject): Generator<BoundRules> {
  const namespace = binding.metadata.namespace ?? '';
  const subject = recordsOf(binding['subjects']).find((one) => isAbout(one, user, namespace));
  if (subject === undefined) return;
  const ref = roleRefOf(binding);
  const rules = rulesOfRole(view, ref, namespace);
  if (typeof rules === 'string') {
    yield { error: rules };
    return;
  }
  const name = namespace === '' ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
  const role = `${ref.kind} ${JSON.stringify(ref.name)}`;
  yield { source: `${binding.kind} ${JSON.stringify(name)} of ${role} to ${describeSubject(subject, namespace)}`, rules };
}

function isAbout(subject: Readonly<Record<string, unknown>>, user: UserInfo, bindingNamespace: string): boolean {
  const name = textOf(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return user.username === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = textOf(subject['namespace']) || bindingNamespace;
      return namespace !== '' && user.username === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function describeSubject(subject: Readonly<Record<string, unknown>>, bindingNamespace: string): string {
  const kind = textOf(subject['kind']);
  const name = textOf(subject['name']);
  if (kind !== 'ServiceAccount') return `${kind} ${JSON.stringify(name)}`;
  return `${kind} ${JSON.stringify(`${name}/${textOf(subject['namespace']) || bindingNamespace}`)}`;
}

export interface RoleRef {
  readonly kind: string;
  readonly name: string;
}

export function roleRefOf(binding: KubeObject): RoleRef {
  const ref = isRecord(binding['roleRef']) ? binding['roleRef'] : {};
  return { kind: textOf(ref['kind']), name: textOf(ref['name']) };
}

/** @returns the reason, as the server words it, when there is no such role */
export function rulesOfRole(view: RoleView, ref: RoleRef, namespace: string): readonly PolicyRule[] | string {
  if (ref.kind === 'ClusterRole') {
    const role = view.get(CLUSTER_ROLES, ref.name);
    return role === undefined ? `clusterrole.${GROUP} ${JSON.stringify(ref.name)} not found` : rulesOfClusterRole(view, role);
  }
  if (ref.kind !== 'Role') return `unsupported role reference kind: ${JSON.stringify(ref.kind)}`;
  const role = view.get(`roles.${GROUP}`, ref.name, namespace);
  return role === undefined ? `role.${GROUP} ${JSON.stringify(ref.name)} not found` : rulesOf(role);
}

/**
 * The rules of a ClusterRole as they are now. A real cluster has a controller that writes the rules of aggregated roles
 * into them; here they are put together whenever somebody asks, so that they are never late.
 */
export function rulesOfClusterRole(view: RoleView, role: KubeObject): readonly PolicyRule[] {
  return collectRules(view.list(CLUSTER_ROLES), role, new Set());
}

/** The rules that the aggregation controller would write into a role, given all ClusterRoles in the order of their names. */
export function aggregatedRules(clusterRoles: readonly KubeObject[], role: KubeObject): readonly PolicyRule[] {
  return collectRules(clusterRoles, role, new Set());
}

function collectRules(all: readonly KubeObject[], role: KubeObject, seen: ReadonlySet<string>): readonly PolicyRule[] {
  const aggregation = role['aggregationRule'];
  if (!isRecord(aggregation) || seen.has(role.metadata.name)) return rulesOf(role);
  const trail = new Set([...seen, role.metadata.name]);
  const rules = new Map<string, PolicyRule>();
  for (const selector of recordsOf(aggregation['clusterRoleSelectors'])) {
    for (const other of all) {
      if (other.metadata.name === role.metadata.name || !selects(selector, other.metadata.labels ?? {})) continue;
      for (const rule of collectRules(all, other, trail)) rules.set(JSON.stringify(rule), rule);
    }
  }
  return [...rules.values()];
}

function selects(selector: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, string>>): boolean {
  const wanted = isRecord(selector['matchLabels']) ? Object.entries(selector['matchLabels']) : [];
  const expressions = recordsOf(selector['matchExpressions']);
  return wanted.every(([key, value]) => labels[key] === value) && expressions.every((expression) => meets(expression, labels));
}

function meets(expression: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[textOf(expression['key'])];
  const values = stringsOf(expression['values']);
  switch (expression['operator']) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
