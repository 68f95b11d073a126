/** Schemas of OpenAPI documents, from the structures that the server itself works with, and from CRDs as they were written. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { objectMetaSchema } from '../../schema/built-in-schemas.ts';
import type { TypeSchema } from '../../schema/type-schema.ts';

/** Finds the definition of a custom resource. @returns undefined for a built-in one */
export type CrdOf = (definition: ResourceDefinition) => KubeObject | undefined;

type Json = Record<string, unknown>;

/** The schemas of resources, by names that are unique in a document. */
export function schemaComponents(resources: readonly ResourceDefinition[], crdOf: CrdOf): Readonly<Json> {
  const components = new Components();
  for (const definition of resources) {
    const { group, version, kind } = definition;
    const crd = crdOf(definition);
    const raw = crd === undefined ? undefined : crdSchema(crd, version);
    const schema = raw === undefined ? components.inline(definition.schema) : withObjectFields(raw, components.reference(objectMetaSchema));
    const name = `${group.split('.').toReversed().join('.') || 'core'}.${version}.${kind}`;
    components.add(name, { ...schema, 'x-kubernetes-group-version-kind': [{ group, version, kind }] });
  }
  return components.all;
}

function crdSchema({ spec }: KubeObject, version: string): Json | undefined {
  const { versions = [] } = spec as {
    readonly versions?: readonly { readonly name: string; readonly schema?: { readonly openAPIV3Schema?: Json } }[];
  };
  return versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
}

/** A CRD need not say that its objects have apiVersion, kind and metadata. */
function withObjectFields(schema: Json, metadata: Json): Json {
  const text = { type: 'string' };
  return { ...schema, properties: { ...(schema['properties'] as Json | undefined), apiVersion: text, kind: text, metadata } };
}

class Components {
  readonly all: Json = {};
  /** Types refer to themselves: each is written once and referred to by name. Its fields are what tells it from others. */
  readonly #names = new Map<object, string>();

  add(name: string, schema: Json): void {
    this.all[name] = schema;
  }

  /** The fields of a type where they stand. */
  inline(schema: TypeSchema | undefined): Json {
    return schema === undefined ? { type: 'object' } : this.#structure(schema);
  }

  /** A reference to a type with a name, anything else in place. */
  reference(schema: TypeSchema): Json {
    const { properties, goType } = schema;
    if (schema.type !== 'object' || properties === undefined || goType === undefined) return this.#structure(schema);
    let name = this.#names.get(properties);
    if (name === undefined) {
      name = this.#unusedName(goType);
      this.#names.set(properties, name);
      this.all[name] = {};
      this.all[name] = this.#structure({
        type: 'object',
        properties,
        ...(schema.required === undefined ? {} : { required: schema.required }),
      });
    }
    const reference = { $ref: `#/components/schemas/${name}` };
    const more = extensions(schema);
    return Object.keys(more).length === 0 ? reference : { allOf: [reference], ...more };
  }

  #unusedName(goType: string): string {
    const base = `type.${goType.replaceAll(/[^A-Za-z0-9.]/g, '')}`;
    let name = base;
    for (let count = 2; Object.hasOwn(this.all, name); count += 1) name = `${base}${count}`;
    return name;
  }

  #structure(schema: TypeSchema): Json {
    const { properties, additionalProperties, items, required } = schema;
    return {
      ...typeOf(schema),
      ...(properties === undefined
        ? {}
        : { properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, this.reference(field)])) }),
      ...(required === undefined || required.length === 0 ? {} : { required }),
      ...(additionalProperties === undefined ? {} : { additionalProperties: this.reference(additionalProperties) }),
      ...(items === undefined ? {} : { items: this.reference(items) }),
      ...extensions(schema),
    };
  }
}

function typeOf({ type, format }: TypeSchema): Json {
  if (type === 'any') return {};
  if (type === 'int-or-string') return { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' };
  return { type, ...(format === undefined ? {} : { format }) };
}

/** What patches walk along: kubectl computes its own with them. */
function extensions({
  listType,
  listMapKeys,
  mapType,
  patchStrategy,
  patchMergeKey,
  preserveUnknownFields,
  default: fallback,
}: TypeSchema): Json {
  return {
    ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    ...(listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': listMapKeys }),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
    ...(patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': patchStrategy }),
    ...(patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': patchMergeKey }),
    ...(preserveUnknownFields === true ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}
