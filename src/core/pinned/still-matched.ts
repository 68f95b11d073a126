import { isAlive, type MeshInventory } from '../mesh/mesh-inventory.ts';
import { matchesProxyVersion } from './proxy-version.ts';

/**
 * @param expressions of an EnvoyFilter, as in `proxyVersion`
 * @returns proxies that one of them matches, by name, or may match since their version is unknown; those of pods without a
 *   connection and connections without a pod included
 */
export function stillMatched(expressions: readonly string[], inventory: Pick<MeshInventory, 'workloads' | 'strayConnections'>): string[] {
  const pods = inventory.workloads.flatMap(({ pods: list }) =>
    list.flatMap((pod) =>
      pod.proxy === undefined || !isAlive(pod) ? [] : [{ name: `${pod.namespace}/${pod.name}`, version: pod.proxy.version }],
    ),
  );
  const strays = inventory.strayConnections.map(({ entry }) => ({ name: entry.proxy, version: entry.istioVersion ?? 'unknown' }));
  return [...pods, ...strays]
    .filter(({ version }) => expressions.some((expression) => matchesProxyVersion(expression, version) !== 'no'))
    .map(({ name }) => name);
}
