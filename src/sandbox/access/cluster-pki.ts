/** The certificates of a cluster: an authority of its own, the API server's certificate, and client certificates that say who somebody is. */
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { makeCertificate, type CertificateOrder, type SubjectName } from './certificate.ts';

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

const AUTHORITY: SubjectName = [['CN', 'meshlift-sandbox-ca']];

/**
 * Certificates are for the machine's own time, whatever time a sandbox has: real clients check them.
 * @param addresses of the server besides localhost
 */
export async function createClusterPki(addresses: readonly string[] = []): Promise<ClusterPki> {
  const authority = await generateKeys();
  const certify = async (subject: SubjectName, purpose: CertificateOrder['purpose']): Promise<CertifiedKey> => {
    const keys = await generateKeys();
    return { cert: certificate({ subject, keys, signingKey: authority.privateKey, purpose }), key: keyPem(keys) };
  };
  const issueServer = (commonName: string, names: readonly string[]): Promise<CertifiedKey> =>
    certify([['CN', commonName]], { kind: 'server', names });
  return {
    ca: certificate({ subject: AUTHORITY, keys: authority, signingKey: authority.privateKey, purpose: { kind: 'authority' } }),
    caKey: keyPem(authority),
    server: await issueServer('kube-apiserver', [...SERVER_NAMES, ...addresses]),
    issueServer,
    issueClient: (user, groups) =>
      certify([...groups.map((group): readonly ['O', string] => ['O', group]), ['CN', user]], { kind: 'client' }),
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Order extends Pick<CertificateOrder, 'subject' | 'signingKey' | 'purpose'> {
  readonly keys: Keys;
}

function certificate({ keys, ...order }: Order): string {
  const now = Date.now();
  return makeCertificate({
    ...order,
    issuer: AUTHORITY,
    publicKey: keys.publicKey,
    validFrom: new Date(now - BACKDATED_MS),
    validUntil: new Date(now + YEARS_MS),
  });
}

const generatePair = promisify(generateKeyPair);

function generateKeys(): Promise<Keys> {
  return generatePair('ec', { namedCurve: 'P-256' });
}

function keyPem({ privateKey }: Keys): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
