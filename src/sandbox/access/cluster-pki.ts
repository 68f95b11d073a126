/** The certificates of a cluster: an authority of its own, the API server's certificate, and client certificates that say who somebody is. */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type Extension,
  type JsonGeneralName,
  type X509Certificate,
} from '@peculiar/x509';

/** A certificate and its key, PEM. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

export interface ClusterPki {
  /** Certificate of the authority, PEM. */
  readonly ca: string;
  /** Key of the authority, PEM; whoever has it can be anybody. */
  readonly caKey: string;
  readonly server: CertifiedKey;
  /** @param groups such as `system:masters` */
  readonly issueClient: (user: string, groups: readonly string[]) => Promise<CertifiedKey>;
  /** For servers inside of the cluster. @param names DNS names and IP addresses */
  readonly issueServer: (commonName: string, names: readonly string[]) => Promise<CertifiedKey>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEARS_MS = 10 * 365 * 24 * 3_600_000;
/** Clients whose clocks are a little behind find the certificates valid too. */
const BACKDATED_MS = 3_600_000;

const SERVER_NAMES: readonly string[] = [
  'localhost',
  '127.0.0.1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

/**
 * Certificates are for the machine's own time, whatever time a sandbox has: real clients check them.
 * @param addresses of the server besides localhost
 */
export async function createClusterPki(addresses: readonly string[] = []): Promise<ClusterPki> {
  const authority = await generateKeys();
  const root = await issue({
    subject: [{ CN: ['meshlift-sandbox-ca'] }],
    keys: authority,
    signer: { keys: authority, name: [{ CN: ['meshlift-sandbox-ca'] }] },
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  const signer: Signer = { keys: authority, name: root.subjectName.toJSON() };
  const issueServer = (commonName: string, names: readonly string[]): Promise<CertifiedKey> =>
    certify(
      signer,
      [{ CN: [commonName] }],
      [usage(ExtendedKeyUsage.serverAuth), new SubjectAlternativeNameExtension(names.map(generalName))],
    );
  return {
    ca: pem(root),
    caKey: await keyPem(authority),
    server: await issueServer('kube-apiserver', [...SERVER_NAMES, ...addresses]),
    issueServer,
    issueClient: (user, groups) =>
      certify(signer, [...groups.map((group) => ({ O: [group] })), { CN: [user] }], [usage(ExtendedKeyUsage.clientAuth)]),
  };
}

type Keys = webcrypto.CryptoKeyPair;
type Name = readonly Readonly<Record<string, string[]>>[];

interface Signer {
  readonly keys: Keys;
  readonly name: Name;
}

interface Order {
  readonly subject: Name;
  readonly keys: Keys;
  readonly signer: Signer;
  readonly extensions: readonly Extension[];
}

async function certify(signer: Signer, subject: Name, extensions: readonly Extension[]): Promise<CertifiedKey> {
  const keys = await generateKeys();
  const purpose = [new BasicConstraintsExtension(false, undefined, true), new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)];
  const certificate = await issue({ subject, keys, signer, extensions: [...purpose, ...extensions] });
  return { cert: pem(certificate), key: await keyPem(keys) };
}

function issue({ subject, keys, signer, extensions }: Order): Promise<X509Certificate> {
  const now = Date.now();
  return X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [...subject],
      issuer: [...signer.name],
      notBefore: new Date(now - BACKDATED_MS),
      notAfter: new Date(now + YEARS_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: signer.keys.privateKey,
      extensions: [...extensions],
    },
    webcrypto,
  );
}

/** A positive number of 128 bits. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function generateKeys(): Promise<Keys> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function usage(purpose: ExtendedKeyUsage): Extension {
  return new ExtendedKeyUsageExtension([purpose]);
}

function generalName(name: string): JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name };
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function keyPem({ privateKey }: Keys): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }) as string;
}
