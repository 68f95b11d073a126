/** One look at one StatefulSet: `updateStatefulSet` of `stateful_set_control.go` in Kubernetes 1.34, in its order. */
import { type ControllerContext, isAlreadyExists, isNamespaceTerminating, isNotFound, messageOf } from '../base/controller.ts';
import { podFromTemplate } from '../base/pod-from-template.ts';
import { isFinished, isTerminating } from '../base/pod-state.ts';
import { templateOf } from '../base/revision-history.ts';
import type { ControllerRevision, Pod, StatefulSet, StatefulSetStatus } from '../base/workload-shapes.ts';
import { slowStart } from '../replicaset/slow-start.ts';
import { claimsOf, isHealthy, isRunningAndAvailable, isRunningAndReady, ordinalOf, revisionOf, statefulPodPlan } from './stateful-pod.ts';

export interface StatefulSyncInput {
  readonly context: ControllerContext;
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly collisionCount: number;
}

/** A place of the set: the pod in it, or none yet. */
interface Place {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

export class StatefulSetSync {
  readonly #input: StatefulSyncInput;
  readonly #places: readonly Place[];
  /** Pods beyond the wanted ordinals, highest first. */
  readonly #condemned: readonly Pod[];
  readonly #nowMs: number;
  /** Pods of the current revision that this look deleted. */
  #replaced = 0;

