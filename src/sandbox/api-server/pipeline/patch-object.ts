/** The four kinds of patch, each a change of the live object; apply also creates. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { applyServerSide } from '../../managed-fields/apply-server-side.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, conflict, notFound, StatusError } from '../../objects/status-error.ts';
import { applyJsonPatch } from '../../patches/json-patch.ts';
import { applyMergePatch } from '../../patches/merge-patch.ts';
import { applyStrategicMergePatch } from '../../patches/strategic-merge-patch.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { createObject } from './create-object.ts';
import { resetFields } from './field-ownership.ts';
import { apiVersionOf } from '../resource-registry.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { asServed } from './stored-form.ts';
import { updateObject } from './update-object.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
  /** Of apply. */
  readonly force: boolean;
  /** Looks at the patched object before it is taken on, such as for fields that are not known. */
  readonly inspect?: (patched: KubeObject) => KubeObject;
}

export interface Patched {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** @throws StatusError */
export async function patchObject(core: ServerCore, context: WriteContext, name: string, patch: Patch): Promise<Patched> {
  const { definition, namespace } = context;
  if (patch.type !== 'apply') {
    const compute = (live: KubeObject): KubeObject => {
      const patched = applyPatchTo(definition, live, patch);
      checkIdentity(live, patched);
      return patched;
    };
    return { object: await updateObject(core, context, name, { compute, fromLive: true }), created: false };
  }
  const applied = appliedObject(definition, namespace, name, patch.body);
  const apply = (live: KubeObject | undefined): KubeObject => applyTo(core, context, live, { ...patch, body: applied });
  if (core.store.get(definition.storage, namespace, name) === undefined) {
    if (context.subresource !== '') throw notFound(definition, name);
    if (!namesItself(patch.body))
      throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
    if (applied.metadata.uid !== undefined)
      throw conflict(
        definition,
        name,
        `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`,
      );
    try {
      return { object: await createObject(core, context, withoutVersion(apply(undefined)), { tracked: true }), created: true };
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.reason !== 'AlreadyExists') throw error;
    }
  }
  return { object: await updateObject(core, context, name, { compute: apply, tracked: true, fromLive: true }), created: false };
}

/** What a patch makes of an object, with what the patch says of it inspected. @throws StatusError */
export function applyPatchTo({ schema }: Pick<ResourceDefinition, 'schema'>, live: KubeObject, patch: Patch): KubeObject {
  const patched = patchedObject(live, patch, schema);
  return patch.inspect?.(patched) ?? patched;
}

function patchedObject(live: KubeObject, { type, body }: Patch, schema: ResourceDefinition['schema']): KubeObject {
  if (type === 'json') return applyJsonPatch(live, body);
  // Objects that are shown but not stored, such as a Scale, are applied by merging.
  if (type === 'strategic' && schema !== undefined) return applyStrategicMergePatch(live, body, schema);
  return applyMergePatch(live, body);
}

/** An apply that makes the object does not mind that it names a version of it. */
function withoutVersion(object: KubeObject): KubeObject {
  if (object.metadata.resourceVersion === undefined) return object;
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What is to be created must say its own name. */
function namesItself(body: unknown): boolean {
  const { metadata } = body as Partial<KubeObject>;
  return (metadata?.name ?? '') !== '';
}

/** A patch may not make another object of it. */
function checkIdentity(live: KubeObject, patched: KubeObject): void {
  const { name, namespace } = patched.metadata;
  if (name !== live.metadata.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${live.metadata.name})`);
  if ((namespace ?? '') !== '' && namespace !== live.metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** The body of an apply, in the form of an object with the name and namespace of the URL. */
function appliedObject(definition: ResourceDefinition, namespace: string, name: string, body: unknown): KubeObject {
  const sent = (typeof body === 'object' && body !== null ? body : {}) as Partial<KubeObject>;
  const apiVersion = sent.apiVersion ?? '';
  const metadata = (sent.metadata ?? {}) as Partial<KubeObject['metadata']>;
  if (apiVersion !== apiVersionOf(definition) || sent.kind !== definition.kind)
    throw badRequest(`invalid object type: ${groupVersionText(apiVersion)}, Kind=${sent.kind ?? ''}`);
  if (metadata.managedFields !== undefined && metadata.managedFields.length > 0) throw badRequest('metadata.managedFields must be nil');
  if (metadata.name !== undefined && metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (definition.namespaced && metadata.namespace !== undefined && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...sent, apiVersion, kind: definition.kind, metadata: { ...metadata, name } };
}

/** `/v1` and `apps/v1`: how Go writes a group and version. */
function groupVersionText(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
}

function applyTo(
  core: ServerCore,
  context: WriteContext,
  live: KubeObject | undefined,
  patch: Patch & { readonly body: KubeObject },
): KubeObject {
  const { definition, fieldManager, subresource } = context;
  const merged = applyServerSide({
    live: live === undefined ? undefined : asServed(definition, live),
    applied: patch.body,
    schema: definition.schema,
    manager: fieldManager,
    force: patch.force,
    ...(subresource === '' ? {} : { subresource }),
    time: timestamp(core.clock),
    resetFields: resetFields(core, context),
  });
  return patch.inspect?.(merged) ?? merged;
}
