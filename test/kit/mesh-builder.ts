/** Builds what was read from a cluster, piece by piece, for tests of the core. */
import { buildInventory } from '../../src/core/mesh/build-inventory.ts';
import type { KubeObject, Pod, PodController, PodTemplate, Service, WebhookConfiguration } from '../../src/core/mesh/kube-objects.ts';
import type { MeshInventory } from '../../src/core/mesh/mesh-inventory.ts';
import type { IstiodReport, MeshObjects, SyncEntry } from '../../src/core/mesh/mesh-objects.ts';
import { controlPlaneObjects, defaultObjects, injectorWebhooks, isIstios, type RevisionOptions } from './istio-objects.ts';

export interface WorkloadOptions {
  readonly kind?: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Rollout' | 'ReplicaSet' | 'Job' | 'CronJob';
  readonly replicas?: number;
  readonly template?: PodTemplate;
  readonly strategy?: Record<string, unknown>;
  readonly spec?: Record<string, unknown>;
  /** Revision of its running pods; absent: they have no proxy. */
  readonly on?: string;
  readonly proxyVersion?: string;
  /** istiod revision that lists its proxies; defaults to `on`; null: none does. */
  readonly connectedTo?: string | null;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly pods?: number;
  /** The proxy is an ordinary container, as before native sidecars. */
  readonly classic?: boolean;
}

export const SYNCED: SyncEntry['types'] = Object.fromEntries(['CDS', 'LDS', 'EDS', 'RDS'].map((type) => [type, { sent: 'a', acked: 'a' }]));

export class MeshBuilder {
  readonly #namespaces: KubeObject[] = [];
  readonly #pods: Pod[] = [];
  readonly #lists: Record<string, KubeObject[]> = {};
  readonly #istiods: IstiodReport[] = [];
  readonly #extra: Partial<MeshObjects>;
  #count = 0;

