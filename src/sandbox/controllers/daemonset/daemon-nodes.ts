/** On which nodes a DaemonSet runs, and the pod that each of them gets: `daemon_controller.go` of Kubernetes 1.34. */
import type { PodPlan } from '../base/pod-from-template.ts';
import type { DaemonSet, PodSpec, Toleration } from '../base/workload-shapes.ts';
import { matchesNode, type Node, untolerated, UNSCHEDULABLE_TAINT } from '../scheduling/node-fit.ts';

export const HASH_LABEL = 'controller-revision-hash';
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

const EVERYWHERE: readonly (readonly [key: string, effect: string])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  [UNSCHEDULABLE_TAINT.key, UNSCHEDULABLE_TAINT.effect],
];

/** Daemons go where others may not: these tolerations are added to each of their pods. */
function daemonTolerations(spec: PodSpec): readonly Toleration[] {
  const wanted = [...EVERYWHERE, ...(spec.hostNetwork === true ? [['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const] : [])];
  const given = spec.tolerations ?? [];
  const missing = wanted.filter(
    ([key, effect]) => !given.some((one) => one.key === key && one.effect === effect && one.operator === 'Exists'),
  );
  return [...given, ...missing.map(([key, effect]) => ({ key, operator: 'Exists', effect }))];
}

export interface NodeVerdict {
  readonly shouldRun: boolean;
  /** A pod that is there already may stay: taints that only keep new pods away do not count. */
  readonly mayStay: boolean;
}

export function judgeNode(set: DaemonSet, node: Node): NodeVerdict {
  const spec = { ...set.spec.template.spec, tolerations: daemonTolerations(set.spec.template.spec) };
  if (!matchesNode(spec, node)) return { shouldRun: false, mayStay: false };
  if (untolerated(spec, node, ['NoSchedule', 'NoExecute']) === undefined) return { shouldRun: true, mayStay: true };
  return { shouldRun: false, mayStay: untolerated(spec, node, ['NoExecute']) === undefined };
}

export function daemonPodPlan(set: DaemonSet, hash: string, node: string): PodPlan {
  const { template } = set.spec;
  const generation = set.metadata.annotations?.[TEMPLATE_GENERATION];
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  const affinity = {
    ...template.spec.affinity,
    nodeAffinity: {
      ...template.spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
    },
  };
  return {
    owner: set,
    template,
    labels: { [HASH_LABEL]: hash, ...(generation === undefined ? {} : { 'pod-template-generation': generation }) },
    spec: { affinity, tolerations: daemonTolerations(template.spec) },
  };
}

/** The node that a daemon's pod is meant for, also before it is bound. */
export function targetNode(spec: PodSpec): string {
  if (spec.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const term of terms) {
    const field = term.matchFields?.find((one) => one.key === 'metadata.name' && one.operator === 'In');
    if (field?.values?.[0] !== undefined) return field.values[0];
  }
  return '';
}
