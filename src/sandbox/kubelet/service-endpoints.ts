/** Finds where requests to a service go: its ready endpoints by turns, as kube-proxy spreads connections. */
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';

export interface ServiceTarget {
  readonly ip: string;
  readonly port: number;
}

export interface ServiceEndpoints {
  readonly pick: (namespace: string, name: string, port: number | string) => ServiceTarget | undefined;
  readonly stop: () => void;
}

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
}

interface ReadyGroup {
  readonly ips: readonly string[];
  readonly ports: readonly { readonly name?: string; readonly port?: number }[];
}

/** What is known of one service until one of its objects changes. */
interface Known {
  readonly ports: readonly ServicePort[];
  readonly headless: boolean;
  readonly groups: readonly ReadyGroup[];
}

const SLICES = 'endpointslices.discovery.k8s.io';
const SERVICE_LABEL = 'kubernetes.io/service-name';

export function createServiceEndpoints(view: ClusterView): ServiceEndpoints {
  const known = new Map<string, Known>();
  const turns = new Map<string, number>();
  const forget = (namespace: string | undefined, name: string | undefined): void => void known.delete(`${namespace ?? ''}/${name ?? ''}`);
  const stops = [
    view.onChange('services', ({ object }) => forget(object.metadata.namespace, object.metadata.name)),
    view.onChange('endpoints', ({ object }) => forget(object.metadata.namespace, object.metadata.name)),
    view.onChange(SLICES, ({ object, previous }) => {
      forget(object.metadata.namespace, object.metadata.labels?.[SERVICE_LABEL]);
      if (previous !== undefined) forget(previous.metadata.namespace, previous.metadata.labels?.[SERVICE_LABEL]);
    }),
  ];
  return {
    pick: (namespace, name, port) => {
      const key = `${namespace}/${name}`;
      const service = known.get(key) ?? look(view, namespace, name);
      if (service === undefined) return undefined;
      known.set(key, service);
      const targets = targetsOf(service, port);
      if (targets.length === 0) return undefined;
      const turnKey = `${key}:${port}`;
      const turn = turns.get(turnKey) ?? 0;
      turns.set(turnKey, turn + 1);
      return targets[turn % targets.length];
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

function look(view: ClusterView, namespace: string, name: string): Known | undefined {
  const service = view.get('services', name, namespace);
  if (service === undefined) return undefined;
  const spec = (service['spec'] ?? {}) as { readonly ports?: readonly ServicePort[]; readonly clusterIP?: string };
  const slices = view.list(SLICES, { namespace, labels: { [SERVICE_LABEL]: name } });
  const groups = slices.length > 0 ? slices.map(readSlice) : readEndpoints(view.get('endpoints', name, namespace));
  return { ports: spec.ports ?? [], headless: spec.clusterIP === 'None', groups };
}

interface SliceEndpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: { readonly ready?: boolean };
}

function readSlice(slice: KubeObject): ReadyGroup {
  const endpoints = (slice['endpoints'] ?? []) as readonly SliceEndpoint[];
  // Absent means ready: the API says so of conditions.ready.
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  return { ips: ready.flatMap(({ addresses }) => addresses ?? []), ports: (slice['ports'] ?? []) as ReadyGroup['ports'] };
}

interface EndpointSubset {
  readonly addresses?: readonly { readonly ip: string }[];
  readonly ports?: ReadyGroup['ports'];
}

function readEndpoints(endpoints: KubeObject | undefined): readonly ReadyGroup[] {
  const subsets = (endpoints?.['subsets'] ?? []) as readonly EndpointSubset[];
  return subsets.map(({ addresses, ports }) => ({ ips: (addresses ?? []).map(({ ip }) => ip), ports: ports ?? [] }));
}

function targetsOf({ ports, headless, groups }: Known, wanted: number | string): readonly ServiceTarget[] {
  const port = ports.find((one) => one.port === wanted || one.name === wanted);
  if (port !== undefined) {
    return groups.flatMap((group) => {
      const target = group.ports.find(({ name }) => (name ?? '') === (port.name ?? ''))?.port;
      return target === undefined ? [] : group.ips.map((ip) => ({ ip, port: target }));
    });
  }
  // A headless service is only a name for its pods: every port of theirs can be asked for.
  if (!headless || typeof wanted === 'string') return [];
  return groups.flatMap(({ ips }) => ips.map((ip) => ({ ip, port: wanted })));
}
