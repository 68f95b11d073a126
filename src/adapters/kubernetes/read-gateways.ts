/** Reads what a gateway has around its Deployment: endpoints of its Services, and the objects of its chart. */
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { KubeClient } from './kube-client.ts';
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

export async function readGatewayObjects(client: KubeClient, namespace: string): Promise<KubeObject[]> {
  const lists = await Promise.all(
    GATEWAY_KINDS.map(async ([apiVersion, kind]) => {
      const items = await client.list(resourceRequest(known(apiVersion, kind), 'list', { namespace }));
      return items.map((item) => ({ ...item, apiVersion, kind }));
    }),
  );
  return lists.flat();
}
