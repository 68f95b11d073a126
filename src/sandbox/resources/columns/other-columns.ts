/** Columns of everything that is no workload. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { absent, at, integer, isRecord, list, record, records, text, type Json } from '../json-tree.ts';
import type { PrinterColumn } from '../resource-definition.ts';
import { condition, labelsText, orElse, selectorText, shortened, since } from './cell-text.ts';
import { AGE, boolean, column, NAME, number, wide } from './column.ts';

const spec = (object: KubeObject, ...path: readonly string[]): unknown => at(object, 'spec', ...path);
const size = (value: unknown): number => Object.keys(record(value)).length;

export const SERVICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Type', (object) => text(spec(object, 'type'))),
  column('Cluster-IP', (object) => orElse(at(object, 'spec', 'clusterIPs', 0) ?? spec(object, 'clusterIP'), '<none>')),
  column('External-IP', externalIp),
  column('Port(s)', servicePorts),
  AGE,
  wide('Selector', (object) => labelsText(spec(object, 'selector'))),
];

function externalIp(service: KubeObject): string {
  const external = list(spec(service, 'externalIPs')).map(text);
  switch (text(spec(service, 'type'))) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length === 0 ? '<none>' : external.join(',');
    case 'LoadBalancer': {
      const balancers = balancerAddresses(service);
      return [...balancers, ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return text(spec(service, 'externalName'));
    default:
      return '<unknown>';
  }
}

function balancerAddresses(object: KubeObject): readonly string[] {
  const addresses = records(at(object, 'status', 'loadBalancer', 'ingress')).flatMap((entry) => {
    const address = text(entry['ip']) || text(entry['hostname']);
    return address === '' ? [] : [address];
  });
  return [...new Set(addresses)].toSorted();
}

function servicePorts(service: KubeObject): string {
  const ports = records(spec(service, 'ports')).map((port) => {
    const node = integer(port['nodePort']);
    return `${integer(port['port'])}${node > 0 ? `:${node}` : ''}/${text(port['protocol'])}`;
  });
  return ports.join(',') || '<none>';
}

export const ENDPOINTS_COLUMNS: readonly PrinterColumn[] = [NAME, column('Endpoints', endpointsText), AGE];

function endpointsText(object: KubeObject): string {
  const all = records(object['subsets']).flatMap((subset) => {
    const addresses = records(subset['addresses']).map((address) => text(address['ip']));
    const ports = records(subset['ports']);
    return ports.length === 0
      ? addresses
      : ports.flatMap((port) => addresses.map((ip) => `${ip.includes(':') ? `[${ip}]` : ip}:${integer(port['port'])}`));
  });
  return all.length === 0 ? '<none>' : shortened(all, 3);
}

export const ENDPOINT_SLICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('AddressType', (object) => text(object['addressType'])),
  column(
    'Ports',
    (object) =>
      shortened(
        records(object['ports']).map((port) => orElse(port['port'] ?? port['name'], '*')),
        3,
      ) || '<unset>',
  ),
  column(
    'Endpoints',
    (object) =>
      shortened(
        records(object['endpoints']).flatMap((endpoint) => list(endpoint['addresses']).map(text)),
        3,
      ) || '<unset>',
  ),
  AGE,
];

export const NAMESPACE_COLUMNS: readonly PrinterColumn[] = [NAME, column('Status', (object) => text(at(object, 'status', 'phase'))), AGE];

export const CONFIG_MAP_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Data', (object) => size(object['data']) + size(object['binaryData'])),
  AGE,
];

export const SECRET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Type', (object) => text(object['type'])),
  column('Data', (object) => size(object['data'])),
  AGE,
];

export const SERVICE_ACCOUNT_COLUMNS: readonly PrinterColumn[] = [NAME, column('Secrets', (object) => list(object['secrets']).length), AGE];

export const EVENT_COLUMNS: readonly PrinterColumn[] = [
  column('Last Seen', (event, nowMs) => eventTimes(event, nowMs).last),
  column('Type', (event) => text(event['type'])),
  column('Reason', (event) => text(event['reason'])),
  column('Object', (event) => {
    const { kind, name } = record(event['involvedObject']);
    return text(name) === '' ? text(kind).toLowerCase() : `${text(kind).toLowerCase()}/${text(name)}`;
  }),
  wide('Subobject', (event) => text(at(event, 'involvedObject', 'fieldPath'))),
  wide('Source', (event) => {
    const component = text(at(event, 'source', 'component')) || text(event['reportingComponent']);
    const host = text(at(event, 'source', 'host')) || text(event['reportingInstance']);
    return host === '' ? component : `${component}, ${host}`;
  }),
  column('Message', (event) => text(event['message']).trim()),
  wide('First Seen', (event, nowMs) => eventTimes(event, nowMs).first),
  wide('Count', (event) => integer(at(event, 'series', 'count')) || integer(event['count']) || 1),
  { ...NAME, priority: 1 },
];

function eventTimes(event: KubeObject, nowMs: number): { readonly first: string; readonly last: string } {
  const first = since(absent(event['firstTimestamp']) ? event['eventTime'] : event['firstTimestamp'], nowMs);
  if (isRecord(event['series'])) return { first, last: since(event['series']['lastObservedTime'], nowMs) };
  return { first, last: absent(event['lastTimestamp']) ? first : since(event['lastTimestamp'], nowMs) };
}

export const BINDING_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Role', (object) => `${text(at(object, 'roleRef', 'kind'))}/${text(at(object, 'roleRef', 'name'))}`),
  AGE,
  wide('Users', (object) => subjects(object, 'User')),
  wide('Groups', (object) => subjects(object, 'Group')),
  wide('ServiceAccounts', (object) => subjects(object, 'ServiceAccount')),
];

function subjects(object: KubeObject, kind: string): string {
  const named = records(object['subjects']).filter((subject) => subject['kind'] === kind);
  const names = named.map((subject) =>
    kind === 'ServiceAccount' ? `${text(subject['namespace'])}/${text(subject['name'])}` : text(subject['name']),
  );
  return names.join(', ');
}

export const WEBHOOK_COLUMNS: readonly PrinterColumn[] = [NAME, number('Webhooks', (object) => list(object['webhooks']).length), AGE];

export const ADMISSION_POLICY_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  number('Validations', (object) => list(spec(object, 'validations')).length),
  column('ParamKind', (object) => {
    const kind = spec(object, 'paramKind');
    return isRecord(kind) ? `${text(kind['apiVersion'])}/${text(kind['kind'])}` : '<unset>';
  }),
  AGE,
];

export const ADMISSION_POLICY_BINDING_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('PolicyName', (object) => text(spec(object, 'policyName'))),
  column('ParamRef', (object) => {
    const ref = spec(object, 'paramRef');
    if (!isRecord(ref)) return '<unset>';
    return absent(ref['namespace']) ? `*/${text(ref['name'])}` : `${text(ref['namespace'])}/${text(ref['name'])}`;
  }),
  AGE,
];

export const LEASE_COLUMNS: readonly PrinterColumn[] = [NAME, column('Holder', (object) => text(spec(object, 'holderIdentity'))), AGE];

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(value: unknown): string {
  const given = list(value).map(text);
  return Object.entries(MODES)
    .filter(([mode]) => given.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function volumePhase(object: KubeObject): string {
  return object.metadata.deletionTimestamp === undefined ? text(at(object, 'status', 'phase')) : 'Terminating';
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

function storageClass(object: KubeObject): string {
  return object.metadata.annotations?.[CLASS_ANNOTATION] ?? text(spec(object, 'storageClassName'));
}

const VOLUME_TAIL: readonly PrinterColumn[] = [AGE, wide('VolumeMode', (object) => orElse(spec(object, 'volumeMode'), '<unset>'))];
const ATTRIBUTES = column('VolumeAttributesClass', (object) => orElse(spec(object, 'volumeAttributesClassName'), '<unset>'));

export const CLAIM_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', volumePhase),
  column('Volume', (object) => text(spec(object, 'volumeName'))),
  column('Capacity', (object) => (text(spec(object, 'volumeName')) === '' ? '' : orElse(at(object, 'status', 'capacity', 'storage'), '0'))),
  column('Access Modes', (object) => (text(spec(object, 'volumeName')) === '' ? '' : accessModes(at(object, 'status', 'accessModes')))),
  column('StorageClass', storageClass),
  ATTRIBUTES,
  ...VOLUME_TAIL,
];

export const VOLUME_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Capacity', (object) => text(spec(object, 'capacity', 'storage'))),
  column('Access Modes', (object) => accessModes(spec(object, 'accessModes'))),
  column('Reclaim Policy', (object) => text(spec(object, 'persistentVolumeReclaimPolicy'))),
  column('Status', volumePhase),
  column('Claim', (object) => {
    const claim = spec(object, 'claimRef');
    return isRecord(claim) ? `${text(claim['namespace'])}/${text(claim['name'])}` : '';
  }),
  column('StorageClass', storageClass),
  ATTRIBUTES,
  column('Reason', (object) => text(at(object, 'status', 'reason'))),
  ...VOLUME_TAIL,
];

export const INGRESS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Class', (object) => orElse(spec(object, 'ingressClassName'), '<none>')),
  column('Hosts', (object) => {
    const hosts = records(spec(object, 'rules')).map((rule) => text(rule['host']) || '*');
    return hosts.length === 0 ? '*' : shortened(hosts, 3);
  }),
  column('Address', (object) => balancerAddresses(object).join(',')),
  column('Ports', (object) => (list(spec(object, 'tls')).length > 0 ? '80, 443' : '80')),
  AGE,
];

export const INGRESS_CLASS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Controller', (object) => text(spec(object, 'controller'))),
  column('Parameters', (object) => {
    const given = spec(object, 'parameters');
    if (!isRecord(given)) return '<none>';
    const group = text(given['apiGroup']);
    return `${text(given['kind'])}${group === '' ? '' : `.${group}`}/${text(given['name'])}`;
  }),
  AGE,
];

export const NETWORK_POLICY_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Pod-Selector', (object) => selectorText(spec(object, 'podSelector'))),
  AGE,
];

export const QUOTA_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Request', (object) => quotaText(object, (name) => !name.startsWith('limits'))),
  column('Limit', (object) => quotaText(object, (name) => name.startsWith('limits'))),
  AGE,
];

function quotaText(object: KubeObject, wanted: (name: string) => boolean): string {
  const hard = record(at(object, 'status', 'hard'));
  const names = Object.keys(hard).filter(wanted).toSorted();
  return names.map((name) => `${name}: ${orElse(at(object, 'status', 'used', name), '0')}/${text(hard[name])}`).join(', ');
}

export const STORAGE_CLASS_COLUMNS: readonly PrinterColumn[] = [
  {
    ...NAME,
    cell: ({ metadata }) =>
      `${metadata.name}${metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ? ' (default)' : ''}`,
  },
  column('Provisioner', (object) => text(object['provisioner'])),
  column('ReclaimPolicy', (object) => text(object['reclaimPolicy'])),
  column('VolumeBindingMode', (object) => text(object['volumeBindingMode'])),
  column('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true),
  AGE,
];

export const PRIORITY_CLASS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  number('Value', (object) => integer(object['value'])),
  boolean('Global-Default', (object) => object['globalDefault'] === true),
  AGE,
  column('PreemptionPolicy', (object) => text(object['preemptionPolicy'])),
];

export const API_SERVICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Service', (object) => {
    const service = spec(object, 'service');
    return isRecord(service) ? `${text(service['namespace'])}/${text(service['name'])}` : 'Local';
  }),
  column('Available', (object) => {
    const available: Json = condition(object, 'Available') ?? {};
    const state = text(available['status']) || 'Unknown';
    return state === 'True' ? 'True' : `${state} (${text(available['reason'])})`;
  }),
  AGE,
];

export const SIGNING_REQUEST_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  AGE,
  column('SignerName', (object) => text(spec(object, 'signerName'))),
  column('Requestor', (object) => text(spec(object, 'username'))),
  column('RequestedDuration', (object) =>
    absent(spec(object, 'expirationSeconds')) ? '<none>' : `${integer(spec(object, 'expirationSeconds'))}s`,
  ),
  column('Condition', (object) => {
    const types = records(at(object, 'status', 'conditions')).map((entry) => text(entry['type']));
    const state = types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : 'Pending';
    return `${state}${types.includes('Failed') ? ',Failed' : ''}${text(at(object, 'status', 'certificate')) === '' ? '' : ',Issued'}`;
  }),
];

export const RUNTIME_CLASS_COLUMNS: readonly PrinterColumn[] = [NAME, column('Handler', (object) => text(object['handler'])), AGE];

export const ADDRESS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('ParentRef', (object) => {
    const parent = record(spec(object, 'parentRef'));
    return [text(parent['resource']), text(parent['namespace']), text(parent['name'])].filter((part) => part !== '').join('/');
  }),
];

export const SERVICE_CIDR_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('CIDRs', (object) => list(spec(object, 'cidrs')).map(text).join(',')),
  AGE,
];
