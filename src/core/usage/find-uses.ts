/** Every reason why a revision is still used, from objects and from live connections. Unknown is never unused. */
import type { MeshInventory } from '../mesh/mesh-inventory.ts';
import { gatewayUses, machineUses } from './gateway-uses.ts';
import { namespaceUses, templateUses, ztunnelUses } from './next-pod-uses.ts';
import { pointerUses } from './pointer-uses.ts';
import { proxyUses } from './proxy-uses.ts';
import { usageContext } from './usage-context.ts';
import { usageNotes } from './usage-notes.ts';
import type { Usage } from './usage.ts';

/**
 * @param revision name of the revision; `default` for an unrevisioned one. Of one that is not there, whatever still names it is told
 * @param inventory of a look that is for a plan: one for `status` does not hold everything
 */
export function findUses(revision: string, inventory: MeshInventory): Usage {
  const context = usageContext(revision, inventory);
  return {
    revision,
    gone: context.gone,
    others: context.others,
    uses: [
      ...proxyUses(context),
      ...templateUses(context),
      ...ztunnelUses(context),
      ...gatewayUses(context),
      ...machineUses(context),
      ...namespaceUses(context),
      ...pointerUses(context),
    ],
    unknown: unknowns(revision, inventory),
    notes: usageNotes(context),
  };
}

function unknowns(revision: string, inventory: MeshInventory): string[] {
  const reports = inventory.revisions.find((r) => r.name === revision)?.istiods ?? [];
  return [
    ...inventory.unread.map((u) => `${u.what}: ${u.why}`),
    ...reports.filter((r) => r.error !== undefined).map((r) => `proxies of ${r.namespace}/${r.pod}: ${r.error ?? ''}`),
    ...servedClusters(inventory).map(
      (id) =>
        `webhooks and labels of cluster ${id}, whose proxies are connected here: they are seen only there (meshlift in-use ${revision} --context CONTEXT)`,
    ),
  ];
}

/** Other clusters whose proxies are connected to any istiod here: its webhooks may call any of them. */
function servedClusters({ strayConnections, attachments: { clusterId } }: MeshInventory): string[] {
  if (clusterId === undefined) return [];
  const ids = strayConnections.flatMap(({ entry }) =>
    entry.clusterId === undefined || entry.clusterId === clusterId ? [] : [entry.clusterId],
  );
  return [...new Set(ids)].toSorted();
}
