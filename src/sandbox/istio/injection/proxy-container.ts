/** What the containers of sidecars and gateways have in common: variables, volumes, arguments. */
import { proxyConfigText, proxyMetadata } from '../mesh-config.ts';
import type { EnvVar, PodSpec } from '../pod-shape.ts';
import { flagAt, listAt, numberAt, recordAt, textAt, valueAt } from '../read-path.ts';
import { bootstrapEnv, bootstrapMounts, bootstrapVolumes, userMounts, userVolumes } from './annotated-volumes.ts';
import { appContainers, setting, type InjectionContext } from './injection-context.ts';

export type Role = 'sidecar' | 'router';

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const given = (name: string, value: string | undefined): readonly EnvVar[] =>
  value === undefined || value === '' ? [] : [{ name, value }];

export function proxyEnv(context: InjectionContext, role: Role): readonly EnvVar[] {
  const { values, workload } = context;
  const names = appContainers(context).join(',');
  const apps = { name: 'ISTIO_META_APP_CONTAINERS', ...(names === '' ? {} : { value: names }) };
  const runtime = [limit(context, 'GOMEMLIMIT', 'limits.memory'), limit(context, 'GOMAXPROCS', 'limits.cpu')];
  const named = role === 'sidecar' ? context.pod.metadata.labels?.['service.istio.io/workload-name'] : undefined;
  const { trustDomain } = context.mesh;
  return [
    { name: 'PILOT_CERT_PROVIDER', value: textAt(values, 'global.pilotCertProvider') ?? 'istiod' },
    { name: 'CA_ADDR', value: authorityAddress(values) },
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('INSTANCE_IP', 'status.podIP'),
    field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    limit(context, 'ISTIO_CPU_LIMIT', 'limits.cpu'),
    { name: 'PROXY_CONFIG', value: `${proxyConfigText(context.proxyConfig)}\n` },
    { name: 'ISTIO_META_POD_PORTS', value: podPorts(context.pod.spec) },
    ...(role === 'sidecar' ? [apps, ...runtime] : [...runtime, apps]),
    { name: 'ISTIO_META_CLUSTER_ID', value: textAt(values, 'global.multiCluster.clusterName') || 'Kubernetes' },
    field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    { name: 'ISTIO_META_INTERCEPTION_MODE', value: interceptionMode(context, role) },
    ...given('ISTIO_META_NETWORK', textAt(values, 'global.network')),
    ...given('ISTIO_META_WORKLOAD_NAME', named ?? workload.name),
    ...given('ISTIO_META_OWNER', workload.name === '' ? undefined : ownerOf(context)),
    ...bootstrapEnv(context),
    ...given('ISTIO_META_MESH_ID', textAt(values, 'global.meshID') || trustDomain),
    ...given('TRUST_DOMAIN', trustDomain),
    ...proxyMetadata(context.proxyConfig).map(([name, value]) => ({ name, value })),
  ];
}

/** The host that signs certificates: the installation's own istiod, unless it names another authority. */
function authorityAddress(values: unknown): string {
  const given = textAt(values, 'global.caAddress') ?? '';
  if (given !== '') return given;
  const revision = textAt(values, 'revision') ?? '';
  return `istiod${revision === '' ? '' : `-${revision}`}.${textAt(values, 'global.istioNamespace') ?? 'istio-system'}.svc:15012`;
}

/** Since 1.29 the templates write a divisor; Kubernetes would add another one. */
function limit({ version }: InjectionContext, name: string, resource: string): EnvVar {
  const divisor = version.minor >= 29 ? { divisor: '1' } : {};
  return { name, valueFrom: { resourceFieldRef: { resource, ...divisor } } };
}

export function interceptionMode(context: InjectionContext, role: Role): string {
  const annotated = role === 'sidecar' ? context.pod.metadata.annotations?.['sidecar.istio.io/interceptionMode'] : undefined;
  return annotated || textAt(context.proxyConfig, 'interceptionMode') || 'REDIRECT';
}

function ownerOf({ workload }: InjectionContext): string {
  return `kubernetes://apis/${workload.apiVersion}/namespaces/${workload.namespace || 'default'}/${workload.kind.toLowerCase()}s/${workload.name}`;
}

