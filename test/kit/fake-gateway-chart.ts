/** Istio's chart for gateways in small, and helm as it makes a release of what it renders: it takes over only what names that release. */
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import type { GatewayInstall } from '../../src/ports/installer.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { merged } from './fake-gateways.ts';
import { keyOf } from './fake-objects.ts';
import { helmRecord } from './fake-releases.ts';

/** Values that this chart knows; a gateway that sets `broken` does not render. */
interface Values {
  readonly name?: string;
  readonly revision?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly service?: { readonly type?: string };
  readonly serviceAccount?: { readonly name?: string };
  readonly autoscaling?: { readonly enabled?: boolean; readonly minReplicas?: number; readonly maxReplicas?: number };
  readonly replicaCount?: number;
  readonly budget?: boolean;
  readonly policy?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly broken?: boolean;
}

/** @returns undefined where the values do not render */
export function renderGateway({ release, values }: GatewayInstall): KubeObject[] | undefined {
  const { labels = {}, service, serviceAccount, autoscaling, ...given } = values as Values;
  if (given.broken === true) return undefined;
  const name = given.name ?? release.name;
  const selector = { app: labels['app'] ?? name, istio: labels['istio'] ?? name };
  const marks = { 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': 'gateway-1.29.1', ...selector, ...labels };
  const metadata = { name, namespace: release.namespace, labels: marks };
  const account = serviceAccount?.name ?? name;
  const replicas = autoscaling?.enabled !== true && given.replicaCount !== undefined ? { replicas: given.replicaCount } : {};
  const template = podsOf(marks, account, given);
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: account } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { ...replicas, selector: { matchLabels: selector }, template } },
    ...(service?.type === 'None' ? [] : [{ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector } }]),
    ...(given.budget === true
      ? [{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { selector: { matchLabels: selector } } }]
      : []),
    ...(given.policy === true
      ? [{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec: { podSelector: { matchLabels: selector } } }]
      : []),
    ...(autoscaling?.enabled === true
      ? [{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata, spec: scaling(name, autoscaling) }]
      : []),
  ];
}

function podsOf(marks: Readonly<Record<string, string>>, account: string, { revision, env = {} }: Values): object {
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  return {
    metadata: {
      labels: { ...marks, 'sidecar.istio.io/inject': 'true', ...(revision === undefined ? {} : { 'istio.io/rev': revision }) },
      annotations: { 'inject.istio.io/templates': 'gateway' },
    },
    spec: {
      serviceAccountName: account,
      containers: [{ name: 'istio-proxy', image: 'auto', ...(variables.length === 0 ? {} : { env: variables }) }],
    },
  };
}

function scaling(name: string, { minReplicas = 1, maxReplicas = 5 }: NonNullable<Values['autoscaling']>): object {
  return { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, minReplicas, maxReplicas };
}

export function installGateway(cluster: FakeCluster, gateway: GatewayInstall): void {
  const { release, values } = gateway;
  const record = (status: string): KubeObject => {
    const made = helmRecord({ name: release.name, chart: 'gateway', chartVersion: '1.29.1', status, values });
    return { ...made, metadata: { ...made.metadata, namespace: release.namespace } };
  };
  const there = [...cluster.objects.values()].find(
    (object) => object.kind === 'Secret' && object.metadata.labels?.['name'] === release.name,
  );
  if (there !== undefined) throw new Error(`release ${release.name} is ${there.metadata.labels?.['status'] ?? ''}`);
  cluster.install(record('pending-install'));
  const owner = { 'meta.helm.sh/release-name': release.name, 'meta.helm.sh/release-namespace': release.namespace };
  for (const object of renderGateway(gateway) ?? []) {
    cluster.hook(`helm gateway ${object.kind}`, 'before');
    const live = cluster.objects.get(keyOf(object));
    if (live !== undefined && live.metadata.annotations?.['meta.helm.sh/release-name'] !== release.name)
      throw new Error(`${object.kind} ${object.metadata.name} exists and cannot be imported into the current release`);
    cluster.install(merged(live ?? object, { ...object, metadata: { ...object.metadata, annotations: owner } }));
  }
  cluster.hook('helm gateway', 'after');
  cluster.install(record('deployed'));
}
