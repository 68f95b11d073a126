/** Renders the control plane that a request wants, and makes sure that it is the one that was asked for. */
import { carryOver, type CarryOver } from '../core/controlplane/carry-over.ts';
import { classifyRendered, type RenderedControlPlane } from '../core/controlplane/classify-rendered.ts';
import { refOf, refText } from '../core/controlplane/object-identity.ts';
import type { ConfigMap, KubeObject } from '../core/mesh/kube-objects.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { Pin } from '../core/plan/plan.ts';
import type { Endpoint, Endpoints } from '../core/plan/resolve-endpoints.ts';
import { Problem } from '../core/problems/problem.ts';
import { sameIstioVersion, versionOfImage } from '../core/versions/istio-version.ts';
import type { ControlPlaneInstaller, InstallTarget } from '../ports/installer.ts';

export interface RenderResult {
  readonly rendered: RenderedControlPlane;
  readonly carry: CarryOver;
  readonly pins: readonly Pin[];
  /** The installed revision does not say which values it was installed with. */
  readonly valuesUnknown: boolean;
}

/**
 * @param pins of a plan that is rendered again; empty for a new one
 * @throws Problem PLAN-003, TOOL-004 and what the installer throws
 */
export async function renderControlPlane(
  installer: ControlPlaneInstaller,
  endpoints: Endpoints,
  inventory: MeshInventory,
  pins: readonly Pin[],
): Promise<RenderResult> {
  const to = endpoints.to as Endpoint;
  const target: InstallTarget = {
    revision: to.revision,
    version: to.version,
    namespace: inventory.istioNamespace,
    overlay: '',
    kubernetes: inventory.serverVersion,
  };
  const first = await installer.render(target, pins);
  const plain = expectControlPlane(first.objects, to);
  const installed = installedConfig(inventory, endpoints.from?.revision);
  const carry = carryOver(installed, renderedConfig(plain), first.requestedPaths, installer.canCarryOver);
  const valuesUnknown = endpoints.from !== undefined && installed.originalValues === undefined;
  if (carry.overlay === '') return { rendered: plain, carry, pins: first.pins, valuesUnknown };
  const second = await installer.render({ ...target, overlay: carry.overlay }, pins);
  return { rendered: expectControlPlane(second.objects, to), carry, pins: second.pins, valuesUnknown };
}

function installedConfig(inventory: MeshInventory, revision: string | undefined): { mesh?: string; originalValues?: string } {
  const config = revision === undefined ? undefined : inventory.meshConfigs[revision];
  return {
    ...(config?.mesh === undefined ? {} : { mesh: config.mesh }),
    ...(config?.originalValues === undefined ? {} : { originalValues: config.originalValues }),
  };
}

function renderedConfig(rendered: RenderedControlPlane): { mesh?: string; originalValues?: string } {
  const data = rendered.own.filter((o) => o.kind === 'ConfigMap').map((o) => (o as ConfigMap).data ?? {});
  const mesh = data.find((d) => d['mesh'] !== undefined)?.['mesh'];
  const originalValues = data.find((d) => d['original-values'] !== undefined)?.['original-values'];
  return { ...(mesh === undefined ? {} : { mesh }), ...(originalValues === undefined ? {} : { originalValues }) };
}

function expectControlPlane(objects: readonly KubeObject[], to: Endpoint): RenderedControlPlane {
  const rendered = classifyRendered(objects);
  const again = [{ label: 'render it again', command: `istioctl manifest generate --set revision=${to.revision} …` }];
  if (!rendered.istiod)
    throw new Problem('PLAN-003', { what: `There is no istiod Deployment among the ${objects.length} rendered objects.`, next: again });
  if (rendered.revision !== to.revision) {
    throw new Problem('PLAN-003', {
      what: `The rendered control plane has the revision ${rendered.revision ?? 'none'}; the target is ${to.revision}.`,
      next: again,
    });
  }
  const image = rendered.istiod.spec?.template?.spec?.containers?.find((c) => c.name === 'discovery')?.image ?? '';
  const version = versionOfImage(image);
  if (version !== undefined && !sameIstioVersion(version, to.version)) {
    throw new Problem('PLAN-003', {
      what: `The rendered control plane has the image ${image}; the target version is ${to.version}.`,
      next: again,
    });
  }
  const first = rendered.forbidden[0];
  if (first) {
    throw new Problem('TOOL-004', {
      what: [
        `${rendered.forbidden.length} of the rendered objects do not belong to the new control plane alone:`,
        ...rendered.forbidden.slice(0, 5).map((f) => `${refText(refOf(f.object))}: ${f.reason}`),
      ].join('\n'),
      next: [{ label: 'only the control plane', command: '--set profile=minimal' }],
    });
  }
  return rendered;
}
