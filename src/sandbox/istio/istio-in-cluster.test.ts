/** istiods, proxies and traffic together, on a small double of a cluster and on real sockets. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../clock/real-clock.ts';
import type { Cluster, ClusterChange } from '../cluster/cluster-view.ts';
import type { Endpoint, PodNetwork } from '../cluster/pod-network.ts';
import type { ContainerProgram, ContainerSpec, PodContext } from '../cluster/pod-program.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { alreadyExists, modified, notFound } from '../objects/status-error.ts';
import { createIstio, type Istio } from './create-istio.ts';
import { injectPod } from './injection/inject-pod.ts';
import { parseInjectorConfig } from './injection/injector-config.ts';
import { parseIstioVersion } from './istio-version.ts';
import { istioManifests } from './manifests/istio-manifests.ts';
import type { IstioManifestOptions } from './manifests/manifest-options.ts';
import { parseMeshConfig } from './mesh-config.ts';
import type { Pod } from './pod-shape.ts';

const MUTATING = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
const VALIDATING = 'validatingwebhookconfigurations.admissionregistration.k8s.io';
const SLICES = 'endpointslices.discovery.k8s.io';

const GROUPS: Readonly<Record<string, string>> = {
  MutatingWebhookConfiguration: MUTATING,
  ValidatingWebhookConfiguration: VALIDATING,
  Deployment: 'deployments.apps',
  Gateway: 'gateways.networking.istio.io',
  VirtualService: 'virtualservices.networking.istio.io',
  PeerAuthentication: 'peerauthentications.security.istio.io',
  EndpointSlice: SLICES,
};

class FakeCluster implements Cluster {
  readonly objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, Set<(change: ClusterChange) => void>>();
  readonly writers = new Set<string>();
  #version = 0;

  get = (resource: string, name: string, namespace = ''): KubeObject | undefined => this.objects.get(resource)?.get(`${namespace}/${name}`);
  list: Cluster['list'] = (resource, options = {}) =>
    [...(this.objects.get(resource)?.values() ?? [])].filter(
      ({ metadata }) =>
        (options.namespace === undefined || metadata.namespace === options.namespace) &&
        Object.entries(options.labels ?? {}).every(([key, value]) => metadata.labels?.[key] === value),
    );
  onChange: Cluster['onChange'] = (resource, listener) => {
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners.add(listener));
    return () => void listeners.delete(listener);
  };

  put(resource: string, object: KubeObject): KubeObject {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const all = this.objects.get(resource) ?? new Map<string, KubeObject>();
    this.objects.set(resource, all);
    const previous = all.get(key);
    this.#version += 1;
    const stored = {
      ...object,
      metadata: { ...object.metadata, uid: previous?.metadata.uid ?? `uid-${this.#version}`, resourceVersion: String(this.#version) },
    };
    all.set(key, stored);
    this.#tell(resource, previous === undefined ? { type: 'ADDED', object: stored } : { type: 'MODIFIED', object: stored, previous });
    return stored;
  }

  remove(resource: string, name: string, namespace = ''): void {
    const object = this.get(resource, name, namespace);
    this.objects.get(resource)?.delete(`${namespace}/${name}`);
    if (object !== undefined) this.#tell(resource, { type: 'DELETED', object });
  }

  #tell(resource: string, change: ClusterChange): void {
    for (const listener of this.#listeners.get(resource) ?? []) listener(change);
  }

  as: Cluster['as'] = (user, manager) => {
    const about = (resource: string): { group: string; resource: string; kind: string } => ({ group: '', resource, kind: resource });
    return {
      create: async (resource, object) => {
        this.writers.add(`${user} ${manager}`);
        if (this.get(resource, object.metadata.name, object.metadata.namespace)) throw alreadyExists(about(resource), object.metadata.name);
        return this.put(resource, object);
      },
      update: async (resource, object) => {
        const found = this.get(resource, object.metadata.name, object.metadata.namespace);
        if (!found) throw notFound(about(resource), object.metadata.name);
        if (found.metadata.resourceVersion !== object.metadata.resourceVersion) throw modified(about(resource), object.metadata.name);
        return this.put(resource, object);
      },
      updateStatus: async (resource, object) => this.put(resource, object),
      patch: async () => Promise.reject(new Error('not here')),
      delete: async (resource, name, namespace) => this.remove(resource, name, namespace),
      evict: async () => undefined,
    };
  };
}

class FakeNetwork implements PodNetwork {
  readonly #at = new Map<string, Endpoint>();
  readonly #cluster: FakeCluster;
  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }
  allocatePodIp = (): string => '';
  releasePodIp = (): void => undefined;
  listenAddress = (): Endpoint => ({ host: '127.0.0.1', port: 0 });
  announce = (ip: string, port: number, at: Endpoint): void => void this.#at.set(`${ip}:${port}`, at);
  withdraw = (ip: string, port: number): void => void this.#at.delete(`${ip}:${port}`);
  resolve = (ip: string, port: number): Endpoint | undefined => this.#at.get(`${ip}:${port}`);
  resolveService: PodNetwork['resolveService'] = (namespace, name, port) => {
    const service = this.#cluster.get('services', name, namespace)?.['spec'] as
      { ports: { port: number; name: string; targetPort?: number }[] } | undefined;
    const found = service?.ports.find((candidate) => candidate.port === port);
    const slice = this.#cluster.list(SLICES, { namespace, labels: { 'kubernetes.io/service-name': name } })[0];
    const [ready] = ((slice?.['endpoints'] ?? []) as { addresses: string[]; conditions: { ready: boolean } }[]).filter(
      ({ conditions }) => conditions.ready,
    );
    return found === undefined || ready === undefined ? undefined : { ip: ready.addresses[0] ?? '', port: found.targetPort ?? found.port };
  };
  connect: PodNetwork['connect'] = async (ip, port) => {
    const at = this.resolve(ip, port);
    if (at === undefined) throw new Error('ECONNREFUSED');
    return connect(at);
  };
}

interface RunningPod {
  readonly context: PodContext;
  readonly program: ContainerProgram;
  readonly close: () => void;
}

/** Fast enough for tests, slow enough that the order of things shows. */
const clock = new RealClock(20);
let cluster: FakeCluster;
let network: FakeNetwork;
let istio: Istio;
const running: RunningPod[] = [];
const servers: Server[] = [];

