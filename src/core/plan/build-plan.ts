/** Builds a plan from a mesh and a request: values in, a plan out. */
import type { CarryOver } from '../controlplane/carry-over.ts';
import type { RenderedControlPlane } from '../controlplane/classify-rendered.ts';
import { crdChanges } from '../controlplane/crd-changes.ts';
import { sortKeys } from '../controlplane/diff-objects.ts';
import { refKey, refOf } from '../controlplane/object-identity.ts';
import { ownObjects } from '../controlplane/own-objects.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { workloadKey, type MeshInventory } from '../mesh/mesh-inventory.ts';
import type { HelmRelease } from '../helm/release.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { selectMoves, type Moves, type NamespaceMove, type WorkloadMove } from '../moves/select-moves.ts';
import { Problem } from '../problems/problem.ts';
import { hasWaves } from '../request/order-request.ts';
import {
  evictedWorkloads,
  namesWorkload,
  restartedAnyway,
  skippedWorkloads,
  waitingWorkloads,
  type UpgradeRequest,
} from '../request/upgrade-request.ts';
import { overrideThatDoesNotFit } from '../restarts/override-problems.ts';
import { gatherSurroundings } from '../restarts/surroundings.ts';
import { withRestarts } from '../restarts/with-restarts.ts';
import {
  crdsStep,
  installStep,
  moveDefaultStep,
  numberSteps,
  removeStep,
  restartStep,
  withRendered,
  type StepDraft,
} from './build-steps.ts';
import { reasonRecordsStay, releaseToRemove, type HelmView } from '../helm/helm-view.ts';
import type { PinnedPlan } from '../pinned/settle-pinned.ts';
import { copyPinnedDrafts, pinnedEnd, withPinnedEnd } from './build-pinned-steps.ts';
import { withBase, withRelease } from './release-drafts.ts';
import { expectOrder } from './expect-order.ts';
import { labelDrafts, waveDrafts } from './wave-drafts.ts';
import { tagDrafts, withDefaultTag, type TagDraftsInput } from './tag-drafts.ts';
import type { GatewaySuccession } from '../gateways/gateway-release.ts';
import { canaryDrafts, type CanaryInput } from './gateway-drafts.ts';
import { removeGatewayDraft } from './gateway-removal-draft.ts';
import { PLAN_API_VERSION, PLAN_FORMAT_VERSION, PLAN_KIND, type Pin, type Plan } from './plan.ts';
import type { Endpoint, Endpoints } from './resolve-endpoints.ts';

export interface PlanInput {
  readonly request: UpgradeRequest;
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
  readonly endpoints: Endpoints;
  /** What the installer renders for the new revision; absent when nothing is installed. */
  readonly rendered?: RenderedControlPlane;
  readonly carry?: CarryOver;
  readonly pins: readonly Pin[];
  readonly liveCrds: readonly KubeObject[];
  /** Objects that could belong to a control plane, as read from the cluster. */
  readonly candidates: readonly KubeObject[];
  /** What belongs to gateways in their namespaces; read only when gateways are made anew. */
  readonly gatewayObjects?: readonly KubeObject[];
  /** Helm's releases in namespaces of gateways, where they may be read. */
  readonly gatewayReleases?: ReadonlyMap<string, readonly HelmRelease[]>;
  /** How gateways of Helm releases go on, by the keys of their Deployments. */
  readonly successions?: ReadonlyMap<string, GatewaySuccession>;
  /** What only the old revision or old proxies obey; absent when nothing is moved away from. */
  readonly pinned?: PinnedPlan;
  /** What Helm has to do with it; absent when nobody looked. */
  readonly helm?: HelmView;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly sha256: (text: string) => string;
}

/**
 * @returns the plan and what was selected for it; a Problem when a named namespace does not exist or cannot reach the target.
 *   A plan without steps is a plan: there is nothing to do.
 */
