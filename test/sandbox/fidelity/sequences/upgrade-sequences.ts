/** What Meshlift's adapters send for releases of Helm, gateways, tags and pinned objects. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  MUTATING,
  WIDGETS,
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
  webhooks,
  widget,
  type Body,
} from './request-builders.ts';

const BY = 'fieldManager=meshlift';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/{{ns}}/endpointslices';
const AUTOSCALERS = '/apis/autoscaling/v2/namespaces/{{ns}}/horizontalpodautoscalers';
const BUDGETS = '/apis/policy/v1/namespaces/{{ns}}/poddisruptionbudgets';
const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const FOREGROUND = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' };

/** A record as helm writes it. */
const record = (version: number, status: string, metadata: Body = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: `sh.helm.release.v1.gateway.v${String(version)}`,
    namespace: '{{ns}}',
    labels: { name: 'gateway', owner: 'helm', status, version: String(version), modifiedAt: '1700000000' },
    ...metadata,
  },
  type: 'helm.sh/release.v1',
  data: { release: 'SDRzSUFBQUFBQUFBQXdNQUFBQUFBQUFBQUFBPQ==' },
});

const recordPath = (version: number): string => `${CORE}/secrets/sh.helm.release.v1.gateway.v${String(version)}`;

/** Deletes as Meshlift does, and waits until the object is gone: what it owned goes first. */
const removed = (path: string): readonly PlayedRequest[] => [remove(path, FOREGROUND), getUntil(path, '/code', 404)];

const slice = (name: string, service: string, addresses: readonly string[]): Body => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: '{{ns}}', labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  endpoints: addresses.map((address, index) => ({
    addresses: [address],
    conditions: { ready: index === 0 },
    targetRef: { kind: 'Pod', namespace: '{{ns}}', name: `pod-${String(index)}` },
  })),
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
});

const autoscaler = (name: string, target: string): Body => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, namespace: '{{ns}}' },
  spec: {
    minReplicas: 2,
    maxReplicas: 5,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
  },
});

const service = (metadata: Body = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'gateway', namespace: '{{ns}}', ...metadata },
  spec: {
    type: 'LoadBalancer',
    loadBalancerClass: 'example.test/none',
    selector: { istio: 'gateway' },
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  },
});

const HELM_MARKS = {
  labels: { 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': 'gateway-1.28.2', app: 'gateway' },
  annotations: { 'meta.helm.sh/release-name': 'gateway', 'meta.helm.sh/release-namespace': '{{ns}}' },
};

/** The patch by which an object leaves its release. */
const WITHOUT_MARKS = {
  metadata: {
    labels: { 'app.kubernetes.io/managed-by': null, 'helm.sh/chart': null },
    annotations: { 'meta.helm.sh/release-name': null, 'meta.helm.sh/release-namespace': null },
  },
};

const releases: readonly RequestSequence[] = [
  {
    area: 'meshlift',
    name: 'release-records',
    about: 'Records of a release are found by their labels, set aside, taken away and brought back.',
    requests: [
      get(`${CORE}/secrets?labelSelector=owner%3Dhelm&limit=500`),
      post(`${CORE}/secrets?fieldManager=helm`, record(1, 'superseded')),
      post(`${CORE}/secrets?fieldManager=helm`, record(2, 'deployed')),
      get(`${CORE}/secrets?labelSelector=owner%3Dhelm%2Cname%3Dgateway&limit=500`),
      get(`${CORE}/secrets?labelSelector=owner%3Dhelm%2Cname%3Dother&limit=500`),
      get(recordPath(2)),
      ...removed(recordPath(1)),
      ...removed(recordPath(2)),
      remove(recordPath(2), FOREGROUND),
      post(`${CORE}/secrets?${BY}`, record(2, 'deployed')),
      post(`${CORE}/secrets?${BY}`, record(2, 'deployed')),
      put(recordPath(2), record(2, 'deployed', { resourceVersion: '{{11:/metadata/resourceVersion}}' })),
    ],
  },
  {
    area: 'meshlift',
    name: 'release-record-type',
    about: 'The type of a record cannot be changed, nor what a record must have left out.',
    requests: [
      post(`${CORE}/secrets?fieldManager=helm`, record(1, 'deployed')),
      mergePatch(`${recordPath(1)}?${BY}`, { type: 'Opaque' }),
      mergePatch(`${recordPath(1)}?${BY}`, { metadata: { labels: { status: 'pending-upgrade' } } }),
      post(`${CORE}/secrets?${BY}`, { ...record(2, 'deployed'), data: { release: 'not base64!' } }),
      get(`${CORE}/secrets?labelSelector=owner%3Dhelm%2Cstatus%21%3Ddeployed&limit=500`),
    ],
  },
  {
    area: 'meshlift',
    name: 'release-marks',
    about: 'What a gateway shares leaves its release: the Service keeps its address and everything else.',
    requests: [
      post(`${CORE}/services?fieldManager=helm`, service(HELM_MARKS)),
      post(`${CORE}/serviceaccounts?fieldManager=helm`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'gateway', namespace: '{{ns}}', ...HELM_MARKS },
      }),
      mergePatch(`${CORE}/services/gateway?${BY}`, WITHOUT_MARKS),
      mergePatch(`${CORE}/serviceaccounts/gateway?${BY}`, WITHOUT_MARKS),
      mergePatch(`${CORE}/services/gateway?${BY}`, WITHOUT_MARKS),
      mergePatch(`${CORE}/services/gateway?${BY}`, { metadata: HELM_MARKS }),
      get(`${CORE}/services/gateway`),
    ],
  },
];

