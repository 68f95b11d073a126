/** Judges a tag: its objects point to the new revision, and a pod that follows it is injected by that. */
import { Problem } from '../../problems/problem.ts';
import type { StepOf } from '../../plan/step.ts';
import type { StepObservation } from '../observation.ts';
import type { StepAssessment } from '../step-assessment.ts';

type TagObservation = Extract<StepObservation, { kind: 'tag' }>;

export function assessTag(step: StepOf<'moveTag'>, observed: TagObservation, started: boolean): StepAssessment {
  const { pointsTo, pending } = observed;
  if (pointsTo === undefined) return { kind: 'obsolete', reason: `tag ${step.tag} is gone` };
  if (pending === undefined) return { kind: 'blocked', problem: noTargetProblem(step) };
  if (pointsTo !== step.from && pointsTo !== step.revision) return { kind: 'blocked', problem: elsewhereProblem(step, pointsTo) };
  if (pending.length > 0) {
    if (started) return { kind: 'pending', detail: `${pending.length} of its objects still point to ${step.from}` };
    return notYetMoved(step, observed) ?? { kind: 'pending', detail: `it points to ${step.from}` };
  }
  if (observed.unlisted !== undefined) return { kind: 'pending', detail: observed.unlisted };
  return assessProbe(step, observed);
}

/** Why a tag may not move yet; undefined when everything behind it was moved. */
function notYetMoved(step: StepOf<'moveTag'>, { unmoved = [], unknown = [] }: TagObservation): StepAssessment | undefined {
  if (unmoved.length > 0) return { kind: 'blocked', problem: unmovedProblem(step, unmoved) };
  if (unknown.length === 0) return undefined;
  const problem = new Problem('RUN-031', {
    what: [`What follows the tag ${step.tag} cannot be told.`, ...unknown.slice(0, 5)].join('\n'),
    why: 'What could not be read may follow it, and would be moved without anybody having looked at it.',
    next: [{ label: 'look', command: 'meshlift tag list' }],
  });
  return { kind: 'blocked', problem };
}

function assessProbe(step: StepOf<'moveTag'>, { probe }: TagObservation): StepAssessment {
  const listed = step.heir === undefined ? '' : `, and the release ${step.heir.name} lists it`;
  const points = `the webhooks of ${step.tag} point to ${step.revision}${listed}`;
  if (probe === undefined) return { kind: 'satisfied', evidence: [points, 'injection could not be tried: no namespace without labels'] };
  if (probe.inconclusive !== undefined)
    return { kind: 'satisfied', evidence: [points, `injection could not be tried: ${probe.inconclusive}`] };
  if (probe.revision === step.revision)
    return { kind: 'satisfied', evidence: [points, `a dry-run pod that follows it was injected by ${step.revision}`] };
  return {
    kind: 'pending',
    detail: probe.error ?? `a dry-run pod that follows it was injected by ${probe.revision ?? 'nobody'}, not by ${step.revision}`,
  };
}

function noTargetProblem(step: StepOf<'moveTag'>): Problem {
  return new Problem('TAGS-009', {
    what: `Revision ${step.revision} has no webhooks or no Service of its own, so that the tag ${step.tag} cannot point to it.`,
    next: [{ label: 'look', command: 'meshlift status' }],
  });
}

function elsewhereProblem(step: StepOf<'moveTag'>, pointsTo: string): Problem {
  return new Problem('TAGS-009', {
    what: `Tag ${step.tag} points to ${pointsTo}; the plan found it at ${step.from}.`,
    why: 'Somebody moved it in between.',
    next: [
      { label: 'look', command: 'meshlift tag list' },
      { label: 'move it by hand', command: `meshlift tag set ${step.tag} --revision ${step.revision} --overwrite` },
    ],
  });
}

function unmovedProblem(step: StepOf<'moveTag'>, unmoved: readonly string[]): Problem {
  const shown = unmoved.slice(0, 5);
  return new Problem('TAGS-010', {
    what: [
      `${unmoved.length} ${unmoved.length === 1 ? 'workload follows' : 'workloads follow'} the tag ${step.tag} and ${unmoved.length === 1 ? 'is' : 'are'} not on ${step.revision}:`,
      ...shown,
      ...(unmoved.length > shown.length ? [`and ${unmoved.length - shown.length} more`] : []),
    ].join('\n'),
    next: [{ label: 'who follows it', command: 'meshlift tag list -o wide' }],
    facts: { tag: step.tag, workloads: unmoved },
  });
}
