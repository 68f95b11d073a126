/** Services, endpoints and their slices. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateService) of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { isIP } from 'node:net';
import { duplicate, forbidden, invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, integer, list, record, records, text, type Json } from '../json-tree.ts';
import { each, follows, named, NONE, oneOf, portNumber, portNumberOrName, qualified, type Errors } from './check.ts';
import { PROTOCOLS } from './container-validation.ts';
import { dnsLabel, ipAddress, subdomain } from './name-rules.ts';
import { validateLabels } from './object-meta.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const MAX_AFFINITY_SECONDS = 86_400;

/** @param next with its addresses: the server validates before it allocates, so that given ones are judged here */
export function validateService(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const type = text(spec['type']);
  const headless = spec['clusterIP'] === 'None';
  const noPorts = list(spec['ports']).length === 0 && !headless && type !== 'ExternalName';
  return [
    ...(noPorts ? [required('spec.ports')] : NONE),
    ...typeErrors(spec, type),
    ...portsErrors(spec, type),
    ...(absent(spec['selector']) ? NONE : validateLabels(spec['selector'], 'spec.selector')),
    ...affinityErrors(spec),
    ...addressErrors(spec, type),
    ...list(spec['externalIPs']).flatMap((ip, index) => follows(ipAddress, `spec.externalIPs[${index}]`, text(ip))),
    ...oneOf('spec.type', type, TYPES),
    ...policyErrors(spec, type),
    ...duplicatePorts(records(spec['ports'])),
    ...(previous === undefined ? NONE : updateErrors(spec, record(previous['spec']))),
  ];
}