const gateways: readonly RequestSequence[] = [
  {
    area: 'meshlift',
    name: 'ready-endpoints',
    about: 'The endpoints of a Service are found by its name.',
    requests: [
      post(`${SLICES}?${BY}`, slice('a', 'gateway', ['10.0.0.1', '10.0.0.2'])),
      post(`${SLICES}?${BY}`, slice('b', 'other', ['10.0.0.3'])),
      get(`${SLICES}?labelSelector=kubernetes.io%2Fservice-name%3Dgateway&limit=500`),
      get(`${SLICES}?labelSelector=kubernetes.io%2Fservice-name%3Dnone&limit=500`),
      post(`${SLICES}?${BY}`, slice('c', 'gateway', ['no address'])),
      mergePatch(`${SLICES}/a?${BY}`, { addressType: 'IPv6' }),
    ],
  },
  {
    area: 'meshlift',
    name: 'gateway-shares',
    about: 'The number of pods of a gateway is set, set again, and refused where it is none.',
    requests: [
      post(`${APPS}/deployments?fieldManager=helm`, deployment('gateway')),
      settled(`${APPS}/deployments/gateway`, 1),
      mergePatch(`${APPS}/deployments/gateway?${BY}`, { spec: { replicas: 0 } }),
      mergePatch(`${APPS}/deployments/gateway?${BY}`, { spec: { replicas: null, minReadySeconds: 1, paused: true } }),
      settled(`${APPS}/deployments/gateway`, 2),
      mergePatch(`${APPS}/deployments/gateway?${BY}`, { spec: { replicas: -1 } }),
      mergePatch(`${APPS}/deployments/gateway?${BY}`, { spec: { replicas: 'two' } }),
      mergePatch(`${APPS}/deployments/gateway?${BY}`, { spec: { replicas: 0 } }),
      settled(`${APPS}/deployments/gateway`, 3),
    ],
  },
  {
    area: 'meshlift',
    name: 'gateway-copy',
    about: 'A gateway is made beside another one: the label that keeps them apart, and a selector that does not fit.',
    requests: [
      post(
        `${APPS}/deployments?${BY}`,
        deployment('gateway-1-29', {
          selector: { matchLabels: { istio: 'gateway', 'meshlift.io/revision': '1-29' } },
          template: {
            metadata: { labels: { istio: 'gateway', 'meshlift.io/revision': '1-29', 'istio.io/rev': '1-29' } },
            spec: { containers: [{ name: 'istio-proxy', image: 'auto' }], securityContext: { sysctls: [] } },
          },
        }),
      ),
      settled(`${APPS}/deployments/gateway-1-29`, 1),
      mergePatch(`${APPS}/deployments/gateway-1-29?${BY}`, { spec: { selector: { matchLabels: { 'meshlift.io/revision': '1-30' } } } }),
      mergePatch(`${APPS}/deployments/gateway-1-29?${BY}`, { spec: { template: { metadata: { labels: { istio: 'other' } } } } }),
      post(`${APPS}/deployments?${BY}`, deployment('gateway-1-29')),
      ...removed(`${APPS}/deployments/gateway-1-29`),
    ],
  },
  {
    area: 'meshlift',
    name: 'autoscaler-bounds',
    about: 'An autoscaler is held at a count, given back, copied, and refused where its bounds make no sense.',
    requests: [
      post(`${AUTOSCALERS}?fieldManager=helm`, autoscaler('gateway', 'none')),
      mergePatch(`${AUTOSCALERS}/gateway?${BY}`, { spec: { minReplicas: 3, maxReplicas: 3 } }),
      mergePatch(`${AUTOSCALERS}/gateway?${BY}`, { spec: { minReplicas: 4, maxReplicas: 3 } }),
      mergePatch(`${AUTOSCALERS}/gateway?${BY}`, { spec: { minReplicas: 0, maxReplicas: 3 } }),
      mergePatch(`${AUTOSCALERS}/gateway?${BY}`, { spec: { maxReplicas: null } }),
      mergePatch(`${AUTOSCALERS}/gateway?${BY}`, { spec: { minReplicas: 2, maxReplicas: 5 } }),
      post(`${AUTOSCALERS}?${BY}`, autoscaler('gateway-1-29', 'none')),
      ...removed(`${AUTOSCALERS}/gateway`),
    ],
  },
  {
    area: 'meshlift',
    name: 'gateway-budget',
    about: 'A budget of a gateway is made, read and replaced.',
    requests: [
      post(`${BUDGETS}?fieldManager=helm`, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'gateway', namespace: '{{ns}}', ...HELM_MARKS },
        spec: { minAvailable: 1, selector: { matchLabels: { istio: 'gateway' } } },
      }),
      getUntil(`${BUDGETS}/gateway`, '/status/observedGeneration', 1),
      mergePatch(`${BUDGETS}/gateway?${BY}`, WITHOUT_MARKS),
      mergePatch(`${BUDGETS}/gateway?${BY}`, { spec: { maxUnavailable: 1 } }),
      mergePatch(`${BUDGETS}/gateway?${BY}`, { spec: { minAvailable: null, maxUnavailable: 1 } }),
    ],
  },
];

