/** Rules of the API server that only show when versions, subresources and controllers meet. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  CRDS,
  apply,
  deployment,
  dropCrd,
  get,
  getUntil,
  makeCrd,
  mergePatch,
  post,
  put,
  remove,
  settled,
  strategicPatch,
  widgetCrd,
  type Body,
} from './request-builders.ts';

const HPA1 = '/apis/autoscaling/v1/namespaces/{{ns}}/horizontalpodautoscalers';
const HPA2 = '/apis/autoscaling/v2/namespaces/{{ns}}/horizontalpodautoscalers';
const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles';

const corner = (name: string, about: string, requests: readonly PlayedRequest[], cleanup?: readonly PlayedRequest[]): RequestSequence => ({
  area: 'kubectl',
  name: `corner-${name}`,
  about,
  requests,
  ...(cleanup === undefined ? {} : { cleanup }),
});

const service = (spec: Body): Body => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: '{{ns}}' }, spec });

const autoscaler = (version: string, spec: Body): Body => ({
  apiVersion: `autoscaling/${version}`,
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h', namespace: '{{ns}}' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' }, maxReplicas: 3, ...spec },
});

const clusterRole = (name: string, rest: Body): Body => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: `sbx-fid-${name}-{{id}}`, ...rest },
});

const gated: Body = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: '{{ns}}' },
  spec: { schedulingGates: [{ name: 'fidelity.test/wait' }], containers: [{ name: 'app', image: 'example.test/app:1' }] },
};

export const cornerSequences: readonly RequestSequence[] = [
  corner('autoscaler-versions', 'An autoscaler is applied in one version and in the other, without being stored.', [
    apply(`${HPA1}/h?fieldManager=one&dryRun=All`, autoscaler('v1', { targetCPUUtilizationPercentage: 50 })),
    apply(
      `${HPA2}/h?fieldManager=one&dryRun=All`,
      autoscaler('v2', {
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      }),
    ),
    post(`${HPA2}?dryRun=All`, autoscaler('v2', { metrics: [] })),
  ]),
  corner('scale-owners', 'Who owns the number of replicas after scaling.', [
    apply(`${APPS}/deployments/web?fieldManager=one`, deployment('web')),
    settled(`${APPS}/deployments/web`, 1),
    put(`${APPS}/deployments/web/scale?fieldManager=two&dryRun=All`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web', namespace: '{{ns}}' },
      spec: { replicas: 2 },
    }),
    put(`${APPS}/deployments/web/scale?fieldManager=two`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'other', namespace: '{{ns}}' },
      spec: { replicas: 0 },
    }),
    put(`${APPS}/deployments/web/scale?fieldManager=two`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web', namespace: '{{ns}}' },
      spec: {},
    }),
    get(`${APPS}/deployments/web`),
  ]),
  corner('service-external', 'Addresses from outside and the policy for traffic from there.', [
    post(`${CORE}/services`, service({ ports: [{ port: 80 }], externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' })),
    mergePatch(`${CORE}/services/s`, { spec: { externalIPs: null } }),
    mergePatch(`${CORE}/services/s`, { spec: { type: 'NodePort' } }),
    mergePatch(`${CORE}/services/s`, { spec: { type: 'ClusterIP' } }),
    mergePatch(`${CORE}/services/s`, { spec: { selector: {} } }),
    strategicPatch(`${CORE}/services/s`, { spec: { ports: [{ port: 80, $patch: 'delete' }, { port: 90 }] } }),
  ]),
  corner(
    'aggregated-role',
    'The rules of an aggregated role are written by a controller.',
    [
      post(ROLES, {
        ...clusterRole('part', { labels: { 'fidelity.test/part': '{{id}}' } }),
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
      }),
      post(ROLES, {
        ...clusterRole('whole', {}),
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'fidelity.test/part': '{{id}}' } }] },
      }),
      getUntil(`${ROLES}/sbx-fid-whole-{{id}}`, '/rules/0/verbs/0', 'get'),
    ],
    [remove(`${ROLES}/sbx-fid-part-{{id}}`), remove(`${ROLES}/sbx-fid-whole-{{id}}`)],
  ),
  corner('conditions', 'Conditions that are written by hand.', [
    post(`${CORE}/pods`, gated),
    mergePatch(`${CORE}/pods/p/status`, {
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'A', status: 'False', message: '', reason: 'r' },
        ],
      },
    }),
    strategicPatch(`${CORE}/pods/p/status`, { status: { conditions: [{ type: 'A', status: 'True' }] } }),
    post('/apis/policy/v1/namespaces/{{ns}}/poddisruptionbudgets?dryRun=All', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b' },
      spec: { minAvailable: 0 },
      status: { conditions: [{ type: 'a', status: 'True', message: '', reason: 'r', lastTransitionTime: null }] },
    }),
  ]),
  corner('binding', 'A pod is bound by hand, once.', [
    post(`${CORE}/pods`, { ...gated, spec: { containers: [{ name: 'app', image: 'example.test/app:1' }], schedulerName: 'nobody' } }),
    post(`${CORE}/pods/p/binding?dryRun=All`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'p' },
      target: { kind: 'Node', name: 'none' },
    }),
    post(`${CORE}/pods/none/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'none' },
      target: { kind: 'Node', name: 'none' },
    }),
    post(`${CORE}/pods/p/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Pod', name: 'none' } }),
    get(`${CORE}/pods/p`),
  ]),
  corner(
    'definition-update',
    'What may be changed of a definition.',
    [
      ...makeCrd,
      mergePatch(`${CRDS}/widgets.{{id}}.test`, { spec: { scope: 'Cluster' } }),
      mergePatch(`${CRDS}/widgets.{{id}}.test`, { spec: { group: 'other.test' } }),
      mergePatch(`${CRDS}/widgets.{{id}}.test`, { spec: { names: { shortNames: ['wg'] } } }),
      mergePatch(`${CRDS}/widgets.{{id}}.test`, { spec: { versions: [] } }),
      put(`${CRDS}/widgets.{{id}}.test`, widgetCrd()),
    ],
    dropCrd,
  ),
];
