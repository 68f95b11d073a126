/** One look at one deployment: what `syncDeployment` of Kubernetes 1.34 does, in its order. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { findCondition, setCondition } from '../base/conditions.ts';
import { type ControllerContext, deleteQuietly, isAlreadyExists, isNamespaceTerminating, read, messageOf } from '../base/controller.ts';
import { isControlledBy } from '../base/ownership.ts';
import { isFinished } from '../base/pod-state.ts';
import { contentHash, sameContent } from '../base/stable-hash.ts';
import type { Condition, Deployment, DeploymentStatus, Pod, ReplicaSet } from '../base/workload-shapes.ts';
import { calculateStatus, condition, hasDeadline, isComplete, nextProgressCheckMs, rolloutStatus } from './deployment-status.ts';
import {
  buildNewSet,
  findNewSet,
  maxRevision,
  newSetAnnotations,
  REVISION,
  sameTemplate,
  sizeAnnotations,
} from './replica-set-revisions.ts';
import {
  activeSets,
  byCreation,
  DESIRED_REPLICAS,
  desiredReplicas,
  isRollingUpdate,
  newSetReplicas,
  numberAnnotation,
  oldSetScalings,
  scaleProportionally,
  type Scaling,
  totalReplicas,
} from './rollout-arithmetic.ts';

export interface DeploymentSyncInput {
  readonly context: ControllerContext;
  readonly deployment: Deployment;
  /** All that the deployment controls. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly reportTerminating: boolean;
}

const DEPLOYMENTS = 'deployments.apps';
const REPLICA_SETS = 'replicasets.apps';

export class DeploymentSync {
  readonly #context: ControllerContext;
  readonly #reportTerminating: boolean;
  #deployment: Deployment;
  #newSet: ReplicaSet | undefined;
  #oldSets: readonly ReplicaSet[];

  constructor({ context, deployment, replicaSets, reportTerminating }: DeploymentSyncInput) {
    this.#context = context;
    this.#reportTerminating = reportTerminating;
    this.#deployment = deployment;
    this.#newSet = findNewSet(deployment, replicaSets);
    this.#oldSets = replicaSets.filter((set) => set !== this.#newSet).toSorted(byCreation);
  }

  /** @returns milliseconds after which to look again though nothing changed; undefined when there is no need */
  async run(): Promise<number | undefined> {
    if (this.#deployment.metadata.deletionTimestamp !== undefined) return this.#writePlainStatus();
    await this.#notePause();
    if (this.#deployment.spec.paused === true || this.#isScalingEvent()) return this.#scale();
    return isRollingUpdate(this.#deployment) ? this.#roll() : this.#recreate();
  }

  async #roll(): Promise<number | undefined> {
    const newSet = await this.#ensureNewSet(true);
    if (newSet === undefined) return undefined;
    const size = newSetReplicas(this.#deployment, desiredReplicas(newSet), totalReplicas([...this.#oldSets, newSet]));
    const wanted = desiredReplicas(this.#deployment);
    const next = desiredReplicas(newSet) > wanted ? wanted : size;
    if (await this.#resize({ replicaSet: newSet, replicas: next })) return this.#writeRolloutStatus();
    const scalings = oldSetScalings(this.#deployment, newSet, activeSets(this.#oldSets));
    for (const scaling of scalings) await this.#resize(scaling);
    if (scalings.length === 0 && isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUpHistory();
    return this.#writeRolloutStatus();
  }

  async #recreate(): Promise<number | undefined> {
    await this.#ensureNewSet(false);
    let scaledDown = false;
    for (const replicaSet of activeSets(this.#oldSets)) {
      scaledDown = (await this.#resize({ replicaSet, replicas: 0 })) || scaledDown;
    }
    if (scaledDown || this.#oldPodsRun()) return this.#writeRolloutStatus();
    const newSet = await this.#ensureNewSet(true);
    if (newSet === undefined) return undefined;
    await this.#resize({ replicaSet: newSet, replicas: desiredReplicas(this.#deployment) });
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUpHistory();
    return this.#writeRolloutStatus();
  }

  /** After a change of spec.replicas, and while paused. */
  async #scale(): Promise<undefined> {
    await this.#ensureNewSet(false);
    for (const scaling of scaleProportionally(this.#deployment, this.#newSet, this.#oldSets.toReversed()))
      await this.#resize(scaling, true);
    if (this.#deployment.spec.paused === true) await this.#cleanUpHistory();
    return this.#writePlainStatus();
  }

  #isScalingEvent(): boolean {
    const wanted = desiredReplicas(this.#deployment);
    return activeSets(this.#allSets()).some((set) => {
      const told = numberAnnotation(set, DESIRED_REPLICAS);
      return told !== undefined && told !== wanted;
    });
  }

  async #notePause(): Promise<void> {
    const { spec, status } = this.#deployment;
    const progressing = findCondition(status?.conditions, 'Progressing');
    if (!hasDeadline(this.#deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return;
    const wasPaused = progressing?.reason === 'DeploymentPaused';
    if (wasPaused === (spec.paused === true)) return;
    const [reason, message] = wasPaused
      ? (['DeploymentResumed', 'Deployment is resumed'] as const)
      : (['DeploymentPaused', 'Deployment is paused'] as const);
    await this.#writeConditions(condition(this.#now(), 'Progressing', 'Unknown', { reason, message }));
  }

  /** Finds the new ReplicaSet and brings its annotations up to date, or creates it. */
  async #ensureNewSet(create: boolean): Promise<ReplicaSet | undefined> {
    const revision = maxRevision(this.#oldSets) + 1;
    if (this.#newSet !== undefined) this.#newSet = await this.#syncNewSet(this.#newSet, revision);
    else if (create) this.#newSet = await this.#createNewSet(revision);
    return this.#newSet;
  }

  async #syncNewSet(newSet: ReplicaSet, revision: number): Promise<ReplicaSet> {
    const annotations = newSetAnnotations(this.#deployment, newSet.metadata.annotations, revision);
    const minReadySeconds = this.#deployment.spec.minReadySeconds ?? 0;
    if (!sameContent(annotations, newSet.metadata.annotations) || (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      const next = { ...newSet, metadata: { ...newSet.metadata, annotations }, spec: { ...newSet.spec, minReadySeconds } };
      return (await this.#context.writer.update(REPLICA_SETS, next)) as ReplicaSet;
    }
    const known = findCondition(this.#deployment.status?.conditions, 'Progressing');
    const found = { reason: 'FoundNewReplicaSet', message: `Found new replica set "${newSet.metadata.name}"` };
    const isNews = hasDeadline(this.#deployment) && known === undefined;
    await this.#noteRevision(annotations[REVISION] ?? '', isNews ? condition(this.#now(), 'Progressing', 'True', found) : undefined);
    return newSet;
  }

  async #createNewSet(revision: number): Promise<ReplicaSet | undefined> {
    const { template } = this.#deployment.spec;
    const hash = contentHash(template, this.#deployment.status?.collisionCount ?? 0);
    const replicas = newSetReplicas(this.#deployment, 0, totalReplicas(this.#oldSets));
    const wanted = buildNewSet({ deployment: this.#deployment, hash, revision, replicas });
    const created = await this.#createOrFind(wanted);
    if (created === undefined) return undefined;
    if (created.isNew && replicas > 0) this.#recordScaling(created.replicaSet, 0, replicas);
    const news = { reason: 'NewReplicaSetCreated', message: `Created new replica set "${created.replicaSet.metadata.name}"` };
    const isNews = created.isNew && hasDeadline(this.#deployment);
    await this.#noteRevision(String(revision), isNews ? condition(this.#now(), 'Progressing', 'True', news) : undefined);
    return created.replicaSet;
  }

  async #createOrFind(wanted: ReplicaSet): Promise<{ readonly replicaSet: ReplicaSet; readonly isNew: boolean } | undefined> {
    const { cluster, writer, events } = this.#context;
    try {
      return { replicaSet: (await writer.create(REPLICA_SETS, wanted)) as ReplicaSet, isNew: true };
    } catch (error) {
      if (isAlreadyExists(error)) {
        const there = read<ReplicaSet>(cluster, REPLICA_SETS, wanted.metadata.name, wanted.metadata.namespace);
        const isOurs =
          there !== undefined && isControlledBy(there, this.#deployment) && sameTemplate(there.spec.template, wanted.spec.template);
        if (isOurs) return { replicaSet: there, isNew: false };
        await this.#writeStatus({ ...this.#deployment.status, collisionCount: (this.#deployment.status?.collisionCount ?? 0) + 1 });
        throw error;
      }
      if (isNamespaceTerminating(error)) return undefined;
      const message = `Failed to create new replica set "${wanted.metadata.name}": ${messageOf(error)}`;
      const reason = 'ReplicaSetCreateError';
      if (hasDeadline(this.#deployment)) await this.#writeConditions(condition(this.#now(), 'Progressing', 'False', { reason, message }));
      events.record(this.#deployment, { type: 'Warning', reason, message });
      throw error;
    }
  }

  /** Revision and first conditions go out at once, with the status that was there. */
  async #noteRevision(revision: string, news: Condition | undefined): Promise<void> {
    const { metadata, status } = this.#deployment;
    if (metadata.annotations?.[REVISION] === revision && news === undefined) return;
    this.#deployment = { ...this.#deployment, metadata: { ...metadata, annotations: { ...metadata.annotations, [REVISION]: revision } } };
    await this.#writeStatus(news === undefined ? (status ?? {}) : { ...status, conditions: setCondition(status?.conditions, news) });
  }

  /** @param always writes the size annotations even if the size stays @returns whether the size changed */
  async #resize({ replicaSet, replicas }: Scaling, always = false): Promise<boolean> {
    const before = desiredReplicas(replicaSet);
    const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(this.#deployment) };
    if (before === replicas && (!always || sameContent(annotations, replicaSet.metadata.annotations))) return false;
    const next = { ...replicaSet, metadata: { ...replicaSet.metadata, annotations }, spec: { ...replicaSet.spec, replicas } };
    const written = (await this.#context.writer.update(REPLICA_SETS, next)) as ReplicaSet;
    this.#replace(replicaSet, written);
    if (before !== replicas) this.#recordScaling(written, before, replicas);
    return before !== replicas;
  }

  #replace(before: ReplicaSet, after: ReplicaSet): void {
    if (this.#newSet === before) this.#newSet = after;
    this.#oldSets = this.#oldSets.map((set) => (set === before ? after : set));
  }

  #recordScaling({ metadata }: ReplicaSet, from: number, to: number): void {
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${metadata.name} from ${from} to ${to}`;
    this.#context.events.record(this.#deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  }

  /** Deletes the oldest revisions beyond the limit; those that still have pods stay. */
  async #cleanUpHistory(): Promise<void> {
    const limit = this.#deployment.spec.revisionHistoryLimit;
    if (limit === undefined || limit === 2_147_483_647) return;
    const revision = (set: ReplicaSet): number => numberAnnotation(set, REVISION) ?? 0;
    const old = this.#oldSets
      .filter((set) => set.metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => revision(a) - revision(b) || byCreation(a, b));
    for (const set of old.slice(0, Math.max(0, old.length - limit))) {
      const isSeen = (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0);
      if ((set.status?.replicas ?? 0) !== 0 || desiredReplicas(set) !== 0 || !isSeen) continue;
      await deleteQuietly(this.#context.writer, REPLICA_SETS, set);
    }
  }

  /** Whether pods of old revisions are still there, ending ones included. */
  #oldPodsRun(): boolean {
    if (this.#oldSets.some((set) => (set.status?.replicas ?? 0) > 0)) return true;
    const namespace = this.#deployment.metadata.namespace ?? '';
    return this.#oldSets.some((set) => {
      const pods = this.#context.cluster.list('pods', { namespace, ownerUid: set.metadata.uid ?? '' }) as readonly Pod[];
      return pods.some((pod) => !isFinished(pod));
    });
  }

  async #writeRolloutStatus(): Promise<number | undefined> {
    const status = rolloutStatus(this.#statusInput());
    const nowMs = this.#context.clock.nowMs();
    if (!sameContent(status, this.#deployment.status ?? {})) await this.#writeStatus(status);
    return nextProgressCheckMs(this.#deployment, status, nowMs);
  }

  async #writePlainStatus(): Promise<undefined> {
    const status = calculateStatus(this.#statusInput());
    if (!sameContent(status, this.#deployment.status ?? {})) await this.#writeStatus(status);
    return undefined;
  }

  #statusInput(): Parameters<typeof rolloutStatus>[0] {
    return {
      deployment: this.#deployment,
      newSet: this.#newSet,
      oldSets: this.#oldSets,
      nowMs: this.#context.clock.nowMs(),
      reportTerminating: this.#reportTerminating,
    };
  }

  async #writeConditions(next: Condition): Promise<void> {
    const { status } = this.#deployment;
    await this.#writeStatus({ ...status, conditions: setCondition(status?.conditions, next) });
  }

  async #writeStatus(status: DeploymentStatus): Promise<void> {
    this.#deployment = (await this.#context.writer.updateStatus(DEPLOYMENTS, { ...this.#deployment, status })) as Deployment;
  }

  #allSets(): readonly ReplicaSet[] {
    return [...this.#oldSets, ...(this.#newSet === undefined ? [] : [this.#newSet])];
  }

  #now(): string {
    return timestamp(this.#context.clock);
  }
}
