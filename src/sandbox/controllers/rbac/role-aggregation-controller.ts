/** Writes the rules of others into ClusterRoles that gather them: kubernetes pkg/controller/clusterroleaggregation, v1.34. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { selects } from '../base/label-selector.ts';
import type { LabelSelector } from '../base/workload-shapes.ts';

const ROLES = 'clusterroles.rbac.authorization.k8s.io';

interface ClusterRole extends KubeObject {
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
  readonly rules?: readonly unknown[] | null;
}

export function createRoleAggregationController(context: ControllerContext): Controller {
  const { cluster, writer } = context;
  const gathering = (): readonly ClusterRole[] =>
    (cluster.list(ROLES) as readonly ClusterRole[]).filter(({ aggregationRule }) => aggregationRule !== undefined);
  return defineController(context, {
    name: 'clusterrole-aggregation-controller',
    watches: [
      {
        resource: ROLES,
        onChange: (_change, queue) => {
          for (const { metadata } of gathering()) queue.add(metadata.name);
        },
      },
    ],
    reconcile: async (name) => {
      const role = read<ClusterRole>(cluster, ROLES, name);
      if (role?.aggregationRule === undefined) return;
      const rules = gatheredRules(role, cluster.list(ROLES) as readonly ClusterRole[]);
      if (JSON.stringify(rules) === JSON.stringify(role.rules ?? [])) return;
      try {
        await writer.patch(ROLES, name, undefined, { rules });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  });
}

/** Each rule once, in the order of selectors and of the names of roles. */
function gatheredRules({ metadata, aggregationRule }: ClusterRole, all: readonly ClusterRole[]): readonly unknown[] {
  const found = new Map<string, unknown>();
  for (const selector of aggregationRule?.clusterRoleSelectors ?? []) {
    for (const each of all) {
      if (each.metadata.name === metadata.name || !selects(selector, each.metadata.labels)) continue;
      for (const rule of each.rules ?? []) found.set(JSON.stringify(rule), rule);
    }
  }
  return [...found.values()];
}
