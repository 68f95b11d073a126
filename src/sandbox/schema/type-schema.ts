/** The structure of a kind, for built-in kinds and custom resources alike: what patches, apply, pruning and validation walk along. */

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any' | 'int-or-string';

export interface TypeSchema {
  readonly type: SchemaType;
  /** `int32`, `int64`, `date-time`, `byte`, `quantity` and so on. */
  readonly format?: string;
  /** Fields of an object; may be filled when first asked for, since types refer to themselves. */
  readonly properties?: Readonly<Record<string, TypeSchema>>;
  readonly required?: readonly string[];
  /** Values of a map; with it, `properties` is absent. */
  readonly additionalProperties?: TypeSchema;
  readonly items?: TypeSchema;
  /** Absent means atomic, for arrays. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** Absent means granular, for objects and maps. */
  readonly mapType?: 'atomic' | 'granular';
  /** Of strategic merge patches; absent means replace for lists and merge for objects. */
  readonly patchStrategy?: 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys';
  readonly patchMergeKey?: string;
  readonly default?: unknown;
  /** Fields that are not listed are kept: `x-kubernetes-preserve-unknown-fields`, and types without a structure. */
  readonly preserveUnknownFields?: boolean;
  /** The value is an object with apiVersion, kind and metadata of its own. */
  readonly embeddedResource?: boolean;
  readonly nullable?: boolean;
  /** How Kubernetes' own error texts name the type, of built-in types: `int32`, `v1.RestartPolicy`, `[]v1.Container`, `v1.PodSpec`. */
  readonly goType?: string;
  /** Further rules of a CRD's schema (minimum, pattern, enum, oneOf and so on) as they stand in it. */
  readonly rules?: Readonly<Record<string, unknown>>;
}

/** Finds the structure of a kind. @returns undefined for a kind that has none, such as a custom resource without a schema */
export type SchemaLookup = (apiVersion: string, kind: string) => TypeSchema | undefined;
