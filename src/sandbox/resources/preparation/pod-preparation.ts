/** New pods are Pending and have a class of service that follows from their resources; later it never changes. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { at, list, record, records, type Json } from '../json-tree.ts';
import { compareQuantities } from '../quantity.ts';

export function podPreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  if (previous !== undefined) return next;
  const gated = list(at(next, 'spec', 'schedulingGates')).length > 0;
  const waiting = {
    type: 'PodScheduled',
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: next.metadata.creationTimestamp ?? null,
    reason: 'SchedulingGated',
  };
  const conditions = gated ? [{ ...waiting, message: 'Scheduling is blocked due to non-empty scheduling gates' }] : undefined;
  return {
    ...next,
    status: { phase: 'Pending', ...(conditions === undefined ? {} : { conditions }), qosClass: qosClass(record(next['spec'])) },
  };
}

/** @source kubernetes/kubernetes pkg/apis/core/helper/qos/qos.go of 1.34 */
export function qosClass(spec: Json): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...records(spec['containers']), ...records(spec['initContainers'])];
  let some = false;
  let guaranteed = true;
  for (const container of containers) {
    for (const resource of ['cpu', 'memory']) {
      const request = at(container, 'resources', 'requests', resource);
      const limit = at(container, 'resources', 'limits', resource);
      if (compareQuantities(request, '0') > 0 || compareQuantities(limit, '0') > 0) some = true;
      if (compareQuantities(limit, '0') <= 0 || compareQuantities(request, limit) !== 0) guaranteed = false;
    }
  }
  if (!some) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
