/** What becomes of gateways: those that the label of their namespace moves, and those whose own template names the revision. */
import { decidedRevision } from '../injection/injection-decision.ts';
import { proxyInTemplate, resolveInjection } from '../injection/resolve-injection.ts';
import { isInjectedGateway } from '../mesh/build-gateways.ts';
import type { PodTemplate } from '../mesh/kube-objects.ts';
import {
  runningPods,
  workloadKey,
  type Gateway,
  type InjectionWebhook,
  type MeshNamespace,
  type Workload,
} from '../mesh/mesh-inventory.ts';
import { namesWorkload, type GatewayStrategy } from '../request/upgrade-request.ts';
import { reasonNotRestartable } from './restartable.ts';
import type { MoveScope, WorkloadMove, WorkloadNotMoved } from './select-moves.ts';

/** The label of a pod template that chooses the revision in a namespace without labels. */
export const REVISION_LABEL = 'istio.io/rev';

/** The label `istio.io/rev` of a pod template before and after; null: the template has none. */
export interface TemplateLabel {
  readonly from: string | null;
  readonly to: string | null;
}

/** How a gateway moves, beyond being restarted. */
export type GatewayWay = Pick<WorkloadMove, 'canary' | 'inPlaceBecause'>;

/** What a gateway that is left by the request is told as. */
export const LEFT_BY_REQUEST = 'gateways are left where they are (--gateways leave); it stays on the old revision';

/** Whether a gateway is made anew beside the old one, or restarted; and why restarted although it was asked otherwise. */
export function wayOf(workload: Workload, strategy: GatewayStrategy | undefined, gateways: readonly Gateway[]): GatewayWay {
  if (strategy !== 'canary') return {};
  const reason = reasonNoCanary(workload, gateways);
  return reason === undefined ? { canary: true } : { inPlaceBecause: reason };
}

function reasonNoCanary(workload: Workload, gateways: readonly Gateway[]): string | undefined {
  if (workload.kind !== 'Deployment') return `a ${workload.kind} cannot share its pods with a second one`;
  if (workload.desiredPods === 0) return 'it is scaled to zero';
  const key = workloadKey(workload);
  const gateway = gateways.find((g) => g.workload !== undefined && workloadKey(g.workload) === key);
  return (gateway?.services ?? []).length === 0 ? 'no Service selects its pods, so nothing can be shifted' : undefined;
}

export type OutsideJudgement =
  | { readonly kind: 'moves'; readonly move: WorkloadMove }
  | { readonly kind: 'stays'; readonly why: WorkloadNotMoved }
  /** Of another kind, or none of this run's business. */
  | { readonly kind: 'other' };

export interface GatewayScope extends MoveScope {
  readonly webhooks: readonly InjectionWebhook[];
  readonly known: readonly Gateway[];
}

/**
 * Judges a gateway of a namespace that has no label of Istio's: there the pod template decides, and its label is changed
 * together with the restart. One whose template follows a tag or the default gets the label of the revision: neither moves before the finish.
 */
export function judgeGateway(workload: Workload, namespace: MeshNamespace, scope: GatewayScope): OutsideJudgement {
  const { from, to } = scope;
  if (from === undefined || !isInjectedGateway(workload) || !isWithin(namespace, scope)) return { kind: 'other' };
  if (workload.template.metadata?.labels?.['gateway.istio.io/managed'] !== undefined) return { kind: 'other' };
  const written = proxyInTemplate(workload.template);
  if (written !== undefined && isOff(workload) && runsOn(workload, from))
    return {
      kind: 'stays',
      why: { workload, reason: `${written}, and no webhook replaces it: make it anew as an injected gateway`, keepsOldInUse: true },
    };
  const now = revisionOf(workload.template, namespace, scope.webhooks);
  if (now !== from && !(now === to.revision && runsOn(workload, from))) return { kind: 'other' };
  const way = wayOf(workload, scope.gateways, scope.known);
  const label = labelChange(workload, scope);
  const reason = reasonStays(workload, scope) ?? reasonLabelStays(workload, namespace, scope);
  if (reason !== undefined) return { kind: 'stays', why: { workload, reason, keepsOldInUse: true } };
  const move: WorkloadMove = { workload, revision: to.revision, gateway: true, firstSidecar: false, ...way };
  return { kind: 'moves', move: label === undefined ? move : { ...move, templateLabel: label } };
}

