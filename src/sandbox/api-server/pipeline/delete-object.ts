/** Deletes one object: at once, after a grace period, or when its last finalizer has gone (apiserver, pkg/registry/generic/registry/store.go, v0.34). */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { KubeObject, ObjectMeta } from '../../objects/kube-object.ts';
import { conflict, notFound } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { deepFreeze } from '../../store/share-structure.ts';
import { mutate, validate } from './admit.ts';
import { checkDeletion, finalizersOnDelete, type Deletion } from './delete-options.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { asServed } from './stored-form.ts';
import { namespaceFinalizers } from './update-object.ts';

export interface Deleted {
  /** The object as it stood last, or as it waits for its deletion. */
  readonly object: KubeObject;
  /** It is gone. */
  readonly gone: boolean;
}

const DEFAULT_POD_GRACE_SECONDS = 30;

/** @throws StatusError */
export async function deleteObject(core: ServerCore, context: WriteContext, name: string, deletion: Deletion): Promise<Deleted> {
  checkDeletion(deletion);
  const { definition, namespace } = context;
  const before = core.store.get(definition.storage, namespace, name);
  const oldObject = before === undefined ? {} : { oldObject: asServed(definition, before) };
  await mutate(core, context, { operation: 'DELETE', name, ...oldObject });
  if (before === undefined) throw notFound(definition, name);
  checkPreconditions(definition, before, deletion);
  await validate(core, context, { operation: 'DELETE', name, ...oldObject });
  const stored = core.store.get(definition.storage, namespace, name);
  if (stored === undefined) throw notFound(definition, name);
  checkPreconditions(definition, stored, deletion);
  const { object, gone } = perform(core, context, stored, deletion);
  return { object: asServed(definition, object), gone };
}

function checkPreconditions(definition: ResourceDefinition, { metadata }: KubeObject, { uid, resourceVersion }: Deletion): void {
  const { group, kind } = definition;
  const about = { group, kind, resource: kind };
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      about,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      about,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ''}). The object might have been modified`,
    );
}

function perform(core: ServerCore, context: WriteContext, stored: KubeObject, deletion: Deletion): Deleted {
  const { storage } = context.definition;
  if (storage === 'namespaces') return deleteNamespace(core, context, stored);
  if (storage === 'customresourcedefinitions.apiextensions.k8s.io') return deleteDefinition(core, context, stored);
  if (storage === 'pods') return deleteGracefully(core, context, stored, deletion);
  const finalizers = finalizersOnDelete(storage, stored.metadata.finalizers ?? [], deletion);
  if (finalizers.length === 0) return remove(core, context, stored);
  const object = write(core, context, stored, { ...marked(core, stored.metadata, 0), finalizers });
  return { object, gone: false };
}

/** A pod stays until its kubelet deletes it with a grace period of 0. */
function deleteGracefully(core: ServerCore, context: WriteContext, stored: KubeObject, deletion: Deletion): Deleted {
  const { metadata } = stored;
  const seconds = graceSeconds(stored, deletion.gracePeriodSeconds);
  const present = metadata.deletionGracePeriodSeconds;
  if (
    metadata.deletionTimestamp !== undefined &&
    present !== undefined &&
    (deletion.gracePeriodSeconds === undefined || seconds >= present)
  ) {
    const waiting = (metadata.finalizers ?? []).length > 0 || present > 0 || deletion.gracePeriodSeconds === undefined;
    return waiting ? { object: stored, gone: false } : remove(core, context, stored);
  }
  const finalizers = finalizersOnDelete('pods', metadata.finalizers ?? [], deletion);
  const withFinalizers = finalizers.length === 0 ? withoutFinalizers(metadata) : { ...metadata, finalizers };
  const object = write(core, context, stored, marked(core, withFinalizers, seconds));
  if (seconds > 0 || finalizers.length > 0) return { object, gone: false };
  return context.dryRun ? { object, gone: true } : remove(core, context, object);
}

function graceSeconds(pod: KubeObject, wanted: number | undefined): number {
  const spec = pod['spec'] as { readonly nodeName?: string; readonly terminationGracePeriodSeconds?: number } | undefined;
  const { phase } = (pod['status'] ?? {}) as { readonly phase?: string };
  if ((spec?.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  return Math.max(0, wanted ?? spec?.terminationGracePeriodSeconds ?? DEFAULT_POD_GRACE_SECONDS);
}

/** Metadata of an object that is being deleted; a shorter grace period moves the moment forward, from when the deletion began. */
function marked(core: ServerCore, metadata: ObjectMeta, seconds: number): ObjectMeta {
  const { deletionTimestamp, deletionGracePeriodSeconds: present = 0, generation } = metadata;
  const beganMs = deletionTimestamp === undefined ? core.clock.nowMs() : Date.parse(deletionTimestamp) - present * 1000;
  const again = deletionTimestamp !== undefined;
  return {
    ...metadata,
    ...(again || generation === undefined || generation === 0 ? {} : { generation: generation + 1 }),
    deletionTimestamp: timestamp({ nowMs: () => beganMs + seconds * 1000 }),
    deletionGracePeriodSeconds: seconds,
  };
}

function withoutFinalizers(metadata: ObjectMeta): ObjectMeta {
  const { finalizers: _finalizers, ...rest } = metadata;
  return rest;
}

/** A namespace is emptied by a controller, which then takes its finalizer away. */
function deleteNamespace(core: ServerCore, context: WriteContext, stored: KubeObject): Deleted {
  if (stored.metadata.deletionTimestamp === undefined) {
    const status = { ...(stored['status'] as object | undefined), phase: 'Terminating' };
    const metadata = { ...stored.metadata, deletionTimestamp: timestamp(core.clock) };
    return { object: write(core, context, { ...stored, status }, metadata), gone: false };
  }
  const waits = namespaceFinalizers(stored).length > 0 || (stored.metadata.finalizers ?? []).length > 0;
  return waits ? { object: stored, gone: false } : remove(core, context, stored);
}

const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

/** A definition stays until its custom resources have gone. */
function deleteDefinition(core: ServerCore, context: WriteContext, stored: KubeObject): Deleted {
  const { metadata } = stored;
  if (metadata.deletionTimestamp !== undefined)
    return (metadata.finalizers ?? []).length > 0 ? { object: stored, gone: false } : remove(core, context, stored);
  const status = (stored['status'] ?? {}) as { readonly conditions?: readonly { readonly type: string }[] };
  const terminating = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: timestamp(core.clock),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const conditions = [...(status.conditions ?? []).filter(({ type }) => type !== 'Terminating'), terminating];
  const finalizers = [...(metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP), CLEANUP];
  const deletionTimestamp = timestamp(core.clock);
  const object = write(core, context, { ...stored, status: { ...status, conditions } }, { ...metadata, deletionTimestamp, finalizers });
  return { object, gone: false };
}

function write(core: ServerCore, { definition, dryRun }: WriteContext, object: KubeObject, metadata: ObjectMeta): KubeObject {
  const next = { ...object, metadata };
  return dryRun ? deepFreeze(next) : core.store.put(definition.storage, next);
}

function remove(core: ServerCore, { definition, namespace, dryRun }: WriteContext, object: KubeObject): Deleted {
  if (dryRun) return { object, gone: true };
  return { object: core.store.remove(definition.storage, namespace, object.metadata.name) ?? object, gone: true };
}
