/** OpenAPI v3 documents, one for each group and version: what kubectl and helm need to check manifests, and `kubectl explain` to explain. */
import { createHash } from 'node:crypto';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { JSON_TYPE, pageNotFound, type Answer } from '../http/http-answers.ts';
import { DEFINITIONS } from '../custom-definitions.ts';
import { schemaComponents, type CrdOf } from './open-api-schemas.ts';
import { apiVersionOf } from '../resource-registry.ts';
import type { ServerCore } from '../server-core.ts';

/** @param path what follows `/openapi/v3`; '' for the index */
export type OpenApi = (path: string) => Answer;

export function createOpenApi({ registry, store }: ServerCore): OpenApi {
  let known: { readonly revision: number; readonly documents: Map<string, string> } | undefined;
  const documents = (): Map<string, string> => {
    if (known?.revision !== registry.revision) known = { revision: registry.revision, documents: new Map() };
    return known.documents;
  };
  const documentOf = (key: string): string | undefined => {
    const present = documents().get(key);
    if (present !== undefined) return present;
    const resources = registry.all().filter((each) => keyOf(each) === key);
    if (resources.length === 0) return undefined;
    const text = JSON.stringify(document(resources, (definition) => store.get(DEFINITIONS, '', definition.storage)));
    documents().set(key, text);
    return text;
  };
  return (path) => {
    if (path === '') return index([...new Set(registry.all().map(keyOf))], registry.revision);
    const text = documentOf(path.slice(1));
    return text === undefined ? pageNotFound() : { code: 200, contentType: JSON_TYPE, body: text, headers: { Vary: 'Accept' } };
  };
}

function keyOf(definition: ResourceDefinition): string {
  return definition.group === '' ? `api/${definition.version}` : `apis/${apiVersionOf(definition)}`;
}

/** The hash in an address changes with what is served: clients keep documents for as long as it stays. */
function index(keys: readonly string[], revision: number): Answer {
  const paths = keys.map((key) => {
    const hash = createHash('sha512').update(`${key} ${revision}`).digest('hex').toUpperCase();
    return [key, { serverRelativeURL: `/openapi/v3/${key}?hash=${hash}` }] as const;
  });
  return { code: 200, contentType: JSON_TYPE, body: JSON.stringify({ paths: Object.fromEntries(paths) }) };
}

const INFO = { title: 'Kubernetes', version: 'v1.34.3' };

function document(resources: readonly ResourceDefinition[], crdOf: CrdOf): unknown {
  const paths = Object.fromEntries(resources.flatMap(resourcePaths));
  return { openapi: '3.0.0', info: INFO, paths, components: { schemas: schemaComponents(resources, crdOf) } };
}

/** Paths with the operations that kubectl looks for: by them it knows which parameters a resource takes. */
function resourcePaths(definition: ResourceDefinition): readonly (readonly [string, unknown])[] {
  const { group, version, kind, resource, namespaced, verbs } = definition;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}`;
  const gvk = { group, version, kind };
  const collectionOperations = {
    ...(verbs.includes('list') ? { get: operation(gvk, 'list', []) } : {}),
    ...(verbs.includes('create') ? { post: operation(gvk, 'post', ['dryRun', 'fieldManager', 'fieldValidation']) } : {}),
  };
  const objectOperations = {
    ...(verbs.includes('get') ? { get: operation(gvk, 'get', []) } : {}),
    ...(verbs.includes('update') ? { put: operation(gvk, 'put', ['dryRun', 'fieldManager', 'fieldValidation']) } : {}),
    ...(verbs.includes('patch') ? { patch: operation(gvk, 'patch', ['dryRun', 'fieldManager', 'fieldValidation', 'force']) } : {}),
    ...(verbs.includes('delete') ? { delete: operation(gvk, 'delete', ['dryRun']) } : {}),
  };
  return [
    [collection, collectionOperations],
    [`${collection}/{name}`, objectOperations],
  ];
}

function operation(gvk: Readonly<Record<string, string>>, action: string, parameters: readonly string[]): unknown {
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
    parameters: parameters.map((name) => ({
      name,
      in: 'query',
      schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
    })),
    responses: { '200': { description: 'OK' } },
  };
}
