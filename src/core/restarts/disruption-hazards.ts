/** What says that no pod of a workload may be missing now. */
import type { HorizontalPodAutoscaler, KubeObject, ObjectRef, PodDisruptionBudget } from '../mesh/kube-objects.ts';
import { matchesSelector } from '../mesh/match-selector.ts';
import type { Workload } from '../mesh/mesh-inventory.ts';
import type { RestartReason } from '../moves/restart-choice.ts';
import { rolloutRoom } from './rollout-room.ts';
import type { Surroundings } from './surroundings.ts';

/** Rollouts do not ask PodDisruptionBudgets, so that nothing but this would keep one. */
export function budgets(workload: Workload, { budgets: known, unread }: Surroundings): RestartReason[] {
  if (unread.has('poddisruptionbudgets')) return [{ weight: 'note', text: 'may have a PodDisruptionBudget: they could not be read' }];
  const labels = workload.template.metadata?.labels ?? {};
  const budget = (known.get(workload.namespace) ?? []).find((one) => isExhausted(one) && matchesSelector(one.spec?.selector, labels));
  if (budget === undefined) return [];
  const text = `has the PodDisruptionBudget ${budget.metadata.name}, which allows no disruption now`;
  return [{ code: 'WORK-002', weight: 'ask', text, passing: refTo(budget, 'policy/v1', 'PodDisruptionBudget') }];
}

/** With its autoscaler at the limit every pod has work to do; a rollout that only adds pods takes none away. */
export function scaledToTheLimit(workload: Workload, { autoscalers, unread }: Surroundings): RestartReason[] {
  const { missing } = rolloutRoom(workload);
  if (missing === 0) return [];
  if (unread.has('horizontalpodautoscalers'))
    return [{ weight: 'note', text: 'may be at the limit of an autoscaler: they could not be read' }];
  const scaler = autoscalers.get(`${workload.namespace}/${workload.kind}/${workload.name}`);
  if (scaler === undefined || !isAtItsLimit(scaler)) return [];
  const text = `is at the limit of its autoscaler (${scaler.spec?.maxReplicas ?? 0} pods), and its strategy takes ${missing} away`;
  return [{ code: 'WORK-010', weight: 'ask', text, passing: refTo(scaler, 'autoscaling/v2', 'HorizontalPodAutoscaler') }];
}

export function isExhausted({ status }: PodDisruptionBudget): boolean {
  return (status?.disruptionsAllowed ?? 0) === 0;
}

/** Items of a list do not say what they are. */
export function refTo({ metadata }: KubeObject, apiVersion: string, kind: string): ObjectRef {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
}

/** It wants more than it may have. One with room for a single number of pods never wants more. */
export function isAtItsLimit({ spec, status }: HorizontalPodAutoscaler): boolean {
  const most = spec?.maxReplicas ?? Number.POSITIVE_INFINITY;
  if ((spec?.minReplicas ?? 1) >= most) return false;
  const limited = status?.conditions?.find((condition) => condition.type === 'ScalingLimited');
  if (limited !== undefined) return limited.status === 'True' && limited.reason === 'TooManyReplicas';
  return (status?.desiredReplicas ?? 0) >= most;
}
