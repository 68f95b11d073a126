/** What makes pods. @source kubernetes/kubernetes pkg/apis/apps/validation/validation.go of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { forbidden, invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, at, integer, isRecord, record, sameJson, text, without, type Json } from '../json-tree.ts';
import { atMostAll, countOrPercent, follows, NONE, notNegative, oneOf, percentOf, type Errors } from './check.ts';
import { isEmptySelector, printedSelector, selects, sortedKeys, validateSelector } from './label-selector.ts';
import { dnsLabel } from './name-rules.ts';
import { validateTemplate } from './pod-validation.ts';

const NO_MATCH = '`selector` does not match template `labels`';
const NO_SELECTOR = 'invalid label selector';

function labelsOf(spec: Json): unknown {
  return at(spec, 'template', 'metadata', 'labels');
}

export function immutable(field: string, next: unknown, previous: unknown): Errors {
  return sameJson(next, previous) ? NONE : [invalidValue(field, next ?? null, 'field is immutable')];
}

interface SelectorWords {
  /** What the server calls the kind in the refusal of an empty selector. */
  readonly kind: string;
}

function selectorErrors(spec: Json, words: SelectorWords): Errors {
  const selector = spec['selector'];
  if (absent(selector)) return [required('spec.selector')];
  const form = validateSelector(selector, 'spec.selector');
  if (!isEmptySelector(selector)) return form;
  return [...form, invalidValue('spec.selector', {}, `empty selector is invalid for ${words.kind}`)];
}

/** The selector of the spec must select the pods of its own template. */
function matchErrors(spec: Json): Errors {
  const selector = spec['selector'];
  const labels = record(labelsOf(spec));
  const selected = isRecord(selector) ? selects(selector, labels) : false;
  if (selected === undefined) return [invalidValue('spec.selector', printedSelector(selector), NO_SELECTOR)];
  if (isRecord(selector) && isEmptySelector(selector)) return NONE;
  return selected ? NONE : [invalidValue('spec.template.metadata.labels', sortedKeys(labelsOf(spec)) ?? null, NO_MATCH)];
}

