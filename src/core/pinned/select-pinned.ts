/**
 * Which objects only the old revision or only old proxies obey, and what their copies are.
 * @source istio/istio pilot/pkg/config/kube/crdclient (an object with the label istio.io/rev is read by the istiod of exactly that
 *   revision; a tag is no revision there) @86c9f01
 */
import type { KubeObject, ObjectRef } from '../mesh/kube-objects.ts';
import type { MeshInventory } from '../mesh/mesh-inventory.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { acceptsFinding } from '../request/upgrade-request.ts';
import { copyObject, type CopyNaming } from './copy-object.ts';
import { isOfInstallation, keeperOf } from './keeper.ts';
import { versionPatches, type LostPatch, type VersionPatches } from './version-patches.ts';

export interface RevisionEnd {
  readonly revision: string;
  readonly version: string;
}

export interface PinnedInput {
  readonly objects: Pick<MeshObjects, 'pinnedObjects' | 'envoyFilters'>;
  readonly inventory: Pick<MeshInventory, 'workloads'>;
  readonly from: RevisionEnd;
  readonly to: RevisionEnd;
  /** `KIND/NAMESPACE/NAME` of objects that are left out. */
  readonly skip: readonly string[];
  /** Accepted findings: an object that somebody keeps is copied only when that is accepted. */
  readonly accept: readonly string[];
  readonly sha256: (text: string) => string;
}

export interface PinnedCopy {
  readonly source: KubeObject;
  readonly copy: KubeObject;
  readonly by: 'revision' | 'version' | 'both';
  readonly rewritten: readonly { readonly from: string; readonly to: string }[];
  /** Expressions that the copy has as they were, although they match no new proxy. */
  readonly notRewritten: readonly string[];
  /** Who keeps the source; set only where copying it was accepted. */
  readonly keeper?: string;
  /** Nothing of the source goes on to apply once the old revision is gone. */
  readonly replacesSource: boolean;
}

export interface PinnedSelection {
  readonly from: RevisionEnd;
  readonly to: RevisionEnd;
  readonly copies: readonly PinnedCopy[];
  /** No expression could be written for the new version, so that there is nothing to copy. */
  readonly notCopied: readonly { readonly source: KubeObject; readonly expressions: readonly string[] }[];
  /** Somebody keeps them, and copying them was not accepted. */
  readonly kept: readonly { readonly source: KubeObject; readonly keeper: string; readonly copy: KubeObject }[];
  readonly skipped: readonly KubeObject[];
  /** Made by the installation of the old control plane; they go with it. */
  readonly ofInstallation: readonly KubeObject[];
  readonly unknown: readonly { readonly source: KubeObject; readonly expressions: readonly string[] }[];
  /** They begin to apply with the new version. */
  readonly gained: readonly { readonly source: KubeObject; readonly expressions: readonly string[] }[];
  /** Entries of `skip` that name nothing that is pinned. */
  readonly unknownSkips: readonly string[];
}

/** `EnvoyFilter/shop/headers`, as in `--skip-pinned` and `--accept`. */
export function pinnedName(ref: ObjectRef | KubeObject): string {
  const { namespace = '', name } = 'metadata' in ref ? (ref.metadata as { namespace?: string; name: string }) : ref;
  return `${ref.kind}/${namespace}/${name}`;
}

/** The code with which an object that somebody keeps can be accepted. */
const KEPT_BY_SOMEBODY = 'CONF-010';

export function selectPinned(input: PinnedInput): PinnedSelection {
  const { from, to, objects } = input;
  const versions = { old: oldVersions(input), to: to.version };
  const labelled = objects.pinnedObjects.filter((object) => object.metadata.labels?.['istio.io/rev'] === from.revision);
  const unlabelled = objects.envoyFilters.filter((object) => object.metadata.labels?.['istio.io/rev'] === undefined);
  const judged = [...labelled, ...unlabelled]
    .map((source): Judged => ({ source, patches: versionPatches(source, versions), isLabelled: labelled.includes(source) }))
    .toSorted((a, b) => (pinnedName(a.source) < pinnedName(b.source) ? -1 : 1));
  const pinned = judged.filter(isPinned);
  const skips = new Set(input.skip.map((entry) => entry.toLowerCase()));
  const isSkipped = ({ source }: Judged): boolean => skips.has(pinnedName(source).toLowerCase());
  const named = new Set(judged.map(({ source }) => pinnedName(source).toLowerCase()));
  const wanted = pinned.filter((one) => !isSkipped(one) && !isOfInstallation(one.source));
  return {
    from,
    to,
    ...sortWanted(wanted, input),
    skipped: pinned.filter(isSkipped).map(({ source }) => source),
    ofInstallation: pinned.filter((one) => !isSkipped(one) && isOfInstallation(one.source)).map(({ source }) => source),
    unknown: judged.flatMap(({ source, patches }) => (patches.unknown.length === 0 ? [] : [{ source, expressions: patches.unknown }])),
    gained: judged.flatMap(({ source, patches }) =>
      patches.gained.length === 0 || patches.lost.length > 0 ? [] : [{ source, expressions: patches.gained }],
    ),
    unknownSkips: input.skip.filter((entry) => !named.has(entry.toLowerCase())),
  };
}

