/** A mesh as most teams have it: control plane and three gateways by Helm, tags, pinned EnvoyFilters, Bookinfo's shape behind them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, until } from '../../kit/child-process.ts';
import { revisionOf, type PodJson } from '../../scenarios/cluster-under-test.ts';
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

/** The deployments of Bookinfo. */
export const DEPLOYMENTS = ['productpage-v1', 'details-v1', 'reviews-v1', 'reviews-v2', 'reviews-v3', 'ratings-v1'] as const;

/** @param tally URL after which each deployment writes its name, and asks it for every request that it serves */
export async function openBookinfo(tally: string): Promise<void> {
  const file = process.env['RIG_BOOKINFO'];
  if (file === undefined) throw new Error('these tests need a manifest of Bookinfo in RIG_BOOKINFO');
  const given = readFileSync(file, 'utf8');
  const counted = DEPLOYMENTS.reduce((text, name) => replaced(text, name, (part) => asking(part, `${tally}${name}`)), given);
  await run('kubectl', ['-n', APP_NAMESPACE, 'apply', '-f', '-'], { input: counted });
  await run('kubectl', ['-n', 'payments', 'apply', '-f', '-'], { input: partOf(given, 'ratings-v1') });
  await applyYaml(envoyFilters());
  await kubectl('-n', APP_NAMESPACE, 'wait', '--for=condition=Available', 'deployment', '--all', '--timeout=180s');
  await kubectl('-n', 'payments', 'wait', '--for=condition=Available', 'deployment', '--all', '--timeout=120s');
}

/**
 * A Deployment of fortio that asks `url` too for every request. One that so far answers by itself becomes a proxy of that one
 * target; its own server, which the kubelet asks whether it is ready, moves to port 8080.
 */
function asking(part: string, url: string): string {
  if (part.includes('"-M"')) return part.replace(/("-M", "[^"]*)"/, `$1 ${url}"`);
  const moved = part
    .replace('"-http-port", "9080"', '"-http-port", "8080"')
    .replace('port: 9080}, periodSeconds', 'port: 8080}, periodSeconds');
  return moved.replace('"-udp-port", "disabled"', `"-udp-port", "disabled", "-M", "9080 ${url}"`);
}

function replaced(text: string, deployment: string, change: (part: string) => string): string {
  const part = partOf(text, deployment);
  return text.replace(part, () => change(part));
}

function partOf(text: string, deployment: string): string {
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

/** @returns of the pods that are to stay; undefined for those without a sidecar */
export async function revisionsOf(namespace: string): Promise<Set<string | undefined>> {
  const { items } = await kubectlJson<{ items: PodJson[] }>('-n', namespace, 'get', 'pods');
  return new Set(items.filter((pod) => pod.metadata.deletionTimestamp === undefined).map(revisionOf));
}
