/** Which revision a request moves away from, and which one it moves to. */
import type { MeshInventory, Revision } from '../mesh/mesh-inventory.ts';
import { noIstio, unknownRevision } from '../mesh/mesh-problems.ts';
import { Problem } from '../problems/problem.ts';
import { REVISION_NAME, type UpgradeRequest } from '../request/upgrade-request.ts';
import { revisionNameFor, sameIstioVersion } from '../versions/istio-version.ts';
import { assessHop } from '../versions/skew-rules.ts';

export interface Endpoint {
  readonly revision: string;
  readonly version: string;
}

export interface Endpoints {
  /** Absent when nothing is moved away from. */
  readonly from?: Endpoint;
  readonly to?: Endpoint;
  /** Value of the namespace label: the revision, or the tag that the user named. */
  readonly label: string;
  /** The target control plane is there already. */
  readonly installed: boolean;
}

/** @returns a Problem when a revision is unknown, taken, not valid, or when the step of versions is not supported */
export function resolveEndpoints(request: UpgradeRequest, inventory: MeshInventory): Endpoints | Problem {
  const deployed = inventory.revisions.filter((r) => r.deployment !== undefined);
  if (deployed.length === 0) return noIstio(inventory);
  if (request.action === 'uninstall') return uninstallEndpoints(request, inventory);
  return request.action === 'migrate' ? migrateEndpoints(request, inventory) : upgradeEndpoints(request, inventory, deployed);
}

function endpointOf(revision: Revision): Endpoint {
  return { revision: revision.name, version: revision.version };
}

function uninstallEndpoints(request: UpgradeRequest, inventory: MeshInventory): Endpoints | Problem {
  const name = request.from?.revision ?? '';
  const from = inventory.revisions.find((r) => r.name === name);
  if (!from) return unknownRevision(name, inventory);
  const heirs = inventory.revisions.filter((r) => r.name !== name && r.deployment !== undefined);
  const to = request.to === undefined ? (heirs.length === 1 ? heirs[0] : undefined) : heirs.find((r) => r.name === request.to?.revision);
  if (request.to !== undefined && to === undefined) return unknownRevision(request.to.revision, inventory);
  return { from: endpointOf(from), ...(to === undefined ? {} : { to: endpointOf(to) }), label: name, installed: true };
}

function migrateEndpoints(request: UpgradeRequest, inventory: MeshInventory): Endpoints | Problem {
  const label = request.to?.revision ?? '';
  const tag = inventory.tags.find((t) => t.name === label);
  const target = inventory.revisions.find((r) => r.name === (tag?.revision ?? label) && r.deployment !== undefined);
  if (!target) return unknownRevision(label, inventory);
  const from = request.from === undefined ? undefined : inventory.revisions.find((r) => r.name === request.from?.revision);
  if (request.from !== undefined && from === undefined) return unknownRevision(request.from.revision, inventory);
  return { ...(from === undefined ? {} : { from: endpointOf(from) }), to: endpointOf(target), label, installed: true };
}

function upgradeEndpoints(request: UpgradeRequest, inventory: MeshInventory, deployed: readonly Revision[]): Endpoints | Problem {
  const version = request.to?.version;
  const name = request.to?.revision ?? (version === undefined ? undefined : revisionNameFor(version));
  if (name === undefined) {
    return new Problem('PLAN-002', {
      what: 'Neither a target version nor a target revision was given.',
      next: [{ label: 'say it', command: 'meshlift plan --to VERSION' }],
    });
  }
  const existing = deployed.find((r) => r.name === name);
  const bad = existing ? taken(existing, request) : invalidName(name, version, inventory);
  if (bad) return bad;
  const wanted = version ?? existing?.version;
  if (wanted === undefined) {
    return new Problem('PLAN-002', {
      what: `The version of ${name} was not given.`,
      next: [{ label: 'say it', command: 'meshlift plan --to VERSION --revision NAME' }],
    });
  }
  const from = findFrom(request, inventory, name);
  if (from instanceof Problem) return from;
  const unsupported = from === undefined ? undefined : unsupportedHop(from, wanted);
  if (unsupported) return unsupported;
  return {
    ...(from === undefined ? {} : { from: endpointOf(from) }),
    to: { revision: name, version: wanted },
    label: name,
    installed: existing !== undefined,
  };
}

