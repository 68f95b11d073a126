/** Requests to a Kubernetes API as a kubeconfig says, without kubectl: for tests on machines that have nothing but Node. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { PassThrough } from 'node:stream';
import { Exec, KubeConfig, type V1Status } from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import type { ClusterObjects, Meta, ObjectName, Place, PodJson } from '../scenarios/cluster-under-test.ts';
import { until } from './child-process.ts';

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

interface Kind {
  readonly plural: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

function kindsOf(apiVersion: string, namespaced: boolean, names: Readonly<Record<string, string>>): Kind[] {
  return Object.entries(names).map(([plural, kind]) => ({ plural, apiVersion, kind, namespaced }));
}

const KINDS: readonly Kind[] = [
  ...kindsOf('v1', false, { namespaces: 'Namespace' }),
  ...kindsOf('v1', true, {
    configmaps: 'ConfigMap',
    events: 'Event',
    pods: 'Pod',
    resourcequotas: 'ResourceQuota',
    secrets: 'Secret',
    serviceaccounts: 'ServiceAccount',
    services: 'Service',
  }),
  ...kindsOf('apps/v1', true, {
    controllerrevisions: 'ControllerRevision',
    daemonsets: 'DaemonSet',
    deployments: 'Deployment',
    replicasets: 'ReplicaSet',
    statefulsets: 'StatefulSet',
  }),
  ...kindsOf('batch/v1', true, { cronjobs: 'CronJob', jobs: 'Job' }),
  ...kindsOf('autoscaling/v2', true, { horizontalpodautoscalers: 'HorizontalPodAutoscaler' }),
  ...kindsOf('policy/v1', true, { poddisruptionbudgets: 'PodDisruptionBudget' }),
  ...kindsOf('coordination.k8s.io/v1', true, { leases: 'Lease' }),
  ...kindsOf('rbac.authorization.k8s.io/v1', true, { roles: 'Role', rolebindings: 'RoleBinding' }),
  ...kindsOf('rbac.authorization.k8s.io/v1', false, { clusterroles: 'ClusterRole', clusterrolebindings: 'ClusterRoleBinding' }),
  ...kindsOf('apiextensions.k8s.io/v1', false, { customresourcedefinitions: 'CustomResourceDefinition' }),
  ...kindsOf('admissionregistration.k8s.io/v1', false, {
    mutatingwebhookconfigurations: 'MutatingWebhookConfiguration',
    validatingwebhookconfigurations: 'ValidatingWebhookConfiguration',
  }),
  ...kindsOf('networking.istio.io/v1', true, {
    destinationrules: 'DestinationRule',
    gateways: 'Gateway',
    virtualservices: 'VirtualService',
    workloadentries: 'WorkloadEntry',
    workloadgroups: 'WorkloadGroup',
  }),
  ...kindsOf('networking.istio.io/v1alpha3', true, { envoyfilters: 'EnvoyFilter' }),
  ...kindsOf('gateway.networking.k8s.io/v1', true, {
    'gateways.gateway.networking.k8s.io': 'Gateway',
    'httproutes.gateway.networking.k8s.io': 'HTTPRoute',
  }),
  ...kindsOf('security.istio.io/v1', true, { peerauthentications: 'PeerAuthentication' }),
  ...kindsOf('meshlift.io/v1alpha1', true, { meshupgrades: 'MeshUpgrade' }),
];

interface ObjectJson {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectName;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } }[];
}

const JSON_TYPE = 'application/json';
const ATTEMPTS = 40;

interface Connection {
  readonly server: string;
  readonly agent: Agent;
}

export class ApiRequests implements ClusterObjects {
  readonly #kubeconfig: string;
  #live: Connection | undefined;

  /** @param kubeconfig path of one with a client certificate; it must be there when the first request is made */
  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  close(): void {
    this.#live?.agent.destroy();
    this.#live = undefined;
  }

  async list<T>(kinds: readonly string[], place: Place = {}): Promise<T[]> {
    const lists = await Promise.all(
      kinds.map(async (plural) => {
        const kind = kindOf(plural);
        const query = place.selector === undefined ? '' : `?labelSelector=${encodeURIComponent(place.selector)}`;
        const path = pathOf(kind, place.everywhere === true ? {} : place);
        const { items } = (await this.#ask('GET', `${path}${query}`)) as { readonly items: readonly object[] };
        return items.map((item) => ({ apiVersion: kind.apiVersion, kind: kind.kind, ...item }) as T);
      }),
    );
    return lists.flat();
  }

  async get<T>(plural: string, name: ObjectName): Promise<T> {
    return (await this.#ask('GET', `${pathOf(kindOf(plural), name)}/${name.name}`)) as T;
  }

  async applyWhole(yaml: string): Promise<void> {
    for (const object of objectsOf(yaml)) {
      const path = objectPath(object);
      await this.#ask('PATCH', `${path}?fieldManager=test&force=true`, { type: 'application/apply-patch+yaml', body: object });
    }
  }

  async patch(plural: string, name: ObjectName, patch: object): Promise<void> {
    const path = `${pathOf(kindOf(plural), name)}/${name.name}`;
    await this.#ask('PATCH', path, { type: 'application/merge-patch+json', body: patch });
  }

  async replace(object: object): Promise<void> {
    await this.#ask('PUT', objectPath(object as ObjectJson), { type: JSON_TYPE, body: object });
  }

  async create(object: object): Promise<void> {
    const { metadata } = object as ObjectJson;
    const path = objectPath(object as ObjectJson).slice(0, -metadata.name.length - 1);
    await this.#ask('POST', path, { type: JSON_TYPE, body: object });
  }

  async remove(plural: string, name: ObjectName): Promise<void> {
    const path = `${pathOf(kindOf(plural), name)}/${name.name}`;
    let { code, body } = await this.#send('DELETE', path);
    // A trouble that was just switched off ends a moment later.
    for (let left = ATTEMPTS; left > 0 && (code === 429 || code >= 500); left -= 1) {
      await new Promise((resolve) => void setTimeout(resolve, 50));
      ({ code, body } = await this.#send('DELETE', path));
    }
    if (code >= 300 && code !== 404) throw new Error(`DELETE ${plural} ${name.name}: ${JSON.stringify(body)}`);
  }

  async present(yaml: string): Promise<string[]> {
    const found = await Promise.all(
      objectsOf(yaml).map(async (object) => {
        const { code } = await this.#send('GET', objectPath(object));
        return code === 200 ? [`${object.kind}/${object.metadata.name}`] : [];
      }),
    );
    return found.flat().toSorted();
  }

  async dryRunPod(namespace: string): Promise<PodJson> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', labels: { run: 'probe' } },
      spec: { containers: [{ name: 'probe', image: 'none.invalid/none' }] },
    };
    return (await this.#ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, { type: JSON_TYPE, body: pod })) as PodJson;
  }

  async rolledOut(kind: string, name: ObjectName): Promise<void> {
    await until(`${kind} ${name.name} is rolled out`, async () => isRolledOut(await this.get(`${kind}s`, name)), 60_000, 50);
  }

  async podReady(name: ObjectName): Promise<void> {
    const isReady = ({ status }: PodJson): boolean =>
      (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
    await until(`pod ${name.name} is ready`, async () => isReady(await this.get('pods', name)), 60_000, 50);
  }

  async token({ namespace = '', name }: ObjectName): Promise<string> {
    const answer = await this.#ask('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      type: JSON_TYPE,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    return (answer as { readonly status: { readonly token: string } }).status.token;
  }

  /** What a command in a container wrote to standard output, whatever its exit code. */
  async exec({ namespace = '', name }: ObjectName, container: string, command: readonly string[]): Promise<string> {
    const config = new KubeConfig();
    config.loadFromFile(this.#kubeconfig);
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    let text = '';
    stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stderr.resume();
    const { promise, resolve, reject } = Promise.withResolvers<V1Status>();
    const socket = await new Exec(config).exec(namespace, name, container, [...command], stdout, stderr, null, false, resolve);
    socket.on('error', reject);
    socket.on('close', () => resolve({}));
    await promise;
    socket.close();
    return text;
  }

  /** @throws Error with the Status of the answer, unless it succeeded */
  async #ask(method: string, path: string, content?: { readonly type: string; readonly body: object }): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const { code, body } = await this.#send(method, path, content);
      if (code < 300) return body;
      // A kind whose CRD was just written is served a moment later.
      if (code !== 404 || method !== 'PATCH' || attempt === ATTEMPTS) throw new Error(`${method} ${path}: ${code} ${JSON.stringify(body)}`);
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }

  #connection(): Connection {
    const config = parse(readFileSync(this.#kubeconfig, 'utf8')) as Kubeconfig;
    const cluster = config.clusters[0]?.cluster;
    const user = config.users[0]?.user;
    if (cluster === undefined || user === undefined) throw new Error(`${this.#kubeconfig} has no cluster or no user`);
    const decoded = (text: string): Buffer => Buffer.from(text, 'base64');
    const agent = new Agent({
      ca: decoded(cluster['certificate-authority-data']),
      cert: decoded(user['client-certificate-data']),
      key: decoded(user['client-key-data']),
      keepAlive: true,
    });
    return { server: cluster.server, agent };
  }

  #send(method: string, path: string, content?: { readonly type: string; readonly body: object }): Promise<Answer> {
    const headers = { accept: JSON_TYPE, ...(content === undefined ? {} : { 'content-type': content.type }) };
    const { server, agent } = (this.#live ??= this.#connection());
    return new Promise((resolve, reject) => {
      const sent = request(`${server}${path}`, { method, agent, headers, timeout: 30_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) }));
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
      sent.end(content === undefined ? undefined : JSON.stringify(content.body));
    });
  }
}

function objectsOf(yaml: string): ObjectJson[] {
  return parseAllDocuments(yaml).flatMap((document) => (document.toJS() as ObjectJson | null) ?? []);
}

function kindOf(plural: string): Kind {
  const kind = KINDS.find((one) => one.plural === plural);
  if (kind === undefined) throw new Error(`${plural}: tests know no such kind`);
  return kind;
}

function pathOf({ apiVersion, plural, namespaced }: Kind, { namespace }: { readonly namespace?: string }): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  // With its group where two groups have one of that name, as kubectl takes it.
  const [resource = plural] = plural.split('.');
  return namespaced && namespace !== undefined ? `${root}/namespaces/${namespace}/${resource}` : `${root}/${resource}`;
}

