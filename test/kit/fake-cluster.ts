/**
 * A cluster in memory with just enough life in it: controllers replace pods after a restart mark, webhooks decide who
 * injects them (evaluated here, not by the code under test), and proxies connect a moment later.
 */
import { Transient } from '../../src/core/problems/problem.ts';
import type { AccessAnswer, AccessRule } from '../../src/core/permissions/access-rules.ts';
import type {
  KubeObject,
  LabelSelector,
  ObjectRef,
  Pod,
  PodController,
  Service,
  WebhookConfiguration,
} from '../../src/core/mesh/kube-objects.ts';
import type { IstiodReport, MeshObjects } from '../../src/core/mesh/mesh-objects.ts';
import type { WorkloadRef } from '../../src/core/mesh/mesh-inventory.ts';
import type { InjectionProbe } from '../../src/core/run/observation.ts';
import type { ClusterReader, ClusterWriter, PodProber } from '../../src/ports/cluster.ts';
import { SYNCED } from './mesh-builder.ts';

const MARK = 'meshlift.io/restart';

interface FakePod {
  readonly namespace: string;
  readonly name: string;
  readonly owner: string;
  readonly generation: number;
  readonly revision: string | undefined;
  readonly version: string;
  age: number;
}

export class FakeCluster implements ClusterReader, ClusterWriter, PodProber {
  readonly objects = new Map<string, KubeObject>();
  readonly #pods: FakePod[] = [];
  /** How often the template of each workload was changed. */
  readonly restarts = new Map<string, number>();
  /** Knobs. */
  readonly broken = new Set<string>();
  silentIstiods = new Set<string>();
  denied = new Set<string>();
  unread: MeshObjects['unread'] = [];
  clusterUid = 'cluster-1';
  /** Called at the start of each call and, for effects, at their end; may throw. */
  hook: (call: string, moment: 'before' | 'after') => void = () => undefined;
  #count = 0;

  // What tests set up.

  put(...objects: readonly KubeObject[]): this {
    for (const object of objects) this.objects.set(keyOf(object), stamped(object, this.#next()));
    return this;
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}): this {
    return this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }

  workload(
    namespace: string,
    name: string,
    replicas = 1,
    kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' = 'Deployment',
    labels: Readonly<Record<string, string>> = {},
  ): this {
    const container = { name: 'app', image: 'app:1', readinessProbe: {}, lifecycle: { preStop: {} } };
    const template = { metadata: { labels: { app: name, ...labels } }, spec: { containers: [container] } };
    this.put({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name, namespace, uid: `${kind}-${namespace}-${name}`, generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template,
        ...(kind === 'DaemonSet' ? { updateStrategy: { rollingUpdate: { maxSurge: 1 } } } : {}),
      },
    });
    const owner = `${kind}/${namespace}/${name}`;
    for (let index = 0; index < replicas; index += 1) this.#createPod(owner, 1, 10);
    return this;
  }

  remove(kind: string, name: string, namespace = ''): void {
    this.objects.delete(`${kind}/${namespace}/${name}`);
  }

  relabel(name: string, labels: Readonly<Record<string, string>>): void {
    const namespace = this.objects.get(`Namespace//${name}`);
    if (namespace) this.put({ ...namespace, metadata: { ...namespace.metadata, labels } });
  }

  /** Everything that is in the cluster, without what the server counts, restart marks and pods. */
  snapshot(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.objects].map(([key, object]) => [key, withoutCounters(object)]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
  }