function taken(existing: Revision, request: UpgradeRequest): Problem | undefined {
  const version = request.to?.version;
  if (request.action === 'install' || (version !== undefined && !sameIstioVersion(version, existing.version))) {
    return new Problem('REVN-002', {
      what: `A control plane of revision ${existing.name} exists; it is version ${existing.version}.`,
      why: request.action === 'install' ? 'An installation beside needs a name of its own.' : `The target is ${version ?? ''}.`,
      next: [{ label: 'another name', command: `meshlift ${request.action === 'install' ? 'install' : 'plan'} --revision NAME …` }],
      facts: { revision: existing.name, version: existing.version },
    });
  }
  return undefined;
}

function invalidName(name: string, version: string | undefined, inventory: MeshInventory): Problem | undefined {
  if (!REVISION_NAME.test(name) || name === 'default') {
    return new Problem('REVN-001', {
      what: `"${name}" cannot be the name of a new revision.`,
      why:
        name === 'default'
          ? 'default is the name of the unrevisioned control plane.'
          : 'It must be a DNS label: lower case letters, digits and dashes, at most 63, no dots.',
      next: [{ label: 'for example', command: `--revision ${suggestedName(name, version)}` }],
    });
  }
  if (inventory.tags.some((tag) => tag.name === name)) {
    return new Problem('REVN-002', {
      what: `${name} is a tag of this mesh.`,
      why: 'A revision and a tag of one name cannot be told apart.',
      next: [{ label: 'another name', command: '--revision NAME' }],
    });
  }
  return undefined;
}

function suggestedName(name: string, version: string | undefined): string {
  const near = revisionNameFor(name);
  return near === '' || near === 'default' ? revisionNameFor(version ?? 'canary') : near;
}

/** @param to revision that is moved to @returns undefined when there is no other; a Problem when it is unknown, or one of several */
export function findFrom(request: UpgradeRequest, inventory: MeshInventory, to: string | undefined): Revision | Problem | undefined {
  const deployed = inventory.revisions.filter((r) => r.deployment !== undefined);
  if (request.from !== undefined) {
    const named = deployed.find((r) => r.name === request.from?.revision);
    return named ?? unknownRevision(request.from.revision, inventory);
  }
  const others = deployed.filter((r) => r.name !== to);
  if (others.length <= 1) return others[0];
  return new Problem('MESH-006', {
    what: `There are ${others.length} control planes to move away from: ${others.map((r) => `${r.name} (${r.version})`).join(', ')}.`,
    next: others.map((r) => ({ label: `from ${r.name}`, command: `--from ${r.name}` })),
  });
}

function unsupportedHop(from: Revision, to: string): Problem | undefined {
  const hop = assessHop(from.version, to);
  if (hop.kind === 'downgrade') {
    return new Problem('PLAN-001', {
      what: `${from.name} is version ${from.version}; ${to} is older.`,
      why: 'A proxy may not be newer than its control plane, so Istio supports no downgrade.',
      next: [{ label: 'take a run back', command: 'meshlift rollback' }],
      facts: { from: from.version, to },
    });
  }
  if (hop.kind === 'too-far') {
    return new Problem('PLAN-001', {
      what: `From ${from.version} to ${to} is ${hop.minors} minor versions.`,
      why: 'Beside each other, Istio supports control planes that are at most two minor versions apart.',
      next: [{ label: 'go over a version in between', command: 'meshlift plan --to VERSION' }],
      facts: { from: from.version, to },
    });
  }
  return undefined;
}