beforeEach(() => {
  cluster = new FakeCluster();
  network = new FakeNetwork(cluster);
  istio = createIstio({ istiodStartMs: 100, proxyStartMs: 50, leaderRetryMs: 500 });
  for (const name of ['istio-system', 'shop', 'kube-public'])
    cluster.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  cluster.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: { nodeInfo: { kubeletVersion: 'v1.34.0' } } });
});

afterEach(() => {
  for (const { program, close } of running.splice(0)) {
    program.kill();
    close();
  }
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  istio.stop();
});

async function until(check: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round += 1) {
    if (check()) return;
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  throw new Error(`it did not become so: ${check.toString()}`);
}

function install(options: IstioManifestOptions): void {
  for (const object of istioManifests(options)) {
    if (object.kind !== 'CustomResourceDefinition') cluster.put(GROUPS[object.kind] ?? `${object.kind.toLowerCase()}s`, object);
  }
}

function endpoints(
  namespace: string,
  service: string,
  port: { readonly name: string; readonly port: number },
  ips: readonly string[],
  pods: readonly string[] = [],
): void {
  cluster.put(SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace, labels: { 'kubernetes.io/service-name': service } },
    endpoints: ips.map((ip, index) => ({ addresses: [ip], conditions: { ready: true }, targetRef: { name: pods[index] ?? '' } })),
    ports: [port],
  });
}