export function buildPlan(input: PlanInput): { readonly plan: Plan; readonly moves: Moves } | Problem {
  const { request, inventory, endpoints } = input;
  const unknown = unknownNames(request, inventory);
  if (unknown) return unknown;
  const moves = movesFor(input);
  const disordered = expectOrder(request.order, inventory);
  if (disordered) return disordered;
  const unfit = overrideThatDoesNotFit(request, moves);
  if (unfit) return unfit;
  const unreachable = moves.unreachable[0];
  if (unreachable) return unreachableNamespace(unreachable, endpoints);
  const steps = numberSteps([
    ...installDrafts(input),
    ...copyPinnedDrafts(input.pinned, input.sha256),
    ...moveDrafts(moves, input),
    ...gatewayRemovals(moves, input),
    ...tagFinish(moves, input),
    ...finishDrafts(input),
  ]);
  const plan: Plan = {
    apiVersion: PLAN_API_VERSION,
    kind: PLAN_KIND,
    formatVersion: PLAN_FORMAT_VERSION,
    metadata: { name: planName(input), createdAt: input.createdAt, createdBy: input.createdBy },
    request,
    mesh: {
      cluster: inventory.clusterName,
      clusterUid: inventory.clusterUid,
      istioNamespace: inventory.istioNamespace,
      kubernetes: inventory.serverVersion,
      digest: `sha256:${input.sha256(meshText(inventory))}`,
    },
    ...(endpoints.from === undefined ? {} : { from: { ...endpoints.from } }),
    ...(endpoints.to === undefined ? {} : { to: { ...endpoints.to } }),
    pins: [...input.pins],
    valueDifferences: (input.carry?.differences ?? []).map((difference) => ({ ...difference })),
    carriedOver: input.carry?.overlay ?? '',
    notMoved: moves.notMoved.map((stay) => ({
      workload: workloadKey(stay.workload),
      reason: stay.reason,
      keepsOldInUse: stay.keepsOldInUse,
    })),
    steps,
  };
  return { plan, moves };
}

function planName({ request, endpoints }: PlanInput): string {
  const target = request.action === 'uninstall' ? endpoints.from?.revision : endpoints.label;
  const verb = { upgrade: 'to', install: 'install', migrate: 'migrate-to', uninstall: 'uninstall' }[request.action];
  return `${verb}-${target ?? 'unknown'}`;
}

/** Text over which the digest of a mesh is made: what a plan depends on, in canonical form. */
export function meshText(inventory: MeshInventory): string {
  return JSON.stringify(
    sortKeys({
      cluster: inventory.clusterUid,
      revisions: inventory.revisions.map((r) => [r.name, r.version, r.namespace]),
      webhooks: inventory.webhooks.map((w) => [
        w.configuration,
        w.entry.name,
        w.revision,
        w.tag ?? '',
        w.entry.namespaceSelector,
        w.entry.objectSelector,
      ]),
      namespaces: inventory.namespaces.map((n) => [n.name, n.labels['istio-injection'] ?? '', n.labels['istio.io/rev'] ?? '']),
      workloads: inventory.workloads.map((w) => workloadKey(w)),
    }),
  );
}

/** The first namespace or workload that the request names and that is not there. */
export function unknownNames(request: UpgradeRequest, inventory: MeshInventory): Problem | undefined {
  const missing = request.scope.namespaces.filter((name) => !inventory.namespaces.some((n) => n.name === name && !n.terminating));
  if (missing.length > 0) {
    return new Problem('MESH-003', {
      what: `There is no namespace ${missing.join(', ')}.`,
      next: [{ label: 'look', command: 'kubectl get namespaces' }],
    });
  }
  const named = [...skippedWorkloads(request), ...restartedAnyway(request), ...waitingWorkloads(request), ...evictedWorkloads(request)];
  const lost = named.find((entry) => !inventory.workloads.some((w) => namesWorkload(entry, w)));
  if (lost === undefined) return undefined;
  return new Problem('MESH-004', {
    what: `There is no workload ${lost}.`,
    why: 'Workloads are named NAMESPACE/NAME, or NAMESPACE/KIND/NAME when a name is used twice.',
    next: [{ label: 'look', command: 'meshlift status -o wide' }],
  });
}

