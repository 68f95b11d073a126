/** What is left to copy, once it is known what is there already. */
import { diffWanted, isRecord, sortKeys } from '../controlplane/diff-objects.ts';
import { refKey, refOf } from '../controlplane/object-identity.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { pinnedName, type PinnedCopy, type PinnedSelection } from './select-pinned.ts';
import { configPatches, versionPatches, withProxyVersion } from './version-patches.ts';

export interface PinnedPlan extends PinnedSelection {
  /** Copies that are there, made earlier or by hand; with the object that does it. */
  readonly present: readonly (PinnedCopy & { readonly there: KubeObject })[];
  /** Another object has the name that the copy would have. */
  readonly taken: readonly (PinnedCopy & { readonly there: KubeObject })[];
  /** Labelled with the old revision, and neither copied nor left out: they keep it in use. */
  readonly uncovered: readonly KubeObject[];
}

/**
 * @param live objects by `refKey`: at least those that have the name of a copy
 * @param envoyFilters every EnvoyFilter of the mesh: one that says the same for new proxies takes the place of a copy
 */
export function settlePinned(
  selection: PinnedSelection,
  live: ReadonlyMap<string, KubeObject>,
  envoyFilters: readonly KubeObject[],
): PinnedPlan {
  const copies: PinnedCopy[] = [];
  const present: (PinnedCopy & { there: KubeObject })[] = [];
  const taken: (PinnedCopy & { there: KubeObject })[] = [];
  for (const one of selection.copies) {
    const named = live.get(refKey(refOf(one.copy)));
    const there = named ?? envoyFilters.find((filter) => saysTheSame(filter, one, selection));
    if (there === undefined) copies.push(one);
    else if (there !== named || isEqualCopy(one.copy, there)) present.push({ ...one, there });
    else taken.push({ ...one, there });
  }
  const counterparts = new Set(present.map(({ there }) => pinnedName(there)));
  return {
    ...selection,
    copies,
    present,
    taken,
    uncovered: [],
    gained: selection.gained.filter(({ source }) => !counterparts.has(pinnedName(source))),
  };
}

/** Read by the same istiods, and of the same content. */
export function isEqualCopy(copy: KubeObject, there: KubeObject): boolean {
  return (
    revisionOf(copy) === revisionOf(there) && diffWanted(copy['spec'], there['spec']).length === 0 && sameText(copy['spec'], there['spec'])
  );
}

function saysTheSame(filter: KubeObject, { copy, source, rewritten }: PinnedCopy, { from, to }: PinnedSelection): boolean {
  if (rewritten.length === 0 || filter.metadata.namespace !== copy.metadata.namespace || revisionOf(filter) !== revisionOf(copy))
    return false;
  if (filter.metadata.name === source.metadata.name) return false;
  const patches = versionPatches(filter, { old: [from.version], to: to.version });
  return patches.gained.length > 0 && sameText(withoutVersions(filter), withoutVersions(copy));
}

function withoutVersions(filter: KubeObject): unknown {
  const spec = filter['spec'];
  return { ...(isRecord(spec) ? spec : {}), configPatches: configPatches(filter).map((patch) => withProxyVersion(patch, undefined)) };
}

function revisionOf(object: KubeObject): string | undefined {
  return object.metadata.labels?.['istio.io/rev'];
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(sortKeys(a)) === JSON.stringify(sortKeys(b));
}

/** The same for the removal of a revision alone, which makes no copies: what has none is not covered. */
export function forRemoval(plan: PinnedPlan): PinnedPlan {
  const isLabelled = ({ by }: PinnedCopy): boolean => by !== 'version';
  return {
    ...plan,
    copies: [],
    present: plan.present.filter(isLabelled),
    uncovered: [...plan.copies, ...plan.taken].filter(isLabelled).map(({ source }) => source),
    taken: [],
    notCopied: [],
    gained: [],
    unknown: [],
  };
}