async function start(pod: Pod, container: ContainerSpec, ip: string): Promise<RunningPod> {
  const stored = cluster.put('pods', { ...pod, status: { podIP: ip } });
  const own: Server[] = [];
  const listen = async (server: Server, port: number): Promise<void> => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    own.push(server);
    network.announce(ip, port, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  };
  const context: PodContext = {
    pod: () => cluster.get('pods', pod.metadata.name, pod.metadata.namespace) ?? stored,
    container,
    ip,
    cluster,
    network,
    clock,
    random: Math.random,
    log: () => undefined,
    serveHttp: (port, handler) => listen(createServer(handler), port),
    serveHttps: (port, tls, handler) => listen(createTlsServer(tls, handler) as unknown as Server, port),
    exit: () => undefined,
  };
  const program = istio.istiodProgram(stored, container) ?? istio.proxyProgram(stored, container);
  if (program === undefined) throw new Error('no program');
  const result = { context, program, close: () => own.forEach((server) => server.close().closeAllConnections()) };
  running.push(result);
  await program.start(context);
  return result;
}

async function startIstiod(revision: string, ip: string, name = `istiod-${revision}-1`): Promise<RunningPod> {
  const suffix = revision === 'default' ? '' : `-${revision}`;
  const deployment = cluster.get('deployments.apps', `istiod${suffix}`, 'istio-system')?.['spec'] as {
    template: { metadata: object; spec: { containers: ContainerSpec[] } };
  };
  const container = deployment.template.spec.containers[0] as ContainerSpec;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...deployment.template.metadata, name, namespace: 'istio-system' },
    spec: { ...deployment.template.spec, serviceAccountName: `istiod${suffix}` },
  };
  const istiod = await start(pod as unknown as Pod, container, ip);
  endpoints('istio-system', `istiod${suffix}`, { name: 'https-dns', port: 15_012 }, [ip]);
  return istiod;
}

/** A pod as its revision would inject it, with its proxy running. */
async function startProxied(
  app: string,
  ip: string,
  revision: string,
  change: { readonly namespace?: string; readonly gateway?: boolean; readonly config?: string } = {},
): Promise<RunningPod> {
  const suffix = revision === 'default' ? '' : `-${revision}`;
  const namespace = change.namespace ?? 'shop';
  const data = (name: string): Readonly<Record<string, string>> =>
    cluster.get('configmaps', `${name}${suffix}`, 'istio-system')?.['data'] as Readonly<Record<string, string>>;
  const values = JSON.parse(data('istio-sidecar-injector')['values'] ?? '{}') as { global: { tag: string } };
  const annotations = {
    ...(change.gateway === true ? { 'inject.istio.io/templates': 'gateway' } : {}),
    ...(change.config === undefined ? {} : { 'proxy.istio.io/config': change.config }),
  };
  const containers = change.gateway === true ? [{ name: 'istio-proxy', image: 'auto' }] : [{ name: 'app', image: 'a:1' }];
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${app}-1`, namespace, labels: { app }, annotations },
    spec: { containers },
  };
  const outcome = injectPod(pod, namespace, {
    revision,
    version: parseIstioVersion(values.global.tag),
    mesh: parseMeshConfig(data('istio')['mesh'] ?? '', 'istio-system'),
    config: parseInjectorConfig(data('istio-sidecar-injector')['config'] ?? ''),
    values,
    native: change.gateway !== true,
    pathEnv: {},
  });
  if (outcome.kind !== 'injected') throw new Error('not injected');
  const all = [...(outcome.pod.spec?.initContainers ?? []), ...(outcome.pod.spec?.containers ?? [])];
  return start(outcome.pod, all.find(({ name }) => name === 'istio-proxy') as ContainerSpec, ip);
}

async function serveApp(ip: string, port: number, handler: RequestListener): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  network.announce(ip, port, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  return server;
}

function serviceFor(name: string, ips: readonly string[], namespace = 'shop'): void {
  cluster.put('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }], selector: { app: name } },
  });
  endpoints(namespace, name, { name: 'http', port: 8080 }, ips);
}

async function get(ip: string, port: number, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const at = network.resolve(ip, port);
  const response = await fetch(`http://${at?.host ?? ''}:${at?.port ?? 0}${path}`);
  return { status: response.status, body: await response.text() };
}

interface Entry {
  readonly proxy: string;
  readonly [field: string]: unknown;
}

async function syncz(ip: string): Promise<readonly Entry[]> {
  return JSON.parse((await get(ip, 15_014, '/debug/syncz')).body) as readonly Entry[];
}

