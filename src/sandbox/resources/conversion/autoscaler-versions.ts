/**
 * Autoscalers are stored as autoscaling/v2; v1 knows only the use of CPU, the rest travels in annotations.
 * @source kubernetes/kubernetes pkg/apis/autoscaling/v1/conversion.go of 1.34
 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { fromOldCurrent, fromOldMetric, toOldCurrent, toOldMetric } from './autoscaler-metrics.ts';
import { absent, at, list, record, records, text, without, type Json } from '../json-tree.ts';

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

function isCpu(metric: Json): boolean {
  return metric['type'] === 'Resource' && at(metric, 'resource', 'name') === 'cpu';
}

export function autoscalerFromV1(object: KubeObject): KubeObject {
  const spec = record(object['spec']);
  const annotations = record(object.metadata.annotations);
  const percent = spec['targetCPUUtilizationPercentage'];
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } };
  const others = parsed(annotations[METRICS]).map(fromOldMetric);
  const metrics = [...others, ...(absent(percent) ? [] : [cpu])];
  const behavior = record(parsedJson(annotations[BEHAVIOR]));
  const status = record(object['status']);
  const used = status['currentCPUUtilizationPercentage'];
  const cpuNow = absent(used)
    ? []
    : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: used, averageValue: '0' } } }];
  const currentMetrics = [...cpuNow, ...parsed(annotations[CURRENT_METRICS]).map(fromOldCurrent)];
  const conditions = parsed(annotations[CONDITIONS]);
  const kept = without(annotations, METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR);
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object, kept),
    spec: {
      ...without(spec, 'targetCPUUtilizationPercentage'),
      ...(metrics.length > 0 ? { metrics } : {}),
      ...(Object.keys(behavior).length > 0 ? { behavior } : {}),
    },
    status: {
      ...without(status, 'currentCPUUtilizationPercentage'),
      currentMetrics: currentMetrics.length > 0 ? currentMetrics : null,
      ...(conditions.length > 0 ? { conditions } : {}),
    },
  };
}

export function autoscalerToV1(object: KubeObject): KubeObject {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const metrics = records(spec['metrics']);
  const cpu = metrics.find((metric) => isCpu(metric) && !absent(at(metric, 'resource', 'target', 'averageUtilization')));
  const others = metrics.filter((metric) => metric !== cpu);
  const currents = records(status['currentMetrics']);
  const cpuNow = currents.find(isCpu);
  const othersNow = currents.filter((metric) => metric !== cpuNow);
  const conditions = list(status['conditions']);
  const added = {
    ...(others.length > 0 ? { [METRICS]: JSON.stringify(others.map(toOldMetric)) } : {}),
    ...(othersNow.length > 0 ? { [CURRENT_METRICS]: JSON.stringify(othersNow.map(toOldCurrent)) } : {}),
    ...(conditions.length > 0 ? { [CONDITIONS]: JSON.stringify(conditions) } : {}),
    ...(spec['behavior'] === undefined ? {} : { [BEHAVIOR]: JSON.stringify(spec['behavior']) }),
  };
  const percent = at(cpu, 'resource', 'target', 'averageUtilization');
  const used = at(cpuNow, 'resource', 'current', 'averageUtilization');
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object, { ...record(object.metadata.annotations), ...added }),
    spec: { ...without(spec, 'metrics', 'behavior'), ...(absent(percent) ? {} : { targetCPUUtilizationPercentage: percent }) },
    status: {
      currentReplicas: 0,
      ...without(status, 'currentMetrics', 'conditions'),
      ...(absent(used) ? {} : { currentCPUUtilizationPercentage: used }),
    },
  };
}

function withAnnotations(object: KubeObject, annotations: Json): KubeObject['metadata'] {
  const metadata = without(object.metadata as KubeObject['metadata'] & Json, 'annotations');
  return Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations: annotations as Readonly<Record<string, string>> };
}

function parsed(json: unknown): readonly unknown[] {
  return list(parsedJson(json));
}

function parsedJson(json: unknown): unknown {
  try {
    return JSON.parse(text(json) || 'null');
  } catch {
    return undefined;
  }
}
