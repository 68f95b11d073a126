/**
 * A shop of six workloads that really call each other: web asks api, quotes and report; api asks ledger and agent. A
 * request to web that any call fails is answered with 503.
 */
import { APP_IMAGE, applyYaml, kubectl, start } from './cluster.ts';

const QUIET = '"-grpc-port", "disabled", "-redirect-port", "disabled", "-tcp-port", "disabled", "-udp-port", "disabled"';

interface App {
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

function workload(namespace: string, app: App): string {
  const args =
    app.calls.length === 0
      ? `["server", "-http-port", "9080", ${QUIET}]`
      : `["server", "-http-port", "8080", ${QUIET}, "-M", "9080 ${app.calls.map((name) => `http://${name}:9080/`).join(' ')}"]`;
  const probePort = app.calls.length === 0 ? 9080 : 8080;
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
      containers:
      - name: app
        image: ${APP_IMAGE}
        imagePullPolicy: IfNotPresent
        args: ${args}
        ports: [{name: http, containerPort: 9080}]
        readinessProbe: {httpGet: {path: /fortio/, port: ${probePort}}, periodSeconds: 1}
        lifecycle: {preStop: {sleep: {seconds: 3}}}
        resources: {requests: {cpu: 10m, memory: 32Mi}}
`;
}

export function namespaceYaml(name: string, labels: Readonly<Record<string, string>>): string {
  const all = { 'meshlift-test': 'true', ...labels };
  return `apiVersion: v1\nkind: Namespace\nmetadata: {name: "${name}", labels: ${JSON.stringify(all)}}\n---\n`;
}

/** Brings the shop up and waits until all of it is ready. */
export async function openShop(namespace: string, labels: Readonly<Record<string, string>>, apps: readonly App[] = SHOP): Promise<void> {
  await applyYaml(namespaceYaml(namespace, labels) + apps.map((app) => workload(namespace, app)).join('---\n'));
  await Promise.all(
    apps.map((app) => kubectl('-n', namespace, 'rollout', 'status', `${app.kind.toLowerCase()}/${app.name}`, '--timeout=120s')),
  );
}

export function podCount(apps: readonly App[] = SHOP): number {
  return apps.reduce((sum, app) => sum + app.replicas, 0);
}

/** One request from a pod; resolves to the status code, 0 when there was no answer. */
export async function ask(namespace: string, from: string, url: string): Promise<number> {
  const { stdout, stderr } = await start('kubectl', [
    '-n',
    namespace,
    'exec',
    from,
    '-c',
    'app',
    '--',
    'fortio',
    'curl',
    '-quiet',
    '-timeout',
    '5s',
    url,
  ]).done;
  // fortio writes the head of the answer to standard error.
  return Number(/HTTP\/1\.1 (\d+)/.exec(stderr + stdout)?.[1] ?? 0);
}
