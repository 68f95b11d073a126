/** Sets and removes one tag: what it would move is said first, then it is written, then looked at. */
import { buildDefaultMove, withOriginals } from '../core/controlplane/default-pointers.ts';
import { refOf } from '../core/controlplane/object-identity.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { findInjectionWebhooks } from '../core/mesh/find-revisions.ts';
import type { KubeObject, Labels } from '../core/mesh/kube-objects.ts';
import type { MeshInventory, Tag } from '../core/mesh/mesh-inventory.ts';
import type { MeshObjects } from '../core/mesh/mesh-objects.ts';
import { Problem } from '../core/problems/problem.ts';
import type { InjectionProbe } from '../core/run/observation.ts';
import {
  assessTagRemoval,
  assessTagSet,
  invalidTagName,
  objectsOfTag,
  otherDefault,
  ownedByOthers,
  tagSource,
  type TagChange,
} from '../core/tags/assess-tag-change.ts';
import {
  buildTagObjects,
  canonicalConfigurations,
  DEFAULT_TAG,
  listTagObjects,
  TAG_FIELD_MANAGER,
  withoutRaisedPolicy,
} from '../core/tags/tag-objects.ts';
import { changesOf, tagMoves, type TagMove } from '../core/tags/tag-moves.ts';
import { tagUsers, type TagUsers } from '../core/tags/tag-users.ts';
import type { RunPorts } from './flow-ports.ts';
import { readWebhookObjects } from './read-webhook-objects.ts';
import { probeTag } from './steps/tag.ts';

type Reader = Pick<RunPorts, 'reader'>;
type Writing = Pick<RunPorts, 'reader' | 'writer' | 'prober' | 'clock' | 'lock'>;

export interface TagSetRequest extends TagChange {
  readonly autoInject: boolean;
}

export interface PlannedTagSet {
  readonly request: TagSetRequest;
  readonly version: string;
  /** Where the tag points now, with the version there; absent for a new tag. */
  readonly from?: { readonly revision: string; readonly version: string };
  /** What is written; empty when the tag is as asked for. */
  readonly moves: readonly TagMove[];
  /** Who follows the tag once it is set. */
  readonly users: TagUsers;
  readonly inventory: MeshInventory;
}

/** @throws Problem MESH-002, TAGS-002 to TAGS-007 */
export async function planTagSet({ reader }: Reader, request: TagSetRequest): Promise<PlannedTagSet> {
  const objects = await reader.readMesh('status');
  const inventory = buildInventory(objects);
  const revision = assessTagSet(request, objects, inventory);
  if (revision instanceof Problem) throw revision;
  const existing = inventory.tags.find((tag) => tag.name === request.tag);
  const from = existing && { revision: existing.revision, version: versionOf(existing.revision, inventory) };
  const moves = movesFor(objects, request, revision.version) ?? [];
  const owned = existing && moves.length > 0 ? ownedByOthers(existing, request.revision) : undefined;
  if (owned) throw owned;
  return {
    request,
    version: revision.version,
    ...(from === undefined ? {} : { from }),
    moves,
    users: tagUsers(request.tag, { ...inventory, webhooks: findInjectionWebhooks(withMoves(objects, moves)) }),
    inventory,
  };
}

function versionOf(revision: string, inventory: MeshInventory): string {
  return inventory.revisions.find((r) => r.name === revision)?.version ?? 'unknown';
}

function movesFor(objects: Parameters<typeof tagMoves>[0], request: TagSetRequest, version: string): TagMove[] | undefined {
  const { tag, revision, autoInject } = request;
  if (tag === DEFAULT_TAG) return buildDefaultMove(objects, revision, { version, autoInject });
  const moves = tagMoves(objects, { tag, revision, version });
  return moves && changesOf(moves);
}

function withMoves(objects: MeshObjects, moves: readonly TagMove[]): ReturnType<typeof withOriginals> {
  return withOriginals(
    objects,
    moves.map(({ after }) => ({ ref: refOf(after), object: after })),
  );
}

/** What was seen after a tag was set. */
export interface SetTag {
  /** Namespace in which a pod was tried; absent when it followed the tag by its own label. */
  readonly namespace?: string;
  /** Why injection could not be tried; absent when a dry-run pod was injected by the revision. */
  readonly untried?: string;
}

const LONGEST_WAIT_MS = 30_000;
const INTERVAL_MS = 1000;

/**
 * Writes as istioctl writes, under its name as field manager, so that it can go on from there; then waits until the mesh shows it.
 * @throws Problem RUN-001 when a run is being driven, TAGS-009 when a pod that follows the tag is not injected by the revision
 */
