/**
 * What a change takes from the managers of an object.
 * @source kubernetes-sigs/structured-merge-diff merge/update.go, v6.3
 */
import type { Comparison } from './compare-objects.ts';
import { ApplyConflictError, type Conflict } from './conflict-error.ts';
import { difference, intersection, isEmpty, union, type FieldSet } from './field-set.ts';
import { setManager, type Manager, type Managers } from './managers.ts';
import { compareVersioned, type VersionedObject, type Versions } from './versioned-object.ts';

export interface Change {
  readonly before: VersionedObject;
  readonly after: VersionedObject;
  readonly versions: Versions;
  /** Fields that the resource does not let be set this way. */
  readonly ignored: FieldSet;
}

/**
 * Takes from all managers but one what was changed or removed.
 * @param keeper identifier of the manager that makes the change
 * @param force whether the change may take fields that others own
 * @returns the difference in the version of the change itself
 * @throws ApplyConflictError
 */
export function takeFields(managers: Managers, change: Change, keeper: string | undefined, force: boolean): Comparison {
  const { apiVersion } = change.after.object;
  const own = compareVersioned(change.before, change.after, change.ignored);
  const comparisons = new Map<string, Comparison | undefined>([[apiVersion, own]]);
  const conflicts: { readonly id: string; readonly conflict: Conflict }[] = [];
  const removals: { readonly id: string; readonly manager: Manager; readonly removed: FieldSet }[] = [];
  for (const [id, manager] of managers) {
    if (id === keeper) continue;
    if (!comparisons.has(manager.apiVersion)) comparisons.set(manager.apiVersion, compareIn(manager.apiVersion, change));
    const comparison = comparisons.get(manager.apiVersion);
    if (comparison === undefined) {
      managers.delete(id);
      continue;
    }
    const fields = intersection(manager.set, union(comparison.modified, comparison.added));
    if (!isEmpty(fields)) conflicts.push({ id, conflict: { manager, fields } });
    removals.push({ id, manager, removed: union(fields, comparison.removed) });
  }
  if (!force && conflicts.length > 0) {
    conflicts.sort((left, right) => (left.id < right.id ? -1 : 1));
    throw new ApplyConflictError(conflicts.map(({ conflict }) => conflict));
  }
  for (const { id, manager, removed } of removals) setManager(managers, id, { ...manager, set: difference(manager.set, removed) });
  return own;
}

function compareIn(apiVersion: string, { before, after, versions }: Change): Comparison | undefined {
  const [from, to] = [versions.to(apiVersion, before), versions.to(apiVersion, after)];
  return from === undefined || to === undefined ? undefined : compareVersioned(from, to, new Map());
}
