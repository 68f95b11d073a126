/** The file by which clients find a cluster and prove who they are. */
import { stringify } from 'yaml';
import type { CertifiedKey } from './cluster-pki.ts';

export interface KubeconfigOptions {
  /** Of cluster and context. */
  readonly name: string;
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly credentials: CertifiedKey | { readonly token: string };
  /** Namespace of the context; absent means `default`. */
  readonly namespace?: string;
}

/** A kubeconfig with everything in it: no other files are needed. */
export function makeKubeconfig({ name, server, ca, user, credentials, namespace }: KubeconfigOptions): string {
  const proof =
    'token' in credentials
      ? { token: credentials.token }
      : { 'client-certificate-data': base64(credentials.cert), 'client-key-data': base64(credentials.key) };
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [{ name: user, user: proof }],
      contexts: [{ name, context: { cluster: name, user, ...(namespace === undefined ? {} : { namespace }) } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
