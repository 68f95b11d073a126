/** What people should know of a workload that is restarted with another revision in its template. */
import { releaseOf } from '../helm/release-marks.ts';
import type { WorkloadMove } from '../moves/select-moves.ts';
import type { ObjectChange } from './step.ts';

/** Lines of difference for the label of the pod template. */
export function templateLabelDiff({ templateLabel }: WorkloadMove): ObjectChange['diff'] {
  if (templateLabel === undefined) return [];
  const line = (sign: string, value: string | null): string[] =>
    value === null ? [] : [`${sign} spec.template.metadata.labels."istio.io/rev": ${value}`];
  return [...line('-', templateLabel.from), ...line('+', templateLabel.to)];
}

/** What becomes of a workload that is no gateway when it is deployed again from its manifest. */
function labelNotes({ workload, templateLabel, gateway }: WorkloadMove): string[] {
  if (gateway || templateLabel === undefined || templateLabel.from === null || templateLabel.to === null) return [];
  const release = workload.controller === undefined ? undefined : releaseOf(workload.controller);
  const where = release === undefined ? 'its manifest' : `the Helm release ${release.name}`;
  return [`${where} still says istio.io/rev=${templateLabel.from}: say ${templateLabel.to} there before it is deployed again`];
}

/** Why it is restarted although a canary was asked for; and how its Helm release learns of the new revision. */
export function moveNotes(move: WorkloadMove): string[] {
  const { workload, templateLabel, inPlaceBecause, gateway } = move;
  if (!gateway) return labelNotes(move);
  const label = templateLabel?.to ?? undefined;
  const release = workload.controller === undefined ? undefined : releaseOf(workload.controller);
  return [
    ...(inPlaceBecause === undefined ? [] : [`in place: ${inPlaceBecause}`]),
    ...(release === undefined || label === undefined
      ? []
      : [
          `afterwards, so that the Helm release says the same: helm upgrade ${release.name} CHART -n ${release.namespace} --reuse-values --set revision=${label}`,
        ]),
  ];
}
