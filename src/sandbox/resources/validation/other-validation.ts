/** Kinds with few rules: network policies, ingresses, leases, claims, events, nodes. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { isIP } from 'node:net';
import { isCidr } from '../custom/string-formats.ts';
import { duplicate, forbidden, invalidValue, required } from '../field-errors.ts';
import { absent, at, isRecord, list, record, sameJson, text, without, type Json } from '../json-tree.ts';
import { compareQuantities } from '../quantity.ts';
import { each, follows, NONE, needed, oneOf, portNumber, portNumberOrName, qualified, type Errors } from './check.ts';
import { validateSelector } from './label-selector.ts';
import { dns1035Label, labelValue, subdomain, wildcardSubdomain } from './name-rules.ts';
import { EFFECTS } from './scheduling-validation.ts';

const CIDR_TEXT = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

function cidrErrors(cidr: unknown, field: string): Errors {
  return isCidr(text(cidr)) ? NONE : [invalidValue(field, text(cidr), CIDR_TEXT)];
}

/** @source kubernetes/kubernetes pkg/apis/networking/validation/validation.go (ValidateNetworkPolicySpec) of 1.34 */
export function validateNetworkPolicy(next: KubeObject): Errors {
  const spec = record(next['spec']);
  return [
    ...validateSelector(spec['podSelector'], 'spec.podSelector'),
    ...policyRuleErrors(spec, 'ingress', 'from'),
    ...policyRuleErrors(spec, 'egress', 'to'),
    ...list(spec['policyTypes']).flatMap((type, index) => oneOf(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress'])),
  ];
}

function policyRuleErrors(spec: Json, direction: string, peers: string): Errors {
  return each(`spec.${direction}`, spec[direction], (rule, path) => [
    ...each(`${path}.ports`, rule['ports'], (port, place) => [
      ...oneOf(`${place}.protocol`, port['protocol'], ['TCP', 'UDP', 'SCTP']),
      ...(absent(port['port']) ? NONE : portNumberOrName(`${place}.port`, port['port'])),
    ]),
    ...each(`${path}.${peers}`, rule[peers], peerErrors),
  ]);
}

function peerErrors(peer: Json, path: string): Errors {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const given = [podSelector, namespaceSelector, ipBlock].filter((value) => !absent(value)).length;
  if (given === 0) return [required(path, 'must specify a peer')];
  const mixed = isRecord(ipBlock) && given > 1 ? [forbidden(path, 'may not specify both ipBlock and another peer')] : NONE;
  return [
    ...validateSelector(podSelector, `${path}.podSelector`),
    ...validateSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(isRecord(ipBlock) ? cidrErrors(ipBlock['cidr'], `${path}.ipBlock.cidr`) : NONE),
    ...mixed,
  ];
}

/** @source kubernetes/kubernetes pkg/apis/networking/validation/validation.go (ValidateIngressSpec) of 1.34 */
export function validateIngress(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const nothing = list(spec['rules']).length === 0 && absent(spec['defaultBackend']);
  return [
    ...(nothing ? [invalidValue('spec', null, 'either `defaultBackend` or `rules` must be specified')] : NONE),
    ...(isRecord(spec['defaultBackend']) ? backendErrors(spec['defaultBackend'], 'spec.defaultBackend') : NONE),
    ...each('spec.rules', spec['rules'], (rule, path) => [
      ...hostErrors(text(rule['host']), `${path}.host`),
      ...(isRecord(rule['http']) ? pathsErrors(rule['http'], `${path}.http.paths`) : NONE),
    ]),
  ];
}

function hostErrors(host: string, field: string): Errors {
  if (host === '') return NONE;
  if (isIP(host) !== 0) return [invalidValue(field, host, 'must be a DNS name, not an IP address')];
  return follows(host.includes('*') ? wildcardSubdomain : subdomain, field, host);
}

function pathsErrors(http: Json, field: string): Errors {
  if (list(http['paths']).length === 0) return [required(field)];
  return each(field, http['paths'], (path, at_) => {
    const type = text(path['pathType']);
    const place = text(path['path']);
    const absolute = type === 'Exact' || type === 'Prefix' || (type === 'ImplementationSpecific' && place !== '');
    // Nothing else is looked at then.
    if (type === '') return [required(`${at_}.pathType`, 'pathType must be specified')];
    return [
      ...oneOf(`${at_}.pathType`, type, ['Exact', 'ImplementationSpecific', 'Prefix']),
      ...(absolute && !place.startsWith('/') ? [invalidValue(`${at_}.path`, place, 'must be an absolute path')] : NONE),
      ...backendErrors(record(path['backend']), `${at_}.backend`),
    ];
  });
}

function backendErrors(backend: Json, path: string): Errors {
  const { service, resource } = backend;
  if (absent(service) && absent(resource)) return [invalidValue(path, '', 'resource or service backend is required')];
  if (!isRecord(service)) return NONE;
  if (isRecord(resource)) return [invalidValue(path, '', 'cannot set both resource and service backends')];
  const name = text(service['name']);
  const port = record(service['port']);
  const portless = absent(port['number']) && text(port['name']) === '';
  return [
    ...(name === '' ? [required(`${path}.service.name`)] : follows(dns1035Label, `${path}.service.name`, name)),
    ...(portless ? [required(path, 'port name or number is required')] : NONE),
    ...(absent(port['number']) ? NONE : portNumber(`${path}.service.port.number`, port['number'])),
  ];
}

/** @source kubernetes/kubernetes pkg/apis/coordination/validation/validation.go of 1.34 */
export function validateLease(next: KubeObject): Errors {
  const { leaseDurationSeconds, leaseTransitions } = record(next['spec']);
  return [
    ...(typeof leaseDurationSeconds === 'number' && leaseDurationSeconds <= 0
      ? [invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0')]
      : NONE),
    ...(typeof leaseTransitions === 'number' && leaseTransitions < 0
      ? [invalidValue('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0')]
      : NONE),
  ];
}

const CLAIM_FORBIDDEN = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/** What the server adds to a refused change, a listing of both specs in Go's names, is left out. */
export function validateClaim(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
  const storage = at(spec, 'resources', 'requests', 'storage');
  const className = text(spec['storageClassName']);
  return [
    ...(list(spec['accessModes']).length === 0 ? [required('spec.accessModes', 'at least 1 access mode is required')] : NONE),
    ...list(spec['accessModes']).flatMap((mode) => oneOf('spec.accessModes', mode, modes)),
    ...(absent(storage)
      ? [required('spec.resources[storage]')]
      : compareQuantities(storage, '0') <= 0
        ? [invalidValue('spec.resources[storage]', storage, 'must be greater than zero')]
        : NONE),
    ...(className === '' ? NONE : follows(subdomain, 'spec.storageClassName', className)),
    ...oneOf('spec.volumeMode', spec['volumeMode'], ['Block', 'Filesystem']),
    ...(previous === undefined ? NONE : claimUpdateErrors(spec, previous)),
  ];
}

function claimUpdateErrors(spec: Json, previous: KubeObject): Errors {
  const before = record(previous['spec']);
  const bound = at(previous, 'status', 'phase') === 'Bound';
  const free = ['volumeName', ...(bound ? ['resources', 'volumeAttributesClassName'] : [])];
  const rebound = text(before['volumeName']) !== '' && spec['volumeName'] !== before['volumeName'];
  return sameJson(without(spec, ...free), without(before, ...free)) && !rebound ? NONE : [forbidden('spec', CLAIM_FORBIDDEN)];
}

/** @source kubernetes/kubernetes pkg/apis/core/validation/events.go (legacyValidateEvent) of 1.34 */
export function validateEvent(next: KubeObject): Errors {
  const namespace = text(at(next, 'involvedObject', 'namespace'));
  const own = text(next.metadata.namespace);
  const field = 'involvedObject.namespace';
  if (namespace === '') {
    const fits = own === 'default' || own === 'kube-system' || own === '';
    return fits ? NONE : [invalidValue(field, namespace, 'does not match event.namespace')];
  }
  return namespace === own ? NONE : [invalidValue(field, namespace, 'does not match event.namespace')];
}

/** @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateNode) of 1.34 */
export function validateNode(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const seen = new Set<string>();
  return [
    ...each('metadata.taints', spec['taints'], (taint, path) => {
      const id = `${text(taint['key'])}/${text(taint['effect'])}`;
      const repeated = seen.has(id);
      seen.add(id);
      const shown = JSON.stringify({
        Key: taint['key'],
        Value: text(taint['value']),
        Effect: taint['effect'],
        TimeAdded: taint['timeAdded'] ?? null,
      });
      return [
        ...qualified(`${path}.key`, text(taint['key'])),
        ...follows(labelValue, `${path}.value`, text(taint['value'])),
        ...(text(taint['effect']) === '' ? [required(`${path}.effect`)] : oneOf(`${path}.effect`, taint['effect'], EFFECTS)),
        ...(repeated
          ? [{ ...duplicate(path, ''), message: `Duplicate value: ${shown}: taints must be unique by key and effect pair` }]
          : NONE),
      ];
    }),
    ...list(spec['podCIDRs']).flatMap((cidr, index) => cidrErrors(cidr, `spec.podCIDRs[${index}]`)),
  ];
}

export function validateLimitRange(next: KubeObject): Errors {
  return each('spec.limits', at(next, 'spec', 'limits'), (limit, path) => needed(`${path}.type`, limit['type']));
}
