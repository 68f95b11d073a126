/**
 * Server-side apply: an object becomes what its appliers say, and each of them owns what it says.
 * @source kubernetes-sigs/structured-merge-diff merge/update.go, v6.3; kubernetes/apimachinery pkg/util/managedfields/internal, v0.34
 */
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import { StatusError, badRequest } from '../objects/status-error.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { shapeErrors } from './apply-shape.ts';
import { ApplyConflictError } from './conflict-error.ts';
import { difference, has, intersection, isEmpty, pathsOf, recursiveDifference, setOf, type FieldSet } from './field-set.ts';
import { jsonEqual } from './json-values.ts';
import { fieldsOfLastApplied, updateLastApplied } from './last-applied.ts';
import { managerId, readManagers, setManager, withoutIdentity, writeManagers, type Managers } from './managers.ts';
import { mergeObjects } from './merge-objects.ts';
import { objectFieldSet } from './object-field-set.ts';
import { pruneFields } from './prune-fields.ts';
import { resetFieldSet } from './reset-fields.ts';
import { takeFields } from './take-fields.ts';
import { trackUpdate, withoutManagers } from './track-update.ts';
import { rootSchema } from './value-shape.ts';
import { Versions, type ConvertVersion, type VersionedObject } from './versioned-object.ts';

export interface ServerSideApply {
  /** The stored object, in the version of the request; undefined when there is none. */
  readonly live: KubeObject | undefined;
  /** The configuration as the client sent it. */
  readonly applied: KubeObject;
  readonly schema: TypeSchema | undefined;
  readonly manager: string;
  readonly force: boolean;
  readonly subresource?: string;
  /** RFC 3339 in whole seconds. */
  readonly time: string;
  /** Fields that are never owned through this resource or subresource, such as `status`; see `resetFieldsOf`. */
  readonly resetFields?: readonly string[];
  /** For managers that wrote in other versions; without it all versions are taken to have the same fields. */
  readonly convert?: ConvertVersion;
}

/** The manager's name under which kubectl applies, for which the API server makes exceptions. */
const KUBECTL = 'kubectl';

/** Owns what objects held before anybody's fields were tracked. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/**
 * The object after the apply, with its managedFields, before defaults and admission. Where the apply changes no field, the object is
 * unchanged but for managedFields, and where these do not change either it is `live` itself.
 * @throws ApplyConflictError (409) when others own what would change, unless forced
 * @throws StatusError 400 for managedFields in the configuration, 500 for one that does not have the structure of its kind, as the API server answers
 */
export function applyServerSide(apply: ServerSideApply): KubeObject {
  const { live, applied, manager } = apply;
  const schema = rootSchema(apply.schema);
  if (applied.metadata?.managedFields !== undefined && applied.metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  checkShape(applied, schema);
  const start = trackedFromNow(apply);
  let result: KubeObject;
  try {
    result = applyTo(start, apply, schema, apply.force);
  } catch (error) {
    if (manager !== KUBECTL || live === undefined || !(error instanceof ApplyConflictError)) throw error;
    const allowed = fieldsOfLastApplied(live, applied.apiVersion, schema);
    if (allowed === undefined) throw error;
    forgive(error, allowed);
    result = applyTo(start, apply, schema, true);
  }
  return manager === KUBECTL ? updateLastApplied(result, applied) : result;
}

function checkShape(applied: KubeObject, schema: TypeSchema): void {
  const errors = shapeErrors(applied, schema);
  if (errors.length === 0) return;
  const { apiVersion, kind, metadata } = applied;
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const what = `${metadata.namespace ?? ''}/${metadata.name}; ${groupVersion}, Kind=${kind}`;
  const text = errors.length === 1 ? (errors[0] ?? '') : `errors:\n${errors.map((error) => `  ${error}`).join('\n')}`;
  throw new StatusError(500, undefined, `failed to create typed patch object (${what}): ${text}`);
}

/** An object whose owners nobody knows: all that it holds gets one, so that an apply does not overwrite it by accident. */
function trackedFromNow({ live, applied, schema, time, subresource, resetFields, convert }: ServerSideApply): KubeObject {
  if (live === undefined) return { apiVersion: applied.apiVersion, kind: applied.kind } as KubeObject;
  if ((live.metadata.managedFields ?? []).length > 0) return live;
  return trackUpdate({
    before: undefined,
    after: live,
    schema,
    manager: BEFORE_FIRST_APPLY,
    apiVersion: applied.apiVersion,
    time,
    ...(subresource === undefined ? {} : { subresource }),
    ...(resetFields === undefined ? {} : { resetFields }),
    ...(convert === undefined ? {} : { convert }),
  });
}

function applyTo(start: KubeObject, apply: ServerSideApply, schema: TypeSchema, force: boolean): KubeObject {
  const { applied, manager, subresource = '', time } = apply;
  const previous = start.metadata?.managedFields;
  const managers: Managers = readManagers(previous) ?? unreadable();
  const versions = new Versions(apply.convert);
  const before = withoutManagers(start, schema);
  const merged: VersionedObject = { object: mergeObjects(before.object, applied, schema) as KubeObject, schema };
  const applier = {
    manager: manager === '' ? 'unknown' : manager,
    operation: 'Apply' as const,
    apiVersion: applied.apiVersion,
    subresource,
  };
  const id = managerId(applier);
  const last = managers.get(id);
  const ignored = resetFieldSet(apply.resetFields);
  const set = recursiveDifference(objectFieldSet(applied, schema), ignored);
  managers.set(id, { ...applier, time: last?.time, set });
  const after = pruneFields(merged, managers, last, versions);
  takeFields(managers, { before, after, versions, ignored }, id, force);
  const changed = !jsonEqual(before.object, after.object);
  const owned = withoutIdentity(set);
  const at = changed ? time : last?.time;
  managers.delete(id);
  if (last !== undefined && last.apiVersion === applier.apiVersion && last.time === at && equalSets(last.set, owned))
    managers.set(id, last);
  else setManager(managers, id, { ...applier, time: at, set: owned });
  const object = changed ? withoutEmptyMetadata(after.object) : { ...start, metadata: before.object.metadata };
  const result = writeManagers(object, managers.values(), previous);
  return !changed && result.metadata.managedFields === previous ? start : result;
}

/** Metadata passes through a Go type for custom resources, too, which loses what is empty. */
function withoutEmptyMetadata(object: KubeObject): KubeObject {
  const fields = Object.entries(object.metadata as object) as [string, unknown][];
  const kept = fields.filter(([, value]) => value !== null && (typeof value !== 'object' || Object.keys(value).length > 0));
  return kept.length === fields.length ? object : { ...object, metadata: Object.fromEntries(kept) as unknown as ObjectMeta };
}

function equalSets(left: FieldSet, right: FieldSet): boolean {
  return isEmpty(difference(left, right)) && isEmpty(difference(right, left));
}

function unreadable(): never {
  throw new StatusError(500, undefined, 'failed to decode managed fields: the stored managedFields cannot be read');
}

/** @throws ApplyConflictError with the conflicts that are left */
function forgive(error: ApplyConflictError, allowed: FieldSet): void {
  const left = error.conflicts.flatMap(({ manager, fields }) => {
    const paths = pathsOf(fields).filter((path) => !has(allowed, path));
    return paths.length === 0 ? [] : [{ manager, fields: intersection(fields, setOf(...paths)) }];
  });
  if (left.length > 0) throw new ApplyConflictError(left);
}
