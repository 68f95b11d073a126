// Which built-in resources a Kubernetes 1.34 server serves, in the order of its discovery. Facts only; behaviour is joined in built-in-resources.ts.
import type { GroupResource } from '../objects/kube-object.ts';
import type { Subresource, Verb } from './resource-definition.ts';

export interface ResourceRow {
  readonly apiVersion: string;
  readonly resource: string;
  readonly kind: string;
  /** Absent means true. */
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Absent means all. */
  readonly verbs?: readonly Verb[];
  readonly subresources?: readonly (Omit<Subresource, 'kind'> & { readonly kind?: string })[];
  /** Absent means resource and group of the row. */
  readonly storage?: GroupResource;
  /** Absent means the row's own. */
  readonly storageApiVersion?: string;
}

const CREATE_ONLY: readonly Verb[] = ['create'];
const READ_ONLY: readonly Verb[] = ['get', 'list'];
const NO_COLLECTION: readonly Verb[] = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
/** Of the same kind as the resource. */
const STATUS = { name: 'status', verbs: ['get', 'patch', 'update'] } as const;
const SCALE = { name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: ['get', 'patch', 'update'] } as const;

function sub(name: string, kind: string, verbs: readonly string[], apiVersion?: string): Subresource {
  return { name, kind, verbs, ...(apiVersion === undefined ? {} : { apiVersion }) };
}

function proxy(kind: string): Subresource {
  return sub('proxy', kind, ['create', 'delete', 'get', 'patch', 'update']);
}

