/** The tags of a mesh as `tag list` tells them: where each points, who follows it, who owns it, and what is wrong with it. */
import type { MeshInventory, Tag } from '../mesh/mesh-inventory.ts';
import type { ObjectOwner } from '../mesh/object-owner.ts';
import { tagUsers } from './tag-users.ts';

export interface TagDescription {
  readonly tag: string;
  readonly revision: string;
  /** Of its control plane; `unknown` when that is gone or does not say. */
  readonly version: string;
  /** Namespaces whose labels lead to it, and those in which only a pod's own label does. */
  readonly namespaces: readonly string[];
  /** `namespace/kind/name` of the workloads whose next pod it decides. */
  readonly workloads: readonly string[];
  /** `namespace/name` of Gateways (Gateway API) that follow it. */
  readonly gateways: readonly string[];
  readonly owner: ObjectOwner;
  /** Set when pods that follow it are refused, or are not injected: why. */
  readonly dangling?: string;
}

/** Sorted by name. */
export function describeTags(inventory: MeshInventory): TagDescription[] {
  return inventory.tags.map((tag) => describeTag(tag, inventory));
}

function describeTag(tag: Tag, inventory: MeshInventory): TagDescription {
  const users = tagUsers(tag.name, inventory);
  const dangling = reasonDangling(tag, inventory);
  const byPod = users.workloads.filter((w) => w.byPodLabel).map((w) => w.workload.namespace);
  return {
    tag: tag.name,
    revision: tag.revision,
    version: inventory.revisions.find((r) => r.name === tag.revision)?.version ?? 'unknown',
    namespaces: [...new Set([...users.namespaces, ...byPod])].toSorted(),
    workloads: users.workloads.map(({ workload }) => `${workload.namespace}/${workload.kind.toLowerCase()}/${workload.name}`),
    gateways: users.gateways.map((gateway) => `${gateway.namespace}/${gateway.name}`),
    owner: tag.owner,
    ...(dangling === undefined ? {} : { dangling }),
  };
}

/** Why pods that follow a tag are not injected; undefined when they are. */
export function reasonDangling(tag: Tag, inventory: MeshInventory): string | undefined {
  const webhooks = inventory.webhooks.filter((w) => w.configuration === tag.configuration && !w.deactivated);
  const lost = webhooks.find((w) => !w.serviceExists);
  if (webhooks.length === 0) return 'its webhooks are switched off';
  if (lost) {
    const service = lost.entry.clientConfig?.service;
    return service === undefined ? 'its webhooks lead nowhere' : `Service ${service.namespace}/${service.name} does not exist`;
  }
  if (webhooks.some((w) => !w.hasCaBundle && w.entry.clientConfig?.url === undefined)) return 'its webhooks have no CA bundle';
  const revision = inventory.revisions.find((r) => r.name === tag.revision);
  const isOutside = webhooks.every((w) => w.entry.clientConfig?.url !== undefined);
  if (isOutside) return undefined;
  return revision?.deployment === undefined ? `no istiod of revision ${tag.revision} is there` : undefined;
}

/** `Helm release istiod-1-28-2`, `istioctl`, for tables and messages. */
export function ownerText(owner: ObjectOwner): string {
  switch (owner.kind) {
    case 'helm':
      return `Helm release ${owner.release}`;
    case 'gitops':
      return owner.tool;
    case 'istioctl':
      return 'istioctl';
    case 'nobody':
      return '-';
  }
}
