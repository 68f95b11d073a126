/**
 * A shop of six workloads that really call each other: web asks api, quotes and report; api asks ledger and agent. A
 * request to web that any call fails is answered with an error.
 */
import type { ClusterUnderTest } from './cluster-under-test.ts';

export interface App {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly name: string;
  readonly replicas: number;
  /** Services that it calls for every request. */
  readonly calls: readonly string[];
}

export const SHOP: readonly App[] = [
  { kind: 'Deployment', name: 'web', replicas: 2, calls: ['api', 'quotes', 'report'] },
  { kind: 'Deployment', name: 'api', replicas: 2, calls: ['ledger', 'agent'] },
  { kind: 'Deployment', name: 'quotes', replicas: 1, calls: [] },
  { kind: 'Deployment', name: 'report', replicas: 2, calls: [] },
  { kind: 'StatefulSet', name: 'ledger', replicas: 2, calls: [] },
  { kind: 'DaemonSet', name: 'agent', replicas: 1, calls: [] },
];

export function someOfShop(...names: string[]): App[] {
  return SHOP.filter((app) => names.includes(app.name));
}

function workload(cluster: ClusterUnderTest, namespace: string, app: App): string {
  const container = {
    name: 'app',
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: 'http', containerPort: 9080 }],
    lifecycle: { preStop: { sleep: { seconds: 3 } } },
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
    ...cluster.traffic.appContainer(app.calls),
  };
  const spec = {
    Deployment: `  replicas: ${app.replicas}\n  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}`,
    StatefulSet: `  replicas: ${app.replicas}\n  serviceName: ${app.name}\n  podManagementPolicy: Parallel`,
    DaemonSet: '  updateStrategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}',
  }[app.kind];
  return `apiVersion: v1
kind: Service
metadata: {name: ${app.name}, namespace: ${namespace}}
spec: {selector: {app: ${app.name}}, ports: [{name: http, port: 9080}]}
---
apiVersion: apps/v1
kind: ${app.kind}
metadata: {name: ${app.name}, namespace: ${namespace}}
spec:
${spec}
  selector: {matchLabels: {app: ${app.name}}}
  template:
    metadata: {labels: {app: ${app.name}}}
    spec:
      containers: [${JSON.stringify(container)}]
`;
}

export function namespaceYaml(name: string, labels: Readonly<Record<string, string>>): string {
  const all = { 'meshlift-test': 'true', ...labels };
  return `apiVersion: v1\nkind: Namespace\nmetadata: {name: "${name}", labels: ${JSON.stringify(all)}}\n---\n`;
}

export function podYaml(cluster: ClusterUnderTest, namespace: string, name: string): string {
  const container = { name: 'app', imagePullPolicy: 'IfNotPresent', ...cluster.traffic.appContainer([]) };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { app: name } }, spec: { containers: [container] } };
  return `${JSON.stringify(pod)}\n`;
}

/** Brings the shop up and waits until all of it is ready. */
export async function openShop(
  cluster: ClusterUnderTest,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  apps: readonly App[] = SHOP,
): Promise<void> {
  await cluster.objects.applyWhole(namespaceYaml(namespace, labels) + apps.map((app) => workload(cluster, namespace, app)).join('---\n'));
  await Promise.all(apps.map((app) => cluster.objects.rolledOut(app.kind.toLowerCase(), { namespace, name: app.name })));
}
