/** Addresses and ports of services: given once, kept while the type needs them, taken back when it does not. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { invalid, type FieldError } from '../../objects/status-error.ts';
import { invalidValue } from '../field-errors.ts';
import { absent, changeEach, fill, integer, list, record, records, sameJson, text, without, type Json } from '../json-tree.ts';
import type { Allocator } from '../resource-definition.ts';

/** One family of addresses, IPv4, as the sandbox has it. @throws StatusError 422 for an address or a port that is another's */
export function servicePreparation(next: KubeObject, previous: KubeObject | undefined, allocate: Allocator): KubeObject {
  const spec = record(next['spec']);
  const before = record(previous?.['spec']);
  if (spec['type'] === 'ExternalName') return { ...next, spec: previous === undefined ? withGivenAddress(spec) : externalName(spec) };
  const problems = [...addressProblems(spec, before, allocate), ...portProblems(spec, before, allocate)];
  if (problems.length > 0) throw invalid({ group: '', resource: 'services', kind: 'Service' }, next.metadata.name, problems.slice(0, 1));
  const addressed = withAddress(withFamilies(spec, before), before, allocate);
  return { ...next, spec: withNodePorts(dropForeign(addressed, before), before, allocate) };
}

/** What a service has already is its own. @source kubernetes/kubernetes pkg/registry/core/service/storage/alloc.go of 1.34 */
function addressProblems(spec: Json, before: Json, allocate: Allocator): readonly FieldError[] {
  const address = text(spec['clusterIP']);
  // What is no address at all, is for validation to refuse.
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address) || address === text(before['clusterIP'])) return [];
  // An address is never given up for another one, which validation says.
  if (before['type'] !== 'ExternalName' && !['', 'None'].includes(text(before['clusterIP']))) return [];
  const why = allocate.clusterIpProblem?.(address);
  return why === undefined ? [] : [invalidValue('spec.clusterIPs', [address], `failed to allocate IP ${address}: ${why}`)];
}

function portProblems(spec: Json, before: Json, allocate: Allocator): readonly FieldError[] {
  if (spec['type'] !== 'NodePort' && spec['type'] !== 'LoadBalancer') return [];
  const had = new Set(records(before['ports']).map((port) => integer(port['nodePort'])));
  return records(spec['ports']).flatMap((port, index) => {
    const wanted = integer(port['nodePort']);
    const why = wanted === 0 || had.has(wanted) ? undefined : allocate.nodePortProblem?.(wanted);
    return why === undefined ? [] : [invalidValue(`spec.ports[${index}].nodePort`, wanted, why)];
  });
}

/** A name needs no address; one that a client gives all the same is left for validation to refuse. */
function withGivenAddress(spec: Json): Json {
  return absent(spec['clusterIP']) ? spec : fill(spec, { clusterIPs: [spec['clusterIP']] });
}

function externalName(spec: Json): Json {
  const bare = without(spec, 'clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy', 'healthCheckNodePort');
  return changeEach(bare, 'ports', (port) => without(port, 'nodePort'));
}

/** @source kubernetes/kubernetes pkg/registry/core/service/alloc.go (initIPFamilyFields) of 1.34 */
function withFamilies(spec: Json, before: Json): Json {
  const kept = fill(spec, { ipFamilies: before['ipFamilies'], ipFamilyPolicy: before['ipFamilyPolicy'] });
  const unselective = spec['clusterIP'] === 'None' && Object.keys(record(spec['selector'])).length === 0;
  if (unselective && absent(kept['ipFamilies']))
    return fill({ ...kept, ipFamilies: ['IPv4', 'IPv6'] }, { ipFamilyPolicy: 'RequireDualStack' });
  return fill(kept, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
}

/** @source kubernetes/kubernetes pkg/registry/core/service/strategy.go (normalizeClusterIPs, patchAllocatedValues) of 1.34 */
function withAddress(spec: Json, before: Json, allocate: Allocator): Json {
  const had = before['type'] === 'ExternalName' ? '' : text(before['clusterIP']);
  const moved = text(spec['clusterIP']) !== had && sameJson(spec['clusterIPs'], before['clusterIPs']);
  const addresses = moved ? [] : list(spec['clusterIPs']);
  const address = text(spec['clusterIP']) || text(addresses[0]) || had || allocate.clusterIp();
  return { ...spec, clusterIP: address, clusterIPs: addresses.length > 0 ? addresses : [address] };
}

/** What belongs to a type that the service no longer has goes away, unless the client changed it too. */
function dropForeign(spec: Json, before: Json): Json {
  const unchanged = (field: string): boolean => sameJson(spec[field], before[field]);
  const external = (some: Json): boolean =>
    some['type'] === 'NodePort' || some['type'] === 'LoadBalancer' || list(some['externalIPs']).length > 0;
  const balanced = before['type'] === 'LoadBalancer' && spec['type'] !== 'LoadBalancer';
  const dropped = [
    ...(external(before) && !external(spec) ? ['externalTrafficPolicy'] : []),
    ...(balanced ? ['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'healthCheckNodePort'] : []),
  ];
  return without(spec, ...dropped.filter(unchanged));
}

function withNodePorts(spec: Json, before: Json, allocate: Allocator): Json {
  const type = text(spec['type']);
  const needed = type === 'NodePort' || (type === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false);
  const beforePorts = records(before['ports']);
  return changeEach(spec, 'ports', (port) => {
    const given = integer(port['nodePort']);
    const old = beforePorts.find((candidate) => candidate['port'] === port['port'] && protocol(candidate) === protocol(port)) ?? {};
    if (!needed) return type === 'ClusterIP' && given !== 0 && given === integer(old['nodePort']) ? without(port, 'nodePort') : port;
    if (given !== 0) return port;
    return { ...port, nodePort: integer(old['nodePort']) || allocate.nodePort() };
  });
}

function protocol(port: Json): string {
  return absent(port['protocol']) ? 'TCP' : text(port['protocol']);
}
