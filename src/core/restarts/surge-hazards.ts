/** What keeps the one more pod of a rollout from starting. */
import type { PodSpec, ResourceQuota } from '../mesh/kube-objects.ts';
import type { Workload } from '../mesh/mesh-inventory.ts';
import type { RestartReason } from '../moves/restart-choice.ts';
import { refTo } from './disruption-hazards.ts';
import { podNeeds, type PodNeeds } from './pod-needs.ts';
import { parseQuantity } from '../mesh/quantity.ts';
import { rolloutRoom } from './rollout-room.ts';
import type { NodeRoom, Surroundings } from './surroundings.ts';

/** Whether the rollout starts pods before it takes any away, and cannot go on when they do not start. */
function needsItsSurge(workload: Workload): boolean {
  const { missing, surge } = rolloutRoom(workload);
  return surge > 0 && missing === 0;
}

/**
 * A claim that only one node, or one pod, may use. On a cluster of one node the second pod is on the same one.
 * @source kubernetes/api core/v1 types.go PersistentVolumeAccessMode, v0.34
 */
export function volumesOnce(workload: Workload, { claims, nodes, unread }: Surroundings): RestartReason[] {
  const names = (workload.template.spec?.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
  if (names.length === 0 || !needsItsSurge(workload)) return [];
  if (unread.has('persistentvolumeclaims')) {
    const text = `starts a second pod with the volume ${names[0] ?? ''}, of which it could not be read whether two pods may use it`;
    return [{ code: 'WORK-013', weight: 'ask', text }];
  }
  return names.flatMap((name): RestartReason[] => {
    const modes = claims.get(`${workload.namespace}/${name}`)?.spec?.accessModes ?? [];
    const onOnePod = modes.includes('ReadWriteOncePod');
    const onOneNode = modes.length > 0 && modes.every((mode) => mode === 'ReadWriteOnce');
    if (!onOnePod && (!onOneNode || (nodes.length === 1 && !unread.has('nodes')))) return [];
    const why = onOnePod ? 'only one pod may use' : 'only pods of one node may use';
    return [{ code: 'WORK-013', weight: 'ask', text: `starts a second pod with the volume ${name}, which ${why}` }];
  });
}

/** Quota first, which refuses for certain; that no node has room is told, since nodes may be added. */
export function roomForOneMore(workload: Workload, surroundings: Surroundings): RestartReason[] {
  if (!needsItsSurge(workload)) return [];
  const { quotas, nodes, unread } = surroundings;
  const needs = podNeeds(specOf(workload, surroundings));
  if (unread.has('resourcequotas')) return [{ weight: 'note', text: 'needs room for one more pod: quotas could not be read' }];
  const full = (quotas.get(workload.namespace) ?? []).flatMap((quota) => lacking(quota, needs).map((what) => ({ quota, what })))[0];
  if (full !== undefined) {
    const text = `starts a second pod, for which the ResourceQuota ${full.quota.metadata.name} has no room (${full.what})`;
    return [{ code: 'WORK-011', weight: 'ask', text, passing: refTo(full.quota, 'v1', 'ResourceQuota') }];
  }
  if (unread.has('nodes')) return [{ weight: 'note', text: 'needs room for one more pod: nodes could not be read' }];
  // Where pods of this workload may be is known only as far as it does not tolerate what keeps others away.
  const isPlain = workload.kind === 'Deployment' && (workload.template.spec?.tolerations ?? []).length === 0;
  const possible = nodes.filter((node) => isSelected(node, workload));
  if (!isPlain || nodes.length === 0 || possible.some((node) => fits(node, needs))) return [];
  return [{ code: 'WORK-012', weight: 'note', text: 'starts a second pod, for which no node has room now' }];
}

/** The pod as it runs says what its proxy asks for; the template is the next best. */
function specOf(workload: Workload, { pods }: Surroundings): PodSpec | undefined {
  const running = workload.pods.find((pod) => !pod.terminating);
  return pods.get(`${workload.namespace}/${running?.name ?? ''}`)?.spec ?? workload.template.spec;
}

/** What is counted by which name. @source kubernetes/kubernetes pkg/quota/v1/evaluator/core/pods.go, v1.34 */
const COUNTED: Readonly<Record<string, (needs: PodNeeds) => number | undefined>> = {
  pods: () => 1,
  'count/pods': () => 1,
  cpu: ({ requests }) => requests['cpu'],
  'requests.cpu': ({ requests }) => requests['cpu'],
  memory: ({ requests }) => requests['memory'],
  'requests.memory': ({ requests }) => requests['memory'],
  'limits.cpu': ({ limits }) => limits['cpu'],
  'limits.memory': ({ limits }) => limits['memory'],
};

/** Scopes that hold for pods that run for good and ask for something, such as those of workloads with a proxy. */
const PLAIN_SCOPES: ReadonlySet<string> = new Set(['NotTerminating', 'NotBestEffort']);

/** What of a quota one more pod would go beyond: `pods 3 of 3`. A quota for special pods is not judged. */
export function lacking({ spec, status }: ResourceQuota, needs: PodNeeds): string[] {
  if (spec?.scopeSelector !== undefined || (spec?.scopes ?? []).some((scope) => !PLAIN_SCOPES.has(scope))) return [];
  return Object.entries(status?.hard ?? {}).flatMap(([name, written]) => {
    const hard = parseQuantity(written);
    const more = COUNTED[name]?.(needs);
    const used = parseQuantity(status?.used?.[name] ?? 0);
    if (hard === undefined || more === undefined || used === undefined || used + more <= hard) return [];
    return [`${name} ${status?.used?.[name] ?? 0} of ${written}`];
  });
}

function isSelected({ labels }: NodeRoom, { template }: Workload): boolean {
  return Object.entries(template.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
}

function fits({ free }: NodeRoom, { requests }: PodNeeds): boolean {
  return (free['pods'] ?? 1) >= 1 && Object.entries(requests).every(([name, amount]) => amount <= (free[name] ?? 0));
}
