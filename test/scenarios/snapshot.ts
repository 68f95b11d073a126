/** Everything of the mesh as it is in the cluster, to be compared before and after. */
import type { ClusterUnderTest } from './cluster-under-test.ts';

interface Item {
  readonly kind: string;
  readonly metadata: Record<string, unknown> & { name: string; namespace?: string };
  readonly [field: string]: unknown;
}

const CLUSTER_KINDS = [
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'clusterroles',
  'clusterrolebindings',
  'namespaces',
];
const ISTIO_KINDS = [
  'deployments',
  'services',
  'configmaps',
  'serviceaccounts',
  'roles',
  'rolebindings',
  'poddisruptionbudgets',
  'horizontalpodautoscalers',
];
const APP_KINDS = ['deployments', 'statefulsets', 'daemonsets', 'services', 'configmaps'];

/**
 * What differs although nothing is wrong, and why:
 * - uid, resourceVersion, generation, creationTimestamp, managedFields, status: the server's own books;
 * - the annotation meshlift.io/restart of pod templates: the restarts themselves;
 * - deployment.kubernetes.io/revision and deprecated.daemonset.template.generation: counters of the controllers, which the restarts move;
 * - clusterIP of Services: given by the server;
 * - objects of Meshlift's own record, removed by forget;
 * - leader objects and root certificates (no label istio.io/rev): istiod's own bookkeeping, written by whoever leads.
 */
export async function snapshot(cluster: ClusterUnderTest, namespaces: readonly string[]): Promise<Record<string, unknown>> {
  const { objects } = cluster;
  const [ofCluster, istio, apps] = await Promise.all([
    objects.list<Item>(CLUSTER_KINDS),
    objects.list<Item>(ISTIO_KINDS, { namespace: 'istio-system' }),
    Promise.all(namespaces.map((namespace) => objects.list<Item>(APP_KINDS, { namespace }))),
  ]);
  const items = [...ofCluster.filter(isOfTheMesh(namespaces)), ...istio, ...apps.flat()];
  return Object.fromEntries(
    items
      .filter((item) => !isBookkeeping(item))
      .map((item) => [`${item.kind} ${item.metadata.namespace ?? ''}/${item.metadata.name}`, stripped(item)]),
  );
}

function isOfTheMesh(namespaces: readonly string[]): (item: Item) => boolean {
  return (item) =>
    item.kind === 'Namespace'
      ? namespaces.includes(item.metadata.name) || item.metadata.name === 'istio-system'
      : item.metadata.name.startsWith('istio');
}

function isBookkeeping({ kind, metadata }: Item): boolean {
  if (metadata.name.startsWith('meshlift-') || metadata.name.startsWith('kube-root-ca')) return true;
  const labels = (metadata['labels'] ?? {}) as Record<string, string>;
  return kind === 'ConfigMap' && metadata.namespace === 'istio-system' && labels['istio.io/rev'] === undefined;
}

const SERVER_FIELDS = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields'];
const COUNTERS = ['meshlift.io/restart', 'deployment.kubernetes.io/revision', 'deprecated.daemonset.template.generation'];

function stripped(item: Item): unknown {
  const { status: _status, ...rest } = item;
  const metadata = Object.fromEntries(Object.entries(item.metadata).filter(([key]) => !SERVER_FIELDS.includes(key)));
  const copy = JSON.parse(JSON.stringify({ ...rest, metadata })) as {
    metadata: { annotations?: Record<string, string> };
    spec?: { clusterIP?: string; clusterIPs?: string[]; template?: { metadata?: { annotations?: Record<string, string> } } };
  };
  dropAnnotations(copy.metadata);
  if (copy.spec?.template?.metadata) dropAnnotations(copy.spec.template.metadata);
  delete copy.spec?.clusterIP;
  delete copy.spec?.clusterIPs;
  return copy;
}

/** An empty map of annotations is no annotations. */
function dropAnnotations(metadata: { annotations?: Record<string, string> }): void {
  for (const key of COUNTERS) delete metadata.annotations?.[key];
  if (metadata.annotations && Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
}
