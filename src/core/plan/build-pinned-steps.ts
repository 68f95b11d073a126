/** The steps about objects that only the old revision, or only old proxies, obey: their copies, and their end. */
import { sortKeys } from '../controlplane/diff-objects.ts';
import { contentText, refKey, refOf, refText } from '../controlplane/object-identity.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { pinnedName, type PinnedCopy } from '../pinned/select-pinned.ts';
import type { PinnedPlan } from '../pinned/settle-pinned.ts';
import type { StepDraft } from './build-steps.ts';
import type { Plan } from './plan.ts';
import type { PinnedRemoval } from './pinned-step.ts';
import type { ObjectChange, Step, StepOf } from './step.ts';

/** @returns no step when there is nothing to copy */
export function copyPinnedDrafts(pinned: PinnedPlan | undefined, sha256: (text: string) => string): StepDraft[] {
  if (!pinned || pinned.copies.length === 0) return [];
  const { copies, to, from } = pinned;
  return [
    {
      slug: 'copy-pinned',
      kind: 'copyRevisionedObjects',
      title: `copy ${copies.length} ${copies.length === 1 ? 'object' : 'objects'} that only ${from.revision} or its proxies obey, for ${to.revision}`,
      phase: 'move',
      preconditions: [],
      changes: copies.map(copyChange),
      doneWhen: 'the API server has every copy as planned',
      undo: 'delete the copies that this run made',
      notes: copies.map((copy) => copyNote(copy, pinned)),
      revision: to.revision,
      copies: copies.map(({ source, copy }) => ({
        source: refOf(source),
        sourceDigest: sha256(contentText(source)),
        object: copy as StepOf<'copyRevisionedObjects'>['copies'][number]['object'],
      })),
    },
  ];
}

function copyChange({ source, copy, rewritten, by }: PinnedCopy): ObjectChange {
  const [before, after] = [source, copy].map((object) => object.metadata.labels?.['istio.io/rev']);
  return {
    action: 'create',
    ref: refOf(copy),
    diff: [
      ...(before === after || by === 'version'
        ? []
        : [`- metadata.labels."istio.io/rev": ${before}`, `+ metadata.labels."istio.io/rev": ${after}`]),
      ...rewritten.flatMap((expression) => [`- proxyVersion: ${expression.from}`, `+ proxyVersion: ${expression.to}`]),
    ],
  };
}

/** `EnvoyFilter shop/headers → headers-1-29-1, proxyVersion ^1\.28.* → ^1\.29.*; written for 1.28.2, so look whether it fits 1.29.1`. */
function copyNote({ source, copy, rewritten, notRewritten, keeper, by, replacesSource }: PinnedCopy, { from, to }: PinnedPlan): string {
  const expressions = new Set(rewritten.map((expression) => `${expression.from} → ${expression.to}`));
  return [
    `${refText(refOf(source))} → ${copy.metadata.name}`,
    ...(expressions.size === 0 ? [] : [`, proxyVersion ${[...expressions].join(', ')}`]),
    ...(by === 'version' && !replacesSource ? [' (only its patches that would no longer apply)'] : []),
    ...(notRewritten.length === 0 ? [] : [`, proxyVersion ${notRewritten.join(', ')} as it is, which matches no new proxy`]),
    ...(keeper === undefined ? [] : [`; ${keeper} keeps the original and knows nothing of the copy`]),
    `; written for ${from.version}, so look whether it fits ${to.version}`,
  ].join('');
}

export interface PinnedEnd {
  readonly pinned: PinnedRemoval;
  readonly changes: ObjectChange[];
}

/**
 * What becomes of pinned objects when the old control plane goes.
 * @returns undefined when there is nothing pinned
 */
export function pinnedEnd(plan: PinnedPlan | undefined, sha256: (text: string) => string): PinnedEnd | undefined {
  if (!plan) return undefined;
  const found = (source: KubeObject): PinnedRemoval['goes'][number] => ({ ref: refOf(source), digest: sha256(contentText(source)) });
  const replaced = [...plan.copies, ...plan.present].filter((copy) => copy.keeper === undefined && copy.replacesSource);
  const goes = [...replaced.filter(({ by }) => by !== 'version').map(({ source }) => source), ...plan.ofInstallation].map(found);
  const byVersion = replaced
    .filter(({ by }) => by === 'version')
    .map(({ source, rewritten }) => ({ ...found(source), expressions: rewritten.map(({ from }) => from) }));
  const stays = [
    ...plan.skipped,
    ...[...plan.copies, ...plan.present].filter(({ keeper }) => keeper !== undefined).map(({ source }) => source),
  ]
    .filter((source) => source.metadata.labels?.['istio.io/rev'] === plan.from.revision)
    .map(refOf);
  if (goes.length + byVersion.length + stays.length === 0) return undefined;
  return {
    pinned: { goes, stays, byVersion },
    changes: [...goes, ...byVersion].map(({ ref }) => deletion(ref)),
  };
}