function movesFor({ request, endpoints, inventory, objects }: PlanInput): Moves {
  if (!endpoints.to || request.action === 'install' || request.action === 'uninstall')
    return { namespaces: [], notMoved: [], unreachable: [] };
  const moves = selectMoves(inventory, {
    from: endpoints.from?.revision,
    to: { label: endpoints.label, revision: endpoints.to.revision, version: endpoints.to.version },
    namespaces: request.scope.namespaces,
    skip: skippedWorkloads(request),
    evict: evictedWorkloads(request),
    gateways: request.gateways.strategy,
    moveTags: request.action === 'upgrade' && request.finish.moveTags,
  });
  return withRestarts(moves, gatherSurroundings(objects, inventory.meshConfigs[endpoints.from?.revision ?? '']?.mesh), request);
}

function unreachableNamespace({ namespace, decision }: Moves['unreachable'][number], endpoints: Endpoints): Problem {
  const found =
    decision.kind === 'injected' || decision.kind === 'ambiguous'
      ? `${decision.revision} would inject`
      : decision.kind === 'refused'
        ? decision.detail
        : decision.detail;
  return new Problem('RUN-022', {
    what: `With the label istio.io/rev=${endpoints.label}, pods of namespace ${namespace} would not be injected by ${endpoints.to?.revision ?? ''}: ${found}.`,
    why: 'The webhooks of the cluster decide, and they do not lead to the wanted revision.',
    next: [{ label: 'look', command: 'meshlift check' }],
  });
}

function installDrafts({ rendered, endpoints, inventory, liveCrds, candidates, request, helm }: PlanInput): StepDraft[] {
  if (!rendered || !endpoints.to || endpoints.installed) return [];
  const changes = crdChanges(rendered.crds, liveCrds);
  return [
    ...(changes.length === 0 ? [] : [crdsStep(changes, endpoints.to.version)]),
    installStep(endpoints.to, endpoints.from, {
      with: request.install?.with ?? 'manifests',
      namespace: rendered.istiod?.metadata.namespace ?? inventory.istioNamespace,
      own: rendered.own,
      shared: rendered.shared,
      live: candidates,
      stamp: request.install?.with === 'istioctl' ? istioctlStamp(endpoints.to) : {},
      ...(helm?.fresh === undefined ? {} : { release: helm.fresh }),
    }),
  ];
}

/**
 * istioctl labels every object that it applies with its owner, shared ones included.
 * @source istio/istio operator/pkg/install/installer.go (labels of applied objects) @86c9f01, seen on a real 1.29.1
 */
function istioctlStamp(to: { readonly revision: string; readonly version: string }): Record<string, string> {
  return { 'istio.io/rev': to.revision, 'operator.istio.io/version': to.version };
}

/** Gateways as planned, then workloads: one by one, or in waves. */
function moveDrafts(moves: Moves, input: PlanInput): StepDraft[] {
  const { order } = input.request;
  if (order === undefined || !hasWaves(order)) return moves.namespaces.flatMap((namespace) => namespaceDrafts(namespace, input));
  const gatewaysOf = (namespace: NamespaceMove): NamespaceMove => ({
    ...namespace,
    workloads: namespace.workloads.filter((m) => m.gateway),
  });
  const withGateways = moves.namespaces.filter((namespace) => namespace.workloads.some((move) => move.gateway));
  return [
    ...withGateways.flatMap((namespace) => namespaceDrafts(gatewaysOf(namespace), input)),
    ...waveDrafts(moves.namespaces, new Set(withGateways), { order, revision: input.endpoints.to?.revision }),
  ];
}