function bundle(resource: string, name: string): { readonly caBundle: string; readonly failurePolicy: string }[] {
  const webhooks = (cluster.get(resource, name)?.['webhooks'] ?? []) as { clientConfig: { caBundle?: string }; failurePolicy: string }[];
  return webhooks.map(({ clientConfig, failurePolicy }) => ({ caBundle: clientConfig.caBundle ?? '', failurePolicy }));
}

function rootOf(namespace: string): string {
  const data = cluster.get('configmaps', 'istio-ca-root-cert', namespace)?.['data'] as Record<string, string> | undefined;
  return data?.['root-cert.pem'] ?? '';
}

describe('an istiod', () => {
  it('makes its authority, distributes the root, and makes its webhooks callable and strict', async () => {
    install({ revision: 'default', version: '1.28.2', defaults: 'istioctl', tags: ['prod'] });
    const istiod = await startIstiod('default', '10.0.0.1');
    expect(istiod.program.ready()).toBe(false);
    await until(() => istiod.program.ready());
    await until(() => bundle(VALIDATING, 'istiod-default-validator')[0]?.failurePolicy === 'Fail');
    await until(() => cluster.get('configmaps', 'istio-ca-crl', 'shop') !== undefined);
    const root = rootOf('shop');
    for (const name of ['istio-sidecar-injector', 'istio-revision-tag-prod', 'istio-revision-tag-default']) {
      await until(() => bundle(MUTATING, name).every(({ caBundle }) => Buffer.from(caBundle, 'base64').toString() === root));
    }
    expect(cluster.get('configmaps', 'istio-ca-root-cert', 'kube-public')).toBeUndefined();
    expect(cluster.get('secrets', 'istio-ca-secret', 'istio-system')?.['type']).toBe('istio.io/ca-root');
    expect([...cluster.writers]).toEqual(['system:serviceaccount:istio-system:istiod pilot-discovery']);
    const leader = JSON.parse(
      cluster.get('configmaps', 'istio-leader', 'istio-system')?.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] ?? '{}',
    ) as object;
    expect(leader).toMatchObject({ holderIdentity: 'istiod-default-1', holderKey: 'default', leaderTransitions: 0 });
    expect(cluster.get('leases.coordination.k8s.io', 'istio-gateway-deployment-default', 'istio-system')).toBeDefined();
    expect([await get('10.0.0.1', 8080, '/ready'), (await get('10.0.0.1', 15_014, '/version')).body]).toEqual([
      { status: 200, body: '' },
      '1.28.2-000000000000-Clean',
    ]);
  });

  it('gives the root back to who removed or changed it', async () => {
    install({ revision: 'default', version: '1.28.2' });
    const istiod = await startIstiod('default', '10.0.0.1');
    await until(() => cluster.get('configmaps', 'istio-ca-root-cert', 'shop') !== undefined && istiod.program.ready());
    const map = cluster.get('configmaps', 'istio-ca-root-cert', 'shop') as KubeObject;
    cluster.put('configmaps', { ...map, data: { 'root-cert.pem': 'changed' } });
    await until(() => rootOf('shop').startsWith('-----BEGIN'));
    cluster.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'later' } });
    await until(() => cluster.get('configmaps', 'istio-ca-root-cert', 'later') !== undefined);
  });

  it('injects over HTTPS with a certificate for its Service', async () => {
    install({ revision: '1-29-1', version: '1.29.1' });
    const istiod = await startIstiod('1-29-1', '10.0.0.2');
    await until(() => istiod.program.ready() && bundle(MUTATING, 'istio-sidecar-injector-1-29-1').every(({ caBundle }) => caBundle !== ''));
    const ca = Buffer.from(bundle(MUTATING, 'istio-sidecar-injector-1-29-1')[0]?.caBundle ?? '', 'base64');
    const at = network.resolve('10.0.0.2', 15_017) as Endpoint;
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'r1',
        namespace: 'shop',
        object: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'a-' }, spec: { containers: [{ name: 'app' }] } },
      },
    };
    const post = (servername: string, contentType = 'application/json'): Promise<{ readonly status: number; readonly text: string }> =>
      new Promise((resolve, reject) => {
        const request = httpsRequest(
          { ...at, servername, ca, method: 'POST', path: '/inject', headers: { 'content-type': contentType } },
          (response) => {
            let text = '';
            response
              .on('data', (chunk: Buffer) => (text += chunk.toString()))
              .on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          },
        );
        request.on('error', reject).end(JSON.stringify(review));
      });
    const answer = JSON.parse((await post('istiod-1-29-1.istio-system.svc')).text) as {
      response: { uid: string; allowed: boolean; patch: string };
    };
    expect(answer.response).toMatchObject({ uid: 'r1', allowed: true, patchType: 'JSONPatch' });
    expect(Buffer.from(answer.response.patch, 'base64').toString()).toContain('proxyv2:1.29.1');
    await expect(post('istiod-other.istio-system.svc')).rejects.toThrow(/altnames/);
    expect((await post('istiod-1-29-1.istio-system.svc', 'text/plain')).status).toBe(415);
    istio.knobs.changeRevision('1-29-1', { webhook: 'down' });
    await expect(post('istiod-1-29-1.istio-system.svc')).rejects.toThrow();
    expect((await get('10.0.0.2', 15_014, '/metrics')).body).toContain('sidecar_injection_success_total 1');
  });

  it('shares its authority with another revision, and yields its locks to the default one', async () => {
    install({ revision: '1-28-2', version: '1.28.2' });
    install({ revision: '1-29-1', version: '1.29.1', base: false });
    const first = await startIstiod('1-28-2', '10.0.0.1');
    await until(() => cluster.get('configmaps', 'istio-leader', 'istio-system') !== undefined && first.program.ready());
    const secret = cluster.get('secrets', 'istio-ca-secret', 'istio-system');
    const second = await startIstiod('1-29-1', '10.0.0.2');
    await until(() => second.program.ready() && bundle(MUTATING, 'istio-sidecar-injector-1-29-1').every(({ caBundle }) => caBundle !== ''));
    expect(cluster.get('secrets', 'istio-ca-secret', 'istio-system')).toBe(secret);
    expect(bundle(MUTATING, 'istio-sidecar-injector-1-29-1')[0]?.caBundle).toBe(
      bundle(MUTATING, 'istio-sidecar-injector-1-28-2')[0]?.caBundle,
    );
    const holder = (): string =>
      (
        JSON.parse(
          cluster.get('configmaps', 'istio-leader', 'istio-system')?.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] ??
            '{}',
        ) as { holderKey: string }
      ).holderKey;
    expect(holder()).toBe('1-28-2');
    const [tag] = istioManifests({ revision: '1-29-1', version: '1.29.1', base: false, defaults: 'istioctl' }).filter(
      ({ metadata }) => metadata.name === 'istio-revision-tag-default',
    );
    cluster.put(MUTATING, tag as KubeObject);
    await until(() => holder() === '1-29-1');
    await second.program.stop();
    expect(holder()).toBe('');
    await until(() => holder() === '1-28-2');
  });
});

