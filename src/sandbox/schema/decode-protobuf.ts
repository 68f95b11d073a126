/** Reads bodies of the type `application/vnd.kubernetes.protobuf`, which kubectl and helm send for most built-in kinds, as JSON objects. */
import protobuf from 'protobufjs/minimal.js';
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';
import { builtInTypeName } from './built-in-schemas.ts';
import { messageDescriptor, type FieldDescriptor, type MessageDescriptor } from './message-descriptors.ts';

type Reader = InstanceType<typeof protobuf.Reader>;
type JsonObject = Record<string, unknown>;

const magic = [0x6b, 0x38, 0x73, 0x00];

/**
 * Decodes an envelope (`runtime.Unknown` of apimachinery, pkg/runtime/generated.proto) and what is in it. Fields come as JSON has them:
 * embedded structs beside the others, bytes as base64, zeros left out where Go leaves them out. Fields of no known number are left out.
 * @throws StatusError 400 for a body without the envelope, a kind that has no message, and bytes that are none
 */
export function decodeProtobuf(body: Uint8Array): KubeObject {
  if (!magic.every((byte, index) => body[index] === byte)) {
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  try {
    const { apiVersion, kind, raw } = decodeEnvelope(protobuf.Reader.create(body.subarray(magic.length)));
    const typeName = builtInTypeName(apiVersion, kind);
    const descriptor = typeName === undefined ? undefined : messageDescriptor(typeName);
    if (descriptor === undefined)
      throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
    return { kind, apiVersion, ...decodeMessage(protobuf.Reader.create(raw), raw.length, descriptor) } as unknown as KubeObject;
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.constructor === Error)) throw badRequest(`proto: ${error.message}`);
    throw error;
  }
}

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

function decodeEnvelope(reader: Reader): Envelope {
  let [apiVersion, kind, raw] = ['', '', new Uint8Array()];
  eachField(reader, reader.len, (number, wireType) => {
    if (number === 1) {
      eachField(reader, endOf(reader), (inner, innerWireType) => {
        if (inner === 1) apiVersion = reader.string();
        else if (inner === 2) kind = reader.string();
        else reader.skipType(innerWireType);
      });
    } else if (number === 2) raw = Uint8Array.from(reader.bytes());
    else reader.skipType(wireType);
  });
  return { apiVersion, kind, raw };
}

/** Position after a value that begins with its length. */
function endOf(reader: Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

function eachField(reader: Reader, end: number, read: (number: number, wireType: number) => void): void {
  if (end > reader.len) throw new RangeError('unexpected EOF');
  while (reader.pos < end) {
    const tag = reader.uint32();
    read(tag >>> 3, tag & 7);
  }
}

function decodeMessage(reader: Reader, end: number, descriptor: MessageDescriptor): JsonObject {
  const result: JsonObject = {};
  eachField(reader, end, (number, wireType) => {
    const field = descriptor.byNumber.get(number);
    if (field === undefined) reader.skipType(wireType);
    else if (field.kind === 'map') decodeEntry(reader, field, (result[field.jsonName] ??= {}) as JsonObject);
    else if (field.kind === 'repeated') decodeItem(reader, field, wireType, (result[field.jsonName] ??= []) as unknown[]);
    else if (field.embedded) Object.assign(result, decodeValue(reader, field));
    else setSingle(result, field, decodeValue(reader, field));
  });
  return result;
}

function setSingle(result: JsonObject, field: FieldDescriptor, value: unknown): void {
  const isZero = value === '' || value === 0 || value === false || value === null;
  // A time that is not set travels as an empty message, and absent is the same as null.
  if (value === null || (isZero && !field.isMessage && field.zero === 'omitted')) return;
  result[field.jsonName] = value;
}

/** Integers may come packed, several behind one tag. */
function decodeItem(reader: Reader, field: FieldDescriptor, wireType: number, items: unknown[]): void {
  if (wireType !== 2 || field.isMessage || field.type === 'string' || field.type === 'bytes') {
    items.push(decodeValue(reader, field));
    return;
  }
  const end = endOf(reader);
  while (reader.pos < end) items.push(decodeValue(reader, field));
}

function decodeEntry(reader: Reader, field: FieldDescriptor, map: JsonObject): void {
  let key = '';
  let value: unknown = field.isMessage ? undefined : zeroOf(field.type);
  eachField(reader, endOf(reader), (number, wireType) => {
    if (number === 1) key = reader.string();
    else if (number === 2) value = decodeValue(reader, field);
    else reader.skipType(wireType);
  });
  // Defined, not assigned: a key may be called __proto__.
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function zeroOf(type: string): unknown {
  if (type === 'string' || type === 'bytes') return '';
  return type === 'bool' ? false : 0;
}

function decodeValue(reader: Reader, { type, isMessage }: FieldDescriptor): unknown {
  if (!isMessage) return decodeScalar(reader, type);
  const end = endOf(reader);
  const descriptor = messageDescriptor(type);
  if (descriptor === undefined) throw new RangeError(`no message ${type}`);
  const value = decodeMessage(reader, end, descriptor);
  if (descriptor.isList) return value[descriptor.fields[0]?.jsonName ?? ''] ?? [];
  const toJson = jsonForms[type];
  return toJson === undefined ? value : toJson(value);
}

function decodeScalar(reader: Reader, type: string): unknown {
  switch (type) {
    case 'string':
      return reader.string();
    case 'bool':
      return reader.bool();
    case 'int32':
      return reader.int32();
    case 'uint32':
      return reader.uint32();
    case 'int64':
      return Number(reader.int64());
    case 'uint64':
      return Number(reader.uint64());
    case 'double':
      return reader.double();
    default:
      return Buffer.from(reader.bytes()).toString('base64');
  }
}

/** Messages that JSON shows otherwise than as their fields. */
const jsonForms: Readonly<Record<string, (message: JsonObject) => unknown>> = {
  'meta.v1.Time': (message) => timeOf(message)?.replace(/\.\d+Z$/, 'Z') ?? null,
  'meta.v1.MicroTime': (message) =>
    timeOf(message)?.replace(/\.\d+Z$/, `.${String(Math.floor(numberOf(message['nanos']) / 1000)).padStart(6, '0')}Z`) ?? null,
  'resource.Quantity': (message) => message['string'] ?? '0',
  'intstr.IntOrString': (message) => (numberOf(message['type']) === 1 ? (message['strVal'] ?? '') : (message['intVal'] ?? 0)),
  'runtime.RawExtension': (message) => parseBytes(message['raw']),
  'meta.v1.FieldsV1': (message) => parseBytes(message['Raw']),
  'apiextensions.v1.JSON': (message) => parseBytes(message['raw']),
  'apiextensions.v1.JSONSchemaPropsOrArray': (message) => message['schema'] ?? message['jSONSchemas'],
  'apiextensions.v1.JSONSchemaPropsOrBool': (message) => message['schema'] ?? message['allows'] ?? false,
  'apiextensions.v1.JSONSchemaPropsOrStringArray': (message) => message['schema'] ?? message['property'],
};

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function timeOf(message: JsonObject): string | undefined {
  const [seconds, nanos] = [numberOf(message['seconds']), numberOf(message['nanos'])];
  return seconds === 0 && nanos === 0 ? undefined : new Date(seconds * 1000).toISOString();
}

/** Bytes that hold JSON, decoded to base64 before. */
function parseBytes(value: unknown): unknown {
  const text = Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RangeError('embedded JSON cannot be read');
  }
}