  revisionsOf(namespace: string): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const pod of this.#pods.filter((p) => p.namespace === namespace))
      counts[pod.revision ?? 'none'] = (counts[pod.revision ?? 'none'] ?? 0) + 1;
    return counts;
  }

  /** A second passes: one pod of each workload whose template changed is replaced. */
  tick(): void {
    for (const pod of this.#pods) pod.age += 1;
    for (const [key, object] of this.objects) {
      if (!['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind) || isIstiod(object)) continue;
      const generation = object.metadata.generation ?? 1;
      const old = this.#pods.findIndex((pod) => pod.owner === key && pod.generation < generation);
      if (old < 0 || this.broken.has(key)) continue;
      this.#pods.splice(old, 1);
      this.#createPod(key, generation, 0);
    }
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #createPod(owner: string, generation: number, age: number): void {
    const [, namespace = '', name = ''] = owner.split('/');
    const revision = this.#injects(namespace, (this.objects.get(owner) as PodController).spec?.template?.metadata?.labels ?? {});
    this.#pods.push({ namespace, name: `${name}-${this.#next()}`, owner, generation, revision, version: this.#versionOf(revision), age });
  }

  #versionOf(revision: string | undefined): string {
    const istiod = this.#istiods().find((d) => revisionOf(d) === revision);
    return istiod?.spec?.template?.spec?.containers?.[0]?.image?.split(':').at(-1) ?? 'unknown';
  }

  #istiods(): PodController[] {
    return [...this.objects.values()].filter(isIstiod) as PodController[];
  }

  /** What the API server's webhooks make of a pod: the last configuration by name wins. */
  #injects(namespace: string, labels: Readonly<Record<string, string>>): string | undefined {
    const nsLabels = this.objects.get(`Namespace//${namespace}`)?.metadata.labels ?? {};
    const configurations = [...this.objects.values()]
      .filter((o) => o.kind === 'MutatingWebhookConfiguration')
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) as WebhookConfiguration[];
    let revision: string | undefined;
    for (const configuration of configurations) {
      const hit = (configuration.webhooks ?? []).find((w) => selects(w.namespaceSelector, nsLabels) && selects(w.objectSelector, labels));
      const service = hit?.clientConfig?.service?.name;
      const istiod = this.#istiods().find((d) => d.metadata.name === service || d.metadata.name === this.#behind(service));
      if (hit && istiod) revision = revisionOf(istiod);
    }
    return revision;
  }

  #behind(service: string | undefined): string | undefined {
    const found = this.objects.get(`Service/istio-system/${service ?? ''}`) as Service | undefined;
    const rev = found?.spec?.selector?.['istio.io/rev'];
    return rev === undefined || rev === 'default' ? 'istiod' : `istiod-${rev}`;
  }

  // ClusterReader

  async readMesh(): Promise<MeshObjects> {
    this.hook('readMesh', 'before');
    const of = <T extends KubeObject>(kind: string): T[] =>
      [...this.objects.values()].filter((o) => o.kind === kind).map((o) => this.#withStatus(o)) as T[];
    return Promise.resolve({
      readAtMs: 0,
      clusterName: 'fake',
      clusterUid: this.clusterUid,
      istioNamespace: 'istio-system',
      serverVersion: 'v1.34.3',
      namespaces: of('Namespace'),
      pods: [...this.#pods.map((pod) => this.#podObject(pod)), ...this.#istiods().map(istiodPod)],
      deployments: of('Deployment'),
      statefulSets: of('StatefulSet'),
      daemonSets: of('DaemonSet'),
      replicaSets: this.#replicaSets(),
      rollouts: [],
      jobs: [],
      cronJobs: [],
      services: of('Service'),
      podDisruptionBudgets: of('PodDisruptionBudget'),
      mutatingWebhooks: of('MutatingWebhookConfiguration'),
      validatingWebhooks: of('ValidatingWebhookConfiguration'),
      configMaps: of('ConfigMap'),
      gatewayApiGateways: [],
      pinnedObjects: [],
      istiods: this.#reports(),
      unread: this.unread,
    });
  }

  #replicaSets(): PodController[] {
    const owners = new Set(this.#pods.filter((p) => p.owner.startsWith('Deployment/')).map((p) => `${p.owner}@${p.generation}`));
    return [...owners].map((text) => {
      const [owner = '', generation] = text.split('@');
      const [, namespace = '', name = ''] = owner.split('/');
      return {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name: `${name}-${generation}`,
          namespace,
          uid: `rs-${text}`,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: 'x', controller: true }],
        },
      };
    });
  }

  #podObject(pod: FakePod): Pod {
    const [kind = '', , name = ''] = pod.owner.split('/');
    const labels = (this.objects.get(pod.owner) as PodController | undefined)?.spec?.template?.metadata?.labels ?? {};
    const owner =
      kind === 'Deployment'
        ? { kind: 'ReplicaSet', name: `${name}-${pod.generation}`, uid: `rs-${pod.owner}@${pod.generation}` }
        : { kind, name, uid: `${kind}-${pod.namespace}-${name}` };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: pod.name,
        namespace: pod.namespace,
        uid: pod.name,
        labels,
        creationTimestamp: '2026-03-01T12:00:00Z',
        ownerReferences: [{ apiVersion: 'apps/v1', ...owner, controller: true }],
        ...(pod.revision === undefined ? {} : { annotations: { 'sidecar.istio.io/status': JSON.stringify({ revision: pod.revision }) } }),
      },
      spec: {
        containers: [{ name: 'app' }],
        ...(pod.revision === undefined ? {} : { initContainers: [{ name: 'istio-proxy', image: `istio/proxyv2:${pod.version}` }] }),
      },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: pod.age > 0 ? 'True' : 'False' }] },
    };
  }

  #reports(): IstiodReport[] {
    return this.#istiods().map((istiod) => {
      const revision = revisionOf(istiod);
      const identity = { pod: `${istiod.metadata.name}-pod`, namespace: 'istio-system', revision };
      if (this.silentIstiods.has(revision)) return { ...identity, proxies: [], error: 'no answer' };
      const proxies = this.#pods
        .filter((pod) => pod.revision === revision && pod.age > 1)
        .map((pod) => ({
          proxy: `${pod.name}.${pod.namespace}`,
          proxyType: 'sidecar',
          istioVersion: pod.version,
          clusterId: 'K',
          types: SYNCED,
        }));
      return { ...identity, proxies };
    });
  }

  /** Status as controllers report it. */
  #withStatus(object: KubeObject): KubeObject {
    if (isIstiod(object))
      return {
        ...object,
        status: {
          observedGeneration: object.metadata.generation ?? 0,
          replicas: 1,
          updatedReplicas: 1,
          readyReplicas: 1,
          availableReplicas: 1,
        },
      };
    if (!['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind)) return object;
    const key = keyOf(object);
    const generation = object.metadata.generation ?? 1;
    const all = this.#pods.filter((p) => p.owner === key);
    const updated = all.filter((p) => p.generation === generation).length;
    const ready = all.filter((p) => p.age > 0).length;
    const wanted = (object as PodController).spec?.replicas ?? 1;
    return {
      ...object,
      status: {
        observedGeneration: generation,
        replicas: all.length,
        updatedReplicas: updated,
        readyReplicas: ready,
        availableReplicas: ready,
        desiredNumberScheduled: wanted,
        updatedNumberScheduled: updated,
        numberAvailable: ready,
        currentRevision: updated === wanted ? 'b' : 'a',
        updateRevision: 'b',
      },
    };
  }

  async readIstioCrds(): Promise<readonly KubeObject[]> {
    this.hook('readIstioCrds', 'before');
    return Promise.resolve([...this.objects.values()].filter((o) => o.kind === 'CustomResourceDefinition'));
  }

  async readControlPlaneObjects(): Promise<readonly KubeObject[]> {
    this.hook('readControlPlaneObjects', 'before');
    return Promise.resolve(
      [...this.objects.values()].filter((o) => o.metadata.namespace === 'istio-system' || /Webhook|^ClusterRole/.test(o.kind)),
    );
  }

  async readAccess(rules: readonly AccessRule[]): Promise<readonly AccessAnswer[]> {
    this.hook('readAccess', 'before');
    return Promise.resolve(rules.map((rule) => ({ rule, allowed: !this.denied.has(`${rule.verb} ${rule.resource}`), reason: '' })));
  }

  async readObject(ref: ObjectRef): Promise<KubeObject | undefined> {
    this.hook('readObject', 'before');
    const object = this.objects.get(`${ref.kind}/${ref.namespace ?? ''}/${ref.name}`);
    return Promise.resolve(object && structuredClone(this.#withStatus(object)));
  }

  async readWorkload(ref: WorkloadRef): Promise<{ readonly controller: PodController; readonly pods: readonly Pod[] } | undefined> {
    this.hook('readWorkload', 'before');
    const key = `${ref.kind}/${ref.namespace}/${ref.name}`;
    const controller = this.objects.get(key);
    if (!controller) return Promise.resolve(undefined);
    return Promise.resolve({
      controller: this.#withStatus(controller) as PodController,
      pods: this.#pods.filter((p) => p.owner === key).map((p) => this.#podObject(p)),
    });
  }

  async readIstiodPods(revision: string): Promise<readonly Pod[]> {
    this.hook('readIstiodPods', 'before');
    return Promise.resolve(
      this.#istiods()
        .filter((d) => revisionOf(d) === revision)
        .map(istiodPod),
    );
  }

  async readIstiods(namespace?: string): Promise<readonly IstiodReport[]> {
    this.hook('readIstiods', 'before');
    return Promise.resolve(
      this.#reports().map((r) => ({
        ...r,
        proxies: r.proxies.filter((p) => namespace === undefined || p.proxy.endsWith(`.${namespace}`)),
      })),
    );
  }

  async dryRunPod(namespace: string, labels: Readonly<Record<string, string>>): Promise<InjectionProbe> {
    this.hook('dryRunPod', 'before');
    const revision = this.#injects(namespace, labels);
    return Promise.resolve(revision === undefined ? {} : { revision });
  }

  // ClusterWriter

  async #effect(call: string, act: () => void): Promise<void> {
    this.hook(call, 'before');
    act();
    this.hook(call, 'after');
    return Promise.resolve();
  }

  async applyObject(object: KubeObject): Promise<void> {
    return this.#effect('applyObject', () => this.put(object));
  }

  async setNamespaceLabels(name: string, set: Readonly<Record<string, string | null>>, resourceVersion: string | undefined): Promise<void> {
    return this.#effect('setNamespaceLabels', () => {
      const namespace = this.objects.get(`Namespace//${name}`);
      if (!namespace || (resourceVersion !== undefined && namespace.metadata.resourceVersion !== resourceVersion))
        throw new Transient('conflict');
      const labels: Record<string, string> = { ...namespace.metadata.labels };
      for (const [key, value] of Object.entries(set)) {
        if (value === null) delete labels[key];
        else labels[key] = value;
      }
      this.relabel(name, labels);
    });
  }

  async markRestart(ref: WorkloadRef, mark: string): Promise<void> {
    return this.#effect('markRestart', () => {
      const key = `${ref.kind}/${ref.namespace}/${ref.name}`;
      const controller = this.objects.get(key) as PodController | undefined;
      const template = controller?.spec?.template;
      if (!controller || template?.metadata?.annotations?.[MARK] === mark) return;
      const annotations = { ...template?.metadata?.annotations, [MARK]: mark };
      this.restarts.set(key, (this.restarts.get(key) ?? 0) + 1);
      this.put({
        ...controller,
        metadata: { ...controller.metadata, generation: (controller.metadata.generation ?? 1) + 1 },
        spec: { ...controller.spec, template: { ...template, metadata: { ...template?.metadata, annotations } } },
      });
    });
  }

  async putObject(object: KubeObject): Promise<void> {
    return this.#effect('putObject', () => this.put(object));
  }

  async deleteObject(ref: ObjectRef): Promise<void> {
    return this.#effect('deleteObject', () => this.remove(ref.kind, ref.name, ref.namespace));
  }
}

