/** Gateways under requests from outside, in a sandbox: anew in shares and back from the middle, all the way, and in place. */
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { until, untilSaid } from '../kit/child-process.ts';
import { SandboxCluster, startAttack } from '../kit/sandbox-cluster.ts';
import { kubeconfigWith } from '../scenarios/changed-kubeconfig.ts';
import { meshlift, meshliftOk, revisionsOf, type LoadResult } from '../scenarios/cluster-under-test.ts';
import { namespaceYaml, openShop } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const cluster = new SandboxCluster({ speed: 6 });
const NAMESPACES = ['edge', 'shop'];
const CANARY = ['--gateways', 'canary'];
let before: Record<string, unknown>;
let source: readonly string[];

/** Two pods behind a load balancer, an autoscaler and a budget, as Istio's chart makes them; a route to the shop. */
const gatewayYaml = `${namespaceYaml('edge', {})}apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: edge, annotations: {meta.helm.sh/release-name: ingress, meta.helm.sh/release-namespace: edge}, labels: {app.kubernetes.io/managed-by: Helm}}
spec: {type: LoadBalancer, selector: {app: ingress, istio: ingress}, ports: [{name: http, port: 8080, targetPort: 8080}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: ingress, namespace: edge, annotations: {meta.helm.sh/release-name: ingress, meta.helm.sh/release-namespace: edge}, labels: {app.kubernetes.io/managed-by: Helm}}
spec: {minAvailable: 1, selector: {matchLabels: {app: ingress}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: ingress, namespace: edge, annotations: {meta.helm.sh/release-name: ingress, meta.helm.sh/release-namespace: edge}, labels: {app.kubernetes.io/managed-by: Helm}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ingress}
  minReplicas: 3
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress, namespace: edge, annotations: {meta.helm.sh/release-name: ingress, meta.helm.sh/release-namespace: edge}, labels: {app.kubernetes.io/managed-by: Helm}}
spec:
  replicas: 3
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector: {matchLabels: {app: ingress}}
  template:
    metadata: {labels: {app: ingress, istio: ingress, sidecar.istio.io/inject: "true", istio.io/rev: default}, annotations: {inject.istio.io/templates: gateway}}
    spec:
      containers:
      - name: istio-proxy
        image: auto
        readinessProbe: {httpGet: {path: /healthz/ready, port: 15021}, periodSeconds: 1}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: all, namespace: edge}
spec: {selector: {istio: ingress}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all, namespace: edge}
spec: {hosts: ["*"], gateways: [all], http: [{route: [{destination: {host: web.shop.svc.cluster.local, port: {number: 9080}}}]}]}
`;

/** A record as Helm keeps it: JSON, gzip, base64, and base64 again by the API. */
function recordYaml(): string {
  const content = {
    name: 'ingress',
    namespace: 'edge',
    version: 1,
    chart: { metadata: { name: 'gateway', version: '1.28.2' } },
    config: {},
  };
  const packed = gzipSync(JSON.stringify(content)).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: 'sh.helm.release.v1.ingress.v1',
      namespace: 'edge',
      labels: { owner: 'helm', name: 'ingress', status: 'deployed', version: '1' },
    },
    data: { release: Buffer.from(packed).toString('base64') },
  });
}

interface ServiceJson {
  readonly spec: { readonly clusterIP: string };
  readonly status: { readonly loadBalancer: unknown };
}

const address = async (): Promise<unknown> => {
  const { spec, status } = await cluster.objects.get<ServiceJson>('services', { namespace: 'edge', name: 'ingress' });
  return [spec.clusterIP, status.loadBalancer];
};

async function everything(): Promise<Record<string, unknown>> {
  const autoscalers = await cluster.objects.list<{ metadata: { name: string }; spec: unknown }>(
    ['horizontalpodautoscalers', 'poddisruptionbudgets'],
    {
      namespace: 'edge',
    },
  );
  return {
    ...(await snapshot(cluster, NAMESPACES)),
    autoscalers: autoscalers.map(({ metadata, spec }) => [metadata.name, spec]),
    address: await address(),
  };
}

const apply = (...more: string[]): string[] => ['apply', '--to', cluster.newVersion, '--revision', 'canary', ...source, ...more, '--yes'];

async function underLoad<T>(act: () => Promise<T>): Promise<[T, LoadResult]> {
  const load = startAttack(cluster, '/', 'edge/ingress');
  const [done] = await Promise.allSettled([act()]);
  const result = await load.stop();
  if (done.status === 'rejected') throw done.reason;
  expect(result.sent).toBeGreaterThan(0);
  expect(result.codes).toEqual({ '200': result.sent });
  return [done.value, result];
}

