// Roles and bindings that every cluster starts with. Rules as a Kubernetes 1.34.3 server serves them; roles of single controllers are left out
// (cluster-components.ts says what stands for them).
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import type { PolicyRule } from './policy-rule.ts';
import { aggregatedRules } from './rbac-rules.ts';

const GROUP = 'rbac.authorization.k8s.io';
const READ = 'get list watch';
const WRITE = 'create delete deletecollection patch update';
const READ_AND_WRITE = 'create delete deletecollection get list patch update watch';

/** API group ('' is core, '/' is for paths), then resources or paths, then verbs. */
type Row = readonly [group: string, resources: string, verbs: string];

interface RoleRow {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Roles with this label are part of it. */
  readonly aggregates?: string;
  readonly rules?: readonly Row[];
}

function aggregateTo(role: string): Readonly<Record<string, string>> {
  return { [`${GROUP}/aggregate-to-${role}`]: 'true' };
}

const ROLES: readonly RoleRow[] = [
  { name: 'admin', aggregates: `${GROUP}/aggregate-to-admin` },
  {
    name: 'cluster-admin',
    rules: [
      ['*', '*', '*'],
      ['/', '*', '*'],
    ],
  },
  { name: 'edit', labels: aggregateTo('admin'), aggregates: `${GROUP}/aggregate-to-edit` },
  {
    name: 'system:aggregate-to-admin',
    labels: aggregateTo('admin'),
    rules: [
      ['authorization.k8s.io', 'localsubjectaccessreviews', 'create'],
      [GROUP, 'rolebindings roles', READ_AND_WRITE],
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    labels: aggregateTo('edit'),
    rules: [
      ['', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', READ],
      ['', 'serviceaccounts', 'impersonate'],
      ['', 'pods pods/attach pods/exec pods/portforward pods/proxy', WRITE],
      ['', 'pods/eviction', 'create'],
      [
        '',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
        WRITE,
      ],
      ['', 'serviceaccounts/token', 'create'],
      [
        'apps',
        'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
        WRITE,
      ],
      ['autoscaling', 'horizontalpodautoscalers', WRITE],
      ['batch', 'cronjobs jobs', WRITE],
      [
        'extensions',
        'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
        WRITE,
      ],
      ['policy', 'poddisruptionbudgets', WRITE],
      ['networking.k8s.io', 'ingresses networkpolicies', WRITE],
      ['coordination.k8s.io', 'leases', READ_AND_WRITE],
      ['resource.k8s.io', 'resourceclaims resourceclaimtemplates', WRITE],
    ],
  },
  {
    name: 'system:aggregate-to-view',
    labels: aggregateTo('view'),
    rules: [
      [
        '',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
        READ,
      ],
      [
        '',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
        READ,
      ],
      ['', 'namespaces', READ],
      ['discovery.k8s.io', 'endpointslices', READ],
      [
        'apps',
        'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
        READ,
      ],
      ['autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', READ],
      ['batch', 'cronjobs cronjobs/status jobs jobs/status', READ],
      [
        'extensions',
        'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
        READ,
      ],
      ['policy', 'poddisruptionbudgets poddisruptionbudgets/status', READ],
      ['networking.k8s.io', 'ingresses ingresses/status networkpolicies', READ],
      ['resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', READ],
    ],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      ['authentication.k8s.io', 'tokenreviews', 'create'],
      ['authorization.k8s.io', 'subjectaccessreviews', 'create'],
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      ['authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'create'],
      ['authentication.k8s.io', 'selfsubjectreviews', 'create'],
    ],
  },
  {
    name: 'system:discovery',
    rules: [['/', '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/', 'get']],
  },
  {
    name: 'system:monitoring',
    rules: [
      ['/', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*', 'get'],
      ['', 'nodes/metrics', 'get'],
    ],
  },
  { name: 'system:public-info-viewer', rules: [['/', '/healthz /livez /readyz /version /version/', 'get']] },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [['/', '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/', 'get']],
  },
  { name: 'view', labels: aggregateTo('edit'), aggregates: `${GROUP}/aggregate-to-view` },
];

/** Groups that have a cluster-wide role of the same name as the binding. */
const BINDINGS: readonly (readonly [role: string, groups: readonly string[]])[] = [
  ['cluster-admin', ['system:masters']],
  ['system:basic-user', ['system:authenticated']],
  ['system:discovery', ['system:authenticated']],
  ['system:monitoring', ['system:monitoring']],
  ['system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']],
  ['system:service-account-issuer-discovery', ['system:serviceaccounts']],
];

/** ClusterRoles, aggregated ones with their rules, then ClusterRoleBindings; without uids and times. */
export function bootstrapAccess(): KubeObject[] {
  const roles = ROLES.map(toRole);
  const full = roles.map((role) =>
    role['aggregationRule'] === undefined ? role : { ...role, rules: aggregatedRules(roles, role).map(withoutEmptyLists) },
  );
  return [...full, ...BINDINGS.map(([role, groups]) => toBinding(role, groups))];
}

function metadataOf(name: string, labels: Readonly<Record<string, string>> = {}): ObjectMeta {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

function toRole({ name, labels, aggregates, rules = [] }: RoleRow): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRole',
    metadata: metadataOf(name, labels),
    ...(aggregates === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] } }),
    rules: rules.map(([group, resources, verbs]) => ({
      verbs: verbs.split(' '),
      ...(group === '/' ? { nonResourceURLs: resources.split(' ') } : { apiGroups: [group], resources: resources.split(' ') }),
    })),
  };
}

function withoutEmptyLists(rule: PolicyRule): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(rule).filter(([, values]) => values.length > 0));
}

function toBinding(role: string, groups: readonly string[]): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadataOf(role),
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: groups.map((name) => ({ apiGroup: GROUP, kind: 'Group', name })),
  };
}