  constructor(input: StatefulSyncInput) {
    this.#input = input;
    this.#nowMs = input.context.clock.nowMs();
    const { set, pods } = input;
    const byOrdinal = new Map<number, Pod>();
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod);
      if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
    }
    const start = set.spec.ordinals?.start ?? 0;
    this.#places = Array.from({ length: set.spec.replicas ?? 1 }, (_, index) => ({
      ordinal: start + index,
      pod: byOrdinal.get(start + index),
    }));
    const wanted = new Set(this.#places.map((place) => place.ordinal));
    const surplus = [...byOrdinal].filter(([ordinal]) => !wanted.has(ordinal)).toSorted(([a], [b]) => b - a);
    this.#condemned = surplus.map(([, pod]) => pod);
  }

  /** @returns the status after this look, and what failed */
  async run(): Promise<{ readonly status: StatefulSetStatus; readonly error?: unknown }> {
    try {
      if (this.#input.set.metadata.deletionTimestamp === undefined) await this.#work();
    } catch (error) {
      return { status: this.#status(), error };
    }
    return { status: this.#status() };
  }

  async #work(): Promise<void> {
    const { set } = this.#input;
    const isOrdered = (set.spec.podManagementPolicy ?? 'OrderedReady') !== 'Parallel';
    if (isOrdered ? await this.#inOrder() : await this.#atOnce()) return;
    if (set.spec.updateStrategy?.type !== 'OnDelete') await this.#replaceNext();
  }

  /** @returns whether the look ends here, since something has to come first */
  async #inOrder(): Promise<boolean> {
    for (const place of this.#places) if (await this.#processPlace(place, true)) return true;
    const firstUnhealthy = this.#firstUnhealthy();
    for (const pod of this.#condemned) {
      const mustWait = isTerminating(pod) || (!isRunningAndAvailable(pod, this.#input.set, this.#nowMs) && pod !== firstUnhealthy);
      if (!mustWait) await this.#delete(pod);
      return true;
    }
    return false;
  }

  async #atOnce(): Promise<boolean> {
    const { workers } = this.#input.context;
    const made = await slowStart(this.#places.length, workers, async (index) => {
      const place = this.#places[index];
      if (place !== undefined) await this.#processPlace(place, false);
    });
    if ('error' in made) throw made.error;
    for (const pod of this.#condemned) if (!isTerminating(pod)) await this.#delete(pod);
    return false;
  }

  /** @returns whether what follows has to wait for this place */
  async #processPlace({ ordinal, pod }: Place, isOrdered: boolean): Promise<boolean> {
    if (pod === undefined) {
      await this.#create(ordinal);
      return isOrdered;
    }
    if (isFinished(pod)) {
      if (!isTerminating(pod)) await this.#delete(pod);
      return true;
    }
    return isOrdered && !isHealthy(pod, this.#input.set, this.#nowMs);
  }

  /** Deletes the highest pod that has not the update revision; waits for those above it to be healthy. */
  async #replaceNext(): Promise<void> {
    const { set, update } = this.#input;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (const { pod } of this.#places.slice(partition).toReversed()) {
      if (pod === undefined) return;
      if (revisionOf(pod) !== update.metadata.name && !isTerminating(pod)) {
        await this.#delete(pod);
        this.#replaced += 1;
        return;
      }
      if (!isHealthy(pod, set, this.#nowMs)) return;
    }
  }

  #firstUnhealthy(): Pod | undefined {
    const { set } = this.#input;
    const all = [...this.#places.flatMap(({ pod }) => pod ?? []), ...this.#condemned.toReversed()];
    return all.find((pod) => !isHealthy(pod, set, this.#nowMs));
  }

  async #create(ordinal: number): Promise<void> {
    const { context, set } = this.#input;
    const revision = this.#needsCurrent(ordinal) ? this.#input.current : this.#input.update;
    const plan = statefulPodPlan({ set, ordinal, template: templateOf(revision), revision: revision.metadata.name });
    try {
      await this.#createClaims(ordinal);
      await context.writer.create('pods', podFromTemplate(plan));
      this.#record('create', plan.name ?? '');
    } catch (error) {
      if (isAlreadyExists(error) || isNamespaceTerminating(error)) return;
      this.#record('create', plan.name ?? '', error);
      throw error;
    }
  }

  async #createClaims(ordinal: number): Promise<void> {
    const { context, set } = this.#input;
    for (const { claim } of claimsOf(set, ordinal)) {
      if (context.cluster.get('persistentvolumeclaims', claim.metadata.name, claim.metadata.namespace) !== undefined) continue;
      await context.writer.create('persistentvolumeclaims', claim);
      const message = `create Claim ${claim.metadata.name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name} success`;
      context.events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
    }
  }

  async #delete(pod: Pod): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    try {
      await this.#input.context.writer.delete('pods', name, namespace, uid === undefined ? {} : { uid });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#record('delete', name, error);
      throw error;
    }
    this.#record('delete', name);
  }

  #record(verb: 'create' | 'delete', pod: string, error?: unknown): void {
    const { context, set } = this.#input;
    const action = verb === 'create' ? 'Create' : 'Delete';
    const about = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    if (error === undefined) context.events.record(set, { type: 'Normal', reason: `Successful${action}`, message: `${about} successful` });
    else {
      const why = messageOf(error);
      context.events.record(set, { type: 'Warning', reason: `Failed${action}`, message: `${about} failed error: ${why}` });
    }
  }

  /** Whether a new pod of this ordinal still gets the template from before the update. */
  #needsCurrent(ordinal: number): boolean {
    const { set } = this.#input;
    const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
    const below = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
    return type === 'RollingUpdate' && ordinal < (set.spec.ordinals?.start ?? 0) + below;
  }

  #status(): StatefulSetStatus {
    const { set, pods, current, update, collisionCount } = this.#input;
    const live = pods.filter((pod) => !isTerminating(pod));
    const ofRevision = (revision: ControllerRevision): number => live.filter((pod) => revisionOf(pod) === revision.metadata.name).length;
    const updated = ofRevision(update);
    const ready = pods.filter(isRunningAndReady).length;
    const wanted = set.spec.replicas ?? 1;
    const isOver = set.spec.updateStrategy?.type !== 'OnDelete' && updated === wanted && ready === wanted && pods.length === wanted;
    const currentReplicas = isOver ? updated : Math.max(0, ofRevision(current) - this.#replaced);
    const { generation } = set.metadata;
    return {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      replicas: pods.length,
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      ...(currentReplicas === 0 ? {} : { currentReplicas }),
      ...(updated === 0 ? {} : { updatedReplicas: updated }),
      availableReplicas: pods.filter((pod) => isRunningAndAvailable(pod, set, this.#nowMs)).length,
      currentRevision: isOver ? update.metadata.name : current.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount,
    };
  }
}
