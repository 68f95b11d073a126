import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { makeCertificate, type CertificateOrder } from './certificate.ts';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function made(order: Partial<CertificateOrder>): X509Certificate {
  const text = makeCertificate({
    subject: [
      ['O', 'system:masters'],
      ['CN', 'Zoë'],
    ],
    issuer: [['CN', 'ca']],
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    validFrom: new Date('2026-01-01T00:00:00Z'),
    validUntil: new Date('2049-12-31T23:59:59Z'),
    purpose: { kind: 'client' },
    ...order,
  });
  return new X509Certificate(text);
}

describe('a certificate', () => {
  it('says who it is for, who signed it and how long it is good', () => {
    const certificate = made({});
    expect([certificate.subject, certificate.issuer]).toEqual(['O=system:masters\nCN=Zoë', 'CN=ca']);
    expect([certificate.validFrom, certificate.validTo]).toEqual(['Jan  1 00:00:00 2026 GMT', 'Dec 31 23:59:59 2049 GMT']);
    expect(certificate.verify(keys.publicKey)).toBe(true);
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('may be good until after 2049', () => {
    expect(made({ validUntil: new Date('2051-02-03T04:05:06Z') }).validTo).toBe('Feb  3 04:05:06 2051 GMT');
  });

  test.each<[CertificateOrder['purpose'], boolean, readonly string[] | undefined, string | undefined]>([
    [{ kind: 'authority' }, true, undefined, undefined],
    [{ kind: 'client' }, false, ['1.3.6.1.5.5.7.3.2'], undefined],
    [
      { kind: 'server', names: ['localhost', '127.0.0.1', '::1', 'fd00:1::2'] },
      false,
      ['1.3.6.1.5.5.7.3.1'],
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:1:0:0:0:0:0:2',
    ],
  ])('is for one purpose: %o', (purpose, isAuthority, usage, names) => {
    const certificate = made({ purpose });
    expect([certificate.ca, certificate.keyUsage, certificate.subjectAltName]).toEqual([isAuthority, usage, names]);
  });
});
