/** Which columns `kubectl get` shows for each built-in kind. */
import type { PrinterColumn } from '../resource-definition.ts';
import { AGE, CREATED_AT, NAME } from './column.ts';
import * as infrastructure from './infrastructure-columns.ts';
import * as other from './other-columns.ts';
import * as workload from './workload-columns.ts';

const COLUMNS: Readonly<Record<string, readonly PrinterColumn[]>> = {
  Pod: workload.POD_COLUMNS,
  PodTemplate: workload.POD_TEMPLATE_COLUMNS,
  ReplicationController: workload.REPLICATION_CONTROLLER_COLUMNS,
  Deployment: workload.DEPLOYMENT_COLUMNS,
  ReplicaSet: workload.REPLICA_SET_COLUMNS,
  StatefulSet: workload.STATEFUL_SET_COLUMNS,
  DaemonSet: workload.DAEMON_SET_COLUMNS,
  ControllerRevision: workload.CONTROLLER_REVISION_COLUMNS,
  Job: workload.JOB_COLUMNS,
  CronJob: workload.CRON_JOB_COLUMNS,
  HorizontalPodAutoscaler: workload.AUTOSCALER_COLUMNS,
  PodDisruptionBudget: workload.BUDGET_COLUMNS,
  Node: workload.NODE_COLUMNS,
  Service: other.SERVICE_COLUMNS,
  Endpoints: other.ENDPOINTS_COLUMNS,
  EndpointSlice: other.ENDPOINT_SLICE_COLUMNS,
  Namespace: other.NAMESPACE_COLUMNS,
  ConfigMap: other.CONFIG_MAP_COLUMNS,
  Secret: other.SECRET_COLUMNS,
  ServiceAccount: other.SERVICE_ACCOUNT_COLUMNS,
  Event: other.EVENT_COLUMNS,
  RoleBinding: other.BINDING_COLUMNS,
  ClusterRoleBinding: other.BINDING_COLUMNS,
  MutatingWebhookConfiguration: other.WEBHOOK_COLUMNS,
  ValidatingWebhookConfiguration: other.WEBHOOK_COLUMNS,
  ValidatingAdmissionPolicy: other.ADMISSION_POLICY_COLUMNS,
  ValidatingAdmissionPolicyBinding: other.ADMISSION_POLICY_BINDING_COLUMNS,
  Lease: other.LEASE_COLUMNS,
  PersistentVolumeClaim: other.CLAIM_COLUMNS,
  PersistentVolume: other.VOLUME_COLUMNS,
  Ingress: other.INGRESS_COLUMNS,
  IngressClass: other.INGRESS_CLASS_COLUMNS,
  NetworkPolicy: other.NETWORK_POLICY_COLUMNS,
  ResourceQuota: other.QUOTA_COLUMNS,
  StorageClass: other.STORAGE_CLASS_COLUMNS,
  PriorityClass: other.PRIORITY_CLASS_COLUMNS,
  APIService: other.API_SERVICE_COLUMNS,
  CertificateSigningRequest: other.SIGNING_REQUEST_COLUMNS,
  RuntimeClass: other.RUNTIME_CLASS_COLUMNS,
  IPAddress: other.ADDRESS_COLUMNS,
  ServiceCIDR: other.SERVICE_CIDR_COLUMNS,
  ComponentStatus: infrastructure.COMPONENT_COLUMNS,
  CSIDriver: infrastructure.DRIVER_COLUMNS,
  CSINode: infrastructure.STORAGE_NODE_COLUMNS,
  VolumeAttachment: infrastructure.ATTACHMENT_COLUMNS,
  VolumeAttributesClass: infrastructure.ATTRIBUTES_CLASS_COLUMNS,
  ResourceClaim: infrastructure.CLAIM_STATE_COLUMNS,
  ResourceSlice: infrastructure.SLICE_COLUMNS,
  FlowSchema: infrastructure.FLOW_COLUMNS,
  PriorityLevelConfiguration: infrastructure.PRIORITY_LEVEL_COLUMNS,
};

/** Kinds that a server shows with the moment of their making in place of an age. */
const WITHOUT_OWN = new Set(['ClusterRole', 'Role', 'CustomResourceDefinition', 'LimitRange', 'CSIStorageCapacity']);

/** Descriptions of columns are left empty: no client shows them. */
export function builtInColumns(kind: string): readonly PrinterColumn[] {
  return COLUMNS[kind] ?? (WITHOUT_OWN.has(kind) ? [NAME, CREATED_AT] : [NAME, AGE]);
}
