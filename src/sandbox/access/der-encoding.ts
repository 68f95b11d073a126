/** Writes ASN.1 in DER (X.690): the little of it that certificates need. Whole libraries for it take longer to load than a sandbox to start. */

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(SEQUENCE, Buffer.concat(items));
}

/** Of one member, for which order does not matter. */
export function setOfOne(item: Uint8Array): Buffer {
  return element(SET, item);
}

export function boolean(value: boolean): Buffer {
  return element(BOOLEAN, Buffer.from([value ? 0xff : 0]));
}

/** @param bytes big-endian, of a number that is not negative, without leading zeros */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(INTEGER, isNegative ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function octetString(content: Uint8Array): Buffer {
  return element(OCTET_STRING, content);
}

/** @param unusedBits of the last byte */
export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(BIT_STRING, Buffer.concat([Buffer.from([unusedBits]), content]));
}

/** Flags by number of the bit, the first one the highest; trailing zeros are left out, as DER wants it of named bits. */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(bytes, 7 - (last & 7));
}

/** @param dotted such as `2.5.4.3` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const bytes = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

export function utf8String(text: string): Buffer {
  return element(UTF8_STRING, Buffer.from(text, 'utf8'));
}

/** As certificates write times: with two digits of the year until 2049 (RFC 5280, 4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050
    ? element(UTC_TIME, Buffer.from(digits.slice(2), 'latin1'))
    : element(GENERALIZED_TIME, Buffer.from(digits, 'latin1'));
}

/** `[number] EXPLICIT` */
export function explicit(number: number, content: Uint8Array): Buffer {
  return element(CONTEXT | CONSTRUCTED | number, content);
}

/** `[number] IMPLICIT`, of a value that is not composed. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return element(CONTEXT | number, content);
}
