/** Who owns which fields is the same for a thousand pods of one template, and often larger than the rest of them: it is kept once. */
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { deepFreeze } from './share-structure.ts';

/** Sets that are remembered; the oldest is forgotten first, which costs memory and nothing else. */
const POOL_SIZE = 2_000;

export class FieldsPool {
  readonly #pool = new Map<string, ManagedFieldsEntry['fieldsV1']>();
  readonly #members = new WeakSet<object>();

  /** The object with its sets of fields replaced by equal ones that are known. */
  share(object: KubeObject): KubeObject {
    const { managedFields } = object.metadata;
    if (managedFields === undefined || Object.isFrozen(managedFields)) return object;
    const shared = managedFields.map((entry) => (Object.isFrozen(entry) ? entry : { ...entry, fieldsV1: this.#known(entry.fieldsV1) }));
    return { ...object, metadata: { ...object.metadata, managedFields: shared } };
  }

  #known(fields: ManagedFieldsEntry['fieldsV1']): ManagedFieldsEntry['fieldsV1'] {
    if ((fields as unknown) === undefined || this.#members.has(fields)) return fields;
    const key = JSON.stringify(fields);
    const known = this.#pool.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#pool.keys();
    if (oldest !== undefined && this.#pool.size >= POOL_SIZE) this.#pool.delete(oldest);
    this.#pool.set(key, deepFreeze(fields));
    this.#members.add(fields);
    return fields;
  }
}
