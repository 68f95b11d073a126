import { describe, expect, it, test } from 'vitest';
import { parseIstioVersion } from '../istio-version.ts';
import { istioManifests } from '../manifests/istio-manifests.ts';
import { parseMeshConfig } from '../mesh-config.ts';
import { allContainers, type Pod, type PodSpec } from '../pod-shape.ts';
import { answerInjection } from './answer-review.ts';
import { isInjectionRequired, type InjectionPolicy } from './decide-injection.ts';
import { injectPod, type Injector } from './inject-pod.ts';
import { parseInjectorConfig } from './injector-config.ts';
import { mergeOver } from './merge-pod.ts';
import { pathEnvironment } from './path-environment.ts';

function injectorOf(
  revision: string,
  version: string,
  change: Partial<Injector> & { readonly values?: Readonly<Record<string, unknown>> } = {},
): Injector {
  const { values, ...rest } = change;
  const objects = istioManifests({ revision, version, ...(values === undefined ? {} : { values: values as Record<string, unknown> }) });
  const data = (prefix: string): Readonly<Record<string, string>> =>
    objects.find((object) => object.kind === 'ConfigMap' && new RegExp(`^${prefix}(-\\d.*)?$`).test(object.metadata.name))?.[
      'data'
    ] as Readonly<Record<string, string>>;
  return {
    revision,
    version: parseIstioVersion(version),
    mesh: parseMeshConfig(data('istio')['mesh'] ?? '', 'istio-system'),
    config: parseInjectorConfig(data('istio-sidecar-injector')['config'] ?? ''),
    values: JSON.parse(data('istio-sidecar-injector')['values'] ?? '{}'),
    native: true,
    pathEnv: {},
    ...rest,
  };
}

interface PodParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: PodSpec;
}

function podOf({ labels = {}, annotations, spec }: PodParts = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: 'web-5d4-',
      namespace: 'shop',
      labels: { app: 'web', 'pod-template-hash': '5d4', ...labels },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', uid: 'u', controller: true }],
    },
    spec: spec ?? { containers: [{ name: 'app', image: 'web:1', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }] },
  };
}

function injected(pod: Pod, injector: Injector): Pod {
  const outcome = injectPod(pod, 'shop', injector);
  if (outcome.kind !== 'injected') throw new Error(JSON.stringify(outcome));
  return outcome.pod;
}

function statusOf(pod: Pod): Readonly<Record<string, unknown>> {
  return JSON.parse(pod.metadata.annotations?.['sidecar.istio.io/status'] ?? '{}') as Readonly<Record<string, unknown>>;
}

function envOf(pod: Pod, name: string): string | undefined {
  const proxy = allContainers(pod.spec).find((container) => container.name === 'istio-proxy');
  return proxy?.env?.find((variable) => variable.name === name)?.value;
}

