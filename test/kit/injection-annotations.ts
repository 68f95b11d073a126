/** Annotations of pods that injection looks at, in groups of which a pod has one: those that istiod takes, and some that it does not. */
type Annotations = Readonly<Record<string, string>>;

/** The first of a group is the ordinary one. */
export const injectionAnnotations: readonly (readonly Annotations[])[] = [
  ['false', 'true', 'off', ''].map((value) => ({ 'sidecar.istio.io/inject': value })),
  ['false', 'true', 'maybe'].map((value) => ({ 'sidecar.istio.io/nativeSidecar': value })),
  ['registry.example/mesh/proxyv2:1.20.0', 'proxyv2'].map((image) => ({ 'sidecar.istio.io/proxyImage': image })),
  ['distroless', 'debug', 'default'].map((type) => ({ 'sidecar.istio.io/proxyImageType': type })),
  [
    {
      'sidecar.istio.io/userVolume': '[{"name":"extra","emptyDir":{}}]',
      'sidecar.istio.io/userVolumeMount': '[{"name":"extra","mountPath":"/extra","readOnly":true}]',
    },
    {
      'sidecar.istio.io/userVolume': '{"certs":{"secret":{"secretName":"certs"}}}',
      'sidecar.istio.io/userVolumeMount': '{"certs":{"mountPath":"/etc/certs"}}',
    },
  ],
  [
    { 'sidecar.istio.io/proxyCPU': '50m', 'sidecar.istio.io/proxyMemory': '64Mi' },
    { 'sidecar.istio.io/proxyCPULimit': '1', 'sidecar.istio.io/proxyMemoryLimit': '256Mi' },
  ],
  [
    { 'sidecar.istio.io/logLevel': 'debug' },
    { 'sidecar.istio.io/componentLogLevel': 'misc:error' },
    { 'sidecar.istio.io/agentLogLevel': 'default:debug' },
  ],
  ['TPROXY', 'NONE', 'REDIRECT', 'nonsense'].map((mode) => ({ 'sidecar.istio.io/interceptionMode': mode })),
  ['false', 'true'].map((value) => ({ 'sidecar.istio.io/rewriteAppHTTPProbers': value })),
  ['15030', '0', 'x'].map((port) => ({ 'status.sidecar.istio.io/port': port })),
  [
    {
      'readiness.status.sidecar.istio.io/initialDelaySeconds': '5',
      'readiness.status.sidecar.istio.io/periodSeconds': '7',
      'readiness.status.sidecar.istio.io/failureThreshold': '9',
    },
    { 'readiness.status.sidecar.istio.io/periodSeconds': 'x' },
  ],
  ['*', '8080,9090', '', 'abc', '70000'].map((ports) => ({ 'traffic.sidecar.istio.io/includeInboundPorts': ports })),
  ['9100', '15020,9100', '-1'].map((ports) => ({ 'traffic.sidecar.istio.io/excludeInboundPorts': ports })),
  [{ 'traffic.sidecar.istio.io/excludeOutboundPorts': '3306' }, { 'traffic.sidecar.istio.io/includeOutboundPorts': '443' }],
  ['10.0.0.0/8', '10.0.0.0/8,192.168.0.0/16', '*', 'nonsense'].map((ranges) => ({
    'traffic.sidecar.istio.io/includeOutboundIPRanges': ranges,
  })),
  [{ 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '169.254.169.254/32' }],
  [{ 'traffic.sidecar.istio.io/excludeInterfaces': 'eth1' }, { 'istio.io/reroute-virtual-interfaces': 'net1' }],
  ['sidecar', 'gateway', 'sidecar,gateway', 'sidecar, nonsense', 'nonsense'].map((names) => ({ 'inject.istio.io/templates': names })),
  [
    'holdApplicationUntilProxyStarts: true',
    '{"holdApplicationUntilProxyStarts": true}',
    'concurrency: 2',
    'proxyMetadata:\n  FOO: bar\n  ISTIO_META_X: "1"',
    'terminationDrainDuration: 10s',
    'discoveryAddress: istiod-1-29-1.istio-system.svc:15012',
    'statusPort: 15025',
    'image:\n  imageType: distroless',
    'readinessProbe:\n  periodSeconds: 9',
    '{not yaml',
    'nobodyKnowsThis: 1',
  ].map((config) => ({ 'proxy.istio.io/config': config })),
  [
    { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9090', 'prometheus.io/path': '/stats' },
    { 'prometheus.io/scrape': 'true' },
    { 'prometheus.io/scrape': 'false', 'prometheus.io/port': '9090' },
    { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080', 'prometheus.istio.io/merge-metrics': 'false' },
    { 'prometheus.istio.io/merge-metrics': 'nonsense' },
  ],
  [{ 'kubectl.kubernetes.io/default-container': 'side' }, { 'kubectl.kubernetes.io/restartedAt': '2026-01-02T03:04:05Z' }],
  [{ 'sidecar.istio.io/bootstrapOverride': 'my-bootstrap' }, { 'sidecar.istio.io/extraStatTags': 'one,two' }],
  [
    { 'sidecar.istio.io/statsInclusionPrefixes': 'cluster.outbound' },
    { 'sidecar.istio.io/capNetBindService': 'true' },
    { 'example.com/team': 'shop' },
  ],
];
