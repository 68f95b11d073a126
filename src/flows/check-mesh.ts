/** The checks alone: for a mesh as it is, or for a version that it shall go to. Reads only. */
import { runChecks, type CheckReport } from '../core/findings/run-checks.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { MeshObjects } from '../core/mesh/mesh-objects.ts';
import { selectMoves, type Moves } from '../core/moves/select-moves.ts';
import { noIstio } from '../core/mesh/mesh-problems.ts';
import { unknownNames } from '../core/plan/build-plan.ts';
import { findFrom } from '../core/plan/resolve-endpoints.ts';
import { Problem } from '../core/problems/problem.ts';
import { accessRules, type AccessAnswer } from '../core/permissions/access-rules.ts';
import { revisionNameFor } from '../core/versions/istio-version.ts';
import { evictedWorkloads, skippedWorkloads, type UpgradeRequest } from '../core/request/upgrade-request.ts';
import { overrideThatDoesNotFit } from '../core/restarts/override-problems.ts';
import { gatherSurroundings } from '../core/restarts/surroundings.ts';
import { withRestarts } from '../core/restarts/with-restarts.ts';
import { instant, type PlanningPorts } from './flow-ports.ts';
import { pinnedScope, planPinned } from './plan-pinned.ts';
import { lookAtReleases, needOf } from './plan-upgrade.ts';

export interface CheckedMesh {
  readonly report: CheckReport;
  readonly inventory: MeshInventory;
  readonly from?: { readonly revision: string; readonly version: string };
  readonly to?: { readonly revision: string; readonly version: string };
}

/**
 * @param request its target version may be missing: then only the present state is judged
 * @throws Problem MESH-001, MESH-002, MESH-006; with a target also MESH-003, MESH-004 and PLAN-016 for what the request names
 */
export async function checkMesh(ports: PlanningPorts, request: UpgradeRequest): Promise<CheckedMesh> {
  const [objects, liveCrds] = await Promise.all([ports.reader.readMesh('plan'), ports.reader.readIstioCrds()]);
  const inventory = buildInventory(objects);
  const deployed = inventory.revisions.filter((r) => r.deployment !== undefined);
  if (deployed.length === 0) throw noIstio(inventory);
  const ends = endsOf(request, inventory);
  const { from, to } = ends;
  const pinned = await planPinned(ports, { request, objects, inventory, from, to });
  const access = await askAccess(ports, request, pinned);
  const helm = await lookAtReleases(ports, request, objects, ends);
  const moves = movesTo(ends, request, objects, inventory);
  const report = runChecks({
    inventory,
    ...(pinned === undefined ? {} : { pinned }),
    services: objects.services,
    istioGateways: objects.istioGateways,
    liveCrds,
    helm,
    request,
    ...ends,
    ...(moves === undefined ? {} : { moves }),
    ...(access === undefined ? {} : { access }),
    today: instant(ports.clock.nowMs()).slice(0, 10),
  });
  return { report, inventory, ...ends };
}

function endsOf(request: UpgradeRequest, inventory: MeshInventory): Pick<CheckedMesh, 'from' | 'to'> {
  const version = request.to?.version;
  const to = version === undefined ? undefined : { revision: request.to?.revision ?? revisionNameFor(version), version };
  const found = findFrom(request, inventory, to?.revision);
  // Without a target several revisions are no question: each is judged as it is.
  if (found instanceof Problem && (to !== undefined || request.from !== undefined)) throw found;
  const from = found === undefined || found instanceof Problem ? undefined : { revision: found.name, version: found.version };
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Permissions are asked only for a way somewhere. */
async function askAccess(
  ports: PlanningPorts,
  request: UpgradeRequest,
  pinned: Awaited<ReturnType<typeof planPinned>>,
): Promise<readonly AccessAnswer[] | undefined> {
  return request.to === undefined ? undefined : ports.reader.readAccess(accessRules(needOf(request), pinnedScope(pinned)));
}

function movesTo(
  { from, to }: Pick<CheckedMesh, 'from' | 'to'>,
  request: UpgradeRequest,
  objects: MeshObjects,
  inventory: MeshInventory,
): Moves | undefined {
  if (to === undefined) return undefined;
  const unknown = unknownNames(request, inventory);
  if (unknown) throw unknown;
  const { scope, gateways, finish } = request;
  const moves = selectMoves(inventory, {
    from: from?.revision,
    to: { label: to.revision, ...to },
    namespaces: scope.namespaces,
    skip: skippedWorkloads(request),
    evict: evictedWorkloads(request),
    gateways: gateways.strategy,
    moveTags: finish.moveTags,
  });
  const chosen = withRestarts(moves, gatherSurroundings(objects, inventory.meshConfigs[from?.revision ?? '']?.mesh), request);
  const unfit = overrideThatDoesNotFit(request, chosen);
  if (unfit) throw unfit;
  return chosen;
}
