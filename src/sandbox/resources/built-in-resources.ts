/** The resources that every Kubernetes server has: rows of the table joined with their behaviour. */
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { builtInColumns } from './columns/built-in-columns.ts';
import { autoscalerFromV1, autoscalerToV1 } from './conversion/autoscaler-versions.ts';
import { eventFromNew, eventToNew } from './conversion/event-versions.ts';
import { builtInDefaults } from './defaults/built-in-defaults.ts';
import { builtInPreparation, type Prepare } from './preparation/built-in-preparation.ts';
import type { PrinterColumn, ResourceDefinition, Subresource, Verb } from './resource-definition.ts';
import { RESOURCE_TABLE, type ResourceRow } from './resource-table.ts';
import { builtInValidation } from './validation/built-in-validation.ts';

const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Kinds whose metadata.generation counts changes of the spec. Read from what a Kubernetes 1.34.3 server answers. */
const WITH_GENERATION = new Set([
  'Pod',
  'ReplicationController',
  'PodTemplate',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'PodDisruptionBudget',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'CustomResourceDefinition',
  'EndpointSlice',
  'NetworkPolicy',
  'Ingress',
  'IngressClass',
  'PriorityClass',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'DeviceClass',
  'ResourceSlice',
]);

interface Conversion {
  readonly storedApiVersion: string;
  readonly toStorage: (object: KubeObject) => KubeObject;
  readonly fromStorage: (object: KubeObject) => KubeObject;
}

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  'autoscaling/v1/HorizontalPodAutoscaler': {
    storedApiVersion: 'autoscaling/v2',
    toStorage: autoscalerFromV1,
    fromStorage: autoscalerToV1,
  },
  'events.k8s.io/v1/Event': { storedApiVersion: 'v1', toStorage: eventFromNew, fromStorage: eventToNew },
};

const UNKNOWN: TypeSchema = { type: 'object', preserveUnknownFields: true };

/** Of a Kubernetes 1.34 server, in the order of its discovery. */
export function builtInResources(): readonly ResourceDefinition[] {
  return RESOURCE_TABLE.map(define);
}

function define(row: ResourceRow): ResourceDefinition {
  const { group, version } = splitApiVersion(row.apiVersion);
  const key = `${row.apiVersion}/${row.kind}`;
  const storageApiVersion = row.storageApiVersion ?? row.apiVersion;
  const conversion = CONVERSIONS[key];
  const prepare = builtInPreparation(row.kind);
  const validate = builtInValidation(row.kind, row.namespaced ?? true);
  return {
    get schema(): TypeSchema {
      return builtInSchemas(row.apiVersion, row.kind) ?? UNKNOWN;
    },
    group,
    version,
    resource: row.resource,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    namespaced: row.namespaced ?? true,
    storage: row.storage ?? (group === '' ? row.resource : `${row.resource}.${group}`),
    storageApiVersion,
    verbs: row.verbs ?? ALL_VERBS,
    subresources: (row.subresources ?? []).map((sub): Subresource => ({ ...sub, kind: sub.kind ?? row.kind })),
    columns: builtInColumns(row.kind).map((column) => inStorageForm(column, conversion)),
    hasGeneration: WITH_GENERATION.has(row.kind),
    applyDefaults: builtInDefaults(row.apiVersion, row.kind),
    validate: (next, previous) => validate(stored(next, conversion), previous && stored(previous, conversion)),
    ...(prepare === undefined ? {} : { prepare: prepareServed(prepare, conversion) }),
    ...(conversion === undefined ? {} : { toStorage: conversion.toStorage, fromStorage: conversion.fromStorage }),
  };
}

function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

/** Behaviour is written for the stored version; objects of other versions are converted first. */
function stored(object: KubeObject, conversion: Conversion | undefined): KubeObject {
  return conversion === undefined || object.apiVersion === conversion.storedApiVersion ? object : conversion.toStorage(object);
}

function inStorageForm(column: PrinterColumn, conversion: Conversion | undefined): PrinterColumn {
  return conversion === undefined ? column : { ...column, cell: (object, nowMs) => column.cell(stored(object, conversion), nowMs) };
}

function prepareServed(prepare: Prepare, conversion: Conversion | undefined): Prepare {
  if (conversion === undefined) return prepare;
  return (next, previous, allocate) => {
    const prepared = prepare(stored(next, conversion), previous && stored(previous, conversion), allocate);
    return next.apiVersion === conversion.storedApiVersion ? prepared : conversion.fromStorage(prepared);
  };
}
