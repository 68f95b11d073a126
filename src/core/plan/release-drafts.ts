/** What steps have to do with Helm releases: said in their titles, and held in their fields. */
import { baseDisagreement } from '../helm/base-release.ts';
import type { HelmView } from '../helm/helm-view.ts';
import type { ReleaseName } from '../helm/release.ts';
import type { UpgradeRequest } from '../request/upgrade-request.ts';
import type { StepDraft } from './build-steps.ts';
import type { Endpoint } from './resolve-endpoints.ts';
import type { Step } from './step.ts';

type DraftOf<K extends Step['kind']> = Extract<StepDraft, { kind: K }>;

/** The base release goes along with the default, where helm installs: its next upgrade must not bring the old one back. */
export function withBase(draft: StepDraft, to: Endpoint, { install }: UpgradeRequest, { base }: HelmView): StepDraft {
  if (draft.kind !== 'moveDefault' || install?.with !== 'helm' || base === undefined) return draft;
  const disagreement = baseDisagreement(base, to);
  if (disagreement === undefined) return draft;
  return {
    ...draft,
    title: `${draft.title}, and the Helm release ${base.name}`,
    doneWhen: `${draft.doneWhen}, and the release ${base.name} says the same`,
    undo: `${draft.undo}, and the record of ${base.name} too`,
    notes: [...(draft.notes ?? []), `${disagreement}: upgraded to the base chart of ${to.version} with defaultRevision=${to.revision}`],
    baseRelease: { name: base.name, namespace: base.namespace, target: to.version },
  };
}

/** The records of a release go when its objects are gone; helm itself would delete what has changed hands since. */
export function withRelease(draft: StepDraft, release: ReleaseName | undefined, reasonToStay: string | undefined): StepDraft {
  if (draft.kind !== 'removeControlPlane') return draft;
  if (release === undefined) return reasonToStay === undefined ? draft : { ...draft, notes: [...(draft.notes ?? []), reasonToStay] };
  return {
    ...draft,
    title: draft.title.replace(' objects', ` objects and the records of the Helm release ${release.name}`),
    undo: `${draft.undo}; the newest record of ${release.name} comes back too`,
    release: { ...release },
  } satisfies DraftOf<'removeControlPlane'>;
}
