/** Every built-in kind that people write, made with what it needs: how the server reads it, fills it in and tracks it. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { post, type Body } from './request-builders.ts';

interface KindCase {
  readonly kind: string;
  readonly path: string;
  /** Each is made as a dry run. */
  readonly objects: readonly Body[];
}

const ns = (group: string, plural: string): string => `/${group}/namespaces/{{ns}}/${plural}`;
const container = { name: 'app', image: 'example.test/app' };
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: { containers: [container] } };
const full = {
  metadata: { labels },
  spec: {
    serviceAccountName: 'default',
    initContainers: [
      {
        name: 'init',
        image: 'example.test/init:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        restartPolicy: 'Always',
      },
    ],
    containers: [
      {
        name: 'app',
        image: 'example.test/app:latest',
        ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP', name: 'dns' }],
        env: [{ name: 'A' }, { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        envFrom: [{ configMapRef: { name: 'c' } }],
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { tcpSocket: { port: 'dns' }, failureThreshold: 5 },
        startupProbe: { grpc: { port: 80 } },
        lifecycle: { preStop: { httpGet: { port: 80 } } },
        resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: 2 } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    volumes: [
      { name: 'v' },
      { name: 's', secret: { secretName: 's' } },
      { name: 'c', configMap: { name: 'c', items: [{ key: 'a', path: 'a' }] } },
      { name: 'd', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { name: 'h', hostPath: { path: '/tmp' } },
      { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
    ],
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: selector }],
    securityContext: {},
    hostAliases: [{ ip: '127.0.0.1', hostnames: ['a'] }],
    tolerations: [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
  },
};

const make = (apiVersion: string, kind: string, content: Body): Body => ({ apiVersion, kind, metadata: { name: 'x-{{id}}' }, ...content });
const spec = (apiVersion: string, kind: string, ...specs: readonly Body[]): readonly Body[] =>
  specs.map((each) => make(apiVersion, kind, { spec: each }));
const metric = (target: Body): Body => ({ type: 'Resource', resource: { name: 'memory', target } });
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const port = (name: string, number: number): Body => ({ name, port: number });

const CASES: readonly KindCase[] = [
  {
    kind: 'Pod',
    path: ns('api/v1', 'pods'),
    objects: spec(
      'v1',
      'Pod',
      { containers: [container] },
      full.spec,
      { containers: [container], hostNetwork: true, restartPolicy: 'Never', serviceAccount: 'default' },
      { containers: [container], overhead: {}, nodeSelector: {}, schedulingGates: [{ name: 'a.b/c' }] },
    ),
  },
  {
    kind: 'Deployment',
    path: ns('apis/apps/v1', 'deployments'),
    objects: spec(
      'apps/v1',
      'Deployment',
      { selector, template },
      { selector, template: full, replicas: 0, strategy: { type: 'Recreate' } },
      { selector, template, strategy: { rollingUpdate: { maxSurge: 0 } } },
    ),
  },
  {
    kind: 'ReplicaSet',
    path: ns('apis/apps/v1', 'replicasets'),
    objects: spec('apps/v1', 'ReplicaSet', { selector, template }, { selector, template: full, minReadySeconds: 3 }),
  },
  {
    kind: 'StatefulSet',
    path: ns('apis/apps/v1', 'statefulsets'),
    objects: spec(
      'apps/v1',
      'StatefulSet',
      { selector, template, serviceName: 'web' },
      {
        selector,
        template,
        serviceName: 'web',
        updateStrategy: { rollingUpdate: { partition: 2 } },
        volumeClaimTemplates: [
          { metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
        ],
      },
      { selector, template, podManagementPolicy: 'Parallel', updateStrategy: { type: 'OnDelete' } },
    ),
  },
  {
    kind: 'DaemonSet',
    path: ns('apis/apps/v1', 'daemonsets'),
    objects: spec('apps/v1', 'DaemonSet', { selector, template }, { selector, template: full, updateStrategy: { type: 'OnDelete' } }),
  },
  {
    kind: 'Job',
    path: ns('apis/batch/v1', 'jobs'),
    objects: spec(
      'batch/v1',
      'Job',
      { template: { spec: { containers: [container], restartPolicy: 'Never' } } },
      {
        template: { spec: { containers: [container], restartPolicy: 'OnFailure' } },
        suspend: true,
        parallelism: 2,
        completions: 3,
        ttlSecondsAfterFinished: 5,
      },
      {
        template: { spec: { containers: [container], restartPolicy: 'Never' } },
        completionMode: 'Indexed',
        completions: 2,
        backoffLimitPerIndex: 1,
      },
    ),
  },
  {
    kind: 'CronJob',
    path: ns('apis/batch/v1', 'cronjobs'),
    objects: spec(
      'batch/v1',
      'CronJob',
      { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } } },
      {
        schedule: '@hourly',
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        jobTemplate: { metadata: { labels }, spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } },
      },
    ),
  },
  {
    kind: 'ReplicationController',
    path: ns('api/v1', 'replicationcontrollers'),
    objects: spec('v1', 'ReplicationController', { template }, { selector: labels, template, replicas: 0 }),
  },
  { kind: 'PodTemplate', path: ns('api/v1', 'podtemplates'), objects: [make('v1', 'PodTemplate', { template })] },
  {
    kind: 'Service',
    path: ns('api/v1', 'services'),
    objects: spec(
      'v1',
      'Service',
      { ports: [{ port: 80 }] },
      { ports: [port('a', 80), port('b', 81)], selector: {}, clusterIP: 'None' },
      { type: 'NodePort', ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }], selector: labels, externalTrafficPolicy: 'Local' },
      {
        type: 'LoadBalancer',
        ports: [{ port: 80, appProtocol: 'http' }],
        selector: labels,
        sessionAffinity: 'ClientIP',
        loadBalancerClass: 'a.b/c',
      },
      { type: 'ExternalName', externalName: 'example.test' },
      { ports: [{ port: 80 }], externalIPs: ['192.0.2.1'], publishNotReadyAddresses: true, ipFamilyPolicy: 'PreferDualStack' },
    ),
  },
  {
    kind: 'Endpoints',
    path: ns('api/v1', 'endpoints'),
    objects: [
      make('v1', 'Endpoints', { subsets: [{ addresses: [{ ip: '192.0.2.2' }, { ip: '192.0.2.1' }], ports: [{ port: 80 }] }] }),
      make('v1', 'Endpoints', {}),
    ],
  },
  {
    kind: 'EndpointSlice',
    path: ns('apis/discovery.k8s.io/v1', 'endpointslices'),
    objects: [
      make('discovery.k8s.io/v1', 'EndpointSlice', {
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.0.2.1'] }],
        ports: [{ port: 80 }],
      }),
    ],
  },
  {
    kind: 'ConfigMap',
    path: ns('api/v1', 'configmaps'),
    objects: [
      make('v1', 'ConfigMap', {}),
      make('v1', 'ConfigMap', { data: {}, binaryData: { a: 'AAAA' }, immutable: true }),
      make('v1', 'ConfigMap', { data: { '.a': '', 'b.c': 'x\n' } }),
    ],
  },
  {
    kind: 'Secret',
    path: ns('api/v1', 'secrets'),
    objects: [
      make('v1', 'Secret', {}),
      make('v1', 'Secret', { type: 'kubernetes.io/basic-auth', stringData: { username: 'u' } }),
      make('v1', 'Secret', { data: { a: '' }, immutable: false }),
    ],
  },
  {
    kind: 'ServiceAccount',
    path: ns('api/v1', 'serviceaccounts'),
    objects: [
      make('v1', 'ServiceAccount', {}),
      make('v1', 'ServiceAccount', { secrets: [{ name: 's' }], automountServiceAccountToken: true }),
    ],
  },
  {
    kind: 'LimitRange',
    path: ns('api/v1', 'limitranges'),
    objects: spec('v1', 'LimitRange', { limits: [{ type: 'Container', max: { cpu: '2' }, default: { cpu: '0.5' } }] }),
  },
  {
    kind: 'ResourceQuota',
    path: ns('api/v1', 'resourcequotas'),
    objects: spec('v1', 'ResourceQuota', { hard: { pods: '10', 'limits.cpu': '1.5' }, scopes: ['NotTerminating'] }, {}),
  },
  {
    kind: 'PersistentVolumeClaim',
    path: ns('api/v1', 'persistentvolumeclaims'),
    objects: spec('v1', 'PersistentVolumeClaim', {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      resources: { requests: { storage: '1Gi' } },
    }),
  },
  {
    kind: 'PersistentVolume',
    path: '/api/v1/persistentvolumes',
    objects: spec('v1', 'PersistentVolume', { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/tmp' } }),
  },
  {
    kind: 'StorageClass',
    path: '/apis/storage.k8s.io/v1/storageclasses',
    objects: [make('storage.k8s.io/v1', 'StorageClass', { provisioner: 'a.b/c' })],
  },
  {
    kind: 'HorizontalPodAutoscaler',
    path: ns('apis/autoscaling/v2', 'horizontalpodautoscalers'),
    objects: spec(
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      { scaleTargetRef, maxReplicas: 3 },
      { scaleTargetRef, minReplicas: 2, maxReplicas: 3, metrics: [metric({ type: 'AverageValue', averageValue: '1024Mi' })], behavior: {} },
      {
        scaleTargetRef,
        maxReplicas: 3,
        behavior: { scaleDown: { stabilizationWindowSeconds: 5 }, scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] } },
      },
    ),
  },
  {
    kind: 'HorizontalPodAutoscaler-v1',
    path: ns('apis/autoscaling/v1', 'horizontalpodautoscalers'),
    objects: spec(
      'autoscaling/v1',
      'HorizontalPodAutoscaler',
      { scaleTargetRef, maxReplicas: 3 },
      { scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
    ),
  },
  {
    kind: 'PodDisruptionBudget',
    path: ns('apis/policy/v1', 'poddisruptionbudgets'),
    objects: spec(
      'policy/v1',
      'PodDisruptionBudget',
      { minAvailable: '50%', selector },
      { maxUnavailable: 1, selector: {}, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      {},
    ),
  },
  {
    kind: 'NetworkPolicy',
    path: ns('apis/networking.k8s.io/v1', 'networkpolicies'),
    objects: spec(
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { podSelector: {} },
      { podSelector: selector, egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ port: 53 }] }] },
    ),
  },
  {
    kind: 'Ingress',
    path: ns('apis/networking.k8s.io/v1', 'ingresses'),
    objects: spec(
      'networking.k8s.io/v1',
      'Ingress',
      { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
      {
        rules: [
          {
            host: 'a.example.test',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { name: 'http' } } } }] },
          },
        ],
        tls: [{ hosts: ['a.example.test'] }],
      },
    ),
  },
  {
    kind: 'IngressClass',
    path: '/apis/networking.k8s.io/v1/ingressclasses',
    objects: spec('networking.k8s.io/v1', 'IngressClass', { controller: 'a.b/c', parameters: { kind: 'K', name: 'n' } }),
  },
  {
    kind: 'Role',
    path: ns('apis/rbac.authorization.k8s.io/v1', 'roles'),
    objects: [
      make('rbac.authorization.k8s.io/v1', 'Role', {}),
      make('rbac.authorization.k8s.io/v1', 'Role', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }] }),
    ],
  },
  {
    kind: 'ClusterRole',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    objects: [
      make('rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: null }),
      make('rbac.authorization.k8s.io/v1', 'ClusterRole', { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { none: 'x' } }] } }),
    ],
  },
  {
    kind: 'RoleBinding',
    path: ns('apis/rbac.authorization.k8s.io/v1', 'rolebindings'),
    objects: [
      make('rbac.authorization.k8s.io/v1', 'RoleBinding', {
        roleRef: { kind: 'ClusterRole', name: 'view' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', name: 's' },
        ],
      }),
    ],
  },
  {
    kind: 'PriorityClass',
    path: '/apis/scheduling.k8s.io/v1/priorityclasses',
    objects: [make('scheduling.k8s.io/v1', 'PriorityClass', { value: 5 })],
  },
  {
    kind: 'RuntimeClass',
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    objects: [make('node.k8s.io/v1', 'RuntimeClass', { handler: 'runc' })],
  },
  {
    kind: 'Lease',
    path: ns('apis/coordination.k8s.io/v1', 'leases'),
    objects: spec(
      'coordination.k8s.io/v1',
      'Lease',
      {},
      { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.5Z' },
    ),
  },
  {
    kind: 'Namespace',
    path: '/api/v1/namespaces',
    objects: [make('v1', 'Namespace', {}), make('v1', 'Namespace', { spec: { finalizers: ['a.b/c'] } })],
  },
  { kind: 'Node', path: '/api/v1/nodes', objects: [make('v1', 'Node', {}), make('v1', 'Node', { spec: { unschedulable: true } })] },
  {
    kind: 'ControllerRevision',
    path: ns('apis/apps/v1', 'controllerrevisions'),
    objects: [make('apps/v1', 'ControllerRevision', { data: { any: ['x'] }, revision: 1 })],
  },
  {
    kind: 'Event',
    path: ns('api/v1', 'events'),
    objects: [
      make('v1', 'Event', {
        involvedObject: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'Because',
        message: 'm',
        type: 'Normal',
        source: { component: 'c' },
        count: 1,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: null,
      }),
    ],
  },
  {
    kind: 'Event-v1',
    path: ns('apis/events.k8s.io/v1', 'events'),
    objects: [
      make('events.k8s.io/v1', 'Event', {
        regarding: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'Because',
        note: 'n',
        type: 'Normal',
        eventTime: '2026-01-01T00:00:00.000000Z',
        action: 'a',
        reportingController: 'a.b/c',
        reportingInstance: 'i',
      }),
    ],
  },
  {
    kind: 'MutatingWebhookConfiguration',
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    objects: [
      make('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {}),
      make('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {
        webhooks: [
          { name: 'a.b.c', clientConfig: { service: { name: 's', namespace: 'n' } }, sideEffects: 'None', admissionReviewVersions: ['v1'] },
        ],
      }),
    ],
  },
  {
    kind: 'CustomResourceDefinition',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    objects: [
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'things.{{id}}.test' },
        spec: {
          group: '{{id}}.test',
          scope: 'Cluster',
          names: { plural: 'things', kind: 'Thing' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      },
    ],
  },
];

export const kindsSequences: readonly RequestSequence[] = CASES.map(({ kind, path, objects }) => ({
  area: 'kinds',
  name: kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase(),
  about: `What the server makes of a ${kind}.`,
  requests: objects.map((object) => post(`${path}?dryRun=All&fieldManager=kubectl-create`, object)),
}));
