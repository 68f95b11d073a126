/** Which namespaces are relabelled and which workloads are restarted to bring them to a revision, and what stays, and why. */
import type { InjectionDecision } from '../injection/injection-decision.ts';
import { decidedRevision } from '../injection/injection-decision.ts';
import { pinnedProxyImage, proxyInTemplate, resolveInjection } from '../injection/resolve-injection.ts';
import { isInjectedGateway } from '../mesh/build-gateways.ts';
import type { Labels, ObjectRef } from '../mesh/kube-objects.ts';
import {
  runningPods,
  workloadKey,
  type InjectionWebhook,
  type MeshInventory,
  type MeshNamespace,
  type MeshPod,
  type Workload,
} from '../mesh/mesh-inventory.ts';
import { namesWorkload, type GatewayStrategy } from '../request/upgrade-request.ts';
import { sameIstioVersion } from '../versions/istio-version.ts';
import {
  isOfGateways,
  judgeGateway,
  LEFT_BY_REQUEST,
  wayOf,
  type GatewayScope,
  type OutsideJudgement,
  type TemplateLabel,
} from './select-gateways.ts';
import { judgeLabelled } from './select-labelled.ts';
import type { RestartChoice } from './restart-choice.ts';
import { canBeEvicted, reasonNotRestartable } from './restartable.ts';
import type { Surge } from './surge.ts';

export interface MoveTarget {
  /** Value of the label `istio.io/rev`: a revision or a tag. */
  readonly label: string;
  /** The revision behind it. */
  readonly revision: string;
  /** Version of its control plane; `unknown` when it cannot be told. */
  readonly version: string;
}

export interface MoveScope {
  /** Revision to move away from; undefined: from whatever is there. */
  readonly from: string | undefined;
  readonly to: MoveTarget;
  /** Named by the user; empty means every namespace that resolves to `from`. */
  readonly namespaces: readonly string[];
  readonly skip: readonly string[];
  /** Workloads whose pods are evicted where a restart does not move them; absent: none. */
  readonly evict?: readonly string[];
  /** Tags that point to `from` are moved at the finish, so that what follows them moves before; absent: they stay where they point. */
  readonly moveTags?: boolean;
  /** How injected gateways move; absent: restarted in place. */
  readonly gateways?: GatewayStrategy;
}

export interface NamespaceMove {
  readonly namespace: MeshNamespace;
  /** Labels to set; `null` removes. Empty when the labels are right already. */
  readonly set: Readonly<Record<string, string | null>>;
  /** The tag whose label it gets back once the tag points to the new revision. */
  readonly backTo?: string;
  readonly workloads: readonly WorkloadMove[];
}

export interface WorkloadMove {
  readonly workload: Workload;
  /** Revision that injects its next pod; undefined when it gets no sidecar. */
  readonly revision: string | undefined;
  readonly gateway: boolean;
  /** No running pod has a proxy today, the next one will. */
  readonly firstSidecar: boolean;
  /** Image that the template pins its proxy to. */
  readonly pinnedImage?: string;
  /** Change of the label `istio.io/rev` of its pod template, in a namespace whose labels do not decide. */
  readonly templateLabel?: TemplateLabel;
  /** A gateway that is made anew beside the old one, behind the same Service. */
  readonly canary?: true;
  /** Why a gateway is restarted in place although a new one beside it was asked for. */
  readonly inPlaceBecause?: string;
  /** How it is restarted, and why; absent on the way back, where nothing is asked any more. */
  readonly restart?: RestartChoice;
  /** Its strategy is changed for the time of the restart. */
  readonly surge?: Surge;
  /** Objects that are in the way for now; it is restarted once none is. */
  readonly waitFor?: readonly ObjectRef[];
  /** Its pods are evicted one by one: the request says so. */
  readonly evict?: true;
}

export interface WorkloadNotMoved {
  readonly workload: Workload;
  readonly reason: string;
  readonly keepsOldInUse: boolean;
}