/** Read from the aggregated discovery of a Kubernetes 1.34.3 server. */
export const RESOURCE_TABLE: readonly ResourceRow[] = [
  { apiVersion: 'v1', resource: 'bindings', kind: 'Binding', verbs: CREATE_ONLY },
  { apiVersion: 'v1', resource: 'componentstatuses', kind: 'ComponentStatus', namespaced: false, shortNames: ['cs'], verbs: READ_ONLY },
  { apiVersion: 'v1', resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { apiVersion: 'v1', resource: 'endpoints', kind: 'Endpoints', shortNames: ['ep'] },
  { apiVersion: 'v1', resource: 'events', kind: 'Event', shortNames: ['ev'] },
  { apiVersion: 'v1', resource: 'limitranges', kind: 'LimitRange', shortNames: ['limits'] },
  {
    apiVersion: 'v1',
    resource: 'namespaces',
    kind: 'Namespace',
    namespaced: false,
    shortNames: ['ns'],
    verbs: NO_COLLECTION,
    subresources: [sub('finalize', 'Namespace', ['update']), STATUS],
  },
  {
    apiVersion: 'v1',
    resource: 'nodes',
    kind: 'Node',
    namespaced: false,
    shortNames: ['no'],
    subresources: [proxy('NodeProxyOptions'), STATUS],
  },
  { apiVersion: 'v1', resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', shortNames: ['pvc'], subresources: [STATUS] },
  {
    apiVersion: 'v1',
    resource: 'persistentvolumes',
    kind: 'PersistentVolume',
    namespaced: false,
    shortNames: ['pv'],
    subresources: [STATUS],
  },
  {
    apiVersion: 'v1',
    resource: 'pods',
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    subresources: [
      sub('attach', 'PodAttachOptions', ['create', 'get']),
      sub('binding', 'Binding', ['create']),
      sub('ephemeralcontainers', 'Pod', ['get', 'patch', 'update']),
      sub('eviction', 'Eviction', ['create'], 'policy/v1'),
      sub('exec', 'PodExecOptions', ['create', 'get']),
      sub('log', 'Pod', ['get']),
      sub('portforward', 'PodPortForwardOptions', ['create', 'get']),
      proxy('PodProxyOptions'),
      sub('resize', 'Pod', ['get', 'patch', 'update']),
      STATUS,
    ],
  },
  { apiVersion: 'v1', resource: 'podtemplates', kind: 'PodTemplate' },
  {
    apiVersion: 'v1',
    resource: 'replicationcontrollers',
    kind: 'ReplicationController',
    shortNames: ['rc'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  },
  { apiVersion: 'v1', resource: 'resourcequotas', kind: 'ResourceQuota', shortNames: ['quota'], subresources: [STATUS] },
  { apiVersion: 'v1', resource: 'secrets', kind: 'Secret' },
  {
    apiVersion: 'v1',
    resource: 'serviceaccounts',
    kind: 'ServiceAccount',
    shortNames: ['sa'],
    subresources: [sub('token', 'TokenRequest', ['create'], 'authentication.k8s.io/v1')],
  },
  {
    apiVersion: 'v1',
    resource: 'services',
    kind: 'Service',
    shortNames: ['svc'],
    categories: ['all'],
    subresources: [proxy('ServiceProxyOptions'), STATUS],
  },
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    resource: 'apiservices',
    kind: 'APIService',
    namespaced: false,
    categories: ['api-extensions'],
    subresources: [STATUS],
  },
  { apiVersion: 'apps/v1', resource: 'controllerrevisions', kind: 'ControllerRevision' },
  { apiVersion: 'apps/v1', resource: 'daemonsets', kind: 'DaemonSet', shortNames: ['ds'], categories: ['all'], subresources: [STATUS] },
  {
    apiVersion: 'apps/v1',
    resource: 'deployments',
    kind: 'Deployment',
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  },
  {
    apiVersion: 'apps/v1',
    resource: 'replicasets',
    kind: 'ReplicaSet',
    shortNames: ['rs'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  },
  {
    apiVersion: 'apps/v1',
    resource: 'statefulsets',
    kind: 'StatefulSet',
    shortNames: ['sts'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  },
  { apiVersion: 'events.k8s.io/v1', resource: 'events', kind: 'Event', shortNames: ['ev'], storage: 'events', storageApiVersion: 'v1' },
  {
    apiVersion: 'authentication.k8s.io/v1',
    resource: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    namespaced: false,
    verbs: CREATE_ONLY,
  },
  { apiVersion: 'authentication.k8s.io/v1', resource: 'tokenreviews', kind: 'TokenReview', namespaced: false, verbs: CREATE_ONLY },
  { apiVersion: 'authorization.k8s.io/v1', resource: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', verbs: CREATE_ONLY },
  {
    apiVersion: 'authorization.k8s.io/v1',
    resource: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
    verbs: CREATE_ONLY,
  },
  {
    apiVersion: 'authorization.k8s.io/v1',
    resource: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    namespaced: false,
    verbs: CREATE_ONLY,
  },
  {
    apiVersion: 'authorization.k8s.io/v1',
    resource: 'subjectaccessreviews',
    kind: 'SubjectAccessReview',
    namespaced: false,
    verbs: CREATE_ONLY,
  },
  {
    apiVersion: 'autoscaling/v2',
    resource: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    shortNames: ['hpa'],
    categories: ['all'],
    subresources: [STATUS],
  },
  {
    apiVersion: 'autoscaling/v1',
    resource: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    shortNames: ['hpa'],
    categories: ['all'],
    subresources: [STATUS],
    storageApiVersion: 'autoscaling/v2',
  },
  { apiVersion: 'batch/v1', resource: 'cronjobs', kind: 'CronJob', shortNames: ['cj'], categories: ['all'], subresources: [STATUS] },
  { apiVersion: 'batch/v1', resource: 'jobs', kind: 'Job', categories: ['all'], subresources: [STATUS] },
  {
    apiVersion: 'certificates.k8s.io/v1',
    resource: 'certificatesigningrequests',
    kind: 'CertificateSigningRequest',
    namespaced: false,
    shortNames: ['csr'],
    subresources: [sub('approval', 'CertificateSigningRequest', ['get', 'patch', 'update']), STATUS],
  },
  { apiVersion: 'networking.k8s.io/v1', resource: 'ingressclasses', kind: 'IngressClass', namespaced: false },
  { apiVersion: 'networking.k8s.io/v1', resource: 'ingresses', kind: 'Ingress', shortNames: ['ing'], subresources: [STATUS] },
  { apiVersion: 'networking.k8s.io/v1', resource: 'ipaddresses', kind: 'IPAddress', namespaced: false, shortNames: ['ip'] },
  { apiVersion: 'networking.k8s.io/v1', resource: 'networkpolicies', kind: 'NetworkPolicy', shortNames: ['netpol'] },
  { apiVersion: 'networking.k8s.io/v1', resource: 'servicecidrs', kind: 'ServiceCIDR', namespaced: false, subresources: [STATUS] },
  { apiVersion: 'policy/v1', resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', shortNames: ['pdb'], subresources: [STATUS] },
  { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
  { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'clusterroles', kind: 'ClusterRole', namespaced: false },
  { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'rolebindings', kind: 'RoleBinding' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'roles', kind: 'Role' },
  { apiVersion: 'storage.k8s.io/v1', resource: 'csidrivers', kind: 'CSIDriver', namespaced: false },
  { apiVersion: 'storage.k8s.io/v1', resource: 'csinodes', kind: 'CSINode', namespaced: false },
  { apiVersion: 'storage.k8s.io/v1', resource: 'csistoragecapacities', kind: 'CSIStorageCapacity' },
  { apiVersion: 'storage.k8s.io/v1', resource: 'storageclasses', kind: 'StorageClass', namespaced: false, shortNames: ['sc'] },
  { apiVersion: 'storage.k8s.io/v1', resource: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false, subresources: [STATUS] },
  {
    apiVersion: 'storage.k8s.io/v1',
    resource: 'volumeattributesclasses',
    kind: 'VolumeAttributesClass',
    namespaced: false,
    shortNames: ['vac'],
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    resource: 'mutatingwebhookconfigurations',
    kind: 'MutatingWebhookConfiguration',
    namespaced: false,
    categories: ['api-extensions'],
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    resource: 'validatingadmissionpolicies',
    kind: 'ValidatingAdmissionPolicy',
    namespaced: false,
    categories: ['api-extensions'],
    subresources: [STATUS],
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    resource: 'validatingadmissionpolicybindings',
    kind: 'ValidatingAdmissionPolicyBinding',
    namespaced: false,
    categories: ['api-extensions'],
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    resource: 'validatingwebhookconfigurations',
    kind: 'ValidatingWebhookConfiguration',
    namespaced: false,
    categories: ['api-extensions'],
  },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    resource: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    subresources: [STATUS],
  },
  { apiVersion: 'scheduling.k8s.io/v1', resource: 'priorityclasses', kind: 'PriorityClass', namespaced: false, shortNames: ['pc'] },
  { apiVersion: 'coordination.k8s.io/v1', resource: 'leases', kind: 'Lease' },
  { apiVersion: 'node.k8s.io/v1', resource: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false },
  { apiVersion: 'discovery.k8s.io/v1', resource: 'endpointslices', kind: 'EndpointSlice' },
  { apiVersion: 'resource.k8s.io/v1', resource: 'deviceclasses', kind: 'DeviceClass', namespaced: false },
  { apiVersion: 'resource.k8s.io/v1', resource: 'resourceclaims', kind: 'ResourceClaim', subresources: [STATUS] },
  { apiVersion: 'resource.k8s.io/v1', resource: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate' },
  { apiVersion: 'resource.k8s.io/v1', resource: 'resourceslices', kind: 'ResourceSlice', namespaced: false },
  { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', resource: 'flowschemas', kind: 'FlowSchema', namespaced: false, subresources: [STATUS] },
  {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    resource: 'prioritylevelconfigurations',
    kind: 'PriorityLevelConfiguration',
    namespaced: false,
    subresources: [STATUS],
  },
];
