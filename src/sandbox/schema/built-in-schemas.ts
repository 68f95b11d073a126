/**
 * The structure of Kubernetes' built-in types, read from kubernetes-types.json, which scripts/sandbox-schemas.ts writes from a real
 * cluster's OpenAPI. Only what is asked for is laid out, and each type once.
 *
 * The file has kinds by apiVersion, and types by package. A type's key `$` says that it is atomic. Other keys are fields, with `!` when
 * required. A field's text is its type and then words: a type is `string`, `int32`, `quantity` and so on, the name of another type (of the
 * same package where none is given), `[]` and an item, or `{}` and the value of a map. The words: `list:map(keys)`, `list:set`,
 * `map:atomic`, `patch:strategy(key)`, `go:type` where Go's name is not the obvious one, and last `=` and a default.
 */
import packed from './kubernetes-types.json' with { type: 'json' };
import type { SchemaLookup, TypeSchema } from './type-schema.ts';

type FieldAttributes = Pick<TypeSchema, 'listType' | 'listMapKeys' | 'mapType' | 'patchStrategy' | 'patchMergeKey' | 'default' | 'goType'>;

interface Structure {
  readonly properties: Readonly<Record<string, TypeSchema>>;
  readonly required: readonly string[];
}

interface PackedTypes {
  readonly kinds: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly types: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

/** Words for types, and what they are. What is `any` is compared and replaced as a whole. */
const words: Readonly<Record<string, TypeSchema>> = {
  string: { type: 'string', goType: 'string' },
  bool: { type: 'boolean', goType: 'bool' },
  int32: { type: 'integer', format: 'int32', goType: 'int32' },
  int64: { type: 'integer', format: 'int64', goType: 'int64' },
  double: { type: 'number', format: 'double', goType: 'float64' },
  bytes: { type: 'string', format: 'byte', goType: '[]uint8' },
  time: { type: 'string', format: 'date-time', goType: 'v1.Time' },
  'micro-time': { type: 'string', format: 'date-time', goType: 'v1.MicroTime' },
  quantity: { type: 'string', format: 'quantity', goType: 'resource.Quantity' },
  'int-or-string': { type: 'int-or-string', format: 'int-or-string', goType: 'intstr.IntOrString' },
  fields: { type: 'object', preserveUnknownFields: true, goType: 'v1.FieldsV1' },
  raw: { type: 'object', preserveUnknownFields: true, goType: 'runtime.RawExtension' },
  any: { type: 'any', preserveUnknownFields: true, mapType: 'atomic' },
};

const { kinds, types }: PackedTypes = packed;

/** One catalogue for the process: it holds only what never changes, and fills itself from the file. */
const catalogue = createCatalogue();

/** The structure of built-in kinds of Kubernetes 1.34: those of stable group-versions, and DeleteOptions and WatchEvent in each of them. */
export const builtInSchemas: SchemaLookup = (apiVersion, kind) => {
  const typeName = kinds[apiVersion] === undefined ? undefined : builtInTypeName(apiVersion, kind);
  return typeName === undefined ? undefined : catalogue(typeName);
};

/** The structure of metadata, which custom resources have as well. */
export const objectMetaSchema: TypeSchema = catalogue('meta.v1.ObjectMeta');

/** Name of a built-in kind's type, such as `apps.v1.Deployment`, which is the name of its protobuf message too. */
export function builtInTypeName(apiVersion: string, kind: string): string | undefined {
  return kinds[apiVersion]?.[kind] ?? kinds['*']?.[kind];
}

const kindTypes = new Set(Object.values(kinds).flatMap((byKind) => Object.values(byKind)));

/** Whether a type is that of a kind, and so has apiVersion and kind, which no protobuf message has. */
export function isKindType(typeName: string): boolean {
  return kindTypes.has(typeName);
}

function fieldsOf(typeName: string): Readonly<Record<string, string>> {
  const end = typeName.lastIndexOf('.');
  return types[typeName.slice(0, end)]?.[typeName.slice(end + 1)] ?? {};
}

function createCatalogue(): (typeName: string) => TypeSchema {
  const structures = new Map<string, Structure>();
  const schemas = new Map<string, TypeSchema>();

  function structureOf(typeName: string): Structure {
    const known = structures.get(typeName);
    if (known !== undefined) return known;
    const packageName = typeName.slice(0, typeName.lastIndexOf('.'));
    const fields = Object.entries(fieldsOf(typeName)).filter(([name]) => name !== '$');
    const structure: Structure = {
      properties: Object.fromEntries(fields.map(([name, text]) => [name.replace(/!$/, ''), readField(text, packageName)])),
      required: fields.filter(([name]) => name.endsWith('!')).map(([name]) => name.slice(0, -1)),
    };
    structures.set(typeName, structure);
    return structure;
  }

  /** Types may contain themselves: fields are laid out when first asked for. */
  function named(typeName: string, attributes: FieldAttributes): TypeSchema {
    return {
      type: 'object',
      goType: typeName.split('.').slice(-2).join('.'),
      ...(fieldsOf(typeName)['$'] === 'atomic' ? { mapType: 'atomic' } : {}),
      ...attributes,
      get properties() {
        return structureOf(typeName).properties;
      },
      get required() {
        return structureOf(typeName).required;
      },
    };
  }

  function schemaOf(typeName: string): TypeSchema {
    const known = schemas.get(typeName);
    if (known !== undefined) return known;
    const schema = named(typeName, {});
    schemas.set(typeName, schema);
    return schema;
  }

  function readField(text: string, packageName: string): TypeSchema {
    const { reference, attributes } = splitField(text);
    return readReference(reference, packageName, attributes);
  }

  function readReference(reference: string, packageName: string, attributes: FieldAttributes): TypeSchema {
    if (reference.startsWith('[]')) {
      const items = readReference(reference.slice(2), packageName, {});
      return { type: 'array', items, goType: `[]${items.goType ?? ''}`, ...attributes };
    }
    if (reference.startsWith('{}')) {
      const values = readReference(reference.slice(2), packageName, {});
      return { type: 'object', additionalProperties: values, goType: `map[string]${values.goType ?? ''}`, ...attributes };
    }
    const plain = Object.keys(attributes).length === 0;
    const word = words[reference];
    if (word !== undefined) return plain ? word : { ...word, ...attributes };
    const typeName = reference.includes('.') ? reference : `${packageName}.${reference}`;
    return plain ? schemaOf(typeName) : named(typeName, attributes);
  }

  return schemaOf;
}

function splitField(text: string): { readonly reference: string; readonly attributes: FieldAttributes } {
  const [, reference = '', words = '', defaultText] = /^(\S+)((?: [^=]\S*)*)(?: =(.*))?$/.exec(text) ?? [];
  const attributes = words.split(' ').slice(1).map(readAttribute);
  if (defaultText !== undefined) attributes.push({ default: JSON.parse(defaultText) as unknown });
  return { reference, attributes: Object.assign({}, ...attributes) as FieldAttributes };
}

function readAttribute(word: string): FieldAttributes {
  const [, name = '', value = '', argument] = /^(\w+):([^(]*)(?:\((.*)\))?$/.exec(word) ?? [];
  if (name === 'go') return { goType: word.slice('go:'.length) };
  if (name === 'map') return { mapType: 'atomic' };
  if (name === 'list') return value === 'set' ? { listType: 'set' } : { listType: 'map', listMapKeys: (argument ?? '').split(',') };
  return {
    patchStrategy: value as NonNullable<TypeSchema['patchStrategy']>,
    ...(argument === undefined ? {} : { patchMergeKey: argument }),
  };
}
