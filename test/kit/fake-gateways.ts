/** Services, patches and what else a gateway needs of a cluster in memory. */
import { helmRecord } from './fake-releases.ts';
import type { KubeObject, Pod, Service } from '../../src/core/mesh/kube-objects.ts';

type Objects = ReadonlyMap<string, KubeObject>;

/** Pods that a Service selects, that are ready and do not end. */
export function readyPodsOf(objects: Objects, pods: readonly Pod[], namespace: string, service: string): string[] {
  const selector = Object.entries((objects.get(`Service/${namespace}/${service}`) as Service | undefined)?.spec?.selector ?? {});
  return pods
    .filter((pod) => pod.metadata.namespace === namespace && pod.metadata.deletionTimestamp === undefined)
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .filter((pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true)
    .map((pod) => pod.metadata.name);
}

const KINDS = new Set([
  'Service',
  'ServiceAccount',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'NetworkPolicy',
  'Role',
  'RoleBinding',
]);

export function gatewayObjectsOf(objects: Objects, namespaces: readonly string[]): KubeObject[] {
  const isOfChart = ({ kind, metadata }: KubeObject): boolean => KINDS.has(kind) && namespaces.includes(metadata.namespace ?? '');
  return [...objects.values()].filter((object) => object.kind === 'Gateway' || isOfChart(object));
}

/** A JSON merge patch. @source RFC 7396 */
export function merged<T>(target: T, patch: unknown): T {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch as T;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result as T;
}

export interface GatewayOptions {
  readonly replicas?: number;
  /** Label `istio.io/rev` of its template; null: it follows the default. */
  readonly revision?: string | null;
  readonly release?: string;
  /** Chart of the release; Istio's own when absent. */
  readonly chart?: string;
  readonly autoscaled?: { readonly min: number; readonly max: number };
  /** It has a disruption budget. */
  readonly budget?: boolean;
  /** It has a network policy. */
  readonly policy?: boolean;
  /** What the user of the release has set. */
  readonly values?: Readonly<Record<string, unknown>>;
}

function recordOf(namespace: string, name: string, chart: string, values: Readonly<Record<string, unknown>>): KubeObject {
  const record = helmRecord({ name, chart, values });
  return { ...record, metadata: { ...record.metadata, namespace } };
}

/** A gateway as Istio's chart makes it: Deployment, Service and the like, in a namespace without labels. */
export function gatewayObjects(namespace: string, name: string, options: GatewayOptions = {}): KubeObject[] {
  const { replicas = 2, revision = 'default', release, chart = 'gateway', autoscaled, budget = false, policy = false } = options;
  const values = { autoscaling: { enabled: autoscaled !== undefined }, budget, policy, ...options.values };
  const selector = { app: name, istio: name };
  const metadata = {
    name,
    namespace,
    labels: {
      ...selector,
      ...(release === undefined ? {} : { 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': 'gateway-1.28.2' }),
    },
    ...(release === undefined
      ? {}
      : { annotations: { 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': namespace } }),
  };
  const labels = { ...selector, 'sidecar.istio.io/inject': 'true', ...(revision === null ? {} : { 'istio.io/rev': revision }) };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...metadata, uid: `Deployment/${namespace}/${name}`, generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels, annotations: { 'inject.istio.io/templates': 'gateway' } },
          spec: { serviceAccountName: name, containers: [{ name: 'istio-proxy', image: 'auto' }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'LoadBalancer', selector, ports: [{ name: 'http2', port: 80, targetPort: 8080 }] },
      status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    ...(release === undefined ? [] : [recordOf(namespace, release, chart, values)]),
    ...(budget ? [{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { selector: { matchLabels: selector } } }] : []),
    ...(policy
      ? [{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec: { podSelector: { matchLabels: selector } } }]
      : []),
    ...(autoscaled === undefined
      ? []
      : [
          {
            apiVersion: 'autoscaling/v2',
            kind: 'HorizontalPodAutoscaler',
            metadata,
            spec: {
              scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
              minReplicas: autoscaled.min,
              maxReplicas: autoscaled.max,
            },
          },
        ]),
  ];
}
