/** Decides by roles and bindings, as a real cluster with the authorization mode RBAC does. */
import type { AccessDecision, AccessRequest, Authorizer, UserInfo } from './authorizer.ts';
import { ruleAllows, type PolicyRule } from './policy-rule.ts';
import { boundRules, type RoleView } from './rbac-rules.ts';
import { componentRole } from './cluster-components.ts';

export interface AppliedRules {
  readonly rules: readonly PolicyRule[];
  /** Roles that are bound and missing, in the words of the server. */
  readonly errors: readonly string[];
}

/** Decides, and tells all rules of a user. */
export type RbacAuthorizer = Authorizer & {
  readonly rulesFor: (user: UserInfo, namespace: string) => AppliedRules;
};

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
  { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
];

/**
 * Members of `system:masters` may do everything, without a reason, as in a real cluster. So may the parts of the cluster
 * itself (see cluster-components.ts), which have finer roles in a real one.
 */
export function rbacAuthorizer(view: RoleView): RbacAuthorizer {
  const decide = (request: AccessRequest): AccessDecision => {
    if (request.user.groups.includes('system:masters')) return { allowed: true, reason: '' };
    const component = componentRole(request.user);
    if (component !== undefined) return { allowed: true, reason: component };
    const errors: string[] = [];
    for (const bound of boundRules(view, request.user, request.namespace)) {
      if ('error' in bound) errors.push(bound.error);
      else if (bound.rules.some((rule) => ruleAllows(rule, request))) return { allowed: true, reason: `RBAC: allowed by ${bound.source}` };
    }
    return { allowed: false, reason: errors.length === 0 ? '' : `RBAC: ${aggregate(errors)}` };
  };
  const rulesFor = (user: UserInfo, namespace: string): AppliedRules => {
    if (componentRole(user) !== undefined) return { rules: EVERYTHING, errors: [] };
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const bound of boundRules(view, user, namespace)) {
      if ('error' in bound) errors.push(bound.error);
      else rules.push(...bound.rules);
    }
    return { rules, errors };
  };
  return Object.assign(decide, { rulesFor });
}

/** Several errors as one text, each once, as apimachinery's aggregate prints them. */
export function aggregate(errors: readonly string[]): string {
  const unique = [...new Set(errors)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}
