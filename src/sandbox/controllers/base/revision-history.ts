/** ControllerRevisions: the templates that a StatefulSet or DaemonSet had, numbered. `pkg/controller/history` of Kubernetes. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { claimObjects } from './claim-objects.ts';
import { type ControllerContext, deleteQuietly, isAlreadyExists, read } from './controller.ts';
import { controllerReference } from './ownership.ts';
import { contentHash, sameContent } from './stable-hash.ts';
import type { ControllerRevision, LabelSelector, PodTemplate } from './workload-shapes.ts';

const REVISIONS = 'controllerrevisions.apps';

export interface RevisionOwner extends KubeObject {
  readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplate; readonly revisionHistoryLimit?: number };
}

export interface RevisionNaming {
  readonly owner: RevisionOwner;
  /** The label that carries the hash. */
  readonly hashLabel: string;
  /** Names that other templates took already. */
  readonly collisionCount: number;
}

export interface CurrentRevision {
  readonly revision: ControllerRevision;
  /** All of the owner, lowest number first, the current one included. */
  readonly history: readonly ControllerRevision[];
  readonly collisionCount: number;
}

/** Finds the revision of the owner's template and makes it the newest, or creates it. */
export async function currentRevision(context: ControllerContext, naming: RevisionNaming): Promise<CurrentRevision> {
  const { owner } = naming;
  const claimed = await claimObjects(context, { resource: REVISIONS, owner, selector: owner.spec.selector });
  const history = (claimed as readonly ControllerRevision[]).toSorted(byNumber);
  const last = history.at(-1);
  const data = { spec: { template: { ...owner.spec.template, $patch: 'replace' } } };
  const equal = history.findLast((one) => sameContent(one.data, data));
  const number = (last?.revision ?? 0) + 1;
  if (equal === undefined) {
    const { revision, collisionCount } = await create(context, naming, data, number);
    return { revision, history: [...history, revision], collisionCount };
  }
  if (equal === last) return { revision: equal, history, collisionCount: naming.collisionCount };
  const revision = (await context.writer.update(REVISIONS, { ...equal, revision: number })) as ControllerRevision;
  const others = history.filter((one) => one !== equal);
  return { revision, history: [...others, revision], collisionCount: naming.collisionCount };
}

async function create(
  { writer, cluster }: ControllerContext,
  { owner, hashLabel, collisionCount }: RevisionNaming,
  data: unknown,
  number: number,
): Promise<{ readonly revision: ControllerRevision; readonly collisionCount: number }> {
  for (let collisions = collisionCount; ; collisions += 1) {
    const hash = contentHash(data, collisions);
    const name = `${owner.metadata.name}-${hash}`;
    const { namespace } = owner.metadata;
    const wanted: ControllerRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...owner.spec.template.metadata?.labels, [hashLabel]: hash },
        ...(owner.metadata.annotations === undefined ? {} : { annotations: owner.metadata.annotations }),
        ownerReferences: [controllerReference(owner)],
      },
      data,
      revision: number,
    };
    try {
      return { revision: (await writer.create(REVISIONS, wanted)) as ControllerRevision, collisionCount: collisions };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const there = read<ControllerRevision>(cluster, REVISIONS, name, namespace);
      if (there !== undefined && sameContent(there.data, data)) return { revision: there, collisionCount: collisions };
    }
  }
}

function byNumber(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1);
}

export function templateOf(revision: ControllerRevision): PodTemplate {
  const { spec } = revision.data as { readonly spec: { readonly template: PodTemplate & { readonly $patch?: string } } };
  const { $patch: _, ...template } = spec.template;
  return template;
}

/** Deletes the oldest revisions that nothing uses, beyond the owner's limit. @param live names that must stay */
export async function truncateHistory(
  { writer }: ControllerContext,
  owner: RevisionOwner,
  history: readonly ControllerRevision[],
  live: ReadonlySet<string>,
): Promise<void> {
  const dead = history.filter((one) => !live.has(one.metadata.name));
  const surplus = dead.length - (owner.spec.revisionHistoryLimit ?? 10);
  for (const one of dead.slice(0, Math.max(0, surplus))) await deleteQuietly(writer, REVISIONS, one);
}
