/** The Deployment of an istiod, what leads to it and what scales it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { revisionLabels, type ManifestPlan } from './manifest-options.ts';

const PORTS = [
  { name: 'grpc-xds', port: 15_010, protocol: 'TCP' },
  { name: 'https-dns', port: 15_012, protocol: 'TCP' },
  { name: 'https-webhook', port: 443, targetPort: 15_017, protocol: 'TCP' },
  { name: 'http-monitoring', port: 15_014, protocol: 'TCP' },
] as const;

export function istiodWorkload(plan: ManifestPlan): readonly KubeObject[] {
  return [service(plan, plan.name, revisionLabels(plan)), deployment(plan), ...scaling(plan)];
}

/** Without a name an istiod is `istio: pilot`, and nothing else is; with one it goes by its revision. */
function selectorLabels({ revision }: ManifestPlan): Readonly<Record<string, string>> {
  return revision === 'default' ? { istio: 'pilot' } : { 'istio.io/rev': revision };
}

/** @param labels whose it is: the revision's, or a tag's */
export function service(plan: ManifestPlan, name: string, labels: Readonly<Record<string, string>>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: plan.namespace, labels: { ...labels, app: 'istiod', istio: 'pilot' } },
    spec: { ports: PORTS, selector: { app: 'istiod', ...selectorLabels(plan) } },
  };
}

function deployment(plan: ManifestPlan): KubeObject {
  const labels = { ...revisionLabels(plan), app: 'istiod', istio: plan.revision === 'default' ? 'pilot' : 'istiod' };
  const matchLabels = plan.revision === 'default' ? selectorLabels(plan) : { app: 'istiod', ...selectorLabels(plan) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: plan.name, namespace: plan.namespace, labels: { ...labels, istio: 'pilot' } },
    spec: {
      ...(plan.options.autoscale === undefined ? { replicas: plan.options.replicas ?? 1 } : {}),
      strategy: { rollingUpdate: { maxSurge: '100%', maxUnavailable: '25%' } },
      selector: { matchLabels },
      template: {
        metadata: {
          labels: { ...labels, 'sidecar.istio.io/inject': 'false', 'istio.io/dataplane-mode': 'none' },
          annotations: { 'prometheus.io/port': '15014', 'prometheus.io/scrape': 'true', 'sidecar.istio.io/inject': 'false' },
        },
        spec: { serviceAccountName: plan.name, containers: [container(plan)], volumes: VOLUMES },
      },
    },
  };
}

function container({ hub, version, revision }: ManifestPlan): object {
  const fieldRef = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } });
  return {
    name: 'discovery',
    image: `${hub}/pilot:${version}`,
    args: ['discovery', '--monitoringAddr=:15014', '--log_output_level=default:info', '--domain', 'cluster.local'],
    ports: [
      { containerPort: 8080, protocol: 'TCP', name: 'http-debug' },
      { containerPort: 15_010, protocol: 'TCP', name: 'grpc-xds' },
      { containerPort: 15_012, protocol: 'TCP', name: 'tls-xds' },
      { containerPort: 15_017, protocol: 'TCP', name: 'https-webhooks' },
      { containerPort: 15_014, protocol: 'TCP', name: 'http-monitoring' },
    ],
    readinessProbe: { httpGet: { path: '/ready', port: 8080 }, initialDelaySeconds: 1, periodSeconds: 3, timeoutSeconds: 5 },
    env: [
      { name: 'REVISION', value: revision },
      { name: 'PILOT_CERT_PROVIDER', value: 'istiod' },
      fieldRef('POD_NAME', 'metadata.name'),
      fieldRef('POD_NAMESPACE', 'metadata.namespace'),
      fieldRef('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
      { name: 'CLUSTER_ID', value: 'Kubernetes' },
    ],
    resources: { requests: { cpu: '500m', memory: '2Gi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'istio-token', mountPath: '/var/run/secrets/tokens', readOnly: true },
      { name: 'local-certs', mountPath: '/var/run/secrets/istio-dns' },
      { name: 'cacerts', mountPath: '/etc/cacerts', readOnly: true },
    ],
  };
}

const VOLUMES = [
  { emptyDir: { medium: 'Memory' }, name: 'local-certs' },
  {
    name: 'istio-token',
    projected: { sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } }] },
  },
  { name: 'cacerts', secret: { secretName: 'cacerts', optional: true } },
] as const;

/** A disruption budget where more than one istiod is wanted: with one it would only stand in the way of every drain. */
function scaling(plan: ManifestPlan): readonly KubeObject[] {
  const { autoscale, replicas = 1 } = plan.options;
  const metadata = { name: plan.name, namespace: plan.namespace, labels: { ...revisionLabels(plan), app: 'istiod' } };
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...metadata, labels: { ...metadata.labels, istio: 'pilot' } },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'istiod', ...selectorLabels(plan) } } },
  };
  const scaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      minReplicas: autoscale?.min,
      maxReplicas: autoscale?.max,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: plan.name },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
    },
  };
  const several = plan.minor < 28 || (autoscale?.min ?? replicas) > 1;
  return [...(several ? [budget] : []), ...(autoscale === undefined ? [] : [scaler])];
}
