/** The steps that move tags at the finish, and give namespaces that followed one their label back. */
import { diffWanted } from '../controlplane/diff-objects.ts';
import { refOf } from '../controlplane/object-identity.ts';
import type { WebhookObjects } from '../mesh/find-revisions.ts';
import type { MeshInventory, Tag } from '../mesh/mesh-inventory.ts';
import { applyLabels, type Moves } from '../moves/select-moves.ts';
import { changesOf, tagMoves } from '../tags/tag-moves.ts';
import type { ReleaseName } from '../helm/release.ts';
import { DEFAULT_TAG } from '../tags/tag-objects.ts';
import { labelStep, type StepDraft } from './build-steps.ts';
import type { Endpoint } from './resolve-endpoints.ts';
import type { ObjectChange, StepOf } from './step.ts';

export interface TagDraftsInput {
  readonly inventory: Pick<MeshInventory, 'tags'>;
  /** The mesh with what the new revision adds, since it need not be installed yet. */
  readonly objects: WebhookObjects;
  readonly moves: Moves;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The Helm release of the new revision, and whether the run has helm at hand; absent when Helm did not install it. */
  readonly successor?: ReleaseName & { readonly withHelm: boolean };
}

/** Tags that a plan moves: all that point to the old revision, used or not, but for the default, which is a step of its own. */
export function tagsOf(inventory: Pick<MeshInventory, 'tags'>, revision: string): Tag[] {
  return inventory.tags.filter((tag) => tag.revision === revision && tag.name !== DEFAULT_TAG);
}

export function tagDrafts(input: TagDraftsInput): StepDraft[] {
  const { inventory, moves, from, to } = input;
  const moved = tagsOf(inventory, from.revision);
  return [
    ...moved.map((tag) => moveTagStep(tag, input)),
    ...moves.namespaces.flatMap(({ namespace, set, backTo }) => {
      if (backTo === undefined || !moved.some((tag) => tag.name === backTo)) return [];
      const relabelled = { ...namespace, labels: applyLabels(namespace.labels, set) };
      const draft = labelStep(relabelled, { 'istio.io/rev': backTo }, to.revision);
      return [{ ...draft, slug: `label-back-${namespace.name}`, phase: 'finish' as const }];
    }),
  ];
}

function moveTagStep(tag: Tag, { inventory, objects, from, to, successor }: TagDraftsInput): StepDraft {
  const moves = changesOf(tagMoves(objects, { tag: tag.name, revision: to.revision, version: to.version }) ?? []);
  return {
    slug: `tag-${tag.name}`,
    kind: 'moveTag',
    title: `tag ${tag.name}: ${from.revision} → ${to.revision}`,
    phase: 'finish',
    preconditions: [{ holds: 'tag-points-to', tag: tag.name, revision: from.revision }],
    changes: moves.map(({ before, after }): ObjectChange => ({
      action: before ? 'update' : 'create',
      ref: refOf(after),
      shared: true,
      diff: before ? diffWanted(after, before).filter((line) => !line.includes('caBundle')) : [],
    })),
    doneWhen: `the webhooks of the tag point to ${to.revision}, and a dry-run pod that follows it is injected by ${to.revision}`,
    undo: `put its objects back as they were (${from.revision})`,
    tag: tag.name,
    revision: to.revision,
    from: from.revision,
    version: to.version,
    ...(tag.helmRelease === undefined
      ? {}
      : { helmRelease: tag.helmRelease, ...handOver(tag, helmTags(inventory, from.revision), successor) }),
  };
}

/** Names of the tags of a revision that Helm releases own. */
function helmTags({ tags }: Pick<MeshInventory, 'tags'>, revision: string): string[] {
  return tags.filter((tag) => tag.revision === revision && tag.helmRelease !== undefined).map(({ name }) => name);
}

/** The tag of the default moves with the default; a release that owns it is succeeded as that of any other tag is. */
export function withDefaultTag(
  draft: StepDraft,
  { inventory, from, successor }: Pick<TagDraftsInput, 'inventory' | 'from' | 'successor'>,
): StepDraft {
  const tag = inventory.tags.find(({ name, revision }) => name === DEFAULT_TAG && revision === from.revision);
  if (draft.kind !== 'moveDefault' || tag?.helmRelease === undefined) return draft;
  const { notes = [], heir } = handOver(tag, helmTags(inventory, from.revision), successor);
  return {
    ...draft,
    ...(heir === undefined ? {} : { heir, doneWhen: `${draft.doneWhen}, and the release ${heir.name} lists the tag` }),
    notes: [...(draft.notes ?? []), ...notes.map((note) => `tag ${DEFAULT_TAG}: ${note}`)],
  };
}

/** @param all tags that change hands: a release lists them together */
function handOver(tag: Tag, all: readonly string[], successor: TagDraftsInput['successor']): Pick<StepOf<'moveTag'>, 'notes' | 'heir'> {
  const release = tag.helmRelease ?? '';
  if (successor === undefined) return { notes: [`the Helm release ${release} owns it; afterwards no release does`] };
  const { name, namespace, withHelm } = successor;
  const note = `the Helm release ${name} takes it over from ${release}, in the same write`;
  if (withHelm) return { notes: [note], heir: { name, namespace } };
  return {
    notes: [note, `afterwards: helm upgrade ${name} istio/istiod -n ${namespace} --reuse-values --set revisionTags='{${all.join(',')}}'`],
  };
}
