/** When a stage of a scenario has come so far that the next one can begin. */
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';

/** A change of any of them may end a stage. */
export const RESOURCES_OF_READINESS: readonly GroupResource[] = [
  'deployments.apps',
  'statefulsets.apps',
  'configmaps',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
];

interface Counts {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  readonly observedGeneration?: number;
}

/** istiod runs and everything that it writes before it can inject is there. */
export function isControlPlaneReady(cluster: ClusterView): boolean {
  const istiods = cluster.list('deployments.apps').filter(({ metadata }) => metadata.labels?.['app'] === 'istiod');
  return (
    istiods.length > 0 &&
    istiods.every(isComplete) &&
    configurations(cluster, 'mutatingwebhookconfigurations').every(hasBundles) &&
    configurations(cluster, 'validatingwebhookconfigurations').every((object) => hasBundles(object) && isStrict(object)) &&
    cluster.get('configmaps', 'istio-ca-root-cert', 'istio-system') !== undefined
  );
}

export function areWorkloadsReady(cluster: ClusterView): boolean {
  return [...cluster.list('deployments.apps'), ...cluster.list('statefulsets.apps')].every(isComplete);
}

function isComplete(object: KubeObject): boolean {
  const wanted = (object['spec'] as Counts | undefined)?.replicas ?? 1;
  const { readyReplicas = 0, updatedReplicas = 0, observedGeneration = 0 } = (object['status'] ?? {}) as Counts;
  return readyReplicas >= wanted && updatedReplicas >= wanted && observedGeneration >= (object.metadata.generation ?? 1);
}

function configurations(cluster: ClusterView, resource: string): readonly KubeObject[] {
  return cluster.list(`${resource}.admissionregistration.k8s.io`).filter(({ metadata }) => metadata.labels?.['istio.io/rev'] !== undefined);
}

interface Webhook {
  readonly failurePolicy?: string;
  readonly clientConfig?: { readonly caBundle?: string };
}

function webhooksOf(object: KubeObject): readonly Webhook[] {
  return (object['webhooks'] ?? []) as readonly Webhook[];
}

function hasBundles(object: KubeObject): boolean {
  return webhooksOf(object).every(({ clientConfig }) => (clientConfig?.caBundle ?? '') !== '');
}

function isStrict(object: KubeObject): boolean {
  return webhooksOf(object).every(({ failurePolicy }) => failurePolicy === 'Fail');
}
