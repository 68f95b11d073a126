/** How Meshlift keeps the record of a run: its resource, the journal in pieces, and the lock. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import {
  CORE,
  CRDS,
  WIDGETS,
  apply,
  dropCrd,
  get,
  getUntil,
  makeCrd,
  mergePatch,
  post,
  put,
  remove,
  widget,
  widgetCrd,
  type Body,
} from './request-builders.ts';

const BY = 'fieldManager=meshlift';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/{{ns}}/leases';
const RUN = widget('run', { size: 2 }, { labels: { 'app.kubernetes.io/name': 'meshlift' } });

const piece = (kind: 'ConfigMap' | 'Secret', part: string, content: Body, metadata: Body = {}): Body => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name: `meshlift-run-${part}-0`,
    namespace: '{{ns}}',
    labels: { 'app.kubernetes.io/name': 'meshlift', 'meshlift.io/run': 'run', 'meshlift.io/piece': part },
    annotations: { 'meshlift.io/index': '0', 'meshlift.io/of': '1' },
    ownerReferences: [{ apiVersion: '{{id}}.test/v1', kind: 'Widget', name: 'run', uid: '{{2:/metadata/uid}}' }],
    ...metadata,
  },
  ...content,
});

const journal = (driver: string, gzip: string, metadata: Body = {}): Body =>
  piece('ConfigMap', 'events', { binaryData: { gzip }, data: { driver, transitions: '0' } }, metadata);

const lease = (spec: Body, metadata: Body = {}): Body => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'meshlift', namespace: '{{ns}}', ...metadata },
  spec,
});

const onRun = (name: string, about: string, requests: readonly PlayedRequest[]): RequestSequence => ({
  area: 'meshlift',
  name,
  about,
  requests: [...makeCrd, post(`${WIDGETS}?${BY}`, RUN), ...requests],
  cleanup: dropCrd,
});

export const recordSequences: readonly RequestSequence[] = [
  onRun('record-plan-secret', 'A plan with credentials is kept in a Secret, and written over.', [
    post(`${CORE}/secrets?${BY}`, piece('Secret', 'plan', { data: { gzip: 'H4sIAAAAAAAAAw==' } })),
    post(`${CORE}/secrets?${BY}`, piece('Secret', 'plan', { data: { gzip: 'H4sIAAAAAAAAAw==' } })),
    put(`${CORE}/secrets/meshlift-run-plan-0?${BY}`, piece('Secret', 'plan', { data: { gzip: 'AAAA' } })),
    post(`${CORE}/secrets?${BY}`, piece('Secret', 'back', { data: { gzip: 'not base64!' } })),
    get(`${CORE}/secrets?labelSelector=meshlift.io%2Frun%3Drun&limit=500`),
  ]),
  onRun('record-journal-grows', 'The journal is written by its resourceVersion, again and again.', [
    post(`${CORE}/configmaps?${BY}`, journal('me', 'AAAA')),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('me', 'AAAB', { resourceVersion: '{{3:/metadata/resourceVersion}}' })),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('me', 'AAAC', { resourceVersion: '{{4:/metadata/resourceVersion}}' })),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('me', 'AAAC', { resourceVersion: '{{5:/metadata/resourceVersion}}' })),
    get(`${CORE}/configmaps/meshlift-run-events-0`),
  ]),
  onRun('record-journal-contested', 'Two drivers write the same journal; one of them finds out.', [
    post(`${CORE}/configmaps?${BY}`, journal('me', 'AAAA')),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('you', 'AAAB', { resourceVersion: '{{3:/metadata/resourceVersion}}' })),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('me', 'AAAC', { resourceVersion: '{{3:/metadata/resourceVersion}}' })),
    get(`${CORE}/configmaps/meshlift-run-events-0`),
    remove(`${CORE}/configmaps/meshlift-run-events-0?propagationPolicy=Background`),
    put(`${CORE}/configmaps/meshlift-run-events-0?${BY}`, journal('me', 'AAAD', { resourceVersion: '{{4:/metadata/resourceVersion}}' })),
    get(`${CORE}/configmaps/meshlift-run-events-0`),
  ]),
  onRun('record-forgotten', 'A run is forgotten, and its pieces go with it.', [
    post(`${CORE}/configmaps?${BY}`, journal('me', 'AAAA')),
    remove(`${WIDGETS}/run?propagationPolicy=Background`),
    getUntil(`${CORE}/configmaps/meshlift-run-events-0`, '/code', 404),
    remove(`${WIDGETS}/run?propagationPolicy=Background`),
    get(`${WIDGETS}/run`),
    get(`${WIDGETS}?limit=500`),
  ]),
  onRun('record-summary', 'The summary is a status of its own: it neither counts a generation nor touches the spec.', [
    mergePatch(`${WIDGETS}/run/status?${BY}`, { status: { phase: 'running', driver: 'me' } }),
    mergePatch(`${WIDGETS}/run/status?${BY}`, { spec: { size: 9 }, metadata: { labels: { no: 'x' } }, status: { phase: 'done' } }),
    mergePatch(`${WIDGETS}/run?${BY}`, { status: { phase: 'lost' } }),
    get(`${WIDGETS}/run/status`),
    mergePatch(`${WIDGETS}/run/status?${BY}`, { status: { phase: 7 } }),
    mergePatch(`${WIDGETS}/run/status?${BY}`, { status: null }),
    get(`${WIDGETS}/run`),
  ]),
  onRun('record-paused', 'A run is paused twice, resumed twice.', [
    mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: true } }),
    mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: true } }),
    mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: null } }),
    mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: null } }),
    mergePatch(`${WIDGETS}/run?${BY}`, { spec: { paused: 'yes' } }),
  ]),
  {
    area: 'meshlift',
    name: 'record-definition-changed',
    about: 'The definition of runs is of an older version, and is applied anew.',
    requests: [
      ...makeCrd,
      get(`${CRDS}/widgets.{{id}}.test`),
      apply(`${CRDS}/widgets.{{id}}.test?${BY}&force=true`, {
        ...widgetCrd(),
        metadata: { name: 'widgets.{{id}}.test', labels: { 'app.kubernetes.io/name': 'other' } },
      }),
      remove(`${CRDS}/widgets.{{id}}.test?propagationPolicy=Background`),
      getUntil(`${CRDS}/widgets.{{id}}.test`, '/code', 404),
    ],
    cleanup: dropCrd,
  },
  {
    area: 'meshlift',
    name: 'lock-taken-over',
    about: 'A lock whose holder is silent is taken over by two at the same time.',
    requests: [
      post(
        `${LEASES}?${BY}`,
        lease({ holderIdentity: 'dead', leaseDurationSeconds: 30, leaseTransitions: 0, renewTime: '2026-01-01T00:00:00.000000Z' }),
      ),
      put(
        `${LEASES}/meshlift?${BY}`,
        lease(
          { holderIdentity: 'me', leaseDurationSeconds: 30, leaseTransitions: 1 },
          { resourceVersion: '{{0:/metadata/resourceVersion}}', uid: '{{0:/metadata/uid}}' },
        ),
      ),
      put(
        `${LEASES}/meshlift?${BY}`,
        lease({ holderIdentity: 'you' }, { resourceVersion: '{{0:/metadata/resourceVersion}}', uid: '{{0:/metadata/uid}}' }),
      ),
      remove(`${LEASES}/meshlift?propagationPolicy=Background`),
      put(`${LEASES}/meshlift?${BY}`, lease({ holderIdentity: 'me' }, { resourceVersion: '{{1:/metadata/resourceVersion}}' })),
      put(`${LEASES}/meshlift?${BY}`, lease({ holderIdentity: 'me' })),
    ],
  },
  {
    area: 'meshlift',
    name: 'lock-invalid',
    about: 'Leases that the server does not take.',
    requests: [
      post(`${LEASES}?${BY}`, lease({ leaseDurationSeconds: 0 })),
      post(`${LEASES}?${BY}`, lease({ leaseTransitions: -1 })),
      post(`${LEASES}?${BY}`, lease({ renewTime: 'now' })),
      post(`${LEASES}?${BY}`, lease({ renewTime: '2026-01-01T00:00:00Z' })),
      post(`${LEASES}?${BY}`, lease({})),
      put(`${LEASES}/meshlift?${BY}`, lease({}, { uid: '00000000-0000-4000-8000-000000000000' })),
    ],
  },
];
