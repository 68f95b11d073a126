/** Objects of the kinds that a control plane is installed from, with names of their own for each play. */
import type { Body } from './request-builders.ts';

export interface ControlPlaneKind {
  readonly kind: string;
  /** Of its collection. */
  readonly path: string;
  readonly object: Body;
  /** What a later version of the manifests says otherwise, merged at the top level. */
  readonly later: Body;
  /** A controller writes to it as soon as it is there, so that only what was not stored can be compared. */
  readonly dryRun?: true;
  /** A controller writes `status.observedGeneration` once and is silent then. */
  readonly settles?: true;
}

const NAME = 'istiod-{{id}}';
const LABELS = { app: 'istiod', 'istio.io/rev': '1-29', 'app.kubernetes.io/managed-by': 'Helm' };
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

function make(apiVersion: string, kind: string, content: Body, namespaced = true): Body {
  const metadata = { name: NAME, ...(namespaced ? { namespace: '{{ns}}' } : {}), labels: LABELS };
  return { apiVersion, kind, metadata, ...content };
}

const discovery: Body = {
  name: 'discovery',
  image: 'example.test/pilot:1.29.1',
  args: ['discovery', '--monitoringAddr=:15014', '--domain', 'cluster.local'],
  ports: [
    { containerPort: 8080, protocol: 'TCP', name: 'http-debug' },
    { containerPort: 15017, protocol: 'TCP', name: 'https-webhooks' },
  ],
  readinessProbe: { httpGet: { path: '/ready', port: 8080 }, initialDelaySeconds: 1, periodSeconds: 3, timeoutSeconds: 5 },
  env: [
    { name: 'REVISION', value: '1-29' },
    { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'GOMEMLIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
    { name: 'GOMAXPROCS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1' } } },
  ],
  resources: { requests: { cpu: '500m', memory: '2048Mi' } },
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
  volumeMounts: [
    { name: 'istio-token', mountPath: '/var/run/secrets/tokens', readOnly: true },
    { name: 'local-certs', mountPath: '/var/run/secrets/istio-dns' },
    { name: 'cacerts', mountPath: '/etc/cacerts', readOnly: true },
  ],
};

const podSpec: Body = {
  serviceAccountName: NAME,
  containers: [discovery],
  tolerations: [{ key: 'cni.istio.io/not-ready', operator: 'Exists' }],
  volumes: [
    { name: 'local-certs', emptyDir: { medium: 'Memory' } },
    {
      name: 'istio-token',
      projected: { sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } }] },
    },
    { name: 'cacerts', secret: { secretName: 'cacerts', optional: true } },
    { name: 'extracacerts', configMap: { name: 'pilot-jwks-cacerts', optional: true } },
  ],
};

const template: Body = {
  metadata: { labels: { app: NAME, 'istio.io/rev': '1-29' }, annotations: { 'prometheus.io/port': '15014' } },
  spec: podSpec,
};

const ports = [
  { port: 15010, name: 'grpc-xds', protocol: 'TCP' },
  { port: 15012, name: 'https-dns', protocol: 'TCP' },
  { port: 443, name: 'https-webhook', targetPort: 15017, protocol: 'TCP' },
  { port: 15014, name: 'http-monitoring', protocol: 'TCP' },
];

const rules = [
  { apiGroups: ['admissionregistration.k8s.io'], resources: ['mutatingwebhookconfigurations'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'], verbs: ['get'] },
];

const clientConfig = { service: { name: NAME, namespace: '{{ns}}', path: '/validate', port: 443 } };
const nothing = [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['nothing.{{id}}.test'], apiVersions: ['*'], resources: ['*'] }];

const autoscaler: Body = {
  minReplicas: 1,
  maxReplicas: 5,
  scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME },
  metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
};

const policySpec: Body = {
  failurePolicy: 'Fail',
  matchConstraints: {
    resourceRules: [{ apiGroups: ['nothing.{{id}}.test'], apiVersions: ['*'], operations: ['CREATE'], resources: ['*'] }],
  },
  variables: [{ name: 'isEnvoyFilter', expression: "object.kind == 'EnvoyFilter'" }],
  validations: [{ expression: '!variables.isEnvoyFilter' }],
};

const namespaced = (group: string, plural: string): string => `/${group}/namespaces/{{ns}}/${plural}`;

