/** Puts the adapters behind the ports of commands that look at a mesh and at its runs, and change neither. */
import { KubeClient } from '../adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../adapters/kubernetes/kube-cluster-reader.ts';
import { KubeRunLock } from '../adapters/kubernetes/kube-run-lock.ts';
import { KubeRunStore } from '../adapters/kubernetes/kube-run-store.ts';
import { loadKubeConfig } from '../adapters/kubernetes/load-kube-config.ts';
import type { ClusterReader } from '../ports/cluster.ts';
import type { RunLock } from '../ports/run-lock.ts';
import type { RunStore } from '../ports/run-store.ts';
import type { GlobalOptions } from './arguments/global-options.ts';

export interface LookPorts {
  readonly reader: ClusterReader;
  readonly runs: Pick<RunStore, 'list' | 'load'>;
  readonly lock: Pick<RunLock, 'holder'>;
}

/** Gives the ports to `use`, and closes their connections afterwards. */
export async function withLook<T>(options: GlobalOptions, use: (ports: LookPorts) => Promise<T>): Promise<T> {
  const config = loadKubeConfig({ kubeconfig: options.kubeconfig, context: options.context });
  const client = new KubeClient(config);
  const { istioNamespace } = options;
  try {
    return await use({
      reader: new KubeClusterReader(client, { istioNamespace, clusterName: config.getCurrentContext() }),
      runs: new KubeRunStore(client, istioNamespace),
      lock: new KubeRunLock(client, istioNamespace),
    });
  } finally {
    client.close();
  }
}
