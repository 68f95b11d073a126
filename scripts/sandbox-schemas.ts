/**
 * Writes what the sandbox knows of Kubernetes' built-in types: their structure, from a real cluster's OpenAPI v3, and their protobuf
 * field numbers, from generated.proto. Run: node scripts/sandbox-schemas.ts FOLDER, with KUBECONFIG of a cluster and a folder that holds
 * the .proto and .go files of k8s.io/api, k8s.io/apimachinery, k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator of the same version.
 * The .go files are read for names of Go types, which error texts contain, and for which fields Go leaves out of JSON when they are zero.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGoPackage, type GoPackage } from './sandbox-schemas/go-structs.ts';
import { encodeMessages } from './sandbox-schemas/encode-messages.ts';
import { encodeTypes, shortName, type OpenApiSchema } from './sandbox-schemas/encode-structure.ts';
import { readProto, type ProtoMessage } from './sandbox-schemas/proto-messages.ts';

const target = fileURLToPath(new URL('../src/sandbox/schema/', import.meta.url));

interface Sources {
  readonly goPackages: ReadonlyMap<string, GoPackage>;
  readonly messages: ReadonlyMap<string, ProtoMessage>;
}

/** Both keyed by short names: packages `core.v1`, messages `core.v1.Pod`. */
function readSources(folder: string): Sources {
  const goPackages = new Map<string, GoPackage>();
  const messages = new Map<string, ProtoMessage>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('generated.proto'))) {
    const proto = readProto(readFileSync(join(folder, file), 'utf8'));
    goPackages.set(shortName(proto.packageName), readGoPackage(dirname(join(folder, file))));
    for (const message of proto.messages) messages.set(shortName(`${proto.packageName}.${message.name}`), message);
  }
  return { goPackages, messages };
}

/** Every schema of every built-in group-version, by its short name. */
function readOpenApi(): Map<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>();
  const index = getRaw('/openapi/v3') as { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> };
  for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
    if (!/^(api\/v1|apis\/[^/]+\/[^/]+)$/.test(path)) continue;
    const document = getRaw(serverRelativeURL) as { readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> } };
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      if (name.startsWith('io.k8s.')) schemas.set(shortName(name), schema);
    }
  }
  return schemas;
}

function getRaw(path: string): unknown {
  return JSON.parse(execFileSync('kubectl', ['get', '--raw', path], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));
}

function write(name: string, value: unknown): void {
  writeFileSync(join(target, name), `${JSON.stringify(value, null, 2)}\n`);
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('Usage: node scripts/sandbox-schemas.ts FOLDER');
const { goPackages, messages } = readSources(folder);
const types = encodeTypes(readOpenApi(), goPackages);
write('kubernetes-types.json', types);
write('protobuf-messages.json', encodeMessages(types.kinds, messages, goPackages));
