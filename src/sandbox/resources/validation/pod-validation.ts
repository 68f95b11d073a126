/** Pods and templates of pods. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidatePodSpec, ValidatePodUpdate) of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { forbidden, invalidValue, required } from '../field-errors.ts';
import { changeEach, integer, isRecord, list, record, records, sameJson, text, without, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, oneOf, qualified, type Errors } from './check.ts';
import { containersErrors, ephemeralContainersErrors, hostNetworkErrors, initContainersErrors, namesOf } from './container-validation.ts';
import { dnsLabel, ipAddress, subdomain } from './name-rules.ts';
import { validateAnnotations, validateLabels } from './object-meta.ts';
import { affinityErrors, nodeSelectorErrors, spreadErrors, tolerationErrors } from './scheduling-validation.ts';
import { podSecurityErrors } from './security-validation.ts';
import { volumeNames, volumesErrors } from './volume-validation.ts';

export function validatePodSpec(spec: Json, path: string): Errors {
  const context = { volumes: volumeNames(spec['volumes']), gracePeriod: integer(spec['terminationGracePeriodSeconds']) };
  const names = namesOf(spec['containers']);
  const allNames = new Set([...names, ...namesOf(spec['initContainers'])]);
  return [
    ...volumesErrors(spec['volumes'], `${path}.volumes`),
    ...containersErrors(spec['containers'], `${path}.containers`, context),
    ...initContainersErrors(spec['initContainers'], `${path}.initContainers`, context, names),
    ...ephemeralContainersErrors(spec['ephemeralContainers'], `${path}.ephemeralContainers`, allNames),
    ...oneOf(`${path}.restartPolicy`, spec['restartPolicy'] ?? '', ['Always', 'OnFailure', 'Never']),
    ...oneOf(`${path}.dnsPolicy`, spec['dnsPolicy'] ?? '', ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
    ...nodeSelectorErrors(spec['nodeSelector'], `${path}.nodeSelector`),
    ...podSecurityErrors(spec['securityContext'], `${path}.securityContext`),
    ...hostNetworkErrors(spec, path),
    ...affinityErrors(spec['affinity'], `${path}.affinity`),
    ...dnsErrors(spec, `${path}.dnsConfig`),
    ...each(`${path}.readinessGates`, spec['readinessGates'], (gate, at) => qualified(`${at}.conditionType`, text(gate['conditionType']))),
    ...each(`${path}.topologySpreadConstraints`, spec['topologySpreadConstraints'], spreadErrors),
    ...placeErrors(spec, path),
    ...each(`${path}.tolerations`, spec['tolerations'], tolerationErrors),
    ...each(`${path}.hostAliases`, spec['hostAliases'], aliasErrors),
    ...optional(spec['priorityClassName'], subdomain, `${path}.priorityClassName`),
    ...optional(spec['runtimeClassName'], subdomain, `${path}.runtimeClassName`),
    ...(isRecord(spec['os']) ? oneOf(`${path}.os`, spec['os']['name'] ?? '', ['linux', 'windows']) : NONE),
  ];
}

function optional(value: unknown, rule: typeof subdomain, field: string): Errors {
  return text(value) === '' ? NONE : follows(rule, field, text(value));
}

function placeErrors(spec: Json, path: string): Errors {
  const deadline = spec['activeDeadlineSeconds'];
  const detail = 'must be between 1 and 2147483647, inclusive';
  const late = typeof deadline === 'number' && (deadline < 1 || deadline > 2_147_483_647);
  return [
    ...optional(spec['serviceAccountName'], subdomain, `${path}.serviceAccountName`),
    ...optional(spec['nodeName'], subdomain, `${path}.nodeName`),
    ...(late ? [invalidValue(`${path}.activeDeadlineSeconds`, deadline, detail)] : NONE),
    ...optional(spec['hostname'], dnsLabel, `${path}.hostname`),
    ...optional(spec['subdomain'], dnsLabel, `${path}.subdomain`),
  ];
}

function aliasErrors(alias: Json, path: string): Errors {
  const names = list(alias['hostnames']).map(text);
  return [
    ...follows(ipAddress, `${path}.ip`, text(alias['ip'])),
    ...names.flatMap((name, index) => follows(subdomain, `${path}.hostnames[${index}]`, name)),
  ];
}

function dnsErrors(spec: Json, path: string): Errors {
  const config = spec['dnsConfig'];
  if (spec['dnsPolicy'] === 'None' && !isRecord(config)) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  if (!isRecord(config)) return NONE;
  const servers = list(config['nameservers']).map(text);
  return [
    ...(spec['dnsPolicy'] === 'None' && servers.length === 0
      ? [required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
      : NONE),
    ...servers.flatMap((server, index) => follows(ipAddress, `${path}.nameservers[${index}]`, server)),
    ...each(`${path}.options`, config['options'], (option, at) => needed(at, option['name'], 'must not be empty')),
  ];
}

/** Labels, annotations and spec of `template`; the server names the first two without their `metadata`. */
export function validateTemplate(template: Json, path: string): Errors {
  const metadata = record(template['metadata']);
  return [
    ...validateLabels(metadata['labels'], `${path}.labels`),
    ...validateAnnotations(metadata['annotations'], `${path}.annotations`),
    ...validatePodSpec(record(template['spec']), `${path}.spec`),
    ...(list(record(template['spec'])['ephemeralContainers']).length > 0
      ? [forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]
      : NONE),
  ];
}