/** In the layout that the template gives it: one port a line, the comma in front. */
function podPorts(spec: PodSpec | undefined): string {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const lines = ports.map(({ name, hostPort, containerPort, protocol, hostIP }, index) => {
    const port = {
      ...(name === undefined ? {} : { name }),
      ...(hostPort === undefined ? {} : { hostPort }),
      containerPort,
      ...(protocol === undefined ? {} : { protocol }),
      ...(hostIP === undefined ? {} : { hostIP }),
    };
    return `    ${index === 0 ? '' : ','}${JSON.stringify(port)}`;
  });
  return ['[', ...lines, ']'].join('\n');
}

export function proxyArgs(context: InjectionContext, role: Role): readonly string[] {
  const { values } = context;
  const stsPort = numberAt(values, 'global.sts.servicePort') ?? 0;
  return [
    'proxy',
    role,
    '--domain',
    `$(POD_NAMESPACE).svc.${textAt(values, 'global.proxy.clusterDomain') ?? 'cluster.local'}`,
    `--proxyLogLevel=${setting(context, 'sidecar.istio.io/logLevel', 'global.proxy.logLevel')}`,
    `--proxyComponentLogLevel=${setting(context, 'sidecar.istio.io/componentLogLevel', 'global.proxy.componentLogLevel')}`,
    `--log_output_level=${setting(context, 'sidecar.istio.io/agentLogLevel', 'global.logging.level')}`,
    ...(stsPort === 0 ? [] : [`--stsPort=${stsPort}`]),
    ...(flagAt(values, 'global.logAsJson') === true ? ['--log_as_json'] : []),
  ];
}

export function pullPolicy(context: InjectionContext): object {
  const policy = textAt(context.values, 'global.imagePullPolicy') ?? '';
  return policy === '' ? {} : { imagePullPolicy: policy };
}

/** The root certificate of the mesh: a ConfigMap that istiod keeps in every namespace. A pod does not start without it. */
export function trustBundle(context: InjectionContext): string {
  return textAt(context.values, 'global.trustBundleName') || 'istio-ca-root-cert';
}

function hasIstiodCertificates(context: InjectionContext): boolean {
  return (textAt(context.values, 'global.pilotCertProvider') ?? 'istiod') === 'istiod';
}

/** Since 1.27 sidecars, and only they, also get the list of revoked certificates. */
function hasRevocations(context: InjectionContext, role: Role): boolean {
  return role === 'sidecar' && context.version.minor >= 27;
}

export function proxyVolumeMounts(context: InjectionContext, role: Role): readonly object[] {
  const root = { mountPath: '/var/run/secrets/istio', name: 'istiod-ca-cert' };
  const revoked = { mountPath: '/var/run/secrets/istio/crl', name: 'istio-ca-crl' };
  return [
    { name: 'workload-socket', mountPath: '/var/run/secrets/workload-spiffe-uds' },
    { name: 'credential-socket', mountPath: '/var/run/secrets/credential-uds' },
    { name: 'workload-certs', mountPath: '/var/run/secrets/workload-spiffe-credentials' },
    ...(hasIstiodCertificates(context) ? [root, ...(hasRevocations(context, role) ? [revoked] : [])] : []),
    { mountPath: '/var/lib/istio/data', name: 'istio-data' },
    ...bootstrapMounts(context),
    { mountPath: '/etc/istio/proxy', name: 'istio-envoy' },
    { mountPath: '/var/run/secrets/tokens', name: 'istio-token' },
    { name: 'istio-podinfo', mountPath: '/etc/istio/pod' },
    ...(role === 'sidecar' ? userMounts(context) : []),
  ];
}

