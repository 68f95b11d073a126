/** One look at one job: counts pods that ended, decides whether it is over, makes and removes pods. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { findCondition, replaceCondition } from '../base/conditions.ts';
import { type ControllerContext, isNotFound, read } from '../base/controller.ts';
import { createPod, deletePod } from '../base/pod-control.ts';
import { isActive, isFinished, isReady, isTerminating } from '../base/pod-state.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Condition, ConditionStatus, Pod } from '../base/workload-shapes.ts';
import { slowStart } from '../replicaset/slow-start.ts';
import { type Job, jobEnd, type JobStatus } from './batch-shapes.ts';
import {
  backoffMs,
  freeIndexes,
  hasFailed,
  hasSucceeded,
  indexOf,
  isIndexed,
  isTracked,
  jobPodPlan,
  readIndexes,
  TRACKING_FINALIZER,
  wantedActive,
  writeIndexes,
} from './job-pods.ts';

interface Verdict {
  readonly reason: string;
  readonly message: string;
  readonly failed: boolean;
}

/** What a job remembers between looks: when it last saw a pod fail, and how many since the last success. */
export interface FailureRecord {
  readonly failures: number;
  readonly lastMs: number;
}

export class JobSync {
  readonly #context: ControllerContext;
  readonly #failures: Map<string, FailureRecord>;
  #job: Job;
  #pods: readonly Pod[];

  constructor(context: ControllerContext, job: Job, failures: Map<string, FailureRecord>) {
    this.#context = context;
    this.#job = job;
    this.#failures = failures;
    this.#pods = this.#listPods();
  }

  /** @returns milliseconds after which to look again though nothing changed */
  async run(): Promise<number | undefined> {
    if (jobEnd(this.#job) !== undefined) {
      await this.#releasePods(this.#pods.filter((pod) => isTracked(pod)));
      return undefined;
    }
    await this.#countEnded();
    const verdict = this.#verdict();
    const isSuspended = this.#job.spec.suspend === true && verdict === undefined;
    let againMs: number | undefined;
    if (verdict !== undefined || isSuspended) await this.#deleteAll();
    else againMs = await this.#manage();
    await this.#countEnded();
    await this.#writeStatus(this.#nextStatus(verdict, isSuspended));
    return againMs ?? this.#untilDeadlineMs();
  }

  #listPods(): readonly Pod[] {
    const { namespace = '', uid = '' } = this.#job.metadata;
    return this.#context.cluster.list('pods', { namespace, ownerUid: uid }) as readonly Pod[];
  }

