/** Replaces one object by what a change makes of the live one: the way of PUT, of every kind of patch and of subresources. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { keepUnchangedTimes } from '../../managed-fields/unchanged-times.ts';
import { trackUpdate } from '../../managed-fields/track-update.ts';
import type { KubeObject, ObjectMeta } from '../../objects/kube-object.ts';
import { conflict, invalid, modified, notFound, StatusError, type FieldError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { deepFreeze, shareStructure } from '../../store/share-structure.ts';
import { mutate, validate } from './admit.ts';
import { canonicalAfter } from './canonical-object.ts';
import { allocatorOf } from './dry-run.ts';
import { withEmptyListsCounted } from './empty-lists.ts';
import { resetFields } from './field-ownership.ts';
import { updatedMetadata, withGeneration } from '../object-metadata.ts';
import { apiVersionOf } from '../resource-registry.ts';
import { asServed, asStored } from './stored-form.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { storedAfterStatusUpdate } from './status-update.ts';

/** What becomes of the live object; it may throw a StatusError. */
export interface Change {
  /** @param live as the request's version shows it */
  readonly compute: (live: KubeObject) => KubeObject;
  /** The managed fields are in what was computed, as with apply. */
  readonly tracked?: boolean;
  /** For changes the server makes itself, such as binding a pod: neither prepared nor validated as a client's. */
  readonly trusted?: boolean;
  /** Writes without a resourceVersion are refused for some resources; patches always start from the live object. */
  readonly fromLive?: boolean;
}

/** An object before and after, both as the request's version shows them. */
interface Transition {
  readonly live: KubeObject;
  readonly next: KubeObject;
}

const ATTEMPTS = 5;

/** Resources that refuse a PUT without a resourceVersion: `AllowUnconditionalUpdate` of their strategies. */
const CONDITIONAL: ReadonlySet<string> = new Set([
  'customresourcedefinitions.apiextensions.k8s.io',
  'leases.coordination.k8s.io',
  'poddisruptionbudgets.policy',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
]);

/**
 * @returns the object as it is stored, or would be in a dry run; unchanged, with its resourceVersion, when nothing differs
 * @throws StatusError
 */
export async function updateObject(core: ServerCore, context: WriteContext, name: string, change: Change): Promise<KubeObject> {
  const { definition, namespace } = context;
  for (let attempt = 1; ; attempt += 1) {
    const stored = core.store.get(definition.storage, namespace, name);
    if (stored === undefined) throw notFound(definition, name);
    const live = asServed(definition, stored);
    const computed = change.compute(live);
    const conditional = checkPreconditions(core, definition, { live, next: computed }, change);
    let next = nextOf(core, context, { live, next: computed }, change);
    const admitted = await mutate(core, context, { operation: 'UPDATE', name, object: next, oldObject: live });
    if (admitted !== undefined && admitted !== next)
      next = withDefaults(definition, canonicalAfter(live, admitted, core.registry.isCustom(definition)));
    next = withEmptyListsCounted(definition, live, computed, finished(core, context, { live, next }, change));
    await validate(core, context, { operation: 'UPDATE', name, object: next, oldObject: live });
    const now = core.store.get(definition.storage, namespace, name);
    if (now === stored) return commit(core, context, { stored, next });
    if (now === undefined) throw notFound(definition, name);
    if (conditional || attempt === ATTEMPTS) throw modified(definition, name);
  }
}

/**
 * A change that the server makes by itself: neither admitted nor tracked nor validated.
 * @throws StatusError 404
 */
export function updateDirectly(
  core: ServerCore,
  context: WriteContext,
  name: string,
  compute: (live: KubeObject) => KubeObject,
): KubeObject {
  const { definition, namespace } = context;
  const stored = core.store.get(definition.storage, namespace, name);
  if (stored === undefined) throw notFound(definition, name);
  const live = asServed(definition, stored);
  return commit(core, context, { stored, next: compute(live) });
}

/** @returns whether the client named the resourceVersion that it wants to replace */
function checkPreconditions(core: ServerCore, definition: ResourceDefinition, { live, next }: Transition, change: Change): boolean {
  const { metadata } = next;
  const { name, uid } = live.metadata;
  const wanted = metadata.resourceVersion ?? '';
  if (wanted !== '' && wanted !== '0' && !/^\d+$/.test(wanted))
    throw plainServerError(`strconv.ParseUint: parsing ${JSON.stringify(wanted)}: invalid syntax`);
  const conditional = wanted !== '' && wanted !== '0';
  if (change.fromLive !== true && metadata.uid !== undefined && metadata.uid !== '' && metadata.uid !== uid)
    throw conflict(definition, name, uidMismatch(definition, live, metadata.uid));
  if (conditional && wanted !== live.metadata.resourceVersion) throw modified(definition, name);
  const refusesBlindWrites = core.registry.isCustom(definition) || CONDITIONAL.has(definition.storage);
  if (!conditional && change.fromLive !== true && refusesBlindWrites)
    // The resource stands where other refusals have the kind.
    throw invalid({ ...definition, kind: definition.resource }, name, [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message: 'Invalid value: 0: must be specified for an update' },
    ]);
  return conditional && change.fromLive !== true;
}

function uidMismatch({ storage }: ResourceDefinition, { metadata }: KubeObject, wanted: string): string {
  const place = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return `StorageError: invalid object, Code: 4, Key: /registry/${storage.split('.')[0] ?? ''}/${place}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${metadata.uid ?? ''}`;
}

/** A failure without a reason, as errors are answered that the API server did not expect. */
export function plainServerError(message: string): StatusError {
  return new StatusError(500, '', message);
}

