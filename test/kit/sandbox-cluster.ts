/** A sandbox of a test file's own: a process that ends with the test, reached as a real cluster is. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { istioManifests } from '../../src/sandbox/istio/manifests/istio-manifests.ts';
import type {
  ClusterUnderTest,
  FaultsUnderTest,
  IstioUnderTest,
  Load,
  LoadResult,
  ObjectName,
  TrafficUnderTest,
} from '../scenarios/cluster-under-test.ts';
import { namespaceYaml, podYaml } from '../scenarios/shop.ts';
import { ApiRequests } from './api-requests.ts';
import { MESHLIFT, run, start, until, type Outcome, type Running, type RunOptions } from './child-process.ts';

export interface SandboxOptions {
  /** `empty` when absent. */
  readonly scenario?: string;
  /** How much faster its time passes; 1 when absent. */
  readonly speed?: number;
  /** How much shorter Meshlift's waits are; as the speed when absent. */
  readonly waits?: number;
  readonly seed?: number;
}

const OLD_VERSION = '1.28.2';
const NEW_VERSION = '1.29.1';
const APP_IMAGE = 'docker.io/istio/examples-bookinfo-shop:1.0.0';
const NAME = 'e2e';
/** What `meshlift sandbox trouble` writes. */
const TROUBLES = { namespace: 'kube-system', name: 'sandbox-troubles' };
const START_MS = 60_000;
const END_MS = 10_000;

export class SandboxCluster implements ClusterUnderTest {
  readonly oldVersion = OLD_VERSION;
  readonly newVersion = NEW_VERSION;
  readonly scratch: string;
  readonly objects: ApiRequests;
  readonly istio: IstioUnderTest;
  readonly traffic: TrafficUnderTest;
  readonly faults: FaultsUnderTest;
  readonly #options: SandboxOptions;
  readonly #killAtExit = (): void => void this.#process?.child.kill('SIGKILL');
  readonly #running = new Set<Running>();
  #process: Running | undefined;

  constructor(options: SandboxOptions = {}) {
    this.#options = options;
    this.scratch = mkdtempSync(join(tmpdir(), 'meshlift-e2e-'));
    this.objects = new ApiRequests(this.kubeconfig());
    this.istio = manifestsIstio(this);
    this.traffic = sandboxTraffic(this);
    this.faults = sandboxFaults(this);
  }

  kubeconfig(): string {
    return join(this.scratch, NAME, 'kubeconfig');
  }

  start(args: readonly string[], { env, ...rest }: RunOptions = {}): Running {
    const running = start(MESHLIFT, args, { cwd: this.scratch, ...rest, env: { ...this.env(), ...env } });
    this.#running.add(running);
    const forget = (): void => void this.#running.delete(running);
    running.done.then(forget, forget);
    return running;
  }