interface Judged {
  readonly source: KubeObject;
  readonly patches: VersionPatches;
  readonly isLabelled: boolean;
}

/** One with patches for both versions was made ready by its author. */
function isPinned({ patches, isLabelled }: Judged): boolean {
  return isLabelled || (patches.lost.length > 0 && patches.gained.length === 0);
}

/** Proxies may lag behind their control plane, or have their image pinned. */
function oldVersions({ from, inventory }: PinnedInput): string[] {
  const running = inventory.workloads.flatMap(({ pods }) =>
    pods.flatMap((pod) => (pod.revision === from.revision && pod.proxy !== undefined ? [pod.proxy.version] : [])),
  );
  const known = new Set([from.version, ...running].filter((version) => version !== 'unknown'));
  return known.size === 0 ? ['unknown'] : [...known];
}

function sortWanted(wanted: readonly Judged[], input: PinnedInput): Pick<PinnedSelection, 'copies' | 'notCopied' | 'kept'> {
  const copies: PinnedCopy[] = [];
  const notCopied: { source: KubeObject; expressions: readonly string[] }[] = [];
  const kept: { source: KubeObject; keeper: string; copy: KubeObject }[] = [];
  const taken = new Set<string>();
  for (const one of wanted) {
    const { source } = one;
    const lost = one.patches.gained.length > 0 ? [] : one.patches.lost;
    if (!one.isLabelled && lost.every((patch) => patch.rewritten === undefined)) {
      notCopied.push({ source, expressions: lost.map((patch) => patch.expression) });
      continue;
    }
    const keeper = keeperOf(source);
    const copy = nextCopy(one, { lost, keeper, taken }, input);
    if (keeper !== undefined && !acceptsFinding(input.accept, KEPT_BY_SOMEBODY, pinnedName(source))) kept.push({ source, keeper, copy });
    else copies.push(pinnedCopy(one, { lost, keeper, copy }));
  }
  return { copies, notCopied, kept };
}

interface Copying {
  readonly lost: readonly LostPatch[];
  readonly keeper: string | undefined;
}

/** Two sources may lead to one name, such as `x` and an earlier copy `x-old`; the second one keeps its whole name. */
function nextCopy(
  { source, isLabelled }: Judged,
  { lost, keeper, taken }: Copying & { taken: Set<string> },
  input: PinnedInput,
): KubeObject {
  const { from, to, sha256 } = input;
  const make = (naming: CopyNaming): KubeObject =>
    copyObject(source, { ...naming, lost, isKept: keeper !== undefined, ...(isLabelled ? { label: to.revision } : {}) });
  const short = make({ from: from.revision, to: to.revision, sha256 });
  const copy = taken.has(pinnedName(short)) ? make({ from: '', to: to.revision, sha256 }) : short;
  taken.add(pinnedName(copy));
  return copy;
}

function pinnedCopy({ source, patches, isLabelled }: Judged, { lost, keeper, copy }: Copying & { copy: KubeObject }): PinnedCopy {
  const isWhole = lost.length === patches.count && lost.every((patch) => patch.rewritten !== undefined);
  return {
    source,
    copy,
    by: isLabelled ? (lost.length > 0 ? 'both' : 'revision') : 'version',
    rewritten: lost.flatMap(({ expression, rewritten }) => (rewritten === undefined ? [] : [{ from: expression, to: rewritten }])),
    notRewritten: lost.flatMap(({ expression, rewritten }) => (rewritten === undefined ? [expression] : [])),
    ...(keeper === undefined ? {} : { keeper }),
    replacesSource: isLabelled || isWhole,
  };
}
