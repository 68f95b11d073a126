/** Creates one object: names it, lets admission change and refuse it, validates and stores it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { alreadyExists, badRequest, invalid, StatusError } from '../../objects/status-error.ts';
import { timestamp } from '../../clock/sandbox-clock.ts';
import { trackUpdate } from '../../managed-fields/track-update.ts';
import { deepFreeze } from '../../store/share-structure.ts';
import { mutate, validate } from './admit.ts';
import { canonical, withMetadata } from './canonical-object.ts';
import { resetFields } from './field-ownership.ts';
import { createdMetadata, generatedName, metadataErrorsOnCreate } from '../object-metadata.ts';
import { apiVersionOf } from '../resource-registry.ts';
import { allocatorOf } from './dry-run.ts';
import { asServed, asStored } from './stored-form.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';

/** Tries with other suffixes when a generated name is taken. */
const NAME_ATTEMPTS = 8;

export interface CreateOptions {
  /** The object comes from apply, which has put the managed fields into it. */
  readonly tracked?: boolean;
}

/**
 * @param object as the client sent it, decoded
 * @returns the object as it is stored, or would be in a dry run
 * @throws StatusError
 */
export async function createObject(
  core: ServerCore,
  context: WriteContext,
  object: KubeObject,
  options: CreateOptions = {},
): Promise<KubeObject> {
  const { generateName } = object.metadata;
  if (object.metadata.name !== '' || generateName === undefined || generateName === '') return createOnce(core, context, object, options);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await createOnce(core, context, object, options);
    } catch (error) {
      if (attempt === NAME_ATTEMPTS || !(error instanceof StatusError) || error.status.reason !== 'AlreadyExists') throw error;
    }
  }
}

async function createOnce(core: ServerCore, context: WriteContext, sent: KubeObject, options: CreateOptions): Promise<KubeObject> {
  const { definition, namespace } = context;
  let object = ready(core, context, sent);
  if (options.tracked !== true) object = tracked(core, context, object);
  const admitted = await mutate(core, context, { operation: 'CREATE', name: object.metadata.name, object });
  if (admitted !== undefined && admitted !== object) {
    const written = canonical(admitted, core.registry.isCustom(definition));
    object = definition.applyDefaults?.(written) ?? written;
  }
  object = named(core, withMetadata(definition.prepare?.(object, undefined, allocatorOf(core, context)) ?? object));
  const errors = definition.validate?.(object, undefined) ?? metadataErrorsOnCreate(object.metadata);
  if (errors.length > 0) throw invalid(definition, object.metadata.name, errors);
  await validate(core, context, { operation: 'CREATE', name: object.metadata.name, object });
  const { name } = object.metadata;
  if (core.store.get(definition.storage, namespace, name) !== undefined) throw alreadyExists(definition, name);
  const stored = asStored(definition, object);
  if (context.dryRun) return asServed(definition, deepFreeze(stored));
  return asServed(definition, core.store.put(definition.storage, stored));
}

/** Decoded and defaulted, in its namespace, with the system's part of its metadata. */
function ready(core: ServerCore, context: WriteContext, sent: KubeObject): KubeObject {
  const { definition, namespace } = context;
  if (
    definition.namespaced &&
    sent.metadata.namespace !== undefined &&
    sent.metadata.namespace !== '' &&
    sent.metadata.namespace !== namespace
  )
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (!context.dryRun && (sent.metadata.resourceVersion ?? '') !== '')
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  const metadata = createdMetadata(core, definition, sent.metadata, namespace);
  const whole = { ...sent, apiVersion: apiVersionOf(definition), kind: definition.kind, metadata };
  // Namespaces get a label with their name in admission.
  const started = definition.storage === 'namespaces' ? named(core, whole) : whole;
  const object = canonical(started, core.registry.isCustom(definition));
  const withoutStatus = hasStatus(definition) ? omitStatus(object) : object;
  return definition.applyDefaults?.(withoutStatus) ?? withoutStatus;
}

/** Admission that changes objects does not see generated names yet, admission that only refuses does (apiserver, pkg/registry/rest/create.go, v0.34). */
function named(core: ServerCore, object: KubeObject): KubeObject {
  const { name, generateName } = object.metadata;
  if (name !== '' || generateName === undefined || generateName === '') return object;
  return { ...object, metadata: { ...object.metadata, name: generatedName(generateName, core.random) } };
}

/** Who owns what, as the object stands before admission: what webhooks add is owned by nobody. */
function tracked(core: ServerCore, context: WriteContext, object: KubeObject): KubeObject {
  const { definition, fieldManager, subresource } = context;
  return trackUpdate({
    before: undefined,
    after: object,
    schema: definition.schema,
    manager: fieldManager,
    apiVersion: apiVersionOf(definition),
    ...(subresource === '' ? {} : { subresource }),
    time: timestamp(core.clock),
    resetFields: resetFields(core, context),
  });
}

function hasStatus({ subresources }: WriteContext['definition']): boolean {
  return subresources.some(({ name }) => name === 'status');
}

function omitStatus(object: KubeObject): KubeObject {
  if (!('status' in object)) return object;
  const { status: _status, ...rest } = object;
  return rest as KubeObject;
}
