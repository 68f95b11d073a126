/**
 * Ownership after an ordinary write: what changed belongs to the writer from now on.
 * @source kubernetes/apimachinery pkg/util/managedfields/internal: fieldmanager.go, managedfieldsupdater.go, skipnonapplied.go, v0.34
 */
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { isEmpty, recursiveDifference, union } from './field-set.ts';
import { jsonEqual } from './json-values.ts';
import {
  capManagers,
  managerId,
  readManagers,
  setManager,
  withoutIdentity,
  writeManagers,
  type Manager,
  type Managers,
} from './managers.ts';
import { resetFieldSet } from './reset-fields.ts';
import { takeFields } from './take-fields.ts';
import { UnnamedItemError, rootSchema } from './value-shape.ts';
import { Versions, type ConvertVersion, type VersionedObject } from './versioned-object.ts';
import { zeroForm } from './zero-forms.ts';

export interface UpdateTracking {
  /** The stored object, in the version of the write; undefined when it is created. */
  readonly before: KubeObject | undefined;
  /** The object as it is about to be stored, with the managedFields that the client sent, if it sent any. */
  readonly after: KubeObject;
  readonly schema: TypeSchema | undefined;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  /** RFC 3339 in whole seconds. */
  readonly time: string;
  /** As for `applyServerSide`. */
  readonly resetFields?: readonly string[];
  readonly convert?: ConvertVersion;
}

/**
 * The object with its managedFields after a create, update or patch. To be called with defaults set and before webhooks change the object:
 * what these change belongs to nobody.
 * What the writer sends as managedFields counts, except through a subresource; an empty list, or one with one empty entry, ends all ownership.
 */
export function trackUpdate(update: UpdateTracking): KubeObject {
  const { before, after } = update;
  const previous = before?.metadata.managedFields;
  const managers = startingManagers(update);
  if (managers.size === 0 && before?.metadata.uid !== undefined) return writeManagers(after, []);
  try {
    return writeManagers(after, track(update, managers).values(), previous);
  } catch (error) {
    if (!(error instanceof UnnamedItemError)) throw error;
    // Not even the API server can tell what such an object's owners own.
    return { ...after, metadata: { ...after.metadata, ...(previous === undefined ? {} : { managedFields: previous }) } };
  }
}

function startingManagers({ before, after, schema, subresource = '' }: UpdateTracking): Managers {
  const live = before?.metadata.managedFields;
  const sent = after.metadata.managedFields;
  if (subresource !== '' || jsonEqual(sent, live)) return readManagers(live) ?? new Map<string, Manager>();
  // The metadata of custom resources loses empty lists before anybody looks at them.
  const custom = schema?.goType === undefined;
  if (isReset(sent) && !(custom && sent?.length === 0)) return new Map();
  const managers = readManagers(sent);
  // Clients that know nothing of managedFields drop them, and mean nothing by it.
  return managers === undefined || managers.size === 0 ? (readManagers(live) ?? new Map<string, Manager>()) : managers;
}

function isReset(entries: readonly ManagedFieldsEntry[] | undefined | null): boolean {
  if (entries === undefined || entries === null) return false;
  const [first] = entries;
  return first === undefined || (entries.length === 1 && Object.keys(first).length === 0);
}

function track(update: UpdateTracking, managers: Managers): Managers {
  const { before, after, manager, apiVersion, subresource = '', time, convert } = update;
  const schema = rootSchema(update.schema);
  const ignored = resetFieldSet(update.resetFields);
  const start = before ?? (zeroForm(after, update.schema) as KubeObject);
  const difference = takeFields(
    managers,
    { before: withoutManagers(start, schema), after: withoutManagers(after, schema), versions: new Versions(convert), ignored },
    undefined,
    true,
  );
  const changed = recursiveDifference(withoutIdentity(union(difference.modified, difference.added)), ignored);
  if (!isEmpty(changed)) {
    const writer = { manager: manager === '' ? 'unknown' : manager, operation: 'Update' as const, apiVersion, subresource };
    const id = managerId(writer);
    const owned = managers.get(id)?.set;
    setManager(managers, id, { ...writer, time, set: owned === undefined ? changed : union(owned, changed) });
  }
  capManagers(managers);
  return managers;
}

/** managedFields say nothing of themselves. */
export function withoutManagers(object: KubeObject, schema: TypeSchema): VersionedObject {
  if (object.metadata?.managedFields === undefined) return { object, schema };
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { object: { ...object, metadata }, schema };
}
