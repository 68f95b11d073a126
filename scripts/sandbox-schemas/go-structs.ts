/** Reads struct fields and their tags out of Go source, as far as Kubernetes' API packages need it: one field a line, no nested structs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoField {
  /** As an error text names it, without a leading `*`: `int32`, `v1.RestartPolicy`, `[]v1.Container`. */
  readonly type: string;
  readonly pointer: boolean;
  /** Empty for embedded structs, and for fields that the type writes itself. */
  readonly jsonName: string;
  readonly embedded: boolean;
  readonly omitEmpty: boolean;
  readonly protobufNumber: number | undefined;
}

/** Fields of structs by the struct's name. */
export type GoPackage = ReadonlyMap<string, readonly GoField[]>;

export function readGoPackage(folder: string): GoPackage {
  const structs = new Map<string, readonly GoField[]>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.go'))) {
    const source = readFileSync(join(folder, file), 'utf8');
    const packageName = /^package (\w+)/m.exec(source)?.[1] ?? '';
    const qualify = qualifier(packageName, importedNames(source));
    for (const [, name = '', body = ''] of source.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms)) {
      structs.set(name, readFields(body, qualify));
    }
  }
  return structs;
}

/** Alias to the package's own name, which is the last part of its path. */
function importedNames(source: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [, alias, path = ''] of source.matchAll(/^\t(?:(\w+) )?"([^"]+)"$/gm)) {
    const own = path.split('/').at(-1) ?? path;
    names.set(alias ?? own, own);
  }
  return names;
}

const goBuiltIns = new Set(['string', 'bool', 'int', 'int32', 'int64', 'uint32', 'uint64', 'float64', 'byte', 'uint8', 'map', 'interface']);

function qualifier(packageName: string, imports: ReadonlyMap<string, string>): (type: string) => string {
  return (type) =>
    type.replaceAll(/(?:(\w+)\.)?(\w+)/g, (whole: string, alias: string | undefined, name: string) => {
      if (alias !== undefined) return `${imports.get(alias) ?? alias}.${name}`;
      return goBuiltIns.has(name) ? whole.replace('byte', 'uint8') : `${packageName}.${name}`;
    });
}

function readFields(body: string, qualify: (type: string) => string): GoField[] {
  const fields: GoField[] = [];
  for (const line of body.split('\n')) {
    const [, declaration = '', tags = ''] = /^\t([^/`]+?)\s*`([^`]*)`/.exec(line) ?? [];
    if (declaration === '') continue;
    const json = /json:"([^"]*)"/.exec(tags)?.[1]?.split(',') ?? [];
    const words = declaration.split(/\s+/);
    const type = words.at(-1) ?? '';
    const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
    fields.push({
      type: qualify(type.replace(/^\*/, '')),
      pointer: type.startsWith('*'),
      jsonName: (json[0] ?? '').replace(/^-$/, ''),
      embedded: words.length === 1,
      omitEmpty: json.includes('omitempty'),
      protobufNumber: number === undefined ? undefined : Number(number),
    });
  }
  return fields;
}
