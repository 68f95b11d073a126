/** The older Endpoints object of a service: ready and not ready addresses, grouped by ports. `pkg/controller/endpoint` of Kubernetes 1.34. */
import { canonicalJson } from '../base/stable-hash.ts';
import { isReady, isTerminating } from '../base/pod-state.ts';
import type { Pod } from '../base/workload-shapes.ts';
import { type EndpointPort, hasAddress, portsAt, type Service } from './service-shapes.ts';

export interface EndpointAddress {
  readonly ip: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef: { readonly kind: 'Pod'; readonly namespace: string; readonly name: string; readonly uid: string };
}

export interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  readonly ports?: readonly Partial<EndpointPort>[];
}

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

export function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const all = service.spec.publishNotReadyAddresses === true;
  const groups = new Map<string, Group>();
  for (const pod of pods.filter((one) => hasAddress(one) && (all || !isTerminating(one)))) {
    const ports = portsAt(service, pod);
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (all || isReady(pod) ? group.ready : group.notReady).push(addressOf(service, pod));
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : 1);
  return [...groups.values()].map(({ ports, ready, notReady }) => ({
    ...(ready.length === 0 ? {} : { addresses: ready.toSorted(byIp) }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.toSorted(byIp) }),
    ...(ports.length === 0 ? {} : { ports: ports.toSorted(byName).map(withoutEmptyName) }),
  }));
}

function byName(a: EndpointPort, b: EndpointPort): number {
  return a.name === b.name ? a.port - b.port : a.name < b.name ? -1 : 1;
}

function withoutEmptyName({ name, ...port }: EndpointPort): Partial<EndpointPort> {
  return name === '' ? port : { name, ...port };
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  const isNamed = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    ip: pod.status?.podIP ?? '',
    ...(isNamed ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
