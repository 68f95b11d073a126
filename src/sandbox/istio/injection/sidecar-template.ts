/**
 * The part of a pod that Istio's template `sidecar` gives.
 * Source: istio/istio, manifests/charts/istio-control/istio-discovery/files/injection-template.yaml, tags 1.26.8 to 1.31.0-rc.0.
 */
import type { Container } from '../pod-shape.ts';
import { proxyMetadata } from '../mesh-config.ts';
import { flagAt, numberAt, recordAt, textAt } from '../read-path.ts';
import { setting, statusPortOf, type InjectionContext } from './injection-context.ts';
import {
  canonicalLabels,
  customLifecycle,
  defaultContainer,
  interceptionMode,
  proxyArgs,
  proxyEnv,
  proxyResources,
  proxyVolumeMounts,
  proxyVolumes,
  pullPolicy,
  pullSecrets,
  readiness,
} from './proxy-container.ts';
import type { TemplatePod } from './template-pod.ts';

export function sidecarTemplate(context: InjectionContext): TemplatePod {
  const redirects = interceptionMode(context, 'sidecar') !== 'NONE';
  const proxy = proxyContainer(context);
  const init = redirects ? [initContainer(context)] : [];
  const metadata = recordAt(context.proxyConfig, 'proxyMetadata');
  return {
    labels: {
      'security.istio.io/tlsMode': context.pod.metadata.labels?.['security.istio.io/tlsMode'] || 'istio',
      ...(metadata['ISTIO_META_ENABLE_HBONE'] === 'true' ? { 'networking.istio.io/tunnel': 'http' } : {}),
      ...shortened(canonicalLabels(context)),
    },
    annotations: { 'istio.io/rev': context.revision, ...defaultContainer(context), ...interceptionAnnotations(context) },
    spec: {
      ...(context.native ? { initContainers: [...init, proxy] } : { initContainers: init, containers: [proxy] }),
      volumes: proxyVolumes(context, 'sidecar'),
      ...pullSecrets(context),
    },
  };
}

/** Names of workloads can be longer than labels. */
function shortened(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const key = 'service.istio.io/canonical-name';
  return { ...labels, [key]: (labels[key] ?? '').slice(0, 63).replace(/-$/, '') };
}

function proxyContainer(context: InjectionContext): Container {
  const hasStatusPort = statusPortOf(context) !== 0;
  return {
    name: 'istio-proxy',
    image: context.proxyImage,
    ...(context.native ? { restartPolicy: 'Always' } : {}),
    ports: [{ containerPort: 15_090, protocol: 'TCP', name: 'http-envoy-prom' }],
    args: proxyArgs(context, 'sidecar'),
    ...(customLifecycle(context) ?? ownLifecycle(context)),
    env: proxyEnv(context, 'sidecar'),
    ...pullPolicy(context),
    ...(hasStatusPort ? { ...startup(context), ...readiness(context, 'sidecar') } : {}),
    securityContext: proxySecurity(context),
    resources: proxyResources(context),
    volumeMounts: proxyVolumeMounts(context, 'sidecar'),
  };
}

export function holdsApplication(context: InjectionContext): boolean {
  return (
    flagAt(context.proxyConfig, 'holdApplicationUntilProxyStarts') === true ||
    flagAt(context.values, 'global.proxy.holdApplicationUntilProxyStarts') === true
  );
}

/** A native sidecar gets its SIGTERM after the applications have ended, so it is told to drain when the pod begins to go. */
function ownLifecycle(context: InjectionContext): object {
  if (!context.native) {
    return holdsApplication(context) ? { lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } } : {};
  }
  const command = ['pilot-agent', 'request', `--debug-port=${statusPortOf(context)}`, 'POST', 'drain'];
  return { lifecycle: { preStop: { exec: { command } } } };
}

function startup(context: InjectionContext): object {
  if (flagAt(context.values, 'global.proxy.startupProbe.enabled') !== true) return {};
  return {
    startupProbe: {
      httpGet: { path: '/healthz/ready', port: 15_021 },
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: numberAt(context.values, 'global.proxy.startupProbe.failureThreshold') ?? 600,
    },
  };
}

function bindsLowPorts(context: InjectionContext): boolean {
  return setting(context, 'sidecar.istio.io/capNetBindService', 'global.proxy.capNetBindService') === 'true';
}

function proxySecurity(context: InjectionContext): object {
  const privileged = flagAt(context.values, 'global.proxy.privileged') ?? false;
  const transparent = interceptionMode(context, 'sidecar') === 'TPROXY';
  const added = [...(transparent ? ['NET_ADMIN'] : []), ...(bindsLowPorts(context) ? ['NET_BIND_SERVICE'] : [])];
  const root = added.length > 0;
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { ...(root ? { add: added } : {}), drop: ['ALL'] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsGroup: 1337,
    runAsNonRoot: !root,
    runAsUser: root ? 0 : 1337,
  };
}

