/** The status of a deployment and the conditions in it: `progress.go` and `calculateStatus` of Kubernetes 1.34. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { findCondition, removeCondition, setCondition } from '../base/conditions.ts';
import type { Condition, ConditionStatus, Deployment, DeploymentStatus, ReplicaSet } from '../base/workload-shapes.ts';
import { desiredReplicas, maxUnavailable, totalAvailable, totalReplicas } from './rollout-arithmetic.ts';

export interface StatusInput {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  readonly nowMs: number;
  readonly reportTerminating: boolean;
}

/** What the ReplicaSets say, without a judgement of the progress. */
export function calculateStatus({ deployment, newSet, oldSets, nowMs, reportTerminating }: StatusInput): DeploymentStatus {
  const now = timestamp({ nowMs: () => nowMs });
  const all = [...oldSets, ...(newSet === undefined ? [] : [newSet])];
  const sum = (field: 'replicas' | 'readyReplicas' | 'terminatingReplicas'): number =>
    all.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
  const available = totalAvailable(all);
  const isEnough = available >= desiredReplicas(deployment) - maxUnavailable(deployment);
  const minimum = isEnough
    ? condition(now, 'Available', 'True', { reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' })
    : condition(now, 'Available', 'False', {
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      });
  const { generation } = deployment.metadata;
  const collisions = deployment.status?.collisionCount;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...positive('replicas', sum('replicas')),
    ...positive('updatedReplicas', newSet?.status?.replicas ?? 0),
    ...positive('readyReplicas', sum('readyReplicas')),
    ...positive('availableReplicas', available),
    ...positive('unavailableReplicas', Math.max(0, totalReplicas(all) - available)),
    ...(reportTerminating ? { terminatingReplicas: sum('terminatingReplicas') } : {}),
    ...(collisions === undefined ? {} : { collisionCount: collisions }),
    conditions: setCondition(deployment.status?.conditions, minimum),
  };
}

/** Zero is not written: `omitempty`. */
function positive(field: string, value: number): Readonly<Record<string, number>> {
  return value === 0 ? {} : { [field]: value };
}

/** The status with the Progressing and ReplicaFailure conditions judged. */
export function rolloutStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newSet, oldSets } = input;
  let status = calculateStatus(input);
  if (!hasDeadline(deployment)) status = { ...status, conditions: removeCondition(status.conditions, 'Progressing') };
  const before = findCondition(deployment.status?.conditions, 'Progressing');
  const isOver = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === 'NewReplicaSetAvailable';
  if (hasDeadline(deployment) && !isOver) status = { ...status, conditions: progressConditions(input, status, before) };
  const failure = replicaFailure(newSet, oldSets);
  const conditions =
    failure === undefined ? removeCondition(status.conditions, 'ReplicaFailure') : setCondition(status.conditions, failure);
  return { ...status, conditions };
}

function progressConditions(input: StatusInput, status: DeploymentStatus, before: Condition | undefined): readonly Condition[] {
  const { deployment, newSet, nowMs } = input;
  const now = timestamp({ nowMs: () => nowMs });
  const subject = newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return setCondition(status.conditions, condition(now, 'Progressing', 'True', { reason: 'NewReplicaSetAvailable', message }));
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    const next = condition(now, 'Progressing', 'True', { reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` });
    const since = before?.status === 'True' ? before.lastTransitionTime : undefined;
    return [...removeCondition(status.conditions, 'Progressing'), since === undefined ? next : { ...next, lastTransitionTime: since }];
  }
  if (hasTimedOut(deployment, before, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return setCondition(status.conditions, condition(now, 'Progressing', 'False', { reason: 'ProgressDeadlineExceeded', message }));
  }
  return status.conditions ?? [];
}

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== 2_147_483_647;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = desiredReplicas(deployment);
  const counts = [status.updatedReplicas, status.replicas, status.availableReplicas];
  return counts.every((count) => (count ?? 0) === wanted) && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, before: Condition | undefined, nowMs: number): boolean {
  if (before === undefined || before.reason === 'NewReplicaSetAvailable') return false;
  if (before.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(before.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 < nowMs;
}

/**
 * When to look again whether a rollout is stuck.
 * @returns milliseconds from now; undefined when there is nothing to wait for
 */
export function nextProgressCheckMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const before = findCondition(deployment.status?.conditions, 'Progressing');
  if (!hasDeadline(deployment) || before === undefined) return undefined;
  if (isComplete(deployment, status) || before.reason === 'ProgressDeadlineExceeded') return undefined;
  const deadlineMs = Date.parse(before.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  // A second more, since the deadline must have passed, not just come.
  return Math.max(0, deadlineMs - nowMs) + 1000;
}

/** A failure of the new ReplicaSet goes before those of old ones. */
function replicaFailure(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Condition | undefined {
  for (const set of [...(newSet === undefined ? [] : [newSet]), ...oldSets]) {
    const failure = findCondition(set.status?.conditions, 'ReplicaFailure');
    if (failure !== undefined) return withTimes(failure, failure.lastTransitionTime ?? '');
  }
  return undefined;
}

export interface Reason {
  readonly reason: string;
  readonly message: string;
}

export function condition(now: string, type: string, status: ConditionStatus, { reason, message }: Reason): Condition {
  return withTimes({ type, status, reason, message }, now);
}

function withTimes({ type, status, reason, message }: Condition, time: string): Condition {
  return {
    type,
    status,
    lastUpdateTime: time,
    lastTransitionTime: time,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
