import type { ObjectRef } from '../mesh/kube-objects.ts';

/** What was seen of the copies of pinned objects. */
export interface CopiesObservation {
  readonly kind: 'copies';
  /** How many copies there shall be; those whose source is gone are not wanted any more. */
  readonly wanted: number;
  readonly pending: readonly ObjectRef[];
  /** There, with other content; with the first line of the difference. */
  readonly differing: readonly { readonly ref: ObjectRef; readonly difference: string }[];
  /** Not what the plan found. */
  readonly changedSources: readonly ObjectRef[];
  readonly goneSources: readonly ObjectRef[];
}
