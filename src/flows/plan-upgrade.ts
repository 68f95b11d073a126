/** From a request and a mesh to a plan and what the checks say of it. Reads only. */
import { accessRules, evictionRules, gatewayRules, helmRules, type AccessNeed } from '../core/permissions/access-rules.ts';
import { runChecks, type CheckReport } from '../core/findings/run-checks.ts';
import type { CheckContext } from '../core/findings/check-context.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { viewReleases } from '../core/helm/helm-view.ts';
import type { HelmView } from '../core/helm/helm-view.ts';
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { MeshObjects } from '../core/mesh/mesh-objects.ts';
import type { Moves } from '../core/moves/select-moves.ts';
import { buildPlan, type PlanInput } from '../core/plan/build-plan.ts';
import type { Pin, Plan } from '../core/plan/plan.ts';
import { resolveEndpoints, type Endpoints } from '../core/plan/resolve-endpoints.ts';
import type { PinnedPlan } from '../core/pinned/settle-pinned.ts';
import { Problem } from '../core/problems/problem.ts';
import { evictedWorkloads, type UpgradeRequest } from '../core/request/upgrade-request.ts';
import { instant, type PlanningPorts } from './flow-ports.ts';
import { pinnedScope, planPinned } from './plan-pinned.ts';
import { renderControlPlane, type RenderResult } from './render-control-plane.ts';
import { renderGateways, type Successions } from './render-gateways.ts';

export interface PlannedUpgrade {
  readonly plan: Plan;
  readonly moves: Moves;
  readonly report: CheckReport;
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
}

/**
 * @param pins of a plan whose request is planned again; empty for a new one
 * @throws Problem when the request cannot be planned for this mesh; findings are in the report and throw nothing
 */
export async function planUpgrade(ports: PlanningPorts, request: UpgradeRequest, pins: readonly Pin[] = []): Promise<PlannedUpgrade> {
  const objects = await ports.reader.readMesh('plan');
  const inventory = buildInventory(objects);
  expectComplete(inventory);
  const endpoints = resolveEndpoints(request, inventory);
  if (endpoints instanceof Problem) throw endpoints;
  const pinned = await planPinned(ports, { request, objects, inventory, from: endpoints.from, to: endpoints.to });
  const render = await renderIfNeeded(ports, { request, endpoints, inventory, pins });
  const [liveCrds, candidates, access, gateways, helm] = await Promise.all([
    ports.reader.readIstioCrds(),
    ports.reader.readControlPlaneObjects(),
    ports.reader.readAccess([
      ...accessRules(needOf(request), pinnedScope(pinned)),
      ...(request.install?.with === 'helm' ? helmRules() : []),
      ...(makesGateways(request) ? gatewayRules() : []),
      ...(evictedWorkloads(request).length > 0 ? evictionRules() : []),
    ]),
    readGateways(ports, request, inventory),
    lookAtReleases(ports, request, objects, endpoints),
  ]);
  const { successions, pins: gatewayPins } = await goOn(ports, { request, endpoints, objects, inventory, gateways, pins });
  const built = buildPlan({
    request,
    objects,
    inventory,
    endpoints,
    ...(pinned === undefined ? {} : { pinned }),
    ...(render === undefined ? {} : { rendered: render.rendered, carry: render.carry }),
    pins: withoutTwins([...(render?.pins ?? []), ...gatewayPins]),
    successions,
    liveCrds,
    candidates,
    ...gateways,
    helm,
    createdAt: instant(ports.clock.nowMs()),
    createdBy: ports.user,
    sha256: ports.sha256,
  });
  if (built instanceof Problem) throw built;
  const context = checkContext({ ports, request, endpoints, objects, inventory, liveCrds, render, moves: built.moves, pinned, helm });
  return { plan: built.plan, moves: built.moves, report: runChecks({ ...context, access }), objects, inventory };
}

/** Helm's releases in the Istio namespace, and which of them the request has to do with. */
export async function lookAtReleases(
  ports: PlanningPorts,
  { install }: UpgradeRequest,
  objects: MeshObjects,
  { from, to }: Pick<Endpoints, 'from' | 'to'>,
): Promise<HelmView> {
  const installs = install?.with === 'helm' ? to?.revision : undefined;
  const releases = await ports.releases.readReleases(objects.istioNamespace);
  return viewReleases({ objects, releases, from: from?.revision, installs });
}

/** Kinds without which nothing can be planned: what cannot be seen could be hurt. */
const ESSENTIAL =
  /^(namespaces|pods|deployments|statefulsets|daemonsets|replicasets|services|mutatingwebhookconfigurations|validatingwebhookconfigurations)\b/;

