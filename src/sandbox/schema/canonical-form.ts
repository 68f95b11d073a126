/**
 * Writes an object the way Go does after it has read it into its own types. The real API server does that to every object of a built-in
 * kind: unknown fields vanish, nulls and zeros of optional fields too, and structures that are no pointers appear (`resources: {}`).
 */
import type { KubeObject } from '../objects/kube-object.ts';
import { RecentMemory } from '../objects/recent-memory.ts';
import { builtInSchemas, builtInTypeName, isKindType } from './built-in-schemas.ts';
import { messageDescriptor, type FieldDescriptor, type MessageDescriptor } from './message-descriptors.ts';
import { pruneUnknown } from './prune-unknown.ts';

type JsonObject = Record<string, unknown>;
type Json = Readonly<Record<string, unknown>>;

/** Messages that JSON shows as something else than an object of their fields. */
const opaque = new Set([
  'meta.v1.Time',
  'meta.v1.MicroTime',
  'meta.v1.FieldsV1',
  'resource.Quantity',
  'intstr.IntOrString',
  'runtime.RawExtension',
  'apiextensions.v1.JSON',
]);

/** What Go writes for the zero of such a type where it is no pointer. */
const opaqueZeros: Readonly<Record<string, unknown>> = { 'resource.Quantity': '0', 'intstr.IntOrString': 0 };

/** Either a schema or something else: which is told by the value. */
const unions = new Set([
  'apiextensions.v1.JSONSchemaPropsOrArray',
  'apiextensions.v1.JSONSchemaPropsOrBool',
  'apiextensions.v1.JSONSchemaPropsOrStringArray',
]);

/**
 * The canonical form of an object of a built-in kind, with its fields in the order in which the real API server writes them. Quantities
 * stay as they are. An object of another kind comes back as it is. Field types are taken for granted: see findTypeProblem.
 */
export function toCanonicalForm(object: KubeObject): KubeObject {
  const typeName = builtInTypeName(object.apiVersion, object.kind);
  const descriptor = typeName === undefined ? undefined : messageDescriptor(typeName);
  if (descriptor === undefined) {
    const schema = builtInSchemas(object.apiVersion, object.kind);
    return schema === undefined ? object : pruneUnknown(object, schema);
  }
  const { kind, apiVersion } = object;
  return { kind, apiVersion, ...canonicalMessage(object, descriptor) } as unknown as KubeObject;
}

interface Remembered {
  readonly type: string;
  readonly canonical: unknown;
}

/**
 * The canonical forms of parts that never change: a thousand pods then share what they have of their template, and whoever compares or
 * walks them finds that he knows them.
 */
const canonicalParts = new RecentMemory<object, Remembered>(10_000);

function once(part: object, type: string, write: () => unknown): unknown {
  if (!Object.isFrozen(part)) return write();
  const known = canonicalParts.get(part);
  if (known?.type === type) return known.canonical;
  const remembered = { type, canonical: freeze(write()) };
  canonicalParts.set(part, remembered);
  if (typeof remembered.canonical === 'object' && remembered.canonical !== null) canonicalParts.set(remembered.canonical, remembered);
  return remembered.canonical;
}

function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

function canonicalMessage(value: Json, descriptor: MessageDescriptor): JsonObject {
  const result: JsonObject = {};
  for (const field of descriptor.fields) {
    if (field.embedded) Object.assign(result, canonicalValue(value, field.type));
    else setField(result, field, value[field.jsonName]);
  }
  return result;
}

function setField(result: JsonObject, field: FieldDescriptor, value: unknown): void {
  const written = value === undefined || value === null ? absentForm(field) : presentForm(field, value);
  if (written !== undefined) result[field.jsonName] = written;
}

/** What stands for a field that is not there. */
function absentForm({ kind, type, isMessage, zero, jsonName }: FieldDescriptor): unknown {
  if (zero === 'pointer') return undefined;
  if (kind !== 'single') return zero === 'written' ? null : undefined;
  if (!isMessage) return zero === 'written' ? scalarZero(type) : undefined;
  if (jsonName === 'creationTimestamp') return undefined;
  const descriptor = messageDescriptor(type);
  if (opaque.has(type) || unions.has(type) || descriptor === undefined) return opaqueZeros[type] ?? null;
  return descriptor.isList ? undefined : canonicalMessage({}, descriptor);
}

function scalarZero(type: string): unknown {
  if (type === 'bytes') return null;
  if (type === 'string') return '';
  return type === 'bool' ? false : 0;
}

function presentForm({ kind, type, isMessage, zero }: FieldDescriptor, value: unknown): unknown {
  if (kind === 'repeated' && Array.isArray(value)) {
    if (value.length === 0 && zero === 'omitted') return undefined;
    return once(value, `[]${type}`, () => value.map((item: unknown) => canonicalItem(item, type, isMessage)));
  }
  if (kind === 'map' && isObject(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0 && zero === 'omitted') return undefined;
    // Go writes maps in the order of their keys.
    return once(value, `{}${type}`, () =>
      Object.fromEntries(entries.sort(byKey).map(([key, item]) => [key, canonicalItem(item, type, isMessage)])),
    );
  }
  if (isMessage) return canonicalValue(value, type);
  return zero === 'omitted' && (value === '' || value === 0 || value === false) ? undefined : value;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Items and values of maps cannot be left out: null becomes the zero. */
function canonicalItem(item: unknown, type: string, isMessage: boolean): unknown {
  if (!isMessage) return item ?? scalarZero(type);
  if (item === null) return opaque.has(type) ? (opaqueZeros[type] ?? null) : canonicalValue({}, type);
  return canonicalValue(item, type);
}

function canonicalValue(value: unknown, type: string): unknown {
  if (type === 'meta.v1.Time' || type === 'meta.v1.MicroTime') return canonicalTime(value, type === 'meta.v1.MicroTime');
  if (opaque.has(type)) return value;
  if (unions.has(type)) return canonicalUnion(value);
  const descriptor = messageDescriptor(type);
  if (descriptor === undefined || descriptor.isList || !isObject(value)) return value;
  return once(value, type, () =>
    isKindType(type) ? { ...ownKind(value), ...canonicalMessage(value, descriptor) } : canonicalMessage(value, descriptor),
  );
}

/** Objects inside of others, such as claims of a StatefulSet, may say what they are. */
function ownKind({ kind, apiVersion }: Json): JsonObject {
  return {
    ...(typeof kind === 'string' && kind !== '' ? { kind } : {}),
    ...(typeof apiVersion === 'string' && apiVersion !== '' ? { apiVersion } : {}),
  };
}

function canonicalUnion(value: unknown): unknown {
  const descriptor = messageDescriptor('apiextensions.v1.JSONSchemaProps');
  const one = (item: unknown): unknown => (isObject(item) && descriptor !== undefined ? canonicalMessage(item, descriptor) : item);
  return Array.isArray(value) ? value.map(one) : one(value);
}

/** Of days that every month has: a time that is in its canonical form already. */
const PLAIN_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** In UTC, with whole seconds or six digits; what cannot be read stays. */
function canonicalTime(value: unknown, micro: boolean): unknown {
  if (typeof value !== 'string' || (!micro && PLAIN_TIME.test(value))) return value;
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) return value;
  const seconds = new Date(atMs).toISOString().slice(0, 19);
  if (!micro) return `${seconds}Z`;
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  return `${seconds}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
