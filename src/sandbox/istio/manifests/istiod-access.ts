/** Accounts and rights of a control plane. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { commonLabels, type ManifestPlan } from './manifest-options.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
const READER = 'istio-reader-service-account';
const READ = ['get', 'list', 'watch'];
const KEEP = ['get', 'watch', 'list', 'update', 'patch', 'create', 'delete'];
const ISTIO_GROUPS = ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rule = (apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups,
  resources,
  verbs,
});

/** What istiod reads of the cluster, and what it writes outside of its namespace. */
const CLUSTER_RULES: readonly Rule[] = [
  rule(['admissionregistration.k8s.io'], ['mutatingwebhookconfigurations'], [...READ, 'update', 'patch']),
  rule(['admissionregistration.k8s.io'], ['validatingwebhookconfigurations'], [...READ, 'update']),
  rule(ISTIO_GROUPS, ['*'], READ),
  rule(['networking.istio.io'], ['workloadentries', 'workloadentries/status', 'serviceentries/status'], KEEP),
  rule(['security.istio.io'], ['authorizationpolicies/status'], KEEP),
  rule([''], ['services/status'], KEEP),
  rule(['apiextensions.k8s.io'], ['customresourcedefinitions'], READ),
  rule([''], ['pods', 'nodes', 'services', 'namespaces', 'endpoints', 'secrets'], READ),
  rule(['discovery.k8s.io'], ['endpointslices'], READ),
  rule(['networking.k8s.io'], ['ingresses', 'ingressclasses'], READ),
  rule(['networking.k8s.io'], ['ingresses/status'], ['*']),
  rule([''], ['configmaps'], [...READ, 'create', 'update']),
  rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
  rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create']),
  rule(['gateway.networking.k8s.io'], ['*'], READ),
];

/** What it keeps for gateways that it deploys itself. */
const GATEWAY_RULES: readonly Rule[] = [
  rule(['apps'], ['deployments'], KEEP),
  rule(['autoscaling'], ['horizontalpodautoscalers'], KEEP),
  rule(['policy'], ['poddisruptionbudgets'], KEEP),
  rule([''], ['services', 'serviceaccounts'], KEEP),
];

const READER_RULES: readonly Rule[] = [
  rule(ISTIO_GROUPS, ['*'], READ),
  rule([''], ['endpoints', 'pods', 'services', 'nodes', 'namespaces', 'secrets'], READ),
  rule(['discovery.k8s.io'], ['endpointslices'], READ),
  rule(['apps'], ['replicasets'], READ),
];

/** In its own namespace. */
const NAMESPACE_RULES: readonly Rule[] = [
  rule(['networking.istio.io'], ['gateways'], ['create']),
  rule([''], ['secrets'], ['create', 'get', 'watch', 'list', 'update', 'delete']),
  rule([''], ['configmaps'], ['delete']),
  rule(['coordination.k8s.io'], ['leases'], ['get', 'update', 'patch', 'create']),
];

export function istiodAccess(plan: ManifestPlan): readonly KubeObject[] {
  const { name, suffix, namespace } = plan;
  const labels = { app: 'istiod', ...commonLabels(plan) };
  const account = { kind: 'ServiceAccount', name, namespace };
  const clusterWide = (role: string, rules: readonly Rule[], subject: object, roleLabels: object): readonly KubeObject[] => [
    { apiVersion: RBAC, kind: 'ClusterRole', metadata: { name: role, labels: { ...roleLabels } }, rules },
    {
      apiVersion: RBAC,
      kind: 'ClusterRoleBinding',
      metadata: { name: role, labels: { ...roleLabels } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [subject],
    },
  ];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } },
    ...clusterWide(`istiod-clusterrole${suffix}-${namespace}`, CLUSTER_RULES, account, labels),
    ...clusterWide(`istiod-gateway-controller${suffix}-${namespace}`, GATEWAY_RULES, account, labels),
    ...clusterWide(
      `istio-reader-clusterrole${suffix}-${namespace}`,
      READER_RULES,
      { kind: 'ServiceAccount', name: READER, namespace },
      { app: 'istio-reader', ...commonLabels(plan, 'istio-reader') },
    ),
    { apiVersion: RBAC, kind: 'Role', metadata: { name, namespace, labels }, rules: NAMESPACE_RULES },
    {
      apiVersion: RBAC,
      kind: 'RoleBinding',
      metadata: { name, namespace, labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [account],
    },
  ];
}

/** Shared by all revisions: a version on it would be changed by each of them. */
export function readerAccount(plan: ManifestPlan): KubeObject {
  const { 'app.kubernetes.io/version': _, ...common } = commonLabels(plan, 'istio-reader');
  const labels = { app: 'istio-reader', ...common };
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: READER, namespace: plan.namespace, labels } };
}