/** Whether a namespace has no label that decides, and the run may look into it. */
export function isWithin(namespace: MeshNamespace, { namespaces }: GatewayScope): boolean {
  return !namespace.terminating && isUnlabelled(namespace) && (namespaces.length === 0 || namespaces.includes(namespace.name));
}

/** As the IstioOperator makes gateways that are not injected: image and control plane of one revision stand in the template. */
function isOff({ template }: Workload): boolean {
  return template.metadata?.labels?.['sidecar.istio.io/inject'] === 'false';
}

export function runsOn(workload: Workload, revision: string): boolean {
  return runningPods(workload).some((pod) => pod.revision === revision);
}

function reasonStays(workload: Workload, scope: GatewayScope): string | undefined {
  if (scope.gateways === 'leave') return LEFT_BY_REQUEST;
  if (scope.skip.some((entry) => namesWorkload(entry, workload))) return 'left out by the request';
  return reasonNotRestartable(workload);
}

/** Why the label of its template would not bring it to the revision, or cannot change. */
function reasonLabelStays(workload: Workload, namespace: MeshNamespace, scope: GatewayScope): string | undefined {
  const label = labelChange(workload, scope);
  const { to, webhooks } = scope;
  const next = revisionOf(withTemplateLabel(workload.template, label?.to ?? null, label !== undefined), namespace, webhooks);
  if (next !== to.revision) return `with ${REVISION_LABEL}=${to.label} in its pod template it would get ${next ?? 'no proxy'}`;
  const isCanary = wayOf(workload, scope.gateways, scope.known).canary === true;
  return label !== undefined && !isCanary && selectsByRevision(workload)
    ? `its selector names ${REVISION_LABEL}, which cannot change; --gateways canary makes a new one`
    : undefined;
}

/**
 * Whether a namespace has no label of Istio's and runs nothing but gateways, whose templates name the revision: it needs no label when
 * it is named, and would get one that every later upgrade had to know.
 */
export function isOfGateways(namespace: MeshNamespace, workloads: readonly Workload[], { from }: MoveScope): boolean {
  const running = workloads.filter(({ pods }) => pods.some((pod) => !pod.terminating));
  return isUnlabelled(namespace) && from !== undefined && running.length > 0 && running.every(isInjectedGateway);
}

function isUnlabelled({ labels }: MeshNamespace): boolean {
  return labels['istio-injection'] === undefined && labels[REVISION_LABEL] === undefined;
}

export function revisionOf(template: PodTemplate, namespace: MeshNamespace, webhooks: readonly InjectionWebhook[]): string | undefined {
  return decidedRevision(resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template }, webhooks));
}

export function labelChange({ template }: Workload, { to }: MoveScope): TemplateLabel | undefined {
  const before = template.metadata?.labels?.[REVISION_LABEL] ?? null;
  return before === to.label || before === to.revision ? undefined : { from: before, to: to.label };
}

/** The template with the label set, or without it when it is null; unchanged when nothing is to change. */
export function withTemplateLabel(template: PodTemplate, value: string | null, changes = true): PodTemplate {
  if (!changes) return template;
  const { [REVISION_LABEL]: _before, ...rest } = template.metadata?.labels ?? {};
  const labels = value === null ? rest : { ...rest, [REVISION_LABEL]: value };
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** A selector is immutable, and must match the labels of its template. */
export function selectsByRevision({ controller }: Workload): boolean {
  const { matchLabels = {}, matchExpressions = [] } = controller?.spec?.selector ?? {};
  return matchLabels[REVISION_LABEL] !== undefined || matchExpressions.some(({ key }) => key === REVISION_LABEL);
}