beforeAll(async () => {
  await cluster.prepare();
  await cluster.istio.installOld();
  await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, [{ kind: 'Deployment', name: 'web', replicas: 2, calls: [] }]);
  await cluster.objects.applyWhole(`${gatewayYaml}---\n${recordYaml()}\n`);
  await cluster.objects.rolledOut('deployment', { namespace: 'edge', name: 'ingress' });
  await until('the address is given', async () => JSON.stringify(await address()).includes('ingress'), 30_000, 50);
  source = await cluster.istio.source('canary');
  before = await everything();
});
afterAll(() => cluster.cleanUp());
afterEach(async () => {
  await cluster.endDrivers();
  await meshlift(cluster, 'rollback', '--yes');
  await meshlift(cluster, 'forget', '--everything', '--yes');
});

const ACCOUNT = 'limited';
const ROLE = 'meshlift-gateways';

/** A user who has what `rbac --for gateways` prints, and nothing else. */
async function limitedUser(): Promise<string> {
  const subjects = `subjects: [{kind: ServiceAccount, name: ${ACCOUNT}, namespace: shop}]`;
  const binding = (kind: string, role: string, namespace: string): string =>
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: ${ROLE}${namespace}}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${role}, name: ${ROLE}}\n${subjects}\n---\n`;
  const account = `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ${ACCOUNT}, namespace: shop}\n`;
  await cluster.objects.applyWhole(await meshliftOk(cluster, 'rbac', '--for', 'gateways'));
  await cluster.objects.applyWhole(
    binding('ClusterRoleBinding', 'ClusterRole', '') + binding('RoleBinding', 'Role', ', namespace: istio-system') + account,
  );
  const token = await cluster.objects.token({ namespace: 'shop', name: ACCOUNT });
  return kubeconfigWith(cluster, 'limited', (config) => {
    const user = config.users[0];
    if (user) user.user = { token };
  });
}

describe('with the roles that rbac prints', () => {
  it('a gateway moves and comes back; its Helm release, which may not be read, would stay', async () => {
    const kubeconfig = await limitedUser();
    const limited = (...words: string[]): Promise<string> => meshliftOk(cluster, '--kubeconfig', kubeconfig, ...words);
    await until(
      'the roles count',
      async () => (await meshlift(cluster, '--kubeconfig', kubeconfig, 'rbac', '--for', 'gateways', '--check')).code === 0,
      30_000,
      50,
    );
    const plan = await limited('plan', ...apply('-n', 'edge', ...CANARY).slice(1, -1));
    expect(plan).toContain('the Helm release ingress stays (its records may not be read)');
    expect(await limited(...apply('-n', 'edge', ...CANARY))).toContain('Moved 1 workload to canary');
    await limited('rollback', '--yes');
    expect(await everything()).toEqual(before);
  });
});

describe('a gateway under load', () => {
  it('in shares of 10, 50 and 100 %, stopped at 50 %, is taken back: nothing is lost, everything is as it was', async () => {
    await underLoad(async () => {
      const applying = cluster.start(apply(...CANARY));
      await untilSaid(applying, /shift-edge-ingress-50 started/, 120_000);
      await meshliftOk(cluster, 'pause');
      expect((await applying.done).code).toBe(3);
      expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['default', 'canary']));
      await meshliftOk(cluster, 'rollback', '--yes');
    });
    expect(await everything()).toEqual(before);
    expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['default']));
  });

  it('in place, with the label of its template, and back: nothing is lost', async () => {
    await underLoad(async () => {
      await meshliftOk(cluster, ...apply());
      expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['canary']));
      await meshliftOk(cluster, 'rollback', '--yes');
    });
    expect(await everything()).toEqual(before);
  });

  it('in shares to the end: the old one goes with the old revision, its address stays, nothing is lost', async () => {
    const [output] = await underLoad(() => meshliftOk(cluster, ...apply(...CANARY, '--finish')));
    expect(output).toContain('remove deploy/ingress in edge');
    expect(await revisionsOf(cluster, 'edge')).toEqual(new Set(['canary']));
    const names = async (kind: string): Promise<string[]> =>
      (await cluster.objects.list<{ metadata: { name: string } }>([kind], { namespace: 'edge' })).map(({ metadata }) => metadata.name);
    expect([await names('deployments'), await names('horizontalpodautoscalers'), await names('services')]).toEqual([
      ['ingress-canary'],
      ['ingress-canary'],
      ['ingress'],
    ]);
    expect(await names('secrets')).not.toContain('sh.helm.release.v1.ingress.v1');
    expect(await address()).toEqual(before['address']);
    expect(JSON.stringify(await cluster.objects.list(['services', 'poddisruptionbudgets'], { namespace: 'edge' }))).not.toContain(
      'meta.helm.sh',
    );
  });
});
