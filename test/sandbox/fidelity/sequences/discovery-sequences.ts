/** What a server says that it serves, and who somebody is. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { get, post } from './request-builders.ts';

const VERSIONS = [
  'api/v1',
  'apis/apps/v1',
  'apis/batch/v1',
  'apis/autoscaling/v1',
  'apis/autoscaling/v2',
  'apis/policy/v1',
  'apis/networking.k8s.io/v1',
  'apis/rbac.authorization.k8s.io/v1',
  'apis/admissionregistration.k8s.io/v1',
  'apis/apiextensions.k8s.io/v1',
  'apis/coordination.k8s.io/v1',
  'apis/discovery.k8s.io/v1',
  'apis/events.k8s.io/v1',
  'apis/storage.k8s.io/v1',
  'apis/authorization.k8s.io/v1',
  'apis/authentication.k8s.io/v1',
];

export const discoverySequences: readonly RequestSequence[] = [
  ...VERSIONS.map((path): RequestSequence => ({
    area: 'discovery',
    name: path.replaceAll('/', '-'),
    about: `The resources of ${path}.`,
    requests: [get(`/${path}`), ...(path.startsWith('apis/') ? [get(`/${path.split('/').slice(0, 2).join('/')}`)] : []), get(`/${path}/`)],
  })),
  {
    area: 'discovery',
    name: 'health',
    about: 'kubectl get --raw of the paths that say whether the server is well.',
    requests: [get('/healthz', '*/*'), get('/livez', '*/*'), get('/readyz', '*/*'), get('/none', '*/*')],
  },
  {
    area: 'discovery',
    name: 'who-am-i',
    about: 'kubectl auth whoami and can-i, as somebody else.',
    requests: [
      {
        ...post('/apis/authentication.k8s.io/v1/selfsubjectreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
        headers: { 'impersonate-user': 'ann', 'impersonate-group': 'g' },
      },
      {
        ...post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { nonResourceAttributes: { path: '/metrics', verb: 'get' } },
        }),
        headers: { 'impersonate-user': 'ann' },
      },
      post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: 'ann', groups: ['g'], resourceAttributes: { verb: 'get', resource: 'pods' } },
      }),
      post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {},
      }),
      post('/apis/authorization.k8s.io/v1/namespaces/{{ns}}/localsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'LocalSubjectAccessReview',
        metadata: { namespace: '{{ns}}' },
        spec: { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods', namespace: '{{ns}}' } },
      }),
    ],
  },
];