function alwaysRestarted(spec: Json, owner: string): Errors {
  const template = record(spec['template']);
  const policy = at(template, 'spec', 'restartPolicy');
  const deadline = at(template, 'spec', 'activeDeadlineSeconds');
  return [
    ...(absent(policy) || policy === 'Always' ? NONE : [notSupported('spec.template.spec.restartPolicy', policy, ['Always'])]),
    ...(absent(deadline)
      ? NONE
      : [forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${owner} is not Supported`)]),
  ];
}

function templateErrors(spec: Json, owner: string): Errors {
  const valid = [...validateTemplate(record(spec['template']), 'spec.template')];
  return [...matchErrors(spec), ...valid, ...alwaysRestarted(spec, owner)];
}

export function validateDeployment(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const deadline = spec['progressDeadlineSeconds'];
  const ready = integer(spec['minReadySeconds']);
  const selectorBroken = isRecord(spec['selector']) && selects(spec['selector'], {}) === undefined;
  return [
    ...notNegative('spec.replicas', spec['replicas']),
    ...selectorErrors(spec, { kind: 'deployment' }),
    ...(selectorBroken ? matchErrors(spec) : templateErrors(spec, 'ReplicaSet')),
    ...strategyErrors(record(spec['strategy'])),
    ...notNegative('spec.minReadySeconds', spec['minReadySeconds']),
    ...notNegative('spec.revisionHistoryLimit', spec['revisionHistoryLimit']),
    ...notNegative('spec.progressDeadlineSeconds', deadline),
    ...(typeof deadline === 'number' && deadline <= ready
      ? [invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')]
      : NONE),
    ...(previous === undefined
      ? NONE
      : immutable('spec.selector', printedSelector(spec['selector']), printedSelector(at(previous, 'spec', 'selector')))),
  ];
}

function strategyErrors(strategy: Json): Errors {
  const field = 'spec.strategy';
  const rolling = strategy['rollingUpdate'];
  switch (text(strategy['type'])) {
    case 'Recreate':
      return absent(rolling) ? NONE : [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
    case 'RollingUpdate':
      return isRecord(rolling)
        ? rollingErrors(rolling, `${field}.rollingUpdate`)
        : [required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil')];
    default:
      return [notSupported(field, { Type: text(strategy['type']), RollingUpdate: rolling ?? null }, ['Recreate', 'RollingUpdate'])];
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || percentOf(value) === 0;
}

function rollingErrors(rolling: Json, field: string): Errors {
  const { maxUnavailable, maxSurge } = rolling;
  const stuck = isZero(maxUnavailable) && isZero(maxSurge);
  return [
    ...countOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...countOrPercent(`${field}.maxSurge`, maxSurge),
    ...(stuck ? [invalidValue(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : NONE),
    ...atMostAll(`${field}.maxUnavailable`, maxUnavailable),
  ];
}

export function validateReplicaSet(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const selectorBroken = isRecord(spec['selector']) && selects(spec['selector'], {}) === undefined;
  return [
    ...notNegative('spec.replicas', spec['replicas']),
    ...notNegative('spec.minReadySeconds', spec['minReadySeconds']),
    ...selectorErrors(spec, { kind: 'deployment' }),
    ...(selectorBroken ? matchErrors(spec) : templateErrors(spec, 'ReplicaSet')),
    ...(previous === undefined
      ? NONE
      : immutable('spec.selector', printedSelector(spec['selector']), printedSelector(at(previous, 'spec', 'selector')))),
  ];
}

const STATEFUL_MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const STATEFUL_FORBIDDEN =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function validateStatefulSet(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const management = text(spec['podManagementPolicy']);
  const retention = record(spec['persistentVolumeClaimRetentionPolicy']);
  const retained = ['whenDeleted', 'whenScaled'].flatMap((field) =>
    oneOf(`spec.persistentVolumeClaimRetentionPolicy.${field}`, retention[field], ['Retain', 'Delete']),
  );
  const name = text(spec['serviceName']);
  return [
    ...(['OrderedReady', 'Parallel'].includes(management)
      ? NONE
      : management === ''
        ? [required('spec.podManagementPolicy')]
        : [invalidValue('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'")]),
    ...statefulStrategyErrors(record(spec['updateStrategy'])),
    ...retained,
    ...notNegative('spec.replicas', spec['replicas']),
    ...notNegative('spec.minReadySeconds', spec['minReadySeconds']),
    ...notNegative('spec.ordinals.start', at(spec, 'ordinals', 'start')),
    ...(name === '' ? NONE : follows(dnsLabel, 'spec.serviceName', name)),
    ...selectorErrors(spec, { kind: 'statefulset' }),
    ...templateErrors(spec, 'StatefulSet'),
    ...statefulUpdateErrors(spec, previous),
  ];
}

function statefulUpdateErrors(spec: Json, previous: KubeObject | undefined): Errors {
  if (previous === undefined) return NONE;
  const same = sameJson(without(spec, ...STATEFUL_MUTABLE), without(record(previous['spec']), ...STATEFUL_MUTABLE));
  return same ? NONE : [forbidden('spec', STATEFUL_FORBIDDEN)];
}

function statefulStrategyErrors(strategy: Json): Errors {
  const field = 'spec.updateStrategy';
  const rolling = strategy['rollingUpdate'];
  const printed = isRecord(rolling)
    ? { Partition: integer(rolling['partition']), MaxUnavailable: rolling['maxUnavailable'] ?? null }
    : null;
  switch (text(strategy['type'])) {
    case '':
      return [required(field)];
    case 'OnDelete':
      return printed === null ? NONE : [invalidValue(`${field}.rollingUpdate`, printed, "only allowed for updateStrategy 'RollingUpdate'")];
    case 'RollingUpdate':
      return notNegative(`${field}.rollingUpdate.partition`, at(rolling, 'partition'));
    default:
      return [invalidValue(field, { Type: text(strategy['type']), RollingUpdate: printed }, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

export function validateDaemonSet(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  return [
    ...(previous === undefined
      ? NONE
      : immutable('spec.selector', printedSelector(spec['selector']), printedSelector(at(previous, 'spec', 'selector')))),
    ...validateSelector(spec['selector'], 'spec.selector'),
    ...(isRecord(spec['selector']) && isEmptySelector(spec['selector'])
      ? [invalidValue('spec.selector', {}, 'empty selector is invalid for daemonset')]
      : NONE),
    ...templateErrors(spec, 'DaemonSet'),
    ...notNegative('spec.minReadySeconds', spec['minReadySeconds']),
    ...daemonStrategyErrors(record(spec['updateStrategy'])),
    ...notNegative('spec.revisionHistoryLimit', spec['revisionHistoryLimit']),
  ];
}

function daemonStrategyErrors(strategy: Json): Errors {
  const field = 'spec.updateStrategy';
  const rolling = strategy['rollingUpdate'];
  const type = text(strategy['type']);
  if (type === 'OnDelete') return NONE;
  if (type !== 'RollingUpdate') return [notSupported(field, { Type: type, RollingUpdate: rolling ?? null }, ['RollingUpdate', 'OnDelete'])];
  if (!isRecord(rolling)) return [required(`${field}.rollingUpdate`)];
  const { maxUnavailable, maxSurge } = rolling;
  const [never, surges] = [isZero(maxUnavailable), !isZero(maxSurge) && !absent(maxSurge)];
  return [
    ...countOrPercent(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...atMostAll(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...countOrPercent(`${field}.rollingUpdate.maxSurge`, maxSurge),
    ...atMostAll(`${field}.rollingUpdate.maxSurge`, maxSurge),
    ...(never && !surges ? [required(`${field}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0')] : NONE),
    ...(!never && surges
      ? [invalidValue(`${field}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')]
      : NONE),
  ];
}

export function validateReplicationController(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const selector = record(spec['selector']);
  const labels = record(labelsOf(spec));
  const matched = Object.entries(selector).every(([key, value]) => labels[key] === value);
  return [
    ...notNegative('spec.minReadySeconds', spec['minReadySeconds']),
    ...(Object.keys(selector).length === 0 ? [required('spec.selector')] : NONE),
    ...notNegative('spec.replicas', spec['replicas']),
    ...(isRecord(spec['template'])
      ? [
          ...(matched ? NONE : [invalidValue('spec.template.metadata.labels', sortedKeys(labelsOf(spec)) ?? null, NO_MATCH)]),
          ...validateTemplate(spec['template'], 'spec.template'),
          ...alwaysRestarted(spec, 'ReplicationController'),
        ]
      : [required('spec.template')]),
  ];
}
