/** The image that a proxy gets. */
import { textAt } from '../read-path.ts';
import type { ProxyConfig } from '../mesh-config.ts';

const KNOWN_SUFFIX = /-(?:distroless|debug)$/;

/**
 * Hub, image and tag of the installation; the type of image comes from the pod, else the proxy's configuration, else the installation.
 * Source: istio/istio, pkg/kube/inject/inject.go (ProxyImage), tag 1.28.2.
 */
export function proxyImage(values: unknown, config: ProxyConfig, annotations: Readonly<Record<string, string>>): string {
  const image = textAt(values, 'global.proxy.image') ?? 'proxyv2';
  const pinned = annotations['sidecar.istio.io/proxyImage'] ?? image;
  if (pinned.includes('/')) return pinned;
  const type =
    annotations['sidecar.istio.io/proxyImageType'] ?? textAt(config, 'image.imageType') ?? textAt(values, 'global.variant') ?? '';
  return `${textAt(values, 'global.hub') ?? ''}/${image}:${withType(textAt(values, 'global.tag') ?? '', type)}`;
}

function withType(tag: string, type: string): string {
  if (type === '') return tag;
  const plain = tag.replace(KNOWN_SUFFIX, '');
  return type === 'default' ? plain : `${plain}-${type}`;
}