  async prepare(): Promise<void> {
    const { scenario = 'empty', speed = 1, seed = 1 } = this.#options;
    const words = ['--name', NAME, '--scenario', scenario, '--speed', String(speed), '--seed', String(seed)];
    const process_ = this.start(['sandbox', 'start', '--foreground', ...words]);
    this.#process = process_;
    process.once('exit', this.#killAtExit);
    let ended: Outcome | undefined;
    process_.done.then(
      (outcome) => (ended = outcome),
      () => undefined,
    );
    await until(
      'the sandbox is up',
      () => {
        if (ended !== undefined) throw new Error(`the sandbox ended with ${ended.code}: ${ended.stderr}`);
        return /is up at/.test(process_.output());
      },
      START_MS,
      20,
    );
  }

  /** Ends what a failed test has left running, except for the sandbox itself. */
  async endDrivers(): Promise<void> {
    const left = [...this.#running].filter((one) => one !== this.#process);
    for (const { child } of left) child.kill('SIGKILL');
    await Promise.allSettled(left.map(({ done }) => done));
  }

  async cleanUp(): Promise<void> {
    await this.endDrivers();
    this.objects.close();
    const process_ = this.#process;
    if (process_ !== undefined) {
      process_.child.kill('SIGTERM');
      const killer = setTimeout(() => process_.child.kill('SIGKILL'), END_MS);
      await process_.done;
      clearTimeout(killer);
      process.off('exit', this.#killAtExit);
    }
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Switches a trouble on, as `meshlift sandbox trouble` does, and faster. @param settings `revision=1-30-0` */
  trouble(name: string, ...settings: string[]): Promise<void> {
    return this.objects.patch('configmaps', TROUBLES, { data: { [name]: settings.join(',') } });
  }

  endTrouble(name: string): Promise<void> {
    return this.objects.patch('configmaps', TROUBLES, { data: { [name]: null } });
  }

  async endTroubles(): Promise<void> {
    const { data = {} } = await this.objects.get<{ data?: Record<string, string> }>('configmaps', TROUBLES);
    for (const name of Object.keys(data)) await this.endTrouble(name);
  }

  /** With which a program reaches it. */
  env(): Record<string, string> {
    const { speed = 1, waits = speed } = this.#options;
    return { MESHLIFT_SANDBOX_HOME: this.scratch, KUBECONFIG: this.kubeconfig(), MESHLIFT_SANDBOX_SPEED: String(waits) };
  }
}

function manifestsIstio(cluster: SandboxCluster): IstioUnderTest {
  const render: IstioUnderTest['render'] = async (which, revision) => {
    const file = join(cluster.scratch, `${which}-${revision}.yaml`);
    const version = which === 'old' ? OLD_VERSION : NEW_VERSION;
    const name = revision === '' ? 'default' : revision;
    writeFileSync(file, await run(MESHLIFT, ['sandbox', 'manifests', '--revision', name, '--version', version]));
    return file;
  };
  return {
    installOld: async () => {
      await cluster.objects.applyWhole('apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n');
      await cluster.objects.applyWhole(readFileSync(await render('old', ''), 'utf8'));
      await cluster.objects.rolledOut('deployment', { namespace: 'istio-system', name: 'istiod' });
      await until('the webhooks can be called', () => webhooksAreTrusted(cluster), 30_000, 50);
    },
    render,
    source: async (revision) => ['--manifests', await render('new', revision)],
    brokenSource: async (revision) => {
      const text = readFileSync(await render('new', revision), 'utf8');
      const file = join(cluster.scratch, `broken-${revision}.yaml`);
      writeFileSync(file, text.replace(/image: \S+\/pilot:\S+/, `image: none.invalid/pilot:${NEW_VERSION}`));
      await cluster.trouble('missing-image', 'image=none.invalid/*');
      return ['--manifests', file];
    },
    setDefaultTag: async (revision) => {
      for (const object of defaultTag(revision)) await cluster.objects.applyWhole(JSON.stringify(object));
      await until('the tag can be called', () => webhooksAreTrusted(cluster), 30_000, 50);
    },
    removeDefaultTag: async () => {
      for (const { kind, metadata } of defaultTag('default-tag')) {
        const plural = kind === 'Service' ? 'services' : `${kind.toLowerCase()}s`;
        await cluster.objects.remove(plural, metadata);
      }
    },
    installing: /output applied ConfigMap/,
    // It writes the objects itself.
    installerIsGone: async () => true,
    installerFailure: /did not become ready/,
  };
}

/** What `istioctl tag set default` would write. */
function defaultTag(revision: string): readonly { readonly kind: string; readonly metadata: ObjectName }[] {
  const objects = istioManifests({ revision, version: OLD_VERSION, defaults: 'istioctl', base: false });
  return objects.filter(({ metadata }) => metadata.labels?.['istio.io/tag'] === 'default') as never;
}

interface WebhooksJson {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly webhooks?: readonly { readonly failurePolicy?: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

/** istiod has written its certificate into them, and asks for refusals where it validates. */
async function webhooksAreTrusted(cluster: SandboxCluster): Promise<boolean> {
  const kinds = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
  const all = await cluster.objects.list<WebhooksJson>(kinds, { selector: 'istio.io/rev' });
  return all.every(({ webhooks = [] }) =>
    webhooks.every(({ clientConfig, failurePolicy }) => (clientConfig.caBundle ?? '') !== '' && failurePolicy !== 'Ignore'),
  );
}

const LOAD_IMAGE = 'auto';
const GATEWAY_PORT = 8080;

function sandboxTraffic(cluster: SandboxCluster): TrafficUnderTest {
  return {
    appContainer: (calls) => ({
      image: APP_IMAGE,
      env: calls.length === 0 ? [] : [{ name: 'CALLS', value: calls.map((name) => `http://${name}:9080/`).join(',') }],
      readinessProbe: { httpGet: { path: '/', port: 9080 }, periodSeconds: 1 },
    }),
    ask: async (namespace, name, url) => {
      const command = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-m', '5', url];
      return Number(await cluster.objects.exec({ namespace, name }, 'app', command));
    },
    prepareLoad: async (labels, url) => {
      const { hostname, port } = new URL(url);
      const yaml = `${namespaceYaml('load', labels)}${podYaml(cluster, 'load', 'sender')}---\n${gatewayYaml({ hostname, port })}`;
      await cluster.objects.applyWhole(yaml);
      await cluster.objects.podReady({ namespace: 'load', name: 'sender' });
      await cluster.objects.rolledOut('deployment', { namespace: 'load', name: 'gateway' });
    },
    startLoad: (url) => startAttack(cluster, new URL(url).pathname),
    controlMs: 3000,
  };
}

/** A gateway whose proxy is injected, and all that comes to it goes to one service. */
function gatewayYaml(target: { readonly hostname: string; readonly port: string }): string {
  return `apiVersion: v1
kind: Service
metadata: {name: gateway, namespace: load}
spec: {type: LoadBalancer, selector: {app: gateway}, ports: [{name: http-alt, port: ${GATEWAY_PORT}, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: load}
spec:
  replicas: 1
  selector: {matchLabels: {app: gateway}}
  template:
    metadata: {labels: {app: gateway, sidecar.istio.io/inject: "true"}, annotations: {inject.istio.io/templates: gateway}}
    spec: {containers: [{name: istio-proxy, image: ${LOAD_IMAGE}, readinessProbe: {httpGet: {path: /healthz/ready, port: 15021}, periodSeconds: 1}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: all, namespace: load}
spec: {selector: {app: gateway}, servers: [{port: {number: ${GATEWAY_PORT}, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all, namespace: load}
spec: {hosts: ["*"], gateways: [all], http: [{route: [{destination: {host: ${target.hostname}.svc.cluster.local, port: {number: ${target.port}}}}]}]}
`;
}

interface ReportJson {
  readonly latencies: { readonly '50th': number; readonly '99th': number };
  readonly requests: number;
  readonly status_codes: Readonly<Record<string, number>>;
}

let attacks = 0;

/** @param gateway `namespace/name` */
export function startAttack(cluster: SandboxCluster, path: string, gateway = 'load/gateway'): Load {
  attacks += 1;
  const file = join(cluster.scratch, `attack-${attacks}.ndjson`);
  const where = ['--gateway', gateway, '--port', String(GATEWAY_PORT), '--path', path];
  const running = cluster.start(['load', 'attack', ...where, '--rate', '20/1s', '--duration', '7m', '--timeout', '4s', '-q', '-o', file]);
  let result: Promise<LoadResult> | undefined;
  return {
    stop: () => (result ??= ended()),
  };

  async function ended(): Promise<LoadResult> {
    // A load that has only just begun would say nothing.
    await until('the load has begun', () => running.child.exitCode !== null || linesOf(file) > 10, 30_000, 20);
    running.child.kill('SIGTERM');
    const outcome = await running.done;
    const report = await cluster.start(['load', 'report', '--type', 'json', file]).done;
    if (report.code !== 0) throw new Error(`the load left no result: ${outcome.stderr} ${report.stderr}`);
    return resultOf(JSON.parse(report.stdout) as ReportJson);
  }
}

function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length : 0;
}

function resultOf({ latencies, requests, status_codes: codes }: ReportJson): LoadResult {
  const ms = (nanoseconds: number): number => Math.round(nanoseconds / 100_000) / 10;
  return { sent: requests, failed: requests - (codes['200'] ?? 0), codes, p50Ms: ms(latencies['50th']), p99Ms: ms(latencies['99th']) };
}

function sandboxFaults(cluster: SandboxCluster): FaultsUnderTest {
  return {
    stepTimeout: '10s',
    blockNewPods: async () => {
      // What the nodes have already is not pulled again: the proxy of the new version is not there yet.
      await cluster.trouble('missing-image', `image=*/proxyv2:${NEW_VERSION}*`);
      return {
        words: /ErrImagePull|ImagePullBackOff/,
        pods: '1 pod on canary, 3 pods on default',
        mend: () => cluster.endTrouble('missing-image'),
      };
    },
  };
}
