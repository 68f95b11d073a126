/** Defaults of services, endpoints, policies and ingresses, as Kubernetes 1.34 sets them. */
import { absent, at, changeEach, changeField, fill, list, record, text, without, type Json } from '../json-tree.ts';

const AFFINITY_SECONDS = 10_800;

/** Addresses and families of addresses are no defaults here: they are allocated when the service is prepared. */
export function serviceDefaults<T extends Json>(object: T): T {
  const filled = changeField(fill(object, { status: {} }), 'status', (status) => fill(status, { loadBalancer: {} }));
  return changeField(fill(filled, { spec: {} }), 'spec', (spec) => {
    const typed = affinity(fill(withoutEmptySelector(spec), { sessionAffinity: 'None', type: 'ClusterIP' }));
    const type = text(typed['type']);
    const external = type === 'NodePort' || type === 'LoadBalancer' || list(typed['externalIPs']).length > 0;
    const next = fill(typed, {
      ...(external ? { externalTrafficPolicy: 'Cluster' } : {}),
      ...(type === 'ExternalName' ? {} : { internalTrafficPolicy: 'Cluster' }),
      ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
    });
    return changeEach(next, 'ports', (port) => {
      const target = port['targetPort'];
      const pointed = absent(target) || target === 0 || target === '' ? { ...port, targetPort: port['port'] } : port;
      return fill(pointed, { protocol: 'TCP' });
    });
  });
}

/** A map of labels, which vanishes when it is empty; in other kinds the field is a structure that stays. */
function withoutEmptySelector(spec: Json): Json {
  return Object.keys(record(spec['selector'])).length === 0 ? without(spec, 'selector') : spec;
}

function affinity(spec: Json): Json {
  if (spec['sessionAffinity'] === 'None') return without(spec, 'sessionAffinityConfig');
  if (spec['sessionAffinity'] !== 'ClientIP' || !absent(at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'))) return spec;
  return { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } };
}

export function endpointsDefaults<T extends Json>(object: T): T {
  return changeEach(object, 'subsets', (subset) => changeEach(subset, 'ports', (port) => fill(port, { protocol: 'TCP' })));
}

export function endpointSliceDefaults<T extends Json>(object: T): T {
  const filled: Json = { ...object, endpoints: object['endpoints'] ?? null, ports: object['ports'] ?? null };
  const withPorts = changeEach(filled, 'ports', (port) => fill(port, { name: '', protocol: 'TCP' }));
  return changeEach(withPorts, 'endpoints', (endpoint) => fill(endpoint, { conditions: {} })) as T;
}

export function networkPolicyDefaults<T extends Json>(object: T): T {
  return changeField(object, 'spec', (given) => {
    const spec = fill(given, { podSelector: {} });
    const types = list(spec['egress']).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    let next = fill(spec, { policyTypes: types });
    for (const field of ['ingress', 'egress']) {
      next = changeEach(next, field, (rule) => changeEach(rule, 'ports', (port) => fill(port, { protocol: 'TCP' })));
    }
    return next;
  });
}

export function ingressDefaults<T extends Json>(object: T): T {
  return changeField(fill(object, { status: {} }), 'status', (status) => fill(status, { loadBalancer: {} }));
}

export function ingressClassDefaults<T extends Json>(object: T): T {
  return changeField(object, 'spec', (spec) => changeField(spec, 'parameters', (parameters) => fill(parameters, { scope: 'Cluster' })));
}

/** Fields that the API of events always writes, whatever its version. */
export function eventDefaults<T extends Json>(object: T): T {
  const filled = fill(object, { involvedObject: {}, source: {}, reportingComponent: '', reportingInstance: '' });
  const times = { firstTimestamp: null, lastTimestamp: null, eventTime: null };
  return { ...filled, ...Object.fromEntries(Object.keys(times).map((field) => [field, record(filled)[field] ?? null])) };
}
