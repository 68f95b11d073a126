/**
 * A cluster in memory with just enough life in it: controllers replace pods after a restart mark, webhooks decide who
 * injects them (evaluated by fake-admission.ts, not by the code under test), and proxies connect a moment later.
 */
import { Problem, Transient } from '../../src/core/problems/problem.ts';
import type { AccessAnswer, AccessRule } from '../../src/core/permissions/access-rules.ts';
import type { KubeObject, ObjectRef, Pod, PodController, PodTemplate } from '../../src/core/mesh/kube-objects.ts';
import type { IstiodReport, MeshObjects } from '../../src/core/mesh/mesh-objects.ts';
import type { WorkloadRef } from '../../src/core/mesh/mesh-inventory.ts';
import type { InjectionProbe } from '../../src/core/run/observation.ts';
import type { ClusterReader, ClusterWriter, MeshScope, PodProber, RestartPatch } from '../../src/ports/cluster.ts';
import { admitPod, isIstiod, revisionOf, type Admission } from './fake-admission.ts';
import { FakeIstiods } from './fake-istiods.ts';
import { keyOf, MARK, withoutCounters } from './fake-objects.ts';
import { isIstios } from './istio-objects.ts';
import { gatewayObjectsOf, merged, readyPodsOf } from './fake-gateways.ts';
import { controllersOf, FakeWorkloads, isWorkload } from './fake-workloads.ts';

/** How often the adapter tries a read before it says that the cluster does not answer. */
const READ_ATTEMPTS = 4;

export interface WorkloadExtras {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export class FakeCluster implements ClusterReader, ClusterWriter, PodProber {
  readonly objects = new Map<string, KubeObject>();
  readonly istiods = new FakeIstiods(this.objects);
  /** How often the template of each workload was changed. */
  readonly restarts = new Map<string, number>();
  clusterUid = 'cluster-1';

  // Knobs.

  /** Keys of workloads whose new pods never become ready; `KEY@REVISION` for those that the revision injects. */
  readonly broken = new Set<string>();
  /** `namespace/name` of pods that a budget keeps. */
  readonly protectedPods = new Set<string>();
  /** Evicted pods by `namespace/name` of what owns them. */
  readonly evicted = new Map<string, number>();
  readonly wrongImage = new Map<string, string>();
  /** `patch namespaces`: what the API server says may not be done. */
  readonly denied = new Set<string>();
  /** Calls that end with a missing permission, whatever the API server said before. */
  readonly forbidden = new Set<string>();
  unread: MeshObjects['unread'] = [];
  /** Ports on which no pod answers, and names of pods that never do. */
  readonly silentPorts = new Set<number>();
  silentPods = /^$/;
  /** Called at the start of each call and, for effects, at their end; may throw. */
  hook: (call: string, moment: 'before' | 'after') => void = () => undefined;
  /** Called with each call; lets time go on. */
  everyCall: () => void = () => undefined;
  #trouble: () => boolean = () => false;
  #failures = 0;

