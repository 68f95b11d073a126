/** The other verbs of kubectl, and of helm, by the requests that they send. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  TABLE,
  apply,
  configMap,
  deployment,
  get,
  getUntil,
  jsonPatch,
  mergePatch,
  post,
  put,
  remove,
  settled,
  strategicPatch,
  type Body,
} from './request-builders.ts';

const CREATE = 'fieldManager=kubectl-create&fieldValidation=Strict';
const ACCOUNT = `${CORE}/serviceaccounts/robot`;

const container = { name: 'app', image: 'example.test/app:1' };
/** A gate keeps the scheduler away. */
const gated = (name: string, metadata: Body = {}, spec: Body = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: '{{ns}}', ...metadata },
  spec: { schedulingGates: [{ name: 'fidelity.test/wait' }], containers: [container], ...spec },
});

const kubectl = (name: string, about: string, requests: readonly PlayedRequest[]): RequestSequence => ({
  area: 'kubectl',
  name,
  about,
  requests,
});
const helm = (name: string, about: string, requests: readonly PlayedRequest[]): RequestSequence => ({
  area: 'helm',
  name,
  about,
  requests,
});

const token = (spec: Body): PlayedRequest =>
  post(`${ACCOUNT}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
const robot = post(`${CORE}/serviceaccounts?${CREATE}`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } });

const release = (version: number, status: string): Body => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: `sh.helm.release.v1.demo.v${String(version)}`,
    labels: { name: 'demo', owner: 'helm', status, version: String(version) },
  },
  type: 'helm.sh/release.v1',
  data: { release: 'SDRzSUFBQUFBQUFDLzE=' },
});

const SSA = 'fieldManager=helm&fieldValidation=Strict&force=false';

export const kubectlVerbSequences: readonly RequestSequence[] = [
  kubectl('run', 'kubectl run, then describe, label and delete of the pod.', [
    post(`${CORE}/pods?fieldManager=kubectl-run`, gated('p', { labels: { run: 'p' } })),
    get(`${CORE}/pods/p`),
    get(
      `${CORE}/events?fieldSelector=involvedObject.name%3Dp%2CinvolvedObject.namespace%3D{{ns}}%2CinvolvedObject.uid%3D{{0:/metadata/uid}}&limit=500`,
    ),
    get(`${CORE}/pods?limit=500`, TABLE),
    mergePatch(`${CORE}/pods/p?fieldManager=kubectl-label`, { metadata: { labels: { x: '1' } } }),
    remove(`${CORE}/pods/p`, { propagationPolicy: 'Background' }),
    get(`${CORE}/pods/p`),
  ]),
  kubectl('pod-changes', 'What may be changed of a pod, and what not.', [
    post(`${CORE}/pods`, gated('p')),
    strategicPatch(`${CORE}/pods/p`, { spec: { containers: [{ name: 'app', image: 'example.test/app:2' }] } }),
    strategicPatch(`${CORE}/pods/p`, { spec: { containers: [{ name: 'app', command: ['x'] }] } }),
    mergePatch(`${CORE}/pods/p`, { spec: { hostNetwork: true } }),
    mergePatch(`${CORE}/pods/p`, { spec: { activeDeadlineSeconds: 5 } }),
    mergePatch(`${CORE}/pods/p`, { spec: { activeDeadlineSeconds: 9 } }),
    mergePatch(`${CORE}/pods/p/status`, { status: { phase: 'Running', message: 'm' } }),
    jsonPatch(`${CORE}/pods/p`, [{ op: 'add', path: '/spec/tolerations/-', value: { key: 'a', operator: 'Exists' } }]),
    remove(`${CORE}/pods/p?gracePeriodSeconds=0`),
  ]),
  kubectl('evict', 'kubectl drain evicts a pod.', [
    post(`${CORE}/pods`, gated('p')),
    post(`${CORE}/pods/p/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p', namespace: '{{ns}}' } }),
    post(`${CORE}/pods/none/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'none', namespace: '{{ns}}' } }),
    post(`${CORE}/pods/p/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'p', namespace: '{{ns}}' },
      deleteOptions: { gracePeriodSeconds: 0 },
    }),
    getUntil(`${CORE}/pods/p`, '/code', 404),
  ]),
  kubectl('logs-of-waiting-pod', 'kubectl logs and exec of a pod that does not run.', [
    post(`${CORE}/pods`, gated('p')),
    get(`${CORE}/pods/none/log?container=app`),
    get(`${CORE}/pods/p/log?container=none`),
    get(`${CORE}/pods/p/log?container=app&tailLines=-1`),
    get(`${CORE}/pods/none/exec?command=ls`),
  ]),
  kubectl('create-token', 'kubectl create token.', [
    robot,
    token({}),
    token({ audiences: ['a'], expirationSeconds: 3600 }),
    token({ expirationSeconds: 60 }),
    token({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'none' } }),
    post(`${CORE}/serviceaccounts/none/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  ]),
  kubectl('create-from-literals', 'kubectl create configmap, secret, quota, role and binding.', [
    post(`${CORE}/configmaps?${CREATE}`, configMap('c', { a: 'b' })),
    post(`${CORE}/secrets?${CREATE}`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', creationTimestamp: null },
      data: { a: 'Yg==' },
    }),
    post(`/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/roles?${CREATE}`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r', creationTimestamp: null },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    }),
    post(`/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/rolebindings?${CREATE}`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: 'b' }],
    }),
    get(`${CORE}/secrets?limit=500`, TABLE),
    get('/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/roles?limit=500', TABLE),
    get('/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/rolebindings?limit=500', TABLE),
  ]),
  kubectl('expose', 'kubectl expose, with tables of services.', [
    post(`${CORE}/services?fieldManager=kubectl-expose`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', creationTimestamp: null },
      spec: { ports: [{ protocol: 'TCP', port: 80, targetPort: 8080 }], selector: { app: 'web' } },
      status: { loadBalancer: {} },
    }),
    get(`${CORE}/services/s`),
    mergePatch(`${CORE}/services/s`, { spec: { clusterIP: '192.0.2.9' } }),
    mergePatch(`${CORE}/services/s`, { spec: { type: 'ExternalName', externalName: 'example.test' } }),
    mergePatch(`${CORE}/services/s`, { spec: { selector: null } }),
    put(`${CORE}/services/s`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
    }),
    remove(`${CORE}/services/s`),
  ]),
  kubectl('yaml', 'kubectl get -o yaml, and bodies in YAML.', [
    {
      method: 'POST',
      path: `${CORE}/configmaps`,
      headers: { 'content-type': 'application/yaml' },
      body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: "1", b: "yes"}\n',
    },
    get(`${CORE}/configmaps/c`, 'application/yaml'),
    { method: 'POST', path: `${CORE}/configmaps`, headers: { 'content-type': 'application/yaml' }, body: 'a: [' },
    {
      method: 'PATCH',
      path: `${CORE}/configmaps/c?fieldManager=m`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  z: |\n    text\n',
    },
  ]),
  kubectl('diff', 'kubectl diff asks for dry runs.', [
    post(`${CORE}/configmaps?fieldManager=kubectl-client-side-apply`, configMap('c', { a: '1' })),
    strategicPatch(`${CORE}/configmaps/c?dryRun=All&fieldManager=kubectl-client-side-apply`, { data: { a: '2' } }),
    apply(`${CORE}/configmaps/c?dryRun=All&fieldManager=kubectl&force=true`, configMap('c', { a: '3' })),
    apply(`${CORE}/configmaps/d?dryRun=All&fieldManager=kubectl&force=true`, configMap('d', { a: '3' })),
    put(`${CORE}/configmaps/c?dryRun=All`, configMap('c', { z: '1' })),
    get(`${CORE}/configmaps/c`),
    get(`${CORE}/configmaps/d`),
  ]),
  kubectl('edit', 'kubectl edit sends what was changed.', [
    post(`${APPS}/deployments?${CREATE}`, deployment('web')),
    settled(`${APPS}/deployments/web`, 1),
    strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-edit&fieldValidation=Strict`, { spec: { minReadySeconds: 2 } }),
    settled(`${APPS}/deployments/web`, 2),
    strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-edit&fieldValidation=Strict`, { spec: { typo: 2 } }),
    strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-edit`, { spec: { replicas: 'two' } }),
    strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-edit`, { spec: { template: { spec: { containers: [{ image: 'x' }] } } } }),
  ]),
  kubectl('status', 'kubectl patch --subresource=status.', [
    post(`${APPS}/deployments?${CREATE}`, deployment('web')),
    settled(`${APPS}/deployments/web`, 1),
    get(`${APPS}/deployments/web/status`),
    mergePatch(`${APPS}/deployments/web/status?fieldManager=kubectl-patch`, { status: { collisionCount: 1 }, spec: { paused: false } }),
    get(`${APPS}/deployments/web`),
  ]),
  kubectl('cascade', 'kubectl delete --cascade=orphan and foreground.', [
    post(`${APPS}/deployments?${CREATE}`, deployment('web')),
    settled(`${APPS}/deployments/web`, 1),
    remove(`${APPS}/deployments/web`, { propagationPolicy: 'Orphan' }),
    getUntil(`${APPS}/deployments/web`, '/code', 404),
    post(`${APPS}/deployments?${CREATE}`, deployment('other')),
    settled(`${APPS}/deployments/other`, 1),
    remove(`${APPS}/deployments/other?propagationPolicy=Foreground`),
    getUntil(`${APPS}/deployments/other`, '/code', 404),
    remove(`${APPS}/deployments/other`, { propagationPolicy: 'Foreground', orphanDependents: true }),
  ]),
  kubectl('replace-force', 'kubectl replace --force deletes and makes again.', [
    post(`${CORE}/configmaps`, configMap('c', { a: '1' })),
    remove(`${CORE}/configmaps/c`, { gracePeriodSeconds: 0, propagationPolicy: 'Background' }),
    post(`${CORE}/configmaps?fieldManager=kubectl-replace`, configMap('c', { a: '2' })),
    put(`${CORE}/configmaps/c`, { ...configMap('c', { a: '3' }), metadata: { name: 'c', uid: '{{0:/metadata/uid}}' } }),
    put(`${CORE}/configmaps/c`, {
      ...configMap('c', { a: '3' }),
      metadata: { name: 'c', creationTimestamp: '2020-01-01T00:00:00Z', generation: 7, selfLink: '/x' },
    }),
  ]),
  kubectl('immutable', 'Fields that may not be changed any more.', [
    post(`${CORE}/configmaps`, { ...configMap('c', { a: '1' }), immutable: true }),
    mergePatch(`${CORE}/configmaps/c`, { data: { a: '2' } }),
    mergePatch(`${CORE}/configmaps/c`, { immutable: false }),
    mergePatch(`${CORE}/configmaps/c`, { metadata: { labels: { a: 'b' } } }),
    post(`${CORE}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, type: 'Opaque' }),
    mergePatch(`${CORE}/secrets/s`, { type: 'other' }),
    mergePatch(`${CORE}/configmaps/c`, { metadata: { uid: '00000000-0000-4000-8000-000000000000' } }),
    mergePatch(`${CORE}/configmaps/c`, { metadata: { namespace: 'other' } }),
  ]),
  kubectl('generate-name', 'kubectl create of an object with generateName.', [
    post(`${CORE}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } }),
    post(`${CORE}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-', name: 'named' } }),
    apply(`${CORE}/configmaps/x?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } }),
  ]),
  kubectl('namespaces', 'kubectl create, label and delete of a namespace.', [
    post(`/api/v1/namespaces?${CREATE}&dryRun=All`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'sbx-fid-other-{{id}}', creationTimestamp: null },
      spec: {},
      status: {},
    }),
    mergePatch('/api/v1/namespaces/{{ns}}?fieldManager=kubectl-label', {
      metadata: { labels: { 'kubernetes.io/metadata.name': 'other' } },
    }),
    mergePatch('/api/v1/namespaces/{{ns}}?fieldManager=kubectl-label', { metadata: { labels: { 'kubernetes.io/metadata.name': null } } }),
    get('/api/v1/namespaces?fieldSelector=metadata.name%3D{{ns}}&limit=500', TABLE),
    get('/api/v1/namespaces?fieldSelector=status.phase%3DActive%2Cmetadata.name%3D{{ns}}'),
    remove('/api/v1/namespaces/kube-system'),
    remove('/api/v1/namespaces/{{ns}}?dryRun=All'),
    get(`${CORE}/resourcequotas?limit=500`),
    get(`${CORE}/limitranges?limit=500`),
  ]),
  kubectl('strategic-lists', 'Strategic merges of lists with keys, of values, and with directives.', [
    post(`${APPS}/deployments`, deployment('web')),
    settled(`${APPS}/deployments/web`, 1),
    strategicPatch(`${APPS}/deployments/web?dryRun=All`, {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'app', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] },
              { name: 'b', image: 'b' },
            ],
          },
        },
      },
    }),
    strategicPatch(`${APPS}/deployments/web?dryRun=All`, { metadata: { finalizers: ['a.b/c'], $patch: 'merge' } }),
    strategicPatch(`${APPS}/deployments/web?dryRun=All`, { metadata: { labels: { $patch: 'replace', x: 'y' } } }),
    strategicPatch(`${APPS}/deployments/web?dryRun=All`, { metadata: { labels: { $patch: 'guess' } } }),
    strategicPatch(`${APPS}/deployments/web?dryRun=All`, {
      spec: { template: { spec: { containers: [{ $patch: 'replace' }, { name: 'n', image: 'n' }] } } },
    }),
    strategicPatch(`${APPS}/deployments/web`, '{"spec":'),
    strategicPatch(`${APPS}/deployments/web`, '[]'),
  ]),
  kubectl('merge-patches', 'Merge patches that are none.', [
    post(`${CORE}/configmaps`, configMap('c', { a: '1' })),
    mergePatch(`${CORE}/configmaps/c`, '{'),
    mergePatch(`${CORE}/configmaps/c`, '[]'),
    mergePatch(`${CORE}/configmaps/c`, '{}'),
    mergePatch(`${CORE}/configmaps/c`, { data: { a: 1 } }),
    mergePatch(`${CORE}/configmaps/c`, { data: null }),
    mergePatch(`${CORE}/configmaps/c`, { kind: 'Secret' }),
    mergePatch(`${CORE}/configmaps/c`, { apiVersion: 'v2' }),
    mergePatch(`${CORE}/configmaps/c?fieldManager=${'m'.repeat(129)}`, {}),
    mergePatch(`${CORE}/configmaps/c?force=true`, {}),
    mergePatch(`${CORE}/configmaps/c`, ''),
  ]),
  kubectl('options', 'Parameters that are not valid.', [
    post(`${CORE}/configmaps?fieldValidation=Loose`, configMap('c', {})),
    post(`${CORE}/configmaps?dryRun=all`, configMap('c', {})),
    apply(`${CORE}/configmaps/c?fieldManager=m&force=maybe`, configMap('c', {})),
    get(`${CORE}/configmaps?resourceVersion=1&resourceVersionMatch=Exact`),
    get(`${CORE}/configmaps?resourceVersionMatch=NotOlderThan`),
    get(`${CORE}/configmaps?resourceVersion=999999999999&resourceVersionMatch=NotOlderThan&limit=0&timeoutSeconds=1`),
    get(`${CORE}/configmaps?labelSelector=a+near+(b)`),
    get(`${CORE}/configmaps?labelSelector=-a`),
    remove(`${CORE}/configmaps/c?gracePeriodSeconds=x`),
    remove(`${CORE}/configmaps/c?propagationPolicy=Later`),
  ]),
  kubectl('workload-tables', 'kubectl get all.', [
    post(`${CORE}/pods`, gated('p', { labels: { app: 'x' } }, { initContainers: [{ name: 'i', image: 'example.test/i' }] })),
    get(`${CORE}/pods?limit=500`, TABLE),
    get(`${CORE}/services?limit=500`, TABLE),
    get(`${CORE}/replicationcontrollers?limit=500`, TABLE),
    get(`${APPS}/daemonsets?limit=500`, TABLE),
    get(`${APPS}/replicasets?limit=500`, TABLE),
    get(`${APPS}/statefulsets?limit=500`, TABLE),
    get('/apis/autoscaling/v2/namespaces/{{ns}}/horizontalpodautoscalers?limit=500', TABLE),
    get('/apis/batch/v1/namespaces/{{ns}}/cronjobs?limit=500', TABLE),
    get('/apis/batch/v1/namespaces/{{ns}}/jobs?limit=500', TABLE),
    get(`${CORE}/pods?includeObject=Object&labelSelector=app%3Dx`, TABLE),
    get(`${CORE}/pods?includeObject=None&labelSelector=app%3Dx`, TABLE),
  ]),
  helm('release-storage', 'helm keeps its releases in Secrets.', [
    get(`${CORE}/secrets?labelSelector=name%3Ddemo%2Cowner%3Dhelm`),
    post(`${CORE}/secrets`, release(1, 'pending-install')),
    post(`${CORE}/secrets`, release(1, 'pending-install')),
    put(`${CORE}/secrets/sh.helm.release.v1.demo.v1`, release(1, 'deployed')),
    get(`${CORE}/secrets?labelSelector=name%3Ddemo%2Cowner%3Dhelm%2Cstatus+in+%28deployed%2Cfailed%29`),
    get(`${CORE}/secrets?labelSelector=owner%3Dhelm`, TABLE),
    mergePatch(`${CORE}/secrets/sh.helm.release.v1.demo.v1`, { type: 'Opaque' }),
    remove(`${CORE}/secrets/sh.helm.release.v1.demo.v1`),
  ]),
  helm('install', 'helm applies the objects of a chart on the server.', [
    apply(`${CORE}/serviceaccounts/sa?${SSA}`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: 'sa',
        namespace: '{{ns}}',
        annotations: { 'meta.helm.sh/release-name': 'demo' },
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
      },
    }),
    apply(`${APPS}/deployments/web?${SSA}`, deployment('web', {}, { annotations: { 'meta.helm.sh/release-name': 'demo' } })),
    settled(`${APPS}/deployments/web`, 1),
    apply(`${CORE}/configmaps/c?${SSA}`, { ...configMap('c', { a: '1' }), typo: true }),
    apply(`${CORE}/configmaps/c?${SSA}`, { ...configMap('c', { a: '1' }), status: null }),
  ]),
  helm('upgrade', 'helm upgrades, is in conflict with kubectl, and forces its way.', [
    apply(`${APPS}/deployments/web?${SSA}`, deployment('web', { minReadySeconds: 1 })),
    settled(`${APPS}/deployments/web`, 1),
    mergePatch(`${APPS}/deployments/web?fieldManager=kubectl-edit`, { spec: { minReadySeconds: 2 } }),
    settled(`${APPS}/deployments/web`, 2),
    apply(`${APPS}/deployments/web?${SSA}`, deployment('web', { minReadySeconds: 3 })),
    apply(`${APPS}/deployments/web?${SSA.replace('false', 'true')}`, deployment('web', { minReadySeconds: 3 })),
    settled(`${APPS}/deployments/web`, 3),
    mergePatch(`${APPS}/deployments/web/scale?fieldManager=kubectl`, { spec: { replicas: 0 } }),
    apply(`${APPS}/deployments/web?${SSA}`, deployment('web')),
    settled(`${APPS}/deployments/web`, 4),
  ]),
  helm('uninstall', 'helm deletes in the background.', [
    apply(`${CORE}/configmaps/c?${SSA}`, configMap('c', { a: '1' })),
    remove(`${CORE}/configmaps/c`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }),
    remove(`${CORE}/configmaps/c`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }),
    remove(`${CORE}/configmaps/c`, { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', propagationPolicy: 'Background' }),
  ]),
];