  /**
   * Counts each pod that ended once: its uid goes into the status, then its finalizer is taken away, then the number is raised.
   */
  async #countEnded(): Promise<void> {
    this.#pods = this.#listPods();
    const ended = this.#pods.filter((pod) => isTracked(pod) && (hasSucceeded(pod) || hasFailed(pod)));
    if (ended.length === 0) return;
    this.#rememberFailures(ended);
    const uids = (pods: readonly Pod[]): readonly string[] => pods.map((pod) => pod.metadata.uid ?? '');
    const [succeeded, failed] = [ended.filter(hasSucceeded), ended.filter((pod) => !hasSucceeded(pod))];
    const lists = {
      ...(succeeded.length > 0 ? { succeeded: uids(succeeded) } : {}),
      ...(failed.length > 0 ? { failed: uids(failed) } : {}),
    };
    await this.#writeStatus({ ...this.#job.status, uncountedTerminatedPods: lists });
    await this.#releasePods(ended);
    const { status } = this.#job;
    const counts = { succeeded: (status?.succeeded ?? 0) + succeeded.length, failed: (status?.failed ?? 0) + failed.length };
    const indexes = isIndexed(this.#job) ? this.#completedIndexes(status, succeeded) : undefined;
    await this.#writeStatus({
      ...status,
      ...(counts.succeeded === 0 ? {} : { succeeded: indexes === undefined ? counts.succeeded : readIndexes(indexes).length }),
      ...(counts.failed === 0 ? {} : { failed: counts.failed }),
      ...(indexes === undefined || indexes === '' ? {} : { completedIndexes: indexes }),
      uncountedTerminatedPods: {},
    });
    this.#pods = this.#listPods();
  }

  #completedIndexes(status: JobStatus | undefined, succeeded: readonly Pod[]): string {
    return writeIndexes([...readIndexes(status?.completedIndexes), ...succeeded.flatMap((pod) => indexOf(pod) ?? [])]);
  }

  #rememberFailures(ended: readonly Pod[]): void {
    const uid = this.#job.metadata.uid ?? '';
    const failed = ended.filter((pod) => !hasSucceeded(pod)).length;
    const before = ended.some(hasSucceeded) ? 0 : (this.#failures.get(uid)?.failures ?? 0);
    this.#failures.set(uid, { failures: before + failed, lastMs: this.#context.clock.nowMs() });
  }

  async #releasePods(pods: readonly Pod[]): Promise<void> {
    for (const { metadata } of pods) {
      const finalizers = (metadata.finalizers ?? []).filter((one) => one !== TRACKING_FINALIZER);
      try {
        await this.#context.writer.patch('pods', metadata.name, metadata.namespace, { metadata: { finalizers } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #verdict(): Verdict | undefined {
    const { spec, status } = this.#job;
    const { backoffLimit = 6, completions, activeDeadlineSeconds } = spec;
    const target = findCondition(status?.conditions, 'FailureTarget');
    if (target !== undefined) return { reason: target.reason ?? '', message: target.message ?? '', failed: true };
    const succeeded = status?.succeeded ?? 0;
    const isDone = completions === undefined ? succeeded > 0 && !this.#pods.some(isActive) : succeeded >= completions;
    if (isDone) return { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods', failed: false };
    if ((status?.failed ?? 0) > backoffLimit || this.#restartsExceed(backoffLimit)) {
      return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit', failed: true };
    }
    if (activeDeadlineSeconds !== undefined && this.#untilDeadlineMs() === 0) {
      return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline', failed: true };
    }
    return undefined;
  }

  /** Where containers are restarted in place, their restarts count in place of failed pods. */
  #restartsExceed(limit: number): boolean {
    if (this.#job.spec.template.spec.restartPolicy !== 'OnFailure') return false;
    const counts = this.#pods.filter((pod) => !isFinished(pod)).flatMap((pod) => pod.status?.containerStatuses ?? []);
    const restarts = counts.reduce((sum, one) => sum + (one.restartCount ?? 0), 0);
    return limit === 0 ? restarts > 0 : restarts >= limit;
  }

  #untilDeadlineMs(): number | undefined {
    const { spec, status } = this.#job;
    if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined || spec.suspend === true) return undefined;
    return Math.max(0, Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - this.#context.clock.nowMs());
  }

  async #deleteAll(): Promise<void> {
    for (const pod of this.#pods.filter(isActive)) await deletePod(this.#context, this.#job, pod);
  }

  /** Brings the number of active pods to what it shall be. @returns the rest of the back-off after failures */
  async #manage(): Promise<number | undefined> {
    const { status } = this.#job;
    const active = this.#pods.filter(isActive);
    const missing = wantedActive(this.#job, status?.succeeded ?? 0, active.length) - active.length;
    if (missing < 0) for (const pod of active.slice(missing)) await deletePod(this.#context, this.#job, pod);
    if (missing <= 0) return undefined;
    const record = this.#failures.get(this.#job.metadata.uid ?? '');
    const waitMs = record === undefined ? 0 : record.lastMs + backoffMs(record.failures) - this.#context.clock.nowMs();
    if (waitMs > 0) return waitMs;
    const done = new Set(readIndexes(status?.completedIndexes));
    const indexes = isIndexed(this.#job) ? freeIndexes(this.#job, done, active, missing) : undefined;
    const result = await slowStart(indexes?.length ?? missing, this.#context.workers, async (at) => {
      await createPod(this.#context, jobPodPlan(this.#job, indexes?.[at]));
    });
    if ('error' in result) throw result.error;
    return undefined;
  }

  #nextStatus(verdict: Verdict | undefined, isSuspended: boolean): JobStatus {
    const now = timestamp(this.#context.clock);
    const active = this.#pods.filter(isActive);
    const terminating = this.#pods.filter((pod) => isTerminating(pod) && !isFinished(pod)).length;
    const { active: _, startTime, ...before } = this.#job.status ?? {};
    const isOver = verdict !== undefined && active.length === 0 && terminating === 0;
    let conditions = this.#suspendConditions(isSuspended, now);
    if (verdict !== undefined) {
      conditions = replaceCondition(conditions, condition(verdict.failed ? 'FailureTarget' : 'SuccessCriteriaMet', 'True', verdict, now));
      if (isOver) conditions = replaceCondition(conditions, condition(verdict.failed ? 'Failed' : 'Complete', 'True', verdict, now));
    }
    if (isOver) this.#recordEnd(verdict);
    return {
      ...before,
      ...(isSuspended ? {} : { startTime: startTime ?? now }),
      ...(isOver && !verdict.failed ? { completionTime: now } : {}),
      ...(active.length === 0 ? {} : { active: active.length }),
      ready: active.filter(isReady).length,
      terminating,
      uncountedTerminatedPods: {},
      ...(conditions.length === 0 ? {} : { conditions }),
    };
  }

  #suspendConditions(isSuspended: boolean, now: string): readonly Condition[] {
    const conditions = this.#job.status?.conditions ?? [];
    const before = findCondition(conditions, 'Suspended')?.status;
    const { events } = this.#context;
    if (isSuspended) {
      if (before !== 'True') events.record(this.#job, { type: 'Normal', reason: 'Suspended', message: 'Job suspended' });
      return replaceCondition(conditions, condition('Suspended', 'True', { reason: 'JobSuspended', message: 'Job suspended' }, now));
    }
    if (before !== 'True') return conditions;
    events.record(this.#job, { type: 'Normal', reason: 'Resumed', message: 'Job resumed' });
    return replaceCondition(conditions, condition('Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed' }, now));
  }

  #recordEnd({ failed, reason, message }: Verdict): void {
    const { events } = this.#context;
    if (failed) events.record(this.#job, { type: 'Warning', reason, message });
    else events.record(this.#job, { type: 'Normal', reason: 'Completed', message: 'Job completed' });
  }

  async #writeStatus(status: JobStatus): Promise<void> {
    const { cluster, writer } = this.#context;
    const latest = read<Job>(cluster, 'jobs.batch', this.#job.metadata.name, this.#job.metadata.namespace);
    if (latest === undefined || latest.metadata.uid !== this.#job.metadata.uid || sameContent(latest.status, status)) return;
    const written = (await writer.updateStatus('jobs.batch', { ...latest, status })) as Job;
    this.#job = { ...this.#job, metadata: written.metadata, status };
  }
}

function condition(
  type: string,
  status: ConditionStatus,
  { reason, message }: { readonly reason: string; readonly message: string },
  now: string,
): Condition {
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}
