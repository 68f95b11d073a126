/** How gateways of Helm releases go on: rendered with the chart of the target and the values that their records hold. */
import { heirOf, judgeRendered, mergeValues, type GatewayHeir, type GatewaySuccession } from '../core/gateways/gateway-release.ts';
import type { HelmRelease } from '../core/helm/release.ts';
import type { KubeObject, PodController, Service } from '../core/mesh/kube-objects.ts';
import { workloadKey, type MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { Pin } from '../core/plan/plan.ts';
import type { Endpoints } from '../core/plan/resolve-endpoints.ts';
import { Problem } from '../core/problems/problem.ts';
import type { ControlPlaneInstaller, GatewayInstall } from '../ports/installer.ts';

export interface RenderGatewaysInput {
  /** The installer of the request; undefined when it has none. */
  readonly installer: ControlPlaneInstaller | undefined;
  readonly endpoints: Endpoints;
  readonly inventory: MeshInventory;
  readonly services: readonly Service[];
  readonly gatewayObjects: readonly KubeObject[];
  readonly gatewayReleases: ReadonlyMap<string, readonly HelmRelease[]>;
  readonly pins: readonly Pin[];
}

export interface Successions {
  /** By the keys of their Deployments; only gateways of Helm releases are in it. */
  readonly successions: ReadonlyMap<string, GatewaySuccession>;
  /** What they were rendered with; none when nothing was. */
  readonly pins: readonly Pin[];
}

interface Candidate {
  readonly key: string;
  readonly live: PodController;
  readonly heir: GatewayHeir;
  readonly install: GatewayInstall;
}

/** @throws Problem PLAN-015 when the chart is not the one that the plan was made from */
export async function renderGateways(input: RenderGatewaysInput): Promise<Successions> {
  const successions = new Map<string, GatewaySuccession>();
  const candidates: Candidate[] = [];
  for (const [key, live] of gatewayDeployments(input.inventory)) {
    const found = heirFor(live, input);
    if (found === undefined) continue;
    if ('why' in found) successions.set(key, { kind: 'copy', why: found.why });
    else candidates.push({ key, live, ...found });
  }
  if (candidates.length === 0) return { successions, pins: [] };
  const { results, pins } = await renderAll(candidates, input);
  for (const [key, succession] of results) successions.set(key, succession);
  return { successions, pins };
}

function gatewayDeployments({ gateways, workloads }: MeshInventory): [string, PodController][] {
  const keys = new Set(
    gateways.flatMap(({ source, workload }) => (source === 'injected' && workload !== undefined ? [workloadKey(workload)] : [])),
  );
  return workloads.flatMap((w) =>
    w.kind === 'Deployment' && w.controller !== undefined && keys.has(workloadKey(w)) ? [[workloadKey(w), w.controller]] : [],
  );
}

function heirFor(
  live: PodController,
  { installer, endpoints, gatewayObjects, gatewayReleases }: RenderGatewaysInput,
): Pick<Candidate, 'heir' | 'install'> | { readonly why: string } | undefined {
  const { to, label } = endpoints;
  if (to === undefined) return undefined;
  const releases = gatewayReleases.get(live.metadata.namespace ?? '');
  const heir = heirOf({ live, revision: to.revision, label, releases, surroundings: gatewayObjects });
  if (heir === undefined || 'why' in heir) return heir;
  if (installer?.renderGateways === undefined) return { why: 'helm is not in the request' };
  const old = releases?.find(({ name }) => name === heir.old.name);
  return { heir, install: { release: heir.release, values: mergeValues(old?.values ?? {}, heir.overrides) } };
}

async function renderAll(
  candidates: readonly Candidate[],
  { installer, endpoints, inventory, services, gatewayObjects, pins }: RenderGatewaysInput,
): Promise<{ readonly results: readonly (readonly [string, GatewaySuccession])[]; readonly pins: readonly Pin[] }> {
  const target = {
    revision: endpoints.to?.revision ?? '',
    version: endpoints.to?.version,
    namespace: inventory.istioNamespace,
    overlay: '',
    kubernetes: inventory.serverVersion,
  };
  try {
    const rendered = await installer?.renderGateways?.(
      candidates.map(({ install }) => install),
      target,
      pins,
    );
    const chart = rendered?.chart ?? 'unknown';
    const results = candidates.map(({ key, live, heir }, index) => {
      const objects = rendered?.objects[index];
      if (objects === undefined) return [key, { kind: 'copy', why: doesNotRender(heir, chart) }] as const;
      return [key, judgeRendered({ heir, chart, objects, live, services, surroundings: gatewayObjects })] as const;
    });
    return { results, pins: rendered?.pins ?? [] };
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'PLAN-015') throw error;
    const why = (error.details.what.split('\n')[0] ?? '').replace(/\.$/, '');
    return { results: candidates.map(({ key }) => [key, { kind: 'copy', why }] as const), pins: [] };
  }
}

/** Helm's words are not in the plan: they may quote a value. */
function doesNotRender({ old }: GatewayHeir, chart: string): string {
  return `chart gateway ${chart} does not render with the values of ${old.name} (helm get values ${old.name} -n ${old.namespace} | helm template ${old.name} CHART -f - says why)`;
}
