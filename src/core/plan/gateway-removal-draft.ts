/** The step by which the old Deployment of a gateway goes, and by which its Helm release ends or is followed by another. */
import { refKey, refOf } from '../controlplane/object-identity.ts';
import { isOfRelease, releaseAnswer, withoutReleasePatch } from '../gateways/release-marks.ts';
import type { ReleaseName } from '../helm/release.ts';
import { RELEASE_NAME } from '../helm/release-marks.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import type { StepDraft } from './build-steps.ts';
import { canaryOf, releasedOf, type Canary, type CanaryInput } from './gateway-drafts.ts';
import type { ObjectChange } from './step.ts';

/** The step that removes the old Deployment once nothing runs on it, and takes what it shared out of its Helm release. */
export function removeGatewayDraft(input: CanaryInput, from: string): StepDraft {
  const canary = canaryOf(input);
  const { gateway, copy, live } = canary;
  const answer = releaseAnswer(live, input.releases);
  const release = answer.kind === 'goes' ? answer.release : undefined;
  const released = release === undefined ? undefined : releasedOf(canary);
  const shared = release === undefined ? [] : sharedObjects(canary, release, input.surroundings);
  const heir = released && { ...released.release, overrides: { ...released.overrides } };
  return {
    slug: `remove-${gateway.namespace}-${gateway.name}`,
    kind: 'removeGateway',
    title: `remove deploy/${gateway.name} in ${gateway.namespace}, whose traffic deploy/${copy.name} has${staysText(shared, release, heir)}`,
    phase: 'finish',
    preconditions: [],
    changes: [
      { action: 'delete', ref: refOf(live), diff: [] },
      ...autoscalerChanges(canary),
      ...shared.map((object) => sharedChange(object, canary)),
      ...madeChanges(canary, input.surroundings),
    ],
    doneWhen: `no pod of it runs; then it is gone, and nothing of its Service has changed${heir === undefined ? '' : `; the Helm release ${heir.name} is deployed, and no pod was restarted for it`}`,
    undo: `create deploy/${gateway.name} again as it was on ${from}, and let it serve before the new one goes${heir === undefined ? '' : `; the records of ${release?.name ?? ''} come back and those of ${heir.name} go`}`,
    ...(answer.kind === 'stays' ? { notes: [staysNote(answer.release.name, answer.release.namespace, answer.why)] } : {}),
    gateway,
    ...(release === undefined ? {} : { release: { ...release } }),
    ...(heir === undefined ? {} : { heir }),
  };
}

function staysText(shared: readonly KubeObject[], release: ReleaseName | undefined, heir: ReleaseName | undefined): string {
  if (release !== undefined && heir !== undefined) return `; the Helm release ${heir.name} takes the place of ${release.name}`;
  if (shared.length === 0) return '';
  return `; ${shared.length} shared ${shared.length === 1 ? 'object belongs' : 'objects belong'} to no release then, and the records of ${release?.name ?? ''} go`;
}

function sharedObjects({ gateway, autoscaler }: Canary, release: ReleaseName, surroundings: readonly KubeObject[]): KubeObject[] {
  return surroundings.filter(
    (o) =>
      o.metadata.namespace === gateway.namespace &&
      isOfRelease(o, release) &&
      !(o.kind === 'Deployment' && o.metadata.name === gateway.name) &&
      !(o.kind === 'HorizontalPodAutoscaler' && o.metadata.name === autoscaler?.metadata.name),
  );
}

/** One that follows the pods to the new Deployment stays, unless the chart makes another. */
function autoscalerChanges(canary: Canary): ObjectChange[] {
  const { autoscaler } = canary;
  const released = releasedOf(canary);
  if (autoscaler === undefined) return [];
  if (released !== undefined && !released.others.some(({ kind }) => kind === 'HorizontalPodAutoscaler')) return [];
  return [{ action: 'delete', ref: refOf(autoscaler), diff: [] }];
}

/** Kinds that select pods: one of the old release beside one of the new would count them twice, or stop each other. */
const REPLACED_KINDS = new Set(['PodDisruptionBudget', 'NetworkPolicy']);

function sharedChange(object: KubeObject, canary: Canary): ObjectChange {
  const released = releasedOf(canary);
  const others = released?.others ?? [];
  const changesHands = others.some((other) => refKey(refOf(other)) === refKey(refOf(object)));
  if (!changesHands && REPLACED_KINDS.has(object.kind) && others.some(({ kind }) => kind === object.kind))
    return { action: 'delete', ref: refOf(object), diff: [] };
  const handed =
    changesHands && released !== undefined
      ? [
          `- metadata.annotations."${RELEASE_NAME}": ${released.old.name}`,
          `+ metadata.annotations."${RELEASE_NAME}": ${released.release.name}`,
        ]
      : markLines(object);
  return { action: 'update', ref: refOf(object), shared: true, diff: handed };
}

/** What the new release makes that is not there yet. */
function madeChanges(canary: Canary, surroundings: readonly KubeObject[]): ObjectChange[] {
  const there = new Set(surroundings.map((object) => refKey(refOf(object))));
  return (releasedOf(canary)?.others ?? [])
    .filter((other) => !there.has(refKey(refOf(other))))
    .map((other) => ({ action: 'create', ref: refOf(other), diff: [] }));
}

/** A release that is left would take what it shares with the new gateway along when it is uninstalled, the address first of all. */
function staysNote(name: string, namespace: string, why: string): string {
  return `the Helm release ${name} stays (${why}): helm uninstall would delete the Service and its address; its records are the Secrets owner=helm,name=${name} in ${namespace}`;
}

function markLines(object: KubeObject): string[] {
  return Object.entries(withoutReleasePatch(object).metadata).flatMap(([part, marks]) =>
    Object.keys(marks).map((key) => `- metadata.${part}."${key}": ${object.metadata[part as 'labels' | 'annotations']?.[key] ?? ''}`),
  );
}
