/** The checks alone: for a mesh as it is, or for a version that it shall go to. Reads only. */
import { runChecks, type CheckReport } from '../core/findings/run-checks.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import { selectMoves } from '../core/moves/select-moves.ts';
import { noIstio } from '../core/mesh/mesh-problems.ts';
import { accessRules } from '../core/permissions/access-rules.ts';
import { revisionNameFor } from '../core/versions/istio-version.ts';
import type { UpgradeRequest } from '../core/request/upgrade-request.ts';
import { instant, type PlanningPorts } from './flow-ports.ts';
import { needOf } from './plan-upgrade.ts';

export interface CheckedMesh {
  readonly report: CheckReport;
  readonly inventory: MeshInventory;
  readonly from?: { readonly revision: string; readonly version: string };
  readonly to?: { readonly revision: string; readonly version: string };
}

/** @param request its target version may be missing: then only the present state is judged */
export async function checkMesh(ports: PlanningPorts, request: UpgradeRequest): Promise<CheckedMesh> {
  const [objects, liveCrds, access] = await Promise.all([
    ports.reader.readMesh('plan'),
    ports.reader.readIstioCrds(),
    request.to === undefined ? undefined : ports.reader.readAccess(accessRules(needOf(request))),
  ]);
  const inventory = buildInventory(objects);
  const deployed = inventory.revisions.filter((r) => r.deployment !== undefined);
  if (deployed.length === 0) throw noIstio(inventory);
  const version = request.to?.version;
  const to = version === undefined ? undefined : { revision: request.to?.revision ?? revisionNameFor(version), version };
  const old = deployed.filter((r) => r.name !== to?.revision);
  const named = request.from === undefined ? old[0] : old.find((r) => r.name === request.from?.revision);
  const from = named && { revision: named.name, version: named.version };
  const moves =
    to &&
    selectMoves(inventory, {
      from: from?.revision,
      to: { label: to.revision, ...to },
      namespaces: request.scope.namespaces,
      skip: request.scope.skip,
    });
  const report = runChecks({
    inventory,
    podDisruptionBudgets: objects.podDisruptionBudgets,
    liveCrds,
    request,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(moves === undefined ? {} : { moves }),
    ...(access === undefined ? {} : { access }),
    today: instant(ports.clock.nowMs()).slice(0, 10),
  });
  return { report, inventory, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