const tagged = (labels: Body, failurePolicy?: string): Body => webhooks({ 'istio.io/tag': 'prod', ...labels }, failurePolicy);
const TAG = `${MUTATING}/sbx-fid-{{id}}`;

const tags: readonly RequestSequence[] = [
  {
    area: 'meshlift',
    name: 'tag-set',
    about: 'A tag of a Helm release is applied by istioctl, by force, replaced whole by a run, and given back.',
    requests: [
      apply(`${TAG}?fieldManager=helm&force=true`, tagged({ 'istio.io/rev': '1-28', 'operator.istio.io/component': 'Pilot' }, 'Fail')),
      apply(`${TAG}?fieldManager=istio-ci`, tagged({ 'istio.io/rev': '1-29' }, 'Ignore')),
      apply(`${TAG}?fieldManager=istio-ci&force=true`, tagged({ 'istio.io/rev': '1-29' }, 'Ignore')),
      get(TAG),
      put(`${TAG}?${BY}`, {
        ...tagged({ 'istio.io/rev': '1-29' }, 'Fail'),
        metadata: {
          name: 'sbx-fid-{{id}}',
          labels: { 'istio.io/tag': 'prod', 'istio.io/rev': '1-29' },
          resourceVersion: '{{3:/metadata/resourceVersion}}',
        },
      }),
      put(`${TAG}?${BY}`, {
        ...tagged({}),
        metadata: { name: 'sbx-fid-{{id}}', resourceVersion: '{{3:/metadata/resourceVersion}}' },
      }),
      ...removed(TAG),
    ],
    cleanup: [remove(TAG)],
  },
  {
    area: 'meshlift',
    name: 'default-validator',
    about: 'The validator of the default points to another service, in one write.',
    requests: [
      post(`${VALIDATING}?fieldManager=helm`, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'sbx-fid-{{id}}', labels: { 'istio.io/rev': 'default', 'istio.io/tag': 'default' } },
        webhooks: [
          {
            name: 'validation.{{id}}.test',
            clientConfig: { service: { name: 'istiod-1-28', namespace: '{{ns}}', path: '/validate' } },
            rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['nothing.{{id}}.test'], apiVersions: ['*'], resources: ['*'] }],
            failurePolicy: 'Ignore',
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      }),
      mergePatch(`${VALIDATING}/sbx-fid-{{id}}?${BY}`, {
        metadata: { resourceVersion: '{{0:/metadata/resourceVersion}}', labels: { 'istio.io/rev': '1-29' } },
      }),
      mergePatch(`${VALIDATING}/sbx-fid-{{id}}?${BY}`, { metadata: { resourceVersion: '{{0:/metadata/resourceVersion}}' } }),
      mergePatch(`${VALIDATING}/sbx-fid-{{id}}?${BY}`, { webhooks: [{ name: 'validation.{{id}}.test' }] }),
    ],
    cleanup: [remove(`${VALIDATING}/sbx-fid-{{id}}`)],
  },
];

const pinned: readonly RequestSequence[] = [
  {
    area: 'meshlift',
    name: 'pinned-copy',
    about: 'An object that one revision obeys is copied under another name, and the copy taken away.',
    requests: [
      ...makeCrd,
      post(`${WIDGETS}?fieldManager=kubectl`, widget('filter', { size: 2 }, { labels: { 'istio.io/rev': '1-28' } })),
      get(`${WIDGETS}/filter-1-29`),
      post(`${WIDGETS}?${BY}`, widget('filter-1-29', { size: 2 }, { labels: { 'istio.io/rev': '1-29' } })),
      post(`${WIDGETS}?${BY}`, widget('filter-1-29', { size: 3 })),
      get(`${WIDGETS}?labelSelector=istio.io%2Frev&limit=500`),
      ...removed(`${WIDGETS}/filter-1-29`),
      get(`${WIDGETS}?labelSelector=istio.io%2Frev%3D1-29&limit=500`),
    ],
    cleanup: dropCrd,
  },
];

export const upgradeSequences: readonly RequestSequence[] = [...releases, ...gateways, ...tags, ...pinned];
