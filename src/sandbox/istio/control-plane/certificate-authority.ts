/** The authority that signs what a mesh trusts. Revisions in one namespace share it through its Secret. */
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface CertificateAuthority {
  /** PEM of its root. */
  readonly root: string;
  /** Tells two authorities apart. */
  readonly fingerprint: string;
  /** A certificate for a server's names, with its key, as PEM. */
  readonly issue: (dnsNames: readonly string[]) => Promise<{ readonly cert: string; readonly key: string }>;
  /** As they stand in the Secret `istio-ca-secret`. */
  readonly stored: { readonly certificate: string; readonly key: string };
}

/** TLS is checked against the machine's time, whatever the sandbox's clock shows: certificates are valid at any of both. */
const VALID_FROM = new Date(Date.UTC(2000, 0, 1));
const VALID_UNTIL = new Date(Date.UTC(2099, 11, 31));

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

x509.cryptoProvider.set(webcrypto);

/** @param trustDomain the organization in its subject, such as `cluster.local` */
export async function createAuthority(trustDomain: string): Promise<CertificateAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `O=${trustDomain}`,
    notBefore: VALID_FROM,
    notAfter: VALID_UNTIL,
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(`${certificate.toString('pem')}\n`, await exportKey(keys.privateKey));
}

/**
 * An authority from a Secret: Istio's own, or one that somebody brought.
 * @param certificate PEM @param key PEM of an RSA or an elliptic key
 * @throws Error when one of them is damaged
 */
export function authorityOf(certificate: string, key: string, root: string = certificate): CertificateAuthority {
  const parsed = new x509.X509Certificate(certificate);
  return {
    root,
    fingerprint: createHash('sha256').update(root).digest('hex'),
    stored: { certificate, key },
    issue: async (dnsNames) => {
      const signer = await importKey(key);
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: '',
        issuer: parsed.subject,
        notBefore: VALID_FROM,
        notAfter: VALID_UNTIL,
        publicKey: keys.publicKey,
        signingKey: signer.key,
        signingAlgorithm: signer.algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          new x509.SubjectAlternativeNameExtension(
            dnsNames.map((value) => ({ type: 'dns' as const, value })),
            true,
          ),
        ],
      });
      const chain = root === certificate ? '' : certificate;
      return { cert: `${issued.toString('pem')}\n${chain}`, key: await exportKey(keys.privateKey) };
    },
  };
}

function serialNumber(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
    .toString('hex')
    .replace(/^[89a-f]/, '4');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString();
}

interface Signer {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: { readonly name: string; readonly hash: string };
}

async function importKey(pem: string): Promise<Signer> {
  const key = createPrivateKey(pem);
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return { key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), algorithm };
  }
  if (curve === undefined) throw new Error('the key of the certificate authority is neither RSA nor P-256 nor P-384');
  const algorithm = { name: 'ECDSA', hash: curve === 'P-384' ? 'SHA-384' : 'SHA-256' };
  return { key: await webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: curve }, false, ['sign']), algorithm };
}