function expectComplete(inventory: MeshInventory): void {
  const missing = inventory.unread.filter((u) => ESSENTIAL.test(u.what));
  const first = missing[0];
  if (!first) return;
  const rules = missing.flatMap((u) =>
    u.missingRule
      ? [`{apiGroups: ["${u.missingRule.group}"], resources: ["${u.missingRule.resource}"], verbs: ["${u.missingRule.verb}"]}`]
      : [],
  );
  throw new Problem('MESH-007', {
    what: `These could not be read: ${missing.map((u) => `${u.what} (${u.why})`).join(', ')}.`,
    why: 'What cannot be seen could be hurt, so nothing is planned on it.',
    next: [...rules.map((rule) => ({ label: 'the rule that allows it', command: rule })), { label: 'all roles', command: 'meshlift rbac' }],
  });
}

function makesGateways(request: UpgradeRequest): boolean {
  return request.gateways.strategy === 'canary' && (request.action === 'upgrade' || request.action === 'migrate');
}

/** What belongs to gateways in their namespaces; read only when gateways are made anew. */
async function readGateways(
  { reader, releases }: PlanningPorts,
  request: UpgradeRequest,
  inventory: MeshInventory,
): Promise<Pick<PlanInput, 'gatewayObjects' | 'gatewayReleases'>> {
  if (!makesGateways(request)) return {};
  const injected = inventory.gateways.filter((gateway) => gateway.source === 'injected');
  const namespaces = [...new Set(injected.map((gateway) => gateway.namespace))];
  const [objects, found] = await Promise.all([
    reader.readGatewayObjects(namespaces),
    Promise.all(namespaces.map(async (namespace) => [namespace, await releases.readReleases(namespace)] as const)),
  ]);
  const readable = found.flatMap(([namespace, list]) => (list === undefined ? [] : [[namespace, list] as const]));
  return { gatewayObjects: objects, gatewayReleases: new Map(readable) };
}

interface GoOnInput {
  readonly request: UpgradeRequest;
  readonly endpoints: Endpoints;
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
  readonly gateways: Pick<PlanInput, 'gatewayObjects' | 'gatewayReleases'>;
  readonly pins: readonly Pin[];
}

/** How the Helm releases of gateways that are made anew go on. */
async function goOn(ports: PlanningPorts, { request, objects, gateways, ...input }: GoOnInput): Promise<Successions> {
  const { gatewayObjects, gatewayReleases } = gateways;
  if (gatewayObjects === undefined || gatewayReleases === undefined) return { successions: new Map(), pins: [] };
  return renderGateways({ ...input, installer: ports.installerFor(request), services: objects.services, gatewayObjects, gatewayReleases });
}

function withoutTwins(pins: readonly Pin[]): Pin[] {
  return pins.filter((pin, index) => pins.findIndex((other) => other.name === pin.name && other.path === pin.path) === index);
}

export function needOf(request: UpgradeRequest): AccessNeed {
  return request.action === 'migrate' ? 'move' : 'install';
}

interface RenderInput {
  readonly request: UpgradeRequest;
  readonly endpoints: Endpoints;
  readonly inventory: MeshInventory;
  readonly pins: readonly Pin[];
}

async function renderIfNeeded(
  ports: PlanningPorts,
  { request, endpoints, inventory, pins }: RenderInput,
): Promise<RenderResult | undefined> {
  if (endpoints.installed || !endpoints.to) return undefined;
  const installer = ports.installerFor(request);
  if (!installer) {
    throw new Problem('PLAN-002', {
      what: `Revision ${endpoints.to.revision} does not exist, and how to install it was not said.`,
      next: [
        { label: 'with istioctl', command: '--with istioctl --istioctl PATH [-f OPERATOR.yaml] [--set …]' },
        { label: 'with helm', command: '--with helm --charts FOLDER [--values FILE] [--set …]' },
        { label: 'with manifests', command: '--with manifests --manifests FILE' },
      ],
    });
  }
  return renderControlPlane(installer, endpoints, inventory, pins);
}

interface ContextInput {
  readonly ports: PlanningPorts;
  readonly request: UpgradeRequest;
  readonly endpoints: Endpoints;
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
  readonly liveCrds: readonly KubeObject[];
  readonly render: RenderResult | undefined;
  readonly moves: Moves;
  readonly pinned: PinnedPlan | undefined;
  readonly helm: HelmView;
}

function checkContext(input: ContextInput): CheckContext {
  const { endpoints, objects, render, request, ports } = input;
  const hasDefaultTag = input.inventory.tags.some((tag) => tag.name === 'default');
  return {
    inventory: input.inventory,
    services: objects.services,
    istioGateways: objects.istioGateways,
    liveCrds: input.liveCrds,
    request,
    ...(endpoints.from === undefined ? {} : { from: endpoints.from }),
    ...(endpoints.to === undefined || request.action === 'uninstall' ? {} : { to: endpoints.to }),
    moves: input.moves,
    helm: input.helm,
    ...(input.pinned === undefined ? {} : { pinned: input.pinned }),
    ...(render === undefined
      ? {}
      : {
          rendered: {
            crds: render.rendered.crds,
            valuesUnknown: render.valuesUnknown,
            mustBeEqual: render.carry.mustBeEqual,
            movesDefault: ports.installerFor(request)?.movesDefaultWhenNoTag === true && !hasDefaultTag,
          },
        }),
    today: instant(ports.clock.nowMs()).slice(0, 10),
  };
}
