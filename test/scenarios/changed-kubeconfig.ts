/** Kubeconfigs like that of the cluster under test, changed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ClusterUnderTest } from './cluster-under-test.ts';

export interface Kubeconfig {
  readonly clusters: { readonly cluster: Record<string, string> }[];
  readonly users: { user: Record<string, string> }[];
}

/** @returns the path of the changed file */
export function kubeconfigWith(cluster: ClusterUnderTest, name: string, change: (config: Kubeconfig) => void): string {
  const config = readKubeconfig(cluster);
  change(config);
  const file = join(cluster.scratch, name);
  writeFileSync(file, stringify(config));
  return file;
}

export function readKubeconfig(cluster: ClusterUnderTest): Kubeconfig {
  return parse(readFileSync(cluster.kubeconfig(), 'utf8')) as Kubeconfig;
}

export function serverOf(cluster: ClusterUnderTest): URL {
  return new URL(readKubeconfig(cluster).clusters[0]?.cluster['server'] ?? '');
}
