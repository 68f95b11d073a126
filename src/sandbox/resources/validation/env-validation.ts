/** Variables of containers. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateEnv, ValidateEnvFrom) of 1.34 */
import { invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, isRecord, text, type Json } from '../json-tree.ts';
import { each, follows, named, needed, NONE, oneOf, type Errors } from './check.ts';
import { configKey, environmentName, qualifiedName, subdomain } from './name-rules.ts';

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

const FILE_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

/** Fields that can be selected at all. @source pkg/apis/core/pods/helpers.go (ConvertDownwardAPIFieldLabel) */
const SELECTABLE = new Set([
  ...ENV_FIELDS,
  ...FILE_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
  'status.nominatedNodeName',
]);

const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

export function envErrors(env: unknown, path: string): Errors {
  return each(path, env, (variable, at) => [
    ...(text(variable['name']) === '' ? [required(`${at}.name`)] : follows(environmentName, `${at}.name`, text(variable['name']))),
    ...(isRecord(variable['valueFrom']) ? sourceErrors(variable, variable['valueFrom'], `${at}.valueFrom`) : NONE),
  ]);
}

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef'] as const;

function sourceErrors(variable: Json, source: Json, path: string): Errors {
  const given = SOURCES.filter((kind) => isRecord(source[kind]));
  if (given.length === 0) {
    return [invalidValue(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`')];
  }
  const errors = [
    ...(isRecord(source['fieldRef']) ? fieldRefErrors(source['fieldRef'], `${path}.fieldRef`, ENV_FIELDS) : NONE),
    ...(isRecord(source['resourceFieldRef']) ? resourceRefErrors(source['resourceFieldRef'], `${path}.resourceFieldRef`) : NONE),
    ...keyRefErrors(source['configMapKeyRef'], `${path}.configMapKeyRef`),
    ...keyRefErrors(source['secretKeyRef'], `${path}.secretKeyRef`),
  ];
  if (text(variable['value']) !== '') return [...errors, invalidValue(path, '', 'may not be specified when `value` is not empty')];
  return given.length > 1 ? [...errors, invalidValue(path, '', 'may not have more than one field specified at a time')] : errors;
}

function keyRefErrors(ref: unknown, path: string): Errors {
  if (!isRecord(ref)) return NONE;
  const key = text(ref['key']);
  return [
    ...follows(subdomain, `${path}.name`, text(ref['name'])),
    ...(key === '' ? [required(`${path}.key`)] : follows(configKey, `${path}.key`, key)),
  ];
}

/** @param allowed fields that may be used in this place */
export function fieldRefErrors(ref: Json, path: string, allowed: readonly string[]): Errors {
  const field = text(ref['fieldPath']);
  if (text(ref['apiVersion']) === '') return [required(`${path}.apiVersion`)];
  if (field === '') return [required(`${path}.fieldPath`)];
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(field);
  if (subscript !== null) {
    const [, , key = ''] = subscript;
    const rule = subscript[1] === 'metadata.labels' ? key : key.toLowerCase();
    return qualifiedName(rule).map((detail) => invalidValue(`${path}.fieldPath`, key, detail));
  }
  if (!SELECTABLE.has(field))
    return [invalidValue(`${path}.fieldPath`, field, `error converting fieldPath: field label not supported: ${field}`)];
  return allowed.includes(field) ? NONE : [notSupported(`${path}.fieldPath`, field, allowed.toSorted())];
}

export function fileFieldErrors(ref: Json, path: string): Errors {
  return fieldRefErrors(ref, path, FILE_FIELDS);
}

export function resourceRefErrors(ref: Json, path: string): Errors {
  const resource = text(ref['resource']);
  if (resource === '') return [required(`${path}.resource`)];
  return /^(limits|requests)\.hugepages-/.test(resource) ? NONE : oneOf(`${path}.resource`, resource, RESOURCES);
}

export function envFromErrors(sources: unknown, path: string): Errors {
  return each(path, sources, (source, at) => {
    const { configMapRef, secretRef, prefix } = source;
    const errors = [
      ...(text(prefix) === '' ? NONE : follows(environmentName, `${at}.prefix`, text(prefix))),
      ...(isRecord(configMapRef) ? named(subdomain, `${at}.configMapRef.name`, configMapRef['name']) : NONE),
      ...(isRecord(secretRef) ? named(subdomain, `${at}.secretRef.name`, secretRef['name']) : NONE),
    ];
    if (absent(configMapRef) && absent(secretRef))
      return [...errors, invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`')];
    if (!absent(configMapRef) && !absent(secretRef))
      return [...errors, invalidValue(path, '', 'may not have more than one field specified at a time')];
    return errors;
  });
}

/** Keys of a ConfigMap or Secret that become files. */
export function keyToPathErrors(item: Json, path: string): Errors {
  return [...needed(`${path}.key`, item['key']), ...needed(`${path}.path`, item['path'])];
}
