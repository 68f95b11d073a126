/** What is wrong with the order that a request asks for, in the mesh as it is. */
import { workloadKey, type MeshInventory } from '../mesh/mesh-inventory.ts';
import { Problem } from '../problems/problem.ts';
import type { OrderRequest, WaveRequest } from '../request/order-request.ts';
import { namesWorkload } from '../request/upgrade-request.ts';
import { isNamedBy } from '../moves/arrange-waves.ts';

/**
 * @returns a Problem when a wave or a call names a namespace or workload that does not exist, or labels that no workload has; undefined
 *   otherwise. A wave of workloads that exist and are not moved is no mistake: it holds nothing, and is left out
 */
export function expectOrder(order: OrderRequest | undefined, inventory: MeshInventory): Problem | undefined {
  if (order === undefined) return undefined;
  const named = [...order.waves.flatMap((wave) => wave.workloads), ...order.edges.flatMap(({ from, to }) => [from, to])];
  const lost = named.find((entry) => !inventory.workloads.some((workload) => namesWorkload(entry, workload)));
  if (lost !== undefined) return unknownWorkload(lost, inventory);
  const namespace = order.waves.flatMap((wave) => wave.namespaces).find((name) => !inventory.namespaces.some((n) => n.name === name));
  if (namespace !== undefined)
    return new Problem('MESH-003', {
      what: `There is no namespace ${namespace}, which a wave names.`,
      next: [{ label: 'look', command: 'kubectl get namespaces' }],
    });
  const empty = order.waves.find((wave) => hasOnlyLabels(wave) && !inventory.workloads.some((workload) => isNamedBy(wave, { workload })));
  if (empty === undefined) return undefined;
  const labels = Object.entries(empty.labels).map(([key, value]) => `${key}=${value}`);
  return new Problem('MESH-004', {
    what: `No workload has pods with ${labels.join(', ')}, which a wave names.`,
    why: 'A wave goes by the labels of pod templates, not by those of Deployments or namespaces.',
    next: [{ label: 'look', command: `kubectl get pods -A -l ${labels.join(',')}` }],
  });
}

function hasOnlyLabels({ namespaces, workloads, labels }: WaveRequest): boolean {
  return Object.keys(labels).length > 0 && namespaces.length === 0 && workloads.length === 0;
}

function unknownWorkload(entry: string, inventory: MeshInventory): Problem {
  const name = entry.split('/').at(-1);
  const alike = inventory.workloads.filter((workload) => workload.name === name).map((workload) => workloadKey(workload));
  return new Problem('MESH-004', {
    what: `There is no workload ${entry}, which the order of the request names.`,
    why: alike.length > 0 ? `There is ${alike.slice(0, 3).join(', ')}.` : 'Workloads are named NAMESPACE/NAME, or NAMESPACE/KIND/NAME.',
    next: [{ label: 'look', command: 'meshlift status -o wide' }],
  });
}
