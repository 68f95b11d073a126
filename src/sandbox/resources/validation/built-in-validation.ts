/** Which rules each built-in kind has, besides those of its metadata. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { validateAutoscaler, validateBudget } from './autoscaler-validation.ts';
import { NONE, type Errors } from './check.ts';
import { validateConfigMap, validateSecret } from './config-validation.ts';
import { validateCrd } from './crd-validation.ts';
import { validateCronJob, validateJob } from './job-validation.ts';
import { validateObjectMeta, type NameForm } from './object-meta.ts';
import * as other from './other-validation.ts';
import { validatePod, validateTemplate } from './pod-validation.ts';
import * as rbac from './rbac-validation.ts';
import { validateEndpoints, validateEndpointSlice, validateService } from './service-validation.ts';
import { validateAdmissionPolicy, validateAdmissionPolicyBinding, validateWebhooks } from './webhook-validation.ts';
import * as workload from './workload-validation.ts';
import { record } from '../json-tree.ts';

/** Objects in the stored version, after defaults and preparation. */
export type Validate = (next: KubeObject, previous: KubeObject | undefined) => Errors;

const RULES: Readonly<Record<string, Validate>> = {
  Pod: validatePod,
  PodTemplate: (next) => validateTemplate(record(next['template']), 'template'),
  ReplicationController: workload.validateReplicationController,
  Deployment: workload.validateDeployment,
  ReplicaSet: workload.validateReplicaSet,
  StatefulSet: workload.validateStatefulSet,
  DaemonSet: workload.validateDaemonSet,
  Job: validateJob,
  CronJob: validateCronJob,
  ConfigMap: validateConfigMap,
  Secret: validateSecret,
  Service: validateService,
  Endpoints: validateEndpoints,
  EndpointSlice: validateEndpointSlice,
  HorizontalPodAutoscaler: validateAutoscaler,
  PodDisruptionBudget: validateBudget,
  Role: rbac.validateRole,
  ClusterRole: rbac.validateClusterRole,
  RoleBinding: rbac.validateRoleBinding,
  ClusterRoleBinding: rbac.validateClusterRoleBinding,
  MutatingWebhookConfiguration: validateWebhooks,
  ValidatingWebhookConfiguration: validateWebhooks,
  ValidatingAdmissionPolicy: validateAdmissionPolicy,
  ValidatingAdmissionPolicyBinding: validateAdmissionPolicyBinding,
  CustomResourceDefinition: validateCrd,
  NetworkPolicy: other.validateNetworkPolicy,
  Ingress: other.validateIngress,
  Lease: other.validateLease,
  PersistentVolumeClaim: other.validateClaim,
  Event: other.validateEvent,
  Node: other.validateNode,
  LimitRange: other.validateLimitRange,
};

const NAMES: Readonly<Record<string, NameForm>> = {
  Namespace: 'label',
  StatefulSet: 'label',
  Service: 'label-1035',
  Role: 'path-segment',
  ClusterRole: 'path-segment',
  RoleBinding: 'path-segment',
  ClusterRoleBinding: 'path-segment',
  APIService: 'path-segment',
};

/** Kinds that are answered and never stored have no metadata to judge. */
const VIRTUAL = new Set([
  'TokenReview',
  'SelfSubjectReview',
  'LocalSubjectAccessReview',
  'SelfSubjectAccessReview',
  'SelfSubjectRulesReview',
  'SubjectAccessReview',
  'Binding',
  'ComponentStatus',
]);

export function builtInValidation(kind: string, namespaced: boolean): Validate {
  if (VIRTUAL.has(kind)) return () => NONE;
  const meta = { namespaced, name: NAMES[kind] ?? 'subdomain', builtIn: true } as const;
  const rules = RULES[kind];
  return (next, previous) => [...validateObjectMeta(next, previous, meta), ...(rules?.(next, previous) ?? NONE)];
}
