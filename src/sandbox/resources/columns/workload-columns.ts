/** Columns of pods and of what makes them. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { absent, at, integer, isRecord, list, records, text } from '../json-tree.ts';
import type { PrinterColumn } from '../resource-definition.ts';
import { conditionIs, containerImages, containerNames, humanDuration, labelsText, orElse, selectorText, since } from './cell-text.ts';
import { AGE, boolean, column, NAME, number, wide } from './column.ts';
import { podCells, readinessGates } from './pod-cells.ts';

const spec = (object: KubeObject, ...path: readonly string[]): unknown => at(object, 'spec', ...path);
const status = (object: KubeObject, ...path: readonly string[]): unknown => at(object, 'status', ...path);
const desired = (object: KubeObject): number => integer(spec(object, 'replicas'));

const TEMPLATE_WIDE: readonly PrinterColumn[] = [
  wide('Containers', (object) => containerNames(spec(object, 'template', 'spec'))),
  wide('Images', (object) => containerImages(spec(object, 'template', 'spec'))),
];
const SELECTOR = wide('Selector', (object) => selectorText(spec(object, 'selector')));

export const POD_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Ready', (pod, nowMs) => podCells(pod, nowMs).ready),
  column('Status', (pod, nowMs) => podCells(pod, nowMs).status),
  column('Restarts', (pod, nowMs) => podCells(pod, nowMs).restarts),
  AGE,
  wide('IP', (pod) => orElse(at(pod, 'status', 'podIPs', 0, 'ip') ?? at(pod, 'status', 'podIP'), '<none>')),
  wide('Node', (pod) => orElse(spec(pod, 'nodeName'), '<none>')),
  wide('Nominated Node', (pod) => orElse(status(pod, 'nominatedNodeName'), '<none>')),
  wide('Readiness Gates', readinessGates),
];

export const DEPLOYMENT_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Ready', (object) => `${integer(status(object, 'readyReplicas'))}/${desired(object)}`),
  column('Up-to-date', (object) => integer(status(object, 'updatedReplicas'))),
  column('Available', (object) => integer(status(object, 'availableReplicas'))),
  AGE,
  ...TEMPLATE_WIDE,
  SELECTOR,
];

export const REPLICA_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  number('Desired', desired),
  number('Current', (object) => integer(status(object, 'replicas'))),
  number('Ready', (object) => integer(status(object, 'readyReplicas'))),
  AGE,
  ...TEMPLATE_WIDE,
  SELECTOR,
];

export const REPLICATION_CONTROLLER_COLUMNS: readonly PrinterColumn[] = [
  ...REPLICA_SET_COLUMNS.slice(0, -1),
  wide('Selector', (object) => labelsText(spec(object, 'selector'))),
];

export const STATEFUL_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Ready', (object) => `${integer(status(object, 'readyReplicas'))}/${desired(object)}`),
  AGE,
  ...TEMPLATE_WIDE,
];

export const DAEMON_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  number('Desired', (object) => integer(status(object, 'desiredNumberScheduled'))),
  number('Current', (object) => integer(status(object, 'currentNumberScheduled'))),
  number('Ready', (object) => integer(status(object, 'numberReady'))),
  number('Up-to-date', (object) => integer(status(object, 'updatedNumberScheduled'))),
  number('Available', (object) => integer(status(object, 'numberAvailable'))),
  column('Node Selector', (object) => labelsText(spec(object, 'template', 'spec', 'nodeSelector'))),
  AGE,
  ...TEMPLATE_WIDE,
  SELECTOR,
];

export const JOB_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', jobStatus),
  column('Completions', completions),
  column('Duration', duration),
  AGE,
  ...TEMPLATE_WIDE,
  SELECTOR,
];

function jobStatus(job: KubeObject): string {
  if (conditionIs(job, 'Complete')) return 'Complete';
  if (conditionIs(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => conditionIs(job, type)) ?? 'Running';
}

function completions(job: KubeObject): string {
  const succeeded = integer(status(job, 'succeeded'));
  const wanted = spec(job, 'completions');
  if (!absent(wanted)) return `${succeeded}/${integer(wanted)}`;
  const parallelism = integer(spec(job, 'parallelism'));
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration(job: KubeObject, nowMs: number): string {
  const startMs = Date.parse(text(status(job, 'startTime')));
  if (Number.isNaN(startMs)) return '';
  const endMs = Date.parse(text(status(job, 'completionTime')));
  return humanDuration((Number.isNaN(endMs) ? nowMs : endMs) - startMs);
}

export const CRON_JOB_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Schedule', (object) => text(spec(object, 'schedule'))),
  column('Timezone', (object) => orElse(spec(object, 'timeZone'), '<none>')),
  boolean('Suspend', (object) => (absent(spec(object, 'suspend')) ? '<unset>' : spec(object, 'suspend') === true ? 'True' : 'False')),
  number('Active', (object) => list(status(object, 'active')).length),
  column('Last Schedule', (object, nowMs) =>
    absent(status(object, 'lastScheduleTime')) ? '<none>' : since(status(object, 'lastScheduleTime'), nowMs),
  ),
  AGE,
  wide('Containers', (object) => containerNames(spec(object, 'jobTemplate', 'spec', 'template', 'spec'))),
  wide('Images', (object) => containerImages(spec(object, 'jobTemplate', 'spec', 'template', 'spec'))),
  wide('Selector', (object) => selectorText(spec(object, 'jobTemplate', 'spec', 'selector'))),
];

export const POD_TEMPLATE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Containers', (object) => containerNames(at(object, 'template', 'spec'))),
  column('Images', (object) => containerImages(at(object, 'template', 'spec'))),
  column('Pod Labels', (object) => labelsText(at(object, 'template', 'metadata', 'labels'))),
];

export const CONTROLLER_REVISION_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Controller', (object) => {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner === undefined) return '<none>';
    const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
    return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  }),
  column('Revision', (object) => integer(object['revision'])),
  AGE,
];

export const AUTOSCALER_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Reference', (object) => `${text(spec(object, 'scaleTargetRef', 'kind'))}/${text(spec(object, 'scaleTargetRef', 'name'))}`),
  column('Targets', targets),
  column('MinPods', (object) => orElse(spec(object, 'minReplicas'), '<unset>')),
  column('MaxPods', (object) => integer(spec(object, 'maxReplicas'))),
  column('Replicas', (object) => integer(status(object, 'currentReplicas'))),
  AGE,
];

function targets(object: KubeObject): string {
  const metrics = records(spec(object, 'metrics'));
  if (metrics.length === 0) return '<none>';
  const shown = metrics.map((metric, index) => target(metric, at(object, 'status', 'currentMetrics', index)));
  return shown.length > 2 ? `${shown.slice(0, 2).join(', ')} + ${shown.length - 2} more...` : shown.join(', ');
}

const METRIC_FIELDS: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

function target(metric: Readonly<Record<string, unknown>>, now: unknown): string {
  const field = METRIC_FIELDS[text(metric['type'])];
  if (field === undefined) return '<unknown type>';
  const wanted = at(metric, field, 'target');
  const current = at(now, field, 'current');
  const average = at(wanted, 'averageValue');
  const isResource = field === 'resource' || field === 'containerResource';
  const label = isResource ? `${text(at(metric, field, 'name'))}: ` : '';
  if (!absent(average)) {
    const suffix = field === 'object' || field === 'external' ? ' (avg)' : '';
    return `${label}${orElse(at(current, 'averageValue'), '<unknown>')}/${orElse(average, '')}${suffix}`;
  }
  if (!isResource) return `${orElse(at(current, 'value'), '<unknown>')}/${orElse(at(wanted, 'value'), '<unknown>')}`;
  const used = at(current, 'averageUtilization');
  const limit = at(wanted, 'averageUtilization');
  return `${label}${absent(used) ? '<unknown>' : `${integer(used)}%`}/${absent(limit) ? '<auto>' : `${integer(limit)}%`}`;
}

export const BUDGET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Min Available', (object) => orElse(spec(object, 'minAvailable'), 'N/A')),
  column('Max Unavailable', (object) => orElse(spec(object, 'maxUnavailable'), 'N/A')),
  number('Allowed Disruptions', (object) => integer(status(object, 'disruptionsAllowed'))),
  AGE,
];

export const NODE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  AGE,
  column('Version', (node) => text(status(node, 'nodeInfo', 'kubeletVersion'))),
  wide('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
  wide('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
  wide('OS-Image', (node) => orElse(status(node, 'nodeInfo', 'osImage'), '<unknown>')),
  wide('Kernel-Version', (node) => orElse(status(node, 'nodeInfo', 'kernelVersion'), '<unknown>')),
  wide('Container-Runtime', (node) => orElse(status(node, 'nodeInfo', 'containerRuntimeVersion'), '<unknown>')),
];

function nodeStatus(node: KubeObject): string {
  const ready = records(status(node, 'conditions')).find((entry) => entry['type'] === 'Ready');
  const state = !isRecord(ready) ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return spec(node, 'unschedulable') === true ? `${state},SchedulingDisabled` : state;
}

const ROLE_PREFIX = 'node-role.kubernetes.io/';

function nodeRoles(node: KubeObject): string {
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_PREFIX)) return key.length > ROLE_PREFIX.length ? [key.slice(ROLE_PREFIX.length)] : [];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return roles.length === 0 ? '<none>' : [...new Set(roles)].toSorted().join(',');
}

function nodeAddress(node: KubeObject, type: string): string {
  return orElse(records(status(node, 'addresses')).find((address) => address['type'] === type)?.['address'], '<none>');
}
