/** Reads the messages of a generated.proto, as go-to-protobuf writes them: flat, one field a line. */

export interface ProtoField {
  readonly number: number;
  readonly name: string;
  readonly kind: 'single' | 'repeated' | 'map';
  /** Of the item or value: `string`, `bytes`, or a message with its whole package. */
  readonly type: string;
}

export interface ProtoMessage {
  readonly name: string;
  readonly fields: readonly ProtoField[];
}

export interface ProtoFile {
  readonly packageName: string;
  readonly messages: readonly ProtoMessage[];
}

const scalars = new Set(['string', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'bytes', 'double']);

export function readProto(source: string): ProtoFile {
  const packageName = /^package ([\w.]+);/m.exec(source)?.[1] ?? '';
  const whole = (type: string): string => {
    if (scalars.has(type)) return type;
    return type.startsWith('.') ? type.slice(1) : `${packageName}.${type}`;
  };
  const messages = [...source.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => ({
    name,
    fields: [...body.matchAll(/^ {2}(?:(optional|repeated) ([\w.]+)|map<string, ([\w.]+)>) (\w+) = (\d+)/gm)].map(
      ([, label, type = '', value, field = '', number]): ProtoField => ({
        number: Number(number),
        name: field,
        kind: value !== undefined ? 'map' : label === 'repeated' ? 'repeated' : 'single',
        type: whole(value ?? type),
      }),
    ),
  }));
  return { packageName, messages };
}