function objectPath({ apiVersion, kind, metadata }: ObjectJson): string {
  const known = KINDS.find((one) => one.kind === kind && one.apiVersion.split('/')[0] === apiVersion.split('/')[0]);
  if (known === undefined) throw new Error(`${apiVersion} ${kind}: tests know no such kind`);
  return `${pathOf({ ...known, apiVersion }, metadata)}/${metadata.name}`;
}

interface WorkloadJson {
  readonly kind: string;
  readonly metadata: Meta;
  readonly spec: { readonly replicas?: number };
  readonly status?: Readonly<Record<string, number | undefined>>;
}

function isRolledOut({ kind, metadata, spec, status = {} }: WorkloadJson): boolean {
  if ((status['observedGeneration'] ?? 0) < (metadata.generation ?? 1)) return false;
  const wanted = kind === 'DaemonSet' ? (status['desiredNumberScheduled'] ?? 0) : (spec.replicas ?? 1);
  const [updated, ready] =
    kind === 'DaemonSet' ? [status['updatedNumberScheduled'], status['numberReady']] : [status['updatedReplicas'], status['readyReplicas']];
  const all = kind === 'Deployment' ? (status['replicas'] ?? 0) : wanted;
  return (updated ?? 0) >= wanted && (ready ?? 0) >= wanted && all === wanted && (kind !== 'DaemonSet' || wanted > 0);
}
