/** The cluster, in our words. Reading and writing are apart: what plans is given no writer. */
import type { AccessAnswer, AccessRule } from '../core/permissions/access-rules.ts';
import type { InjectionProbe } from '../core/run/observation.ts';
import type { KubeObject, ObjectRef, Pod, PodController } from '../core/mesh/kube-objects.ts';
import type { IstiodReport, MeshObjects } from '../core/mesh/mesh-objects.ts';
import type { WorkloadRef } from '../core/mesh/mesh-inventory.ts';

export type MeshScope = 'status' | 'uses' | 'plan';

export interface LookOptions {
  /** What the server fails to give is noted as unread, in place of being thrown: for who has an answer all the same. */
  readonly noteFailures?: boolean;
}

export interface ClusterReader {
  /**
   * Everything a look at the mesh needs. `uses` reads more than `status`: objects that belong to a revision; `plan` also what bears on
   * restarts: budgets, autoscalers, claims, quotas and nodes, which say nothing of who uses a revision.
   * What may not be read is empty and named in `unread`; only a cluster that cannot be reached at all is thrown.
   * @throws Problem when there is no cluster, or it does not accept us; Transient when it does not answer now
   */
  readMesh(scope: MeshScope, options?: LookOptions): Promise<MeshObjects>;
  /** Istio's CRDs that exist, whole. */
  readIstioCrds(): Promise<readonly KubeObject[]>;
  /** Objects of the kinds that Istio's charts make, in the Istio namespace and cluster-wide. */
  readControlPlaneObjects(): Promise<readonly KubeObject[]>;
  /** Whether we may do what the rules say; asked of the API server itself. */
  readAccess(rules: readonly AccessRule[]): Promise<readonly AccessAnswer[]>;
  /** One object as it is; undefined when it, or its kind, does not exist. */
  readObject(ref: ObjectRef): Promise<KubeObject | undefined>;
  /** One workload and its own pods, terminating ones included; undefined when the workload does not exist. */
  readWorkload(ref: WorkloadRef): Promise<{ readonly controller: PodController; readonly pods: readonly Pod[] } | undefined>;
  /** Pods of the Istio namespace that belong to a revision's istiod. */
  readIstiodPods(revision: string): Promise<readonly Pod[]>;
  /** What every istiod pod of every revision says of its proxies; `namespace` limits the proxies. */
  readIstiods(namespace?: string): Promise<readonly IstiodReport[]>;
  /** Names of the pods that a Service sends traffic to, by its EndpointSlices; empty when it has none. */
  readReadyPods(namespace: string, service: string): Promise<readonly string[]>;
  /** Objects of the kinds that charts of gateways make, in these namespaces, and Istio's Gateways of all. */
  readGatewayObjects(namespaces: readonly string[]): Promise<readonly KubeObject[]>;
}

export interface PodProber {
  /** Lets the API server go through the creation of a pod without storing it, webhooks included. */
  dryRunPod(namespace: string, labels: Readonly<Record<string, string>>): Promise<InjectionProbe>;
  /** Sends `GET /` as the user agent `meshlift` to a port from inside the pod. @returns the status of any HTTP answer, else why there was none */
  askPod(namespace: string, pod: string, port: number): Promise<{ readonly status?: number; readonly error?: string }>;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take over fields that another manager owns. */
  readonly force: boolean;
}

export interface RestartPatch {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly strategy?: Readonly<Record<string, unknown>>;
}

/** Every effect is conditional or idempotent: done twice, it changes nothing the second time. */
export interface ClusterWriter {
  /** Server-side apply. @throws Problem KUBE-006 on a conflict that `force` does not allow to win */
  applyObject(object: KubeObject, options: ApplyOptions): Promise<void>;
  /** Sets and removes labels in one patch, only if the namespace is still at `resourceVersion`. @throws Transient on a conflict */
  setNamespaceLabels(name: string, set: Readonly<Record<string, string | null>>, resourceVersion: string | undefined): Promise<void>;
  /**
   * Marks the pod template, which makes its controller replace the pods. Nothing happens when the mark is there already.
   * @param more what is set in the same patch: labels of the template (null: removed), the `spec.strategy`
   */
  markRestart(ref: WorkloadRef, mark: string, more?: RestartPatch): Promise<void>;
  /**
   * Evicts one pod, if it is still the one of that uid; nothing happens when it is gone.
   * @throws Transient while a PodDisruptionBudget does not allow it
   */
  evictPod(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): Promise<void>;
  /** A merge patch; nothing happens when the object is gone. @throws Transient on a conflict */
  patchObject(ref: ObjectRef, patch: Readonly<Record<string, unknown>>): Promise<void>;
  /** Writes the object as given: created when it does not exist, else replaced whole at the present resourceVersion. */
  putObject(object: KubeObject): Promise<void>;
  /** Deletes it; nothing happens when it is gone. Dependents are deleted first. */
  deleteObject(ref: ObjectRef): Promise<void>;
}
