/**
 * The protobuf messages of Kubernetes' built-in types, which tell also how Go writes a type as JSON: the order of its fields and what
 * becomes of zeros. Read from protobuf-messages.json, which scripts/sandbox-schemas.ts writes.
 *
 * The file has messages by package. A message's keys are JSON names, in the order of the Go struct, and a field's text is its number, a
 * space, its type and a flag. A type is a scalar of protobuf or a message (of the same package where none is given), behind `[]` for
 * repeated fields and `{}` for maps with strings as keys. The flags: `?` a pointer in Go, `!` written even when zero, `^` an embedded
 * struct, whose fields stand in JSON beside the others. The key `$` marks a message that is a list in JSON.
 */
import packed from './protobuf-messages.json' with { type: 'json' };

export interface FieldDescriptor {
  readonly number: number;
  readonly jsonName: string;
  readonly kind: 'single' | 'repeated' | 'map';
  /** `string`, `bool`, `int32`, `int64`, `uint32`, `uint64`, `double`, `bytes`, or the whole name of a message: `core.v1.PodSpec`. */
  readonly type: string;
  readonly isMessage: boolean;
  /** What Go does with a zero: leaves it out, keeps it because the field is a pointer, or always writes the field. */
  readonly zero: 'omitted' | 'pointer' | 'written';
  readonly embedded: boolean;
}

export interface MessageDescriptor {
  readonly fields: readonly FieldDescriptor[];
  readonly byNumber: ReadonlyMap<number, FieldDescriptor>;
  /** The JSON is a list: that of the only field. */
  readonly isList: boolean;
}

const messages: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = packed;
const descriptors = new Map<string, MessageDescriptor>();

/** @param name such as `apps.v1.Deployment` */
export function messageDescriptor(name: string): MessageDescriptor | undefined {
  const known = descriptors.get(name);
  if (known !== undefined) return known;
  const packageName = name.slice(0, name.lastIndexOf('.'));
  const message = messages[packageName]?.[name.slice(packageName.length + 1)];
  if (message === undefined) return undefined;
  const fields = Object.entries(message)
    .filter(([jsonName]) => jsonName !== '$')
    .map(([jsonName, text]) => readField(jsonName, text, packageName));
  const descriptor: MessageDescriptor = {
    fields,
    byNumber: new Map(fields.map((field) => [field.number, field])),
    isList: message['$'] === 'list',
  };
  descriptors.set(name, descriptor);
  return descriptor;
}

const scalars = new Set(['string', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'bytes']);

function readField(jsonName: string, text: string, packageName: string): FieldDescriptor {
  const [, number = '', shape = '', name = '', flag = ''] = /^(\d+) (\[\]|\{\})?([\w.-]+)([?!^]?)$/.exec(text) ?? [];
  const isMessage = !scalars.has(name);
  return {
    number: Number(number),
    jsonName,
    kind: shape === '[]' ? 'repeated' : shape === '{}' ? 'map' : 'single',
    type: isMessage && !name.includes('.') ? `${packageName}.${name}` : name,
    isMessage,
    zero: flag === '?' ? 'pointer' : flag === '!' ? 'written' : 'omitted',
    embedded: flag === '^',
  };
}
