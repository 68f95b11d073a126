/** Everything that follows a tag: by the label of a namespace, by the label of a pod, and Gateways of the Gateway API. */
import { matchingWebhooks } from '../injection/resolve-injection.ts';
import type { Labels } from '../mesh/kube-objects.ts';
import { runningPods, type Gateway, type MeshInventory, type Workload } from '../mesh/mesh-inventory.ts';
import { DEFAULT_TAG } from './tag-objects.ts';

export interface TagUsers {
  /** Names of namespaces whose labels lead to the tag, sorted. */
  readonly namespaces: readonly string[];
  /** Workloads whose next pod is injected through the tag, those without running pods included. */
  readonly workloads: readonly TagWorkload[];
  /** Gateways whose Deployment istiod makes; they are replaced as soon as the tag moves. */
  readonly gateways: readonly Gateway[];
}

export interface TagWorkload {
  readonly workload: Workload;
  /** Its own label leads to the tag, in a namespace without labels. */
  readonly byPodLabel: boolean;
}

/** @param tag need not exist: then nothing is injected through it, and only Gateways that name it are found */
export function tagUsers(tag: string, inventory: MeshInventory): TagUsers {
  const labelsOf = new Map(inventory.namespaces.filter((ns) => !ns.terminating).map((ns) => [ns.name, ns.labels]));
  const leads = (namespace: string, podLabels: Labels): boolean =>
    matchingWebhooks(namespace, labelsOf.get(namespace) ?? {}, podLabels, inventory.webhooks).some((w) => w.tag === tag);
  const namespaces = [...labelsOf.keys()].filter((name) => leads(name, {})).toSorted();
  const byNamespace = new Set(namespaces);
  return {
    namespaces,
    workloads: inventory.workloads
      .filter((w) => labelsOf.has(w.namespace) && leads(w.namespace, w.template.metadata?.labels ?? {}))
      .map((workload) => ({ workload, byPodLabel: !byNamespace.has(workload.namespace) })),
    gateways: inventory.gateways.filter((g) => g.source === 'gateway-api' && followsTag(g, tag, labelsOf.get(g.namespace) ?? {})),
  };
}

/**
 * A Gateway belongs to the revision in its own label, else in that of its namespace, else to the default; both may name a tag.
 * @source istio/istio pilot/pkg/config/kube/gateway/deploymentcontroller.go and pkg/revisions/tag_watcher.go @86c9f01
 */
function followsTag(gateway: Gateway, tag: string, namespaceLabels: Labels): boolean {
  if (!gateway.managed) return false;
  return (gateway.revisionLabel ?? namespaceLabels['istio.io/rev'] ?? DEFAULT_TAG) === tag;
}

/**
 * Workloads behind a tag with pods on another revision: their next pods would change as soon as the tag points to `revision`.
 * Bare pods and Jobs do not count, since nothing replaces their pods.
 */
export function unmovedBehind(tag: string, revision: string, inventory: MeshInventory): Workload[] {
  return tagUsers(tag, inventory)
    .workloads.map(({ workload }) => workload)
    .filter((workload) => workload.kind !== 'Pod' && workload.kind !== 'Job')
    .filter((workload) => runningPods(workload).some((pod) => pod.revision !== undefined && pod.revision !== revision));
}
