/** Reads what a gateway has around its Deployment: endpoints of its Services, and the objects of its chart. */
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-errors.ts';
import { known, resourceRequest } from './resource-paths.ts';

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string };
  }[];
}

/** @source kubernetes/api discovery/v1 types.go: an unknown `ready` counts as ready */
export async function readReadyPods(client: KubeClient, namespace: string, service: string): Promise<string[]> {
  const slices = await client.list<EndpointSlice>({
    ...resourceRequest(known('discovery.k8s.io/v1', 'EndpointSlice'), 'list', { namespace }),
    query: { labelSelector: `kubernetes.io/service-name=${service}` },
  });
  const ready = slices
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ targetRef }) => (targetRef?.kind === 'Pod' && targetRef.name !== undefined ? [targetRef.name] : []));
  return [...new Set(ready)];
}

/** Kinds that Istio's gateway chart and its IstioOperator profiles make beside the Deployment. */
const GATEWAY_KINDS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['v1', 'Service'],
  ['v1', 'ServiceAccount'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
];

export async function readGatewayObjects(client: KubeClient, namespaces: readonly string[]): Promise<KubeObject[]> {
  const places = namespaces.flatMap((namespace) => GATEWAY_KINDS.map(([apiVersion, kind]) => ({ namespace, apiVersion, kind })));
  const lists = await Promise.all(
    places.map(async ({ namespace, apiVersion, kind }) => {
      const items = await client.list(resourceRequest(known(apiVersion, kind), 'list', { namespace }));
      return items.map((item) => ({ ...item, apiVersion, kind }));
    }),
  );
  return [...lists.flat(), ...(await readIstioGateways(client))];
}

/** Istio 1.22 and later serve v1, all of them v1beta1; a cluster without the CRD has none. */
async function readIstioGateways(client: KubeClient): Promise<KubeObject[]> {
  for (const version of ['v1', 'v1beta1']) {
    const resource = { group: 'networking.istio.io', version, plural: 'gateways', namespaced: true };
    try {
      const items = await client.list(resourceRequest(resource, 'list'));
      return items.map((item) => ({ ...item, apiVersion: `networking.istio.io/${version}`, kind: 'Gateway' }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return [];
}
