/** What the EndpointSlices of a service shall say: `k8s.io/endpointslice` of Kubernetes 1.34, as pure functions. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { controllerReference } from '../base/ownership.ts';
import { isReady, isTerminating } from '../base/pod-state.ts';
import type { Labels, Pod } from '../base/workload-shapes.ts';
import { canonicalJson } from '../base/stable-hash.ts';
import { type EndpointPort, hasAddress, isHeadless, portsAt, type Service } from './service-shapes.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';

/** Most endpoints of one slice. */
const SLICE_SIZE = 100;

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef: { readonly kind: 'Pod'; readonly name: string; readonly namespace: string; readonly uid: string };
}

export interface EndpointSlice extends KubeObject {
  readonly addressType: string;
  readonly endpoints: readonly SliceEndpoint[] | null;
  readonly ports: readonly EndpointPort[] | null;
}

export interface SliceInput {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly zoneOf: (node: string) => string | undefined;
  readonly present: readonly EndpointSlice[];
}

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Keeps slices that are right, refills those that are not, and makes as few new ones as can be. */
export function planSlices({ service, pods, zoneOf, present }: SliceInput): SlicePlan {
  const groups = groupByPorts(service, pods, zoneOf);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const free = new Set(present);
  for (const { ports, endpoints } of groups) {
    const own = present.filter((slice) => canonicalJson(slice.ports ?? []) === canonicalJson(ports));
    const chunks = chunk(endpoints, own);
    for (const [index, part] of chunks.entries()) {
      const slice = own[index];
      const next = sliceOf(service, ports, part);
      if (slice === undefined) create.push(next);
      else {
        free.delete(slice);
        if (!isSame(slice, next)) update.push({ ...next, metadata: { ...slice.metadata, labels: next.metadata.labels ?? {} } });
      }
    }
  }
  const spare = [...free];
  // A slice whose ports are no longer wanted takes over those of a new one, rather than one going and one coming.
  while (create.length > 0 && spare.length > 0) {
    const [next, slice] = [create.shift(), spare.shift()];
    if (next !== undefined && slice !== undefined)
      update.push({ ...next, metadata: { ...slice.metadata, labels: next.metadata.labels ?? {} } });
  }
  return { create, update, remove: spare };
}

interface PortGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: SliceEndpoint[];
}

function groupByPorts(service: Service, pods: readonly Pod[], zoneOf: SliceInput['zoneOf']): readonly PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const pod of pods.filter(hasAddress)) {
    const ports = portsAt(service, pod);
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod, zoneOf));
    groups.set(key, group);
  }
  // A service without pods has one empty slice.
  return groups.size === 0 ? [{ ports: [], endpoints: [] }] : [...groups.values()];
}

/** Endpoints stay in the slice where they are; new ones fill up. */
function chunk(endpoints: readonly SliceEndpoint[], own: readonly EndpointSlice[]): readonly (readonly SliceEndpoint[])[] {
  if (endpoints.length <= SLICE_SIZE) return [endpoints];
  const byUid = new Map(endpoints.map((one) => [one.targetRef.uid, one]));
  const chunks = own.map((slice) =>
    (slice.endpoints ?? []).flatMap(({ targetRef }) => {
      const endpoint = byUid.get(targetRef.uid);
      byUid.delete(targetRef.uid);
      return endpoint ?? [];
    }),
  );
  for (const endpoint of byUid.values()) {
    const room = chunks.find((part) => part.length < SLICE_SIZE);
    if (room === undefined) chunks.push([endpoint]);
    else room.push(endpoint);
  }
  return chunks.filter((part) => part.length > 0);
}

function endpointOf(service: Service, pod: Pod, zoneOf: SliceInput['zoneOf']): SliceEndpoint {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const [serving, terminating] = [isReady(pod), isTerminating(pod)];
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { nodeName, hostname, subdomain } = pod.spec;
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
  const isNamed = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(isNamed ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: 'Pod', name, namespace, uid },
  };
}

function sliceOf(service: Service, ports: readonly EndpointPort[], endpoints: readonly SliceEndpoint[]): EndpointSlice {
  const { name, namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    endpoints: endpoints.length === 0 ? null : endpoints,
    ports: ports.length === 0 ? null : ports,
  };
}

/** The service's own labels travel along. */
function sliceLabels(service: Service): Labels {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
  };
}

function isSame(a: EndpointSlice, b: EndpointSlice): boolean {
  const essence = ({ endpoints, ports, metadata }: EndpointSlice): string => canonicalJson([endpoints ?? [], ports ?? [], metadata.labels]);
  return essence(a) === essence(b);
}