function deletion(ref: ObjectChange['ref']): ObjectChange {
  return { action: 'delete', ref, diff: [] };
}

/** The removal of a control plane with the end of what is pinned to it: these objects go first. */
export function withPinnedEnd(draft: StepDraft, end: PinnedEnd | undefined): StepDraft {
  if (!end || draft.kind !== 'removeControlPlane') return draft;
  const { goes, byVersion, stays } = end.pinned;
  return {
    ...draft,
    title: end.changes.length === 0 ? draft.title : draft.title.replace(/, once/, ` and ${end.changes.length} pinned, once`),
    changes: [...end.changes, ...draft.changes],
    notes: [
      ...(draft.notes ?? []),
      ...goes.map(({ ref }) => `${refText(ref)} goes with it: its copy took its place`),
      ...byVersion.map(
        ({ ref, expressions }) => `${refText(ref)} goes if no proxy is left that ${[...new Set(expressions)].join(', ')} matches`,
      ),
      ...stays.map((ref) => `${refText(ref)} stays, and nobody reads it any more`),
    ],
    pinned: end.pinned,
  };
}

/** The copies that this run made go once nobody needs them, which is before the control plane that reads them goes. */
export function copiesBackDrafts(touched: readonly Step[], originalRefs: ReadonlyMap<string, readonly ObjectChange['ref'][]>): StepDraft[] {
  const step = touched.find((one): one is StepOf<'copyRevisionedObjects'> => one.kind === 'copyRevisionedObjects');
  const refs = step === undefined ? [] : (originalRefs.get(step.id) ?? []);
  if (step === undefined || refs.length === 0) return [];
  return [
    {
      slug: 'pinned',
      kind: 'restoreObject',
      title: `remove ${refs.length} ${refs.length === 1 ? 'copy' : 'copies'} made for ${step.revision}`,
      phase: 'move',
      preconditions: [],
      changes: refs.map(deletion),
      doneWhen: 'the copies are gone',
      undo: 'go forward again with a new plan',
      originalsOf: step.id,
      revision: step.revision,
      expect: 'pinned',
    },
  ];
}

/** Objects that were labelled for the new revision by somebody else stay when it is removed again: as before, nobody reads them. */
export function foreignPinned(
  revision: string,
  pinnedObjects: readonly { readonly ref: ObjectChange['ref']; readonly revision: string }[],
  copies: readonly ObjectChange['ref'][],
): PinnedRemoval | undefined {
  const ours = new Set(copies.map(refKey));
  const stays = pinnedObjects.filter((object) => object.revision === revision && !ours.has(refKey(object.ref))).map(({ ref }) => ref);
  return stays.length === 0 ? undefined : { goes: [], stays, byVersion: [] };
}

/** @returns what is different about pinned objects since the plan was made, one line each */
export function assessPinned(plan: Plan, current: Plan): string[] {
  const [planned, now] = [copiesOf(plan), copiesOf(current)];
  return now.flatMap((copy) => {
    const before = planned.find((one) => refKey(refOf(one.object as KubeObject)) === refKey(refOf(copy.object as KubeObject)));
    if (!before) return [`${pinnedName(copy.source)} is pinned, and not in the plan`];
    return before.sourceDigest === copy.sourceDigest && textOf(before.object) === textOf(copy.object)
      ? []
      : [`${pinnedName(copy.source)} is not what it was`];
  });
}

/** A plan that was in a file has its keys in another order. */
function textOf(object: unknown): string {
  return JSON.stringify(sortKeys(object));
}

function copiesOf(plan: Plan): StepOf<'copyRevisionedObjects'>['copies'] {
  return plan.steps.flatMap((step) => (step.kind === 'copyRevisionedObjects' ? step.copies : []));
}
