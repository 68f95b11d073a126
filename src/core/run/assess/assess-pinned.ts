/** Judges the copies of pinned objects. */
import { refText } from '../../controlplane/object-identity.ts';
import type { ObjectRef } from '../../mesh/kube-objects.ts';
import { pinnedName } from '../../pinned/select-pinned.ts';
import { Problem } from '../../problems/problem.ts';
import type { CopiesObservation } from '../pinned-observation.ts';
import type { StepAssessment } from '../step-assessment.ts';

export function assessCopies(observed: CopiesObservation, started: boolean): StepAssessment {
  const { wanted, pending, differing, changedSources, goneSources } = observed;
  const other = differing[0];
  if (other) return { kind: 'blocked', problem: otherContentProblem(other) };
  const changed = changedSources[0];
  if (changed && !started && pending.length > 0) return { kind: 'blocked', problem: changedSourceProblem(changed) };
  const first = pending[0];
  if (first)
    return {
      kind: 'pending',
      detail: `${pending.length} ${pending.length === 1 ? 'copy is' : 'copies are'} not there yet: ${refText(first)}`,
    };
  return {
    kind: 'satisfied',
    evidence: [
      `${wanted} ${wanted === 1 ? 'copy is' : 'copies are'} there as planned`,
      ...goneSources.map((ref) => `${refText(ref)} is gone and was not copied`),
    ],
  };
}

function otherContentProblem({ ref, difference }: CopiesObservation['differing'][number]): Problem {
  return new Problem('RUN-035', {
    what: `${refText(ref)} is there, and is not the copy that the plan makes: ${difference}.`,
    why: 'Somebody else made or changed it, and nothing is overwritten.',
    next: [
      { label: 'look', command: lookCommand(ref) },
      { label: 'take back', command: 'meshlift rollback' },
    ],
  });
}

function changedSourceProblem(ref: ObjectRef): Problem {
  return new Problem('RUN-035', {
    what: `${refText(ref)} is not what the plan found, so its copy would be out of date.`,
    next: [
      { label: 'look', command: lookCommand(ref) },
      { label: 'take back, and plan anew', command: 'meshlift rollback' },
    ],
  });
}

/** @param source what was to be copied @param error as the API server refused it */
export function copyRefusedProblem(copy: string, source: ObjectRef, error: Problem): Problem {
  return new Problem('RUN-034', {
    what: `The API server refused ${copy}: ${error.details.what}`,
    why: error.details.why ?? "A validation webhook, such as the new revision's own, or a policy of the cluster does not accept it.",
    next: [
      ...error.details.next,
      { label: 'take back, and plan without it', command: `meshlift plan --skip-pinned ${pinnedName(source)} …` },
    ],
    facts: { copy, source: pinnedName(source) },
  });
}

function lookCommand({ kind, namespace, name }: ObjectRef): string {
  return `kubectl${namespace === undefined ? '' : ` -n ${namespace}`} get ${kind.toLowerCase()} ${name} -o yaml --show-managed-fields`;
}
