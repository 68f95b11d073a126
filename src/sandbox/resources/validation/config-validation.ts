/** ConfigMaps and Secrets. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateConfigMap, ValidateSecret) of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { forbidden, invalidValue, required, tooLong } from '../field-errors.ts';
import { at, record, sameJson, text, type Json } from '../json-tree.ts';
import { follows, NONE, type Errors } from './check.ts';
import { configKey } from './name-rules.ts';

const MAX_BYTES = 1_048_576;
const FROZEN = 'field is immutable when `immutable` is set';

export function validateConfigMap(next: KubeObject, previous: KubeObject | undefined): Errors {
  const data = record(next['data']);
  const binary = record(next['binaryData']);
  const bytes = sum(data, (value) => Buffer.byteLength(value)) + sum(binary, decodedBytes);
  const twice = Object.keys(data).filter((key) => key in binary);
  return [
    ...keyErrors(data, 'data'),
    ...twice.map((key) => invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...keyErrors(binary, 'binaryData'),
    ...(bytes > MAX_BYTES ? [tooLong('[]', MAX_BYTES)] : NONE),
    ...frozenErrors(next, previous, ['data', 'binaryData']),
  ];
}

function keyErrors(data: Json, field: string): Errors {
  return Object.keys(data).flatMap((key) => follows(configKey, `${field}[${key}]`, key));
}

function sum(data: Json, bytesOf: (value: string) => number): number {
  return Object.values(data).reduce<number>((total, value) => total + bytesOf(text(value)), 0);
}

/** Length of what base64 stands for. */
function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

/** What says that it never changes may not change, and may not take it back. */
function frozenErrors(next: KubeObject, previous: KubeObject | undefined, fields: readonly string[]): Errors {
  if (previous?.['immutable'] !== true) return NONE;
  const back = next['immutable'] === true ? NONE : [forbidden('immutable', FROZEN)];
  const changed = fields.filter((field) => !sameJson(record(next[field]), record(previous[field])));
  return [...back, ...changed.map((field) => forbidden(field, FROZEN))];
}

export function validateSecret(next: KubeObject, previous: KubeObject | undefined): Errors {
  const data = record(next['data']);
  const type = text(next['type']);
  const retyped = previous !== undefined && type !== text(previous['type']);
  return [
    ...(retyped ? [invalidValue('type', type, 'field is immutable')] : NONE),
    ...keyErrors(data, 'data'),
    ...(sum(data, decodedBytes) > MAX_BYTES ? [tooLong('data', MAX_BYTES)] : NONE),
    ...typedErrors(type, next, data),
    ...frozenErrors(next, previous, ['data']),
  ];
}

/** Some types of secrets promise certain keys. */
function typedErrors(type: string, secret: KubeObject, data: Json): Errors {
  const keys = (...names: readonly string[]): Errors => names.filter((name) => !(name in data)).map((name) => required(`data[${name}]`));
  switch (type) {
    case 'kubernetes.io/service-account-token': {
      const account = text(at(secret, 'metadata', 'annotations', 'kubernetes.io/service-account.name'));
      return account === '' ? [required('metadata.annotations[kubernetes.io/service-account.name]')] : NONE;
    }
    case 'kubernetes.io/tls':
      return keys('tls.crt', 'tls.key');
    case 'kubernetes.io/ssh-auth':
      return keys('ssh-privatekey');
    case 'kubernetes.io/basic-auth':
      return 'username' in data || 'password' in data ? NONE : keys('username', 'password');
    case 'kubernetes.io/dockerconfigjson':
      return keys('.dockerconfigjson').length > 0 ? keys('.dockerconfigjson') : jsonErrors(data, '.dockerconfigjson');
    case 'kubernetes.io/dockercfg':
      return keys('.dockercfg').length > 0 ? keys('.dockercfg') : jsonErrors(data, '.dockercfg');
    default:
      return NONE;
  }
}

function jsonErrors(data: Json, key: string): Errors {
  const json = Buffer.from(text(data[key]), 'base64').toString();
  try {
    JSON.parse(json);
    return NONE;
  } catch {
    const first = json.trimStart().charAt(0);
    const detail = first === '' ? 'unexpected end of JSON input' : `invalid character '${first}' looking for beginning of value`;
    return [invalidValue(`data[${key}]`, '<secret contents redacted>', detail)];
  }
}
