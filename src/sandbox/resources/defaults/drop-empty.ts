/**
 * What is lost when an object passes through the Go types of a server: null counts as absent, empty lists and maps vanish,
 * and so do zero values of fields that are not pointers. Quantities come back in their canonical form.
 * By the names of fields, which mean the same in all built-in kinds; the exceptions are listed.
 */
import { isRecord, type Json } from '../json-tree.ts';
import { canonicalQuantity } from '../quantity.ts';

/** Fields whose keys are data: values stay as they are, and the map vanishes when it is empty. */
const MAPS = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'data',
  'binaryData',
  'stringData',
  'volumeAttributes',
  'parameters',
  'attributes',
  'options',
  'extra',
  'deprecatedTopology',
  'attachmentMetadata',
]);

const QUANTITY_MAPS = new Set([
  'limits',
  'requests',
  'hard',
  'used',
  'capacity',
  'allocatable',
  'overhead',
  'podFixed',
  'allocatedResources',
  'min',
  'max',
  'default',
  'defaultRequest',
  'maxLimitRequestRatio',
]);

const QUANTITIES = new Set(['sizeLimit', 'averageValue', 'divisor', 'maximumVolumeSize']);

/** JSON of any shape, never looked into. */
const RAW = new Set(['managedFields', 'openAPIV3Schema', 'fieldsV1']);

/** Booleans that are no pointers in Go: false is the same as absent. */
const PLAIN_BOOLEANS = new Set([
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'stdin',
  'stdinOnce',
  'tty',
  'readOnly',
  'paused',
  'unschedulable',
  'globalDefault',
  'publishNotReadyAddresses',
  'insecureSkipTLSVerify',
  'preserveUnknownFields',
  'deprecated',
]);

/** Numbers that are no pointers in Go: 0 is the same as absent. */
const PLAIN_NUMBERS = new Set([
  'initialDelaySeconds',
  'hostPort',
  'nodePort',
  'minReadySeconds',
  'observedGeneration',
  'count',
  'generation',
  'updatedReplicas',
  'readyReplicas',
  'unavailableReplicas',
  'fullyLabeledReplicas',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'active',
  'succeeded',
  'failed',
  'currentReplicas',
]);

/** Texts that are pointers in Go, or always written. */
const KEPT_TEXTS = new Set([
  'storageClassName',
  'ingressClassName',
  'holderIdentity',
  'appProtocol',
  'service',
  'runtimeClassName',
  'hostnameOverride',
  'reportingComponent',
  'reportingInstance',
  'reportingController',
  'volumeAttributesClassName',
  'loadBalancerClass',
]);

export function dropEmpty<T extends Json>(object: T): T {
  return walkObject(object) as T;
}

function walkObject(object: Json): Json {
  const kept: Record<string, unknown> = {};
  let same = true;
  for (const [field, value] of Object.entries(object)) {
    const next = walkField(field, value);
    if (next === undefined) {
      same = false;
      continue;
    }
    if (next !== value) same = false;
    kept[field] = next;
  }
  return same ? object : kept;
}

/** @returns undefined where the field vanishes */
function walkField(field: string, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (RAW.has(field)) return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : walkList(value);
  if (isRecord(value)) return walkMap(field, value);
  if (value === false) return PLAIN_BOOLEANS.has(field) ? undefined : value;
  if (value === 0) return PLAIN_NUMBERS.has(field) ? undefined : value;
  if (value === '') return KEPT_TEXTS.has(field) ? value : undefined;
  return QUANTITIES.has(field) && (typeof value === 'string' || typeof value === 'number') ? canonicalQuantity(value) : value;
}

function walkMap(field: string, value: Json): unknown {
  if (QUANTITY_MAPS.has(field)) {
    const entries = Object.entries(value);
    if (entries.length === 0) return undefined;
    const next = entries.map(([key, amount]) => [
      key,
      typeof amount === 'string' || typeof amount === 'number' ? canonicalQuantity(amount) : amount,
    ]);
    return next.every(([, amount], index) => amount === entries[index]?.[1]) ? value : Object.fromEntries(next);
  }
  if (MAPS.has(field)) {
    const entries = Object.entries(value);
    if (entries.length === 0) return undefined;
    return entries.some(([, item]) => item === null) ? Object.fromEntries(entries.map(([key, item]) => [key, item ?? ''])) : value;
  }
  return walkObject(value);
}

function walkList(values: readonly unknown[]): readonly unknown[] {
  let same = true;
  const next = values.map((item) => {
    const walked = Array.isArray(item) ? walkList(item) : isRecord(item) ? walkObject(item) : item;
    if (walked !== item) same = false;
    return walked;
  });
  return same ? values : next;
}
