/**
 * What a server sets or keeps whatever a client sends. Called for writes of the resource itself, not of its subresources,
 * after the defaults and before validation, as registry/rest/create.go and update.go of k8s.io/apiserver do.
 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { absent, at, changeField, fill, list, record, sameJson, text, type Json } from '../json-tree.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { jobPreparation } from './job-preparation.ts';
import { podPreparation } from './pod-preparation.ts';
import { servicePreparation } from './service-preparation.ts';

export type Prepare = NonNullable<ResourceDefinition['prepare']>;

/** The status of a new object; kinds that are not here have no status subresource. */
const NEW_STATUS: Readonly<Record<string, Json>> = {
  Pod: { phase: 'Pending' },
  Service: { loadBalancer: {} },
  Namespace: { phase: 'Active' },
  PersistentVolumeClaim: { phase: 'Pending' },
  PersistentVolume: { phase: 'Pending' },
  ReplicationController: { replicas: 0 },
  ResourceQuota: {},
  Deployment: {},
  ReplicaSet: { replicas: 0 },
  StatefulSet: { replicas: 0, availableReplicas: 0 },
  DaemonSet: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  Job: {},
  CronJob: {},
  HorizontalPodAutoscaler: { desiredReplicas: 0, currentMetrics: null },
  PodDisruptionBudget: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  Ingress: { loadBalancer: {} },
  ValidatingAdmissionPolicy: {},
  CertificateSigningRequest: {},
  APIService: {},
  FlowSchema: {},
  ServiceCIDR: {},
};

const MORE: Readonly<Record<string, Prepare>> = {
  Pod: podPreparation,
  Service: servicePreparation,
  Job: jobPreparation,
  DaemonSet: daemonSetPreparation,
  Namespace: namespacePreparation,
  CustomResourceDefinition: crdPreparation,
  Node: nodePreparation,
};

/** @returns undefined for kinds of which clients may set everything */
export function builtInPreparation(kind: string): Prepare | undefined {
  const status = NEW_STATUS[kind];
  const more = MORE[kind];
  if (status === undefined) return more;
  return (next, previous, allocate) => {
    const kept = { ...next, status: previous === undefined ? status : previous['status'] };
    return more === undefined ? kept : more(kept, previous, allocate);
  };
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** Old clients still read how often the template changed from an annotation. */
function daemonSetPreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  const before = Number(previous?.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
  const changed = previous === undefined || !sameJson(at(next, 'spec', 'template'), at(previous, 'spec', 'template'));
  const annotations = { ...next.metadata.annotations, [TEMPLATE_GENERATION]: String(changed ? before + 1 : before) };
  return { ...next, metadata: { ...next.metadata, annotations } };
}

/** The finalizers of a namespace's spec change only through its `finalize` subresource. */
function namespacePreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  if (previous !== undefined) return { ...next, spec: previous['spec'] };
  const finalizers = list(at(next, 'spec', 'finalizers')).map(text);
  return {
    ...next,
    spec: { ...record(next['spec']), finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] },
  };
}

function crdPreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  if (previous === undefined) {
    const given = record(next['status']);
    return {
      ...next,
      status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: given['storedVersions'] ?? [] },
    };
  }
  const stored = list(at(previous, 'status', 'storedVersions')).map(text);
  const version = list(at(next, 'spec', 'versions'))
    .map(record)
    .find((entry) => entry['storage'] === true);
  const name = text(version?.['name']);
  const storedVersions = name === '' || stored.includes(name) ? stored : [...stored, name];
  return { ...next, status: { ...record(previous['status']), storedVersions } };
}

function nodePreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  const cidr = at(next, 'spec', 'podCIDR');
  const spec = changeField(next, 'spec', (given) => (absent(cidr) ? given : fill(given, { podCIDRs: [cidr] })));
  return previous === undefined ? spec : { ...spec, status: previous['status'] };
}