/** Sets up the interception of traffic; where the CNI plugin does that, only checks it. */
function initContainer(context: InjectionContext): Container {
  const cni = usesCni(context);
  const image = setting(context, 'sidecar.istio.io/proxyImage', 'global.proxy_init.image');
  const metadata = proxyMetadata(context.proxyConfig);
  return {
    name: cni ? 'istio-validation' : 'istio-init',
    image: image.includes('/') ? image : context.proxyImage,
    args: initArgs(context, cni),
    ...pullPolicy(context),
    ...(metadata.length === 0 ? {} : { env: metadata.map(([name, value]) => ({ name, value })) }),
    resources: proxyResources(context),
    securityContext: initSecurity(context, cni),
  };
}

function usesCni(context: InjectionContext): boolean {
  return flagAt(context.values, 'pilot.cni.enabled') === true;
}

function initSecurity(context: InjectionContext, cni: boolean): object {
  const privileged = flagAt(context.values, 'global.proxy.privileged') ?? false;
  return {
    allowPrivilegeEscalation: privileged,
    privileged,
    capabilities: { ...(cni ? {} : { add: ['NET_ADMIN', 'NET_RAW'] }), drop: ['ALL'] },
    readOnlyRootFilesystem: cni,
    runAsGroup: cni ? 1337 : 0,
    runAsNonRoot: cni,
    runAsUser: cni ? 1337 : 0,
  };
}

function initArgs(context: InjectionContext, cni: boolean): readonly string[] {
  const annotations = context.pod.metadata.annotations ?? {};
  const traffic = (name: string): string => setting(context, `traffic.sidecar.istio.io/${name}`, `global.proxy.${name}`);
  const optional = (flag: string, value: string | undefined): readonly string[] =>
    value === undefined || value === '' ? [] : [flag, value];
  const always = [
    ['-p', textAt(context.mesh.raw, 'proxyListenPort') ?? '15001'],
    ['-z', textAt(context.mesh.raw, 'proxyInboundListenPort') ?? '15006'],
    ['-u', '1337'],
    ['-m', interceptionMode(context, 'sidecar')],
    ['-i', includedRanges(context)],
    ['-x', setting(context, 'traffic.sidecar.istio.io/excludeOutboundIPRanges', 'global.proxy.excludeIPRanges')],
    ['-b', traffic('includeInboundPorts')],
    ['-d', ['15090', '15021', ...excludedInbound(context)].join(',')],
  ];
  return [
    'istio-iptables',
    ...always.flat(),
    ...optional('-q', traffic('includeOutboundPorts')),
    ...optional('-o', traffic('excludeOutboundPorts')),
    ...optional('-k', annotations['istio.io/reroute-virtual-interfaces'] ?? annotations['traffic.sidecar.istio.io/kubevirtInterfaces']),
    ...optional('-c', annotations['traffic.sidecar.istio.io/excludeInterfaces']),
    `--log_output_level=${setting(context, 'sidecar.istio.io/agentLogLevel', 'global.logging.level')}`,
    ...(flagAt(context.values, 'global.logAsJson') === true ? ['--log_as_json'] : []),
    ...(cni ? ['--run-validation', '--skip-rule-apply'] : []),
    ...(!cni && flagAt(context.values, 'global.proxy_init.forceApplyIptables') === true ? ['--force-apply'] : []),
    ...(context.version.minor >= 27 && flagAt(context.values, 'global.nativeNftables') === true ? ['--native-nftables'] : []),
  ];
}

function includedRanges(context: InjectionContext): string {
  return setting(context, 'traffic.sidecar.istio.io/includeOutboundIPRanges', 'global.proxy.includeIPRanges');
}

/** The port on which the sidecar answers for its pod never goes through the interception. */
function excludedInbound(context: InjectionContext): readonly string[] {
  const excluded = setting(context, 'traffic.sidecar.istio.io/excludeInboundPorts', 'global.proxy.excludeInboundPorts');
  const ports = excluded
    .split(',')
    .map((port) => port.trim())
    .filter((port) => port !== '');
  const status = String(statusPortOf(context));
  if (status === '0') return ports;
  return ports.includes(status) ? ports : [...ports, status];
}

/** The CNI plugin reads from the pod what would else be arguments of the init container. */
function interceptionAnnotations(context: InjectionContext): Readonly<Record<string, string>> {
  if (!usesCni(context)) return {};
  const annotation = (name: string): string => `traffic.sidecar.istio.io/${name}`;
  const value = (name: string, path = name): string => setting(context, annotation(name), `global.proxy.${path}`);
  const filled = (names: readonly (readonly [string, string])[]): object =>
    Object.fromEntries(names.flatMap(([name, text]) => (text === '' ? [] : [[annotation(name), text]])));
  return {
    ...(textAt(context.values, 'pilot.cni.provider') === 'multus' ? { 'k8s.v1.cni.cncf.io/networks': 'default/istio-cni' } : {}),
    'sidecar.istio.io/interceptionMode': interceptionMode(context, 'sidecar'),
    ...filled([
      ['includeOutboundIPRanges', value('includeOutboundIPRanges', 'includeIPRanges')],
      ['excludeOutboundIPRanges', value('excludeOutboundIPRanges', 'excludeIPRanges')],
    ]),
    [annotation('includeInboundPorts')]: value('includeInboundPorts'),
    [annotation('excludeInboundPorts')]: excludedInbound(context).join(','),
    ...filled([
      ['includeOutboundPorts', value('includeOutboundPorts')],
      ['excludeOutboundPorts', value('excludeOutboundPorts')],
    ]),
  };
}
