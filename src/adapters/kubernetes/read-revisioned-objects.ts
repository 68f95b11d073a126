/** Reads objects that belong to a revision by their label, and machines, of every kind that the cluster serves. */
import type { GatewayClass, KubeObject, WorkloadEntryOrGroup } from '../../core/mesh/kube-objects.ts';
import type { MeshObjects } from '../../core/mesh/mesh-objects.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-errors.ts';
import { listOrNote, noteOrThrow, type ReadNotes } from './list-or-note.ts';
import type { Resource } from './resource-paths.ts';

/** API groups of Istio's objects. */
const ISTIO_GROUPS = ['networking.istio.io', 'security.istio.io', 'telemetry.istio.io', 'extensions.istio.io'];
const GATEWAY_API_GROUP = 'gateway.networking.k8s.io';

/**
 * Kinds of which every object is read, with or without the label: EnvoyFilters also choose proxies by their version, Istio's Gateways
 * choose pods by their labels.
 */
const READ_WHOLE = new Set(['EnvoyFilter', 'Gateway', 'WorkloadEntry', 'WorkloadGroup', 'GatewayClass']);

type Revisioned = Pick<
  MeshObjects,
  'pinnedObjects' | 'envoyFilters' | 'istioGateways' | 'virtualMachines' | 'gatewayClasses' | 'revisionedRoutes'
>;

export async function readRevisionedObjects(client: KubeClient, notes: ReadNotes): Promise<Revisioned> {
  const [istio, gatewayApi] = await Promise.all([
    Promise.all(ISTIO_GROUPS.map((group) => readGroup(client, group, notes))).then((lists) => lists.flat()),
    readGroup(client, GATEWAY_API_GROUP, notes),
  ]);
  const isLabelled = (object: KubeObject): boolean => object.metadata.labels?.['istio.io/rev'] !== undefined;
  return {
    pinnedObjects: istio.filter(isLabelled),
    envoyFilters: istio.filter((object) => object.kind === 'EnvoyFilter'),
    istioGateways: istio.filter((object) => object.kind === 'Gateway'),
    virtualMachines: istio.filter((object): object is WorkloadEntryOrGroup => /^Workload(Entry|Group)$/.test(object.kind)),
    gatewayClasses: gatewayApi.filter((object): object is GatewayClass => object.kind === 'GatewayClass'),
    revisionedRoutes: gatewayApi.filter((object) => isLabelled(object) && object.kind !== 'GatewayClass'),
  };
}

async function readGroup(client: KubeClient, group: string, notes: ReadNotes): Promise<KubeObject[]> {
  const kinds = (await servedKinds(client, group, notes)).filter(({ kind }) => group !== GATEWAY_API_GROUP || kind !== 'Gateway');
  const lists = await Promise.all(
    kinds.map(async ({ resource, kind }) => {
      const selector = READ_WHOLE.has(kind) ? {} : { labelSelector: 'istio.io/rev' };
      const items = await listOrNote<KubeObject>(client, resource, { ...selector, optional: true }, notes);
      return items.map((item) => ({ ...item, apiVersion: `${resource.group}/${resource.version}`, kind }));
    }),
  );
  return lists.flat();
}

/** Kinds of an API group, each in the first version that serves it; none when the cluster does not have the group. */
async function servedKinds(client: KubeClient, group: string, notes: ReadNotes): Promise<{ resource: Resource; kind: string }[]> {
  const get = (path: string): Promise<unknown> => client.request({ method: 'GET', path, verb: 'get', group: '', resource: path });
  try {
    const { versions } = (await get(`/apis/${group}`)) as { versions: { version: string }[] };
    const lists = await Promise.all(
      versions.map(
        ({ version }) => get(`/apis/${group}/${version}`) as Promise<{ resources: { name: string; kind: string; namespaced: boolean }[] }>,
      ),
    );
    const kinds = new Map<string, { resource: Resource; kind: string }>();
    for (const [index, list] of lists.entries()) {
      for (const { name, kind, namespaced } of list.resources.filter((r) => !r.name.includes('/') && !kinds.has(r.kind))) {
        kinds.set(kind, { resource: { group, version: versions[index]?.version ?? '', plural: name, namespaced }, kind });
      }
    }
    return [...kinds.values()];
  } catch (error) {
    if (!isNotFound(error)) noteOrThrow(error, `kinds of ${group}`, notes);
    return [];
  }
}
