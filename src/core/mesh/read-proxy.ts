/** Reads off a running pod which proxy it has and which revision gave it. */
import { versionOfImage } from '../versions/istio-version.ts';
import type { Container, Pod } from './kube-objects.ts';
import { PROXY_CONTAINER, proxyContainers, type PodProxy, type ProxyConnection } from './mesh-inventory.ts';

/**
 * The proxy of a pod; undefined when no container of it is Istio's proxy.
 * @param connections live connections of this pod; what they tell is trusted before labels and image tags
 */
export function readProxy(pod: Pod, connections: readonly ProxyConnection[]): PodProxy | undefined {
  const container = proxyContainers(pod.spec)[0] ?? ztunnelContainer(pod);
  if (!container) return undefined;
  const image = container.image ?? '';
  const live = connections.find((c) => c.entry.istioVersion)?.entry.istioVersion;
  const discoveryHost = discoveryHostOf(container);
  return {
    image,
    version: live ?? versionOfImage(image) ?? 'unknown',
    native: (pod.spec?.initContainers ?? []).some((c) => c.name === PROXY_CONTAINER),
    type: proxyTypeOf(pod, connections),
    ...(discoveryHost === undefined ? {} : { discoveryHost }),
  };
}

function ztunnelContainer(pod: Parameters<typeof injectedRevision>[0]): Container | undefined {
  if (pod.metadata.labels?.['app'] !== 'ztunnel') return undefined;
  return pod.spec?.containers?.find((c) => c.name === PROXY_CONTAINER || c.name === 'ztunnel');
}

function proxyTypeOf(pod: Pod, connections: readonly ProxyConnection[]): PodProxy['type'] {
  const live = connections.find((c) => c.entry.proxyType)?.entry.proxyType;
  if (live === 'waypoint') return 'waypoint';
  if (live === 'ztunnel' || pod.metadata.labels?.['app'] === 'ztunnel') return 'ztunnel';
  const managed = pod.metadata.labels?.['gateway.istio.io/managed'];
  if (managed === 'istio.io-mesh-controller') return 'waypoint';
  if (live === 'router' || managed !== undefined) return 'gateway';
  const templates = pod.metadata.annotations?.['inject.istio.io/templates'] ?? '';
  return templates.split(',').some((name) => name.trim() === 'gateway') ? 'gateway' : 'sidecar';
}

/**
 * The revision that injected a pod, or owns its gateway. Undefined when nothing tells.
 * The status annotation comes first: it is the real revision, while the label `istio.io/rev` may be a tag.
 * @source istio/istio pkg/kube/inject/inject.go (SidecarInjectionStatus.Revision, since 1.11) @86c9f01
 */
export function injectedRevision(
  pod: Pick<Pod, 'spec'> & { readonly metadata: Pick<Pod['metadata'], 'labels' | 'annotations'> },
): string | undefined {
  const status = pod.metadata.annotations?.['sidecar.istio.io/status'];
  const fromStatus = status === undefined ? undefined : revisionInStatus(status);
  if (fromStatus !== undefined) return fromStatus;
  const annotation = pod.metadata.annotations?.['istio.io/rev'];
  if (annotation !== undefined && annotation !== '') return annotation;
  const container = proxyContainers(pod.spec)[0] ?? ztunnelContainer(pod);
  if (!container) return undefined;
  const configured = discoveryHostOf(container);
  if (configured !== undefined) return revisionOfHost(configured) ?? pod.metadata.labels?.['istio.io/rev'];
  return hasDefaultDiscovery(container) ? 'default' : pod.metadata.labels?.['istio.io/rev'];
}

/** Settings that are written out, yet name no istiod, leave it at the unrevisioned one. */
function hasDefaultDiscovery(container: Container): boolean {
  return (container.env ?? []).some((e) => e.name === 'PROXY_CONFIG' && e.value !== undefined);
}

function revisionInStatus(status: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(status);
    const revision = (parsed as { revision?: unknown } | null)?.revision;
    return typeof revision === 'string' && revision !== '' ? revision : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Host of the istiod that the container was configured with: `PROXY_CONFIG.discoveryAddress`, else its authority where that is an istiod.
 * @source istio/istio manifests/charts/ztunnel/templates/daemonset.yaml @86c9f01
 */
function discoveryHostOf(container: Container): string | undefined {
  const env = new Map((container.env ?? []).map((e) => [e.name, e.value]));
  const proxyConfig = env.get('PROXY_CONFIG');
  const address = proxyConfig === undefined ? undefined : /"discoveryAddress"\s*:\s*"([^"]+)"/.exec(proxyConfig)?.[1];
  if (address !== undefined) return address.split(':')[0];
  // ztunnel calls them XDS_ADDRESS and CA_ADDRESS.
  const authority = (env.get('XDS_ADDRESS') ?? env.get('CA_ADDR') ?? env.get('CA_ADDRESS'))?.split(':')[0];
  return revisionOfHost(authority) === undefined ? undefined : authority;
}

function revisionOfHost(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const match = /^istiod(?:-([a-z0-9-]+))?\./.exec(host);
  return match ? (match[1] ?? 'default') : undefined;
}
