/** Turns the priority class of a pod into a number. As kubernetes plugin/pkg/admission/priority, v1.34. */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { absent, integer, record, text, type Json } from '../../resources/json-tree.ts';
import { isPod, refuse, type AdmissionRule } from '../admission-rule.ts';
import type { AdmissionAttributes } from '../admission.ts';

const CLASSES = 'priorityclasses.scheduling.k8s.io';
/** Every cluster has these, also while there is no object for them. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};
const PREEMPT = 'PreemptLowerPriority';

interface Priority {
  readonly className: string;
  readonly value: number;
  readonly preemptionPolicy: string;
}

export function podPriority(view: Pick<ClusterView, 'get' | 'list'>): AdmissionRule {
  return {
    mutate: (attributes, pod) => {
      if (!isPod(attributes)) return pod;
      return attributes.operation === 'CREATE' ? withPriority(view, attributes, pod) : keepPriority(pod, attributes.oldObject);
    },
    validate: (attributes) => checkDefaultClass(view, attributes),
  };
}

function withPriority(view: Pick<ClusterView, 'get' | 'list'>, attributes: AdmissionAttributes, pod: KubeObject): KubeObject {
  const spec = record(pod['spec']);
  const className = text(spec['priorityClassName']);
  const priority = className === '' ? defaultPriority(view) : namedPriority(view, className);
  if (priority === undefined) throw refuse(attributes, `no PriorityClass with name ${className} was found`);
  const { value, preemptionPolicy } = priority;
  const given = spec['priority'];
  if (typeof given === 'number' && given !== value)
    throw refuse(attributes, `the integer value of priority (${given}) must not be provided in pod spec; ${computed(value)}`);
  const policy = text(spec['preemptionPolicy']);
  if (policy !== '' && policy !== preemptionPolicy)
    throw refuse(
      attributes,
      `the string value of PreemptionPolicy (${policy}) must not be provided in pod spec; ${computed(preemptionPolicy)}`,
    );
  const named = priority.className === '' ? {} : { priorityClassName: priority.className };
  return { ...pod, spec: { ...spec, ...named, priority: value, preemptionPolicy } };
}

function computed(value: number | string): string {
  return `priority admission controller computed ${value} from the given PriorityClass name`;
}

function namedPriority(view: Pick<ClusterView, 'get'>, className: string): Priority | undefined {
  const found = view.get(CLASSES, className);
  if (found !== undefined) return priorityOf(found);
  const value = SYSTEM_CLASSES[className];
  return value === undefined ? undefined : { className, value, preemptionPolicy: PREEMPT };
}

function defaultPriority(view: Pick<ClusterView, 'list'>): Priority {
  const lowest = view
    .list(CLASSES)
    .filter((one) => one['globalDefault'] === true)
    .toSorted((one, other) => integer(one['value']) - integer(other['value']))[0];
  return lowest === undefined ? { className: '', value: 0, preemptionPolicy: PREEMPT } : priorityOf(lowest);
}

function priorityOf(priorityClass: KubeObject): Priority {
  const value = integer(priorityClass['value']);
  return { className: priorityClass.metadata.name, value, preemptionPolicy: text(priorityClass['preemptionPolicy']) || PREEMPT };
}

function keepPriority(pod: KubeObject, old: KubeObject | undefined): KubeObject {
  const before = record(old?.['spec']);
  const spec = record(pod['spec']);
  const kept: Json = Object.fromEntries(
    ['priority', 'preemptionPolicy']
      .filter((field) => absent(spec[field]) && !absent(before[field]))
      .map((field) => [field, before[field]]),
  );
  return Object.keys(kept).length === 0 ? pod : { ...pod, spec: { ...spec, ...kept } };
}

function checkDefaultClass(view: Pick<ClusterView, 'list'>, attributes: AdmissionAttributes): void {
  const { storage, subresource, operation, object } = attributes;
  if (storage !== CLASSES || subresource !== '' || object?.['globalDefault'] !== true) return;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const other = view.list(CLASSES).find((one) => one['globalDefault'] === true && one.metadata.name !== object.metadata.name);
  if (other !== undefined)
    throw refuse(attributes, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
}
