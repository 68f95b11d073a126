/** A mesh in the figures that `status` shows: one value for the table, JSON and YAML alike. */
import type { InjectionDecision } from '../injection/injection-decision.ts';
import { resolveInjection } from '../injection/resolve-injection.ts';
import {
  isAlive,
  workloadKey,
  type DefaultSense,
  type MeshInventory,
  type MeshNamespace,
  type MeshPod,
  type SyncState,
  type Workload,
} from '../mesh/mesh-inventory.ts';
import type { Unread } from '../mesh/mesh-objects.ts';

export interface RevisionStatus {
  readonly name: string;
  readonly version: string;
  readonly namespace: string;
  readonly installedBy: string;
  readonly ready: number;
  readonly desired: number;
  /** Pods with a proxy that it injected; terminating ones do not count. */
  readonly pods: number;
  /** Live connections to its istiods. */
  readonly proxies: number;
  readonly tags: readonly string[];
  readonly defaultFor: readonly DefaultSense[];
  readonly mutatingWebhooks: readonly string[];
  readonly validatingWebhooks: readonly string[];
  /** istiod pods that did not say which proxies they have. */
  readonly silent: readonly { readonly pod: string; readonly error: string }[];
}

export interface NamespaceStatus {
  readonly name: string;
  /** Only Istio's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Revision that the next pod without labels of its own gets; `nobody`, `refused` or several otherwise. */
  readonly gets: string;
  readonly detail: string;
  /** Pods with a proxy by revision; `none` counts running pods without one. */
  readonly podsByRevision: Readonly<Record<string, number>>;
  /** Workloads whose running pods are not what their next pod would be. */
  readonly toMove: number;
  readonly gateways: number;
}

export interface PodStatus {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly revision: string;
  readonly proxyVersion: string;
  readonly proxyType: string;
  readonly nativeSidecar: boolean;
  readonly ready: boolean;
  readonly createdAt: string;
  /** istiod pods that list it; empty when none does. */
  readonly connectedTo: readonly string[];
  readonly sync: SyncState | 'not-connected';
}

export interface WorkloadStatus {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly desiredPods: number;
  /** Running pods by revision; `none` counts those without a proxy. */
  readonly podsByRevision: Readonly<Record<string, number>>;
  readonly proxyVersions: readonly string[];
  /** What the next pod gets. */
  readonly gets: string;
}

export interface MeshStatus {
  readonly cluster: string;
  readonly kubernetes: string;
  readonly istioNamespace: string;
  readonly revisions: readonly RevisionStatus[];
  /** Who is the default in each sense; a sense that nobody serves is absent. */
  readonly defaults: Readonly<Partial<Record<DefaultSense, string>>>;
  readonly tags: readonly { readonly name: string; readonly revision: string }[];
  readonly namespaces: readonly NamespaceStatus[];
  readonly workloads: readonly WorkloadStatus[];
  readonly pods: readonly PodStatus[];
  readonly gateways: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly source: string;
    readonly podsByRevision: Readonly<Record<string, number>>;
    readonly addresses: readonly string[];
  }[];
  /** Live connections that no pod of this cluster explains. */
  readonly strayProxies: readonly {
    readonly proxy: string;
    readonly revision: string;
    readonly istiod: string;
    readonly version: string;
  }[];
  readonly unread: readonly Unread[];
}

export const NO_REVISION = 'none';

/** @param namespaces limits namespaces, workloads, pods and gateways; empty for all */
export function summarizeMesh(inventory: MeshInventory, namespaces: readonly string[] = []): MeshStatus {
  const isShown = (name: string): boolean => namespaces.length === 0 || namespaces.includes(name);
  const workloads = inventory.workloads.filter((w) => isShown(w.namespace));
  const decisions = new Map(workloads.map((w) => [workloadKey(w), decide(w, inventory)]));
  const allPods = inventory.workloads.flatMap((w) => w.pods);
  const meshWorkloads = workloads.filter((w) => isInMesh(w, decisions.get(workloadKey(w))));
  return {
    cluster: inventory.clusterName,
    kubernetes: inventory.serverVersion,
    istioNamespace: inventory.istioNamespace,
    revisions: inventory.revisions.map((revision) => ({
      name: revision.name,
      version: revision.version,
      namespace: revision.namespace,
      installedBy: revision.installedBy,
      ready: revision.replicas.ready,
      desired: revision.replicas.desired,
      pods: allPods.filter((pod) => isAlive(pod) && !pod.terminating && pod.revision === revision.name).length,
      proxies:
        allPods.flatMap((pod) => pod.connections).filter((c) => c.revision === revision.name).length +
        inventory.strayConnections.filter((c) => c.revision === revision.name).length,
      tags: revision.tags,
      defaultFor: revision.defaultFor,
      mutatingWebhooks: revision.mutatingWebhooks,
      validatingWebhooks: revision.validatingWebhooks,
      silent: revision.istiods.flatMap((report) => (report.error === undefined ? [] : [{ pod: report.pod, error: report.error }])),
    })),
    defaults: defaultsOf(inventory),
    tags: inventory.tags.map(({ name, revision }) => ({ name, revision })),
    namespaces: namespaceStatuses(inventory, meshWorkloads, decisions).filter((n) => isShown(n.name)),
    workloads: meshWorkloads.map((w) => workloadStatus(w, decisions.get(workloadKey(w)))),
    pods: workloads.flatMap((w) => w.pods.filter((pod) => isAlive(pod) && pod.proxy !== undefined).map((pod) => podStatus(pod))),
    gateways: inventory.gateways
      .filter((g) => isShown(g.namespace))
      .map((gateway) => ({
        namespace: gateway.namespace,
        name: gateway.name,
        source: gateway.source,
        podsByRevision: countByRevision(
          inventory.workloads.find((w) => gateway.workload !== undefined && workloadKey(w) === workloadKey(gateway.workload))?.pods ?? [],
        ),
        addresses: gateway.addresses,
      })),
    strayProxies: inventory.strayConnections.map((c) => ({
      proxy: c.entry.proxy,
      revision: c.revision,
      istiod: c.istiodPod,
      version: c.entry.istioVersion ?? 'unknown',
    })),
    unread: inventory.unread,
  };
}