export interface Moves {
  readonly namespaces: readonly NamespaceMove[];
  readonly notMoved: readonly WorkloadNotMoved[];
  /** Namespaces that would resolve to another revision than wanted even after the relabelling. */
  readonly unreachable: readonly { readonly namespace: string; readonly decision: InjectionDecision }[];
}

/**
 * @param inventory the mesh; the target revision need not be installed yet
 * @returns namespaces sorted by name, workloads in a stable order: gateways first, then by kind and name
 */
export function selectMoves(inventory: MeshInventory, scope: MoveScope): Moves {
  const webhooks = [...inventory.webhooks, ...webhooksToCome(inventory, scope.to)];
  const workloadsOf = Map.groupBy(inventory.workloads, (w) => w.namespace);
  const namespaces: NamespaceMove[] = [];
  const notMoved: WorkloadNotMoved[] = [];
  const unreachable: { namespace: string; decision: InjectionDecision }[] = [];
  for (const namespace of inventory.namespaces.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const workloads = workloadsOf.get(namespace.name) ?? [];
    if (!isInScope(namespace, workloads, scope, webhooks)) {
      const judged = workloads.map((w) => judgeOutside(w, namespace, { ...scope, webhooks, known: inventory.gateways }));
      const moves = judged.flatMap((j) => (j.kind === 'moves' ? [j.move] : []));
      if (moves.length > 0) namespaces.push({ namespace, set: {}, workloads: moves.toSorted(restartOrder) });
      notMoved.push(...judged.flatMap((j) => (j.kind === 'stays' ? [j.why] : [])));
      const others = workloads.filter((_, index) => judged[index]?.kind === 'other');
      notMoved.push(...leftOutside(namespace, others, scope));
      continue;
    }
    const tag = followedTag(namespace, scope, webhooks);
    const set = tag?.revision === scope.to.revision ? {} : labelsToSet(namespace.labels, scope.to.label);
    const backTo = tag !== undefined && scope.moveTags === true && tag.revision === scope.from ? { backTo: tag.name } : {};
    const labels = applyLabels(namespace.labels, set);
    const decision = resolveInjection({ namespace: namespace.name, namespaceLabels: labels, template: {} }, webhooks);
    if (decidedRevision(decision) !== scope.to.revision) {
      unreachable.push({ namespace: namespace.name, decision });
      continue;
    }
    const judged = workloads.map((w) => judgeWorkload(w, labels, { ...scope, webhooks, known: inventory.gateways }));
    notMoved.push(...judged.flatMap((j) => (j.kind === 'stays' ? [j.why] : [])));
    const moves = judged.flatMap((j) => (j.kind === 'moves' ? [j.move] : []));
    if (Object.keys(set).length > 0 || moves.length > 0)
      namespaces.push({ namespace, set, ...backTo, workloads: moves.toSorted(restartOrder) });
  }
  return { namespaces: namespaces.toSorted(gatewaysFirst), notMoved, unreachable };
}

/** In a namespace that the run does not relabel, the template of a workload may decide. */
function judgeOutside(workload: Workload, namespace: MeshNamespace, scope: GatewayScope): OutsideJudgement {
  const judgement = judgeGateway(workload, namespace, scope);
  return judgement.kind === 'other' ? judgeLabelled(workload, namespace, scope) : judgement;
}

/** Gateways before everything else: first those that no label of a namespace moves; otherwise the order stays. */
function gatewaysFirst(a: NamespaceMove, b: NamespaceMove): number {
  const rank = ({ set, workloads }: NamespaceMove): number => {
    if (!workloads.some((move) => move.gateway)) return 2;
    return Object.keys(set).length === 0 ? 0 : 1;
  };
  return rank(a) - rank(b);
}

function restartOrder(a: WorkloadMove, b: WorkloadMove): number {
  if (a.gateway !== b.gateway) return a.gateway ? -1 : 1;
  return workloadKey(a.workload) < workloadKey(b.workload) ? -1 : 1;
}