export function proxyVolumes(context: InjectionContext, role: Role): NonNullable<PodSpec['volumes']> {
  const audience = textAt(context.values, 'global.sds.token.aud') ?? 'istio-ca';
  const revoked = {
    name: 'istio-ca-crl',
    configMap: { name: textAt(context.values, 'pilot.crlConfigMapName') || 'istio-ca-crl', optional: true },
  };
  return [
    { emptyDir: {}, name: 'workload-socket' },
    { emptyDir: {}, name: 'credential-socket' },
    { emptyDir: {}, name: 'workload-certs' },
    ...bootstrapVolumes(context),
    { emptyDir: { medium: 'Memory' }, name: 'istio-envoy' },
    { name: 'istio-data', emptyDir: {} },
    {
      name: 'istio-podinfo',
      downwardAPI: {
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
        ],
      },
    },
    {
      name: 'istio-token',
      projected: { sources: [{ serviceAccountToken: { path: 'istio-token', expirationSeconds: 43_200, audience } }] },
    },
    ...(hasIstiodCertificates(context) ? [{ name: 'istiod-ca-cert', configMap: { name: trustBundle(context) } }] : []),
    ...(hasRevocations(context, role) ? [revoked] : []),
    ...(role === 'sidecar' ? userVolumes(context) : []),
  ];
}

export function pullSecrets(context: InjectionContext): object {
  const secrets = listAt(context.values, 'global.imagePullSecrets');
  return secrets.length === 0 ? {} : { imagePullSecrets: secrets.map((name) => ({ name: String(name) })) };
}

/** Annotations of the pod, else the installation's; a pod that sets one of them sets them all. */
export function proxyResources(context: InjectionContext): unknown {
  const annotations = context.pod.metadata.annotations ?? {};
  const own = (pairs: readonly (readonly [string, string])[]): object =>
    Object.fromEntries(pairs.flatMap(([name, key]) => (annotations[key] === undefined ? [] : [[name, annotations[key]]])));
  const requests = own([
    ['cpu', 'sidecar.istio.io/proxyCPU'],
    ['memory', 'sidecar.istio.io/proxyMemory'],
  ]);
  const limits = own([
    ['cpu', 'sidecar.istio.io/proxyCPULimit'],
    ['memory', 'sidecar.istio.io/proxyMemoryLimit'],
  ]);
  const asked = { ...(Object.keys(requests).length === 0 ? {} : { requests }), ...(Object.keys(limits).length === 0 ? {} : { limits }) };
  return Object.keys(asked).length === 0 ? (valueAt(context.values, 'global.proxy.resources') ?? {}) : asked;
}

export function canonicalLabels(context: InjectionContext): Readonly<Record<string, string>> {
  const labels = context.pod.metadata.labels ?? {};
  const name = labels['service.istio.io/canonical-name'] || labels['app.kubernetes.io/name'] || labels['app'] || context.workload.name;
  const revision = labels['service.istio.io/canonical-revision'] || labels['app.kubernetes.io/version'] || labels['version'] || 'latest';
  return { 'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': revision };
}

/** Whose logs and shell people get when they name no container: the application's. */
export function defaultContainer(context: InjectionContext): Readonly<Record<string, string>> {
  const [first] = appContainers(context);
  const annotations = context.pod.metadata.annotations ?? {};
  const keys = ['kubectl.kubernetes.io/default-logs-container', 'kubectl.kubernetes.io/default-container'];
  if (first === undefined) return {};
  return Object.fromEntries(keys.filter((key) => annotations[key] === undefined).map((key) => [key, first]));
}

export function customLifecycle(context: InjectionContext): object | undefined {
  const lifecycle = recordAt(context.values, 'global.proxy.lifecycle');
  return Object.keys(lifecycle).length === 0 ? undefined : { lifecycle };
}

export function readiness(context: InjectionContext, role: Role): object {
  const value = (annotation: string, path: string): number =>
    Number((role === 'sidecar' ? context.pod.metadata.annotations?.[annotation] : undefined) ?? numberAt(context.values, path) ?? 0);
  const delay = value('readiness.status.sidecar.istio.io/initialDelaySeconds', 'global.proxy.readinessInitialDelaySeconds');
  return {
    readinessProbe: {
      httpGet: { path: '/healthz/ready', port: 15_021 },
      ...(delay === 0 ? {} : { initialDelaySeconds: delay }),
      periodSeconds: value('readiness.status.sidecar.istio.io/periodSeconds', 'global.proxy.readinessPeriodSeconds'),
      timeoutSeconds: 3,
      failureThreshold: value('readiness.status.sidecar.istio.io/failureThreshold', 'global.proxy.readinessFailureThreshold'),
    },
  };
}