function decide(workload: Workload, inventory: MeshInventory): InjectionDecision {
  const labels = inventory.namespaces.find((n) => n.name === workload.namespace)?.labels ?? {};
  return resolveInjection({ namespace: workload.namespace, namespaceLabels: labels, template: workload.template }, inventory.webhooks);
}

/** `canary`, `nobody`, `refused`, or `default and canary` when webhooks overlap. */
export function decisionText(decision: InjectionDecision | undefined): string {
  switch (decision?.kind) {
    case 'injected':
      return decision.revision;
    case 'ambiguous':
      return decision.revisions.join(' and ');
    case 'refused':
      return 'refused';
    default:
      return 'nobody';
  }
}

function isInMesh(workload: Workload, decision: InjectionDecision | undefined): boolean {
  return workload.pods.some((pod) => pod.proxy !== undefined) || (decision !== undefined && decision.kind !== 'not-injected');
}

function countByRevision(pods: readonly MeshPod[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const pod of pods.filter((p) => isAlive(p) && !p.terminating)) {
    const revision = pod.revision ?? NO_REVISION;
    counts[revision] = (counts[revision] ?? 0) + 1;
  }
  return counts;
}

function defaultsOf(inventory: MeshInventory): Partial<Record<DefaultSense, string>> {
  const defaults: Partial<Record<DefaultSense, string>> = {};
  for (const revision of inventory.revisions) for (const sense of revision.defaultFor) defaults[sense] = revision.name;
  return defaults;
}

/** Namespaces that have one of Istio's labels, or pods with a proxy. */
function namespaceStatuses(
  inventory: MeshInventory,
  workloads: readonly Workload[],
  decisions: ReadonlyMap<string, InjectionDecision>,
): NamespaceStatus[] {
  const workloadsOf = Map.groupBy(workloads, (w) => w.namespace);
  return inventory.namespaces.flatMap((namespace): NamespaceStatus[] => {
    const own = workloadsOf.get(namespace.name) ?? [];
    const labels = Object.fromEntries(
      Object.entries(namespace.labels).filter(([key]) => key === 'istio-injection' || key === 'istio.io/rev'),
    );
    if (Object.keys(labels).length === 0 && !own.some((w) => w.pods.some((pod) => pod.proxy !== undefined))) return [];
    const decision = decisionFor(namespace, own, { inventory, decisions });
    return [
      {
        name: namespace.name,
        labels,
        gets: decisionText(decision),
        detail: decision.kind === 'not-injected' || decision.kind === 'refused' ? decision.detail : '',
        podsByRevision: countByRevision(inventory.workloads.filter((w) => w.namespace === namespace.name).flatMap((w) => w.pods)),
        toMove: own.filter((w) => isMixed(w, decisions.get(workloadKey(w)))).length,
        gateways: inventory.gateways.filter((g) => g.namespace === namespace.name).length,
      },
    ];
  });
}

interface Deciding {
  readonly inventory: MeshInventory;
  readonly decisions: ReadonlyMap<string, InjectionDecision>;
}

/** What the labels of the namespace decide; where they say nothing, what its workloads with a proxy all get by their own. */
function decisionFor(namespace: MeshNamespace, own: readonly Workload[], { inventory, decisions }: Deciding): InjectionDecision {
  const decision = resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template: {} }, inventory.webhooks);
  if (decision.kind !== 'not-injected' || decision.reason !== 'not-asked') return decision;
  const [first, ...rest] = own
    .filter((workload) => workload.pods.some((pod) => pod.proxy !== undefined))
    .map((workload) => decisions.get(workloadKey(workload)));
  const agree = first !== undefined && rest.every((other) => other !== undefined && decisionText(other) === decisionText(first));
  return agree ? first : decision;
}

function isMixed(workload: Workload, decision: InjectionDecision | undefined): boolean {
  const next = decision?.kind === 'injected' ? decision.revision : undefined;
  if (next === undefined) return false;
  return workload.pods.some((pod) => isAlive(pod) && !pod.terminating && pod.revision !== undefined && pod.revision !== next);
}

function workloadStatus(workload: Workload, decision: InjectionDecision | undefined): WorkloadStatus {
  const versions = workload.pods.flatMap((pod) => (isAlive(pod) && pod.proxy ? [pod.proxy.version] : []));
  return {
    namespace: workload.namespace,
    kind: workload.kind,
    name: workload.name,
    desiredPods: workload.desiredPods,
    podsByRevision: countByRevision(workload.pods),
    proxyVersions: [...new Set(versions)].toSorted(),
    gets: decisionText(decision),
  };
}

function podStatus(pod: MeshPod): PodStatus {
  const [first] = pod.connections;
  return {
    namespace: pod.namespace,
    name: pod.name,
    workload: workloadKey(pod.workload),
    revision: pod.revision ?? 'unknown',
    proxyVersion: pod.proxy?.version ?? 'unknown',
    proxyType: pod.proxy?.type ?? 'sidecar',
    nativeSidecar: pod.proxy?.native ?? false,
    ready: pod.ready,
    createdAt: pod.createdAt,
    connectedTo: pod.connections.map((c) => c.istiodPod),
    sync: first === undefined ? 'not-connected' : (pod.connections.find((c) => c.sync !== 'synced')?.sync ?? 'synced'),
  };
}
