/**
 * When what a service's endpoints come from last changed, for the annotation that latencies of endpoints are measured with:
 * `TriggerTimeTracker` of `k8s.io/endpointslice/trace`, Kubernetes 1.34.
 */
import type { Labels, Pod } from '../base/workload-shapes.ts';
import { podCondition } from '../base/pod-state.ts';
import { keyOf } from '../base/ownership.ts';
import type { Service } from './service-shapes.ts';

const LAST_TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Known {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /** The earliest of the times that changed since the last call; undefined when none did. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyOf(service.metadata);
    const before = this.#known.get(key);
    const times = new Map(pods.flatMap((pod) => triggerTime(pod)));
    const created = service.metadata.creationTimestamp ?? '';
    this.#known.set(key, { service: created, pods: times });
    const changed = [...times].filter(([name, time]) => before?.pods.get(name) !== time).map(([, time]) => time);
    if (before?.service !== created) changed.push(created);
    return changed.toSorted()[0];
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}

/** A pod changes endpoints by becoming ready or not. */
function triggerTime(pod: Pod): readonly (readonly [string, string])[] {
  const time = podCondition(pod, 'Ready')?.lastTransitionTime;
  return time === undefined ? [] : [[pod.metadata.name, time]];
}

/** Annotations with the time, or without one. */
export function stamped(annotations: Labels | undefined, time: string | undefined): Labels {
  const { [LAST_TRIGGER]: _, ...rest } = annotations ?? {};
  return time === undefined ? rest : { ...rest, [LAST_TRIGGER]: time };
}