function typeErrors(spec: Json, type: string): Errors {
  const noneForBalancer = type === 'LoadBalancer' && spec['clusterIP'] === 'None';
  if (noneForBalancer) return [invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services")];
  if (type === 'NodePort' && spec['clusterIP'] === 'None')
    return [invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services")];
  if (type !== 'ExternalName') return NONE;
  const external = text(spec['externalName']).replace(/\.$/, '');
  return [
    ...(list(spec['clusterIPs']).length > 0 ? [forbidden('spec.clusterIPs', 'may not be set for ExternalName services')] : NONE),
    ...named(subdomain, 'spec.externalName', external),
  ];
}

function portsErrors(spec: Json, type: string): Errors {
  const many = list(spec['ports']).length > 1;
  const names = new Set<string>();
  return each('spec.ports', spec['ports'], (port, at) => {
    const name = text(port['name']);
    const repeated = name !== '' && names.has(name);
    names.add(name);
    const target = port['targetPort'];
    return [
      ...(name === ''
        ? many
          ? [required(`${at}.name`)]
          : NONE
        : repeated
          ? [duplicate(`${at}.name`, name)]
          : follows(dnsLabel, `${at}.name`, name)),
      ...portNumber(`${at}.port`, port['port']),
      ...oneOf(`${at}.protocol`, port['protocol'] ?? '', PROTOCOLS),
      ...portNumberOrName(`${at}.targetPort`, target),
      ...(absent(port['appProtocol']) ? NONE : qualified(`${at}.appProtocol`, text(port['appProtocol']))),
      ...(integer(port['nodePort']) !== 0 && (type === 'ClusterIP' || type === 'ExternalName')
        ? [forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${type}'`)]
        : NONE),
    ];
  });
}

function duplicatePorts(ports: readonly Json[]): Errors {
  const seen = new Set<string>();
  return ports.flatMap((port, index): Errors => {
    const id = `${text(port['protocol'])}/${integer(port['port'])}`;
    const repeated = seen.has(id);
    seen.add(id);
    const shown = { Name: '', Protocol: port['protocol'], AppProtocol: null, Port: port['port'], TargetPort: 0, NodePort: 0 };
    return repeated ? [duplicate(`spec.ports[${index}]`, shown)] : NONE;
  });
}

function affinityErrors(spec: Json): Errors {
  const seconds = record(record(spec['sessionAffinityConfig'])['clientIP'])['timeoutSeconds'];
  const bad = typeof seconds === 'number' && (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS);
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  return [
    ...oneOf('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']),
    ...(bad ? [invalidValue(field, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`)] : NONE),
  ];
}

function addressErrors(spec: Json, type: string): Errors {
  if (type === 'ExternalName') return NONE;
  const addresses = list(spec['clusterIPs']).map(text);
  // Only services without pods of their own may have a family that the cluster does not have.
  const free = spec['clusterIP'] === 'None' && Object.keys(record(spec['selector'])).length === 0;
  const families = free ? [] : list(spec['ipFamilies']).map(text);
  return [
    ...addresses.flatMap((ip, index) => (ip === 'None' ? NONE : follows(ipAddress, `spec.clusterIPs[${index}]`, ip))),
    ...families.flatMap((family, index) =>
      family === 'IPv6' ? [invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')] : NONE,
    ),
    ...oneOf('spec.ipFamilyPolicy', spec['ipFamilyPolicy'], ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
  ];
}

function policyErrors(spec: Json, type: string): Errors {
  const external = type === 'NodePort' || type === 'LoadBalancer' || list(spec['externalIPs']).length > 0;
  const policy = spec['externalTrafficPolicy'];
  const balancer = type === 'LoadBalancer';
  const check = integer(spec['healthCheckNodePort']);
  const checkAllowed = balancer && policy === 'Local';
  const onlyBalancer = "may only be used when `type` is 'LoadBalancer'";
  const checkText = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [
    ...(absent(policy) || external
      ? NONE
      : [invalidValue('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services')]),
    ...(external ? oneOf('spec.externalTrafficPolicy', policy, ['Cluster', 'Local']) : NONE),
    ...(check !== 0 && !checkAllowed ? [invalidValue('spec.healthCheckNodePort', check, checkText)] : NONE),
    ...(!balancer && !absent(spec['loadBalancerClass']) ? [forbidden('spec.loadBalancerClass', onlyBalancer)] : NONE),
    ...(!balancer && !absent(spec['allocateLoadBalancerNodePorts'])
      ? [forbidden('spec.allocateLoadBalancerNodePorts', onlyBalancer)]
      : NONE),
    ...(type === 'ExternalName' ? NONE : oneOf('spec.internalTrafficPolicy', spec['internalTrafficPolicy'], ['Cluster', 'Local'])),
  ];
}

function updateErrors(spec: Json, previous: Json): Errors {
  if (spec['type'] === 'ExternalName' || previous['type'] === 'ExternalName') return NONE;
  const [before] = list(previous['clusterIPs']);
  const [now] = list(spec['clusterIPs']);
  if (absent(before) || before === now) return NONE;
  return [invalidValue('spec.clusterIPs[0]', list(spec['clusterIPs']), 'may not change once set')];
}

function addressForm(ip: string, field: string): Errors {
  const wrong = follows(ipAddress, field, ip);
  if (wrong.length > 0) return wrong;
  if (/^127\.|^::1$/.test(ip)) return [invalidValue(field, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (/^169\.254\.|^fe80:/i.test(ip)) return [invalidValue(field, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  return NONE;
}

/**
 * Pods of a sandbox have loopback addresses, which a server forbids in endpoints.
 * @returns the errors without those
 */
function reachable(errors: Errors): Errors {
  return errors.filter(({ message }) => !message.includes('loopback range'));
}

export function validateEndpoints(next: KubeObject): Errors {
  return each('subsets', next['subsets'], (subset, at) => {
    const all = [...list(subset['addresses']), ...list(subset['notReadyAddresses'])];
    const many = list(subset['ports']).length > 1;
    return [
      ...(all.length === 0 ? [required(at, 'must specify `addresses` or `notReadyAddresses`')] : NONE),
      ...['addresses', 'notReadyAddresses'].flatMap((field) =>
        each(`${at}.${field}`, subset[field], (address, path) => {
          const ip = text(address['ip']);
          const twice = isIP(ip) === 0 ? [invalidValue(`${path}.ip`, ip, 'must be a valid IP address')] : NONE;
          return [...reachable(addressForm(ip, `${path}.ip`)), ...twice];
        }),
      ),
      ...each(`${at}.ports`, subset['ports'], (port, path) => [
        ...(text(port['name']) === '' ? (many ? [required(`${path}.name`)] : NONE) : follows(dnsLabel, `${path}.name`, text(port['name']))),
        ...portNumber(`${path}.port`, port['port']),
        ...oneOf(`${path}.protocol`, port['protocol'] ?? '', PROTOCOLS),
      ]),
    ];
  });
}

/** @source kubernetes/kubernetes pkg/apis/discovery/validation/validation.go of 1.34 */
export function validateEndpointSlice(next: KubeObject, previous: KubeObject | undefined): Errors {
  const type = text(next['addressType']);
  const names = new Set<string>();
  const kind: Errors =
    type === ''
      ? [required('addressType')]
      : ['FQDN', 'IPv4', 'IPv6'].includes(type)
        ? NONE
        : [notSupported('addressType', type, ['FQDN', 'IPv4', 'IPv6'])];
  const retyped =
    previous !== undefined && previous['addressType'] !== type ? [invalidValue('addressType', type, 'field is immutable')] : NONE;
  if (retyped.length > 0) return retyped;
  if (kind.length > 0) return kind;
  const endpoints = each('endpoints', next['endpoints'], (endpoint, at) => {
    const addresses = list(endpoint['addresses']).map(text);
    if (addresses.length === 0) return [required(`${at}.addresses`, 'must contain at least 1 address')];
    return addresses.flatMap((address, index) => {
      const field = `${at}.addresses[${index}]`;
      return type === 'FQDN' ? follows(subdomain, field, address) : reachable(addressForm(address, field));
    });
  });
  const ports = each('ports', next['ports'], (port, at) => {
    const name = text(port['name']);
    const repeated = names.has(name);
    names.add(name);
    return [
      ...(name === '' ? NONE : follows(dnsLabel, `${at}.name`, name)),
      ...(repeated ? [duplicate(`${at}.name`, name)] : NONE),
      ...oneOf(`${at}.protocol`, port['protocol'], PROTOCOLS),
    ];
  });
  return [...endpoints, ...ports];
}