function namespaceDrafts({ namespace, set, workloads }: NamespaceMove, input: PlanInput): StepDraft[] {
  return [
    ...labelDrafts({ namespace, set }, input.endpoints.to?.revision),
    ...workloads.flatMap((move) => (move.canary === true ? canaryDrafts(canaryInput(move, input)) : [restartStep(move)])),
  ];
}

function canaryInput(move: WorkloadMove, { request, objects, gatewayObjects = [], gatewayReleases, successions }: PlanInput): CanaryInput {
  const releases = gatewayReleases?.get(move.workload.namespace);
  const succession = successions?.get(workloadKey(move.workload));
  return { move, shares: request.gateways.shares, services: objects.services, surroundings: gatewayObjects, releases, succession };
}

/** Old gateways go first: as long as they are there, the old revision is used. */
function gatewayRemovals(moves: Moves, input: PlanInput): StepDraft[] {
  const canaries = moves.namespaces.flatMap((n) => n.workloads.filter((move) => move.canary === true));
  return canaries.map((move) => removeGatewayDraft(canaryInput(move, input), input.endpoints.from?.revision ?? 'the old revision'));
}

/** Tags move before the default does and before the old control plane goes: nothing that points to it may be left. */
function tagFinish(moves: Moves, input: PlanInput): StepDraft[] {
  const { request, endpoints, objects, inventory, rendered } = input;
  const { from, to } = endpoints;
  if (!from || !to || request.action !== 'upgrade' || !request.finish.moveTags) return [];
  return tagDrafts({ inventory, objects: withRendered(objects, rendered?.own ?? []), moves, from, to, ...successorOf(input) });
}

/** The Helm release of the new revision, there or to come. */
function successorOf({ request, endpoints, inventory, helm }: PlanInput): Pick<TagDraftsInput, 'successor'> {
  const installed = inventory.revisions.find((r) => r.name === endpoints.to?.revision);
  const there = installed?.helmRelease === undefined ? undefined : { name: installed.helmRelease, namespace: installed.namespace };
  const successor = helm?.fresh ?? there;
  return successor === undefined ? {} : { successor: { ...successor, withHelm: request.install?.with === 'helm' } };
}

/** Moving the default and removing the old control plane: at the finish of an upgrade, and all there is to an uninstall. */
function finishDrafts(input: PlanInput): StepDraft[] {
  const { request, endpoints, inventory, candidates, pinned, sha256, helm = {} } = input;
  const { from, to } = endpoints;
  if (!from || (request.action !== 'upgrade' && request.action !== 'uninstall')) return [];
  const revision = inventory.revisions.find((r) => r.name === from.revision);
  const own = ownObjects(from.revision, candidates);
  const ownKeys = new Set(own.map((o) => refKey(refOf(o))));
  const keeps = candidates.filter(
    (o) =>
      o.metadata.labels?.['istio.io/rev'] === from.revision &&
      o.metadata.labels['istio.io/tag'] === undefined &&
      !ownKeys.has(refKey(refOf(o))),
  );
  const drafts: StepDraft[] = [];
  if (to && (revision?.defaultFor.length ?? 0) > 0) drafts.push(defaultDraft(input, from, to));
  drafts.push(
    withRelease(withPinnedEnd(removeStep(from, own, keeps), pinnedEnd(pinned, sha256)), releaseToRemove(helm), reasonRecordsStay(helm)),
  );
  return request.action === 'uninstall' ? drafts.map((draft) => ({ ...draft, phase: 'move' as const })) : drafts;
}

/** With what Helm has to do with it: the release of the base chart, and the one that the tag of the default belongs to. */
function defaultDraft(input: PlanInput, from: Endpoint, to: Endpoint): StepDraft {
  const { request, objects, inventory, rendered, helm = {} } = input;
  const draft = moveDefaultStep(withRendered(objects, rendered?.own ?? []), to.revision, from.revision);
  return withBase(withDefaultTag(draft, { inventory, from, ...successorOf(input) }), to, request, helm);
}
