/** The resources that a CRD adds: one definition for each version that it serves. */
import type { KubeObject } from '../objects/kube-object.ts';
import { since } from './columns/cell-text.ts';
import { NAME } from './columns/column.ts';
import { completeCustomResource } from './custom/crd-defaults.ts';
import { readCrdSchema } from './custom/crd-schema.ts';
import { findJsonPath } from './custom/json-path.ts';
import { validateBySchema } from './custom/schema-validation.ts';
import { at, isRecord, list, record, records, text, without, type Json } from './json-tree.ts';
import type { PrinterColumn, ResourceDefinition, ScalePaths, Subresource, Verb } from './resource-definition.ts';
import { validateObjectMeta } from './validation/object-meta.ts';

/** In the order of a server's discovery. */
const VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/**
 * Definitions of the served versions, in the order of the CRD. `x-kubernetes-validations` (CEL) are not evaluated, conversion is that of
 * strategy None whatever the CRD says, and objects of versions that are not stored are taken as they are but for their apiVersion.
 * @param crd with its defaults
 */
export function customResources(crd: KubeObject): readonly ResourceDefinition[] {
  const versions = records(at(crd, 'spec', 'versions'));
  const stored = text(versions.find((version) => version['storage'] === true)?.['name']);
  return versions.filter((version) => version['served'] === true).map((version) => define(crd, version, stored));
}

function define(crd: KubeObject, version: Json, storedVersion: string): ResourceDefinition {
  const spec = record(crd['spec']);
  const names = record(spec['names']);
  const group = text(spec['group']);
  const name = text(version['name']);
  const kind = text(names['kind']);
  const raw = record(at(version, 'schema', 'openAPIV3Schema'));
  const schema = readCrdSchema(at(version, 'schema', 'openAPIV3Schema'));
  const subresources = readSubresources(version, kind);
  const hasStatus = subresources.some((subresource) => subresource.name === 'status');
  const namespaced = spec['scope'] !== 'Cluster';
  const keepUnknown = spec['preserveUnknownFields'] === true;
  return {
    group,
    version: name,
    resource: text(names['plural']),
    singular: text(names['singular']) || kind.toLowerCase(),
    kind,
    shortNames: list(names['shortNames']).map(text),
    categories: list(names['categories']).map(text),
    namespaced,
    storage: `${text(names['plural'])}.${group}`,
    storageApiVersion: `${group}/${storedVersion}`,
    verbs: VERBS,
    subresources,
    schema,
    columns: [NAME, ...readColumns(version)],
    hasGeneration: true,
    applyDefaults: (object) => completeCustomResource(object, schema, keepUnknown) as KubeObject,
    validate: (next, previous) => [
      ...validateObjectMeta(next, previous, { namespaced, name: 'subdomain' }),
      ...validateBySchema(raw, next, previous),
    ],
    ...(hasStatus ? { prepare: keepStatus } : {}),
    ...(name === storedVersion
      ? {}
      : {
          toStorage: (object: KubeObject): KubeObject => ({ ...object, apiVersion: `${group}/${storedVersion}` }),
          fromStorage: (object: KubeObject): KubeObject => ({ ...object, apiVersion: `${group}/${name}` }),
        }),
  };
}

/** Where status is a subresource, writes of the resource itself never touch it. */
function keepStatus(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  const bare = without(next, 'status');
  return previous?.['status'] === undefined ? bare : { ...bare, status: previous['status'] };
}

function readSubresources(version: Json, kind: string): readonly Subresource[] {
  const given = record(version['subresources']);
  const verbs = ['get', 'patch', 'update'];
  const scale = given['scale'];
  return [
    ...(isRecord(given['status']) ? [{ name: 'status', kind, verbs }] : []),
    ...(isRecord(scale) ? [{ name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs, scale: scalePaths(scale) }] : []),
  ];
}

function scalePaths(scale: Json): ScalePaths {
  const selector = text(scale['labelSelectorPath']);
  return {
    specReplicasPath: text(scale['specReplicasPath']),
    statusReplicasPath: text(scale['statusReplicasPath']),
    ...(selector === '' ? {} : { labelSelectorPath: selector }),
  };
}

/** Without columns of its own a custom resource shows its age. */
function readColumns(version: Json): readonly PrinterColumn[] {
  const given = records(version['additionalPrinterColumns']);
  if (given.length === 0) return [readColumn({ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' })];
  return given.map(readColumn);
}

function readColumn(column: Json): PrinterColumn {
  const type = text(column['type']) as PrinterColumn['type'];
  const path = text(column['jsonPath']);
  return {
    name: text(column['name']),
    type,
    format: text(column['format']),
    description: text(column['description']) || `Custom resource definition column (in JSONPath format): ${text(column['jsonPath'])}`,
    priority: typeof column['priority'] === 'number' ? column['priority'] : 0,
    cell: (object, nowMs) => customCell(findJsonPath(path, object) ?? [], type, nowMs),
  };
}

/** @source k8s.io/apiextensions-apiserver pkg/registry/customresource/tableconvertor/tableconvertor.go of 1.34 */
function customCell(found: readonly unknown[], type: PrinterColumn['type'], nowMs: number): string | number | boolean | null {
  const [first] = found;
  if (found.length === 0) return null;
  switch (type) {
    case 'string':
      return found.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
    case 'integer':
      return typeof first === 'number' ? Math.trunc(first) : null;
    case 'number':
      return typeof first === 'number' ? first : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'date':
      if (typeof first !== 'string') return null;
      return Number.isNaN(Date.parse(first)) ? '<invalid>' : since(first, nowMs);
    default:
      return null;
  }
}
