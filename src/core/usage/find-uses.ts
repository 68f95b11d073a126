/** Every reason why a revision is still used, from objects and from live connections. Unknown is never unused. */
import { decidedRevision } from '../injection/injection-decision.ts';
import { resolveInjection } from '../injection/resolve-injection.ts';
import { isAlive, workloadKey, type MeshInventory, type MeshPod, type Workload } from '../mesh/mesh-inventory.ts';

export type UseKind = 'connection' | 'pod' | 'template' | 'namespace' | 'tag' | 'default' | 'pinned-object';

export interface Use {
  readonly kind: UseKind;
  /** `shop/cart-7d9`, `namespace shop`, `tag prod-stable`. */
  readonly object: string;
  readonly detail: string;
  /** It goes away by itself: a pod that terminates. */
  readonly passing: boolean;
  /** A connection that no pod explains; for some seconds that is also what a pod leaves behind that has just ended. */
  readonly unexplained?: true;
}

export interface Usage {
  readonly revision: string;
  readonly uses: readonly Use[];
  /** What could not be looked at; any entry makes the answer unknown unless a use was found. */
  readonly unknown: readonly string[];
}

export type UsageVerdict = 'used' | 'unknown' | 'unused';

export function usageVerdict(usage: Usage): UsageVerdict {
  if (usage.uses.length > 0) return 'used';
  return usage.unknown.length > 0 ? 'unknown' : 'unused';
}

/**
 * @param revision name of the revision; `default` for an unrevisioned one
 * @returns uses in the order of the kinds above; a pod that is connected is told once, as a connection
 */
export function findUses(revision: string, inventory: MeshInventory): Usage {
  const pods = inventory.workloads.flatMap((w) => w.pods);
  const connected = pods.filter((pod) => pod.connections.some((c) => c.revision === revision));
  const uses: Use[] = [
    ...connected.map((pod): Use => ({
      kind: 'connection',
      object: podName(pod),
      detail: `connected${ownerDetail(pod)}`,
      passing: pod.terminating,
    })),
    ...strays(revision, inventory),
    ...pods
      .filter((pod) => pod.revision === revision && !connected.includes(pod) && isAlive(pod))
      .map((pod): Use => ({ kind: 'pod', object: podName(pod), detail: `injected by it${ownerDetail(pod)}`, passing: pod.terminating })),
    ...templates(revision, inventory),
    ...namespaces(revision, inventory),
    ...pointers(revision, inventory),
    ...inventory.pinnedObjects
      .filter((pinned) => pinned.revision === revision)
      .map(({ ref }): Use => ({
        kind: 'pinned-object',
        object: `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`,
        detail: `labelled istio.io/rev=${revision}`,
        passing: false,
      })),
  ];
  return { revision, uses, unknown: unknowns(revision, inventory) };
}

function podName(pod: MeshPod): string {
  return `${pod.namespace}/${pod.name}`;
}

function ownerDetail(pod: MeshPod): string {
  if (pod.terminating) return ', terminating';
  return pod.workload.kind === 'Pod' ? ', a pod without a controller' : ` (${pod.workload.kind} ${pod.workload.name})`;
}

function strays(revision: string, inventory: MeshInventory): Use[] {
  return inventory.strayConnections
    .filter((c) => c.revision === revision)
    .map((c): Use => ({
      kind: 'connection',
      object: c.entry.proxy,
      detail: `connected to ${c.istiodPod}; no pod of this cluster has that name`,
      passing: false,
      unexplained: true,
    }));
}

/** Workloads whose next pod would be injected by the revision, those without running pods included. */
function templates(revision: string, inventory: MeshInventory): Use[] {
  const labelsOf = new Map(inventory.namespaces.map((ns) => [ns.name, ns]));
  return inventory.workloads.flatMap((workload): Use[] => {
    const namespace = labelsOf.get(workload.namespace);
    if (workload.kind === 'Pod' || workload.kind === 'Job' || !namespace || namespace.terminating) return [];
    const decision = resolveInjection(
      { namespace: namespace.name, namespaceLabels: namespace.labels, template: workload.template },
      inventory.webhooks,
    );
    const uses = decidedRevision(decision) === revision || (decision.kind === 'refused' && decision.revision === revision);
    return uses ? [{ kind: 'template', object: workloadKey(workload), detail: nextPodDetail(workload), passing: false }] : [];
  });
}

function nextPodDetail(workload: Workload): string {
  if (workload.kind === 'CronJob') return 'its next run would get it';
  return workload.desiredPods === 0 ? 'scaled to zero; its next pod would get it' : 'its next pod would get it';
}

function namespaces(revision: string, inventory: MeshInventory): Use[] {
  return inventory.namespaces.flatMap((namespace): Use[] => {
    if (namespace.terminating) return [];
    const decision = resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template: {} }, inventory.webhooks);
    const label = ['istio-injection', 'istio.io/rev'].find((key) => namespace.labels[key] !== undefined);
    const uses = decidedRevision(decision) === revision || (decision.kind === 'refused' && decision.revision === revision);
    if (!uses || label === undefined) return [];
    return [
      {
        kind: 'namespace',
        object: `namespace ${namespace.name}`,
        detail: `${label}=${namespace.labels[label]} resolves to it`,
        passing: false,
      },
    ];
  });
}

function pointers(revision: string, inventory: MeshInventory): Use[] {
  const tags = inventory.tags.filter((tag) => tag.revision === revision && tag.name !== 'default');
  const senses = inventory.revisions.find((r) => r.name === revision)?.defaultFor ?? [];
  return [
    ...tags.map((tag): Use => ({ kind: 'tag', object: `tag ${tag.name}`, detail: `points to it (${tag.configuration})`, passing: false })),
    ...(senses.length === 0
      ? []
      : [{ kind: 'default', object: 'default', detail: `it is the default for ${senses.join(', ')}`, passing: false } as const]),
  ];
}

function unknowns(revision: string, inventory: MeshInventory): string[] {
  const reports = inventory.revisions.find((r) => r.name === revision)?.istiods ?? [];
  return [
    ...inventory.unread.map((u) => `${u.what}: ${u.why}`),
    ...reports.filter((r) => r.error !== undefined).map((r) => `proxies of ${r.namespace}/${r.pod}: ${r.error ?? ''}`),
  ];
}
