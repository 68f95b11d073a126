/** The pods of a job: which count, which are missing, how a new one is made. `pkg/controller/job` of Kubernetes 1.34. */
import type { PodPlan } from '../base/pod-from-template.ts';
import { isFinished, isTerminating, podPhase } from '../base/pod-state.ts';
import type { Pod } from '../base/workload-shapes.ts';
import type { Job } from './batch-shapes.ts';

/** Keeps a pod until it has been counted. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 600_000;

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true;
}

export function hasSucceeded(pod: Pod): boolean {
  return podPhase(pod) === 'Succeeded';
}

/** A pod that is deleted before it ended counts as a failure. */
export function hasFailed(pod: Pod): boolean {
  return podPhase(pod) === 'Failed' || (isTerminating(pod) && !isFinished(pod));
}

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed';
}

export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text === undefined ? undefined : Number(text);
}

/** `0-2,5`, as it stands in the status. */
export function writeIndexes(indexes: Iterable<number>): string {
  const runs: [number, number][] = [];
  for (const index of [...new Set(indexes)].toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`)).join(',');
}

export function readIndexes(text: string | undefined): readonly number[] {
  if (text === undefined || text === '') return [];
  return text.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
  });
}

/** How many pods shall be active. */
export function wantedActive(job: Job, succeeded: number, active: number): number {
  const { parallelism = 1, completions } = job.spec;
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

/** The lowest indexes that are neither done nor under way. */
export function freeIndexes(job: Job, done: ReadonlySet<number>, active: readonly Pod[], count: number): readonly number[] {
  const taken = new Set(active.map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index += 1) {
    if (!done.has(index) && !taken.has(index)) free.push(index);
  }
  return free;
}

/** How long to wait before the next pod after so many failures one after the other: 10 s, doubled each time, at most 10 min. */
export function backoffMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
}

export function jobPodPlan(job: Job, index: number | undefined): PodPlan {
  const { name, uid = '' } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const plan = { owner: job, template: job.spec.template, labels, finalizers: [TRACKING_FINALIZER] };
  if (index === undefined) return plan;
  const env = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } } };
  return {
    ...plan,
    namePrefix: `${name}-${index}-`,
    labels: { ...labels, [INDEX]: String(index) },
    annotations: { [INDEX]: String(index) },
    spec: {
      hostname: `${name}-${index}`,
      containers: (job.spec.template.spec.containers ?? []).map((one) => ({ ...one, env: [...(one.env ?? []), env] })),
    },
  };
}
