/** The kinds of objects that scenarios are made of, with what they always have. */
import type { KubeObject } from '../objects/kube-object.ts';

export type Labels = Readonly<Record<string, string>>;

export function namespaceObject(name: string, labels: Labels = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) } };
}

export interface WorkloadOptions {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly image: string;
  readonly replicas: number;
  readonly port: number;
  /** `http://host:port/path`, asked before it answers. */
  readonly calls?: readonly string[];
  readonly serviceAccount?: string;
}

/** A short wait before the application ends: its callers hear first that it goes. */
const PRE_STOP_SECONDS = 1;
/** Istio's own 5 s would make every restart so much longer. */
const SHORT_DRAIN = { 'proxy.istio.io/config': 'terminationDrainDuration: 1s\n' };
const GATEWAY_DRAIN = { 'proxy.istio.io/config': 'terminationDrainDuration: 2s\n' };

export function deploymentObject(options: WorkloadOptions): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: options.name, namespace: options.namespace, labels: options.labels },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: options.labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: podTemplate(options),
    },
  };
}

export function statefulSetObject(options: WorkloadOptions): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: options.name, namespace: options.namespace, labels: options.labels },
    spec: {
      serviceName: options.labels['app'] ?? options.name,
      replicas: options.replicas,
      // The first start need not wait for one pod after the other; updates go in order all the same.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: options.labels },
      template: podTemplate(options),
    },
  };
}

function podTemplate({ labels, image, port, calls = [], serviceAccount }: WorkloadOptions): object {
  return {
    metadata: { labels, annotations: SHORT_DRAIN },
    spec: {
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      containers: [
        {
          name: labels['app'] ?? 'app',
          image,
          ports: [{ name: 'http', containerPort: port }],
          ...(calls.length === 0 ? {} : { env: [{ name: 'CALLS', value: calls.join(',') }] }),
          readinessProbe: { httpGet: { path: '/health', port }, periodSeconds: 1 },
          lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
          resources: { requests: { cpu: '50m', memory: '64Mi' } },
        },
      ],
    },
  };
}

export function serviceObject(namespace: string, name: string, port: number, selector: Labels): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: selector },
    spec: { selector, ports: [{ name: 'http', port, targetPort: 'http' }] },
  };
}

export function serviceAccountObject(namespace: string, name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}

export function disruptionBudgetObject(namespace: string, name: string, matchLabels: Labels): KubeObject {
  const spec = { minAvailable: 1, selector: { matchLabels } };
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace }, spec };
}

/** A gateway as Istio's chart makes it: a Deployment whose proxy is injected by the template `gateway`. */
export function gatewayObjects(namespace: string, name: string, replicas: number): readonly KubeObject[] {
  const labels = { app: name, istio: 'ingressgateway' };
  const container = {
    name: 'istio-proxy',
    image: 'auto',
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'https', containerPort: 8443 },
    ],
    // The template's own probe asks every 15 s only.
    readinessProbe: { httpGet: { path: '/healthz/ready', port: 15_021 }, periodSeconds: 1 },
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
  };
  const metadata = {
    labels: { ...labels, 'sidecar.istio.io/inject': 'true' },
    annotations: { 'inject.istio.io/templates': 'gateway', ...GATEWAY_DRAIN },
  };
  return [
    serviceAccountObject(namespace, name),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: {
        type: 'LoadBalancer',
        selector: labels,
        ports: [
          { name: 'status-port', port: 15_021, targetPort: 15_021 },
          { name: 'http2', port: 80, targetPort: 8080 },
          // For those who may not listen below 1024.
          { name: 'http-alt', port: 8080, targetPort: 8080 },
          { name: 'https', port: 443, targetPort: 8443 },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: { metadata, spec: { serviceAccountName: name, containers: [container] } },
      },
    },
    disruptionBudgetObject(namespace, name, labels),
  ];
}

/** Everything on port 80 of a gateway, whatever its host, goes to one service. */
export function ingressObjects(
  namespace: string,
  name: string,
  target: { readonly host: string; readonly port: number },
): readonly KubeObject[] {
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name, namespace },
      spec: { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name, namespace },
      spec: {
        hosts: ['*'],
        gateways: [name],
        http: [{ route: [{ destination: { host: target.host, port: { number: target.port } } }] }],
      },
    },
  ];
}