/** Stands in for the webhooks of a revision that is not installed yet. */
export function webhooksToCome(inventory: MeshInventory, to: MoveTarget): InjectionWebhook[] {
  if (inventory.webhooks.some((w) => w.revision === to.revision || w.tag === to.label)) return [];
  const notOff = { key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] };
  const noInjection = { key: 'istio-injection', operator: 'DoesNotExist' };
  const hook = (name: string, entry: Partial<InjectionWebhook['entry']>): InjectionWebhook => ({
    configuration: `istio-sidecar-injector-${to.revision}`,
    revision: to.revision,
    entry: { name, ...entry },
    serviceExists: true,
    hasCaBundle: true,
    deactivated: false,
  });
  return [
    hook('rev.namespace.sidecar-injector.istio.io', {
      namespaceSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: [to.revision] }, noInjection] },
      objectSelector: { matchExpressions: [notOff] },
    }),
    hook('rev.object.sidecar-injector.istio.io', {
      namespaceSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'DoesNotExist' }, noInjection] },
      objectSelector: { matchExpressions: [notOff, { key: 'istio.io/rev', operator: 'In', values: [to.revision] }] },
    }),
  ];
}

/** `istio-injection` of any value beats `istio.io/rev`, so it goes in the same patch that sets the revision. */
export function labelsToSet(labels: Labels, value: string): Record<string, string | null> {
  return {
    ...(labels['istio-injection'] === undefined ? {} : { 'istio-injection': null }),
    ...(labels['istio.io/rev'] === value ? {} : { 'istio.io/rev': value }),
  };
}

export function applyLabels(labels: Labels, set: Readonly<Record<string, string | null>>): Labels {
  const merged: Record<string, string> = { ...labels };
  for (const [key, value] of Object.entries(set)) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  return merged;
}

function isInScope(
  namespace: MeshNamespace,
  workloads: readonly Workload[],
  scope: MoveScope,
  webhooks: readonly InjectionWebhook[],
): boolean {
  if (namespace.terminating) return false;
  if (scope.namespaces.length > 0) return scope.namespaces.includes(namespace.name) && !isOfGateways(namespace, workloads, scope);
  if (scope.from === undefined) return false;
  const { 'istio-injection': injection, 'istio.io/rev': revision } = namespace.labels;
  if (injection === undefined && revision === undefined) return false;
  if (scope.moveTags !== true && followedTag(namespace, scope, webhooks) !== undefined) return false;
  const now = decidedRevision(resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template: {} }, webhooks));
  const usesOld = workloads.some((w) => runningPods(w).some((pod) => pod.revision === scope.from));
  return now === scope.from || (now === scope.to.revision && usesOld);
}

/** The tag (other than `default`, and than the target itself) that a namespace is labelled with. */
function followedTag(
  namespace: MeshNamespace,
  scope: MoveScope,
  webhooks: readonly InjectionWebhook[],
): { readonly name: string; readonly revision: string } | undefined {
  const label = namespace.labels['istio.io/rev'];
  if (label === undefined || label === 'default' || label === scope.to.label || namespace.labels['istio-injection'] !== undefined)
    return undefined;
  const webhook = webhooks.find((w) => w.tag === label);
  return webhook && { name: label, revision: webhook.revision };
}

/** Workloads outside the scope that still run on the old revision. */
function leftOutside(namespace: MeshNamespace, workloads: readonly Workload[], scope: MoveScope): WorkloadNotMoved[] {
  if (scope.from === undefined) return [];
  return workloads
    .filter((w) => runningPods(w).some((pod) => pod.revision === scope.from))
    .map((workload) => ({ workload, reason: reasonOutside(namespace, workload, scope), keepsOldInUse: true }));
}

