/** Finds the authority of a control plane: one that somebody brought, the one that an earlier istiod made, else a new one. */
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { Cluster, ClusterWriter } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { StatusError } from '../../objects/status-error.ts';
import type { CertificateAuthority } from './certificate-authority.ts';

const OWN_SECRET = 'istio-ca-secret';
const BROUGHT_SECRET = 'cacerts';

export interface AuthorityPlace {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly writer: ClusterWriter;
  readonly namespace: string;
  readonly trustDomain: string;
}

/** @throws StatusError when the Secret can be neither read nor written */
export async function loadAuthority(place: AuthorityPlace): Promise<CertificateAuthority> {
  // Its library is slow to load, and a cluster without a mesh does not need it.
  const { authorityOf, createAuthority } = await place.clock.outside(() => import('./certificate-authority.ts'));
  const storedAuthority = ({ cluster, namespace }: AuthorityPlace, name: string): CertificateAuthority | undefined => {
    const parts = storedParts(cluster.get('secrets', name, namespace));
    return parts === undefined ? undefined : authorityOf(...parts);
  };
  const found = storedAuthority(place, BROUGHT_SECRET) ?? storedAuthority(place, OWN_SECRET);
  if (found !== undefined) return found;
  const authority = await place.clock.outside(() => createAuthority(place.trustDomain));
  try {
    await place.writer.create('secrets', secretOf(authority, place.namespace));
    return authority;
  } catch (error) {
    // Another istiod was faster.
    const other = error instanceof StatusError && error.status.code === 409 ? storedAuthority(place, OWN_SECRET) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

/** @returns certificate, key and root, PEM; undefined when the Secret does not have them */
function storedParts(secret: KubeObject | undefined): readonly [certificate: string, key: string, root: string] | undefined {
  const read = (key: string): string | undefined => {
    const text = (secret?.['data'] as Readonly<Record<string, string>> | undefined)?.[key];
    return text === undefined || text === '' ? undefined : Buffer.from(text, 'base64').toString('utf8');
  };
  const certificate = read('ca-cert.pem');
  const key = read('ca-key.pem');
  if (certificate === undefined || key === undefined) return undefined;
  return [certificate, key, read('root-cert.pem') ?? certificate];
}

function secretOf({ stored, root }: CertificateAuthority, namespace: string): KubeObject {
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: OWN_SECRET, namespace },
    type: 'istio.io/ca-root',
    data: {
      'ca-cert.pem': encode(stored.certificate),
      'ca-key.pem': encode(stored.key),
      'cert-chain.pem': '',
      'key.pem': '',
      'root-cert.pem': encode(root),
    },
  };
}
