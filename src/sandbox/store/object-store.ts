/** The memory of the cluster: objects by resource, namespace and name, a history that watches start from, one counter for all. */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: GroupResource;
  /** For DELETED the last state, with the resourceVersion of the deletion. */
  readonly object: KubeObject;
  readonly previous?: KubeObject;
  readonly resourceVersion: number;
}

export interface ObjectStore {
  /** The newest resourceVersion. */
  readonly resourceVersion: number;
  get(resource: GroupResource, namespace: string, name: string): KubeObject | undefined;
  /** In the order of namespace and name; cluster-scoped objects have the namespace ''. */
  list(resource: GroupResource, namespace?: string): readonly KubeObject[];
  /** Creates or replaces; gives the object its new resourceVersion and freezes it. */
  put(resource: GroupResource, object: KubeObject): KubeObject;
  /** @returns the last state, with the resourceVersion of the deletion */
  remove(resource: GroupResource, namespace: string, name: string): KubeObject | undefined;
  ownedBy(ownerUid: string): readonly { readonly resource: GroupResource; readonly object: KubeObject }[];
  /** Events of a resource after a resourceVersion; undefined when the history does not reach back so far. */
  eventsSince(resource: GroupResource, resourceVersion: number): readonly StoreEvent[] | undefined;
  /** Called synchronously after each change. */
  subscribe(resource: GroupResource | undefined, listener: (event: StoreEvent) => void): () => void;
}
