/** Writes OpenAPI schemas in the short form that src/sandbox/schema/built-in-schemas.ts reads; the form is described there. */
import type { GoPackage } from './go-structs.ts';

export interface OpenApiSchema {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly items?: OpenApiSchema;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

export interface EncodedTypes {
  /** Type by kind by apiVersion; `*` for kinds that every group-version has. */
  readonly kinds: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Fields by type by package. */
  readonly types: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

/** Types that are written as a word, since JSON shows them otherwise than as their fields. */
const words: Readonly<Record<string, string>> = {
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'int-or-string',
  'meta.v1.Time': 'time',
  'meta.v1.MicroTime': 'micro-time',
  'meta.v1.FieldsV1': 'fields',
  'runtime.RawExtension': 'raw',
  'apiextensions.v1.JSON': 'any',
  'apiextensions.v1.JSONSchemaPropsOrArray': 'any',
  'apiextensions.v1.JSONSchemaPropsOrBool': 'any',
  'apiextensions.v1.JSONSchemaPropsOrStringArray': 'any',
};

/** `io.k8s.api.core.v1.Pod` and `k8s.io.api.core.v1.Pod` are `core.v1.Pod`, a package is `core.v1`. */
export function shortName(name: string): string {
  return name.replace(/^(io\.k8s|k8s\.io)\./, '').replace(/^(api|[\w-]+\.pkg\.apis|[\w-]+\.pkg\.(?:api|util)|[\w-]+\.pkg)\./, '');
}

export function encodeTypes(schemas: ReadonlyMap<string, OpenApiSchema>, goPackages: ReadonlyMap<string, GoPackage>): EncodedTypes {
  const kinds: Record<string, Record<string, string>> = {};
  const types: Record<string, Record<string, Record<string, string>>> = {};
  for (const [name, schema] of [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const gvks = schema['x-kubernetes-group-version-kind'] ?? [];
    for (const { group, version, kind } of gvks) {
      const apiVersion = gvks.length > 10 ? '*' : group === '' ? version : `${group}/${version}`;
      (kinds[apiVersion] ??= {})[kind] = name;
    }
    if (words[name] !== undefined) continue;
    const packageName = name.slice(0, name.lastIndexOf('.'));
    (types[packageName] ??= {})[name.slice(packageName.length + 1)] = encodeType(schema, name, goPackages.get(packageName));
  }
  return { kinds: sorted(kinds), types };
}

function sorted<T>(value: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function encodeType(schema: OpenApiSchema, name: string, goPackage: GoPackage | undefined): Record<string, string> {
  const packageName = name.slice(0, name.lastIndexOf('.'));
  const fields: Record<string, string> = schema['x-kubernetes-map-type'] === 'atomic' ? { $: 'atomic' } : {};
  const goTypes = goPackage === undefined ? undefined : goTypesOf(name.slice(packageName.length + 1), goPackage);
  for (const [field, value] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(field) === true ? '!' : '';
    const plain = goTypeOf(value);
    const goType = goTypes?.get(field) ?? plain;
    fields[field + required] = encodeField(value, packageName) + (goType === plain ? '' : ` go:${goType}`) + encodeDefault(value.default);
  }
  return fields;
}

function encodeField(schema: OpenApiSchema, packageName: string): string {
  const listType = schema['x-kubernetes-list-type'];
  const strategy = schema['x-kubernetes-patch-strategy'];
  const key = schema['x-kubernetes-patch-merge-key'];
  return [
    encodeReference(schema, packageName),
    ...(listType === 'set' ? ['list:set'] : []),
    ...(listType === 'map' ? [`list:map(${(schema['x-kubernetes-list-map-keys'] ?? []).join(',')})`] : []),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? ['map:atomic'] : []),
    ...(strategy === undefined ? [] : [`patch:${strategy}${key === undefined ? '' : `(${key})`}`]),
  ].join(' ');
}

/** Structures have the default `{}` for the generator's own reasons; it means nothing. */
function encodeDefault(value: unknown): string {
  return value === undefined || JSON.stringify(value) === '{}' ? '' : ` =${JSON.stringify(value)}`;
}

function referenceOf(schema: OpenApiSchema): string | undefined {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  return reference === undefined ? undefined : shortName(reference.slice(reference.lastIndexOf('/') + 1));
}

function encodeReference(schema: OpenApiSchema, packageName: string): string {
  const reference = referenceOf(schema);
  if (reference !== undefined) {
    return words[reference] ?? (reference.startsWith(`${packageName}.`) ? reference.slice(packageName.length + 1) : reference);
  }
  if (schema.items !== undefined) return `[]${encodeReference(schema.items, packageName)}`;
  if (schema.additionalProperties !== undefined) return `{}${encodeReference(schema.additionalProperties, packageName)}`;
  if (schema.type === 'string') return schema.format === 'byte' ? 'bytes' : 'string';
  if (schema.type === 'boolean') return 'bool';
  const known: readonly unknown[] = ['int32', 'int64', 'double'];
  if (!known.includes(schema.format)) throw new Error(`Unknown schema: ${JSON.stringify(schema)}`);
  return schema.format ?? '';
}

/** The Go type that OpenAPI alone suggests; the loader comes to the same. */
function goTypeOf(schema: OpenApiSchema): string {
  const reference = referenceOf(schema);
  if (reference !== undefined) return reference.split('.').slice(-2).join('.');
  if (schema.items !== undefined) return `[]${goTypeOf(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map[string]${goTypeOf(schema.additionalProperties)}`;
  if (schema.type === 'string') return schema.format === 'byte' ? '[]uint8' : 'string';
  if (schema.type === 'boolean') return 'bool';
  return schema.format === 'double' ? 'float64' : (schema.format ?? '');
}

/** Go types by JSON name, embedded structs of the same package laid open. */
function goTypesOf(struct: string, goPackage: GoPackage): Map<string, string> {
  const types = new Map<string, string>();
  for (const { jsonName, embedded, type } of goPackage.get(struct) ?? []) {
    if (jsonName !== '') types.set(jsonName, type);
    else if (embedded) for (const [name, inner] of goTypesOf(type.slice(type.indexOf('.') + 1), goPackage)) types.set(name, inner);
  }
  return types;
}
