/** Judges a workload whose pods are evicted one by one: its controller replaces a pod only when that is gone. */
import type { Pod, PodController } from '../../mesh/kube-objects.ts';
import { injectedRevision } from '../../mesh/read-proxy.ts';
import { RESTART_ANNOTATION } from '../../plan/restart-mark.ts';
import type { StepOf } from '../../plan/step.ts';
import type { StepObservation } from '../observation.ts';
import type { StepAssessment } from '../step-assessment.ts';
import { assessProxies } from './assess-workload.ts';
import { isReady, isTerminating } from './describe-pods.ts';

type RestartStep = StepOf<'restartWorkload' | 'restartGateway'>;
type WorkloadObservation = Extract<StepObservation, { kind: 'workload' }>;

/** The part of an observation that tells it. */
export type Observed = Pick<WorkloadObservation, 'controller' | 'pods' | 'reports'>;

/**
 * Pods that are still to be replaced, in the order in which they go: one that is of no use first, then the highest ordinal of a
 * StatefulSet, as in its own rollouts. A pod that carries the mark of this restart never goes again, whoever injected it.
 */
export function podsToEvict({ controller, pods }: Pick<Observed, 'controller' | 'pods'>, revision: string | null): Pod[] {
  const mark = controller?.spec?.template?.metadata?.annotations?.[RESTART_ANNOTATION];
  return pods
    .filter(isAlive)
    .filter((pod) => (injectedRevision(pod) ?? null) !== revision)
    .filter((pod) => mark === undefined || pod.metadata.annotations?.[RESTART_ANNOTATION] !== mark)
    .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)) || b.metadata.name.localeCompare(a.metadata.name, 'en', { numeric: true }));
}

/** @returns `effectDue` only while no pod is missing and every one that was replaced is proven, the last successor included */
export function assessEviction(step: Pick<RestartStep, 'workload' | 'revision'>, observed: Observed): StepAssessment {
  const { controller, pods, reports } = observed;
  if (controller === undefined) return { kind: 'obsolete', reason: `${step.workload.kind} ${step.workload.name} is gone` };
  const alive = pods.filter(isAlive);
  const wanted = wantedPods(controller);
  if ((controller.status?.observedGeneration ?? 0) < (controller.metadata.generation ?? 0))
    return { kind: 'pending', cause: 'rollout', detail: 'the controller has not seen the change yet' };
  if (alive.length < wanted) return { kind: 'pending', cause: 'rollout', detail: `${alive.length} of ${wanted} pods are there` };
  const left = podsToEvict(observed, step.revision);
  const replaced = alive.filter((pod) => !left.includes(pod));
  const ready = replaced.filter(isReady).length;
  if (ready < replaced.length) return { kind: 'pending', cause: 'rollout', detail: `${ready} of ${replaced.length} new pods ready` };
  const proof: StepAssessment =
    replaced.length > 0 ? assessProxies(step, replaced, reports) : { kind: 'satisfied', evidence: ['scaled to zero: no pods'] };
  if (proof.kind !== 'satisfied' || left.length === 0) return proof;
  return { kind: 'pending', effectDue: true, cause: 'rollout', detail: `${left.length} of ${alive.length} pods are still to be replaced` };
}

function wantedPods({ kind, spec, status }: PodController): number {
  return kind === 'DaemonSet' ? (status?.desiredNumberScheduled ?? 0) : (spec?.replicas ?? 1);
}

function isAlive(pod: Pod): boolean {
  return !isTerminating(pod) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}
