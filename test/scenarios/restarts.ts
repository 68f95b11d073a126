/** How often workloads were restarted. */
import type { ClusterUnderTest, Meta } from './cluster-under-test.ts';

interface Generation {
  readonly metadata: Meta;
  /** Of a ControllerRevision. */
  readonly revision?: number;
}

/**
 * How often each workload's pods were replaced: the highest number that its controller gave to a template. Old ones are
 * removed after a while, so that their count would say less.
 */
export async function templateCounts(cluster: ClusterUnderTest, namespace: string): Promise<Record<string, number>> {
  const items = await cluster.objects.list<Generation>(['replicasets', 'controllerrevisions'], { namespace });
  const highest: Record<string, number> = {};
  for (const { metadata, revision } of items) {
    const owner = metadata.ownerReferences?.[0]?.name ?? '';
    const number = revision ?? Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '0');
    highest[owner] = Math.max(highest[owner] ?? 0, number);
  }
  return highest;
}

/** @returns new templates by workload */
export function countedSince(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(now).map(([owner, count]) => [owner, count - (before[owner] ?? 0)]));
}
