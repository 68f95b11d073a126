/** What Meshlift sends as somebody with few rights: refusals, and the rights that mend them. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  CRDS,
  MUTATING,
  apply,
  configMap,
  deployment,
  get,
  mergePatch,
  post,
  put,
  remove,
  widgetCrd,
  type Body,
} from './request-builders.ts';

const BY = 'fieldManager=meshlift';
const USER = { 'impersonate-user': 'sbx-fid-user', 'impersonate-group': 'sbx-fid-group' };
const REVIEWS = '/apis/authorization.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}';

const asUser = (request: PlayedRequest): PlayedRequest => ({ ...request, headers: { ...request.headers, ...USER } });

const review = (attributes: Body): PlayedRequest =>
  post(`${REVIEWS}/selfsubjectaccessreviews`, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: attributes },
  });

/** The binding is noticed by the server a moment later. */
const allowedSoon = (attributes: Body): PlayedRequest => ({
  ...asUser(review(attributes)),
  until: { pointer: '/status/allowed', equals: true },
});

const role = (rules: readonly Body[]): readonly PlayedRequest[] => [
  post(`${RBAC}/roles`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules }),
  post(`${RBAC}/rolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'r' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
    subjects: [{ kind: 'User', name: 'sbx-fid-user', apiGroup: 'rbac.authorization.k8s.io' }],
  }),
];

const forbidden = (name: string, about: string, requests: readonly PlayedRequest[]): RequestSequence => ({
  area: 'meshlift',
  name: `forbidden-${name}`,
  about,
  requests: requests.map(asUser),
});

export const accessSequences: readonly RequestSequence[] = [
  forbidden('reads', 'Lists and objects that a user may not read.', [
    get('/api/v1/pods?limit=500'),
    get(`${CORE}/pods?limit=500`),
    get('/api/v1/namespaces?limit=500'),
    get('/api/v1/namespaces/{{ns}}'),
    get('/api/v1/namespaces/kube-system'),
    get('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500'),
    get('/apis/none.{{id}}.test/v1/nothings?limit=500'),
    get(`${CORE}/nothings/a`),
    get(`${APPS}/deployments/web`),
    get(`${CORE}/pods/p/log`),
  ]),
  forbidden('namespace-labels', 'A user may not label a namespace.', [
    mergePatch(`/api/v1/namespaces/{{ns}}?${BY}`, { metadata: { labels: { 'istio.io/rev': '1-29' } } }),
    mergePatch(`/api/v1/namespaces/none-{{id}}?${BY}`, { metadata: { labels: {} } }),
  ]),
  forbidden('applies', 'A user may not apply what a control plane is made of.', [
    apply(`${CORE}/configmaps/c?${BY}`, configMap('c', { a: '1' })),
    apply(`${MUTATING}/sbx-fid-{{id}}?${BY}`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'sbx-fid-{{id}}' },
    }),
    apply(`${CRDS}/widgets.{{id}}.test?${BY}&force=true`, widgetCrd()),
    apply(`${APPS}/deployments/web?${BY}`, deployment('web')),
  ]),
  forbidden('writes', 'A user may not create, replace or delete.', [
    post(`${CORE}/configmaps?${BY}`, configMap('c', {})),
    put(`${CORE}/configmaps/c?${BY}`, configMap('c', {})),
    remove(`${CORE}/configmaps/c`, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' }),
    remove(`${CORE}/configmaps`),
    post(`${CORE}/pods?dryRun=All`, { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-' }, spec: {} }),
    mergePatch(`${APPS}/deployments/web?${BY}`, { spec: {} }),
    mergePatch(`${APPS}/deployments/web/scale?${BY}`, { spec: { replicas: 1 } }),
    post('/apis/coordination.k8s.io/v1/namespaces/{{ns}}/leases', {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'meshlift' },
    }),
  ]),
  forbidden('streams', 'A user may not reach the ports of a pod.', [
    get(`${CORE}/pods/p/portforward`),
    post(`${CORE}/pods/p/portforward`, ''),
    get(`${CORE}/pods/p/exec?command=ls`),
  ]),
  forbidden('reviews', 'Everybody may ask what he may.', [
    review({ verb: 'list', group: '', resource: 'pods' }),
    review({ verb: 'patch', group: '', resource: 'namespaces', name: '{{ns}}' }),
    review({ verb: 'create', group: 'meshlift.io', resource: 'meshupgrades', namespace: '{{ns}}' }),
    review({ verb: '*', group: '*', resource: '*' }),
  ]),
  ...(
    [
      ['list', '', 'pods'],
      ['get', '', 'namespaces'],
      ['patch', 'apps', 'deployments'],
      ['create', 'coordination.k8s.io', 'leases'],
      ['update', '', 'configmaps'],
      ['delete', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
      ['patch', 'meshlift.io', 'meshupgrades'],
    ] as const
  ).map(([verb, group, resource]): RequestSequence => ({
    area: 'meshlift',
    name: `may-i-${verb}-${resource}`,
    about: `May I ${verb} ${resource}, everywhere, here, one of them, and a part of one?`,
    requests: [
      review({ verb, group, resource }),
      review({ verb, group, resource, namespace: '{{ns}}' }),
      review({ verb, group, resource, name: 'a' }),
      review({ verb, group, resource, subresource: 'status', namespace: '{{ns}}' }),
      asUser(review({ verb, group, resource, namespace: '{{ns}}' })),
    ],
  })),
  {
    area: 'meshlift',
    name: 'granted-reads',
    about: 'A role in one namespace gives a user just that.',
    requests: [
      ...role([{ apiGroups: ['', 'apps'], resources: ['pods', 'deployments'], verbs: ['get', 'list'] }]),
      allowedSoon({ verb: 'list', group: '', resource: 'pods', namespace: '{{ns}}' }),
      asUser(get(`${CORE}/pods?limit=500`)),
      asUser(get(`${APPS}/deployments/none`)),
      asUser(get('/api/v1/pods?limit=500')),
      asUser(get(`${CORE}/configmaps?limit=500`)),
      asUser(get(`${CORE}/pods?watch=true`)),
      asUser(review({ verb: 'list', group: '', resource: 'pods' })),
    ],
  },
  {
    area: 'meshlift',
    name: 'granted-by-name',
    about: 'A role for one object by its name.',
    requests: [
      post(`${CORE}/configmaps`, configMap('c', { a: '1' })),
      ...role([{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['c'], verbs: ['get', 'patch', 'update'] }]),
      allowedSoon({ verb: 'patch', group: '', resource: 'configmaps', name: 'c', namespace: '{{ns}}' }),
      asUser(mergePatch(`${CORE}/configmaps/c?${BY}`, { data: { a: '2' } })),
      asUser(apply(`${CORE}/configmaps/d?${BY}`, configMap('d', {}))),
      asUser(get(`${CORE}/configmaps?fieldSelector=metadata.name%3Dc`)),
      asUser(remove(`${CORE}/configmaps/c`)),
    ],
  },
  {
    area: 'meshlift',
    name: 'granted-no-create',
    about: 'Who may patch but not create cannot apply what is not there, and gives no rights that he lacks.',
    requests: [
      ...role([
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'patch'] },
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['*'] },
      ]),
      allowedSoon({ verb: 'patch', group: '', resource: 'configmaps', namespace: '{{ns}}' }),
      asUser(apply(`${CORE}/configmaps/c?${BY}`, configMap('c', { a: '1' }))),
      asUser(
        apply(`${RBAC}/roles/more?${BY}`, {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'more' },
          rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
        }),
      ),
      asUser(
        apply(`${RBAC}/rolebindings/more?${BY}`, {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'more' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
          subjects: [{ kind: 'User', name: 'x', apiGroup: 'rbac.authorization.k8s.io' }],
        }),
      ),
    ],
  },
];
