/** The ConfigMaps that an istiod reads. */
import { stringify } from 'yaml';
import type { KubeObject } from '../../objects/kube-object.ts';
import { mergeOver } from '../injection/merge-pod.ts';
import { revisionLabels, type ManifestPlan } from './manifest-options.ts';

export function istiodConfiguration(plan: ManifestPlan): readonly KubeObject[] {
  const values = injectorValues(plan);
  const map = (name: string, data: Readonly<Record<string, string>>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${name}${plan.suffix}`, namespace: plan.namespace, labels: { ...revisionLabels(plan) } },
    data,
  });
  const given = mergeOver(revisionValues(plan), plan.options.values ?? {});
  return [
    map('istio', { mesh: stringify(meshConfig(plan)), meshNetworks: 'networks: {}' }),
    map('istio-sidecar-injector', { config: injectorConfig(plan), values: JSON.stringify(values, undefined, 2) }),
    map('values', { 'original-values': JSON.stringify(given, undefined, 2), 'merged-values': JSON.stringify(values, undefined, 2) }),
  ];
}

function meshConfig({ name, namespace, options }: ManifestPlan): Readonly<Record<string, unknown>> {
  const own = {
    defaultConfig: { discoveryAddress: `${name}.${namespace}.svc:15012` },
    defaultProviders: { metrics: ['prometheus'] },
    enablePrometheusMerge: true,
    rootNamespace: namespace,
    trustDomain: 'cluster.local',
  };
  return mergeOver(own, options.meshConfig ?? {});
}

/** The sandbox's istiod has its templates built in: here they are only named. */
function injectorConfig({ minor }: ManifestPlan): string {
  const names = ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent', 'waypoint', 'kube-gateway', ...(minor >= 29 ? ['agentgateway'] : [])];
  return stringify({
    defaultTemplates: ['sidecar'],
    policy: 'enabled',
    alwaysInjectSelector: [],
    neverInjectSelector: [],
    injectedAnnotations: {},
    templates: Object.fromEntries(names.map((name) => [name, 'built into the istiod of the sandbox\n'])),
  });
}

/** What differs between revisions. */
function revisionValues({ revision, hub, version, namespace }: ManifestPlan): Readonly<Record<string, unknown>> {
  return { revision: revision === 'default' ? '' : revision, global: { hub, tag: version, istioNamespace: namespace } };
}

function injectorValues(plan: ManifestPlan): Readonly<Record<string, unknown>> {
  const own = {
    gateways: { seccompProfile: {}, securityContext: {} },
    global: {
      caAddress: '',
      hub: plan.hub,
      imagePullPolicy: '',
      imagePullSecrets: [],
      istioNamespace: plan.namespace,
      logAsJson: false,
      logging: { level: 'default:info' },
      meshID: '',
      multiCluster: { clusterName: '' },
      network: '',
      pilotCertProvider: 'istiod',
      proxy: PROXY_VALUES,
      proxy_init: { forceApplyIptables: false, image: 'proxyv2' },
      sds: { token: { aud: 'istio-ca' } },
      sts: { servicePort: 0 },
      tag: plan.version,
      variant: '',
    },
    pilot: { cni: { enabled: false, provider: 'default' }, env: {} },
    revision: plan.revision === 'default' ? '' : plan.revision,
    sidecarInjectorWebhook: { enableNamespacesByDefault: false, reinvocationPolicy: 'Never', rewriteAppHTTPProbe: true },
  };
  return mergeOver(own, plan.options.values ?? {});
}

const PROXY_VALUES = {
  autoInject: 'enabled',
  clusterDomain: 'cluster.local',
  componentLogLevel: 'misc:error',
  excludeIPRanges: '',
  excludeInboundPorts: '',
  excludeOutboundPorts: '',
  image: 'proxyv2',
  includeIPRanges: '*',
  includeInboundPorts: '*',
  includeOutboundPorts: '',
  logLevel: 'warning',
  privileged: false,
  readinessFailureThreshold: 4,
  readinessInitialDelaySeconds: 0,
  readinessPeriodSeconds: 15,
  resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } },
  startupProbe: { enabled: true, failureThreshold: 600 },
  statusPort: 15_020,
  tracer: 'none',
} as const;
