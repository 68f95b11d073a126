/** Volumes of pods. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (validateVolumeSource) of 1.34 */
import { duplicate, forbidden, invalidValue, required } from '../field-errors.ts';
import { absent, isRecord, list, record, text, type Json } from '../json-tree.ts';
import { each, follows, needed, NONE, oneOf, type Errors } from './check.ts';
import { localPathErrors } from './container-validation.ts';
import { fileFieldErrors, keyToPathErrors, resourceRefErrors } from './env-validation.ts';
import { dnsLabel } from './name-rules.ts';

const MODE_TEXT = 'must be a number between 0 and 0777 (octal), both inclusive';
const MIN_TOKEN_SECONDS = 600;

export function volumesErrors(volumes: unknown, path: string): Errors {
  const seen = new Set<string>();
  return each(path, volumes, (volume, at) => {
    const name = text(volume['name']);
    const repeated = name !== '' && seen.has(name);
    seen.add(name);
    return [
      ...sourceErrors(volume, at),
      ...(name === '' ? [required(`${at}.name`)] : follows(dnsLabel, `${at}.name`, name)),
      ...(repeated ? [duplicate(`${at}.name`, name)] : NONE),
    ];
  });
}

type SourceCheck = (source: Json, path: string) => Errors;

/** In the order in which the server looks at them; the first kind counts, others are too many. */
const SOURCES: readonly (readonly [string, SourceCheck])[] = [
  ['emptyDir', () => NONE],
  ['hostPath', hostPathErrors],
  ['secret', (source, path) => [...needed(`${path}.secretName`, source['secretName']), ...filesErrors(source, path)]],
  ['nfs', (source, path) => [...needed(`${path}.server`, source['server']), ...needed(`${path}.path`, source['path'])]],
  ['iscsi', () => NONE],
  ['persistentVolumeClaim', (source, path) => needed(`${path}.claimName`, source['claimName'])],
  [
    'downwardAPI',
    (source, path) => [...modeErrors(source['defaultMode'], `${path}.defaultMode`), ...downwardErrors(source['items'], path)],
  ],
  ['configMap', (source, path) => [...needed(`${path}.name`, source['name']), ...filesErrors(source, path)]],
  ['projected', projectedErrors],
  ['csi', (source, path) => needed(`${path}.driver`, source['driver'])],
  ['ephemeral', () => NONE],
  ['image', () => NONE],
];

function sourceErrors(volume: Json, path: string): Errors {
  const given = SOURCES.filter(([kind]) => isRecord(volume[kind]));
  return given.flatMap(([kind, check], index) => {
    if (index > 0) return [forbidden(`${path}.${kind}`, 'may not specify more than 1 volume type')];
    return check(record(volume[kind]), `${path}.${kind}`);
  });
}

function hostPathErrors(source: Json, path: string): Errors {
  const types = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
  const place = text(source['path']);
  if (place === '') return [required(`${path}.path`)];
  const backSteps = place.split('/').includes('..') ? [invalidValue(`${path}.path`, place, "must not contain '..'")] : NONE;
  return [...backSteps, ...oneOf(`${path}.type`, source['type'], types)];
}

function modeErrors(mode: unknown, field: string): Errors {
  return typeof mode === 'number' && (mode < 0 || mode > 0o777) ? [invalidValue(field, mode, MODE_TEXT)] : NONE;
}

function filesErrors(source: Json, path: string): Errors {
  return [
    ...modeErrors(source['defaultMode'], `${path}.defaultMode`),
    ...each(`${path}.items`, source['items'], (item, at) => [
      ...keyToPathErrors(item, at),
      ...(text(item['path']) === '' ? NONE : localPathErrors(text(item['path']), `${at}.path`)),
      ...modeErrors(item['mode'], `${at}.mode`),
    ]),
  ];
}

function downwardErrors(items: unknown, path: string): Errors {
  return each(path, items, (item) => {
    const { fieldRef, resourceFieldRef } = item;
    const source = isRecord(fieldRef)
      ? fileFieldErrors(fieldRef, `${path}.fieldRef`)
      : isRecord(resourceFieldRef)
        ? resourceRefErrors(resourceFieldRef, `${path}.resourceFieldRef`)
        : [required(path, 'one of fieldRef and resourceFieldRef is required')];
    return [...needed(`${path}.path`, item['path']), ...source, ...modeErrors(item['mode'], `${path}.mode`)];
  });
}

function projectedErrors(source: Json, path: string): Errors {
  return [
    ...modeErrors(source['defaultMode'], `${path}.defaultMode`),
    ...each(`${path}.sources`, source['sources'], (projection, at) => {
      const { secret, configMap, downwardAPI, serviceAccountToken } = projection;
      const given = [secret, configMap, downwardAPI, serviceAccountToken, projection['clusterTrustBundle']].filter(
        (value) => !absent(value),
      );
      return [
        ...(given.length === 0 ? [required(at)] : NONE),
        ...(isRecord(secret) ? [...needed(`${at}.secret.name`, secret['name']), ...filesErrors(secret, `${at}.secret`)] : NONE),
        ...(isRecord(configMap)
          ? [...needed(`${at}.configMap.name`, configMap['name']), ...filesErrors(configMap, `${at}.configMap`)]
          : NONE),
        ...(isRecord(downwardAPI) ? downwardErrors(downwardAPI['items'], `${at}.downwardAPI`) : NONE),
        ...(isRecord(serviceAccountToken) ? tokenErrors(serviceAccountToken, at, path) : NONE),
      ];
    }),
  ];
}

function tokenErrors(token: Json, at: string, path: string): Errors {
  const seconds = token['expirationSeconds'];
  const short = typeof seconds === 'number' && seconds < MIN_TOKEN_SECONDS;
  const field = `${at}.serviceAccountToken.expirationSeconds`;
  return [
    ...(short ? [invalidValue(field, seconds, 'may not specify a duration less than 10 minutes')] : NONE),
    ...needed(`${path}.path`, token['path']),
  ];
}

export function volumeNames(volumes: unknown): ReadonlySet<string> {
  return new Set(list(volumes).map((volume) => text(record(volume)['name'])));
}
