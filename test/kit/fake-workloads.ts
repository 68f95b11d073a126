/** The controllers of a cluster in memory, and their pods: what changes by itself while somebody waits. */
import type { KubeObject, Pod, PodController } from '../../src/core/mesh/kube-objects.ts';
import type { SyncEntry } from '../../src/core/mesh/mesh-objects.ts';
import { isIstiod, type Admission } from './fake-admission.ts';
import { SYNCED } from './mesh-builder.ts';

interface FakePod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Key of the controller. */
  readonly owner: string;
  readonly generation: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the template that it was made from. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly proxy: { readonly revision: string; readonly version: string } | undefined;
  /** It was there before the test began. */
  readonly settled: boolean;
  /** Seconds since it was made. */
  age: number;
  /** It was told to end, and does so with the next second. */
  leaving: boolean;
}

export interface WorkloadRules {
  /** Keys of workloads whose new pods never become ready; `KEY@REVISION` for those that the revision injects. */
  readonly broken: ReadonlySet<string>;
  /** By key: what the kubelet says of the image of new pods. */
  readonly wrongImage: ReadonlyMap<string, string>;
  object(key: string): KubeObject | undefined;
  admit(controller: PodController): Admission;
}

export class FakeWorkloads {
  readonly #rules: WorkloadRules;
  readonly #pods: FakePod[] = [];
  /** Connections that an istiod still lists although their pod is gone. */
  #lingering: { readonly proxy: string; readonly revision: string; readonly version: string }[] = [];
  readonly #observed = new Map<string, number>();
  readonly #refusals = new Map<string, string>();
  #count = 0;

  constructor(rules: WorkloadRules) {
    this.#rules = rules;
  }

  /** The pods of a workload that was there before the test began. */
  fill(key: string, controller: PodController): void {
    this.#observed.set(key, controller.metadata.generation ?? 1);
    for (let index = 0; index < replicasOf(controller); index += 1) this.#create(key, controller, index, true);
  }

