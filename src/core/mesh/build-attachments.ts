/** Finds what hangs on control planes beside workloads. */
import { isIstiod, revisionLabel, revisionOfDeployment } from './find-revisions.ts';
import type { KubeObject, Service, WebhookEntry, WorkloadEntryOrGroup } from './kube-objects.ts';
import { selectsPod } from './match-selector.ts';
import type { Exposure, MeshAttachments, VirtualMachine, WaypointUser, WebhookCall } from './mesh-attachments.ts';
import type { MeshObjects, ReadCluster } from './mesh-objects.ts';

export function buildAttachments(objects: MeshObjects): MeshAttachments {
  const behind = istiodsBehind(objects);
  const clusters = objects.istiods.flatMap((report) => report.clusters ?? []);
  const clusterId = ownClusterId(objects, clusters);
  return {
    webhookCalls: [...objects.mutatingWebhooks, ...objects.validatingWebhooks].flatMap((c) => webhookCalls(c, objects, behind)),
    tagServices: objects.services.flatMap((service) => {
      const tag = service.metadata.labels?.['istio.io/tag'];
      if (tag === undefined || service.metadata.labels?.['istio.io/rev'] === undefined) return [];
      return [{ namespace: service.metadata.namespace ?? '', name: service.metadata.name, tag, revision: revisionLabel(service) }];
    }),
    exposures: objects.services.flatMap((service) => exposures(service, behind)),
    virtualMachines: objects.virtualMachines.map(virtualMachine),
    routes: objects.revisionedRoutes.map((object) => ({ ref: refOf(object), revision: revisionLabel(object) })),
    waypointUsers: [
      ...objects.namespaces.flatMap((object) => waypointUser(object, `namespace ${object.metadata.name}`, object.metadata.name)),
      ...[...objects.services, ...objects.pods].flatMap((object) =>
        waypointUser(object, `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object.metadata.namespace ?? ''),
      ),
    ],
    ...(clusterId === undefined ? {} : { clusterId }),
    remoteClusters: [...new Map(clusters.filter((c) => c.secret !== undefined).map((c) => [c.id, c])).values()],
  };
}

function refOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): WebhookCall['ref'] {
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

type Behind = (service: Service) => readonly string[];

/** Revisions whose istiods a Service sends to. */
function istiodsBehind(objects: MeshObjects): Behind {
  const istiods = objects.deployments.filter(isIstiod);
  return (service) =>
    istiods
      .filter(
        (istiod) =>
          istiod.metadata.namespace === service.metadata.namespace &&
          selectsPod(service.spec?.selector, istiod.spec?.template?.metadata?.labels ?? {}),
      )
      .map(revisionOfDeployment);
}

function webhookCalls(configuration: MeshObjects['mutatingWebhooks'][number], objects: MeshObjects, behind: Behind): WebhookCall[] {
  const label = configuration.metadata.labels?.['istio.io/rev'];
  const tag = configuration.metadata.labels?.['istio.io/tag'];
  const calls = new Map<string, readonly string[]>();
  for (const { clientConfig } of configuration.webhooks ?? []) {
    const target = targetOf(clientConfig);
    if (target === undefined) continue;
    const service = objects.services.find((s) => s.metadata.name === target.name && s.metadata.namespace === target.namespace);
    const named = revisionOfName(target.name);
    const revisions = service === undefined ? [] : behind(service);
    // Without istiods behind it, as in a cluster that another one serves, the name is all that tells.
    const told = revisions.length > 0 ? revisions : named === undefined ? [] : [named];
    if (told.length > 0) calls.set(target.text, told);
  }
  return [...calls].map(([target, revisions]) => ({
    ref: refOf(configuration),
    ...(label === undefined ? {} : { label }),
    ...(tag === undefined ? {} : { tag }),
    target,
    revisions,
  }));
}

function targetOf(
  config: WebhookEntry['clientConfig'],
): { readonly name: string; readonly namespace: string; readonly text: string } | undefined {
  const service = config?.service;
  if (service) return { ...service, text: `Service ${service.namespace}/${service.name}` };
  const [, name, namespace] = /^https:\/\/([a-z0-9-]+)\.([a-z0-9-]+)\.svc\b/.exec(config?.url ?? '') ?? [];
  return name === undefined || namespace === undefined ? undefined : { name, namespace, text: config?.url ?? '' };
}

function revisionOfName(service: string): string | undefined {
  if (service === 'istiod') return 'default';
  return /^istiod-(?!revision-tag-)(.+)$/.exec(service)?.[1];
}

function exposures(service: Service, behind: Behind): Exposure[] {
  const type = service.spec?.type ?? 'ClusterIP';
  const reachable = type === 'LoadBalancer' || type === 'NodePort' || (service.spec?.externalIPs ?? []).length > 0;
  const revisions = reachable ? behind(service) : [];
  return revisions.length === 0 ? [] : [{ service: `${service.metadata.namespace ?? ''}/${service.metadata.name}`, type, revisions }];
}

/** @source istio/istio pilot/pkg/autoregistration/controller.go @86c9f01: the annotation of the time goes when the machine does */
function virtualMachine(object: WorkloadEntryOrGroup): VirtualMachine {
  const annotations = object.metadata.annotations ?? {};
  const revisionOfMachines = (object.kind === 'WorkloadGroup' ? object.spec?.metadata?.labels : object.spec?.labels)?.['istio.io/rev'];
  const istiod = annotations['istio.io/connectedAt'] === undefined ? undefined : annotations['istio.io/workloadController'];
  return {
    kind: object.kind as VirtualMachine['kind'],
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    ...(revisionOfMachines === undefined ? {} : { revisionLabel: revisionOfMachines }),
    ...(istiod === undefined ? {} : { connectedTo: istiod }),
  };
}

function waypointUser({ metadata: { labels = {} } }: KubeObject, object: string, ownNamespace: string): WaypointUser[] {
  const name = labels['istio.io/use-waypoint'];
  if (name === undefined || name === 'none') return [];
  return [{ object, waypoint: `${labels['istio.io/use-waypoint-namespace'] ?? ownNamespace}/${name}` }];
}

/** What istiod calls its own cluster: it says so, else the pods that it knows here do. */
function ownClusterId(objects: MeshObjects, clusters: readonly ReadCluster[]): string | undefined {
  const told = clusters.find((c) => c.secret === undefined)?.id;
  if (told !== undefined) return told;
  const pods = new Set(objects.pods.map((pod) => `${pod.metadata.name}.${pod.metadata.namespace ?? ''}`));
  return objects.istiods.flatMap((report) => report.proxies).find((entry) => entry.clusterId !== undefined && pods.has(entry.proxy))
    ?.clusterId;
}
