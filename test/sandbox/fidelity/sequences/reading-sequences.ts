/** How Meshlift looks at a mesh: lists of every kind, whole or as metadata, page by page. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  CRDS,
  WIDGETS,
  configMap,
  deployment,
  dropCrd,
  get,
  makeCrd,
  post,
  remove,
  settled,
  widget,
  type Body,
} from './request-builders.ts';

export const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const ONE_METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** Kinds that a look at the mesh reads in all namespaces; here only the sequence's own. */
const LISTED: readonly (readonly [group: string, plural: string])[] = [
  ['api/v1', 'pods'],
  ['api/v1', 'services'],
  ['api/v1', 'configmaps'],
  ['api/v1', 'secrets'],
  ['apis/apps/v1', 'deployments'],
  ['apis/apps/v1', 'statefulsets'],
  ['apis/apps/v1', 'daemonsets'],
  ['apis/apps/v1', 'replicasets'],
  ['apis/batch/v1', 'jobs'],
  ['apis/batch/v1', 'cronjobs'],
  ['apis/policy/v1', 'poddisruptionbudgets'],
  ['apis/autoscaling/v2', 'horizontalpodautoscalers'],
  ['apis/networking.k8s.io/v1', 'networkpolicies'],
  ['apis/rbac.authorization.k8s.io/v1', 'roles'],
  ['apis/rbac.authorization.k8s.io/v1', 'rolebindings'],
  ['apis/coordination.k8s.io/v1', 'leases'],
];

const template: Body = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'example.test/app:1' }] } };

const replicaSet = (name: string): Body => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: '{{ns}}', labels: { app: 'web' } },
  spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template },
});

const labelledMaps: readonly PlayedRequest[] = ['a', 'b', 'c', 'd', 'e'].map((name) =>
  post(`${CORE}/configmaps?fieldManager=setup`, configMap(name, { k: name }, { labels: { 'istio.io/rev': '1-28' } })),
);

const PAGES = `${CORE}/configmaps?labelSelector=istio.io%2Frev&limit=2`;

export const readingSequences: readonly RequestSequence[] = [
  ...LISTED.map(([group, plural]): RequestSequence => ({
    area: 'meshlift',
    name: `list-${plural}`,
    about: `${plural} are listed, in a namespace, in all of them, and as metadata.`,
    requests: [
      get(`/${group}/namespaces/{{ns}}/${plural}?limit=500&labelSelector=no.such%2Flabel`),
      get(`/${group}/${plural}?limit=500&fieldSelector=metadata.namespace%3D{{ns}}&labelSelector=no.such%2Flabel`),
      get(`/${group}/${plural}?labelSelector=no.such%2Flabel&limit=500`, METADATA_ONLY),
      get(`/${group}/namespaces/none-{{id}}/${plural}?limit=500`),
      get(`/${group}/namespaces/{{ns}}/${plural}/none`),
    ],
  })),
  {
    area: 'meshlift',
    name: 'list-cluster-kinds',
    about: 'Kinds without a namespace are listed by a label.',
    requests: [
      get('/api/v1/namespaces?limit=500&labelSelector=kubernetes.io%2Fmetadata.name%3D{{ns}}'),
      get('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500&labelSelector=no.such%2Flabel'),
      get('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?limit=500&labelSelector=no.such%2Flabel'),
      get('/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=500&labelSelector=no.such%2Flabel'),
      get('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?limit=500&labelSelector=no.such%2Flabel'),
      get(`${CRDS}?limit=500&labelSelector=no.such%2Flabel`),
      get('/api/v1/namespaces/none-{{id}}'),
      get(`${CRDS}/nothings.{{id}}.test`),
    ],
  },
  {
    area: 'meshlift',
    name: 'list-pages',
    about: 'A long list is read page by page, while one of its objects goes away.',
    requests: [
      ...labelledMaps,
      get(PAGES),
      get(`${PAGES}&continue={{5:/metadata/continue}}`),
      get(`${PAGES}&continue={{6:/metadata/continue}}`),
      remove(`${CORE}/configmaps/c`),
      get(`${PAGES}&continue={{5:/metadata/continue}}`),
      get(`${PAGES}&continue=nonsense`),
      get(`${PAGES}&continue={{5:/metadata/continue}}&resourceVersion={{5:/metadata/resourceVersion}}`),
    ],
  },
  {
    area: 'meshlift',
    name: 'list-custom-pages',
    about: 'A list of custom resources is read page by page.',
    requests: [
      ...makeCrd,
      post(WIDGETS, widget('a', { size: 1 }, { labels: { 'istio.io/rev': '1-28' } })),
      post(WIDGETS, widget('b', { size: 2 })),
      get(`${WIDGETS}?limit=1`),
      get(`${WIDGETS}?limit=1&continue={{4:/metadata/continue}}`),
      get(`${WIDGETS}?limit=500`),
      get(`/apis/{{id}}.test/v1/widgets?limit=500&labelSelector=istio.io%2Frev`, METADATA_ONLY),
      get(`${WIDGETS}/a`),
      get(`${WIDGETS}/a`, ONE_METADATA),
      get(`${WIDGETS}?limit=500&labelSelector=none`),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'list-metadata',
    about: 'ReplicaSets are read as metadata, the ones without an owner whole.',
    requests: [
      post(`${APPS}/replicasets?fieldManager=setup`, replicaSet('web-1')),
      settled(`${APPS}/replicasets/web-1`, 1),
      get(`${APPS}/replicasets?limit=500`, METADATA_ONLY),
      get(`/apis/apps/v1/replicasets?fieldSelector=metadata.namespace%3D{{ns}}&limit=500`, METADATA_ONLY),
      get(`${APPS}/replicasets/web-1`),
      get(`${APPS}/replicasets/web-1`, ONE_METADATA),
      get(`${APPS}/replicasets/none`, ONE_METADATA),
    ],
  },
  {
    area: 'meshlift',
    name: 'read-workload',
    about: 'A workload and its pods are read by its selector.',
    requests: [
      post(`${APPS}/deployments?fieldManager=setup`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      get(`${APPS}/deployments/web`),
      get(`${CORE}/pods?limit=500&labelSelector=app%3Dweb%2Ctier+in+%28a%2Cb%29%2Ctrack+notin+%28c%29%2Cx%2C%21y`),
      get(`${APPS}/deployments?limit=500`),
      get(`${APPS}/deployments?limit=500`, METADATA_ONLY),
    ],
  },
  {
    area: 'meshlift',
    name: 'read-served-kinds',
    about: 'Groups and kinds that a cluster may lack.',
    requests: [
      get('/apis/none.{{id}}.test/v1alpha1/rollouts?limit=500'),
      get('/apis/none.{{id}}.test/v1/gateways?labelSelector=istio.io%2Frev&limit=500', METADATA_ONLY),
      get('/apis/apps'),
      get('/apis/none.{{id}}.test'),
    ],
  },
];
