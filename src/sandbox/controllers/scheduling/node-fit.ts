/** Whether a pod may go to a node: taints, selectors and affinity, as the scheduler and the DaemonSet controller ask it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { hasLabels, meets } from '../base/label-selector.ts';
import type { Labels, NodeSelectorTerm, PodSpec, Toleration } from '../base/workload-shapes.ts';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
  readonly status?: { readonly allocatable?: Readonly<Record<string, string | number>>; readonly [field: string]: unknown };
}

export const UNSCHEDULABLE_TAINT: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** What keeps a pod off a node, in the scheduler's words; undefined when it fits. */
export function misfit(spec: PodSpec, node: Node): string | undefined {
  if (node.spec?.unschedulable === true && !tolerates(spec.tolerations, UNSCHEDULABLE_TAINT)) return 'node(s) were unschedulable';
  const taint = untolerated(spec, node, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) return `node(s) had untolerated taint(s)`;
  if (!matchesNode(spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  return undefined;
}

/** The first taint with one of these effects that the pod does not tolerate. */
export function untolerated(spec: PodSpec, node: Node, effects: readonly string[]): Taint | undefined {
  return (node.spec?.taints ?? []).find((taint) => effects.includes(taint.effect) && !tolerates(spec.tolerations, taint));
}

/** nodeSelector and required node affinity. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  if (!hasLabels(spec.nodeSelector, node.metadata.labels)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || (required.nodeSelectorTerms ?? []).some((term) => meetsTerm(term, node));
}

function meetsTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: Node): boolean {
  // A term without requirements matches no node.
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields: Labels = { 'metadata.name': metadata.name };
  return matchExpressions.every((one) => meets(one, metadata.labels ?? {})) && matchFields.every((one) => meets(one, fields));
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some(({ key, operator = 'Equal', value, effect }) => {
    if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
    if (key === undefined || key === '') return operator === 'Exists';
    return key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
  });
}
