import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { expect, test } from 'vitest';
import { StatusError } from '../objects/status-error.ts';
import { toCanonicalForm } from './canonical-form.ts';
import { decodeProtobuf } from './decode-protobuf.ts';

interface Recording {
  readonly command: string;
  readonly body: string;
  readonly object: unknown;
}

interface ServerObject {
  readonly path: string;
  readonly json: string;
  readonly protobuf: string;
}

/** Bodies that kubectl v1.34 and helm v4 sent, beside what `--dry-run=client -o json` printed; without that option, checked by hand. */
const recordings = readJson('kubectl-bodies.json') as readonly Recording[];
/** Objects of a real API server v1.34, asked for once as JSON and once as protobuf. */
const serverObjects = readJson('server-objects.json') as readonly ServerObject[];

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8'));
}

/** Null is the same as absent, and kubectl prints an empty status that it does not send. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, item]) => item !== null && !(name === 'status' && JSON.stringify(item) === '{}'));
  return Object.fromEntries(fields.map(([name, item]) => [name, comparable(item)]));
}

test.each(recordings)('$command', ({ body, object }) => {
  expect(comparable(decodeProtobuf(Buffer.from(body, 'base64')))).toEqual(comparable(object));
});

test.each(serverObjects)('$path', ({ json, protobuf: body }) => {
  expect(toCanonicalForm(decodeProtobuf(Buffer.from(body, 'base64')))).toEqual(JSON.parse(json));
});

/** An envelope around a message that is written by hand. */
function envelope(apiVersion: string, kind: string, write: (writer: protobuf.Writer) => protobuf.Writer): Uint8Array {
  const typeMeta = protobuf.Writer.create().uint32(10).string(apiVersion).uint32(18).string(kind).finish();
  const unknown = protobuf.Writer.create().uint32(10).bytes(typeMeta).uint32(18).bytes(write(protobuf.Writer.create()).finish()).finish();
  return Buffer.concat([Buffer.from([0x6b, 0x38, 0x73, 0]), unknown]);
}

test('fields that no message has are passed over', () => {
  const body = envelope('v1', 'ConfigMap', (writer) =>
    writer
      .uint32(8 * 900 + 2)
      .string('later')
      .uint32(8 * 901)
      .int32(5)
      .uint32(18)
      .bytes(entry('a', '1')),
  );
  expect(decodeProtobuf(body)).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
});

test('a key of a map may be any text', () => {
  const decoded = decodeProtobuf(envelope('v1', 'ConfigMap', (writer) => writer.uint32(18).bytes(entry('__proto__', 'x'))));
  expect(Object.entries(decoded['data'] as object)).toEqual([['__proto__', 'x']]);
});

test('an entry without a value has the zero', () => {
  const key = protobuf.Writer.create().uint32(10).string('a').finish();
  expect(decodeProtobuf(envelope('v1', 'ConfigMap', (writer) => writer.uint32(18).bytes(key)))['data']).toEqual({ a: '' });
});

function entry(key: string, value: string): Uint8Array {
  return protobuf.Writer.create().uint32(10).string(key).uint32(18).string(value).finish();
}

test('a zero is kept where Go has a pointer, and only there', () => {
  const spec = protobuf.Writer.create().uint32(8).int32(0).uint32(40).int32(0).finish();
  expect(decodeProtobuf(envelope('apps/v1', 'Deployment', (writer) => writer.uint32(18).bytes(spec)))['spec']).toEqual({ replicas: 0 });
});

test.each([
  ['no envelope', Buffer.from('{"kind":"Pod"}'), 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
  ['nothing', new Uint8Array(), 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
  ['a kind without a message', envelope('v1', 'Foo', (writer) => writer), 'no kind "Foo" is registered for version "v1"'],
  ['an empty envelope', Buffer.from([0x6b, 0x38, 0x73, 0]), 'no kind "" is registered for version ""'],
])('%s is refused', (_, body, message) => {
  expect(() => decodeProtobuf(body)).toThrow(
    expect.objectContaining({ message, status: expect.objectContaining({ code: 400 }) as unknown }),
  );
});

test('bytes that are cut off or garbled end with a refusal or an object, never otherwise', () => {
  const bodies = recordings.map(({ body }) => Buffer.from(body, 'base64'));
  const damage = fc.record({
    body: fc.constantFrom(...bodies),
    length: fc.double({ min: 0, max: 1, noNaN: true }),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(damage, ({ body, length, changes }) => {
      const damaged = Buffer.from(body.subarray(0, Math.ceil(body.length * length)));
      for (const [at, byte] of changes) if (damaged.length > 4) damaged[4 + (at % (damaged.length - 4))] = byte;
      try {
        expect(decodeProtobuf(damaged)).toHaveProperty('kind');
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});
