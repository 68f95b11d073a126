/**
 * Ownership after a write through the subresource `scale`.
 * @source kubernetes/apimachinery pkg/util/managedfields/scalehandler.go, v0.34
 */
import type { KubeObject } from '../objects/kube-object.ts';
import { difference, has, setOf } from './field-set.ts';
import { readManagers, setManager, writeManagers, type Manager } from './managers.ts';
import { fieldElement } from './path-element.ts';

export interface ScaleTracking {
  /** The stored object that is scaled, in the version of the write. */
  readonly before: KubeObject;
  /** The same with its new number of replicas. */
  readonly after: KubeObject;
  /** Where the number is; `spec.replicas` unless a custom resource has it elsewhere. */
  readonly replicasPath?: string;
  readonly manager: string;
}

/**
 * The scaled object with its managedFields. The number belongs to who has changed it, and to nobody at zero, which a Scale cannot tell from
 * no number at all. Who had set it with an update, and sees it unchanged, owns it in an entry apart. Entries made here never have a time.
 */
export function trackScale({ before, after, replicasPath = 'spec.replicas', manager }: ScaleTracking): KubeObject {
  const fields = replicasPath.split('.');
  const managers = readManagers(before.metadata.managedFields);
  if (managers === undefined) return after;
  const path = fields.map(fieldElement);
  const set = setOf(path);
  // As with whole objects: where nobody's fields are tracked, they are not tracked from now on either.
  if (![...managers.values()].some((each) => has(each.set, path))) {
    return writeManagers(after, managers.values(), before.metadata.managedFields);
  }
  const { apiVersion } = after;
  const replicas = numberAt(after, fields);
  const changed = replicas !== numberAt(before, fields);
  const apart: Manager[] = [];
  for (const [id, each] of managers) {
    if (!has(each.set, path) || (each.operation === 'Apply' && !changed)) continue;
    setManager(managers, id, { ...each, set: difference(each.set, set) });
    if (!changed) apart.push({ ...ownerOf(each), apiVersion, time: undefined, set });
  }
  if (changed && replicas !== 0) {
    apart.push({
      manager: manager === '' ? 'unknown' : manager,
      operation: 'Update',
      apiVersion,
      subresource: 'scale',
      time: undefined,
      set,
    });
  }
  return writeManagers(after, [...managers.values(), ...apart], before.metadata.managedFields);
}

function ownerOf({ manager, operation, subresource }: Manager): Pick<Manager, 'manager' | 'operation' | 'subresource'> {
  return { manager, operation, subresource };
}

function numberAt(object: unknown, fields: readonly string[]): number {
  let value = object;
  for (const field of fields) value = (value as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === 'number' ? value : 0;
}
