/** The options of a deletion, from its body or its query, checked as apimachinery checks them. */
import type { DeleteOptions } from '../../cluster/cluster-view.ts';
import { invalid, type FieldError } from '../../objects/status-error.ts';

export interface Deletion extends Pick<DeleteOptions, 'gracePeriodSeconds' | 'uid' | 'resourceVersion'> {
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
}

const ABOUT = { group: 'meta.k8s.io', resource: '', kind: 'DeleteOptions' };
const POLICIES: ReadonlySet<string> = new Set(['Foreground', 'Background', 'Orphan']);

/** @throws StatusError 422 */
export function checkDeletion({ propagationPolicy, orphanDependents }: Deletion): void {
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    errors.push({
      reason: 'FieldValueInvalid',
      field: 'propagationPolicy',
      message: `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
    });
  if (propagationPolicy !== undefined && !POLICIES.has(propagationPolicy))
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    });
  if (errors.length > 0) throw invalid(ABOUT, '', errors);
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
/** Their dependents stay unless the client says otherwise, as since their first versions. */
const ORPHANS_BY_DEFAULT: ReadonlySet<string> = new Set(['jobs.batch', 'replicationcontrollers']);

/** The finalizers of an object that is being deleted, with the one by which the garbage collector knows what to do with dependents. */
export function finalizersOnDelete(storage: string, present: readonly string[], deletion: Deletion): readonly string[] {
  if (storage === 'events') return present;
  const kept = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  const wanted = dependentsFinalizer(storage, present, deletion);
  const next = wanted === undefined ? kept : [...kept, wanted];
  return next.length === present.length && next.every((finalizer) => present.includes(finalizer)) ? present : next;
}

function dependentsFinalizer(storage: string, present: readonly string[], deletion: Deletion): string | undefined {
  const { propagationPolicy, orphanDependents } = deletion;
  if (orphanDependents !== undefined) return orphanDependents ? ORPHAN : undefined;
  if (propagationPolicy === 'Orphan') return ORPHAN;
  if (propagationPolicy === 'Foreground') return FOREGROUND;
  if (propagationPolicy !== undefined) return undefined;
  const chosen = present.find((finalizer) => finalizer === ORPHAN || finalizer === FOREGROUND);
  return chosen ?? (ORPHANS_BY_DEFAULT.has(storage) ? ORPHAN : undefined);
}
