/**
 * How many replicas each ReplicaSet of a deployment gets: the rules of `pkg/controller/deployment` of Kubernetes 1.34
 * (rolling.go, sync.go and util/deployment_util.go), as pure functions.
 */
import { scaledValue } from '../base/int-or-percent.ts';
import type { Deployment, ReplicaSet } from '../base/workload-shapes.ts';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A ReplicaSet and the size that it shall have. */
export interface Scaling {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

export function desiredReplicas(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Surge rounds up, unavailable rounds down; if both come to nothing, one may be unavailable, else nothing could ever move. */
export function fenceposts(deployment: Deployment): Fenceposts {
  const total = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, total, 'up');
  const unavailable = scaledValue(maxUnavailable, total, 'down');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How many may be unavailable: never more than there are. */
export function maxUnavailable(deployment: Deployment): number {
  return Math.min(fenceposts(deployment).maxUnavailable, desiredReplicas(deployment));
}

export function totalReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + desiredReplicas(set), 0);
}

export function totalAvailable(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
}

export function activeSets(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  return sets.filter((set) => desiredReplicas(set) > 0);
}

/** The next size of the new ReplicaSet. @param current its size now @param all the sizes of all ReplicaSets together, it included */
export function newSetReplicas(deployment: Deployment, current: number, all: number): number {
  const wanted = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const most = wanted + fenceposts(deployment).maxSurge;
  return all >= most ? current : current + Math.min(most - all, wanted - current);
}

/**
 * What the old ReplicaSets lose in this turn: first what is not available anyway, then what the available ones allow.
 * @param old with replicas, oldest first
 */
export function oldSetScalings(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): readonly Scaling[] {
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const newUnavailable = desiredReplicas(newSet) - (newSet.status?.availableReplicas ?? 0);
  const mostDown = totalReplicas([...old, newSet]) - minAvailable - newUnavailable;
  if (mostDown <= 0) return [];
  const sizes = new Map(old.map((set) => [set, desiredReplicas(set)]));
  if (takeUnhealthy(sizes, mostDown)) takeAvailable(sizes, totalAvailable([...old, newSet]) - minAvailable);
  return [...sizes].flatMap(([replicaSet, replicas]) => (replicas === desiredReplicas(replicaSet) ? [] : [{ replicaSet, replicas }]));
}

/** @returns false when a ReplicaSet has more available than it wants: it still has to delete some, and the turn ends there */
function takeUnhealthy(sizes: Map<ReplicaSet, number>, most: number): boolean {
  let left = most;
  for (const [set, size] of sizes) {
    if (left <= 0) break;
    const unhealthy = size - (set.status?.availableReplicas ?? 0);
    if (unhealthy < 0) return false;
    const taken = Math.min(left, unhealthy);
    sizes.set(set, size - taken);
    left -= taken;
  }
  return true;
}

function takeAvailable(sizes: Map<ReplicaSet, number>, most: number): void {
  let left = most;
  for (const [set, size] of sizes) {
    if (left <= 0) return;
    const taken = Math.min(left, size);
    sizes.set(set, size - taken);
    left -= taken;
  }
}

/** Whether the new ReplicaSet has all that the deployment wants, was told so, and has them available. */
export function isSaturated(deployment: Deployment, newSet: ReplicaSet | undefined): boolean {
  if (newSet === undefined) return false;
  const wanted = desiredReplicas(deployment);
  const told = numberAnnotation(newSet, DESIRED_REPLICAS);
  return desiredReplicas(newSet) === wanted && told === wanted && (newSet.status?.availableReplicas ?? 0) === wanted;
}

/**
 * The sizes after the deployment was scaled: one active ReplicaSet takes all; several share by their sizes, what is left over goes to
 * the largest.
 * @param old newest first
 */
export function scaleProportionally(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Scaling[] {
  const wanted = desiredReplicas(deployment);
  const active = activeSets([...old, ...(newSet === undefined ? [] : [newSet])]);
  const only = active.length === 0 ? (newSet ?? old[0]) : active[0];
  if (active.length <= 1) return only === undefined || desiredReplicas(only) === wanted ? [] : [{ replicaSet: only, replicas: wanted }];
  if (isSaturated(deployment, newSet)) return activeSets(old).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  if (!isRollingUpdate(deployment)) return [];
  const allowed = wanted > 0 ? wanted + fenceposts(deployment).maxSurge : 0;
  return share(deployment, active, allowed - totalReplicas(active));
}

function share(deployment: Deployment, active: readonly ReplicaSet[], toAdd: number): readonly Scaling[] {
  const newestFirst = toAdd > 0 ? -1 : 1;
  const sets = active.toSorted((a, b) => desiredReplicas(b) - desiredReplicas(a) || newestFirst * byCreation(a, b));
  let added = 0;
  const sizes = sets.map((set) => {
    const part = toAdd === 0 ? 0 : proportion(deployment, set, toAdd - added);
    added += part;
    return desiredReplicas(set) + part;
  });
  return sets.map((replicaSet, index) => {
    const size = sizes[index] ?? 0;
    return { replicaSet, replicas: index === 0 ? Math.max(0, size + toAdd - added) : size };
  });
}

function proportion(deployment: Deployment, set: ReplicaSet, left: number): number {
  const size = desiredReplicas(set);
  if (left === 0) return 0;
  const fraction = desiredReplicas(deployment) === 0 ? -size : fractionOf(deployment, set, size);
  return left > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(deployment: Deployment, set: ReplicaSet, size: number): number {
  const mostNow = desiredReplicas(deployment) + fenceposts(deployment).maxSurge;
  const mostBefore = numberAnnotation(set, MAX_REPLICAS) || (deployment.status?.replicas ?? 0);
  return mostBefore === 0 ? 0 : Math.round((size * mostNow) / mostBefore) - size;
}

export function numberAnnotation(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name];
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

/** Oldest first; those of one second by name. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [timeA, timeB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