describe('a proxy', () => {
  beforeEach(async () => {
    install({ revision: 'default', version: '1.28.2' });
    install({ revision: '1-29-1', version: '1.29.1', base: false });
  });

  it('connects to the istiod of its revision, and is shown there as the real one shows it', async () => {
    const [old, fresh] = [await startIstiod('default', '10.0.0.1'), await startIstiod('1-29-1', '10.0.0.2')];
    await until(() => old.program.ready() && fresh.program.ready());
    const proxy = await startProxied('web', '10.0.1.1', '1-29-1');
    expect(proxy.program.ready()).toBe(false);
    await until(() => proxy.program.ready());
    expect(await syncz('10.0.0.1')).toEqual([]);
    await until(() => clock.nowMs() > 0);
    const [entry] = await syncz('10.0.0.2');
    expect(Object.keys(entry ?? {})).toEqual([
      'cluster_id',
      'proxy',
      'proxy_type',
      'istio_version',
      'cluster_sent',
      'cluster_acked',
      'listener_sent',
      'listener_acked',
      'route_sent',
      'route_acked',
      'endpoint_sent',
      'endpoint_acked',
      'resources',
    ]);
    expect(entry).toMatchObject({ cluster_id: 'Kubernetes', proxy: 'web-1.shop', proxy_type: 'sidecar', istio_version: '1.29.1' });
    expect(entry?.['cluster_sent']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\/\d+[0-9a-f]{8}-/);
    expect(entry?.['endpoint_acked']).toBe(entry?.['endpoint_sent']);
    expect((await get('10.0.1.1', 15_021, '/healthz/ready')).status).toBe(200);
    expect((await get('10.0.0.2', 15_014, '/metrics')).body).toContain('pilot_xds{version="1.29.1"} 1');
  });

  it('is stale while it does not acknowledge a push', async () => {
    const istiod = await startIstiod('default', '10.0.0.1');
    await until(() => istiod.program.ready());
    const proxy = await startProxied('web', '10.0.1.1', 'default');
    await until(() => proxy.program.ready());
    istio.knobs.changeRevision('default', { withholdsAcks: true });
    const before = (await syncz('10.0.0.1'))[0]?.['endpoint_sent'];
    serviceFor('web', ['10.0.1.1']);
    await clock.sleep(400);
    const [entry] = await syncz('10.0.0.1');
    expect([entry?.['endpoint_sent'] === before, entry?.['endpoint_sent'] === entry?.['endpoint_acked']]).toEqual([false, false]);
    istio.knobs.changeRevision('default', { withholdsAcks: false });
    const [later] = await syncz('10.0.0.1');
    expect(later?.['endpoint_acked']).toBe(later?.['endpoint_sent']);
  });

  it('keeps its configuration and its revision when its istiod goes, and connects to the next one', async () => {
    const istiod = await startIstiod('default', '10.0.0.1');
    const other = await startIstiod('1-29-1', '10.0.0.2');
    await until(() => istiod.program.ready() && other.program.ready());
    const proxy = await startProxied('web', '10.0.1.1', 'default');
    await until(() => proxy.program.ready());
    endpoints('istio-system', 'istiod', { name: 'https-dns', port: 15_012 }, []);
    await istiod.program.stop();
    expect([proxy.program.ready(), await syncz('10.0.0.2')]).toEqual([true, []]);
    const next = await startIstiod('default', '10.0.0.3', 'istiod-default-2');
    await until(() => next.program.ready());
    await until(() => istio.registry.proxyAt('10.0.1.1')?.attachment()?.server.pod === 'istiod-default-2');
  });

  it('drains for its time, or until it is idle, and is gone after that', async () => {
    const istiod = await startIstiod('default', '10.0.0.1');
    await until(() => istiod.program.ready());
    const proxy = await startProxied('web', '10.0.1.1', 'default', { config: 'terminationDrainDuration: 2s' });
    await until(() => proxy.program.ready());
    expect(proxy.program.exec?.(['pilot-agent', 'request', '--debug-port=15020', 'POST', 'drain'])).toMatchObject({ exitCode: 0 });
    expect(istio.registry.proxyAt('10.0.1.1')?.state()).toBe('draining');
    const startedMs = clock.nowMs();
    await proxy.program.stop();
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(1990);
    expect([istio.registry.proxyAt('10.0.1.1')?.state(), await syncz('10.0.0.1')]).toEqual(['ended', []]);
    cluster.remove('pods', 'web-1', 'shop');
    expect(istio.registry.proxyAt('10.0.1.1')).toBeUndefined();
  });

  it('is dropped and refused by an istiod in trouble', async () => {
    const istiod = await startIstiod('default', '10.0.0.1');
    await until(() => istiod.program.ready());
    const proxy = await startProxied('web', '10.0.1.1', 'default');
    await until(() => proxy.program.ready());
    istio.knobs.changeRevision('default', { refusesProxies: true });
    expect(await syncz('10.0.0.1')).toEqual([]);
    istio.knobs.changeRevision('default', { refusesProxies: false });
    await until(() => istio.registry.proxyAt('10.0.1.1')?.attachment() !== undefined);
  });
});