  readonly #workloads = new FakeWorkloads({
    broken: this.broken,
    wrongImage: this.wrongImage,
    object: (key) => this.objects.get(key),
    admit: (controller) => this.#admit(controller.metadata.namespace ?? '', controller.spec?.template ?? {}),
  });
  #count = 0;

  /** Objects that have been there for long. */
  put(...objects: readonly KubeObject[]): this {
    for (const object of objects) {
      if (object.kind === 'Deployment') this.istiods.settle(object.metadata.name);
      this.#store(object);
    }
    return this;
  }

  /** An object that comes now, over what is there. */
  install(object: KubeObject): void {
    const live = this.objects.get(keyOf(object));
    this.#store(live === undefined ? object : { ...live, ...object, metadata: { ...live.metadata, ...object.metadata } });
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}): this {
    return this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }

  /** A workload whose pods are ready, injected as namespace and webhooks say now. */
  workload(
    namespace: string,
    name: string,
    replicas = 1,
    kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' = 'Deployment',
    { labels = {}, annotations }: WorkloadExtras = {},
  ): this {
    const container = { name: 'app', image: 'app:1', readinessProbe: {}, lifecycle: { preStop: {} } };
    const metadata = { labels: { app: name, ...labels }, ...(annotations === undefined ? {} : { annotations }) };
    const key = `${kind}/${namespace}/${name}`;
    this.put({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name, namespace, uid: key, generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: { metadata, spec: { containers: [container] } },
        ...(kind === 'DaemonSet' ? { updateStrategy: { rollingUpdate: { maxSurge: 1 } } } : {}),
      },
    });
    this.#workloads.fill(key, this.objects.get(key) as PodController);
    return this;
  }

  /** The rolling strategy of a Deployment, as somebody writes it. */
  strategy(namespace: string, name: string, rollingUpdate: Readonly<Record<string, number | string>>): this {
    const key = `Deployment/${namespace}/${name}`;
    const deployment = this.objects.get(key);
    if (deployment) this.#store(merged(deployment, { spec: { strategy: { type: 'RollingUpdate', rollingUpdate } } }));
    return this;
  }

  /** A StatefulSet that waits for somebody to delete its pods. */
  onDelete(namespace: string, name: string): this {
    const set = this.objects.get(`StatefulSet/${namespace}/${name}`);
    if (set) this.#store(merged(set, { spec: { updateStrategy: { type: 'OnDelete' } } }));
    return this;
  }

  /** Pods of a workload that has been there for long, injected as namespace and webhooks say now. */
  fill(key: string): void {
    this.#workloads.fill(key, this.objects.get(key) as PodController);
  }

  readyIn(namespace: string, service: string): number {
    return readyPodsOf(this.objects, this.#workloads.allPods(), namespace, service).length;
  }

  remove(kind: string, name: string, namespace = ''): void {
    this.objects.delete(`${kind}/${namespace}/${name}`);
    if (kind === 'Deployment') this.istiods.forget(name);
  }

  relabel(name: string, labels: Readonly<Record<string, string>>): void {
    const namespace = this.objects.get(`Namespace//${name}`);
    if (namespace) this.#store({ ...namespace, metadata: { ...namespace.metadata, labels } });
  }

  /**
   * From now on calls fail now and then: reads, which the adapter tries again by itself, seldom; effects as often as said,
   * every second time only after they were brought about.
   */
  failNowAndThen(seed: number, ratio: number): void {
    let state = seed;
    this.#trouble = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647 < ratio;
    };
  }

  /** Everything that is in the cluster, without what the server counts, restart marks and pods. */
  snapshot(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.objects].map(([key, object]) => [key, withoutCounters(object)]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
  }

  /** How many pods of a namespace are on which revision; those that end are not counted. */
  revisionsOf(namespace: string): Record<string, number> {
    return this.#workloads.revisionsOf(namespace);
  }

  /** A second passes. */
  tick(): void {
    for (const configuration of this.istiods.tick()) this.#store(configuration);
    this.#workloads.tick(controllersOf(this.objects));
  }

  #store(object: KubeObject): void {
    this.#count += 1;
    const copy = structuredClone(object);
    this.objects.set(keyOf(object), { ...copy, metadata: { ...copy.metadata, resourceVersion: String(this.#count) } });
  }

  #admit(namespace: string, template: PodTemplate): Admission {
    return admitPod({ objects: [...this.objects.values()], namespace, template, answers: (istiod) => this.istiods.answers(istiod) });
  }

  #withStatus(object: KubeObject): KubeObject {
    if (isWorkload(object)) return this.#workloads.withStatus(keyOf(object), object);
    return isIstiod(object) ? this.istiods.withStatus(object) : object;
  }

  // ClusterReader

  async readMesh(scope: MeshScope): Promise<MeshObjects> {
    return this.#read('readMesh', () => {
      const of = <T extends KubeObject>(kind: string): T[] =>
        [...this.objects.values()].filter((o) => o.kind === kind).map((o) => this.#withStatus(o)) as T[];
      const isPinned = (o: KubeObject): boolean => /istio\.io\//.test(o.apiVersion) && o.metadata.labels?.['istio.io/rev'] !== undefined;
      return {
        readAtMs: 0,
        clusterName: 'fake',
        clusterUid: this.clusterUid,
        istioNamespace: 'istio-system',
        serverVersion: 'v1.34.3',
        namespaces: of('Namespace'),
        pods: [...this.#workloads.allPods(), ...this.istiods.all().map((istiod) => this.istiods.pod(istiod))],
        deployments: of('Deployment'),
        statefulSets: of('StatefulSet'),
        daemonSets: of('DaemonSet'),
        replicaSets: this.#workloads.replicaSets(),
        rollouts: [],
        jobs: [],
        cronJobs: [],
        services: of('Service'),
        podDisruptionBudgets: scope === 'plan' ? of('PodDisruptionBudget') : [],
        autoscalers: scope === 'plan' ? of('HorizontalPodAutoscaler') : [],
        volumeClaims: scope === 'plan' ? of('PersistentVolumeClaim') : [],
        resourceQuotas: scope === 'plan' ? of('ResourceQuota') : [],
        nodes: scope === 'plan' ? of('Node') : [],
        mutatingWebhooks: of('MutatingWebhookConfiguration'),
        validatingWebhooks: of('ValidatingWebhookConfiguration'),
        configMaps: of('ConfigMap'),
        gatewayApiGateways: of('Gateway').filter(({ apiVersion }) => !isIstios(apiVersion)),
        istioGateways: scope !== 'status' ? of('Gateway').filter(({ apiVersion }) => isIstios(apiVersion)) : [],
        gatewayClasses: scope !== 'status' ? of('GatewayClass') : [],
        revisionedRoutes: scope !== 'status' ? of('HTTPRoute') : [],
        virtualMachines: scope !== 'status' ? [...of('WorkloadEntry'), ...of('WorkloadGroup')] : [],
        pinnedObjects: scope !== 'status' ? [...this.objects.values()].filter(isPinned) : [],
        envoyFilters: scope !== 'status' ? of('EnvoyFilter') : [],
        istiods: this.istiods.reports((revision) => this.#workloads.connectionsTo(revision)),
        unread: this.unread,
      };
    });
  }

  async readIstioCrds(): Promise<readonly KubeObject[]> {
    return this.#read('readIstioCrds', () => [...this.objects.values()].filter((o) => o.kind === 'CustomResourceDefinition'));
  }

  async readControlPlaneObjects(): Promise<readonly KubeObject[]> {
    return this.#read('readControlPlaneObjects', () =>
      [...this.objects.values()].filter((o) => o.metadata.namespace === 'istio-system' || /Webhook|^ClusterRole/.test(o.kind)),
    );
  }

  async readAccess(rules: readonly AccessRule[]): Promise<readonly AccessAnswer[]> {
    return this.#read('readAccess', () =>
      rules.map((rule) => ({ rule, allowed: !this.denied.has(`${rule.verb} ${rule.resource}`), reason: '' })),
    );
  }

  async readObject(ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#read('readObject', () => {
      const key = `${ref.kind}/${ref.namespace ?? ''}/${ref.name}`;
      const object = ref.kind === 'Pod' ? (this.#workloads.podsOf(key)[0] ?? this.objects.get(key)) : this.objects.get(key);
      return object && structuredClone(this.#withStatus(object));
    });
  }

  async readWorkload(ref: WorkloadRef): Promise<{ readonly controller: PodController; readonly pods: readonly Pod[] } | undefined> {
    return this.#read('readWorkload', () => {
      const key = `${ref.kind}/${ref.namespace}/${ref.name}`;
      const controller = this.objects.get(key);
      return controller && { controller: this.#withStatus(controller) as PodController, pods: this.#workloads.podsOf(key) };
    });
  }

  async readIstiodPods(revision: string): Promise<readonly Pod[]> {
    return this.#read('readIstiodPods', () =>
      this.istiods
        .all()
        .filter((istiod) => revisionOf(istiod) === revision)
        .map((istiod) => this.istiods.pod(istiod)),
    );
  }

  async readIstiods(namespace?: string): Promise<readonly IstiodReport[]> {
    return this.#read('readIstiods', () =>
      this.istiods
        .reports((revision) => this.#workloads.connectionsTo(revision))
        .map((report) => ({
          ...report,
          proxies: report.proxies.filter((p) => namespace === undefined || p.proxy.endsWith(`.${namespace}`)),
        })),
    );
  }

  async dryRunPod(namespace: string, labels: Readonly<Record<string, string>>): Promise<InjectionProbe> {
    return this.#read('dryRunPod', () => {
      const admission = this.#admit(namespace, { metadata: { labels } });
      if (admission.kind === 'refused') return { error: admission.message };
      return admission.kind === 'injected' ? { revision: admission.revision } : {};
    });
  }

  async readReadyPods(namespace: string, service: string): Promise<readonly string[]> {
    return this.#read('readReadyPods', () => readyPodsOf(this.objects, this.#workloads.allPods(), namespace, service));
  }

  async readGatewayObjects(namespaces: readonly string[]): Promise<readonly KubeObject[]> {
    return this.#read('readGatewayObjects', () => gatewayObjectsOf(this.objects, namespaces));
  }

  async askPod(_namespace: string, pod: string, port: number): Promise<{ readonly status?: number; readonly error?: string }> {
    return this.#read('askPod', () => (this.silentPorts.has(port) || this.silentPods.test(pod) ? { error: 'refused' } : { status: 404 }));
  }

  async #read<T>(call: string, look: () => T): Promise<T> {
    this.everyCall();
    this.hook(call, 'before');
    this.#expectAllowed(call);
    let attempt = 1;
    while (this.#trouble()) {
      if (attempt === READ_ATTEMPTS) throw new Transient(`${call}: the server says 503`);
      attempt += 1;
    }
    return Promise.resolve(look());
  }

  // ClusterWriter

  async #effect(call: string, act: () => void): Promise<void> {
    this.everyCall();
    this.hook(call, 'before');
    this.#expectAllowed(call);
    const fails = this.#trouble();
    this.#failures += fails ? 1 : 0;
    const isBefore = this.#failures % 2 === 1;
    if (fails && isBefore) throw new Transient(`${call}: the server says 503`);
    act();
    this.hook(call, 'after');
    if (fails) throw new Transient(`${call}: the answer was lost`);
    return Promise.resolve();
  }

  #expectAllowed(call: string): void {
    if (this.forbidden.has(call)) throw new Problem('KUBE-005', { what: `You may not ${call}.`, next: [] });
  }

  async applyObject(object: KubeObject): Promise<void> {
    return this.#effect('applyObject', () => this.install(object));
  }

  async setNamespaceLabels(name: string, set: Readonly<Record<string, string | null>>, resourceVersion: string | undefined): Promise<void> {
    return this.#effect('setNamespaceLabels', () => {
      const namespace = this.objects.get(`Namespace//${name}`);
      if (!namespace || (resourceVersion !== undefined && namespace.metadata.resourceVersion !== resourceVersion))
        throw new Transient('conflict');
      this.relabel(name, merged<Record<string, string>>({ ...namespace.metadata.labels }, set));
    });
  }

  async markRestart(ref: WorkloadRef, mark: string, { labels = {}, strategy }: RestartPatch = {}): Promise<void> {
    return this.#effect('markRestart', () => {
      const key = `${ref.kind}/${ref.namespace}/${ref.name}`;
      const controller = this.objects.get(key) as PodController | undefined;
      const template = controller?.spec?.template;
      if (!controller || template?.metadata?.annotations?.[MARK] === mark) return;
      this.restarts.set(key, (this.restarts.get(key) ?? 0) + 1);
      const generation = (controller.metadata.generation ?? 1) + 1;
      const metadata = { annotations: { [MARK]: mark }, labels };
      this.#store(
        merged(controller, { metadata: { generation }, spec: { template: { metadata }, ...(strategy === undefined ? {} : { strategy }) } }),
      );
    });
  }

  async evictPod(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): Promise<void> {
    return this.#effect('evictPod', () => {
      if (this.protectedPods.has(`${pod.namespace}/${pod.name}`)) throw new Transient("it would violate the pod's disruption budget");
      const owner = this.#workloads.evict(pod.uid);
      if (owner !== undefined) this.evicted.set(owner, (this.evicted.get(owner) ?? 0) + 1);
    });
  }

  async patchObject(ref: ObjectRef, patch: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#effect('patchObject', () => {
      const object = this.objects.get(`${ref.kind}/${ref.namespace ?? ''}/${ref.name}`);
      if (object) this.#store(merged(object, patch));
    });
  }

  async putObject(object: KubeObject): Promise<void> {
    return this.#effect('putObject', () => this.#store(object));
  }

  async deleteObject(ref: ObjectRef): Promise<void> {
    return this.#effect('deleteObject', () => this.remove(ref.kind, ref.name, ref.namespace));
  }
}
