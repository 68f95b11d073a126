/**
 * What objects of Kubernetes' own Go types hold before anything is set: structures that are no pointers are always there. Whoever sets a
 * field inside of such a structure owns the field, but not the structure, which nobody has created.
 * Taken from the OpenAPI document of Kubernetes 1.34, where such structures have the default {} and such fields are required.
 */
import type { KubeObject } from '../objects/kube-object.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { isRecord, type JsonRecord } from './json-values.ts';

const POD = { spec: { containers: null }, status: {} };
const TEMPLATE = { metadata: {}, spec: { containers: null } };
const JOB = { template: TEMPLATE };
const SCALE_TARGET = { kind: '', name: '' };
const NAMES = { kind: '', plural: '' };
const ROLE_REF = { apiGroup: '', kind: '', name: '' };
const SPEC_AND_STATUS = { spec: {}, status: {} };
const REVIEW = { spec: {}, status: { allowed: false } };
const LOAD_BALANCED = { spec: {}, status: { loadBalancer: {} } };

/** By apiVersion and kind; kinds of which only metadata is such a structure are left out. */
const ZERO_FORMS: Readonly<Record<string, JsonRecord>> = {
  'v1 Binding': { target: {} },
  'v1 Event': {
    involvedObject: {},
    source: {},
    eventTime: null,
    firstTimestamp: null,
    lastTimestamp: null,
    reportingComponent: '',
    reportingInstance: '',
  },
  'v1 LimitRange': { spec: { limits: null } },
  'v1 Namespace': SPEC_AND_STATUS,
  'v1 Node': { spec: {}, status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: {} } },
  'v1 PersistentVolume': SPEC_AND_STATUS,
  'v1 PersistentVolumeClaim': { spec: { resources: {} }, status: {} },
  'v1 Pod': POD,
  'v1 PodTemplate': { template: TEMPLATE },
  'v1 ReplicationController': { spec: {}, status: { replicas: 0 } },
  'v1 ResourceQuota': SPEC_AND_STATUS,
  'v1 Service': LOAD_BALANCED,
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy': SPEC_AND_STATUS,
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding': { spec: {} },
  'apiextensions.k8s.io/v1 CustomResourceDefinition': {
    spec: { group: '', names: NAMES, scope: '', versions: null },
    status: { acceptedNames: NAMES, conditions: null, storedVersions: null },
  },
  'apiregistration.k8s.io/v1 APIService': { spec: { groupPriorityMinimum: 0, versionPriority: 0 }, status: {} },
  'apps/v1 ControllerRevision': { revision: 0 },
  'apps/v1 DaemonSet': {
    spec: { selector: null, template: TEMPLATE, updateStrategy: {} },
    status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  },
  'apps/v1 Deployment': { spec: { selector: null, strategy: {}, template: TEMPLATE }, status: {} },
  'apps/v1 ReplicaSet': { spec: { selector: null, template: TEMPLATE }, status: { replicas: 0 } },
  'apps/v1 StatefulSet': { spec: { selector: null, serviceName: '', template: TEMPLATE, updateStrategy: {} }, status: { replicas: 0 } },
  'authentication.k8s.io/v1 TokenRequest': { spec: { audiences: null }, status: { expirationTimestamp: null, token: '' } },
  'authentication.k8s.io/v1 TokenReview': SPEC_AND_STATUS,
  'authorization.k8s.io/v1 LocalSubjectAccessReview': REVIEW,
  'authorization.k8s.io/v1 SelfSubjectAccessReview': REVIEW,
  'authorization.k8s.io/v1 SelfSubjectRulesReview': SPEC_AND_STATUS,
  'authorization.k8s.io/v1 SubjectAccessReview': REVIEW,
  'autoscaling/v1 HorizontalPodAutoscaler': {
    spec: { maxReplicas: 0, scaleTargetRef: SCALE_TARGET },
    status: { currentReplicas: 0, desiredReplicas: 0 },
  },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    spec: { maxReplicas: 0, scaleTargetRef: SCALE_TARGET },
    status: { currentMetrics: null, desiredReplicas: 0 },
  },
  'batch/v1 CronJob': { spec: { jobTemplate: { metadata: {}, spec: JOB }, schedule: '' }, status: {} },
  'batch/v1 Job': { spec: JOB, status: {} },
  'certificates.k8s.io/v1 CertificateSigningRequest': { spec: { request: null, signerName: '' }, status: {} },
  'coordination.k8s.io/v1 Lease': { spec: {} },
  'discovery.k8s.io/v1 EndpointSlice': { addressType: '', endpoints: null, ports: null },
  'events.k8s.io/v1 Event': {
    deprecatedFirstTimestamp: null,
    deprecatedLastTimestamp: null,
    deprecatedSource: {},
    eventTime: null,
    regarding: {},
  },
  'flowcontrol.apiserver.k8s.io/v1 FlowSchema': { spec: { priorityLevelConfiguration: { name: '' } }, status: {} },
  'flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration': { spec: { type: '' }, status: {} },
  'networking.k8s.io/v1 IPAddress': { spec: { parentRef: null } },
  'networking.k8s.io/v1 Ingress': LOAD_BALANCED,
  'networking.k8s.io/v1 IngressClass': { spec: {} },
  'networking.k8s.io/v1 NetworkPolicy': { spec: { podSelector: {} } },
  'networking.k8s.io/v1 ServiceCIDR': SPEC_AND_STATUS,
  'node.k8s.io/v1 RuntimeClass': { handler: '' },
  'policy/v1 PodDisruptionBudget': { spec: {}, status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 } },
  'rbac.authorization.k8s.io/v1 ClusterRole': { rules: null },
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': { roleRef: ROLE_REF },
  'rbac.authorization.k8s.io/v1 Role': { rules: null },
  'rbac.authorization.k8s.io/v1 RoleBinding': { roleRef: ROLE_REF },
  'resource.k8s.io/v1 DeviceClass': { spec: {} },
  'resource.k8s.io/v1 ResourceClaim': { spec: { devices: {} }, status: {} },
  'resource.k8s.io/v1 ResourceClaimTemplate': { spec: { metadata: {}, spec: { devices: {} } } },
  'resource.k8s.io/v1 ResourceSlice': { spec: { driver: '', pool: { generation: 0, name: '', resourceSliceCount: 0 } } },
  'scheduling.k8s.io/v1 PriorityClass': { value: 0 },
  'storage.k8s.io/v1 CSIDriver': { spec: {} },
  'storage.k8s.io/v1 CSINode': { spec: { drivers: null } },
  'storage.k8s.io/v1 CSIStorageCapacity': { storageClassName: '' },
  'storage.k8s.io/v1 StorageClass': { provisioner: '' },
  'storage.k8s.io/v1 VolumeAttachment': { spec: { attacher: '', nodeName: '', source: {} }, status: { attached: false } },
  'storage.k8s.io/v1 VolumeAttributesClass': { driverName: '' },
};

/** The kind's object in which nothing is set. Custom resources have no such structures: their metadata is missing, too. */
export function zeroForm({ apiVersion, kind }: KubeObject, schema: TypeSchema | undefined): JsonRecord {
  if (schema?.goType === undefined) return { apiVersion, kind };
  return { apiVersion, kind, metadata: {}, ...ZERO_FORMS[`${apiVersion} ${kind}`] };
}

/** An object with the structures that Go would show although nothing is in them. */
export function withZeroForm(object: KubeObject, schema: TypeSchema | undefined): JsonRecord {
  const zero = schema?.goType === undefined ? undefined : ZERO_FORMS[`${object.apiVersion} ${object.kind}`];
  return zero === undefined ? object : fill(object, zero);
}

function fill(value: JsonRecord, zero: JsonRecord): JsonRecord {
  let out: Record<string, unknown> | undefined;
  for (const [field, empty] of Object.entries(zero)) {
    const present = value[field];
    const next = present === undefined ? empty : isRecord(present) && isRecord(empty) ? fill(present, empty) : present;
    if (next !== present) (out ??= { ...value })[field] = next;
  }
  return out ?? value;
}
