/**
 * A gateway of Istio's own chart and one of plain YAML, both behind load balancers, under steady requests from outside: made anew in
 * shares and taken back from the middle, all the way and back, restarted in place and back, and to the finish. No request is lost, and
 * the Services with their addresses stay.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run, start, until, untilSaid, MESHLIFT } from '../kit/child-process.ts';
import { podsOf, revisionOf, type Load, type LoadResult, type Meta } from '../scenarios/cluster-under-test.ts';
import { namespaceYaml, openShop, someOfShop } from '../scenarios/shop.ts';
import { applyYaml, istioctlNew, kubectl, kubectlJson, meshlift, meshliftOk, NEW_VERSION, OLD_VERSION, scratch } from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

const OLD = OLD_VERSION.replaceAll('.', '-');
const NEW = NEW_VERSION.replaceAll('.', '-');
const charts = (version: string): string => process.env[`ISTIO_CHARTS_${version.replaceAll('.', '_')}`] ?? '';
const chart = (version = OLD_VERSION): string => join(charts(version), 'gateway');
/** helm 3 or 4. */
const HELM = process.env['MESHLIFT_HELM'] ?? 'helm';
const RATE_PER_SECOND = 25;
/** helm renders for some hundred milliseconds, then it writes. */
const KILLED_IN_HELM_MS = 700;

const apply = (...more: string[]): string[] => [
  'apply',
  '--to',
  NEW_VERSION,
  '--with',
  'istioctl',
  '--istioctl',
  istioctlNew(),
  '-f',
  operatorFile,
  ...more,
  '--yes',
];
const applyWithHelm = (...more: string[]): string[] => [
  'apply',
  '--to',
  NEW_VERSION,
  '--with',
  'helm',
  '--helm',
  HELM,
  '--charts',
  charts(NEW_VERSION),
  ...more,
  '--yes',
];
/** Namespaces of gateways alone, whose templates name the revision: they get no label. */
const GATEWAYS = ['-n', 'helm-gateway,plain-gateway'];
const CANARY = ['--gateways', 'canary', '--gateway-shares', '10,50,100'];

/** A gateway as the documentation of Istio shows it: nothing but a Deployment whose proxy is injected, and a Service. */
const plainGateway = `${namespaceYaml('plain-gateway', {})}apiVersion: v1
kind: Service
metadata: {name: plain, namespace: plain-gateway}
spec: {type: LoadBalancer, selector: {istio: plain}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: plain-gateway}
spec:
  replicas: 1
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector: {matchLabels: {istio: plain}}
  template:
    metadata:
      annotations: {inject.istio.io/templates: gateway}
      labels: {istio: plain, sidecar.istio.io/inject: "true", istio.io/rev: "${OLD}"}
    spec:
      containers: [{name: istio-proxy, image: auto, resources: {requests: {cpu: 10m, memory: 48Mi}}}]
---
`;

