/**
 * Who owns what: `metadata.managedFields` as sets by manager, and back.
 * @source kubernetes/apimachinery pkg/util/managedfields/internal: managedfields.go, capmanagers.go, stripmeta.go, v0.34
 */
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { decodeFields, difference, encodeFields, isEmpty, setOf, union, type FieldSet } from './field-set.ts';
import { isRecord } from './json-values.ts';

export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** Version in which the manager wrote, and in which its set is spelled. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** Absent where the API server itself leaves it out. */
  readonly time: string | undefined;
  readonly set: FieldSet;
  /** The entry that this was read from, as long as nothing of it has changed. */
  readonly entry?: ManagedFieldsEntry;
}

/** By identifier; `managerId`. */
export type Managers = Map<string, Manager>;

/** What makes two entries the same manager, in the form and order in which the API server sorts managers in conflicts. */
export function managerId({ manager, operation, apiVersion, subresource }: Omit<Manager, 'time' | 'set'>): string {
  return JSON.stringify({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(operation === 'Apply' || apiVersion === '' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  });
}

/** @returns undefined when the entries cannot be read */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Managers = new Map();
  try {
    for (const entry of entries ?? []) {
      const manager = readManager(entry);
      if (manager === undefined) return undefined;
      managers.set(managerId(manager), manager);
    }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return managers;
}

function readManager(entry: Partial<ManagedFieldsEntry>): Manager | undefined {
  const { operation, apiVersion = '', fieldsType, fieldsV1 = {}, manager = '', subresource = '', time } = entry;
  if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1' || !isRecord(fieldsV1))
    return undefined;
  const set = decodeFields(fieldsV1);
  // An object that the store has not frozen comes from a client, whose spelling may be another one than the server's.
  const kept = Object.isFrozen(entry) ? { entry: entry as ManagedFieldsEntry } : {};
  return { manager, operation, apiVersion, subresource, time, set, ...kept };
}

/** The object with its managers as `metadata.managedFields`; without that field when there are none. */
export function writeManagers(object: KubeObject, managers: Iterable<Manager>, previous?: readonly ManagedFieldsEntry[]): KubeObject {
  const { managedFields: present, ...metadata } = object.metadata;
  const entries = [...managers].map(writeManager).toSorted(compareEntries);
  if (entries.length === 0) return present === undefined ? object : { ...object, metadata };
  const same = previous?.length === entries.length && previous.every((entry, index) => entry === entries[index]);
  return { ...object, metadata: { ...metadata, managedFields: same ? previous : entries } };
}

function writeManager({ manager, operation, apiVersion, subresource, time, set, entry }: Manager): ManagedFieldsEntry {
  if (entry !== undefined) return entry;
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFields(set),
    ...(subresource === '' ? {} : { subresource }),
  };
}

/** Apply before Update, then by time in whole seconds, name, version and subresource. */
function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  return (
    compareTexts(left.operation, right.operation) ||
    secondsOf(left.time) - secondsOf(right.time) ||
    compareTexts(left.manager, right.manager) ||
    compareTexts(left.apiVersion, right.apiVersion) ||
    compareTexts(left.subresource ?? '', right.subresource ?? '')
  );
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function secondsOf(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

/** A manager with another set; dropped when nothing is left. */
export function setManager(managers: Managers, id: string, manager: Manager): void {
  const known = managers.get(id);
  if (isEmpty(manager.set)) managers.delete(id);
  else if (known === undefined || known.set !== manager.set || known.time !== manager.time || known.apiVersion !== manager.apiVersion) {
    const { entry: _entry, ...changed } = manager;
    managers.set(id, changed);
  }
}

/** Fields that nobody owns. */
const NEVER_OWNED = setOf(
  ...['apiVersion', 'kind', 'metadata'].map((field) => [`f:${field}`]),
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
    (field) => ['f:metadata', `f:${field}`],
  ),
);

export function withoutIdentity(set: FieldSet): FieldSet {
  return difference(set, NEVER_OWNED);
}

const MAX_UPDATE_MANAGERS = 10;
const OLD_UPDATES = 'ancient-changes';

/** Unites the oldest updates of a version until no more than 10 are left. */
export function capManagers(managers: Managers): void {
  const updates = [...managers].filter(([, { operation }]) => operation === 'Update');
  let count = updates.length;
  if (count <= MAX_UPDATE_MANAGERS) return;
  updates.sort(([leftId, left], [rightId, right]) => secondsOf(left.time) - secondsOf(right.time) || compareTexts(leftId, rightId));
  const firstOfVersion = new Map<string, string>();
  for (const [id, { apiVersion }] of updates) {
    if (count <= MAX_UPDATE_MANAGERS) return;
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, id);
      continue;
    }
    uniteOld(managers, first, id);
    count -= 1;
  }
}

function uniteOld(managers: Managers, first: string, id: string): void {
  const added = managers.get(id);
  if (added === undefined) return;
  const { apiVersion, time } = added;
  const bucket: Omit<Manager, 'time' | 'set'> = { manager: OLD_UPDATES, operation: 'Update', apiVersion, subresource: '' };
  const bucketId = managerId(bucket);
  let old = managers.get(bucketId);
  if (old === undefined) {
    old = managers.get(first);
    managers.delete(first);
  }
  managers.delete(id);
  managers.set(bucketId, { ...bucket, time, set: old === undefined ? added.set : union(added.set, old.set) });
}
