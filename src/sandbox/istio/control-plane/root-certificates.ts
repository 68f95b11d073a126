/** Keeps the mesh's root certificate in every namespace; pods with a sidecar do not start without it. Done by the leader alone. */
import type { Cluster, ClusterWriter } from '../../cluster/cluster-view.ts';
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { StatusError } from '../../objects/status-error.ts';
import { createWorkQueue } from './work-queue.ts';

/** Namespaces that istiod leaves alone. Source: istio/istio, pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go, tag 1.28.2. */
const LEFT_ALONE: ReadonlySet<string> = new Set(['kube-public', 'kube-node-lease']);

export interface RootCertificatesOptions {
  readonly cluster: Cluster;
  readonly writer: ClusterWriter;
  readonly clock: SandboxClock;
  /** PEM */
  readonly root: string;
  /** Also keeps the list of revoked certificates, which is empty. */
  readonly revocations: boolean;
}

/** @returns stops it */
export function startRootCertificates({ cluster, writer, clock, root, revocations }: RootCertificatesOptions): () => void {
  const data: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'istio-ca-root-cert': { 'root-cert.pem': root },
    ...(revocations ? { 'istio-ca-crl': { 'ca-crl.pem': '' } } : {}),
  };
  const queue = createWorkQueue({
    clock,
    work: async (namespace) => {
      if (!isAlive(cluster.get('namespaces', namespace))) return;
      for (const [name, content] of Object.entries(data)) await keep(name, namespace, content);
    },
  });
  const keep = async (name: string, namespace: string, content: Readonly<Record<string, string>>): Promise<void> => {
    const found = cluster.get('configmaps', name, namespace);
    if (found === undefined) {
      const metadata = { name, namespace, labels: { 'istio.io/config': 'true' } };
      await ignoringRaces(writer.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: content }));
    } else if (!isSame(found['data'], content)) {
      await ignoringRaces(writer.update('configmaps', { ...found, data: { ...(found['data'] as object), ...content } }));
    }
  };
  const look = (namespace: string): void => {
    if (!LEFT_ALONE.has(namespace)) queue.add(namespace);
  };
  for (const { metadata } of cluster.list('namespaces')) look(metadata.name);
  const stops = [
    cluster.onChange('namespaces', ({ type, object }) => {
      if (type === 'ADDED') look(object.metadata.name);
    }),
    cluster.onChange('configmaps', ({ type, object, previous }) => {
      const watched = data[object.metadata.name];
      if (watched === undefined || (type === 'MODIFIED' && previous?.['data'] === object['data'])) return;
      if (type !== 'ADDED') look(object.metadata.namespace ?? '');
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

function isAlive(namespace: KubeObject | undefined): boolean {
  return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
}

function isSame(data: unknown, content: Readonly<Record<string, string>>): boolean {
  const found = (data ?? {}) as Readonly<Record<string, string>>;
  return Object.entries(content).every(([key, value]) => found[key] === value);
}

/** The namespace went meanwhile, or somebody else wrote the same: what is left to do shows in the next change. */
async function ignoringRaces(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof StatusError) || ![403, 404].includes(error.status.code) || !/terminat|not found/.test(error.message))
      throw error;
  }
}