  constructor(extra: Partial<MeshObjects> = {}) {
    this.#extra = extra;
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}, more: Partial<KubeObject['metadata']> = {}): this {
    this.#namespaces.push({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, resourceVersion: '1', ...more } });
    return this;
  }

  object(...objects: readonly KubeObject[]): this {
    for (const object of objects) (this.#lists[object.kind] ??= []).push(object);
    return this;
  }

  /** Puts annotations on objects that are there already. */
  marked(kind: string, name: string, annotations: Readonly<Record<string, string>>): this {
    const mark = (object: KubeObject): KubeObject =>
      object.metadata.name === name
        ? { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } } }
        : object;
    this.#lists[kind] = (this.#lists[kind] ?? []).map(mark);
    return this;
  }

  revision(options: RevisionOptions, report: Partial<IstiodReport> = {}): this {
    this.object(...controlPlaneObjects(options));
    const pod = `istiod-${options.revision}-abc`;
    this.#istiods.push({ pod, namespace: 'istio-system', revision: options.revision, version: options.version, proxies: [], ...report });
    return this;
  }

  /** The default as istioctl leaves it. */
  defaultTo(revision: string): this {
    return this.object(...defaultObjects(revision));
  }

  tag(name: string, revision: string): this {
    return this.object(
      injectorWebhooks({
        configuration: `istio-revision-tag-${name}`,
        value: name,
        revision,
        tag: name,
        service: revision === 'default' ? 'istiod' : `istiod-${revision}`,
      }),
    );
  }

  workload(namespace: string, name: string, options: WorkloadOptions = {}): this {
    const kind = options.kind ?? 'Deployment';
    const replicas = options.replicas ?? 1;
    const template: PodTemplate = {
      metadata: { labels: { app: name }, ...options.template?.metadata },
      spec: { containers: [{ name: 'app', image: 'app:1' }], ...options.template?.spec },
    };
    const apiVersion = kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1';
    const uid = `uid-${kind}-${namespace}-${name}`;
    const strategy =
      options.strategy === undefined ? {} : kind === 'Deployment' ? { strategy: options.strategy } : { updateStrategy: options.strategy };
    const spec =
      kind === 'CronJob'
        ? { jobTemplate: { spec: { template } } }
        : { replicas, selector: { matchLabels: { app: name } }, template, ...strategy, ...options.spec };
    const status =
      kind === 'DaemonSet' ? { desiredNumberScheduled: replicas } : kind === 'Job' ? { active: replicas } : { readyReplicas: replicas };
    this.object({ apiVersion, kind, metadata: { name, namespace, uid }, spec, status });
    const owner = this.#podOwner(kind, namespace, name, uid);
    for (let index = 0; index < (options.pods ?? replicas); index += 1)
      this.pod(namespace, `${name}-${index}`, { ...options, owner, labels: template.metadata?.labels ?? {} });
    return this;
  }

  /** Pods of a Deployment belong to a ReplicaSet, those of a CronJob to a Job. */
  #podOwner(kind: string, namespace: string, name: string, uid: string): { kind: string; name: string; uid: string } {
    const between = { Deployment: 'ReplicaSet', Rollout: 'ReplicaSet', CronJob: 'Job' }[kind];
    if (between === undefined) return { kind, name, uid };
    const middle = { kind: between, name: `${name}-hash`, uid: `${uid}-${between}` };
    this.object({
      apiVersion: between === 'Job' ? 'batch/v1' : 'apps/v1',
      kind: between,
      metadata: {
        name: middle.name,
        namespace,
        uid: middle.uid,
        ownerReferences: [{ apiVersion: 'v1', kind, name, uid, controller: true }],
      },
    });
    return middle;
  }

  pod(
    namespace: string,
    name: string,
    options: Omit<WorkloadOptions, 'kind'> & {
      owner?: { kind: string; name: string; uid: string };
      labels?: Readonly<Record<string, string>>;
      deleting?: boolean;
      annotations?: Readonly<Record<string, string>>;
    } = {},
  ): this {
    const { on, proxyVersion = '1.28.2', ready = true, phase = 'Running', owner } = options;
    this.#count += 1;
    this.#pods.push({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        uid: `pod-${this.#count}`,
        labels: options.labels ?? {},
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...(options.deleting === true ? { deletionTimestamp: '2026-01-01T00:01:00Z' } : {}),
        annotations: {
          ...options.annotations,
          ...(on === undefined ? {} : { 'sidecar.istio.io/status': JSON.stringify({ revision: on }) }),
        },
        ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: 'v1', ...owner, controller: true }] }),
      },
      spec: podSpec(on === undefined ? undefined : `docker.io/istio/proxyv2:${proxyVersion}`, options.classic === true),
      status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    });
    const connectedTo = options.connectedTo === undefined ? on : options.connectedTo;
    if (connectedTo !== undefined && connectedTo !== null && phase === 'Running')
      this.connection(connectedTo, `${name}.${namespace}`, { istioVersion: proxyVersion });
    return this;
  }

  connection(revision: string, proxy: string, more: Partial<SyncEntry> = {}): this {
    const index = this.#istiods.findIndex((report) => report.revision === revision);
    const report = this.#istiods[index];
    // A proxy of a revision that is gone is connected to nobody.
    if (!report) return this;
    this.#istiods[index] = {
      ...report,
      proxies: [
        ...report.proxies,
        { proxy, proxyType: 'sidecar', istioVersion: '1.28.2', clusterId: 'Kubernetes', types: SYNCED, ...more },
      ],
    };
    return this;
  }

  objects(): MeshObjects {
    const of = <T extends KubeObject>(kind: string): T[] => (this.#lists[kind] ?? []) as T[];
    return {
      readAtMs: 0,
      clusterName: 'test',
      clusterUid: 'cluster-1',
      istioNamespace: 'istio-system',
      serverVersion: 'v1.34.3',
      namespaces: this.#namespaces,
      pods: this.#pods,
      deployments: of<PodController>('Deployment'),
      statefulSets: of<PodController>('StatefulSet'),
      daemonSets: of<PodController>('DaemonSet'),
      replicaSets: of<PodController>('ReplicaSet'),
      rollouts: of<PodController>('Rollout'),
      jobs: of('Job'),
      cronJobs: of('CronJob'),
      services: of<Service>('Service'),
      podDisruptionBudgets: of('PodDisruptionBudget'),
      autoscalers: of('HorizontalPodAutoscaler'),
      volumeClaims: of('PersistentVolumeClaim'),
      resourceQuotas: of('ResourceQuota'),
      nodes: of('Node'),
      mutatingWebhooks: of<WebhookConfiguration>('MutatingWebhookConfiguration'),
      validatingWebhooks: of<WebhookConfiguration>('ValidatingWebhookConfiguration'),
      configMaps: of('ConfigMap'),
      gatewayClasses: of('GatewayClass'),
      revisionedRoutes: of('HTTPRoute'),
      virtualMachines: [...of('WorkloadEntry'), ...of('WorkloadGroup')],
      gatewayApiGateways: of('Gateway').filter(({ apiVersion }) => !isIstios(apiVersion)),
      pinnedObjects: [],
      envoyFilters: [],
      istioGateways: of('Gateway').filter(({ apiVersion }) => isIstios(apiVersion)),
      istiods: this.#istiods,
      unread: [],
      ...this.#extra,
    };
  }

  inventory(): MeshInventory {
    return buildInventory(this.objects());
  }

  /** All objects that could belong to a control plane. */
  candidates(): KubeObject[] {
    return Object.values(this.#lists)
      .flat()
      .filter((o) => o.metadata.namespace === 'istio-system' || /Webhook|^Cluster/.test(o.kind));
  }
}

function podSpec(proxyImage: string | undefined, classic: boolean): NonNullable<Pod['spec']> {
  const app = { name: 'app', image: 'app:1' };
  if (proxyImage === undefined) return { containers: [app] };
  const proxy = { name: 'istio-proxy', image: proxyImage };
  return classic ? { containers: [app, proxy] } : { containers: [app], initContainers: [{ ...proxy, restartPolicy: 'Always' }] };
}