describe('traffic', () => {
  let client: RunningPod;
  beforeEach(async () => {
    install({ revision: 'default', version: '1.28.2' });
    const istiod = await startIstiod('default', '10.0.0.1');
    await until(() => istiod.program.ready());
    client = await startProxied('client', '10.0.1.9', 'default');
    await startProxied('web', '10.0.1.1', 'default');
    await serveApp('10.0.1.1', 8080, (request, response) => response.end(`web ${request.url ?? ''}`));
    serviceFor('web', ['10.0.1.1']);
    await until(() => (istio.registry.proxyAt('10.0.1.9')?.view()?.service('shop', 'web')?.targets(80).length ?? 0) === 1);
    await until(() => istio.registry.proxyAt('10.0.1.1')?.state() === 'live');
  });
  const ask = async (from = client, host = 'web'): Promise<string> => {
    const { status, body, flags } = await istio.client.request(from.context, { host, port: 80, path: '/x' });
    return `${status} ${flags} ${body.toString()}`;
  };

  it('reaches a service by its short and its long name, and is counted on both sides', async () => {
    expect([await ask(), await ask(client, 'web.shop.svc.cluster.local')]).toEqual(['200 - web /x', '200 - web /x']);
    const metrics = (await get('10.0.1.1', 15_020, '/stats/prometheus')).body;
    expect(metrics).toMatch(
      /istio_requests_total\{reporter="destination".*response_code="200".*connection_security_policy="mutual_tls"\} 2/,
    );
  });

  it('is not known to a client whose istiod has not pushed it yet', async () => {
    istio.knobs.changeRevision('default', { withholdsPushes: true });
    serviceFor('late', ['10.0.1.1']);
    await clock.sleep(400);
    expect(await ask(client, 'late')).toMatch(/^502/);
  });

  it('fails with the words of Envoy when the application does not listen', async () => {
    network.withdraw('10.0.1.1', 8080);
    expect(await ask()).toBe(
      '503 UF upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused',
    );
  });

  it('goes to another endpoint when a pod is gone, and fails when none is left', async () => {
    await startProxied('web-b', '10.0.1.2', 'default');
    await serveApp('10.0.1.2', 8080, (_request, response) => response.end('b'));
    serviceFor('web', ['10.0.1.1', '10.0.1.2']);
    await until(() => (istio.registry.proxyAt('10.0.1.9')?.view()?.service('shop', 'web')?.targets(80).length ?? 0) === 2);
    await until(() => istio.registry.proxyAt('10.0.1.2')?.state() === 'live');
    running.find(({ context }) => context.ip === '10.0.1.1')?.program.kill();
    for (let round = 0; round < 10; round += 1) expect(await ask()).toBe('200 - b');
    running.find(({ context }) => context.ip === '10.0.1.2')?.program.kill();
    expect(await ask()).toContain(
      '503 UF,URX upstream connect error or disconnect/reset before headers. retried and the latest reset reason',
    );
    endpoints('shop', 'web', { name: 'http', port: 8080 }, []);
    await clock.sleep(400);
    expect(await ask()).toBe('503 UH no healthy upstream');
  });

  it('is cut off when the pod ends in the middle of it', async () => {
    await startProxied('slow', '10.0.1.3', 'default');
    let arrived = false;
    await serveApp('10.0.1.3', 8080, () => (arrived = true));
    serviceFor('slow', ['10.0.1.3']);
    await until(() => istio.registry.proxyAt('10.0.1.3')?.state() === 'live');
    await until(() => (istio.registry.proxyAt('10.0.1.9')?.view()?.service('shop', 'slow')?.targets(80).length ?? 0) === 1);
    const asked = ask(client, 'slow');
    await until(() => arrived);
    running.find(({ context }) => context.ip === '10.0.1.3')?.program.kill();
    expect(await asked).toBe('503 UC upstream connect error or disconnect/reset before headers. reset reason: connection termination');
  });

  it('fails between proxies whose authorities differ', async () => {
    cluster.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-other' } });
    for (const object of istioManifests({ revision: 'other', version: '1.29.1', namespace: 'istio-other', base: false })) {
      cluster.put(GROUPS[object.kind] ?? `${object.kind.toLowerCase()}s`, object);
    }
    const spec = cluster.get('deployments.apps', 'istiod-other', 'istio-other')?.['spec'] as {
      template: { metadata: object; spec: { containers: ContainerSpec[] } };
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...spec.template.metadata, name: 'istiod-other-1', namespace: 'istio-other' },
      spec: spec.template.spec,
    };
    const istiod = await start(pod as unknown as Pod, spec.template.spec.containers[0] as ContainerSpec, '10.0.0.7');
    endpoints('istio-other', 'istiod-other', { name: 'https-dns', port: 15_012 }, ['10.0.0.7']);
    await until(() => istiod.program.ready());
    const container: ContainerSpec = {
      name: 'istio-proxy',
      image: 'docker.io/istio/proxyv2:1.29.1',
      args: ['proxy', 'sidecar'],
      env: [{ name: 'PROXY_CONFIG', value: '{"discoveryAddress":"istiod-other.istio-other.svc:15012"}' }],
    };
    await start(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'foreign-1', namespace: 'shop', labels: { app: 'foreign' } } },
      container,
      '10.0.1.4',
    );
    await serveApp('10.0.1.4', 8080, (_request, response) => response.end('foreign'));
    serviceFor('foreign', ['10.0.1.4']);
    await until(() => istio.registry.proxyAt('10.0.1.4')?.state() === 'live');
    await until(() => (istio.registry.proxyAt('10.0.1.9')?.view()?.service('shop', 'foreign')?.targets(80).length ?? 0) === 1);
    expect(await ask(client, 'foreign')).toContain('CERTIFICATE_VERIFY_FAILED');
  });

  it('is refused in plain text where mutual TLS is required', async () => {
    const outside = { ...client, context: { ...client.context, ip: '10.9.9.9' } };
    expect(await ask(outside, 'web.shop')).toBe('200 - web /x');
    cluster.put('peerauthentications.security.istio.io', {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'shop' },
      spec: { mtls: { mode: 'STRICT' } },
    });
    await clock.sleep(400);
    await expect(ask(outside, 'web.shop')).rejects.toMatchObject({ reason: 'reset' });
    expect(await ask()).toBe('200 - web /x');
  });

  it('meets the troubles of the revision of the called proxy', async () => {
    istio.knobs.changeRevision('default', { errorShare: 1, errorStatus: 500 });
    expect(await ask()).toBe('500 FI fault filter abort');
    istio.knobs.changeRevision('default', { errorShare: 0, latencyMs: 300 });
    const startedMs = clock.nowMs();
    expect(await ask()).toBe('200 - web /x');
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(300);
  });

  it('comes in through a gateway that a Gateway opened, by host and prefix', async () => {
    const labels = { app: 'gateway' };
    cluster.put('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'gateway', namespace: 'shop' },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    });
    const gateway = await startProxied('gateway', '10.0.1.5', 'default', { gateway: true });
    await until(() => gateway.program.ready());
    expect(network.resolve('10.0.1.5', 8080)).toBeUndefined();
    const spec = { selector: labels, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] };
    cluster.put('gateways.networking.istio.io', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'in', namespace: 'shop' },
      spec,
    });
    const http = [
      { match: [{ uri: { prefix: '/shop' } }], rewrite: { uri: '/' }, route: [{ destination: { host: 'web', port: { number: 80 } } }] },
    ];
    cluster.put('virtualservices.networking.istio.io', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'in', namespace: 'shop' },
      spec: { hosts: ['*'], gateways: ['in'], http },
    });
    await until(() => network.resolve('10.0.1.5', 8080) !== undefined);
    expect(await get('10.0.1.5', 8080, '/shop/cart?id=1')).toEqual({ status: 200, body: 'web /cart?id=1' });
    expect((await get('10.0.1.5', 8080, '/other')).status).toBe(404);
    cluster.remove('gateways.networking.istio.io', 'in', 'shop');
    await clock.sleep(400);
    await expect(get('10.0.1.5', 8080, '/shop')).rejects.toThrow();
  });
});
