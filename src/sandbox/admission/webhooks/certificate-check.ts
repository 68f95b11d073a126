/** Checks the certificate of a webhook's server in the order of Go's crypto/x509, and says what is wrong in its words. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @returns the certificates of a bundle; undefined when it has none that can be read */
export function readBundle(pem: string): readonly X509Certificate[] | undefined {
  try {
    const certificates = (pem.match(PEM_BLOCK) ?? []).map((block) => new X509Certificate(block));
    return certificates.length === 0 ? undefined : certificates;
  } catch {
    return undefined;
  }
}

/**
 * @param socket connected without having been refused
 * @param host that the certificate must be for
 * @param trusted of the bundle; empty when the machine's were used
 * @returns undefined when all is well
 */
export function certificateProblem(
  socket: TLSSocket,
  host: string,
  trusted: readonly X509Certificate[],
  nowMs: number,
): string | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return 'tls: server presented no certificate';
  const problem = validityProblem(leaf, nowMs) ?? hostProblem(leaf, host);
  if (problem !== undefined) return `tls: failed to verify certificate: x509: ${problem}`;
  if (socket.authorized) return undefined;
  return `tls: failed to verify certificate: x509: certificate signed by unknown authority${hint(leaf, trusted)}`;
}

/** `validFromDate` and `validToDate` are not there in Node 20. */
function validityProblem({ validFrom, validTo }: X509Certificate, nowMs: number): string | undefined {
  const state = 'certificate has expired or is not yet valid: current time';
  const now = goTime(nowMs);
  if (nowMs > Date.parse(validTo)) return `${state} ${now} is after ${goTime(Date.parse(validTo))}`;
  if (nowMs < Date.parse(validFrom)) return `${state} ${now} is before ${goTime(Date.parse(validFrom))}`;
  return undefined;
}

function goTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function hostProblem(leaf: X509Certificate, host: string): string | undefined {
  const names = alternativeNames(leaf, 'DNS');
  const addresses = alternativeNames(leaf, 'IP Address');
  if (isIP(host) !== 0) {
    if (leaf.checkIP(host) !== undefined) return undefined;
    if (addresses.length === 0) return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
    return `certificate is valid for ${addresses.join(', ')}, not ${host}`;
  }
  if (leaf.checkHost(host, { subject: 'never' }) !== undefined) return undefined;
  if (leaf.subjectAltName === undefined && leaf.checkHost(host, { subject: 'always' }) !== undefined)
    return 'certificate relies on legacy Common Name field, use SANs instead';
  if (names.length === 0) return `certificate is not valid for any names, but wanted to match ${host}`;
  return `certificate is valid for ${names.join(', ')}, not ${host}`;
}

/** Of `DNS:a.example, DNS:b.example, IP Address:127.0.0.1`. */
function alternativeNames({ subjectAltName = '' }: X509Certificate, kind: string): readonly string[] {
  const prefix = `${kind}:`;
  return subjectAltName
    .split(', ')
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length));
}

/** An authority of the right name and the wrong key, as after a change of the root certificate. */
function hint(leaf: X509Certificate, trusted: readonly X509Certificate[]): string {
  const candidate = trusted.find((one) => one.subject === leaf.issuer && !leaf.verify(one.publicKey));
  if (candidate === undefined) return '';
  const tried = `while trying to verify candidate authority certificate ${JSON.stringify(shortName(candidate))}`;
  return ` (possibly because of ${JSON.stringify(signatureError(candidate))} ${tried})`;
}

/** Go names the kind of key. */
function signatureError({ publicKey }: X509Certificate): string {
  if (publicKey.asymmetricKeyType === 'ec') return 'x509: ECDSA verification failure';
  return publicKey.asymmetricKeyType === 'ed25519' ? 'x509: Ed25519 verification failure' : 'crypto/rsa: verification error';
}

function shortName({ subject, serialNumber }: X509Certificate): string {
  const fields = subject.split('\n').map((line) => line.split('='));
  const find = (wanted: string): string | undefined => fields.find(([key]) => key === wanted)?.[1];
  return find('CN') ?? find('O') ?? `serial:${BigInt(`0x${serialNumber}`).toString()}`;
}