const routes = (name: string, port: number, selector: string): string => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: shop}
spec: {selector: {istio: ${selector}}, servers: [{port: {number: ${port}, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec: {hosts: ["*"], gateways: [${name}], http: [{route: [{destination: {host: web, port: {number: 9080}}}]}]}
---
`;

async function addressOf(namespace: string, name: string): Promise<string> {
  const service = await kubectlJson<{ status: { loadBalancer: { ingress?: { ip: string }[] } } }>('-n', namespace, 'get', 'service', name);
  return service.status.loadBalancer.ingress?.[0]?.ip ?? '';
}

interface Comparable {
  readonly kind: string;
  readonly metadata: Meta & Record<string, unknown>;
  readonly spec?: Record<string, unknown>;
}

/** What must be as before: everything of the gateways but their pods, and what the server counts. */
async function gatewayObjects(): Promise<Record<string, unknown>> {
  const kinds = 'deployments,services,horizontalpodautoscalers,serviceaccounts,roles,rolebindings,poddisruptionbudgets';
  const lists = await Promise.all(
    ['helm-gateway', 'plain-gateway'].map((namespace) => kubectlJson<{ items: Comparable[] }>('-n', namespace, 'get', kinds)),
  );
  return Object.fromEntries(
    lists
      .flatMap((list) => list.items)
      .map(({ kind, metadata: { name, labels, annotations = {} }, spec }) => {
        const { 'deployment.kubernetes.io/revision': _revision, ...kept } = annotations;
        const text = JSON.stringify({ labels, kept, spec })
          .replaceAll(/"meshlift\.io\/restart":"[^"]*",?/g, '')
          .replaceAll('"annotations":{},', '');
        return [`${kind}/${name}`, text.replaceAll(/,}/g, '}')];
      }),
  );
}

interface ReportJson {
  readonly latencies: { readonly '50th': number; readonly '99th': number };
  readonly requests: number;
  readonly status_codes: Readonly<Record<string, number>>;
  readonly errors: readonly string[];
}

let attacks = 0;

function startAttack(address: string): Load & { readonly file: string } {
  attacks += 1;
  const file = join(scratch, `gateway-attack-${attacks}.ndjson`);
  const words = [
    'load',
    'attack',
    `http://${address}/`,
    '--rate',
    `${RATE_PER_SECOND}/1s`,
    '--duration',
    '7m',
    '--timeout',
    '5s',
    '-q',
    '-o',
    file,
  ];
  const running = start(MESHLIFT, words);
  return {
    file,
    stop: async () => {
      running.child.kill('SIGTERM');
      await running.done;
      const report = JSON.parse(await run(MESHLIFT, ['load', 'report', '--type', 'json', file])) as ReportJson;
      const ms = (nanoseconds: number): number => Math.round(nanoseconds / 100_000) / 10;
      const { requests, status_codes: codes, latencies } = report;
      if (requests !== codes['200']) process.stdout.write(`failures of ${file}: ${report.errors.join('; ')}\n${failures(file)}\n`);
      return { sent: requests, failed: requests - (codes['200'] ?? 0), codes, p50Ms: ms(latencies['50th']), p99Ms: ms(latencies['99th']) };
    },
  };
}

function failures(file: string): string {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.includes('"code":200'));
  return lines.slice(0, 5).join('\n');
}

const figures: [string, LoadResult][] = [];

async function underLoad<T>(name: string, act: () => Promise<T>): Promise<T> {
  const addresses = await Promise.all([addressOf('helm-gateway', 'istio-ingress'), addressOf('plain-gateway', 'plain')]);
  const loads = addresses.map(startAttack);
  const [done] = await Promise.allSettled([act()]);
  const results = await Promise.all(loads.map((load) => load.stop()));
  for (const result of results) figures.push([name, result]);
  if (done.status === 'rejected') throw done.reason;
  for (const { codes, sent } of results) expect([name, codes]).toEqual([name, { '200': sent }]);
  expect(await Promise.all([addressOf('helm-gateway', 'istio-ingress'), addressOf('plain-gateway', 'plain')])).toEqual(addresses);
  return done.value;
}

/** Name, status and chart of every release of the gateway; those that helm does not list, too. */
async function gatewayReleases(): Promise<string[]> {
  const listed = JSON.parse(await run(HELM, ['list', '-n', 'helm-gateway', '-o', 'json'])) as Record<'name' | 'status' | 'chart', string>[];
  const { items } = await kubectlJson<{ items: { metadata: Meta }[] }>('-n', 'helm-gateway', 'get', 'secrets', '-l', 'owner=helm');
  const names = new Set(listed.map(({ name }) => name));
  const unlisted = items.filter(({ metadata: { labels = {} } }) => !names.has(labels['name'] ?? ''));
  return [
    ...listed.map(({ name, status, chart: made }) => `${name} ${status} ${made}`),
    ...unlisted.map(({ metadata: { labels = {} } }) => `${labels['name'] ?? ''} ${labels['status'] ?? ''}`),
  ];
}

async function revisions(namespace: string): Promise<string[]> {
  return (await podsOf(realCluster, namespace)).map((pod) => revisionOf(pod) ?? 'none').toSorted();
}

let before: Record<string, unknown>;

beforeAll(async () => {
  await cleanCluster();
  await installOld(`revision=${OLD}`);
  await openShop(
    realCluster,
    'shop',
    { 'istio.io/rev': OLD },
    someOfShop('quotes').map((app) => ({ ...app, name: 'web', replicas: 2 })),
  );
  await applyYaml(namespaceYaml('helm-gateway', {}) + plainGateway);
  const values = [
    '--set',
    `revision=${OLD}`,
    '--set',
    'autoscaling.minReplicas=2',
    '--set',
    'resources.requests.cpu=10m',
    '--set',
    'resources.requests.memory=48Mi',
  ];
  await run(HELM, ['install', 'istio-ingress', chart(), '-n', 'helm-gateway', ...values, '--wait']);
  // The chart leaves the number of pods to the autoscaler.
  await kubectl('-n', 'helm-gateway', 'wait', 'deploy/istio-ingress', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=120s');
  await kubectl('-n', 'plain-gateway', 'rollout', 'status', 'deploy/plain', '--timeout=90s');
  await applyYaml(routes('helm', 80, 'ingress') + routes('plain', 8080, 'plain'));
  for (const [namespace, name] of [
    ['helm-gateway', 'istio-ingress'],
    ['plain-gateway', 'plain'],
  ] as const)
    await until(
      `${name} answers`,
      async () => (await start('curl', ['-sf', '-m', '2', `http://${await addressOf(namespace, name)}/`]).done).code === 0,
      60_000,
    );
  before = await gatewayObjects();
});
afterAll(async () => {
  for (const [name, { sent, failed, p50Ms, p99Ms }] of figures)
    process.stdout.write(`load ${name}: ${sent} sent, ${failed} failed, p50 ${p50Ms} ms, p99 ${p99Ms} ms\n`);
  await cleanCluster();
});
const isLeftFinished = (name: string): boolean => name.startsWith('in shares to the end') || name.startsWith('where helm goes on');
afterEach(async ({ task }) => {
  if (isLeftFinished(task.name)) return;
  await meshlift('rollback', '--yes');
  await meshlift('forget', '--everything', '--yes');
});

describe('gateways under requests from outside', () => {
  it('in shares: stopped at 50 % and taken back, everything is as it was', async () => {
    await underLoad('shares, back at 50 %', async () => {
      const applying = start(MESHLIFT, apply('-n', 'helm-gateway', ...CANARY));
      await untilSaid(applying, /shift-helm-gateway-istio-ingress-50 started/, 180_000);
      await meshliftOk('pause');
      expect((await applying.done).code).toBe(3);
      expect(await revisions('helm-gateway')).toEqual([NEW, OLD].toSorted());
      await meshliftOk('rollback', '--yes');
    });
    expect(await gatewayObjects()).toEqual(before);
    expect([await revisions('helm-gateway'), await revisions('plain-gateway')]).toEqual([[OLD, OLD], [OLD]]);
  });

  it('in place, with the label of their templates, and back', async () => {
    await underLoad('in place and back', async () => {
      await meshliftOk(...apply(...GATEWAYS));
      expect([await revisions('helm-gateway'), await revisions('plain-gateway')]).toEqual([[NEW, NEW], [NEW]]);
      await meshliftOk('rollback', '--yes');
    });
    expect(await gatewayObjects()).toEqual(before);
  });

  it('in shares to the end by helm; the old gateways and the old revision go, and the release is one of helm still', async () => {
    const uids = async (): Promise<string[]> => (await podsOf(realCluster, 'helm-gateway')).map(({ metadata }) => metadata.uid).toSorted();
    let moved: string[] = [];
    await underLoad('shares 10, 50, 100 and the finish', async () => {
      await meshliftOk(...applyWithHelm(...CANARY));
      moved = await uids();
      const finishing = start(MESHLIFT, ['finish', '--yes']);
      await untilSaid(finishing, /remove-helm-gateway-istio-ingress started/, 60_000);
      await new Promise((resolve) => setTimeout(resolve, KILLED_IN_HELM_MS));
      finishing.child.kill('SIGKILL');
      await finishing.done;
      await meshliftOk('resume');
      await meshlift('finish', '--yes');
    });
    expect([await revisions('helm-gateway'), await revisions('plain-gateway')]).toEqual([[NEW, NEW], [NEW]]);
    const left = await gatewayObjects();
    expect(
      Object.keys(left)
        .filter((key) => !key.startsWith('ServiceAccount/default'))
        .toSorted(),
    ).toEqual(
      [
        `Deployment/istio-ingress-${NEW}`,
        `Deployment/plain-${NEW}`,
        `HorizontalPodAutoscaler/istio-ingress-${NEW}`,
        'Role/istio-ingress',
        'RoleBinding/istio-ingress',
        'Service/istio-ingress',
        'Service/plain',
        'ServiceAccount/istio-ingress',
      ].toSorted(),
    );
    expect(left['Service/istio-ingress']).not.toContain('meta.helm.sh');
    expect(await uids()).toEqual(moved);
    expect(await gatewayReleases()).toEqual([`istio-ingress-${NEW} deployed gateway-${NEW_VERSION}`]);
  });

  it('where helm goes on: the same values change no pod, and another number of pods is taken', async () => {
    const release = `istio-ingress-${NEW}`;
    const uids = async (): Promise<string[]> => (await podsOf(realCluster, 'helm-gateway')).map(({ metadata }) => metadata.uid).toSorted();
    const upgrade = (...more: string[]): Promise<string> =>
      run(HELM, ['upgrade', release, chart(NEW_VERSION), '-n', 'helm-gateway', '--reuse-values', ...more, '--wait']);
    const had = await uids();
    await underLoad('helm upgrade of the new release', async () => {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await upgrade();
      expect(await uids()).toEqual(had);
      await upgrade('--set', 'autoscaling.enabled=false', '--set', 'replicaCount=3');
    });
    const has = await uids();
    expect([has.length, had.every((uid) => has.includes(uid))]).toEqual([3, true]);
    expect(await gatewayReleases()).toEqual([`${release} deployed gateway-${NEW_VERSION}`]);
  });

  it('and come back from there, the Helm release too', async () => {
    await underLoad('back from the finish', () => meshliftOk('rollback', '--yes'));
    expect(await gatewayObjects()).toEqual(before);
    expect([await revisions('helm-gateway'), await revisions('plain-gateway')]).toEqual([[OLD, OLD], [OLD]]);
    expect(await gatewayReleases()).toEqual([`istio-ingress deployed gateway-${OLD_VERSION}`]);
  });
});
