/** Writes over HTTP: parameters and body in, the pipeline, the answer out. */
import { forbiddenError } from '../../access/access-refusals.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { bodyTypeOf, decodeBody } from './decode-body.ts';
import { createObject } from '../pipeline/create-object.ts';
import { deleteObject } from '../pipeline/delete-object.ts';
import { readDeletion } from './delete-requests.ts';
import { jsonAnswer, type Answer } from './http-answers.ts';
import { listObjects } from '../pipeline/list-objects.ts';
import type { ListOptions } from '../pipeline/list-options.ts';
import { patchObject } from '../pipeline/patch-object.ts';
import { readPatch } from './patch-requests.ts';
import { presentList, presentObject } from './present-objects.ts';
import { readBody } from './read-body.ts';
import { isCreatedOnUpdate, replaceObject } from '../pipeline/replace-object.ts';
import { namespaceOf, presentationOf, presented, type Exchange, type FrontParts } from './exchange.ts';
import type { WriteContext } from '../server-core.ts';
import { optionsObject, readWriteOptions, type OptionsKind, type WriteOptions } from './write-options.ts';

export function writeContext(
  exchange: Exchange,
  definition: ResourceDefinition,
  kind: OptionsKind,
  options: WriteOptions & { readonly subresource: string },
): WriteContext {
  return {
    definition,
    namespace: namespaceOf(exchange, definition),
    subresource: options.subresource,
    user: exchange.user,
    fieldManager: options.fieldManager,
    dryRun: options.dryRun,
    options: optionsObject(kind, exchange.query, options),
    warnings: exchange.warnings,
  };
}

/** The object of a request's body. @throws StatusError */
export async function bodyObject(
  parts: FrontParts,
  { message, warnings }: Exchange,
  definition: ResourceDefinition,
  { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>,
): Promise<KubeObject> {
  const type = bodyTypeOf(definition, parts.core.registry.isCustom(definition));
  return decodeBody(await readBody(message), type, { contentType: message.headers['content-type'], fieldValidation, warnings });
}

export async function createFromRequest(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const options = readWriteOptions('CreateOptions', exchange.query, exchange.message.headers['user-agent']);
  const object = await bodyObject(parts, exchange, definition, options);
  const context = writeContext(exchange, definition, 'CreateOptions', { ...options, subresource: '' });
  const created = await createObject(parts.core, context, object);
  return presentObject(presentation, presented(parts, definition), created, 201);
}

export async function replaceFromRequest(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
  subresource: string,
): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const options = readWriteOptions('UpdateOptions', exchange.query, exchange.message.headers['user-agent']);
  const object = await bodyObject(parts, exchange, definition, options);
  const context = writeContext(exchange, definition, 'UpdateOptions', { ...options, subresource });
  if (subresource === '' && isCreatedOnUpdate(definition)) checkMayCreate(parts, exchange, definition);
  const { object: updated, created } = await replaceObject(parts.core, context, exchange.info.name, object);
  return presentObject(presentation, presented(parts, definition), updated, created ? 201 : 200);
}

/** A write that would make the object takes the right to create. @throws StatusError 403 */
function checkMayCreate({ core, authorizer }: FrontParts, exchange: Exchange, definition: ResourceDefinition): void {
  const { info, user } = exchange;
  if (core.store.get(definition.storage, namespaceOf(exchange, definition), info.name) !== undefined) return;
  const { group, version, resource, namespace, name } = info;
  const request = { user, verb: 'create', group, version, resource, subresource: '', namespace, name };
  const { allowed, reason } = authorizer(request);
  if (!allowed) throw forbiddenError(request, reason);
}

export async function patchFromRequest(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
  subresource: string,
): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const { patch, options } = await readPatch(parts, exchange, definition);
  if (patch.type === 'apply' && subresource === '') checkMayCreate(parts, exchange, definition);
  const context = writeContext(exchange, definition, 'PatchOptions', { ...options, subresource });
  const { object, created } = await patchObject(parts.core, context, exchange.info.name, patch);
  return presentObject(presentation, presented(parts, definition), object, created ? 201 : 200);
}

/** These answer with the object that was deleted, all others with a Status. */
const RETURN_DELETED: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'podtemplates',
  'resourcequotas',
]);

const ORPHANED_PODS =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

export async function deleteFromRequest(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const { deletion, options } = await readDeletion(exchange);
  const context = writeContext(exchange, definition, 'DeleteOptions', { ...options, subresource: '' });
  if (definition.storage === 'jobs.batch' && deletion.propagationPolicy === undefined && deletion.orphanDependents === undefined)
    exchange.warnings.push(ORPHANED_PODS);
  const deleted = await deleteObject(parts.core, context, exchange.info.name, deletion);
  if (!deleted.gone || RETURN_DELETED.has(definition.storage)) {
    const code = !deleted.gone && deletion.orphanDependents === false ? 202 : 200;
    return presentObject(presentation, presented(parts, definition), deleted.object, code);
  }
  const { group, resource } = definition;
  const { name, uid } = deleted.object.metadata;
  const details = { name, ...(group === '' ? {} : { group }), kind: resource, uid };
  return jsonAnswer(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

export async function deleteCollectionFromRequest(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
  listOptions: ListOptions,
): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const { deletion, options } = await readDeletion(exchange);
  const namespace = namespaceOf(exchange, definition);
  const page = listObjects(parts.core, { definition, ...(definition.namespaced ? { namespace } : {}) }, listOptions);
  const context = writeContext(exchange, definition, 'DeleteOptions', { ...options, subresource: '' });
  for (const { metadata } of page.items) {
    try {
      await deleteObject(parts.core, context, metadata.name, deletion);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return presentList(presentation, presented(parts, definition), page);
}

function isGone(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && (error.status as { readonly code?: number }).code === 404;
}