export function keyOf(object: KubeObject): string {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function stamped(object: KubeObject, count: number): KubeObject {
  return { ...structuredClone(object), metadata: { ...structuredClone(object.metadata), resourceVersion: String(count) } };
}

function isIstiod(object: KubeObject): boolean {
  return object.kind === 'Deployment' && (object as PodController).spec?.template?.metadata?.labels?.['app'] === 'istiod';
}

function revisionOf(istiod: PodController): string {
  return istiod.spec?.template?.metadata?.labels?.['istio.io/rev'] ?? 'default';
}

function istiodPod(istiod: PodController): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${istiod.metadata.name}-pod`,
      namespace: 'istio-system',
      uid: istiod.metadata.name,
      labels: istiod.spec?.template?.metadata?.labels ?? {},
    },
    spec: { containers: [{ name: 'discovery' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** Written anew here on purpose: the cluster must not share the rules of the code under test. */
function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    wanted &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const has = Object.hasOwn(labels, key);
      if (operator === 'Exists') return has;
      if (operator === 'DoesNotExist') return !has;
      return operator === 'In' ? has && values.includes(labels[key] ?? '') : !has || !values.includes(labels[key] ?? '');
    })
  );
}

function withoutCounters(object: KubeObject): unknown {
  const { resourceVersion: _version, generation: _generation, uid: _uid, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  const copy = structuredClone({ ...rest, metadata }) as { spec?: { template?: { metadata?: { annotations?: Record<string, string> } } } };
  const annotations = copy.spec?.template?.metadata?.annotations;
  if (annotations) {
    delete annotations[MARK];
    if (Object.keys(annotations).length === 0) delete copy.spec?.template?.metadata?.annotations;
  }
  return copy;
}