function reasonOutside(namespace: MeshNamespace, workload: Workload, scope: MoveScope): string {
  if (namespace.terminating) return `namespace ${namespace.name} is being deleted`;
  if (scope.namespaces.length > 0) return `namespace ${namespace.name} is not part of this run`;
  const podLabels = workload.template.metadata?.labels ?? {};
  const own = ['istio.io/rev', 'sidecar.istio.io/inject']
    .filter((key) => podLabels[key] !== undefined)
    .map((key) => `${key}=${podLabels[key]}`);
  const label = namespace.labels['istio.io/rev'];
  if (namespace.labels['istio-injection'] === undefined && label === undefined) {
    return own.length > 0
      ? `the namespace has no label; its pod template asks with ${own.join(', ')}`
      : 'the namespace has no label, and nothing in the pod template asks for injection';
  }
  if (label !== undefined && namespace.labels['istio-injection'] === undefined)
    return `the namespace follows istio.io/rev=${label}; name it with -n to relabel it`;
  return `the labels of the namespace do not resolve to ${scope.from ?? 'the old revision'}`;
}

type Judgement =
  | { readonly kind: 'moves'; readonly move: WorkloadMove }
  | { readonly kind: 'stays'; readonly why: WorkloadNotMoved }
  | { readonly kind: 'right-already' };

function judgeWorkload(workload: Workload, labels: Labels, scope: GatewayScope): Judgement {
  const subject = { namespace: workload.namespace, namespaceLabels: labels, template: workload.template };
  const decision = resolveInjection(subject, scope.webhooks);
  const revision = decidedRevision(decision);
  const pods = runningPods(workload);
  const pinnedImage = pinnedProxyImage(workload.template);
  const differing = pods.filter((pod) => nextPodDiffers(pod, revision, pinnedImage === undefined ? scope.to : undefined));
  if (differing.length === 0) return { kind: 'right-already' };
  const stays = (reason: string): Judgement => {
    const keepsOldInUse = scope.from !== undefined && differing.some((pod) => pod.revision === scope.from);
    return { kind: 'stays', why: { workload, reason, keepsOldInUse } };
  };
  if (scope.skip.some((entry) => namesWorkload(entry, workload))) return stays('left out by the request');
  const gateway = isInjectedGateway(workload);
  if (gateway && scope.gateways === 'leave') return stays(LEFT_BY_REQUEST);
  const evict = isEvicted(workload, differing, revision, scope);
  const reason = (evict ? undefined : reasonNotRestartable(workload)) ?? (revision === undefined ? reasonProxyStays(workload) : undefined);
  if (reason !== undefined) return stays(reason);
  const move: WorkloadMove = {
    workload,
    revision,
    gateway,
    ...(gateway && revision !== undefined ? wayOf(workload, scope.gateways, scope.known) : {}),
    firstSidecar: revision !== undefined && pods.every((pod) => pod.proxy === undefined),
    ...(pinnedImage === undefined ? {} : { pinnedImage }),
    ...(evict ? { evict: true as const } : {}),
  };
  return { kind: 'moves', move };
}

/** Pods are told apart by the revision that injected them, so that evicting moves none that is on it already. */
function isEvicted(workload: Workload, differing: readonly MeshPod[], revision: string | undefined, { evict = [] }: MoveScope): boolean {
  const isNamed = evict.some((entry) => namesWorkload(entry, workload));
  return isNamed && canBeEvicted(workload) && differing.every((pod) => pod.revision !== revision);
}

/** A proxy that stands in the template is in the next pod as well, whatever the labels say. */
export function reasonProxyStays({ template }: Workload): string | undefined {
  if (template.metadata?.labels?.['gateway.istio.io/managed'] !== undefined)
    return 'istiod makes it for a Gateway: it is moved by the label istio.io/rev of the Gateway, or else of its namespace';
  const written = proxyInTemplate(template);
  return written === undefined ? undefined : `${written}, and no webhook replaces it: change the template`;
}

/** Whether the pod that replaces this one would have another revision, or another proxy of the same one. */
function nextPodDiffers(pod: MeshPod, revision: string | undefined, target: MoveTarget | undefined): boolean {
  if (pod.revision !== revision) return true;
  if (revision === undefined || target === undefined || revision !== target.revision) return false;
  const [running, wanted] = [pod.proxy?.version ?? 'unknown', target.version];
  return running !== 'unknown' && wanted !== 'unknown' && !sameIstioVersion(running, wanted);
}
