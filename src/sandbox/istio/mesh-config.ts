/** Mesh configuration: what istiod takes from its ConfigMap, and what of it a proxy is told. */
import { parse } from 'yaml';
import { flagAt, recordAt, textAt } from './read-path.ts';

export interface MeshConfig {
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly enablePrometheusMerge: boolean;
  readonly defaultConfig: ProxyConfig;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** Fields as in the API, in camel case. */
export type ProxyConfig = Readonly<Record<string, unknown>>;

export const DEFAULT_STATUS_PORT = 15020;

/**
 * Fields that are left out of PROXY_CONFIG while they have these values.
 * Source: istio/istio, pkg/config/mesh/mesh.go (DefaultProxyConfig), pkg/kube/inject/template.go (cleanProxyConfig), tag 1.28.2.
 */
const PROXY_DEFAULTS: Readonly<Record<string, unknown>> = {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  proxyAdminPort: 15000,
  statNameLength: 189,
  statusPort: DEFAULT_STATUS_PORT,
};

/** What a proxy can be told; others are passed over. Source: istio/api, mesh/v1alpha1/proxy.proto (ProxyConfig), 1.28. */
const PROXY_FIELDS: ReadonlySet<string> = new Set([
  ...Object.keys(PROXY_DEFAULTS),
  'caCertificatesPem',
  'concurrency',
  'controlPlaneAuthPolicy',
  'customConfigFile',
  'envoyAccessLogService',
  'envoyMetricsService',
  'extraStatTags',
  'fileFlushInterval',
  'fileFlushMinSizeKb',
  'gatewayTopology',
  'holdApplicationUntilProxyStarts',
  'image',
  'interceptionMode',
  'meshId',
  'privateKeyProvider',
  'proxyBootstrapTemplatePath',
  'proxyHeaders',
  'proxyMetadata',
  'proxyStatsMatcher',
  'readinessProbe',
  'runtimeValues',
  'statsCompression',
  'statsdUdpAddress',
  'tracing',
  'tracingServiceName',
  'zipkinAddress',
]);

/** @param text YAML of the ConfigMap's key `mesh` @throws Error when it is no YAML */
export function parseMeshConfig(text: string, istioNamespace: string): MeshConfig {
  const parsed: unknown = text === '' ? {} : parse(text);
  const raw = recordAt({ parsed }, 'parsed');
  return {
    trustDomain: textAt(raw, 'trustDomain') ?? 'cluster.local',
    rootNamespace: textAt(raw, 'rootNamespace') ?? istioNamespace,
    enablePrometheusMerge: flagAt(raw, 'enablePrometheusMerge') ?? true,
    defaultConfig: { ...PROXY_DEFAULTS, ...recordAt(raw, 'defaultConfig') },
    raw,
  };
}

/**
 * The configuration of one proxy: the mesh's default under the pod's annotation `proxy.istio.io/config`; metadata is merged.
 * @throws Error when the annotation is no YAML
 */
export function proxyConfigOf(mesh: MeshConfig, annotations: Readonly<Record<string, string>>): ProxyConfig {
  const annotation = annotations['proxy.istio.io/config'];
  if (annotation === undefined) return mesh.defaultConfig;
  const own = parseProxyConfig(annotation);
  const metadata = { ...recordAt(mesh.defaultConfig, 'proxyMetadata'), ...recordAt(own, 'proxyMetadata') };
  return { ...mesh.defaultConfig, ...own, ...(Object.keys(metadata).length === 0 ? {} : { proxyMetadata: metadata }) };
}

const MOST_REMEMBERED = 200;
/** Pods of one template bring the same text; what was read from it never changes. */
const readConfigs = new Map<string, ProxyConfig>();

function parseProxyConfig(text: string): ProxyConfig {
  const known = readConfigs.get(text);
  if (known !== undefined) return known;
  const parsed: unknown = parse(text);
  const config = Object.fromEntries(Object.entries(recordAt({ parsed }, 'parsed')).filter(([field]) => PROXY_FIELDS.has(field)));
  if (readConfigs.size < MOST_REMEMBERED) readConfigs.set(text, config);
  return config;
}

/** The value of PROXY_CONFIG, without what every proxy assumes anyway. */
export function proxyConfigText(config: ProxyConfig): string {
  const kept = Object.entries(config).filter(([key, value]) => PROXY_DEFAULTS[key] !== value && !isEmpty(value));
  return JSON.stringify(sorted(Object.fromEntries(kept)));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

export function proxyMetadata(config: ProxyConfig): readonly (readonly [name: string, value: string])[] {
  return Object.entries(recordAt(config, 'proxyMetadata'))
    .map(([name, value]) => [name, String(value)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
