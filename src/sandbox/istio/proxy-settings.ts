/** What a proxy reads from its container: who it is, which istiod is its own, how it ends. */
import type { ContainerSpec } from '../cluster/pod-program.ts';
import { versionOfImage, type IstioVersion } from './istio-version.ts';
import { environmentOf, type Container, type Pod } from './pod-shape.ts';
import { durationMs, recordAt, textAt } from './read-path.ts';
import { workloadOfPod } from './injection/workload-of-pod.ts';

export interface ProxySettings {
  readonly role: 'sidecar' | 'router';
  readonly version: IstioVersion;
  readonly clusterId: string;
  readonly workload: string;
  readonly serviceAccount: string;
  /** Service of its istiods. */
  readonly discovery: { readonly name: string; readonly namespace: string; readonly port: number };
  readonly revision: string;
  /** How long it goes on after it was told to end. */
  readonly drainMs: number;
  /** Ends as soon as nothing goes through it, after `minimumDrainMs`. */
  readonly exitsWhenIdle: boolean;
  readonly minimumDrainMs: number;
}

const DEFAULT_DRAIN_MS = 5000;

export function readProxySettings(pod: Pod, container: ContainerSpec): ProxySettings {
  const env = environmentOf(container as Container, pod);
  const config = parseConfig(env.get('PROXY_CONFIG'));
  const discovery = parseAddress(textAt(config, 'discoveryAddress') ?? 'istiod.istio-system.svc:15012');
  const metadata = recordAt(config, 'proxyMetadata');
  const setting = (name: string): string | undefined => env.get(name) ?? textAt(metadata, name);
  return {
    role: container.args?.includes('router') === true ? 'router' : 'sidecar',
    version: versionOfImage(container.image),
    clusterId: env.get('ISTIO_META_CLUSTER_ID') ?? 'Kubernetes',
    workload: env.get('ISTIO_META_WORKLOAD_NAME') ?? workloadOfPod(pod, pod.metadata.namespace ?? '').name,
    serviceAccount: pod.spec?.serviceAccountName ?? 'default',
    discovery,
    revision: pod.metadata.annotations?.['istio.io/rev'] ?? (discovery.name.replace(/^istiod-?/, '') || 'default'),
    drainMs:
      durationMs(setting('TERMINATION_DRAIN_DURATION_SECONDS')?.replace(/^(\d+)$/, '$1s') ?? textAt(config, 'terminationDrainDuration')) ??
      DEFAULT_DRAIN_MS,
    exitsWhenIdle: setting('EXIT_ON_ZERO_ACTIVE_CONNECTIONS') === 'true',
    minimumDrainMs: durationMs(setting('MINIMUM_DRAIN_DURATION')) ?? DEFAULT_DRAIN_MS,
  };
}

function parseConfig(text: string | undefined): unknown {
  try {
    return text === undefined ? {} : (JSON.parse(text) as unknown);
  } catch {
    return {};
  }
}

/** `istiod-1-29-1.istio-system.svc:15012` */
function parseAddress(address: string): ProxySettings['discovery'] {
  const [host = '', port] = address.split(':');
  const [name = 'istiod', namespace = 'istio-system'] = host.split('.');
  return { name, namespace, port: Number(port ?? 15_012) };
}
