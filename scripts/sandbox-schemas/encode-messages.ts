/** Writes protobuf messages in the short form that src/sandbox/schema/decode-protobuf.ts reads; the form is described there. */
import { shortName, type EncodedTypes } from './encode-structure.ts';
import type { GoField, GoPackage } from './go-structs.ts';
import type { ProtoField, ProtoMessage } from './proto-messages.ts';

type Encoded = Record<string, Record<string, Record<string, string>>>;

/** Messages that kinds reach, by package and name. @param kinds where to start */
export function encodeMessages(
  kinds: EncodedTypes['kinds'],
  messages: ReadonlyMap<string, ProtoMessage>,
  goPackages: ReadonlyMap<string, GoPackage>,
): Encoded {
  const wanted = new Set<string>();
  const visit = (name: string): void => {
    const message = messages.get(name);
    if (message === undefined || wanted.has(name)) return;
    wanted.add(name);
    for (const { type } of message.fields) visit(shortName(type));
  };
  for (const name of Object.values(kinds).flatMap((types) => Object.values(types))) visit(name);
  const encoded: Encoded = {};
  for (const name of [...wanted].sort()) {
    const packageName = name.slice(0, name.lastIndexOf('.'));
    const own = name.slice(packageName.length + 1);
    const message = messages.get(name);
    if (message !== undefined)
      (encoded[packageName] ??= {})[own] = encodeMessage(message, packageName, goPackages.get(packageName)?.get(own));
  }
  return encoded;
}

function encodeMessage(message: ProtoMessage, packageName: string, goFields: readonly GoField[] | undefined): Record<string, string> {
  // A message without a struct stands for a Go slice.
  if (goFields === undefined && message.fields.length === 1 && message.fields[0]?.name === 'items') {
    return { $: 'list', items: encodeField(message.fields[0], packageName) };
  }
  const fields: Record<string, string> = {};
  for (const field of message.fields) {
    const goField = goFields?.find(({ protobufNumber }) => protobufNumber === field.number);
    fields[goField === undefined || goField.jsonName === '' ? field.name : goField.jsonName] =
      encodeField(field, packageName) + flagOf(goField);
  }
  return fields;
}

/** `^` an embedded struct, `?` a pointer: a zero is a value, `!` a field that Go always writes, nothing: a zero is left out. */
function flagOf(goField: GoField | undefined): string {
  if (goField === undefined) return '';
  if (goField.jsonName === '') return goField.embedded ? '^' : '';
  if (goField.pointer) return '?';
  return goField.omitEmpty ? '' : '!';
}

function encodeField({ number, kind, type }: ProtoField, packageName: string): string {
  const short = shortName(type);
  const local = short.startsWith(`${packageName}.`) && !short.slice(packageName.length + 1).includes('.');
  return `${String(number)} ${{ single: '', repeated: '[]', map: '{}' }[kind]}${local ? short.slice(packageName.length + 1) : short}`;
}
