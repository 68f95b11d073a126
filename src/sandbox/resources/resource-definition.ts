/** What an API server has to know of one resource in one version. Built-in ones are a table, custom ones come from their CRD. */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';
import type { FieldError } from '../objects/status-error.ts';
import type { TypeSchema } from '../schema/type-schema.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean' | 'number';
  /** `name` for the column that names the object. */
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, 1 only with -o wide. */
  readonly priority: number;
  /** Cell of one object; dates as ages (`5m`). @param nowMs the sandbox's clock */
  readonly cell: (object: KubeObject, nowMs: number) => string | number | boolean | null;
}

export interface Subresource {
  /** `status`, `scale`, `eviction`, `binding`, `token`, `log`, `exec`, `portforward`, `attach`, `ephemeralcontainers`, `finalize`, `approval`. */
  readonly name: string;
  readonly kind: string;
  /** Group and version of that kind, where it is another one than the resource's. */
  readonly apiVersion?: string;
  readonly verbs: readonly string[];
  /** Where a custom resource keeps what `scale` reads and writes; only with `scale` of custom resources. */
  readonly scale?: ScalePaths;
}

/** Paths as CRDs write them: `.spec.replicas`. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** The key of its storage, shared by all versions, and by resources that two groups serve, such as events. */
  readonly storage: GroupResource;
  /** The apiVersion that is stored. */
  readonly storageApiVersion: string;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  readonly schema?: TypeSchema;
  readonly columns: readonly PrinterColumn[];
  /** metadata.generation is kept: raised when anything but metadata and status changes. */
  readonly hasGeneration: boolean;
  /** Adds what was left out. Pure; given and returned whole. */
  readonly applyDefaults?: (object: KubeObject) => KubeObject;
  /** What is wrong, in the words of Kubernetes. @param previous absent on create */
  readonly validate?: (next: KubeObject, previous: KubeObject | undefined) => readonly FieldError[];
  /** Sets what a client may not: drops status, allocates addresses, keeps fields that never change. */
  readonly prepare?: (next: KubeObject, previous: KubeObject | undefined, allocate: Allocator) => KubeObject;
  /** From and to the stored version, where several versions are served with different shapes. */
  readonly toStorage?: (object: KubeObject) => KubeObject;
  readonly fromStorage?: (object: KubeObject) => KubeObject;
}

/** What only the cluster can give. */
export interface Allocator {
  clusterIp(): string;
  nodePort(): number;
  /** Why a client may not have the address that it asks for, in the words of Kubernetes; undefined when it may. */
  clusterIpProblem?(address: string): string | undefined;
  nodePortProblem?(port: number): string | undefined;
  /** Of a dry run: it says what would be given next, and gives nothing. */
  preview?(): Allocator;
}