/** The new object before admission: what the client may not change is put back, defaults and managed fields are added. */
function nextOf(core: ServerCore, context: WriteContext, { live, next: computed }: Transition, change: Change): KubeObject {
  const { definition, subresource } = context;
  const whole = { ...computed, apiVersion: live.apiVersion, kind: live.kind, metadata: updatedMetadata(live.metadata, computed.metadata) };
  const typed = canonicalAfter(live, whole, core.registry.isCustom(definition));
  const ofStatus = subresource === 'status';
  const scoped = ofStatus ? typed : withStatusOf(definition, live, typed, change);
  const next = shareStructure(live, withDefaults(definition, scoped));
  const tracked = change.tracked === true ? next : trackedUpdate(core, context, { live, next: withSentManagers(next, computed) });
  return ofStatus ? storedAfterStatusUpdate(core, definition, live, tracked) : tracked;
}

/** An empty list of managed fields, which built-in types drop, still means that nobody is to own anything. */
function withSentManagers(next: KubeObject, computed: KubeObject): KubeObject {
  const sent = computed.metadata.managedFields;
  return sent?.length === 0 ? { ...next, metadata: { ...next.metadata, managedFields: sent } } : next;
}

function withDefaults(definition: ResourceDefinition, object: KubeObject): KubeObject {
  return definition.applyDefaults?.(object) ?? object;
}

/** Ownership counts what was written, even where it is not taken over. */
function trackedUpdate(core: ServerCore, context: WriteContext, { live, next }: Transition): KubeObject {
  const { definition, subresource, fieldManager } = context;
  return trackUpdate({
    before: live,
    after: next,
    schema: definition.schema,
    manager: fieldManager,
    apiVersion: apiVersionOf(definition),
    ...(subresource === '' ? {} : { subresource }),
    time: timestamp(core.clock),
    resetFields: resetFields(core, context),
  });
}

/** Only the status subresource changes a status, where there is one. */
function withStatusOf(definition: ResourceDefinition, live: KubeObject, next: KubeObject, change: Change): KubeObject {
  if (change.trusted === true || !definition.subresources.some(({ name }) => name === 'status')) return next;
  const { status: _status, ...rest } = next;
  return ('status' in live ? { ...rest, status: live['status'] } : rest) as KubeObject;
}

function finished(core: ServerCore, context: WriteContext, { live, next: admitted }: Transition, change: Change): KubeObject {
  const { definition, subresource } = context;
  let next: KubeObject = { ...admitted, metadata: updatedMetadata(live.metadata, admitted.metadata) };
  const asClient = change.trusted !== true && subresource !== 'status';
  if (asClient) next = definition.prepare?.(next, live, allocatorOf(core, context)) ?? next;
  next = withGeneration(definition, live, next);
  const errors = [
    ...immutableErrors(live.metadata, next.metadata),
    ...(asClient || (change.trusted !== true && core.registry.isCustom(definition)) ? (definition.validate?.(next, live) ?? []) : []),
  ];
  if (errors.length > 0) throw invalidUpdate(definition, live.metadata.name, errors);
  return next;
}

function immutableErrors(live: ObjectMeta, next: ObjectMeta): readonly FieldError[] {
  return (['name', 'uid'] as const).flatMap((field) =>
    next[field] === live[field]
      ? []
      : [
          {
            reason: 'FieldValueInvalid',
            field: `metadata.${field}`,
            message: `Invalid value: ${JSON.stringify(next[field] ?? '')}: field is immutable`,
          },
        ],
  );
}

/** Metadata is checked twice on updates, once for all resources and once by each: its causes come twice. */
function invalidUpdate(definition: ResourceDefinition, name: string, errors: readonly FieldError[]): StatusError {
  const { code, reason = '', message = '', details } = invalid(definition, name, errors).status;
  const ofMetadata = errors.filter(({ field }) => field.startsWith('metadata.'));
  const causes = [
    ...ofMetadata.map(({ reason: why, message: text, field }) => ({ reason: why, message: text, field })),
    ...(details?.causes ?? []),
  ];
  return new StatusError(code, reason, message, { ...details, causes });
}

interface Pending {
  readonly stored: KubeObject;
  readonly next: KubeObject;
}

function commit(core: ServerCore, { definition, namespace, dryRun }: WriteContext, { stored, next }: Pending): KubeObject {
  const kept = keepUnchangedTimes(stored, asStored(definition, next));
  const shared = shareStructure(stored, kept);
  const deleted = isReleased(stored, shared);
  if (shared === stored && !deleted) return asServed(definition, stored);
  if (dryRun) return asServed(definition, deepFreeze(shared));
  if (!deleted) return asServed(definition, core.store.put(definition.storage, shared));
  core.store.remove(definition.storage, namespace, stored.metadata.name);
  // Only those who watch see the version in which it went.
  const { resourceVersion = '' } = stored.metadata;
  return asServed(definition, deepFreeze({ ...shared, metadata: { ...shared.metadata, resourceVersion } }));
}

/** An object that is being deleted goes when its last finalizer has gone and nobody waits for its grace period. */
function isReleased(stored: KubeObject, next: KubeObject): boolean {
  if (stored.metadata.deletionTimestamp === undefined || (next.metadata.finalizers ?? []).length > 0) return false;
  if ((stored.metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return next.kind !== 'Namespace' || namespaceFinalizers(next).length === 0;
}

export function namespaceFinalizers(namespace: KubeObject): readonly string[] {
  const spec = namespace['spec'] as { readonly finalizers?: readonly string[] } | undefined;
  return spec?.finalizers ?? [];
}
