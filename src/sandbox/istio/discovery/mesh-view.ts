/** What an istiod has pushed: endpoints and configuration as its proxies know them, some time behind the cluster. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';

export interface Target {
  readonly ip: string;
  readonly port: number;
  readonly pod: string;
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
}

/** Kinds of Istio's configuration that traffic in the sandbox obeys. */
export const CONFIG_RESOURCES = {
  gateways: 'gateways.networking.istio.io',
  virtualServices: 'virtualservices.networking.istio.io',
  destinationRules: 'destinationrules.networking.istio.io',
  peerAuthentications: 'peerauthentications.security.istio.io',
} as const;

export type ConfigKind = keyof typeof CONFIG_RESOURCES;

export interface MeshView {
  /** Undefined when there is no such service. */
  readonly service: (namespace: string, name: string) => ServiceEntry | undefined;
  readonly config: (kind: ConfigKind) => readonly KubeObject[];
  readonly rootNamespace: string;
}

export interface ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Ready endpoints of a port of the service. */
  readonly targets: (port: number) => readonly Target[];
}

interface Slice {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly name?: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

const SLICES = 'endpointslices.discovery.k8s.io';

export interface ViewBuilder {
  readonly view: MeshView;
  /** Takes a service as it is now. */
  readonly takeService: (namespace: string, name: string) => void;
  readonly takeConfig: (kind: ConfigKind) => void;
  readonly serviceCount: () => number;
}

/** @param revision configuration with another revision's label is not this istiod's */
export function createViewBuilder(cluster: Cluster, revision: string, rootNamespace: string): ViewBuilder {
  const services = new Map<string, ServiceEntry>();
  const configs = new Map<ConfigKind, readonly KubeObject[]>();
  const takeService = (namespace: string, name: string): void => {
    const service = cluster.get('services', name, namespace);
    if (service === undefined) services.delete(`${namespace}/${name}`);
    else services.set(`${namespace}/${name}`, entryOf(service, cluster));
  };
  const takeConfig = (kind: ConfigKind): void => {
    const own = cluster
      .list(CONFIG_RESOURCES[kind])
      .filter(({ metadata: { labels } }) => (labels?.['istio.io/rev'] ?? revision) === revision);
    configs.set(kind, own);
  };
  for (const { metadata } of cluster.list('services')) takeService(metadata.namespace ?? '', metadata.name);
  for (const kind of Object.keys(CONFIG_RESOURCES) as ConfigKind[]) takeConfig(kind);
  return {
    view: {
      service: (namespace, name) => services.get(`${namespace}/${name}`),
      config: (kind) => configs.get(kind) ?? [],
      rootNamespace,
    },
    takeService,
    takeConfig,
    serviceCount: () => services.size,
  };
}

function entryOf(service: KubeObject, cluster: Cluster): ServiceEntry {
  const namespace = service.metadata.namespace ?? '';
  const { name } = service.metadata;
  const spec = (service['spec'] ?? {}) as { readonly ports?: readonly ServicePort[]; readonly selector?: Readonly<Record<string, string>> };
  const slices = cluster.list(SLICES, { namespace, labels: { 'kubernetes.io/service-name': name } }) as readonly (KubeObject & Slice)[];
  const byPort = new Map<number, readonly Target[]>();
  for (const port of spec.ports ?? [])
    byPort.set(
      port.port,
      slices.flatMap((slice) => targetsOf(slice, port.name ?? '')),
    );
  return { namespace, name, ports: spec.ports ?? [], selector: spec.selector, targets: (port) => byPort.get(port) ?? [] };
}

function targetsOf(slice: Slice, portName: string): readonly Target[] {
  const port = (slice.ports ?? []).find(({ name = '' }) => name === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses = [], targetRef }) => addresses.map((ip) => ({ ip, port, pod: targetRef?.name ?? '' })));
}
