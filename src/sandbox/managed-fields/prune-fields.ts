/**
 * What an applier no longer applies goes away, unless somebody else owns it.
 * @source kubernetes-sigs/structured-merge-diff merge/update.go, v6.3
 */
import type { KubeObject } from '../objects/kube-object.ts';
import { difference, EMPTY_SET, intersection, isEmpty, union, type FieldSet } from './field-set.ts';
import type { Manager, Managers } from './managers.ts';
import { objectFieldSet } from './object-field-set.ts';
import { removeFields, withNamedFields } from './remove-fields.ts';
import type { VersionedObject, Versions } from './versioned-object.ts';

/**
 * @param merged the object with the new configuration
 * @param last what the applier applied before; undefined for its first apply
 */
export function pruneFields(merged: VersionedObject, managers: Managers, last: Manager | undefined, versions: Versions): VersionedObject {
  if (last === undefined || isEmpty(last.set)) return merged;
  const start = versions.to(last.apiVersion, merged);
  if (start === undefined) return merged;
  const removed = without(start, withNamedFields(last.set, start.schema));
  const owned = addBackOwned(start, removed, { managers, versions, first: last.apiVersion });
  return versions.to(merged.object.apiVersion, addBackDangling(start, owned, { last, versions })) ?? merged;
}

function without({ object, schema }: VersionedObject, fields: FieldSet): VersionedObject {
  return { object: removeFields(object, fields, schema) as KubeObject, schema };
}

function namedFieldsOf({ object, schema }: VersionedObject): FieldSet {
  return withNamedFields(objectFieldSet(object, schema), schema);
}

/** Takes out less: nothing that any manager owns, the applier with its new configuration included. */
function addBackOwned(
  start: VersionedObject,
  removed: VersionedObject,
  { managers, versions, first }: { readonly managers: Managers; readonly versions: Versions; readonly first: string },
): VersionedObject {
  const byVersion = new Map<string, FieldSet>([[first, EMPTY_SET]]);
  for (const { apiVersion, set } of managers.values()) byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? EMPTY_SET, set));
  let [merged, pruned] = [start, removed];
  for (const [apiVersion, owned] of byVersion) {
    const [mergedThere, prunedThere] = [versions.to(apiVersion, merged), versions.to(apiVersion, pruned)];
    if (mergedThere === undefined || prunedThere === undefined) continue;
    const kept = union(namedFieldsOf(prunedThere), withNamedFields(owned, mergedThere.schema));
    merged = mergedThere;
    pruned = without(mergedThere, difference(namedFieldsOf(mergedThere), kept));
  }
  return pruned;
}

/** Takes out less: nothing that the applier did not apply before. */
function addBackDangling(
  merged: VersionedObject,
  pruned: VersionedObject,
  { last, versions }: { readonly last: Manager; readonly versions: Versions },
): VersionedObject {
  const there = versions.to(last.apiVersion, pruned);
  if (there === undefined) return merged;
  const gone = difference(namedFieldsOf(merged), namedFieldsOf(there));
  return without(merged, intersection(gone, withNamedFields(last.set, merged.schema)));
}
