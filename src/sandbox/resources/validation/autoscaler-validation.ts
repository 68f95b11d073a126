/** Autoscalers and disruption budgets. @source kubernetes/kubernetes pkg/apis/autoscaling/validation, pkg/apis/policy/validation of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { forbidden, invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, integer, isRecord, list, record, records, text, type Json } from '../json-tree.ts';
import { compareQuantities } from '../quantity.ts';
import { atMostAll, countOrPercent, each, named, NONE, needed, oneOf, type Errors } from './check.ts';
import { printedSelector, validateSelector } from './label-selector.ts';
import { pathSegment } from './name-rules.ts';

/** autoscaling/v2. */
export function validateAutoscaler(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const min = spec['minReplicas'];
  const max = integer(spec['maxReplicas']);
  const metrics = records(spec['metrics']);
  const scalesToZero = metrics.some((metric) => metric['type'] === 'Object' || metric['type'] === 'External');
  const behavior = record(spec['behavior']);
  return [
    ...(typeof min === 'number' && min < 1 ? [invalidValue('spec.minReplicas', min, 'must be greater than or equal to 1')] : NONE),
    ...(max < 1 ? [invalidValue('spec.maxReplicas', max, 'must be greater than 0')] : NONE),
    ...(typeof min === 'number' && max < min
      ? [invalidValue('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`')]
      : NONE),
    ...targetRefErrors(record(spec['scaleTargetRef']), 'spec.scaleTargetRef'),
    ...each('spec.metrics', metrics, metricErrors),
    ...(min === 0 && !scalesToZero
      ? [forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas')]
      : NONE),
    ...['scaleUp', 'scaleDown'].flatMap((direction) => scalingErrors(behavior[direction], `spec.behavior.${direction}`)),
  ];
}

function targetRefErrors(ref: Json, path: string): Errors {
  const apiVersion = text(ref['apiVersion']);
  return [
    ...named(pathSegment, `${path}.kind`, ref['kind']),
    ...named(pathSegment, `${path}.name`, ref['name']),
    ...(apiVersion === '' ? [invalidValue(`${path}.apiVersion`, '', 'apiVersion must specify API group')] : NONE),
  ];
}

const METRIC_TYPES: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

function metricErrors(metric: Json, path: string): Errors {
  const type = text(metric['type']);
  if (type === '') return [required(`${path}.type`, 'must specify a metric source type')];
  const field = METRIC_TYPES[type];
  if (field === undefined) return [notSupported(`${path}.type`, type, Object.keys(METRIC_TYPES))];
  const source = metric[field];
  if (!isRecord(source)) return [required(`${path}.${field}`, 'must populate information for the given metric source')];
  const target = record(source['target']);
  const isResource = field === 'resource' || field === 'containerResource';
  return [
    ...(isResource ? needed(`${path}.${field}.name`, source['name'], 'must specify a resource name') : NONE),
    ...(field === 'containerResource' ? needed(`${path}.${field}.container`, source['container'], 'must specify a container') : NONE),
    ...(isResource ? NONE : needed(`${path}.${field}.metric.name`, record(source['metric'])['name'])),
    ...targetErrors(target, `${path}.${field}.target`),
    ...(isResource ? resourceTargetErrors(target, `${path}.${field}.target`) : valueTargetErrors(target, `${path}.${field}.target`, field)),
  ];
}

function targetErrors(target: Json, path: string): Errors {
  const type = text(target['type']);
  const utilization = target['averageUtilization'];
  const positive = (field: string): Errors =>
    absent(target[field]) || compareQuantities(target[field], '0') > 0
      ? NONE
      : [invalidValue(`${path}.${field}`, target[field], 'must be positive')];
  return [
    ...(type === '' ? [required(`${path}.type`, 'must specify a metric target type')] : NONE),
    ...(type === '' || ['Utilization', 'Value', 'AverageValue'].includes(type)
      ? NONE
      : [invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...positive('value'),
    ...positive('averageValue'),
    ...(typeof utilization === 'number' && utilization < 1
      ? [invalidValue(`${path}.averageUtilization`, utilization, 'must be greater than 0')]
      : NONE),
  ];
}

function resourceTargetErrors(target: Json, path: string): Errors {
  const { averageUtilization, averageValue } = target;
  if (absent(averageUtilization) && absent(averageValue)) {
    return [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')];
  }
  return absent(averageUtilization) || absent(averageValue)
    ? NONE
    : [forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')];
}

function valueTargetErrors(target: Json, path: string, field: string): Errors {
  const { value, averageValue } = target;
  if (field === 'pods')
    return absent(averageValue) ? [required(`${path}.averageValue`, 'must specify a positive target averageValue')] : NONE;
  return absent(value) && absent(averageValue)
    ? [required(`${path}.averageValue`, 'must set either a target value for metric or a per-pod target')]
    : NONE;
}

const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;

function scalingErrors(rules: unknown, path: string): Errors {
  if (!isRecord(rules)) return NONE;
  const window = rules['stabilizationWindowSeconds'];
  return [
    ...(typeof window === 'number' && window < 0
      ? [invalidValue(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero')]
      : NONE),
    ...(typeof window === 'number' && window > MAX_WINDOW_SECONDS
      ? [invalidValue(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`)]
      : NONE),
    ...oneOf(`${path}.selectPolicy`, rules['selectPolicy'], ['Disabled', 'Max', 'Min']),
    ...(list(rules['policies']).length === 0 ? [required(`${path}.policies`, 'must specify at least one Policy')] : NONE),
    ...each(`${path}.policies`, rules['policies'], (policy, at) => {
      const { type, value, periodSeconds } = policy;
      const period = integer(periodSeconds);
      return [
        ...oneOf(`${at}.type`, type ?? '', ['Percent', 'Pods']),
        ...(integer(value) <= 0 ? [invalidValue(`${at}.value`, integer(value), 'must be greater than zero')] : NONE),
        ...(period <= 0 ? [invalidValue(`${at}.periodSeconds`, period, 'must be greater than zero')] : NONE),
        ...(period > MAX_PERIOD_SECONDS
          ? [invalidValue(`${at}.periodSeconds`, period, `must be less than or equal to ${MAX_PERIOD_SECONDS}`)]
          : NONE),
      ];
    }),
  ];
}

export function validateBudget(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  const both = !absent(minAvailable) && !absent(maxUnavailable);
  const printed = {
    MinAvailable: minAvailable ?? null,
    Selector: printedSelector(spec['selector']),
    MaxUnavailable: maxUnavailable ?? null,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
  };
  return [
    ...(both ? [invalidValue('spec', printed, 'minAvailable and maxUnavailable cannot be both set')] : NONE),
    ...['minAvailable', 'maxUnavailable'].flatMap((field) => [
      ...countOrPercent(`spec.${field}`, spec[field]),
      ...atMostAll(`spec.${field}`, spec[field]),
    ]),
    ...oneOf('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
    ...validateSelector(spec['selector'], 'spec.selector'),
  ];
}
