/** What Meshlift's own adapters send (src/adapters/kubernetes), with what may stand in their way. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  CRDS,
  MUTATING,
  WIDGETS,
  apply,
  configMap,
  deployment,
  dropCrd,
  get,
  makeCrd,
  mergePatch,
  post,
  put,
  remove,
  settled,
  webhooks,
  widget,
  widgetCrd,
  type Body,
} from './request-builders.ts';

const NAMESPACE = '/api/v1/namespaces/{{ns}}';
const BY = 'fieldManager=meshlift';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/{{ns}}/leases';
const RESTART = 'kubectl.kubernetes.io/restartedAt';

const lease = (holderIdentity: string, metadata: Body = {}): Body => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'meshlift', namespace: '{{ns}}', labels: { 'app.kubernetes.io/name': 'meshlift' }, ...metadata },
  spec: {
    holderIdentity,
    leaseDurationSeconds: 30,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:00.000000Z',
    leaseTransitions: 1,
  },
});

const review = (attributes: Body): Body => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  spec: { resourceAttributes: attributes },
});

const dropWebhooks = [remove(`${MUTATING}/sbx-fid-{{id}}`)];

const piece = (index: number, uid: string): Body => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: `run.events-${String(index)}`,
    namespace: '{{ns}}',
    labels: { 'meshlift.io/run': 'run', 'meshlift.io/piece': 'events' },
    ownerReferences: [{ apiVersion: '{{id}}.test/v1', kind: 'Widget', name: 'run', uid }],
  },
  data: { index: String(index), driver: 'me' },
  binaryData: { gzip: 'H4sIAAAAAAAAAw==' },
});

const probePod = (metadata: Body, securityContext: Body = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'meshlift-probe-', namespace: '{{ns}}', ...metadata },
  spec: {
    containers: [{ name: 'probe', image: 'meshlift.invalid/probe', securityContext }],
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  },
});

export const meshliftSequences: readonly RequestSequence[] = [
  {
    area: 'meshlift',
    name: 'namespace-labels',
    about: 'The revision label of a namespace is set, set again, and taken away.',
    requests: [
      get(NAMESPACE),
      mergePatch(`${NAMESPACE}?${BY}`, {
        metadata: { labels: { 'istio.io/rev': '1-28' }, resourceVersion: '{{0:/metadata/resourceVersion}}' },
      }),
      mergePatch(`${NAMESPACE}?${BY}`, { metadata: { labels: { 'istio.io/rev': '1-28' } } }),
      mergePatch(`${NAMESPACE}?${BY}`, { metadata: { labels: { 'istio.io/rev': null, 'istio-injection': 'enabled' } } }),
      get(NAMESPACE),
    ],
  },
  {
    area: 'meshlift',
    name: 'namespace-labels-conflict',
    about: 'Somebody else has changed the namespace in between.',
    requests: [
      get(NAMESPACE),
      mergePatch(`${NAMESPACE}?fieldManager=kubectl-label`, { metadata: { labels: { team: 'a' } } }),
      mergePatch(`${NAMESPACE}?${BY}`, {
        metadata: { labels: { 'istio.io/rev': '1-28' }, resourceVersion: '{{0:/metadata/resourceVersion}}' },
      }),
      mergePatch(`/api/v1/namespaces/none-{{id}}?${BY}`, { metadata: { labels: { a: 'b' } } }),
    ],
  },
  {
    area: 'meshlift',
    name: 'apply-webhooks',
    about: 'A tag is applied, applied again, and moved to another service.',
    requests: [
      apply(`${MUTATING}/sbx-fid-{{id}}?${BY}`, webhooks({ 'istio.io/tag': 'prod' })),
      apply(`${MUTATING}/sbx-fid-{{id}}?${BY}`, webhooks({ 'istio.io/tag': 'prod' })),
      apply(`${MUTATING}/sbx-fid-{{id}}?${BY}`, webhooks({ 'istio.io/tag': 'prod', 'istio.io/rev': '1-29' }, 'Fail')),
      get(`${MUTATING}/sbx-fid-{{id}}`),
    ],
    cleanup: dropWebhooks,
  },
  {
    area: 'meshlift',
    name: 'apply-webhooks-conflict',
    about: 'istiod owns the failure policy; an apply of another one is refused, forced, and given up again.',
    requests: [
      apply(`${MUTATING}/sbx-fid-{{id}}?fieldManager=helm`, webhooks({ app: 'a' }, 'Ignore')),
      mergePatch(`${MUTATING}/sbx-fid-{{id}}?fieldManager=pilot-discovery`, {
        webhooks: (webhooks({}, 'Fail')['webhooks'] ?? null) as unknown,
      }),
      apply(`${MUTATING}/sbx-fid-{{id}}?fieldManager=helm`, webhooks({ app: 'a' }, 'Ignore')),
      apply(`${MUTATING}/sbx-fid-{{id}}?fieldManager=helm&force=true`, webhooks({ app: 'a' }, 'Ignore')),
      apply(`${MUTATING}/sbx-fid-{{id}}?fieldManager=helm`, webhooks({})),
    ],
    cleanup: dropWebhooks,
  },
  {
    area: 'meshlift',
    name: 'apply-unknown-namespace',
    about: 'What is applied belongs to a namespace that is not there.',
    requests: [apply(`/api/v1/namespaces/none-{{id}}/configmaps/c?${BY}`, configMap('c', { a: '1' }, { namespace: 'none-{{id}}' }))],
  },
  {
    area: 'meshlift',
    name: 'restart',
    about: 'A workload is restarted by the mark in its template.',
    requests: [
      post(`${APPS}/deployments?fieldManager=somebody`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      mergePatch(`${APPS}/deployments/web?${BY}`, {
        metadata: { resourceVersion: '{{1:/metadata/resourceVersion}}', uid: '{{1:/metadata/uid}}' },
        spec: { template: { metadata: { annotations: { [RESTART]: 'run-1' } } } },
      }),
      settled(`${APPS}/deployments/web`, 2),
      get(`${CORE}/pods?labelSelector=app%3Dweb&limit=500`),
    ],
  },
  {
    area: 'meshlift',
    name: 'restart-conflict',
    about: 'The workload has been made anew, or changed, since it was read.',
    requests: [
      post(`${APPS}/deployments?fieldManager=somebody`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      mergePatch(`${APPS}/deployments/web?${BY}`, {
        metadata: { uid: '00000000-0000-4000-8000-000000000000' },
        spec: { minReadySeconds: 1 },
      }),
      mergePatch(`${APPS}/deployments/web?${BY}`, { metadata: { resourceVersion: '1' }, spec: { minReadySeconds: 1 } }),
      get(`${APPS}/deployments/none`),
    ],
  },
  {
    area: 'meshlift',
    name: 'put-object',
    about: 'An object is made, then replaced by its resourceVersion, then by one that is too old.',
    requests: [
      get(`${CORE}/configmaps/c`),
      post(`${CORE}/configmaps?${BY}`, configMap('c', { a: '1', b: '1' })),
      put(`${CORE}/configmaps/c?${BY}`, configMap('c', { a: '2' }, { resourceVersion: '{{1:/metadata/resourceVersion}}' })),
      put(`${CORE}/configmaps/c?${BY}`, configMap('c', { a: '3' }, { resourceVersion: '{{1:/metadata/resourceVersion}}' })),
      put(`${CORE}/configmaps/c?${BY}`, configMap('c', { a: '4' })),
      put(`${CORE}/configmaps/other?${BY}`, configMap('c', { a: '4' })),
      put(`${CORE}/configmaps/none?${BY}`, configMap('none', { a: '4' }, { resourceVersion: '1' })),
    ],
  },
  {
    area: 'meshlift',
    name: 'delete-object',
    about: 'Objects are deleted, with and without waiting for what they own.',
    requests: [
      post(`${CORE}/configmaps`, configMap('c', {})),
      remove(`${CORE}/configmaps/c?propagationPolicy=Background`),
      remove(`${CORE}/configmaps/c?propagationPolicy=Background`),
      post(`${CORE}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's' } }),
      remove(`${CORE}/serviceaccounts/s`, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: '00000000-0000-4000-8000-000000000000' },
      }),
      remove(`${CORE}/serviceaccounts/s`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: '1' } }),
      remove(`${CORE}/serviceaccounts/s`, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Sideways' }),
      remove(`${CORE}/serviceaccounts/s`),
    ],
  },
  {
    area: 'meshlift',
    name: 'probe-pod',
    about: 'A pod is made as a dry run, to see whether it is injected.',
    requests: [
      post(
        `${CORE}/pods?dryRun=All`,
        probePod(
          { labels: { 'sidecar.istio.io/inject': 'false' } },
          { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
        ),
      ),
      get(`${CORE}/pods?limit=500`),
      mergePatch(`${NAMESPACE}?${BY}`, { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }),
      {
        ...post(`${CORE}/pods?dryRun=All`, probePod({ labels: { 'sidecar.istio.io/inject': 'false' } })),
        until: { pointer: '/code', equals: 403 },
      },
    ],
  },
  {
    area: 'meshlift',
    name: 'access-reviews',
    about: 'May I?',
    requests: [
      post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review({ verb: 'patch', group: '', resource: 'namespaces' })),
      post(
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        review({ verb: 'create', group: '', resource: 'pods', subresource: 'portforward', namespace: 'a' }),
      ),
      post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {},
      }),
    ],
  },
  {
    area: 'meshlift',
    name: 'run-lock',
    about: 'The lease of a run is taken, renewed, lost and given back.',
    requests: [
      get(`${LEASES}/meshlift`),
      post(`${LEASES}?${BY}`, lease('me')),
      post(`${LEASES}?${BY}`, lease('you')),
      put(`${LEASES}/meshlift?${BY}`, lease('me', { resourceVersion: '{{1:/metadata/resourceVersion}}' })),
      put(`${LEASES}/meshlift?${BY}`, lease('you', { resourceVersion: '{{1:/metadata/resourceVersion}}' })),
      put(`${LEASES}/meshlift?${BY}`, lease('', { resourceVersion: '{{3:/metadata/resourceVersion}}' })),
      get(`${LEASES}/meshlift`),
    ],
  },
  {
    area: 'meshlift',
    name: 'run-definition',
    about: 'The definition of runs is applied, read and applied again.',
    requests: [
      get(`${CRDS}/widgets.{{id}}.test`),
      get(`${WIDGETS}?limit=1`),
      apply(`${CRDS}/widgets.{{id}}.test?${BY}&force=true`, widgetCrd()),
      { ...get(`${CRDS}/widgets.{{id}}.test`), until: { pointer: '/status/conditions/1/status', equals: 'True' } },
      { ...get(`${WIDGETS}?limit=1`), until: { pointer: '/kind', equals: 'WidgetList' } },
      apply(`${CRDS}/widgets.{{id}}.test?${BY}&force=true`, widgetCrd()),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'run-record',
    about: 'A run is made, its state is written, it is paused and resumed.',
    requests: [
      ...makeCrd,
      post(`${WIDGETS}?${BY}`, widget('run', { size: 2 }, { labels: { 'app.kubernetes.io/name': 'meshlift' } })),
      post(`${WIDGETS}?${BY}`, widget('run')),
      mergePatch(`${WIDGETS}/run/status?${BY}`, { status: { phase: 'running', driver: 'me' } }),
      mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: true } }),
      mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: null } }),
      mergePatch(`${WIDGETS}/run/status?${BY}`, { status: { phase: 'running', driver: 'me' } }),
      mergePatch(`${WIDGETS}/none/status?${BY}`, { status: { phase: 'running' } }),
      mergePatch(`${WIDGETS}/none?${BY}`, { spec: { paused: true } }),
      get(`${WIDGETS}?limit=500`),
      remove(`${WIDGETS}/run?propagationPolicy=Background`),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'run-record-invalid',
    about: 'A run that its definition does not allow, and fields that it does not know.',
    requests: [
      ...makeCrd,
      post(`${WIDGETS}?${BY}`, widget('run', { size: 0 })),
      post(`${WIDGETS}?${BY}`, widget('run', { size: 'many' })),
      post(`${WIDGETS}?${BY}`, widget('Run')),
      post(`${WIDGETS}?${BY}&fieldValidation=Strict`, widget('run', { typo: 1 })),
      post(`${WIDGETS}?${BY}&fieldValidation=Warn`, widget('run', { typo: 1, free: { any: [1] } })),
      apply(`${WIDGETS}/run?fieldManager=other`, widget('run', { ports: [{ port: 1 }, { port: 1 }] })),
      apply(`${WIDGETS}/run?fieldManager=other`, widget('run', { ports: [{ port: 1, name: 'a' }] })),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'run-journal',
    about: 'Pieces of the journal are made, made twice, written over and found by their label.',
    requests: [
      ...makeCrd,
      post(`${WIDGETS}?${BY}`, widget('run')),
      post(`${CORE}/configmaps?${BY}`, piece(0, '{{2:/metadata/uid}}')),
      post(`${CORE}/configmaps?${BY}`, piece(0, '{{2:/metadata/uid}}')),
      put(`${CORE}/configmaps/run.events-0?${BY}`, piece(0, '{{2:/metadata/uid}}')),
      post(`${CORE}/configmaps?${BY}`, piece(1, '{{2:/metadata/uid}}')),
      get(`${CORE}/configmaps?labelSelector=meshlift.io%2Frun%3Drun&limit=500`),
      get(`${CORE}/secrets?labelSelector=meshlift.io%2Frun%3Drun&limit=500`),
      get(`${CORE}/configmaps?labelSelector=meshlift.io%2Frun%3Drun&limit=1`),
      get(`${CORE}/configmaps?labelSelector=meshlift.io%2Frun%3Drun&limit=1&continue={{9:/metadata/continue}}`),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'resources-of-groups',
    about: 'Which resources a group has, and groups that are not there.',
    requests: [
      ...makeCrd,
      get('/apis/{{id}}.test'),
      get('/apis/{{id}}.test/v1'),
      get('/apis/none.{{id}}.test'),
      get('/apis/{{id}}.test/v9'),
      get('/api/v1/nothings'),
    ],
    cleanup: dropCrd,
  },
];
