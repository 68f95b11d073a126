/** Cron jobs: a job at each time of the schedule, old jobs removed. `cronjob_controllerv2.go` of Kubernetes 1.34. */
import {
  type Controller,
  type ControllerContext,
  defineController,
  deleteQuietly,
  isAlreadyExists,
  isNotFound,
  read,
  messageOf,
} from '../base/controller.ts';
import { controllerKey, controllerReference, keyOf, parseKey } from '../base/ownership.ts';
import { sameContent } from '../base/stable-hash.ts';
import { type CronJob, type CronJobStatus, type Job, jobEnd, type ObjectReference } from './batch-shapes.ts';
import { type CronSchedule, parseCronSchedule } from './cron-schedule.ts';

const CRON_JOBS = 'cronjobs.batch';
const JOBS = 'jobs.batch';
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export function createCronJobController(context: ControllerContext): Controller {
  const { cluster } = context;
  return defineController(context, {
    name: 'cronjob-controller',
    watches: [
      { resource: CRON_JOBS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      {
        resource: JOBS,
        onChange: ({ object }, queue) => {
          const owner = controllerKey(object, 'CronJob');
          if (owner !== undefined) queue.add(owner);
        },
      },
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const cron = read<CronJob>(cluster, CRON_JOBS, name, namespace);
      if (cron === undefined || cron.metadata.deletionTimestamp !== undefined) return;
      const againMs = await syncCronJob(context, cron);
      if (againMs !== undefined) queue.addAfter(key, againMs);
    },
  });
}

async function syncCronJob(context: ControllerContext, cron: CronJob): Promise<number | undefined> {
  const { cluster, clock, events } = context;
  const jobs = cluster.list(JOBS, { namespace: cron.metadata.namespace ?? '', ownerUid: cron.metadata.uid ?? '' }) as readonly Job[];
  await removeOldJobs(context, cron, jobs);
  const status = statusOf(cron, jobs);
  let schedule: CronSchedule;
  try {
    schedule = parseCronSchedule(cron.spec.schedule, cron.spec.timeZone);
  } catch (error) {
    const why = messageOf(error);
    events.record(cron, {
      type: 'Warning',
      reason: 'UnparseableSchedule',
      message: `unparseable schedule: ${cron.spec.schedule} : ${why}`,
    });
    await writeStatus(context, cron, status);
    return undefined;
  }
  const dueMs = cron.spec.suspend === true ? undefined : dueTime(cron, schedule, clock.nowMs());
  const next = dueMs === undefined ? status : await startJob(context, cron, status, dueMs);
  await writeStatus(context, cron, next);
  if (cron.spec.suspend === true) return undefined;
  const nextMs = schedule.next(clock.nowMs());
  return nextMs === undefined ? undefined : nextMs - clock.nowMs();
}

/** The latest time of the schedule that has come and was not started yet. */
function dueTime({ metadata, spec, status }: CronJob, schedule: CronSchedule, nowMs: number): number | undefined {
  let fromMs = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '');
  if (spec.startingDeadlineSeconds !== undefined) fromMs = Math.max(fromMs, nowMs - spec.startingDeadlineSeconds * 1000);
  let due: number | undefined;
  for (let atMs = schedule.next(fromMs); atMs !== undefined && atMs <= nowMs; atMs = schedule.next(atMs)) due = atMs;
  return due;
}

async function startJob(context: ControllerContext, cron: CronJob, status: CronJobStatus, dueMs: number): Promise<CronJobStatus> {
  const { writer, events } = context;
  const active = status.active ?? [];
  if (active.length > 0 && cron.spec.concurrencyPolicy === 'Forbid') {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    events.record(cron, { type: 'Normal', reason: 'JobAlreadyActive', message });
    return status;
  }
  if (cron.spec.concurrencyPolicy === 'Replace') for (const one of active) await deleteActive(context, cron, one);
  const kept = cron.spec.concurrencyPolicy === 'Replace' ? [] : active;
  const lastScheduleTime = `${new Date(dueMs).toISOString().slice(0, 19)}Z`;
  try {
    const job = await writer.create(JOBS, jobOf(cron, dueMs, lastScheduleTime));
    events.record(cron, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${job.metadata.name}` });
    return { ...status, active: [...kept, referenceTo(job as Job)], lastScheduleTime };
  } catch (error) {
    if (isAlreadyExists(error)) return { ...status, active: kept, lastScheduleTime };
    throw error;
  }
}

async function deleteActive({ writer, cluster, events }: ControllerContext, cron: CronJob, { name = '' }: ObjectReference): Promise<void> {
  const job = cluster.get(JOBS, name, cron.metadata.namespace);
  if (job === undefined) return;
  await deleteQuietly(writer, JOBS, job, { propagationPolicy: 'Background' });
  events.record(cron, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${name}` });
}

function jobOf(cron: CronJob, dueMs: number, scheduledAt: string): Job {
  const { metadata, spec } = cron.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${cron.metadata.name}-${Math.floor(dueMs / 60_000)}`,
      ...(cron.metadata.namespace === undefined ? {} : { namespace: cron.metadata.namespace }),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [SCHEDULED_AT]: scheduledAt },
      ownerReferences: [controllerReference(cron)],
    },
    spec,
  };
}

function referenceTo({ apiVersion, kind, metadata }: Job): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function statusOf(cron: CronJob, jobs: readonly Job[]): CronJobStatus {
  const known = cron.status?.active ?? [];
  const running = jobs.filter((job) => jobEnd(job) === undefined && job.metadata.deletionTimestamp === undefined);
  const active = running.map((job) => known.find((one) => one.uid === job.metadata.uid) ?? referenceTo(job));
  const successes = jobs.filter((job) => jobEnd(job)?.type === 'Complete').map((job) => job.status?.completionTime ?? '');
  const last = [cron.status?.lastSuccessfulTime ?? '', ...successes].toSorted().at(-1) ?? '';
  const { active: _, lastSuccessfulTime: __, ...rest } = cron.status ?? {};
  return { ...rest, ...(active.length === 0 ? {} : { active }), ...(last === '' ? {} : { lastSuccessfulTime: last }) };
}

async function removeOldJobs({ writer }: ControllerContext, { spec }: CronJob, jobs: readonly Job[]): Promise<void> {
  const limits = { Complete: spec.successfulJobsHistoryLimit ?? 3, Failed: spec.failedJobsHistoryLimit ?? 1 };
  for (const [type, limit] of Object.entries(limits)) {
    const ended = jobs
      .filter((job) => jobEnd(job)?.type === type && job.metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => (a.status?.startTime ?? '').localeCompare(b.status?.startTime ?? ''));
    for (const job of ended.slice(0, Math.max(0, ended.length - limit))) {
      await deleteQuietly(writer, JOBS, job, { propagationPolicy: 'Background' });
    }
  }
}

async function writeStatus({ writer, cluster }: ControllerContext, cron: CronJob, status: CronJobStatus): Promise<void> {
  const latest = read<CronJob>(cluster, CRON_JOBS, cron.metadata.name, cron.metadata.namespace);
  if (latest === undefined || latest.metadata.uid !== cron.metadata.uid || sameContent(latest.status ?? {}, status)) return;
  try {
    await writer.updateStatus(CRON_JOBS, { ...latest, status });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
