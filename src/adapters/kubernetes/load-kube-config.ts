/** Finds the cluster as kubectl does: `--kubeconfig`, KUBECONFIG, ~/.kube/config, then the pod's own service account. */
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Problem } from '../../core/problems/problem.ts';

export interface ClusterSelection {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** @throws Problem KUBE-001 when there is none, KUBE-002 when the context does not exist */
export function loadKubeConfig(selection: ClusterSelection): KubeConfig {
  const config = new KubeConfig();
  try {
    if (selection.kubeconfig !== undefined) config.loadFromFile(readable(selection.kubeconfig));
    else {
      for (const path of pathsFromEnvironment()) readable(path);
      config.loadFromDefault();
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw noCluster(`The kubeconfig cannot be used: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`);
  }
  selectContext(config, selection.context);
  if (!config.getCurrentCluster())
    throw noCluster(`The context ${config.getCurrentContext() ?? ''} names no cluster that the kubeconfig has.`);
  return config;
}

/** With one path in KUBECONFIG it must exist; of several, kubectl skips those that do not. */
function pathsFromEnvironment(): string[] {
  const paths = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return paths.length === 1 ? paths : [];
}

function readable(path: string): string {
  if (existsSync(path)) return path;
  throw noCluster(`The kubeconfig ${path} does not exist.`);
}

function noCluster(what: string): Problem {
  return new Problem('KUBE-001', { what, next: [{ label: 'name one', command: 'export KUBECONFIG=FILE, or --kubeconfig FILE' }] });
}

function selectContext(config: KubeConfig, wanted: string | undefined): void {
  const names = config.getContexts().map((context) => context.name);
  const name = wanted ?? config.getCurrentContext();
  if (wanted === undefined && (name === undefined || name === '')) {
    if (names.length === 0) throw noCluster('No kubeconfig with a context was found.');
    throw new Problem('KUBE-002', {
      what: `The kubeconfig has no current context. It has: ${names.join(', ')}.`,
      next: [{ label: 'name one', command: '--context NAME' }],
    });
  }
  // Without any kubeconfig the client library makes up a cluster at localhost:8080, which nobody means.
  if (names.length === 1 && name === 'loaded-context' && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw noCluster('No kubeconfig was found, and this is not a pod.');
  }
  if (!names.includes(name)) {
    throw new Problem('KUBE-002', {
      what: `There is no context "${name}". There are: ${names.join(', ') || 'none'}.`,
      next: [{ label: 'look', command: 'kubectl config get-contexts' }],
    });
  }
  config.setCurrentContext(name);
}
