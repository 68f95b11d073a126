/** Which defaults each built-in resource has. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { absent, changeField, fill, integer, isRecord, record, text, without, type Json } from '../json-tree.ts';
import { dropEmpty } from './drop-empty.ts';
import * as network from './network-defaults.ts';
import { podDefaults } from './pod-defaults.ts';
import * as policy from './policy-defaults.ts';
import * as workload from './workload-defaults.ts';

type Defaults = <T extends Json>(object: T) => T;

const DEFAULTS: Readonly<Record<string, Defaults>> = {
  'v1/Pod': (pod) => fill(podDefaults(pod), { status: {} }),
  'v1/Service': network.serviceDefaults,
  'v1/Endpoints': network.endpointsDefaults,
  'v1/Event': network.eventDefaults,
  'v1/Namespace': policy.namespaceDefaults,
  'v1/Node': policy.nodeDefaults,
  'v1/Secret': (secret) => secretDefaults(secret),
  'v1/PersistentVolume': policy.persistentVolumeDefaults,
  'v1/PersistentVolumeClaim': workload.claimDefaults,
  'v1/ReplicationController': workload.replicationControllerDefaults,
  'v1/PodTemplate': workload.podTemplateDefaults,
  'v1/LimitRange': workload.limitRangeDefaults,
  'v1/ResourceQuota': (quota) => fill(quota, { spec: {}, status: {} }),
  'apps/v1/Deployment': workload.deploymentDefaults,
  'apps/v1/ReplicaSet': workload.replicaSetDefaults,
  'apps/v1/StatefulSet': workload.statefulSetDefaults,
  'apps/v1/DaemonSet': workload.daemonSetDefaults,
  'apps/v1/ControllerRevision': (revision) => revision,
  'batch/v1/Job': workload.jobDefaults,
  'batch/v1/CronJob': workload.cronJobDefaults,
  'autoscaling/v2/HorizontalPodAutoscaler': policy.autoscalerDefaults,
  'autoscaling/v1/HorizontalPodAutoscaler': (object) => autoscalerV1Defaults(object),
  'policy/v1/PodDisruptionBudget': policy.budgetDefaults,
  'rbac.authorization.k8s.io/v1/ClusterRole': policy.roleDefaults,
  'rbac.authorization.k8s.io/v1/Role': policy.roleDefaults,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': policy.bindingDefaults,
  'rbac.authorization.k8s.io/v1/RoleBinding': policy.bindingDefaults,
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': policy.mutatingWebhookDefaults,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': policy.validatingWebhookDefaults,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': policy.admissionPolicyDefaults,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': policy.admissionPolicyBindingDefaults,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': policy.crdDefaults,
  'apiregistration.k8s.io/v1/APIService': policy.apiServiceDefaults,
  'coordination.k8s.io/v1/Lease': (lease) => fill(lease, { spec: {} }),
  'discovery.k8s.io/v1/EndpointSlice': network.endpointSliceDefaults,
  'events.k8s.io/v1/Event': (event) => newEventDefaults(event),
  'networking.k8s.io/v1/NetworkPolicy': network.networkPolicyDefaults,
  'networking.k8s.io/v1/Ingress': network.ingressDefaults,
  'networking.k8s.io/v1/IngressClass': network.ingressClassDefaults,
  'networking.k8s.io/v1/ServiceCIDR': (object) => fill(object, { status: {} }),
  'storage.k8s.io/v1/StorageClass': policy.storageClassDefaults,
  'storage.k8s.io/v1/CSIDriver': policy.csiDriverDefaults,
  'storage.k8s.io/v1/CSINode': (node) => changeField(node, 'spec', (spec) => ({ ...spec, drivers: spec['drivers'] ?? null })),
  'storage.k8s.io/v1/VolumeAttachment': (object) => fill(object, { status: { attached: false } }),
  'scheduling.k8s.io/v1/PriorityClass': policy.priorityClassDefaults,
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': policy.flowSchemaDefaults,
};

/** Defaults of a kind; what passes through a server loses its empty fields also where a kind has no defaults. */
export function builtInDefaults(apiVersion: string, kind: string): (object: KubeObject) => KubeObject {
  const defaults = DEFAULTS[`${apiVersion}/${kind}`];
  return (object) => {
    const dense = dropEmpty(object);
    const whole = isRecord(dense['metadata']) ? dense : { ...dense, metadata: object.metadata };
    return defaults === undefined ? whole : defaults(whole);
  };
}

/** `stringData` is written into `data` and never read back. */
function secretDefaults<T extends Json>(secret: T): T {
  const typed = fill(secret, { type: 'Opaque' });
  if (!isRecord(typed['stringData'])) return typed;
  const encoded = Object.entries(typed['stringData']).map(([key, value]) => [key, Buffer.from(text(value)).toString('base64')]);
  return { ...without(typed, 'stringData'), data: { ...record(typed['data']), ...Object.fromEntries(encoded) } };
}

function autoscalerV1Defaults<T extends Json>(object: T): T {
  const status = changeField(fill(object, { status: {} }), 'status', (given) => ({
    ...given,
    currentReplicas: integer(given['currentReplicas']),
    desiredReplicas: integer(given['desiredReplicas']),
  }));
  const annotations = record(record(object['metadata'])['annotations']);
  // Other metrics, of which this version knows nothing, travel in an annotation.
  const target = absent(annotations['autoscaling.alpha.kubernetes.io/metrics']) ? { targetCPUUtilizationPercentage: 80 } : {};
  return changeField(status, 'spec', (spec) => fill(spec, { minReplicas: 1, ...target }));
}

function newEventDefaults<T extends Json>(event: T): T {
  const times = Object.fromEntries(
    ['deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'eventTime'].map((field) => [
      field,
      absent(event[field]) ? null : event[field],
    ]),
  );
  return { ...fill(event, { regarding: {}, deprecatedSource: {} }), ...times };
}