describe('who is injected once istiod is asked', () => {
  const enabled: InjectionPolicy = {
    policy: 'enabled',
    neverInjectSelector: [{ matchLabels: { job: 'yes' } }, {}],
    alwaysInjectSelector: [{ matchExpressions: [{ key: 'mesh', operator: 'Exists' }] }],
  };
  const disabled = { ...enabled, policy: 'disabled' };
  test.each<[why: string, pod: PodParts, namespace: string, policy: InjectionPolicy, required: boolean]>([
    ['by default', {}, 'shop', enabled, true],
    ['not with the host network', { spec: { hostNetwork: true, containers: [] } }, 'shop', enabled, false],
    ['not in a system namespace', {}, 'kube-system', enabled, false],
    ['not when the label says so', { labels: { 'sidecar.istio.io/inject': 'false' } }, 'shop', enabled, false],
    ['not when the old annotation says so', { annotations: { 'sidecar.istio.io/inject': 'false' } }, 'shop', enabled, false],
    [
      'the label wins over the annotation',
      { labels: { 'sidecar.istio.io/inject': 'true' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
      'shop',
      enabled,
      true,
    ],
    ['a nonsense value counts as none', { labels: { 'sidecar.istio.io/inject': 'yes' } }, 'shop', enabled, true],
    ['never selectors', { labels: { job: 'yes' } }, 'shop', enabled, false],
    ['never selectors yield to the label', { labels: { job: 'yes', 'sidecar.istio.io/inject': 'true' } }, 'shop', enabled, true],
    ['a disabled policy', {}, 'shop', disabled, false],
    ['always selectors', { labels: { mesh: '' } }, 'shop', disabled, true],
    ['an unknown policy', {}, 'shop', { ...enabled, policy: 'sometimes' }, false],
  ])('%s', (_why, parts, namespace, policy, required) => {
    expect(isInjectionRequired(podOf(parts), namespace, policy)).toBe(required);
  });
});

describe('a sidecar', () => {
  it('is an init container that keeps running where nodes can do that', () => {
    const pod = injected(
      podOf({ spec: { initContainers: [{ name: 'migrate' }], containers: [{ name: 'app' }] } }),
      injectorOf('default', '1.28.2'),
    );
    expect(pod.spec?.initContainers?.map(({ name }) => name)).toEqual(['istio-init', 'istio-proxy', 'migrate']);
    expect(pod.spec?.containers?.map(({ name }) => name)).toEqual(['app']);
    expect(pod.spec?.initContainers?.[1]?.['restartPolicy']).toBe('Always');
    expect(statusOf(pod)).toEqual({
      initContainers: ['istio-init', 'istio-proxy'],
      containers: null,
      volumes: [
        'workload-socket',
        'credential-socket',
        'workload-certs',
        'istio-envoy',
        'istio-data',
        'istio-podinfo',
        'istio-token',
        'istiod-ca-cert',
        'istio-ca-crl',
      ],
      imagePullSecrets: null,
      revision: 'default',
    });
  });

  it('is the last container where nodes cannot, and interception begins after the other init containers', () => {
    const spec = { initContainers: [{ name: 'migrate' }], containers: [{ name: 'app' }] };
    const pod = injected(podOf({ spec }), injectorOf('default', '1.26.8', { native: false }));
    expect(pod.spec?.initContainers?.map(({ name }) => name)).toEqual(['migrate', 'istio-init']);
    expect(pod.spec?.containers?.map(({ name }) => name)).toEqual(['app', 'istio-proxy']);
    expect(pod.spec?.volumes?.map(({ name }) => name)).not.toContain('istio-ca-crl');
  });

  test.each([
    ['1.28.2', 'true', true],
    ['1.28.2', 'false', false],
    ['1.28.2', 'nonsense', true],
    ['1.26.8', 'nonsense', false],
  ])('%s with the annotation nativeSidecar=%s', (version, value, native) => {
    const pod = injected(
      podOf({ annotations: { 'sidecar.istio.io/nativeSidecar': value } }),
      injectorOf('default', version, { native: !native }),
    );
    expect(pod.spec?.initContainers?.some(({ name }) => name === 'istio-proxy')).toBe(native);
  });

  it('says which revision it is of, and where its istiod is unless that is the one without a name', () => {
    const plain = injected(podOf(), injectorOf('default', '1.28.2'));
    const canary = injected(podOf(), injectorOf('1-29-1', '1.29.1'));
    expect([envOf(plain, 'PROXY_CONFIG'), envOf(plain, 'CA_ADDR'), plain.metadata.annotations?.['istio.io/rev']]).toEqual([
      '{}\n',
      'istiod.istio-system.svc:15012',
      'default',
    ]);
    expect([envOf(canary, 'PROXY_CONFIG'), envOf(canary, 'CA_ADDR'), canary.metadata.annotations?.['istio.io/rev']]).toEqual([
      '{"discoveryAddress":"istiod-1-29-1.istio-system.svc:15012"}\n',
      'istiod-1-29-1.istio-system.svc:15012',
      '1-29-1',
    ]);
    expect(canary.spec?.initContainers?.map(({ image }) => image)).toEqual([
      'docker.io/istio/proxyv2:1.29.1',
      'docker.io/istio/proxyv2:1.29.1',
    ]);
    expect(envOf(canary, 'ISTIO_META_OWNER')).toBe('kubernetes://apis/apps/v1/namespaces/shop/deployments/web');
    expect(canary.metadata.labels).toMatchObject({
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': 'web',
      'service.istio.io/canonical-revision': 'latest',
    });
  });

  it('takes over probes, and says so once', () => {
    const spec = {
      containers: [
        {
          name: 'app',
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/ok', port: 'http', scheme: 'HTTPS' }, timeoutSeconds: 3 },
          livenessProbe: { tcpSocket: { port: 8080 } },
          lifecycle: { preStop: { httpGet: { path: '/stop', port: 8080 } } },
        },
      ],
    };
    const pod = injected(podOf({ spec }), injectorOf('default', '1.28.2'));
    expect(pod.spec?.containers?.[0]).toMatchObject({
      readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15_020, scheme: 'HTTP' }, timeoutSeconds: 3 },
      livenessProbe: { httpGet: { path: '/app-health/app/livez', port: 15_020 } },
      lifecycle: { preStop: { httpGet: { path: '/app-lifecycle/app/prestopz', port: 15_020 } } },
    });
    const probers = envOf(pod, 'ISTIO_KUBE_APP_PROBERS');
    expect(JSON.parse(probers ?? '{}')).toEqual({
      '/app-health/app/livez': { tcpSocket: { port: 8080 } },
      '/app-health/app/readyz': { httpGet: { path: '/ok', port: 8080, scheme: 'HTTPS' }, timeoutSeconds: 3 },
      '/app-lifecycle/app/prestopz': { httpGet: { path: '/stop', port: 8080 } },
    });
    expect(envOf(injected(pod, injectorOf('1-29-1', '1.29.1')), 'ISTIO_KUBE_APP_PROBERS')).toBe(probers);
  });

  it('replaces the sidecar of an earlier injection, whichever list that was in', () => {
    const first = injected(podOf(), injectorOf('default', '1.26.8', { native: false }));
    const second = injected(first, injectorOf('1-29-1', '1.29.1', { native: false }));
    expect(second.spec?.containers?.map(({ name, image }) => [name, image])).toEqual([
      ['app', 'web:1'],
      ['istio-proxy', 'docker.io/istio/proxyv2:1.29.1'],
    ]);
    expect(envOf(second, 'ISTIO_META_APP_CONTAINERS')).toBe('app');
    expect(statusOf(second)['revision']).toBe('1-29-1');
  });

  it("keeps the user's own settings of the proxy, but for the image auto", () => {
    const own = { name: 'istio-proxy', image: 'auto', env: [{ name: 'MINE', value: '1' }], resources: { requests: { cpu: '1' } } };
    const pod = injected(podOf({ spec: { containers: [{ name: 'app' }, own] } }), injectorOf('default', '1.28.2'));
    const proxy = pod.spec?.initContainers?.find(({ name }) => name === 'istio-proxy');
    expect(proxy?.image).toBe('docker.io/istio/proxyv2:1.28.2');
    expect(proxy?.env?.at(-1)).toEqual({ name: 'MINE', value: '1' });
    expect(proxy?.['resources']).toMatchObject({ requests: { cpu: '1' } });
    expect(JSON.parse(pod.metadata.annotations?.['proxy.istio.io/overrides'] ?? '{}')).toMatchObject({
      initContainers: [{ name: 'istio-proxy' }],
    });
  });

  it('waits for the proxy where that is wanted', () => {
    const annotations = { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true' };
    const pod = injected(podOf({ annotations }), injectorOf('default', '1.28.2', { native: false }));
    expect(pod.spec?.containers?.map(({ name }) => name)).toEqual(['istio-proxy', 'app']);
    expect(pod.spec?.containers?.[0]?.lifecycle?.postStart).toEqual({ exec: { command: ['pilot-agent', 'wait'] } });
  });

  test.each<[what: string, annotations: Record<string, string>, image: string]>([
    ['pinned', { 'sidecar.istio.io/proxyImage': 'mine/proxy:1' }, 'mine/proxy:1'],
    ['distroless', { 'sidecar.istio.io/proxyImageType': 'distroless' }, 'docker.io/istio/proxyv2:1.28.2-distroless'],
  ])('has an image that is %s', (_what, annotations, image) => {
    expect(injected(podOf({ annotations }), injectorOf('default', '1.28.2')).spec?.initContainers?.[1]?.image).toBe(image);
  });

  it('is checked by the CNI in place of setting up its interception', () => {
    const injector = injectorOf('default', '1.28.2', { values: { pilot: { cni: { enabled: true } } } });
    const pod = injected(podOf(), injector);
    expect(pod.spec?.initContainers?.[0]?.name).toBe('istio-validation');
    expect(pod.spec?.initContainers?.[0]?.args).toContain('--run-validation');
    expect(pod.metadata.annotations).toMatchObject({
      'sidecar.istio.io/interceptionMode': 'REDIRECT',
      'traffic.sidecar.istio.io/excludeInboundPorts': '15020',
    });
  });
});

it('makes a gateway out of a pod whose proxy is its only container', () => {
  const pod = injected(
    podOf({
      annotations: { 'inject.istio.io/templates': 'gateway' },
      spec: { containers: [{ name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 80 }] }] },
    }),
    injectorOf('default', '1.28.2'),
  );
  const [proxy] = pod.spec?.containers ?? [];
  expect([proxy?.image, proxy?.args?.[1], pod.spec?.initContainers]).toEqual(['docker.io/istio/proxyv2:1.28.2', 'router', undefined]);
  expect(proxy?.ports).toEqual([{ containerPort: 15_090, protocol: 'TCP', name: 'http-envoy-prom' }, { containerPort: 80 }]);
  expect(pod.metadata.labels?.['security.istio.io/tlsMode']).toBeUndefined();
  expect(statusOf(pod)).toMatchObject({ initContainers: null, containers: ['istio-proxy'] });
});

