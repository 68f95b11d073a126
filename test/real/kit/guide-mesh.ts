/** A mesh as most teams have it: control plane and three gateways by Helm, tags, pinned EnvoyFilters, Bookinfo's shape behind them. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { run, until } from '../../kit/child-process.ts';
import { applyYaml, istioctlOld, kubectl, kubectlJson, NEW_VERSION, OLD_VERSION } from './cluster.ts';
import { chartsOf as givenCharts, chartsVariable, SMALL } from './helm.ts';

export const OLD = OLD_VERSION.replaceAll('.', '-');
export const NEW = NEW_VERSION.replaceAll('.', '-');
export const GATEWAYS = ['istio-ingress', 'istio-egress', 'istio-eastwest'] as const;
export const APP_NAMESPACE = 'bookinfo';
const TEST_LABEL = 'meshlift-test: "true"';

/** The folder of Istio's charts of a version. @throws Error when the environment names none */
export function chartsOf(version: string): string {
  const folder = givenCharts(version);
  if (folder === undefined || folder === '')
    throw new Error(`these tests need Istio's charts of ${version}: a folder, in ${chartsVariable(version)}`);
  return folder;
}

export const helm = (...args: string[]): Promise<string> => run(process.env['MESHLIFT_HELM'] ?? 'helm', args);

const SMALL_SETTINGS = SMALL.flatMap((setting) => ['--set', setting]);

/** Termination that lets kube-proxy and callers forget a pod before it stops. */
const DRAINING_GATEWAY = {
  podAnnotations: { 'proxy.istio.io/config': '{"terminationDrainDuration": "8s"}' },
  resources: { requests: { cpu: '10m', memory: '48Mi' } },
  autoscaling: { enabled: false },
  terminationGracePeriodSeconds: 20,
};

export async function installGuideMesh(): Promise<void> {
  const charts = chartsOf(OLD_VERSION);
  await applyYaml(
    ['istio-system', ...GATEWAYS, APP_NAMESPACE, 'payments']
      .map((name) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}, labels: {${TEST_LABEL}}}\n---\n`)
      .join(''),
  );
  await helm('install', 'istio-base', join(charts, 'base'), '-n', 'istio-system', '--set', `defaultRevision=${OLD}`);
  const tags = ['--set', 'revisionTags={prod-stable}'];
  const istiod = join(charts, 'istiod');
  await helm('install', `istiod-${OLD}`, istiod, '-n', 'istio-system', '--set', `revision=${OLD}`, ...tags, ...SMALL_SETTINGS, '--wait');
  await run(istioctlOld(), ['tag', 'set', 'prod-canary', '--revision', OLD, '-y']);
  await Promise.all(GATEWAYS.map((name) => installGateway(name)));
  await kubectl('label', 'namespace', APP_NAMESPACE, 'istio.io/rev=prod-stable');
  await kubectl('label', 'namespace', 'payments', 'istio.io/rev=prod-canary');
}

async function installGateway(name: (typeof GATEWAYS)[number]): Promise<void> {
  const type = name === 'istio-ingress' ? 'LoadBalancer' : 'ClusterIP';
  const values = {
    ...DRAINING_GATEWAY,
    revision: OLD,
    replicaCount: name === 'istio-ingress' ? 2 : 1,
    service: { type },
    ...(name === 'istio-eastwest' ? { networkGateway: 'network1', labels: { istio: 'eastwestgateway' } } : {}),
  };
  const settings = Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]);
  await helm('install', name, join(chartsOf(OLD_VERSION), 'gateway'), '-n', name, ...settings, '--wait');
}

/** @param tally URL that productpage asks for every request, which counts them */
export async function openBookinfo(tally: string): Promise<void> {
  const file = process.env['RIG_BOOKINFO'];
  if (file === undefined) throw new Error('these tests need a manifest of Bookinfo in RIG_BOOKINFO');
  const text = readFileSync(file, 'utf8').replace('http://reviews:9080/"', `http://reviews:9080/ ${tally}"`);
  await run('kubectl', ['-n', APP_NAMESPACE, 'apply', '-f', '-'], { input: text });
  await run('kubectl', ['-n', 'payments', 'apply', '-f', '-'], { input: only(text, 'ratings-v1') });
  await applyYaml(envoyFilters());
  await kubectl('-n', APP_NAMESPACE, 'wait', '--for=condition=Available', 'deployment', '--all', '--timeout=180s');
  await kubectl('-n', 'payments', 'wait', '--for=condition=Available', 'deployment', '--all', '--timeout=120s');
}

function only(text: string, deployment: string): string {
  const found = text.split(/^---$/m).find((part) => part.includes(`name: ${deployment}`));
  if (found === undefined) throw new Error(`Bookinfo has no ${deployment}`);
  return found;
}

/** One that only the old istiod reads, and one that only old proxies obey; each adds a header to what productpage answers. */
function envoyFilters(): string {
  const header = (name: string): string => `      value:
        name: envoy.filters.http.lua
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
          defaultSourceCode: {inlineString: "function envoy_on_response(h) h:headers():add('${name}', 'yes') end"}
`;
  const filter = (name: string, labels: string, proxy: string): string => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: ${name}, namespace: ${APP_NAMESPACE}${labels}}
spec:
  workloadSelector: {labels: {app: productpage}}
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
${proxy}      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}
    patch:
      operation: INSERT_BEFORE
${header(`x-${name}`)}---
`;
  const minor = OLD_VERSION.split('.').slice(0, 2).join('\\\\.');
  return (
    filter('by-revision', `, labels: {istio.io/rev: ${OLD}}`, '') + filter('by-version', '', `      proxy: {proxyVersion: "^${minor}.*"}\n`)
  );
}

export async function ingressAddress(): Promise<string> {
  let address = '';
  await until('the ingress gateway has an address', async () => {
    const service = await kubectlJson<{ status: { loadBalancer: { ingress?: { ip?: string }[] } } }>(
      '-n',
      'istio-ingress',
      'get',
      'service',
      'istio-ingress',
    );
    address = service.status.loadBalancer.ingress?.[0]?.ip ?? '';
    return address !== '';
  });
  return address;
}

export async function releases(): Promise<string[]> {
  const list = JSON.parse(await helm('list', '-A', '-a', '-o', 'json')) as { name: string; namespace: string; status: string }[];
  return list.map(({ name, namespace, status }) => `${namespace}/${name} ${status}`).toSorted();
}

export async function removeReleases(): Promise<void> {
  const list = JSON.parse(await helm('list', '-A', '-a', '-o', 'json')) as { name: string; namespace: string }[];
  for (const { name, namespace } of list) await helm('uninstall', name, '-n', namespace, '--no-hooks').catch(() => '');
}

/** Counts what reaches the application, outside of the mesh and of all that restarts. */
export interface Tally {
  readonly url: string;
  count(): number;
  reset(): void;
  close(): void;
}

/** Listens on the address at which the pods of this machine's cluster reach it. */
export async function openTally(): Promise<Tally> {
  let counted = 0;
  const server = createServer((_request, response) => {
    counted += 1;
    response.end('ok');
  });
  server.keepAliveTimeout = 120_000;
  const host = await nodeAddress();
  await listen(server, host);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    count: () => counted,
    reset: () => (counted = 0),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function nodeAddress(): Promise<string> {
  const nodes = await kubectlJson<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>('get', 'nodes');
  const own = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
  const found = nodes.items.flatMap(({ status }) => status.addresses.map(({ address }) => address)).find((address) => own.has(address));
  if (found === undefined) throw new Error('no node of the cluster is this machine, so pods cannot reach what counts their requests');
  return found;
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
}
