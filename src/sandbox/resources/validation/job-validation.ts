/** Jobs and what starts them. @source kubernetes/kubernetes pkg/apis/batch/validation/validation.go of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { invalidValue, required } from '../field-errors.ts';
import { absent, at, record, sameJson, text, type Json } from '../json-tree.ts';
import { NONE, needed, notNegative, oneOf, type Errors } from './check.ts';
import { cronComplaint } from './cron-schedule.ts';
import { printedSelector, selects, sortedKeys } from './label-selector.ts';
import { validateTemplate } from './pod-validation.ts';
import { immutable } from './workload-validation.ts';

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const MAX_CRON_NAME = 52;

export function validateJob(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  return [
    ...generatedErrors(next, spec),
    ...jobSpecErrors(spec, 'spec'),
    ...selectionErrors(spec),
    ...(previous === undefined ? NONE : jobUpdateErrors(spec, record(previous['spec']))),
  ];
}

/** A selector that the server made selects the job's uid and nothing else. */
function generatedErrors(job: KubeObject, spec: Json): Errors {
  if (spec['manualSelector'] === true || job.metadata.uid === undefined || absent(spec['selector'])) return NONE;
  const expected = { matchLabels: { [CONTROLLER_UID]: job.metadata.uid } };
  if (sameJson(spec['selector'], expected) || legacy(spec, job.metadata.uid)) return NONE;
  return [invalidValue('spec.selector', printedSelector(spec['selector']), '`selector` not auto-generated')];
}

/** Jobs of old servers have the label without its domain. */
function legacy(spec: Json, uid: string): boolean {
  return sameJson(spec['selector'], { matchLabels: { 'controller-uid': uid } });
}

function selectionErrors(spec: Json): Errors {
  const labels = at(spec, 'template', 'metadata', 'labels');
  const missing = absent(spec['selector']) ? [required('spec.selector')] : NONE;
  const matched = !absent(spec['selector']) && selects(spec['selector'], record(labels)) === true;
  const detail = '`selector` does not match template `labels`';
  return matched ? missing : [...missing, invalidValue('spec.template.metadata.labels', sortedKeys(labels) ?? null, detail)];
}

function jobSpecErrors(spec: Json, path: string): Errors {
  const numbers = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'maxFailedIndexes',
    'backoffLimitPerIndex',
  ];
  const indexed = spec['completionMode'] === 'Indexed' && absent(spec['completions']);
  const policy = text(at(spec, 'template', 'spec', 'restartPolicy'));
  const restart = `${path}.template.spec.restartPolicy`;
  const suggested = 'valid values: "OnFailure", "Never"';
  return [
    ...numbers.flatMap((field) => notNegative(`${path}.${field}`, spec[field])),
    ...oneOf(`${path}.completionMode`, spec['completionMode'], ['NonIndexed', 'Indexed']),
    ...(indexed ? [required(`${path}.completions`, 'when completion mode is Indexed')] : NONE),
    ...validateTemplate(record(spec['template']), `${path}.template`),
    ...(policy === '' || policy === 'Always' ? [required(restart, suggested)] : NONE),
  ];
}

function jobUpdateErrors(spec: Json, previous: Json): Errors {
  return [
    ...(spec['completionMode'] === 'Indexed' ? NONE : immutable('spec.completions', spec['completions'], previous['completions'])),
    ...immutable('spec.selector', printedSelector(spec['selector']), printedSelector(previous['selector'])),
    ...(spec['suspend'] === true && previous['suspend'] === true
      ? immutable('spec.template', unplaced(spec), unplaced(previous))
      : immutable('spec.template', spec['template'], previous['template'])),
    ...immutable('spec.completionMode', spec['completionMode'], previous['completionMode']),
    ...immutable('spec.podFailurePolicy', spec['podFailurePolicy'], previous['podFailurePolicy']),
  ];
}

/** While a job waits, where its pods may run can still change. */
function unplaced(spec: Json): Json {
  const template = record(spec['template']);
  const {
    nodeSelector: _nodes,
    affinity: _affinity,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ...rest
  } = record(template['spec']);
  return { metadata: { labels: at(template, 'metadata', 'labels') }, spec: rest };
}

export function validateCronJob(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const schedule = text(spec['schedule']);
  const numbers = ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'];
  const { name } = next.metadata;
  return [
    ...scheduleErrors(schedule),
    ...notNegative('spec.startingDeadlineSeconds', spec['startingDeadlineSeconds']),
    ...oneOf('spec.concurrencyPolicy', spec['concurrencyPolicy'] ?? '', ['Allow', 'Forbid', 'Replace']),
    ...jobSpecErrors(record(at(spec, 'jobTemplate', 'spec')), 'spec.jobTemplate.spec'),
    ...zoneErrors(spec['timeZone']),
    ...numbers.slice(1).flatMap((field) => notNegative(`spec.${field}`, spec[field])),
    ...(name.length > MAX_CRON_NAME ? [invalidValue('metadata.name', name, 'must be no more than 52 characters')] : NONE),
  ];
}

function scheduleErrors(schedule: string): Errors {
  const field = 'spec.schedule';
  if (schedule === '') return needed(field, schedule);
  if (/TZ=/.test(schedule)) return [invalidValue(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  const complaint = cronComplaint(schedule);
  return complaint === undefined ? NONE : [invalidValue(field, schedule, complaint)];
}

function zoneErrors(zone: unknown): Errors {
  if (absent(zone)) return NONE;
  const name = text(zone);
  if (name === '' || name.toLowerCase() === 'local')
    return [invalidValue('spec.timeZone', name, 'timeZone must be nil or a valid time zone name')];
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return NONE;
  } catch {
    return [invalidValue('spec.timeZone', name, `unknown time zone ${name}`)];
  }
}
