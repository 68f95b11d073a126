/** Which pods of a ReplicaSet go first when it shrinks: `ActivePodsWithRanks` in `pkg/controller/controller_utils.go` of Kubernetes 1.34. */
import { isReady, podPhase, readySinceMs } from '../base/pod-state.ts';
import type { Pod } from '../base/workload-shapes.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_ORDER = ['Pending', 'Unknown', 'Running'];

export interface DeletionChoice {
  readonly pods: readonly Pod[];
  /** Active pods of all ReplicaSets of the same owner, those of this one included: who shares a node with them goes first. */
  readonly related: readonly Pod[];
  readonly count: number;
  readonly nowMs: number;
}

export function podsToDelete({ pods, related, count, nowMs }: DeletionChoice): readonly Pod[] {
  if (count >= pods.length) return pods;
  const perNode = new Map<string, number>();
  for (const { spec } of related) perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1);
  const neighbours = (pod: Pod): number => perNode.get(pod.spec.nodeName ?? '') ?? 0;
  return pods.toSorted((a, b) => compare(a, b, neighbours, nowMs)).slice(0, count);
}

function compare(a: Pod, b: Pod, neighbours: (pod: Pod) => number, nowMs: number): number {
  const rules = [
    () => Number(isAssigned(a)) - Number(isAssigned(b)),
    () => PHASE_ORDER.indexOf(podPhase(a)) - PHASE_ORDER.indexOf(podPhase(b)),
    () => Number(isReady(a)) - Number(isReady(b)),
    () => deletionCost(a) - deletionCost(b),
    () => neighbours(b) - neighbours(a),
    () => (isReady(a) && isReady(b) ? youngerFirst([readySinceMs(a), readySinceMs(b)], [a, b], nowMs) : 0),
    () => restarts(b) - restarts(a),
    () => youngerFirst([createdMs(a), createdMs(b)], [a, b], nowMs),
  ];
  for (const rule of rules) {
    const difference = rule();
    if (difference !== 0) return difference;
  }
  return 0;
}

function isAssigned(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '0';
  return /^-?\d+$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((one) => one.restartCount ?? 0));
}

function createdMs(pod: Pod): number | undefined {
  return pod.metadata.creationTimestamp === undefined ? undefined : Date.parse(pod.metadata.creationTimestamp);
}

/** Ages count by their power of two; within one, the uid decides, so that it is not always the youngest. */
function youngerFirst([a, b]: readonly [number | undefined, number | undefined], [podA, podB]: readonly [Pod, Pod], nowMs: number): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
  const difference = magnitude(nowMs - a) - magnitude(nowMs - b);
  return difference === 0 ? ((podA.metadata.uid ?? '') < (podB.metadata.uid ?? '') ? -1 : 1) : difference;
}

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1_000_000)) : -1;
}
