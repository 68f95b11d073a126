/** Objects that are not valid, kind by kind, and the words in which they are refused. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { post, type Body } from './request-builders.ts';

const ns = (group: string, plural: string): string => `/${group}/namespaces/{{ns}}/${plural}`;
const container = { name: 'app', image: 'example.test/app' };
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: { containers: [container] } };
const make = (apiVersion: string, kind: string, content: Body): Body => ({ apiVersion, kind, metadata: { name: 'x-{{id}}' }, ...content });
const pod = (changes: Body, rest: Body = {}): Body => make('v1', 'Pod', { spec: { containers: [{ ...container, ...changes }], ...rest } });
const service = (spec: Body): Body => make('v1', 'Service', { spec });
const deployment = (spec: Body): Body => make('apps/v1', 'Deployment', { spec: { selector, template, ...spec } });

const refused = (name: string, path: string, objects: readonly Body[]): RequestSequence => ({
  area: 'refused',
  name,
  about: `What is wrong with ${name.replaceAll('-', ' ')}.`,
  requests: objects.map((object) => post(`${path}?dryRun=All`, object)),
});

const PODS = ns('api/v1', 'pods');
const SERVICES = ns('api/v1', 'services');
const DEPLOYMENTS = ns('apis/apps/v1', 'deployments');

export const refusedSequences: readonly RequestSequence[] = [
  refused('pod-names', PODS, [
    pod({ name: '' }),
    pod({ name: 'Not_Valid' }),
    pod({ name: 'a'.repeat(64) }),
    { ...pod({}), metadata: { name: '-' } },
    { ...pod({}), metadata: {} },
  ]),
  refused('pod-ports', PODS, [
    pod({ ports: [{}] }),
    pod({ ports: [{ containerPort: 70_000 }] }),
    pod({ ports: [{ containerPort: 80, name: 'Far_too_long_a_name' }] }),
    pod({ ports: [{ containerPort: 80, protocol: 'HTTP' }] }),
    pod({
      ports: [
        { containerPort: 80, name: 'a' },
        { containerPort: 81, name: 'a' },
      ],
    }),
    pod({ ports: [{ containerPort: 80, hostPort: 81 }] }, { hostNetwork: true }),
  ]),
  refused('pod-images', PODS, [
    pod({ image: '' }),
    pod({ image: ' a' }),
    pod({ imagePullPolicy: 'Sometimes' }),
    pod({ terminationMessagePolicy: 'None' }),
  ]),
  refused('pod-environment', PODS, [
    pod({ env: [{ name: '' }] }),
    pod({ env: [{ name: 'A', value: '1', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    pod({ env: [{ name: 'A', valueFrom: {} }] }),
    pod({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'none' } } }] }),
    pod({ envFrom: [{}] }),
  ]),
  refused('pod-resources', PODS, [
    pod({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    pod({ resources: { requests: { cpu: '-1' } } }),
    pod({ resources: { requests: { cpu: 'many' } } }),
    pod({ resources: { requests: { 'not valid': '1' } } }),
    pod({ resources: { limits: { memory: '1.5 Gi' } } }),
  ]),
  refused('pod-probes', PODS, [
    pod({ livenessProbe: {} }),
    pod({ livenessProbe: { httpGet: { path: '/' } } }),
    pod({ livenessProbe: { httpGet: { port: 80 }, exec: { command: ['a'] } } }),
    pod({ readinessProbe: { tcpSocket: { port: 'none at all' }, periodSeconds: -1 } }),
    pod({ livenessProbe: { httpGet: { port: 80, scheme: 'FTP' }, successThreshold: 2 } }),
  ]),
  refused('pod-volumes', PODS, [
    pod({ volumeMounts: [{ name: 'none', mountPath: '/a' }] }),
    pod({}, { volumes: [{ name: 'a' }, { name: 'a' }] }),
    pod({ volumeMounts: [{ name: 'a', mountPath: '' }] }, { volumes: [{ name: 'a' }] }),
    pod(
      {
        volumeMounts: [
          { name: 'a', mountPath: '/a' },
          { name: 'a', mountPath: '/a' },
        ],
      },
      { volumes: [{ name: 'a' }] },
    ),
    pod({}, { volumes: [{ name: 'a', secret: {} }] }),
    pod({}, { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] }),
  ]),
  refused('pod-scheduling', PODS, [
    pod({}, { restartPolicy: 'Perhaps' }),
    pod({}, { dnsPolicy: 'None' }),
    pod({}, { nodeSelector: { 'not valid!': 'a' } }),
    pod({}, { tolerations: [{ key: 'a', operator: 'Near' }] }),
    pod({}, { terminationGracePeriodSeconds: -1 }),
    pod({}, { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Never' }] }),
    pod({}, { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }),
  ]),
  refused('pod-security', PODS, [
    pod({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    pod({ securityContext: { runAsUser: -1 } }),
    pod({}, { securityContext: { fsGroup: -1, sysctls: [{ name: 'Not Valid', value: '1' }] } }),
    pod({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
    pod({ securityContext: { capabilities: { add: [''] } } }),
  ]),
  refused('pod-types', PODS, [
    pod({ ports: 'none' }),
    pod({ command: 'ls' }),
    pod({}, { hostNetwork: 'yes' }),
    pod({}, { containers: {} }),
    make('v1', 'Pod', { spec: [] }),
    make('v1', 'Pod', {}),
  ]),
  refused('metadata', ns('api/v1', 'configmaps'), [
    make('v1', 'ConfigMap', { metadata: { name: 'a', labels: { '': 'x' } } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a', labels: { 'a/b/c': 'x' } } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a', annotations: { 'not valid': 'x' } } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a', finalizers: ['bare'] } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod' }] } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a', labels: { a: 1 } } }),
    make('v1', 'ConfigMap', { metadata: { name: 'a'.repeat(254) } }),
    make('v1', 'ConfigMap', { metadata: { generateName: 'Bad_' } }),
  ]),
  refused('config-maps', ns('api/v1', 'configmaps'), [
    make('v1', 'ConfigMap', { data: { a: 'x' }, binaryData: { a: 'AAAA' } }),
    make('v1', 'ConfigMap', { binaryData: { a: '!' } }),
    make('v1', 'ConfigMap', { data: { '..': 'x' } }),
    make('v1', 'ConfigMap', { data: ['x'] }),
  ]),
  refused('secrets', ns('api/v1', 'secrets'), [
    make('v1', 'Secret', { type: 'kubernetes.io/tls' }),
    make('v1', 'Secret', { type: 'kubernetes.io/dockerconfigjson', stringData: { a: 'x' } }),
    make('v1', 'Secret', { data: { 'not valid': '' } }),
  ]),
  refused('service-ports', SERVICES, [
    service({ ports: [{ port: 80 }, { port: 81 }] }),
    service({
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    }),
    service({ ports: [{ port: 80, targetPort: 0 }] }),
    service({ ports: [{ port: 80, targetPort: 'Not_Valid' }] }),
    service({ ports: [{ port: 80, protocol: 'HTTP' }] }),
    service({ ports: [{ port: 80, nodePort: 80 }], type: 'NodePort' }),
    service({ ports: [{ port: 80, nodePort: 30_080 }] }),
  ]),
  refused('service-addresses', SERVICES, [
    service({ ports: [{ port: 80 }], clusterIP: 'x' }),
    service({ ports: [{ port: 80 }], clusterIP: '192.0.2.1' }),
    service({ type: 'ExternalName' }),
    service({ type: 'ExternalName', externalName: 'Not Valid' }),
    service({ ports: [{ port: 80 }], externalIPs: ['x'] }),
    service({ ports: [{ port: 80 }], sessionAffinity: 'Always' }),
    service({ ports: [{ port: 80 }], externalTrafficPolicy: 'Local' }),
    service({ ports: [{ port: 80 }], selector: { 'not valid!': 'x' } }),
  ]),
  refused('deployments', DEPLOYMENTS, [
    deployment({ selector: {} }),
    deployment({ selector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }),
    deployment({ strategy: { type: 'Slow' } }),
    deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    deployment({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    deployment({ strategy: { rollingUpdate: { maxSurge: 'x%' } } }),
    deployment({ minReadySeconds: -1, revisionHistoryLimit: -1 }),
    deployment({ progressDeadlineSeconds: 5, minReadySeconds: 5 }),
    make('apps/v1', 'Deployment', { spec: {} }),
    deployment({ template: { metadata: { labels }, spec: { containers: [container], restartPolicy: 'Never' } } }),
  ]),
  refused('stateful-sets', ns('apis/apps/v1', 'statefulsets'), [
    make('apps/v1', 'StatefulSet', { spec: { template } }),
    make('apps/v1', 'StatefulSet', { spec: { selector, template, podManagementPolicy: 'Any' } }),
    make('apps/v1', 'StatefulSet', { spec: { selector, template, updateStrategy: { type: 'Slow' } } }),
    make('apps/v1', 'StatefulSet', { spec: { selector, template, replicas: -1 } }),
  ]),
  refused('daemon-sets', ns('apis/apps/v1', 'daemonsets'), [
    make('apps/v1', 'DaemonSet', { spec: { template } }),
    make('apps/v1', 'DaemonSet', { spec: { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } }),
    make('apps/v1', 'DaemonSet', { spec: { selector, template, updateStrategy: { type: 'Slow' } } }),
  ]),
  refused('jobs', ns('apis/batch/v1', 'jobs'), [
    make('batch/v1', 'Job', { spec: { template } }),
    make('batch/v1', 'Job', {
      spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } }, parallelism: -1, backoffLimit: -1 },
    }),
    make('batch/v1', 'Job', { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } }, selector } }),
  ]),
  refused('cron-jobs', ns('apis/batch/v1', 'cronjobs'), [
    make('batch/v1', 'CronJob', {
      spec: { schedule: 'never', jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } } },
    }),
    make('batch/v1', 'CronJob', {
      spec: {
        schedule: '',
        concurrencyPolicy: 'Any',
        jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } },
      },
    }),
  ]),
  refused('autoscalers', ns('apis/autoscaling/v2', 'horizontalpodautoscalers'), [
    make('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 0 } }),
    make('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { scaleTargetRef: {}, minReplicas: 5, maxReplicas: 3 } }),
    make('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 3, metrics: [{ type: 'Resource' }] },
    }),
  ]),
  refused('disruption-budgets', ns('apis/policy/v1', 'poddisruptionbudgets'), [
    make('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, maxUnavailable: 1 } }),
    make('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: -1 } }),
    make('policy/v1', 'PodDisruptionBudget', { spec: { maxUnavailable: '150%' } }),
  ]),
  refused('network-policies', ns('apis/networking.k8s.io/v1', 'networkpolicies'), [
    make('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: { matchLabels: { a: 'not valid!' } } } }),
    make('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, policyTypes: ['Both'] } }),
    make('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, ingress: [{ ports: [{ port: 'Not_Valid' }], from: [{}] }] } }),
  ]),
  refused('roles', ns('apis/rbac.authorization.k8s.io/v1', 'roles'), [
    make('rbac.authorization.k8s.io/v1', 'Role', { rules: [{ verbs: [] }] }),
    make('rbac.authorization.k8s.io/v1', 'Role', { rules: [{ verbs: ['get'], apiGroups: [''] }] }),
    make('rbac.authorization.k8s.io/v1', 'Role', { rules: [{ verbs: ['get'], nonResourceURLs: ['/a'] }] }),
  ]),
  refused('role-bindings', ns('apis/rbac.authorization.k8s.io/v1', 'rolebindings'), [
    make('rbac.authorization.k8s.io/v1', 'RoleBinding', {}),
    make('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { apiGroup: 'x', kind: 'Role', name: 'r' } }),
    make('rbac.authorization.k8s.io/v1', 'RoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Other', name: '' },
      subjects: [{ kind: 'Robot', name: '' }],
    }),
  ]),
  refused('webhooks', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', [
    make('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', { webhooks: [{}] }),
    make('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {
      webhooks: [{ name: 'short', clientConfig: { url: 'http://x' }, sideEffects: 'Some', admissionReviewVersions: ['v1'] }],
    }),
    make('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {
      webhooks: [
        { name: 'a.b.c', clientConfig: {}, sideEffects: 'None', admissionReviewVersions: [], timeoutSeconds: 60, failurePolicy: 'Maybe' },
      ],
    }),
  ]),
  refused('definitions', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', [
    make('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      spec: { group: 'a.test', scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions: [] },
    }),
    make('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      metadata: { name: 'things.a.test' },
      spec: {
        group: 'a.test',
        scope: 'Global',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true }],
      },
    }),
    make('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      metadata: { name: 'things.a.test' },
      spec: {
        group: 'a.test',
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: { properties: { a: {} } } } }],
      },
    }),
  ]),
  refused('namespaces', '/api/v1/namespaces', [
    make('v1', 'Namespace', { metadata: { name: 'Not_Valid' } }),
    make('v1', 'Namespace', { metadata: { name: 'a.b' } }),
    make('v1', 'Namespace', { metadata: { name: 'default' } }),
    make('v1', 'Namespace', { metadata: {} }),
  ]),
  refused('ingresses', ns('apis/networking.k8s.io/v1', 'ingresses'), [
    make('networking.k8s.io/v1', 'Ingress', { spec: {} }),
    make('networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: '192.0.2.1', http: { paths: [{ path: 'a', backend: {} }] } }] } }),
  ]),
];