export function validatePod(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const errors = validatePodSpec(spec, 'spec');
  if (previous !== undefined) return [...errors, ...podUpdateErrors(spec, record(previous['spec']))];
  const ephemeral = list(spec['ephemeralContainers']).length > 0;
  return ephemeral ? [...errors, forbidden('spec.ephemeralContainers', 'cannot be set on create')] : errors;
}

const MUTABLE = [
  'pod updates may not change fields other than `spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** What the server adds to this text, a listing of both specs in Go's names, is left out. */
function podUpdateErrors(next: Json, previous: Json): Errors {
  for (const field of ['containers', 'initContainers']) {
    if (list(next[field]).length !== list(previous[field]).length)
      return [forbidden(`spec.${field}`, 'pod updates may not add or remove containers')];
  }
  const gone = records(previous['tolerations']).some(
    (old) => !records(next['tolerations']).some((toleration) => sameJson(bare(old), bare(toleration))),
  );
  const deadline = deadlineErrors(next['activeDeadlineSeconds'], previous['activeDeadlineSeconds']);
  if (gone) return [...deadline, forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
  if (sameJson(unchangeable(next, previous), unchangeable(previous, previous)) || gatesOpened(next, previous)) return deadline;
  return [...deadline, forbidden('spec', MUTABLE)];
}

function bare(toleration: Json): Json {
  return without(toleration, 'tolerationSeconds');
}

function deadlineErrors(next: unknown, previous: unknown): Errors {
  const field = 'spec.activeDeadlineSeconds';
  if (typeof previous !== 'number' || next === previous) return NONE;
  if (typeof next !== 'number') return [invalidValue(field, null, 'must not update from a positive integer to nil value')];
  return next > previous ? [invalidValue(field, next, `must be less than or equal to previous value`)] : NONE;
}

/** The spec without what may change: images, deadline, added tolerations, and the node that a scheduler writes through `binding`. */
function unchangeable(spec: Json, previous: Json): Json {
  const grace = integer(previous['terminationGracePeriodSeconds']) < 0 ? ['terminationGracePeriodSeconds'] : [];
  let next = without(spec, 'activeDeadlineSeconds', 'tolerations', 'schedulingGates', 'priority', ...grace);
  for (const field of ['containers', 'initContainers']) next = changeEach(next, field, (container) => without(container, 'image'));
  return next;
}

/** While gates hold a pod back its node selector may still be narrowed. */
function gatesOpened(next: Json, previous: Json): boolean {
  if (list(previous['schedulingGates']).length === 0) return false;
  const rest = (spec: Json): Json => without(spec, 'nodeSelector', 'affinity');
  return sameJson(rest(unchangeable(next, previous)), rest(unchangeable(previous, previous)));
}
