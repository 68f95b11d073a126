/** The cluster as controllers, kubelets and istiods see it from inside: reads at once from the store, writes through the API server's pipeline. */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';

export interface ListOptions {
  readonly namespace?: string;
  /** Labels that must be present with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only what this owner owns. */
  readonly ownerUid?: string;
}

export interface ClusterChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  /** The object before; absent when it was added. */
  readonly previous?: KubeObject;
}

export interface ClusterView {
  get(resource: GroupResource, name: string, namespace?: string): KubeObject | undefined;
  /** In the order of namespace and name. */
  list(resource: GroupResource, options?: ListOptions): readonly KubeObject[];
  /** Told synchronously after each write, in the order of resourceVersions; the listener must not write before it returns. */
  onChange(resource: GroupResource, listener: (change: ClusterChange) => void): () => void;
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Writes as one user. Every call may end with a StatusError, as over HTTP; conflicts are the caller's to try again. */
export interface ClusterWriter {
  create(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  /** Whole, with its resourceVersion. */
  update(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  updateStatus(resource: GroupResource, object: KubeObject): Promise<KubeObject>;
  /** JSON merge patch. */
  patch(resource: GroupResource, name: string, namespace: string | undefined, patch: unknown, subresource?: string): Promise<KubeObject>;
  delete(resource: GroupResource, name: string, namespace: string | undefined, options?: DeleteOptions): Promise<void>;
  /** Eviction: refused with 429 while a PodDisruptionBudget does not allow it. */
  evict(pod: string, namespace: string): Promise<void>;
}

export interface Cluster extends ClusterView {
  /** @param user such as `system:kube-controller-manager` @param fieldManager such as `kube-controller-manager` */
  as(user: string, fieldManager: string): ClusterWriter;
}
