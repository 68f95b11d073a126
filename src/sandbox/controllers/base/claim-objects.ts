/** Adoption and release: a controller owns what its selector matches, as `pkg/controller/controller_ref_manager.go` of Kubernetes. */
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { type ControllerContext, isNotFound } from './controller.ts';
import { selects } from './label-selector.ts';
import { controllerReference } from './ownership.ts';
import type { LabelSelector } from './workload-shapes.ts';

export interface Claim {
  readonly resource: GroupResource;
  readonly owner: KubeObject;
  readonly selector: LabelSelector;
  /** A further condition for adoption; what is owned already stays owned without it. */
  readonly mayAdopt?: (object: KubeObject) => boolean;
}

/**
 * What the owner controls after it adopted what matches and released what no longer does. Nothing is adopted by an owner that is
 * being deleted.
 */
export async function claimObjects(context: ControllerContext, claim: Claim): Promise<readonly KubeObject[]> {
  const { resource, owner, selector } = claim;
  const namespace = owner.metadata.namespace ?? '';
  const uid = owner.metadata.uid ?? '';
  const isLive = owner.metadata.deletionTimestamp === undefined;
  const claimed: KubeObject[] = [];
  for (const object of context.cluster.list(resource, { namespace, ownerUid: uid })) {
    const reference = object.metadata.ownerReferences?.find((one) => one.uid === uid);
    if (reference?.controller !== true) continue;
    if (selects(selector, object.metadata.labels)) claimed.push(object);
    else if (isLive) await release(context, resource, object, uid);
  }
  if (!isLive) return claimed;
  for (const object of context.orphans.list(resource, namespace)) {
    if (object.metadata.deletionTimestamp !== undefined || !selects(selector, object.metadata.labels)) continue;
    if (claim.mayAdopt?.(object) === false) continue;
    const adopted = await adopt(context, resource, object, owner);
    if (adopted !== undefined) claimed.push(adopted);
  }
  return claimed;
}

async function adopt(
  { writer }: ControllerContext,
  resource: GroupResource,
  { metadata }: KubeObject,
  owner: KubeObject,
): Promise<KubeObject | undefined> {
  const ownerReferences = [...(metadata.ownerReferences ?? []), controllerReference(owner)];
  const patch = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, ownerReferences } };
  try {
    return await writer.patch(resource, metadata.name, metadata.namespace, patch);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function release({ writer }: ControllerContext, resource: GroupResource, { metadata }: KubeObject, uid: string): Promise<void> {
  const ownerReferences = (metadata.ownerReferences ?? []).filter((one) => one.uid !== uid);
  const patch = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, ownerReferences } };
  try {
    await writer.patch(resource, metadata.name, metadata.namespace, patch);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
