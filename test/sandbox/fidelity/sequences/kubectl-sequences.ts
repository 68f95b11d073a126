/** What kubectl sends, by the traces of its commands, and what people do wrong with it. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import {
  APPS,
  CORE,
  TABLE,
  WIDGETS,
  apply,
  configMap,
  deployment,
  dropCrd,
  get,
  jsonPatch,
  makeCrd,
  mergePatch,
  post,
  put,
  remove,
  settled,
  strategicPatch,
  widget,
  type Body,
} from './request-builders.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const CLIENT_SIDE = 'fieldManager=kubectl-client-side-apply&fieldValidation=Strict';
const SERVER_SIDE = 'fieldManager=kubectl&fieldValidation=Strict&force=false';

const service = (spec: Body): Body => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: '{{ns}}' }, spec });

export const kubectlSequences: readonly RequestSequence[] = [
  {
    area: 'kubectl',
    name: 'apply-client-side',
    about: 'kubectl apply: made, then changed with a strategic merge patch.',
    requests: [
      get(`${APPS}/deployments/web`),
      post(`${APPS}/deployments?${CLIENT_SIDE}`, deployment('web', {}, { annotations: { [LAST_APPLIED]: '{}' } })),
      settled(`${APPS}/deployments/web`, 1),
      strategicPatch(`${APPS}/deployments/web?${CLIENT_SIDE}`, {
        metadata: { annotations: { [LAST_APPLIED]: '{"changed":true}' } },
        spec: {
          template: {
            spec: {
              '$setElementOrder/containers': [{ name: 'sidecar' }, { name: 'app' }],
              containers: [
                { name: 'sidecar', image: 'example.test/sidecar:1' },
                { name: 'app', env: [{ name: 'A', value: '1' }] },
              ],
            },
          },
        },
      }),
      settled(`${APPS}/deployments/web`, 2),
      strategicPatch(`${APPS}/deployments/web?${CLIENT_SIDE}`, {
        spec: {
          template: { spec: { '$setElementOrder/containers': [{ name: 'app' }], containers: [{ $patch: 'delete', name: 'sidecar' }] } },
        },
      }),
      settled(`${APPS}/deployments/web`, 3),
    ],
  },
  {
    area: 'kubectl',
    name: 'apply-server-side',
    about: 'kubectl apply --server-side: made, the same again, and less.',
    requests: [
      apply(`${APPS}/deployments/web?${SERVER_SIDE}`, deployment('web', { minReadySeconds: 5 })),
      settled(`${APPS}/deployments/web`, 1),
      apply(`${APPS}/deployments/web?${SERVER_SIDE}`, deployment('web')),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', { a: '1', b: '1' })),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', { a: '1', b: '1' })),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', { a: '2' })),
      apply(`${CORE}/configmaps/c?fieldManager=other&force=false`, configMap('c', { a: '3', z: '1' })),
      apply(`${CORE}/configmaps/c?fieldManager=other&force=true`, configMap('c', { a: '3', z: '1' })),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', {})),
    ],
  },
  {
    area: 'kubectl',
    name: 'apply-server-side-refused',
    about: 'Configurations that cannot be applied.',
    requests: [
      apply(`${CORE}/configmaps/c`, configMap('c', { a: '1' })),
      apply(`${CORE}/configmaps/c?fieldManager=m`, { ...configMap('c', {}), metadata: { name: 'c', managedFields: [] } }),
      apply(`${CORE}/configmaps/c?fieldManager=m`, { ...configMap('c', {}), kind: 'Secret' }),
      apply(`${CORE}/configmaps/c?fieldManager=m`, configMap('d', { a: '1' })),
      apply(`${CORE}/configmaps/c?fieldManager=m`, configMap('c', { a: 1 })),
      apply(`${APPS}/deployments/web?fieldManager=m`, deployment('web', { typo: 1 })),
      apply(`${APPS}/deployments/web?fieldManager=m&fieldValidation=Strict`, deployment('web', { typo: 1 })),
      apply(`${CORE}/configmaps/c?fieldManager=m`, configMap('c', { a: '1' }, { resourceVersion: '1' })),
      apply(`${CORE}/configmaps/c?fieldManager=m`, '{"apiVersion":'),
    ],
  },
  {
    area: 'kubectl',
    name: 'client-side-to-server-side',
    about: 'An object of client-side apply is taken over by server-side apply.',
    requests: [
      post(
        `${CORE}/configmaps?${CLIENT_SIDE}`,
        configMap(
          'c',
          { a: '1' },
          {
            annotations: {
              [LAST_APPLIED]: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"{{ns}}"},"data":{"a":"1"}}',
            },
          },
        ),
      ),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', { a: '2' })),
      apply(`${CORE}/configmaps/c?fieldManager=kubectl-last-applied&fieldValidation=Strict`, {
        ...configMap('c', {}),
        metadata: { name: 'c', namespace: '{{ns}}', annotations: { [LAST_APPLIED]: '{"kept":true}' } },
      }),
      jsonPatch(`${CORE}/configmaps/c?fieldManager=kubectl&fieldValidation=Strict`, [
        { op: 'replace', path: '/metadata/managedFields', value: [] },
        { op: 'replace', path: '/metadata/resourceVersion', value: '{{1:/metadata/resourceVersion}}' },
      ]),
      get(`${CORE}/configmaps/c`),
      jsonPatch(`${CORE}/configmaps/c?fieldManager=kubectl`, [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]),
      apply(`${CORE}/configmaps/c?${SERVER_SIDE}`, configMap('c', { a: '2' })),
    ],
  },
  {
    area: 'kubectl',
    name: 'label-and-annotate',
    about: 'kubectl label and annotate.',
    requests: [
      post(`${CORE}/configmaps?fieldManager=kubectl-create&fieldValidation=Strict`, configMap('c', { a: '1' })),
      mergePatch(`${CORE}/configmaps/c?fieldManager=kubectl-label`, { metadata: { labels: { x: '1' } } }),
      mergePatch(`${CORE}/configmaps/c?fieldManager=kubectl-annotate`, { metadata: { annotations: { y: 'why' } } }),
      mergePatch(`${CORE}/configmaps/c?fieldManager=kubectl-label`, { metadata: { labels: { x: null } } }),
      mergePatch(`${CORE}/configmaps/c?fieldManager=kubectl-label`, { metadata: { labels: { 'not valid!': '1' } } }),
      mergePatch(`${CORE}/configmaps/c?fieldManager=kubectl-label`, { metadata: { labels: { x: 'not valid!' } } }),
    ],
  },
  {
    area: 'kubectl',
    name: 'scale',
    about: 'kubectl scale.',
    requests: [
      post(`${APPS}/deployments?fieldManager=kubectl-create`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      get(`${APPS}/deployments/web/scale`),
      mergePatch(`${APPS}/deployments/web/scale?fieldManager=kubectl`, { spec: { replicas: 0 } }),
      mergePatch(`${APPS}/deployments/web/scale?fieldManager=kubectl`, { spec: { replicas: -1 } }),
      mergePatch(`${APPS}/deployments/none/scale`, { spec: { replicas: 1 } }),
    ],
  },
  {
    area: 'kubectl',
    name: 'set-image-and-restart',
    about: 'kubectl set image, rollout restart, rollout pause.',
    requests: [
      post(`${APPS}/deployments?fieldManager=kubectl-create`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-set`, {
        spec: {
          template: {
            spec: { '$setElementOrder/containers': [{ name: 'app' }], containers: [{ image: 'example.test/app:2', name: 'app' }] },
          },
        },
      }),
      settled(`${APPS}/deployments/web`, 2),
      strategicPatch(`${APPS}/deployments/web?fieldManager=kubectl-rollout`, {
        spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' } } } },
      }),
      settled(`${APPS}/deployments/web`, 3),
      strategicPatch(`${APPS}/deployments/web`, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }),
      settled(`${APPS}/deployments/web`, 4),
    ],
  },
  {
    area: 'kubectl',
    name: 'json-patch',
    about: 'kubectl patch --type json.',
    requests: [
      post(`${CORE}/configmaps`, configMap('c', { a: '1' }, { labels: { x: '1' } })),
      jsonPatch(`${CORE}/configmaps/c?fieldManager=kubectl-patch`, [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/b', value: '2' },
        { op: 'move', from: '/data/a', path: '/data/c' },
        { op: 'copy', from: '/data/b', path: '/data/d' },
        { op: 'remove', path: '/metadata/labels/x' },
      ]),
      jsonPatch(`${CORE}/configmaps/c`, [{ op: 'test', path: '/data/b', value: '1' }]),
      jsonPatch(`${CORE}/configmaps/c`, [{ op: 'remove', path: '/data/none' }]),
      jsonPatch(`${CORE}/configmaps/c`, [{ op: 'replace', path: '/none/none', value: 1 }]),
      jsonPatch(`${CORE}/configmaps/c`, { op: 'remove', path: '/data/b' }),
      jsonPatch(`${CORE}/configmaps/c`, [{ op: 'guess', path: '/data/b' }]),
      jsonPatch(`${CORE}/configmaps/c`, [{ op: 'replace', path: '/metadata/name', value: 'd' }]),
    ],
  },
  {
    area: 'kubectl',
    name: 'replace',
    about: 'kubectl replace and edit.',
    requests: [
      post(`${APPS}/deployments?fieldManager=kubectl-create`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      put(`${APPS}/deployments/web?fieldManager=kubectl-replace&fieldValidation=Strict`, deployment('web', { minReadySeconds: 3 })),
      settled(`${APPS}/deployments/web`, 2),
      put(`${APPS}/deployments/web?fieldManager=kubectl-replace`, deployment('web', { selector: { matchLabels: { app: 'other' } } })),
      put(`${APPS}/deployments/web?fieldManager=kubectl-replace`, deployment('web', {}, { resourceVersion: '1' })),
    ],
  },
  {
    area: 'kubectl',
    name: 'create-refused',
    about: 'Objects that cannot be made.',
    requests: [
      post(`${CORE}/configmaps?fieldValidation=Strict`, { ...configMap('c', { a: '1' }), typo: 1 }),
      post(`${CORE}/configmaps?fieldValidation=Warn`, { ...configMap('c', { a: '1' }), typo: 1 }),
      post(`${CORE}/configmaps`, configMap('c', { a: '1' })),
      post(`${CORE}/configmaps`, configMap('Not_Valid', { a: '1' })),
      post(`${CORE}/configmaps`, configMap('d', { 'not valid': '1' })),
      post(`${CORE}/configmaps`, configMap('d', { a: 1 })),
      post(`${CORE}/configmaps`, configMap('d', { a: '1' }, { namespace: 'other' })),
      post(`${CORE}/configmaps`, { ...configMap('d', {}), kind: 'Secret' }),
      post(`${CORE}/configmaps`, { ...configMap('d', {}), apiVersion: 'v2' }),
      post(`${CORE}/configmaps`, { data: {} }),
      post(`${CORE}/configmaps`, '{"apiVersion":"v1",'),
      post(`${CORE}/configmaps`, ''),
    ],
  },
  {
    area: 'kubectl',
    name: 'workloads-refused',
    about: 'Workloads and services that cannot be made.',
    requests: [
      post(`${APPS}/deployments`, deployment('web', { replicas: -1 })),
      post(`${APPS}/deployments`, deployment('web', { selector: { matchLabels: { app: 'other' } } })),
      post(`${APPS}/deployments`, deployment('web', { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } })),
      post(
        `${APPS}/deployments`,
        deployment('web', {
          template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a' }, { name: 'a', image: 'x' }] } },
        }),
      ),
      post(`${CORE}/services`, service({})),
      post(`${CORE}/services`, service({ ports: [{ port: 0 }, { port: 70000 }] })),
      post(`${CORE}/services`, service({ ports: [{ port: 80 }], type: 'Strange' })),
    ],
  },
  {
    area: 'kubectl',
    name: 'services',
    about: 'Services are made, changed and read.',
    requests: [
      post(`${CORE}/services?fieldManager=kubectl-expose`, service({ ports: [{ port: 80, targetPort: 8080 }], selector: { app: 'web' } })),
      strategicPatch(`${CORE}/services/s?fieldManager=kubectl-patch`, {
        spec: {
          ports: [
            { port: 81, name: 'b' },
            { port: 80, name: 'a' },
          ],
        },
      }),
      apply(`${CORE}/services/s?fieldManager=other`, service({ ports: [{ port: 82, name: 'c' }] })),
      apply(`${CORE}/services/s?fieldManager=other`, service({ clusterIP: 'None' })),
      remove(`${CORE}/services/s`),
    ],
  },
  {
    area: 'kubectl',
    name: 'delete',
    about: 'kubectl delete.',
    requests: [
      post(`${CORE}/configmaps`, configMap('c', {}, { finalizers: ['fidelity.test/wait'] })),
      remove(`${CORE}/configmaps/c`, { propagationPolicy: 'Background' }),
      get(`${CORE}/configmaps/c`),
      mergePatch(`${CORE}/configmaps/c`, { metadata: { finalizers: ['fidelity.test/wait', 'fidelity.test/more'] } }),
      mergePatch(`${CORE}/configmaps/c`, { metadata: { finalizers: null } }),
      get(`${CORE}/configmaps/c`),
      remove(`${CORE}/configmaps/c`, { propagationPolicy: 'Background' }),
    ],
  },
  {
    area: 'kubectl',
    name: 'delete-collection',
    about: 'kubectl delete with a selector.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {}, { labels: { x: '1' } })),
      post(`${CORE}/configmaps`, configMap('b', {}, { labels: { x: '1' } })),
      post(`${CORE}/configmaps`, configMap('c', {}, { labels: { x: '2' } })),
      remove(`${CORE}/configmaps?labelSelector=x%3D1`),
      get(`${CORE}/configmaps?labelSelector=x`),
    ],
  },
  {
    area: 'kubectl',
    name: 'get-tables',
    about: 'kubectl get prints tables.',
    requests: [
      post(`${CORE}/configmaps`, configMap('c', { a: '1', b: '1' }, { labels: { x: '1' } })),
      get(`${CORE}/configmaps?labelSelector=x&limit=500`, TABLE),
      get(`${CORE}/configmaps/c`, TABLE),
      post(`${APPS}/deployments`, deployment('web')),
      settled(`${APPS}/deployments/web`, 1),
      get(`${APPS}/deployments?limit=500`, TABLE),
      get(`${CORE}/serviceaccounts?limit=500&fieldSelector=metadata.name%3Ddefault`, TABLE),
      get(`${CORE}/pods?limit=500`, TABLE),
      get(`${CORE}/configmaps/none`, TABLE),
    ],
  },
  {
    area: 'kubectl',
    name: 'get-custom-tables',
    about: 'kubectl get of a custom resource.',
    requests: [
      ...makeCrd,
      post(WIDGETS, widget('w')),
      mergePatch(`${WIDGETS}/w/status`, { status: { phase: 'running' } }),
      get(`${WIDGETS}?limit=500`, TABLE),
      get(`${WIDGETS}/w`, TABLE),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'kubectl',
    name: 'selectors',
    about: 'Lists by labels and fields.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {}, { labels: { x: '1', y: '1' } })),
      post(`${CORE}/configmaps`, configMap('b', {}, { labels: { x: '2' } })),
      get(`${CORE}/configmaps?labelSelector=x%3D1`),
      get(`${CORE}/configmaps?labelSelector=x+in+(1,2),!y`),
      get(`${CORE}/configmaps?labelSelector=x+notin+(1),x`),
      get(`${CORE}/configmaps?fieldSelector=metadata.name%3Db`),
      get(`${CORE}/configmaps?fieldSelector=metadata.name!%3Da&labelSelector=x`),
      get(`${CORE}/configmaps?labelSelector=x%3D%3D%3D`),
      get(`${CORE}/configmaps?fieldSelector=data.a%3D1`),
      get(`${CORE}/configmaps?limit=x`),
    ],
  },
  {
    area: 'kubectl',
    name: 'wrong-paths-and-types',
    about: 'Paths, methods and types that are not served.',
    requests: [
      get(`${CORE}/nothings`),
      get('/apis/apps/v9/deployments'),
      get('/no/such/path'),
      { method: 'PATCH', path: `${CORE}/configmaps/c`, headers: { 'content-type': 'text/plain' }, body: 'x' },
      { method: 'POST', path: `${CORE}/configmaps`, headers: { 'content-type': 'text/plain' }, body: 'x' },
      { method: 'POST', path: `${CORE}/configmaps/c`, body: configMap('c', {}) },
      { method: 'PUT', path: `${CORE}/configmaps`, body: configMap('c', {}) },
      strategicPatch(`${CORE}/configmaps/none`, { data: {} }),
      get(`${CORE}/configmaps`, 'text/plain'),
      get(`${CORE}/configmaps/c/status`),
    ],
  },
  {
    area: 'kubectl',
    name: 'custom-resources',
    about: 'Patches of a custom resource.',
    requests: [
      ...makeCrd,
      post(`${WIDGETS}?${CLIENT_SIDE}`, widget('w', { ports: [{ port: 1, name: 'a' }] })),
      strategicPatch(`${WIDGETS}/w`, { spec: { size: 4 } }),
      apply(`${WIDGETS}/w?${SERVER_SIDE}`, widget('w', { ports: [{ port: 2, name: 'b' }], free: { a: [1, 2], b: { c: 1 } } })),
      apply(`${WIDGETS}/w?${SERVER_SIDE}`, widget('w', { free: { b: { d: 1 } } })),
      apply(`${WIDGETS}/w/status?fieldManager=status-writer`, { ...widget('w'), spec: { size: 9 }, status: { phase: 'p' } }),
      jsonPatch(`${WIDGETS}/w`, [{ op: 'add', path: '/spec/ports/-', value: { port: 3 } }]),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'kubectl',
    name: 'dry-run',
    about: 'kubectl with --dry-run=server changes nothing.',
    requests: [
      post(`${CORE}/configmaps?dryRun=All`, configMap('c', { a: '1' })),
      get(`${CORE}/configmaps/c`),
      post(`${CORE}/configmaps?dryRun=Some`, configMap('c', { a: '1' })),
      post(`${CORE}/configmaps`, configMap('c', { a: '1' })),
      apply(`${CORE}/configmaps/c?fieldManager=m&dryRun=All&force=true`, configMap('c', { a: '2' })),
      remove(`${CORE}/configmaps/c?dryRun=All`),
      get(`${CORE}/configmaps/c`),
    ],
  },
  {
    area: 'kubectl',
    name: 'many-managers',
    about: 'More managers update an object than are kept apart.',
    requests: [
      post(`${CORE}/configmaps?fieldManager=m00`, configMap('c', { k00: '1' })),
      ...Array.from({ length: 12 }, (_each, index) => {
        const name = String(index + 1).padStart(2, '0');
        return mergePatch(`${CORE}/configmaps/c?fieldManager=m${name}`, { data: { [`k${name}`]: '1' } });
      }),
    ],
  },
];
