/** Which image the proxy of the next pod has. */
import type { PodTemplate } from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { proxyContainers } from '../mesh/mesh-inventory.ts';
import { revisionLabel } from '../mesh/find-revisions.ts';
import { pinnedProxyImage } from '../injection/resolve-injection.ts';

interface Values {
  readonly global?: {
    readonly hub?: string;
    readonly tag?: string | number;
    readonly variant?: string;
    readonly proxy?: { readonly image?: string };
  };
}

export interface ProxyImage {
  readonly image: string;
  /** What in the template fixes it. */
  readonly pinnedBy?: string;
}

/** @returns undefined when neither template nor settings tell */
export function proxyImageOf(template: PodTemplate, revision: string, objects: MeshObjects): ProxyImage | undefined {
  const pinned = pinnedProxyImage(template);
  if (pinned !== undefined) return { image: pinned, pinnedBy: whatPins(template) };
  const values = injectorValues(revision, objects);
  const annotations = template.metadata?.annotations ?? {};
  const image = annotations['sidecar.istio.io/proxyImage'] ?? values?.global?.proxy?.image ?? 'proxyv2';
  if (image.includes('/')) return { image };
  const { hub, tag, variant } = values?.global ?? {};
  if (hub === undefined || tag === undefined) return undefined;
  return { image: imageUrl(hub, image, String(tag), annotations['sidecar.istio.io/proxyImageType'] ?? variant ?? '') };
}

function whatPins(template: PodTemplate): string {
  if (template.metadata?.annotations?.['sidecar.istio.io/proxyImage'] !== undefined) return 'the annotation sidecar.istio.io/proxyImage';
  return `its own container ${proxyContainers(template.spec)[0]?.name ?? ''}`;
}

function injectorValues(revision: string, { configMaps }: MeshObjects): Values | undefined {
  const own = configMaps.find((c) => revisionLabel(c) === revision && c.data?.['config'] !== undefined && c.data['values'] !== undefined);
  try {
    return JSON.parse(own?.data?.['values'] ?? 'null') as Values | undefined;
  } catch {
    return undefined;
  }
}

/** @source istio/istio pkg/kube/inject/inject.go (imageURL, updateImageTypeIfPresent) @6991a379 */
function imageUrl(hub: string, name: string, tag: string, variant: string): string {
  const plain = tag.replace(/-(?:distroless|debug)$/, '');
  const suffix = variant === '' ? tag : variant === 'default' ? plain : `${plain}-${variant}`;
  return `${hub}/${name}:${suffix}`;
}
