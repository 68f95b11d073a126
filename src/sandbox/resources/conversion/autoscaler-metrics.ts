/** Metrics in the flat form of the annotations of autoscaling/v1, and in the form of v2. */
import { absent, record, text, type Json } from '../json-tree.ts';

/** Kinds of metrics and the fields that hold them. */
const FIELDS: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

function fieldOf(metric: Json): string {
  return FIELDS[text(metric['type'])] ?? '';
}

function given(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !absent(value)));
}

export function toOldMetric(metric: Json): Json {
  const field = fieldOf(metric);
  const source = record(metric[field]);
  const target = record(source['target']);
  const { name, selector } = record(source['metric']);
  const flat: Readonly<Record<string, Json>> = {
    resource: { name: source['name'], targetAverageUtilization: target['averageUtilization'], targetAverageValue: target['averageValue'] },
    containerResource: {
      name: source['name'],
      targetAverageUtilization: target['averageUtilization'],
      targetAverageValue: target['averageValue'],
      container: source['container'],
    },
    pods: { metricName: name, targetAverageValue: target['averageValue'], selector },
    object: {
      target: source['describedObject'],
      metricName: name,
      targetValue: target['value'] ?? '0',
      selector,
      averageValue: target['averageValue'],
    },
    external: { metricName: name, metricSelector: selector, targetValue: target['value'], targetAverageValue: target['averageValue'] },
  };
  return { type: metric['type'], [field]: given(flat[field] ?? {}) };
}

export function fromOldMetric(value: unknown): Json {
  const metric = record(value);
  const field = fieldOf(metric);
  const source = record(metric[field]);
  const averageValue = source['targetAverageValue'] ?? source['averageValue'];
  const utilization = source['targetAverageUtilization'];
  const plain = absent(averageValue) ? source['targetValue'] : undefined;
  const type = absent(utilization) ? (absent(averageValue) ? 'Value' : 'AverageValue') : 'Utilization';
  const target = given({ type, averageUtilization: utilization, averageValue, value: plain });
  if (field === 'resource' || field === 'containerResource') {
    return { type: metric['type'], [field]: given({ name: source['name'], container: source['container'], target }) };
  }
  const named = given({ name: source['metricName'], selector: source['selector'] ?? source['metricSelector'] });
  return { type: metric['type'], [field]: given({ describedObject: source['target'], metric: named, target }) };
}

export function toOldCurrent(metric: Json): Json {
  const field = fieldOf(metric);
  const source = record(metric[field]);
  const current = record(source['current']);
  const { name, selector } = record(source['metric']);
  const flat: Readonly<Record<string, Json>> = {
    resource: {
      name: source['name'],
      currentAverageUtilization: current['averageUtilization'],
      currentAverageValue: current['averageValue'],
    },
    pods: { metricName: name, currentAverageValue: current['averageValue'], selector },
    object: { target: source['describedObject'], metricName: name, currentValue: current['value'], averageValue: current['averageValue'] },
    external: { metricName: name, metricSelector: selector, currentValue: current['value'], currentAverageValue: current['averageValue'] },
  };
  return { type: metric['type'], [field]: given(flat[field] ?? { ...source }) };
}

export function fromOldCurrent(value: unknown): Json {
  const metric = record(value);
  const field = fieldOf(metric);
  const source = record(metric[field]);
  const averageValue = source['currentAverageValue'] ?? source['averageValue'];
  const current = given({ averageUtilization: source['currentAverageUtilization'], averageValue, value: source['currentValue'] });
  if (field === 'resource') return { type: metric['type'], resource: given({ name: source['name'], current }) };
  const named = given({ name: source['metricName'], selector: source['selector'] ?? source['metricSelector'] });
  return { type: metric['type'], [field]: given({ describedObject: source['target'], metric: named, current }) };
}
