/** A workload whose strategy is changed for the time of its restart. */
import type { PodController } from '../../mesh/kube-objects.ts';
import { countsOf, countsText, isSurging, sameCounts } from '../../moves/surge.ts';
import { shortName } from '../../plan/build-steps.ts';
import type { StepOf } from '../../plan/step.ts';
import { Problem } from '../../problems/problem.ts';
import type { StepAssessment } from '../step-assessment.ts';

type RestartStep = StepOf<'restartWorkload' | 'restartGateway'>;

/**
 * @param judged how its pods stand
 * @param started the strategy may be that of the restart; before that it must be the one that is to come back
 */
export function assessSurge(
  { surge, workload }: RestartStep,
  controller: PodController | undefined,
  judged: StepAssessment,
  started: boolean,
): StepAssessment {
  if (surge === undefined || controller === undefined) return judged;
  const surging = isSurging(controller);
  if (!started && !surging && !sameCounts(countsOf(controller), surge.from)) {
    const name = `${shortName(workload)} in ${workload.namespace}`;
    const what = `${name} has ${countsText(countsOf(controller))}; the plan was made with ${countsText(surge.from)}, which it would get back.`;
    const next = [
      { label: 'look', command: `kubectl -n ${workload.namespace} get ${shortName(workload)} -o yaml` },
      { label: 'once it is as it was', command: 'meshlift resume' },
    ];
    return { kind: 'blocked', problem: new Problem('RUN-025', { what, next }) };
  }
  return judged.kind === 'satisfied' && surging ? { kind: 'pending', detail: 'it gets its own strategy back', effectDue: true } : judged;
}
