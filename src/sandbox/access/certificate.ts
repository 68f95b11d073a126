/** Makes X.509 certificates (RFC 5280) that are signed with keys on P-256. */
import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOfOne,
  time,
  utf8String,
} from './der-encoding.ts';

/** Parts of a name, in their order. */
export type SubjectName = readonly (readonly [part: 'O' | 'CN', value: string])[];

export interface CertificateOrder {
  readonly subject: SubjectName;
  readonly issuer: SubjectName;
  readonly publicKey: KeyObject;
  /** Of the issuer. */
  readonly signingKey: KeyObject;
  readonly validFrom: Date;
  readonly validUntil: Date;
  readonly purpose:
    | { readonly kind: 'authority' }
    | { readonly kind: 'client' }
    /** @param names DNS names and IP addresses */
    | { readonly kind: 'server'; readonly names: readonly string[] };
}

const NAME_PARTS = { O: '2.5.4.10', CN: '2.5.4.3' } as const;
const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const VERSION_3 = explicit(0, integer(Buffer.from([2])));

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** Numbers of the bits of KeyUsage. */
const DIGITAL_SIGNATURE = 0;
const KEY_CERT_SIGN = 5;
const CRL_SIGN = 6;

/** @returns PEM */
export function makeCertificate(order: CertificateOrder): string {
  const content = sequence(
    VERSION_3,
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    nameBytes(order.issuer),
    sequence(time(order.validFrom), time(order.validUntil)),
    nameBytes(order.subject),
    order.publicKey.export({ format: 'der', type: 'spki' }),
    explicit(3, sequence(...extensionsOf(order.purpose))),
  );
  const signature = sign('sha256', content, { key: order.signingKey, dsaEncoding: 'der' });
  return pem(sequence(content, ECDSA_WITH_SHA256, bitString(signature)));
}

/** A positive number of 128 bits. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function nameBytes(name: SubjectName): Buffer {
  return sequence(...name.map(([part, value]) => setOfOne(sequence(objectIdentifier(NAME_PARTS[part]), utf8String(value)))));
}

function extensionsOf(purpose: CertificateOrder['purpose']): readonly Buffer[] {
  if (purpose.kind === 'authority')
    return [
      extension(BASIC_CONSTRAINTS, true, sequence(boolean(true))),
      extension(KEY_USAGE, true, namedBits([DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN])),
    ];
  const usage = purpose.kind === 'server' ? SERVER_AUTH : CLIENT_AUTH;
  return [
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(KEY_USAGE, true, namedBits([DIGITAL_SIGNATURE])),
    extension(EXTENDED_KEY_USAGE, false, sequence(objectIdentifier(usage))),
    ...(purpose.kind === 'server' ? [extension(SUBJECT_ALTERNATIVE_NAME, false, sequence(...purpose.names.map(generalName)))] : []),
  ];
}

function extension(identifier: string, isCritical: boolean, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(identifier), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function generalName(name: string): Buffer {
  if (isIPv4(name)) return implicit(7, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return implicit(7, bytesOfIpv6(name));
  return implicit(2, Buffer.from(name, 'latin1'));
}

function bytesOfIpv6(address: string): Buffer {
  const groups = (text: string): readonly number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [head = '', tail] = address.split('::');
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