export async function setTag(ports: Writing, planned: PlannedTagSet): Promise<SetTag> {
  await expectNoDriver(ports);
  for (const move of planned.moves) await writeMove(ports, move);
  const { request, version, users } = planned;
  const { namespaces } = users;
  const deadlineMs = ports.clock.nowMs() + LONGEST_WAIT_MS;
  for (;;) {
    const pending = movesFor(await readWebhookObjects(ports), request, version) ?? [];
    const probe = await probeTag(ports, request.tag, namespaces);
    if (pending.length === 0 && (probe === undefined || probe.inconclusive !== undefined))
      return { untried: probe?.inconclusive ?? 'every namespace has a label' };
    if (pending.length === 0 && probe?.revision === request.revision)
      return namespaces[0] === undefined ? {} : { namespace: namespaces[0] };
    if (ports.clock.nowMs() >= deadlineMs) throw notSetProblem(request, pending, probe);
    await ports.clock.sleep(INTERVAL_MS);
  }
}

async function writeMove({ reader, writer }: Pick<Writing, 'reader' | 'writer'>, { before, after, wanted }: TagMove): Promise<void> {
  // What is not made as istioctl makes it, such as the validator of the base chart, is replaced as it is.
  if (wanted === undefined || (before !== undefined && wanted === after)) return writer.putObject(after);
  await writer.applyObject(wanted, { fieldManager: TAG_FIELD_MANAGER, force: true });
  const live = await reader.readObject(refOf(after));
  const left = live && withoutLeftovers(live, after);
  if (left !== undefined) await writer.putObject(left);
}

/** What an apply leaves, because another manager had set it: labels and annotations copied from the former revision. */
function withoutLeftovers(live: KubeObject, after: KubeObject): KubeObject | undefined {
  const keep = (own: Labels = {}, wanted: Labels = {}): Labels =>
    Object.fromEntries(Object.entries(own).filter(([key]) => wanted[key] !== undefined || !key.startsWith('meta.helm.sh/')));
  const annotations = keep(live.metadata.annotations, after.metadata.annotations);
  if (Object.keys(annotations).length === Object.keys(live.metadata.annotations ?? {}).length) return undefined;
  return { ...live, metadata: { ...live.metadata, annotations } };
}

function notSetProblem({ tag, revision }: TagSetRequest, pending: readonly TagMove[], probe: InjectionProbe | undefined): Problem {
  const what =
    pending.length > 0
      ? `${pending.length} of its objects do not point to ${revision}`
      : (probe?.error ?? `a dry-run pod that follows it was injected by ${probe?.revision ?? 'nobody'}, not by ${revision}`);
  return new Problem('TAGS-009', {
    what: `Tag ${tag}: ${what}.`,
    state: { kind: 'changed', detail: `The objects of the tag were written.` },
    next: [
      { label: 'look', command: 'meshlift tag list' },
      { label: 'what is wrong', command: 'meshlift check' },
    ],
  });
}

async function expectNoDriver({ lock }: Pick<Writing, 'lock'>): Promise<void> {
  const holder = await lock.holder();
  if (!holder) return;
  throw new Problem('RUN-001', {
    what: `${holder.identity} drives a run on this mesh; it was last seen ${Math.round(holder.silentForMs / 1000)}s ago.`,
    next: [{ label: 'where it stands', command: 'meshlift runs' }],
    facts: { holder: holder.identity },
  });
}

export interface PlannedTagRemoval {
  readonly tag: Tag;
  readonly removes: readonly KubeObject[];
  /** Who serves the default afterwards; only for the tag default. */
  readonly heir?: string;
}

/** @throws Problem TAGS-001, TAGS-005, TAGS-006, TAGS-008, TAGS-011, MESH-007 */
export async function planTagRemoval({ reader }: Reader, name: string): Promise<PlannedTagRemoval> {
  const objects = await reader.readMesh('uses');
  const tag = assessTagRemoval(name, objects, buildInventory(objects));
  if (tag instanceof Problem) throw tag;
  const heir = name === DEFAULT_TAG ? otherDefault(objects) : undefined;
  return { tag, removes: objectsOfTag(name, objects), ...(heir === undefined ? {} : { heir }) };
}

/** @throws Problem RUN-001 when a run is being driven */
export async function removeTag(ports: Pick<Writing, 'writer' | 'lock' | 'reader'>, { removes }: PlannedTagRemoval): Promise<void> {
  await expectNoDriver(ports);
  for (const object of removes) await ports.writer.deleteObject(refOf(object));
}

/** The objects that istioctl would print; nothing is checked but the name and the revision, as there. @throws Problem MESH-002, TAGS-002, TAGS-007 */
export async function generateTag({ reader }: Reader, request: Omit<TagSetRequest, 'overwrite'>): Promise<KubeObject[]> {
  const objects = await reader.readMesh('status');
  const inventory = buildInventory(objects);
  const { tag, revision: name, autoInject } = request;
  const revision = invalidTagName(tag) ?? tagSource(name, objects, inventory);
  if (revision instanceof Problem) throw revision;
  const [canonical] = canonicalConfigurations(objects, name);
  if (!canonical) return [];
  const { validator, ...made } = buildTagObjects({ tag, version: revision.version, autoInject }, canonical);
  const live = objects.validatingWebhooks.find((c) => c.metadata.name === validator?.metadata.name);
  return listTagObjects({ ...made, ...(validator === undefined ? {} : { validator: withoutRaisedPolicy(validator, live) }) });
}
