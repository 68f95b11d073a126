/** Roles with just the rules that Meshlift needs, as objects to review and apply. */
import { accessRules, type AccessNeed, type AccessRule } from './access-rules.ts';

interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * @param need what the holder of the roles shall be able to do
 * @returns a ClusterRole for what is cluster-wide or in every namespace, and a Role for what is only in the Istio namespace
 */
export function buildRoles(need: AccessNeed, istioNamespace: string): Record<string, unknown>[] {
  const all = accessRules(need);
  const name = `meshlift-${need}`;
  const labels = { 'app.kubernetes.io/name': 'meshlift' };
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name, labels },
      rules: toRbac(all.filter((rule) => rule.where !== 'istio')),
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: istioNamespace, labels },
      rules: toRbac(all.filter((rule) => rule.where === 'istio')),
    },
  ];
}

/** One RBAC rule for each group and set of verbs. */
function toRbac(rules: readonly AccessRule[]): RbacRule[] {
  const verbsOf = new Map<string, { group: string; resource: string; name: string | undefined; verbs: Set<string> }>();
  for (const rule of rules) {
    const key = `${rule.group}/${rule.resource}/${rule.name ?? ''}`;
    const entry = verbsOf.get(key) ?? { group: rule.group, resource: rule.resource, name: rule.name, verbs: new Set() };
    entry.verbs.add(rule.verb);
    verbsOf.set(key, entry);
  }
  const grouped = Map.groupBy(verbsOf.values(), (entry) => `${entry.group} ${entry.name ?? ''} ${[...entry.verbs].toSorted().join(',')}`);
  return [...grouped.values()].map((entries) => ({
    apiGroups: [entries[0]?.group ?? ''],
    resources: entries.map((entry) => entry.resource),
    ...(entries[0]?.name === undefined ? {} : { resourceNames: [entries[0].name] }),
    verbs: [...(entries[0]?.verbs ?? [])].toSorted(),
  }));
}
