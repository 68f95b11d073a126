/** Finds what only the old revision or old proxies obey, and reads whether copies of it are there already. Reads only. */
import { refKey, refOf } from '../core/controlplane/object-identity.ts';
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { MeshObjects } from '../core/mesh/mesh-objects.ts';
import { selectPinned, type RevisionEnd } from '../core/pinned/select-pinned.ts';
import { forRemoval, settlePinned, type PinnedPlan } from '../core/pinned/settle-pinned.ts';
import { findFrom } from '../core/plan/resolve-endpoints.ts';
import { Problem } from '../core/problems/problem.ts';
import type { UpgradeRequest } from '../core/request/upgrade-request.ts';
import type { PlanningPorts } from './flow-ports.ts';

export interface PinnedQuestion {
  readonly request: UpgradeRequest;
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
  readonly from?: RevisionEnd | undefined;
  readonly to?: RevisionEnd | undefined;
}

/**
 * @returns undefined when nothing is moved away from
 * @throws Problem MESH-010 when the request leaves out an object that does not exist
 */
export async function planPinned(
  ports: Pick<PlanningPorts, 'reader' | 'sha256'>,
  question: PinnedQuestion,
): Promise<PinnedPlan | undefined> {
  const { request, objects, inventory, to } = question;
  const skip = request.scope.skipPinned ?? [];
  const from = request.action === 'install' ? undefined : (question.from ?? otherRevision(question));
  if (!from || !to) return undefined;
  const selection = selectPinned({ objects, inventory, from, to, skip, accept: request.accept, sha256: ports.sha256 });
  const unknown = selection.unknownSkips[0];
  if (unknown !== undefined) throw unknownSkip(unknown);
  const refs = selection.copies.map(({ copy }) => refOf(copy));
  const found = await Promise.all(refs.map((ref) => ports.reader.readObject(ref)));
  const live = new Map(
    found.filter((object): object is KubeObject => object !== undefined).map((object) => [refKey(refOf(object)), object]),
  );
  const settled = settlePinned(selection, live, objects.envoyFilters);
  return request.action === 'uninstall' ? forRemoval(settled) : settled;
}

/** Whether the permissions to write pinned objects are needed. */
export function pinnedScope(pinned: PinnedPlan | undefined): 'all' | 'nothingPinned' {
  return pinned !== undefined && pinned.copies.length + pinned.present.length + pinned.ofInstallation.length > 0 ? 'all' : 'nothingPinned';
}

/** A migration need not say from where; it is plain when there is only one other revision. */
function otherRevision({ request, inventory, to }: PinnedQuestion): RevisionEnd | undefined {
  if (request.action !== 'migrate') return undefined;
  const found = findFrom(request, inventory, to?.revision);
  return found === undefined || found instanceof Problem ? undefined : { revision: found.name, version: found.version };
}

function unknownSkip(entry: string): Problem {
  return new Problem('MESH-010', {
    what: `There is no pinned object ${entry}.`,
    why: 'Pinned objects are named KIND/NAMESPACE/NAME, such as EnvoyFilter/shop/headers.',
    next: [{ label: 'look', command: 'meshlift check --to VERSION' }],
  });
}
