/**
 * What is lost when an object passes through the Go types of a server: null counts as absent, empty lists and maps vanish,
 * and so do zero values of fields that are not pointers. Quantities come back in their canonical form.
 * By the names of fields, which mean the same in all built-in kinds; the exceptions are listed.
 */
import { RecentMemory } from '../../objects/recent-memory.ts';
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

/** Times that are no pointers in Go, and that nobody leaves out. */
const KEPT_NULLS = new Set(['lastProbeTime', 'lastTransitionTime']);

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

/** Parts of stored objects, which never change, that have nothing to lose. */
const dense = new RecentMemory<object, true>(10_000);

function walkObject(object: Json): Json {
  if (dense.get(object) === true) return object;
  let kept: Record<string, unknown> | undefined;
  const fields = Object.keys(object);
  for (const [index, field] of fields.entries()) {
    const value = object[field];
    const next = walkField(field, value);
    if (kept === undefined) {
      if (next === value && next !== undefined) continue;
      kept = {};
      for (const earlier of fields.slice(0, index)) kept[earlier] = object[earlier];
    }
    if (next !== undefined) kept[field] = next;
  }
  if (kept !== undefined) return kept;
  if (Object.isFrozen(object)) dense.set(object, true);
  return object;
}

/** @returns undefined where the field vanishes */
function walkField(field: string, value: unknown): unknown {
  if (value === null) return KEPT_NULLS.has(field) ? value : undefined;
  if (value === undefined) return undefined;
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
  if (dense.get(values) === true) return values;
  let same = true;
  const next = values.map((item) => {
    const walked = Array.isArray(item) ? walkList(item) : isRecord(item) ? walkObject(item) : item;
    if (walked !== item) same = false;
    return walked;
  });
  if (same && Object.isFrozen(values)) dense.set(values, true);
  return same ? values : next;
}
