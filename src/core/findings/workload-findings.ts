/** The findings of workloads that a plan moves, as data. Codes are permanent. */
import { entry, type FindingEntry } from './finding-entry.ts';

export const workloadFindings = {
  'WORK-001': entry(
    'workloads',
    'A restart takes the workload down',
    'All of its pods are stopped before a new one serves: a strategy of Recreate, or a single pod that is replaced in place.',
    'Scale it up or let it surge first; leave it out with --restart-as NAMESPACE/NAME=skip, or accept it with =restart.',
  ),
  'WORK-002': entry(
    'workloads',
    'A PodDisruptionBudget allows no disruption',
    'The budget is at its limit now, so a restart takes the workload below what its owner wants.',
    'Scale up, or wait until the pods are healthy.',
  ),
  'WORK-003': entry(
    'workloads',
    'No readiness probe',
    'New pods count as ready at once, so traffic reaches them before the application answers.',
    'Add a readiness probe.',
  ),
  'WORK-004': entry(
    'workloads',
    'The workload is not healthy now',
    'Not all of its pods are ready before anything was done.',
    'Mend it first, or leave it out.',
  ),
  'WORK-005': entry(
    'workloads',
    'Pods get a sidecar for the first time',
    'The running pods have no proxy, the next ones will have one.',
    'Make sure that this is meant.',
  ),
  'WORK-006': entry(
    'workloads',
    'A restart does not move the workload',
    'It cannot be restarted from its template by Meshlift, so it stays on the old revision, which cannot be removed until it is gone.',
    'See the reason given for each.',
  ),
  'WORK-007': entry(
    'workloads',
    'The proxy image is pinned',
    'The template names a proxy image, so the restart changes the control plane of the pod but not the version of its proxy.',
    'Remove the annotation or the container image from the template.',
  ),
  'WORK-008': entry(
    'workloads',
    'No preStop delay',
    'A container may stop before all callers know that the pod is gone, so that requests can fail during the restart.',
    'Add a preStop sleep of a few seconds.',
  ),
  'WORK-009': entry(
    'workloads',
    'A pod is killed before it has ended',
    'A preStop hook, or the time in which the proxy lets connections end (terminationDrainDuration), takes as long as terminationGracePeriodSeconds or longer. The pod is killed then, with the requests that it still answers.',
    'Give the template a longer terminationGracePeriodSeconds.',
  ),
  'WORK-010': entry(
    'workloads',
    'The autoscaler of the workload is at its limit',
    'The HorizontalPodAutoscaler wants more pods than it may have, and the strategy of the workload takes pods away while it restarts.',
    'Raise maxReplicas, let it surge with maxUnavailable 0, or wait until there is less to do.',
  ),
  'WORK-011': entry(
    'workloads',
    'A quota has no room for the new pod',
    'The strategy starts a new pod before an old one goes, and a ResourceQuota of the namespace would refuse it.',
    'Raise the quota while the workload restarts.',
  ),
  'WORK-012': entry(
    'workloads',
    'No node has room for the new pod',
    'The strategy starts a new pod before an old one goes. By what pods ask for, no node that takes it has room now.',
    'Add a node, or make sure that an autoscaler does so in time.',
  ),
  'WORK-013': entry(
    'workloads',
    'A volume cannot be used by two pods',
    'The strategy starts a new pod before an old one goes, and both mount a claim that only one pod or one node may use.',
    'Leave it out, or change its strategy to Recreate and accept that it is down.',
  ),
  'WORK-014': entry(
    'workloads',
    'The strategy of a workload is changed while it restarts',
    'Its own rolling strategy would stop all of its pods before a new one serves. It gets maxSurge 1 and maxUnavailable 0 in the patch that restarts it, and its own counts back when the new pods are proven; the way back does the same.',
    'Nothing to do; --restart-as NAMESPACE/NAME=restart restarts it by its own strategy.',
  ),
} as const satisfies Record<string, FindingEntry>;