  /** A second passes. */
  tick(controllers: ReadonlyMap<string, PodController>): void {
    this.#lingering = this.#pods.flatMap((pod) =>
      pod.leaving && pod.proxy !== undefined ? [{ proxy: `${pod.name}.${pod.namespace}`, ...pod.proxy }] : [],
    );
    this.#remove((pod) => pod.leaving);
    for (const pod of this.#pods) {
      pod.age += 1;
      if (!controllers.has(pod.owner)) pod.leaving = true;
    }
    for (const [key, controller] of controllers) {
      const generation = generationOf(controller);
      const wasSeen = this.#observed.get(key) === generation;
      this.#observed.set(key, generation);
      if (wasSeen) this.#reconcile(key, controller);
    }
  }

  #reconcile(key: string, controller: PodController): void {
    const alive = this.#alive(key);
    if (controller.kind === 'StatefulSet') return this.#reconcileOrdered(key, controller, alive);
    const wanted = replicasOf(controller);
    const fresh = alive.filter((pod) => pod.generation === generationOf(controller));
    const old = alive.filter((pod) => pod.generation < generationOf(controller));
    // One pod more than wanted; an old one goes when it is of no use, or for a new one that is ready.
    const useless = old.find((pod) => !this.#isReady(pod));
    if (useless) useless.leaving = true;
    else if (fresh.length < wanted && alive.length <= wanted) this.#create(key, controller, this.#count);
    else if (old[0] && alive.length > wanted && fresh.every((pod) => this.#isReady(pod))) old[0].leaving = true;
    else if (old.length === 0) for (const pod of alive.slice(wanted)) pod.leaving = true;
  }

  /** From the highest ordinal down, one at a time, each under the name of the one before it. */
  #reconcileOrdered(key: string, controller: PodController, alive: readonly FakePod[]): void {
    const ordinals = Array.from({ length: replicasOf(controller) }, (_, index) => index).toReversed();
    const { name } = controller.metadata;
    const missing = ordinals
      .toReversed()
      .find((ordinal) => !this.#pods.some((pod) => pod.owner === key && pod.name === `${name}-${ordinal}`));
    if (missing !== undefined) return this.#create(key, controller, missing);
    if (controller.spec?.updateStrategy?.type === 'OnDelete' || !alive.every((pod) => this.#isReady(pod))) return;
    const next = ordinals
      .map((ordinal) => alive.find((pod) => pod.name === `${name}-${ordinal}`))
      .find((pod) => pod !== undefined && pod.generation < generationOf(controller));
    if (next) next.leaving = true;
  }

  #create(key: string, controller: PodController, index: number, settled = false): void {
    const admission = this.#rules.admit(controller);
    if (admission.kind === 'refused') {
      this.#refusals.set(key, admission.message);
      return;
    }
    this.#refusals.delete(key);
    this.#count += 1;
    const { name, namespace = '' } = controller.metadata;
    this.#pods.push({
      uid: `pod-${this.#count}`,
      namespace,
      name:
        controller.kind === 'Pod'
          ? name
          : controller.kind === 'StatefulSet'
            ? `${name}-${index}`
            : `${name}-${generationOf(controller)}-${this.#count}`,
      owner: key,
      generation: generationOf(controller),
      labels: controller.spec?.template?.metadata?.labels ?? {},
      annotations: controller.spec?.template?.metadata?.annotations ?? {},
      proxy: admission.kind === 'injected' ? { revision: admission.revision, version: admission.version } : undefined,
      settled,
      age: settled ? 10 : 0,
      leaving: false,
    });
  }

  #remove(which: (pod: FakePod) => boolean): void {
    for (let index = this.#pods.length - 1; index >= 0; index -= 1) {
      const pod = this.#pods[index];
      if (pod !== undefined && which(pod)) this.#pods.splice(index, 1);
    }
  }

  #alive(key: string): FakePod[] {
    return this.#pods.filter((pod) => pod.owner === key && !pod.leaving);
  }

  #isReady(pod: FakePod): boolean {
    if (pod.settled) return true;
    const { broken, wrongImage } = this.#rules;
    return pod.age > 0 && !broken.has(pod.owner) && !broken.has(`${pod.owner}@${pod.proxy?.revision}`) && !wrongImage.has(pod.owner);
  }

  /** @returns `namespace/name` of what owns the pod; undefined when there is no such pod, or it goes already */
  evict(uid: string): string | undefined {
    const pod = this.#pods.find((one) => one.uid === uid && !one.leaving);
    if (pod === undefined) return undefined;
    pod.leaving = true;
    return `${pod.namespace}/${nameOf(pod.owner)}`;
  }

  revisionsOf(namespace: string): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const pod of this.#pods.filter((p) => p.namespace === namespace && !p.leaving)) {
      const revision = pod.proxy?.revision ?? 'none';
      counts[revision] = (counts[revision] ?? 0) + 1;
    }
    return counts;
  }

  /** A workload as its controller and the API server tell it. */
  withStatus(key: string, controller: PodController): PodController {
    const alive = this.#alive(key);
    const generation = generationOf(controller);
    const updated = alive.filter((pod) => pod.generation === generation).length;
    const ready = alive.filter((pod) => this.#isReady(pod)).length;
    const refusal = this.#refusals.get(key);
    const wanted = replicasOf(controller);
    const counts: Record<string, PodController['status']> = {
      Deployment: { replicas: alive.length, updatedReplicas: updated, readyReplicas: ready, availableReplicas: ready },
      DaemonSet: { desiredNumberScheduled: wanted, updatedNumberScheduled: updated, numberReady: ready, numberAvailable: ready },
      StatefulSet: {
        replicas: alive.length,
        updatedReplicas: updated,
        readyReplicas: ready,
        currentRevision: updated === wanted && ready === wanted ? `rev-${generation}` : `rev-${generation - 1}`,
        updateRevision: `rev-${generation}`,
      },
    };
    return {
      ...controller,
      status: {
        observedGeneration: this.#observed.get(key) ?? 0,
        ...counts[controller.kind],
        ...(refusal === undefined ? {} : { conditions: [{ type: 'ReplicaFailure', status: 'True', message: refusal }] }),
      },
    };
  }

  podsOf(key: string): Pod[] {
    return this.#pods.filter((pod) => pod.owner === key).map((pod) => this.#podObject(pod));
  }

  allPods(): Pod[] {
    return this.#pods.map((pod) => this.#podObject(pod));
  }

  replicaSets(): PodController[] {
    const owners = new Map(this.#pods.filter((p) => p.owner.startsWith('Deployment/')).map((p) => [`${p.owner}@${p.generation}`, p]));
    return [...owners.values()].map((pod) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: replicaSetName(pod),
        namespace: pod.namespace,
        uid: replicaSetUid(pod),
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: nameOf(pod.owner), uid: pod.owner, controller: true }],
      },
    }));
  }

  /** What the istiod of a revision lists: a proxy connects a second after its pod is ready, and is forgotten a second after its end. */
  connectionsTo(revision: string): SyncEntry[] {
    const connected = this.#pods
      .filter((pod) => pod.proxy?.revision === revision && pod.age > 1 && (this.#isReady(pod) || pod.leaving))
      .map((pod) => ({ proxy: `${pod.name}.${pod.namespace}`, revision, version: pod.proxy?.version ?? '' }));
    return [...connected, ...this.#lingering.filter((line) => line.revision === revision)].map(({ proxy, version }) => ({
      proxy,
      proxyType: 'sidecar',
      istioVersion: version,
      clusterId: 'Kubernetes',
      types: SYNCED,
    }));
  }

  #podObject(pod: FakePod): Pod {
    const [kind = ''] = pod.owner.split('/');
    const owner =
      kind === 'Deployment'
        ? { kind: 'ReplicaSet', name: replicaSetName(pod), uid: replicaSetUid(pod) }
        : { kind, name: nameOf(pod.owner), uid: pod.owner };
    const image = this.#rules.wrongImage.get(pod.owner);
    const isReady = this.#isReady(pod);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: pod.name,
        namespace: pod.namespace,
        uid: pod.uid,
        labels: pod.labels,
        creationTimestamp: '2026-03-01T12:00:00Z',
        ...(pod.leaving ? { deletionTimestamp: '2026-03-01T12:00:00Z' } : {}),
        ownerReferences: [{ apiVersion: 'apps/v1', ...owner, controller: true }],
        annotations: {
          ...pod.annotations,
          ...(pod.proxy === undefined ? {} : { 'sidecar.istio.io/status': JSON.stringify({ revision: pod.proxy.revision }) }),
        },
      },
      spec: {
        containers: [{ name: 'app', image: 'app:1' }],
        ...(pod.proxy === undefined ? {} : { initContainers: [{ name: 'istio-proxy', image: `istio/proxyv2:${pod.proxy.version}` }] }),
      },
      status: {
        phase: isReady ? 'Running' : 'Pending',
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
        ...(!isReady && image !== undefined
          ? { containerStatuses: [{ name: 'app', ready: false, state: { waiting: { reason: 'ErrImagePull', message: image } } }] }
          : {}),
      },
    };
  }
}

/** What makes pods; a Pod that nothing owns makes itself. */
export function controllersOf(objects: ReadonlyMap<string, KubeObject>): Map<string, PodController> {
  return new Map(
    [...objects].flatMap(([key, object]): [string, PodController][] => {
      if (isWorkload(object)) return [[key, object]];
      if (object.kind !== 'Pod') return [];
      const template = { metadata: object.metadata, spec: (object as Pod).spec ?? {} };
      return [[key, { ...object, spec: { replicas: 1, template } }]];
    }),
  );
}

/** A workload of the user, whose pods live here; istiods live by other rules. */
export function isWorkload(object: KubeObject): object is PodController {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind) && !isIstiod(object);
}

function generationOf(controller: PodController): number {
  return controller.metadata.generation ?? 1;
}

function replicasOf(controller: PodController): number {
  return controller.spec?.replicas ?? 1;
}

function nameOf(key: string): string {
  return key.split('/')[2] ?? '';
}

function replicaSetName(pod: FakePod): string {
  return `${nameOf(pod.owner)}-${pod.generation}`;
}

function replicaSetUid(pod: FakePod): string {
  return `rs-${pod.owner}@${pod.generation}`;
}