export const controlPlaneKinds: readonly ControlPlaneKind[] = [
  {
    kind: 'ServiceAccount',
    path: namespaced('api/v1', 'serviceaccounts'),
    object: make('v1', 'ServiceAccount', { imagePullSecrets: [{ name: 'pull' }] }),
    later: { automountServiceAccountToken: false },
  },
  {
    kind: 'ConfigMap',
    path: namespaced('api/v1', 'configmaps'),
    object: make('v1', 'ConfigMap', { data: { mesh: 'defaultConfig:\n  discoveryAddress: istiod:15012\n', meshNetworks: 'networks: {}' } }),
    later: { data: { mesh: 'trustDomain: cluster.local\n' } },
  },
  {
    kind: 'Secret',
    path: namespaced('api/v1', 'secrets'),
    object: make('v1', 'Secret', { type: 'Opaque', stringData: { a: '1' }, data: { b: 'Mg==' } }),
    later: { stringData: { a: '2' } },
  },
  {
    kind: 'Service',
    path: namespaced('api/v1', 'services'),
    object: make('v1', 'Service', { spec: { ports, selector: { app: NAME, 'istio.io/rev': '1-29' } } }),
    later: { spec: { ports: ports.slice(0, 2), selector: { app: NAME } } },
  },
  {
    kind: 'Deployment',
    path: namespaced('apis/apps/v1', 'deployments'),
    object: make('apps/v1', 'Deployment', {
      spec: {
        paused: true,
        replicas: 0,
        strategy: { rollingUpdate: { maxSurge: '100%', maxUnavailable: '25%' } },
        selector: { matchLabels: { app: NAME } },
        template,
      },
    }),
    later: { spec: { paused: true, replicas: 0, selector: { matchLabels: { app: NAME } }, template } },
    settles: true,
  },
  {
    kind: 'DaemonSet',
    path: namespaced('apis/apps/v1', 'daemonsets'),
    object: make('apps/v1', 'DaemonSet', {
      spec: {
        selector: { matchLabels: { app: NAME } },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
        template: {
          ...template,
          spec: { ...podSpec, nodeSelector: { 'no.such': 'node' }, hostNetwork: true, priorityClassName: 'system-node-critical' },
        },
      },
    }),
    later: {},
    dryRun: true,
  },
  {
    kind: 'HorizontalPodAutoscaler',
    path: namespaced('apis/autoscaling/v2', 'horizontalpodautoscalers'),
    object: make('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: autoscaler }),
    later: { spec: { ...autoscaler, behavior: {} } },
    dryRun: true,
  },
  {
    kind: 'PodDisruptionBudget',
    path: namespaced('apis/policy/v1', 'poddisruptionbudgets'),
    object: make('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector: { matchLabels: { app: NAME } } } }),
    later: {},
    dryRun: true,
  },
  {
    kind: 'NetworkPolicy',
    path: namespaced('apis/networking.k8s.io/v1', 'networkpolicies'),
    object: make('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: {
        podSelector: { matchLabels: { app: NAME } },
        ingress: [{ from: [], ports: [{ port: 15017, protocol: 'TCP' }] }],
        egress: [{}],
      },
    }),
    later: { spec: { podSelector: {}, policyTypes: ['Ingress'] } },
  },
  {
    kind: 'Role',
    path: namespaced('apis/rbac.authorization.k8s.io/v1', 'roles'),
    object: make('rbac.authorization.k8s.io/v1', 'Role', { rules }),
    later: { rules: rules.slice(1) },
  },
  {
    kind: 'RoleBinding',
    path: namespaced('apis/rbac.authorization.k8s.io/v1', 'rolebindings'),
    object: make('rbac.authorization.k8s.io/v1', 'RoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: '{{ns}}' }],
    }),
    later: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'other' } },
  },
  {
    kind: 'ClusterRole',
    path: `${RBAC}/clusterroles`,
    object: make(
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      { rules: [...rules, { nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
      false,
    ),
    later: { rules },
  },
  {
    kind: 'ClusterRoleBinding',
    path: `${RBAC}/clusterrolebindings`,
    object: make(
      'rbac.authorization.k8s.io/v1',
      'ClusterRoleBinding',
      {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
        subjects: [
          { kind: 'ServiceAccount', name: NAME, namespace: '{{ns}}' },
          { kind: 'Group', name: 'g' },
        ],
      },
      false,
    ),
    later: { subjects: [] },
  },
  {
    kind: 'MutatingWebhookConfiguration',
    path: `${ADMISSION}/mutatingwebhookconfigurations`,
    object: make(
      'admissionregistration.k8s.io/v1',
      'MutatingWebhookConfiguration',
      {
        webhooks: ['rev.namespace', 'rev.object'].map((name) => ({
          name: `${name}.{{id}}.test`,
          clientConfig,
          sideEffects: 'None',
          rules: nothing,
          failurePolicy: 'Fail',
          reinvocationPolicy: 'Never',
          admissionReviewVersions: ['v1'],
          objectSelector: { matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }] },
        })),
      },
      false,
    ),
    later: { webhooks: [] },
  },
  {
    kind: 'ValidatingWebhookConfiguration',
    path: `${ADMISSION}/validatingwebhookconfigurations`,
    object: make(
      'admissionregistration.k8s.io/v1',
      'ValidatingWebhookConfiguration',
      {
        webhooks: [
          {
            name: 'rev.validation.{{id}}.test',
            clientConfig,
            sideEffects: 'None',
            rules: nothing,
            failurePolicy: 'Ignore',
            admissionReviewVersions: ['v1'],
            objectSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: ['1-29'] }] },
          },
        ],
      },
      false,
    ),
    later: { webhooks: [] },
  },
  {
    kind: 'ValidatingAdmissionPolicy',
    path: `${ADMISSION}/validatingadmissionpolicies`,
    object: make('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', { spec: policySpec }, false),
    later: {},
    dryRun: true,
  },
  {
    kind: 'ValidatingAdmissionPolicyBinding',
    path: `${ADMISSION}/validatingadmissionpolicybindings`,
    object: make(
      'admissionregistration.k8s.io/v1',
      'ValidatingAdmissionPolicyBinding',
      { spec: { policyName: NAME, validationActions: ['Deny'] } },
      false,
    ),
    later: { spec: { policyName: NAME, validationActions: ['Warn'] } },
  },
  {
    kind: 'Namespace',
    path: '/api/v1/namespaces',
    object: make('v1', 'Namespace', {}, false),
    later: {},
    dryRun: true,
  },
];

/** The name that each of them has. */
export const CONTROL_PLANE_NAME = NAME;
