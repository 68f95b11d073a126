/** Builds the mesh in the field's own words from what was read. */
import { buildAttachments } from './build-attachments.ts';
import { buildGateways } from './build-gateways.ts';
import { ownerIndex, buildWorkloads } from './build-workloads.ts';
import { findInjectionWebhooks, findRevisions, findTags, revisionLabel } from './find-revisions.ts';
import type { KubeObject, Pod } from './kube-objects.ts';
import type { MeshInventory, MeshPod, ProxyConnection, WorkloadRef } from './mesh-inventory.ts';
import type { MeshObjects } from './mesh-objects.ts';
import { injectedRevision, readProxy } from './read-proxy.ts';
import { connectionSyncState } from './sync-state.ts';

/**
 * @param objects one look at the cluster; kinds that could not be read are empty and named in `unread`
 * @returns the whole mesh; never throws for what a cluster may hold
 */
export function buildInventory(objects: MeshObjects): MeshInventory {
  const connections = Map.groupBy(allConnections(objects), (c) => c.entry.proxy);
  const ownerOf = ownerIndex(objects);
  const pods = objects.pods.map((pod) => buildPod(pod, ownerOf(pod), connections.get(proxyIdOf(pod)) ?? []));
  const known = new Set(objects.pods.map(proxyIdOf));
  const workloads = buildWorkloads(objects, pods);
  return {
    readAtMs: objects.readAtMs,
    clusterName: objects.clusterName,
    clusterUid: objects.clusterUid,
    istioNamespace: objects.istioNamespace,
    serverVersion: objects.serverVersion,
    revisions: findRevisions(objects),
    tags: findTags(objects),
    webhooks: findInjectionWebhooks(objects),
    namespaces: objects.namespaces.map((ns) => ({
      name: ns.metadata.name,
      labels: ns.metadata.labels ?? {},
      ...(ns.metadata.resourceVersion === undefined ? {} : { resourceVersion: ns.metadata.resourceVersion }),
      terminating: ns.metadata.deletionTimestamp !== undefined,
      labelManagers: labelManagers(ns),
    })),
    workloads,
    gateways: buildGateways(objects, workloads),
    strayConnections: [...connections.entries()].filter(([proxy]) => !known.has(proxy)).flatMap(([, list]) => list),
    pinnedObjects: objects.pinnedObjects.map((object) => ({
      ref: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
        name: object.metadata.name,
      },
      revision: revisionLabel(object),
    })),
    meshConfigs: meshConfigs(objects),
    attachments: buildAttachments(objects),
    unread: objects.unread,
  };
}

/** How istiod names a proxy: `<pod>.<namespace>`. */
export function proxyIdOf(pod: Pod): string {
  return `${pod.metadata.name}.${pod.metadata.namespace ?? ''}`;
}

/**
 * Other XDS clients are no proxies. istioctl, while it asks an istiod, is listed there as `test-1.default` of this version.
 * @source istio/istio pkg/adsc/adsc.go (default node metadata), seen on a real 1.29.1
 */
const CLIENT_VERSION = '65536.65536.65536';

function allConnections(objects: MeshObjects): ProxyConnection[] {
  return objects.istiods.flatMap((report) =>
    report.proxies
      .filter((entry) => entry.istioVersion !== CLIENT_VERSION && (entry.istioVersion !== undefined || entry.proxyType !== undefined))
      .map((entry) => ({ istiodPod: report.pod, revision: report.revision, entry, sync: connectionSyncState(entry) })),
  );
}

export function buildPod(pod: Pod, workload: WorkloadRef, connections: readonly ProxyConnection[]): MeshPod {
  const proxy = readProxy(pod, connections);
  const revision = proxy === undefined ? undefined : injectedRevision(pod);
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    labels: pod.metadata.labels ?? {},
    workload,
    phase: pod.status?.phase ?? 'Unknown',
    ready: (pod.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
    terminating: pod.metadata.deletionTimestamp !== undefined,
    createdAt: pod.metadata.creationTimestamp ?? '',
    ...(revision === undefined ? {} : { revision }),
    ...(proxy === undefined ? {} : { proxy }),
    connections,
  };
}

function meshConfigs(objects: MeshObjects): MeshInventory['meshConfigs'] {
  const configs: Record<string, { mesh?: string; originalValues?: string }> = {};
  for (const configMap of objects.configMaps) {
    const name = configMap.metadata.name;
    const of = (configs[revisionLabel(configMap)] ??= {});
    const data = configMap.data ?? {};
    if (data['mesh'] !== undefined && /^istio(-|$)/.test(name) && data['config'] === undefined) of.mesh = data['mesh'];
    if (data['original-values'] !== undefined) of.originalValues = data['original-values'];
  }
  return configs;
}

/** Field managers that set one of Istio's labels on a namespace, with the label. */
function labelManagers(namespace: KubeObject): { readonly label: string; readonly manager: string }[] {
  return (namespace.metadata.managedFields ?? []).flatMap((entry) => {
    const fields =
      (entry.fieldsV1 as { 'f:metadata'?: { 'f:labels'?: Record<string, unknown> } } | undefined)?.['f:metadata']?.['f:labels'] ?? {};
    return ['istio-injection', 'istio.io/rev']
      .filter((label) => `f:${label}` in fields)
      .map((label) => ({ label, manager: entry.manager ?? 'unknown' }));
  });
}