test.each<[what: string, annotations: Record<string, string>, expected: Record<string, string | undefined>, variable: string | undefined]>([
  ['nothing', {}, { 'prometheus.io/port': '15020', 'prometheus.io/scrape': 'true' }, undefined],
  [
    'its own',
    { 'prometheus.io/port': '9102', 'prometheus.io/scrape': 'true' },
    { 'prometheus.io/port': '15020', 'prometheus.io/path': '/stats/prometheus' },
    '{"scrape":"true","path":"","port":"9102"}',
  ],
  [
    'scrape off',
    { 'prometheus.io/scrape': 'false', 'prometheus.io/port': '9102' },
    { 'prometheus.io/port': '9102', 'prometheus.io/path': undefined },
    undefined,
  ],
  ['merging off', { 'prometheus.istio.io/merge-metrics': 'false' }, { 'prometheus.io/port': undefined }, undefined],
])('moves annotations for Prometheus: %s', (_what, annotations, expected, variable) => {
  const pod = injected(podOf({ annotations }), injectorOf('default', '1.28.2'));
  for (const [key, value] of Object.entries(expected)) expect(pod.metadata.annotations?.[key]).toBe(value);
  expect(envOf(pod, 'ISTIO_PROMETHEUS_ANNOTATIONS')).toBe(variable);
});

