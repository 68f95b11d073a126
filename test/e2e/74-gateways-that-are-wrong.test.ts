/** Gateways in a sandbox whose Service never gets an address, belongs to another release, or whose Istio Gateways select nothing. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { meshlift, meshliftOk, revisionsOf } from '../scenarios/cluster-under-test.ts';
import { expectProblem } from '../scenarios/expect-problem.ts';
import { namespaceYaml } from '../scenarios/shop.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 });

const cluster = new SandboxCluster({ speed: 10 });
const MARKS = (release: string): string =>
  `annotations: {meta.helm.sh/release-name: ${release}, meta.helm.sh/release-namespace: edge}, labels: {app.kubernetes.io/managed-by: Helm}`;

/** A class of load balancers that nobody serves. */
const yaml = `${namespaceYaml('edge', {})}apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: edge, ${MARKS('other')}}
spec: {type: LoadBalancer, loadBalancerClass: example.com/none, selector: {app: ingress}, ports: [{name: http, port: 8080, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress, namespace: edge, ${MARKS('ingress')}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ingress}}
  template:
    metadata: {labels: {app: ingress, istio.io/rev: default}, annotations: {inject.istio.io/templates: gateway}}
    spec: {containers: [{name: istio-proxy, image: auto, readinessProbe: {httpGet: {path: /healthz/ready, port: 15021}, periodSeconds: 1}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: nowhere, namespace: edge}
spec: {selector: {app: gone}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: by-revision, namespace: edge}
spec: {selector: {app: ingress, istio.io/rev: default}, servers: [{port: {number: 8081, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
let way: string[];

beforeAll(async () => {
  await cluster.prepare();
  await cluster.istio.installOld();
  await cluster.objects.applyWhole(yaml);
  await cluster.objects.rolledOut('deployment', { namespace: 'edge', name: 'ingress' });
  way = ['--to', cluster.newVersion, '--revision', 'canary', ...(await cluster.istio.source('canary')), '--gateways', 'canary'];
});
afterAll(() => cluster.cleanUp());

it('a check says all of it, also when nothing is to move', async () => {
  const found = await meshliftOk(cluster, 'check');
  expect(found).toContain('GATE-003  Service edge/ingress of type LoadBalancer has no address');
  expect(found).toContain('GATE-011  Gateway edge/nowhere selects no pod (app=gone)');
  expect(found).toContain('GATE-011  Gateway edge/by-revision selects istio.io/rev=default');
  expect(found).toContain(
    'GATE-012  Service edge/ingress belongs to the Helm release other, and its Deployment ingress belongs to ingress',
  );
});

it('an upgrade is refused while pods of the new revision would lose their listeners', async () => {
  const outcome = await meshlift(cluster, 'apply', ...way, '--yes');
  expectProblem(outcome, 'CHEK-001', 3);
  expect(outcome.stderr).toContain('GATE-011');
  const words = 'Pods of edge/deployment/ingress on canary would not listen for its hosts: connections are refused.';
  expect(outcome.stdout).toContain(words);
});

it('the address is not waited for: the gateway moves, and comes back', async () => {
  await cluster.objects.remove('gateways', { namespace: 'edge', name: 'by-revision' });
  expect(await meshliftOk(cluster, 'apply', ...way, '--yes')).toContain('Moved 1 workload');
  expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['canary']));
  await meshliftOk(cluster, 'rollback', '--yes');
  expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['default']));
});

it('a load to it is refused, with the Service to look at', async () => {
  const outcome = await meshlift(cluster, 'load', 'attack', '--gateway', 'edge/ingress');
  expectProblem(outcome, 'MESH-008', 2);
  expect(outcome.stderr).toContain('kubectl -n edge describe service ingress');
});
