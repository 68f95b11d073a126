/** Puts the adapter behind the one port of commands that only look, so that they load nothing else. */
import { KubeClient } from '../adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../adapters/kubernetes/kube-cluster-reader.ts';
import { loadKubeConfig } from '../adapters/kubernetes/load-kube-config.ts';
import type { ClusterReader } from '../ports/cluster.ts';
import type { GlobalOptions } from './arguments/global-options.ts';

/** Gives a reader to `use`, and closes its connections afterwards. */
export async function withReader<T>(options: GlobalOptions, use: (reader: ClusterReader) => Promise<T>): Promise<T> {
  const config = loadKubeConfig({ kubeconfig: options.kubeconfig, context: options.context });
  const client = new KubeClient(config);
  try {
    return await use(new KubeClusterReader(client, { istioNamespace: options.istioNamespace, clusterName: config.getCurrentContext() }));
  } finally {
    client.close();
  }
}
