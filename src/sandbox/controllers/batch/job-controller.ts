/** Jobs: which changes concern which job, and what becomes of the pods and jobs that are over. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import { type Controller, type ControllerContext, defineController, deleteQuietly, isNotFound, read } from '../base/controller.ts';
import { controllerOf, keyOf, parseKey } from '../base/ownership.ts';
import { watchPodsOf } from '../base/pod-watch.ts';
import type { Pod } from '../base/workload-shapes.ts';
import { type Job, jobEnd } from './batch-shapes.ts';
import { isTracked, TRACKING_FINALIZER } from './job-pods.ts';
import { type FailureRecord, JobSync } from './job-sync.ts';

const JOBS = 'jobs.batch';

export function createJobController(context: ControllerContext): Controller {
  const { cluster, clock } = context;
  const failures = new Map<string, FailureRecord>();
  return defineController(context, {
    name: 'job-controller',
    watches: [{ resource: JOBS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) }, watchPodsOf(cluster, JOBS, 'Job')],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      await releaseAbandonedPods(context, namespace, name);
      const job = read<Job>(cluster, JOBS, name, namespace);
      if (job === undefined) return;
      const end = jobEnd(job);
      if (end !== undefined) failures.delete(job.metadata.uid ?? '');
      if (job.metadata.deletionTimestamp === undefined || end !== undefined) {
        const againMs = await new JobSync(context, job, failures).run();
        if (againMs !== undefined) queue.addAfter(key, againMs);
      }
      const ttl = job.spec.ttlSecondsAfterFinished;
      if (end === undefined || ttl === undefined || job.metadata.deletionTimestamp !== undefined) return;
      const leftMs = Date.parse(end.lastTransitionTime ?? '') + ttl * 1000 - clock.nowMs();
      if (leftMs > 0) queue.addAfter(key, leftMs);
      else await deleteQuietly(context.writer, JOBS, job, { propagationPolicy: 'Foreground' });
    },
  });
}

/** Pods whose job is gone or going are not counted any more, so that nothing keeps them. */
async function releaseAbandonedPods({ cluster, writer }: ControllerContext, namespace: string, name: string): Promise<void> {
  const job = cluster.get(JOBS, name, namespace);
  if (job !== undefined && job.metadata.deletionTimestamp === undefined) return;
  for (const pod of podsNamedFor(cluster, namespace, name)) {
    const finalizers = (pod.metadata.finalizers ?? []).filter((one) => one !== TRACKING_FINALIZER);
    try {
      await writer.patch('pods', pod.metadata.name, namespace, { metadata: { finalizers } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function podsNamedFor(cluster: Cluster, namespace: string, job: string): readonly Pod[] {
  const pods = cluster.list('pods', { namespace, labels: { 'batch.kubernetes.io/job-name': job } }) as readonly Pod[];
  return pods.filter((pod) => isTracked(pod) && controllerOf(pod)?.kind === 'Job');
}
