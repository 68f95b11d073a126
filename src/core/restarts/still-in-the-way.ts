/** Whether an object that was in the way of a restart still is. */
import type { HorizontalPodAutoscaler, KubeObject, Pod, PodDisruptionBudget, PodSpec, ResourceQuota } from '../mesh/kube-objects.ts';
import { isAtItsLimit, isExhausted } from './disruption-hazards.ts';
import { podNeeds } from './pod-needs.ts';
import { lacking } from './surge-hazards.ts';

/**
 * @param object as it is now; undefined when it is gone, and nothing is in the way any more
 * @param pods of the workload: what one of them asks for is what one more would ask for
 * @returns what it does, for people: `the PodDisruptionBudget quotes allows no disruption`; undefined when it lets the restart go
 */
export function stillInTheWay(object: KubeObject | undefined, kind: string, pods: readonly Pod[]): string | undefined {
  if (object === undefined) return undefined;
  const { name } = object.metadata;
  switch (kind) {
    case 'PodDisruptionBudget':
      return isExhausted(object as PodDisruptionBudget) ? `the PodDisruptionBudget ${name} allows no disruption` : undefined;
    case 'HorizontalPodAutoscaler':
      return isAtItsLimit(object as HorizontalPodAutoscaler) ? `the autoscaler ${name} is at its limit` : undefined;
    case 'ResourceQuota': {
      const spec: PodSpec | undefined = pods.find((pod) => pod.metadata.deletionTimestamp === undefined)?.spec;
      const [what] = lacking(object as ResourceQuota, podNeeds(spec));
      return what === undefined ? undefined : `the ResourceQuota ${name} has no room (${what})`;
    }
    default:
      return undefined;
  }
}
