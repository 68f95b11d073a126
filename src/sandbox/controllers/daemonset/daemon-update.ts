/** Which pods of a DaemonSet are replaced next: `rollingUpdate` of `pkg/controller/daemon/update.go` in Kubernetes 1.34, as pure functions. */
import { scaledValue } from '../base/int-or-percent.ts';
import { isAvailable } from '../base/pod-state.ts';
import type { DaemonSet, Pod } from '../base/workload-shapes.ts';
import { HASH_LABEL } from './daemon-nodes.ts';

export interface DaemonUpdate {
  readonly set: DaemonSet;
  /** Of the present template. */
  readonly hash: string;
  /** Pods by node, ending ones included. */
  readonly podsByNode: ReadonlyMap<string, readonly Pod[]>;
  readonly desired: number;
  readonly nowMs: number;
}

export interface DaemonReplacement {
  readonly deletions: readonly Pod[];
  /** Nodes that get a second pod, of the new template. */
  readonly surges: readonly string[];
}

export interface DaemonLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Both round up; one pod at a time when both come to nothing. */
export function daemonLimits(set: DaemonSet, desired: number): DaemonLimits {
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, 'up');
  const unavailable = scaledValue(maxUnavailable, desired, 'up');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function nextReplacements(update: DaemonUpdate): DaemonReplacement {
  const limits = daemonLimits(update.set, update.desired);
  return limits.maxSurge === 0 ? replaceInPlace(update, limits.maxUnavailable) : replaceBySurge(update, limits.maxSurge);
}

interface NodePods {
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}

/** @returns undefined when there are several of a kind, which the next look puts right */
function split(pods: readonly Pod[], hash: string): NodePods | undefined {
  const fresh = pods.filter((pod) => pod.metadata.labels?.[HASH_LABEL] === hash);
  const old = pods.filter((pod) => pod.metadata.labels?.[HASH_LABEL] !== hash);
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

function replaceInPlace({ set, hash, podsByNode, nowMs }: DaemonUpdate, maxUnavailable: number): DaemonReplacement {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const pods of podsByNode.values()) {
    const node = split(pods, hash);
    if (node === undefined || (node.fresh === undefined) === (node.old === undefined)) unavailable += 1;
    else if (node.fresh !== undefined) unavailable += isAvailable(node.fresh, minReadySeconds, nowMs) ? 0 : 1;
    else if (node.old !== undefined) {
      if (isAvailable(node.old, minReadySeconds, nowMs)) candidates.push(node.old);
      else {
        unavailable += 1;
        broken.push(node.old);
      }
    }
  }
  return { deletions: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))], surges: [] };
}

function replaceBySurge({ set, hash, podsByNode, nowMs }: DaemonUpdate, maxSurge: number): DaemonReplacement {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const deletions: Pod[] = [];
  const broken: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  for (const [name, pods] of podsByNode) {
    const node = split(pods, hash);
    if (node === undefined) surging += 1;
    if (node?.old === undefined) continue;
    if (node.fresh !== undefined) {
      if (isAvailable(node.fresh, minReadySeconds, nowMs)) deletions.push(node.old);
      else surging += 1;
    } else if (isAvailable(node.old, minReadySeconds, nowMs)) candidates.push(name);
    else broken.push(name);
  }
  return { deletions, surges: [...broken, ...candidates.slice(0, Math.max(0, maxSurge - surging))] };
}