test.each<[annotations: Record<string, string>, message: string]>([
  [
    { 'sidecar.istio.io/interceptionMode': 'X' },
    "invalid value 'X' for annotation 'sidecar.istio.io/interceptionMode': interceptionMode invalid, use REDIRECT,TPROXY,NONE: X",
  ],
  [{ 'inject.istio.io/templates': 'nope' }, 'requested template "nope" not found'],
])('refuses %j', (annotations, message) => {
  const { answer } = answerInjection({ request: { uid: 'u', object: podOf({ annotations }) } }, injectorOf('default', '1.28.2'));
  expect(answer.response).toMatchObject({ uid: 'u', allowed: false });
  expect(answer.response.status?.message).toContain(message);
});

it('answers with a patch that leaves alone what it does not change', () => {
  const { answer } = answerInjection(
    { apiVersion: 'admission.k8s.io/v1', request: { uid: 'u', namespace: 'shop', object: podOf() } },
    injectorOf('default', '1.28.2'),
  );
  const patch = JSON.parse(Buffer.from(answer.response.patch ?? '', 'base64').toString('utf8')) as {
    readonly op: string;
    readonly path: string;
  }[];
  expect(patch.map(({ op, path }) => `${op} ${path}`).toSorted()).toEqual([
    'add /metadata/annotations',
    'add /spec/initContainers',
    'add /spec/volumes',
    'replace /metadata/labels',
    'replace /spec/containers',
  ]);
});

it('lays lists over each other as strategic merge patches do', () => {
  const base = { volumes: [{ name: 'a', emptyDir: {} }, { name: 'b' }, { name: 'c' }], args: ['x'], gone: 1 };
  const merged = mergeOver(base, { volumes: [{ name: 'new' }, { name: 'b', more: true }], args: ['y'], gone: null });
  expect(merged).toEqual({
    volumes: [{ name: 'new' }, { name: 'a', emptyDir: {} }, { name: 'b', more: true }, { name: 'c' }],
    args: ['y'],
  });
});

it('reads variables from the path of a webhook', () => {
  expect(pathEnvironment('/inject/cluster/east/net/a--slash--b/odd')).toEqual({ ISTIO_META_CLUSTER_ID: 'east', ISTIO_META_NETWORK: 'a/b' });
});
