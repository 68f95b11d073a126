/** Streams of changes, as kubectl get -w, wait and Meshlift's own waiting read them. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { CORE, TABLE, WIDGETS, configMap, dropCrd, get, makeCrd, mergePatch, post, remove, widget } from './request-builders.ts';

const SELECTED = 'labelSelector=x%3D1';

export const watchSequences: readonly RequestSequence[] = [
  {
    area: 'watch',
    name: 'changes',
    about: 'Objects come, change, leave the selection, come back and go.',
    requests: [
      get(`${CORE}/configmaps?${SELECTED}`),
      {
        ...get(`${CORE}/configmaps?${SELECTED}&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&timeoutSeconds=15`),
        watch: {
          lines: 5,
          meanwhile: [
            post(`${CORE}/configmaps`, configMap('a', { k: '1' }, { labels: { x: '1' } })),
            mergePatch(`${CORE}/configmaps/a`, { data: { k: '2' } }),
            mergePatch(`${CORE}/configmaps/a`, { metadata: { labels: { x: '2' } } }),
            mergePatch(`${CORE}/configmaps/a`, { metadata: { labels: { x: '1' } } }),
            remove(`${CORE}/configmaps/a`),
          ],
        },
      },
    ],
  },
  {
    area: 'watch',
    name: 'from-anywhere',
    about: 'A watch without a resourceVersion begins with what is there.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {}, { labels: { x: '1' } })),
      { ...get(`${CORE}/configmaps?${SELECTED}&watch=true&timeoutSeconds=15`), watch: { lines: 1, meanwhile: [] } },
      { ...get(`${CORE}/configmaps?${SELECTED}&watch=true&resourceVersion=0&timeoutSeconds=15`), watch: { lines: 1, meanwhile: [] } },
    ],
  },
  {
    area: 'watch',
    name: 'refused',
    about: 'Watches that cannot be begun.',
    requests: [
      get(`${CORE}/configmaps?watch=true&resourceVersion=x`),
      get(`${CORE}/configmaps?watch=true&sendInitialEvents=true`),
      get(`${CORE}/configmaps?resourceVersionMatch=Exact`),
      get(`${CORE}/nothings?watch=true`),
    ],
  },
  {
    area: 'watch',
    name: 'tables',
    about: 'kubectl get -w.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', { k: '1' }, { labels: { x: '1' } })),
      {
        ...get(`${CORE}/configmaps?${SELECTED}&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&timeoutSeconds=15`, TABLE),
        watch: { lines: 2, meanwhile: [mergePatch(`${CORE}/configmaps/a`, { data: { l: '1' } }), remove(`${CORE}/configmaps/a`)] },
      },
    ],
  },
  {
    area: 'watch',
    name: 'custom-resources',
    about: 'Changes of a custom resource and of its status.',
    requests: [
      ...makeCrd,
      get(WIDGETS),
      {
        ...get(`${WIDGETS}?watch=true&resourceVersion={{2:/metadata/resourceVersion}}&timeoutSeconds=15`),
        watch: {
          lines: 3,
          meanwhile: [
            post(WIDGETS, widget('w')),
            mergePatch(`${WIDGETS}/w/status`, { status: { phase: 'running' } }),
            mergePatch(`${WIDGETS}/w`, { spec: { size: 5 } }),
          ],
        },
      },
    ],
    cleanup: dropCrd,
  },
  {
    area: 'watch',
    name: 'initial-events',
    about: 'A watch that begins with the list, as helm and informers ask for it.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {}, { labels: { x: '1' } })),
      {
        ...get(
          `${CORE}/configmaps?${SELECTED}&watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=15`,
        ),
        watch: { lines: 3, meanwhile: [post(`${CORE}/configmaps`, configMap('b', {}, { labels: { x: '1' } }))] },
      },
    ],
  },
  {
    area: 'watch',
    name: 'one-object',
    about: 'kubectl wait watches one object by its name.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {})),
      {
        ...get(
          `${CORE}/configmaps?fieldSelector=metadata.name%3Da&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&allowWatchBookmarks=true&timeoutSeconds=15`,
        ),
        watch: {
          lines: 2,
          meanwhile: [
            post(`${CORE}/configmaps`, configMap('b', {})),
            mergePatch(`${CORE}/configmaps/a`, { data: { k: '1' } }),
            remove(`${CORE}/configmaps/a`),
          ],
        },
      },
    ],
  },
  {
    area: 'watch',
    name: 'metadata',
    about: 'A watch of metadata only.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', { k: '1' })),
      {
        ...get(
          `${CORE}/configmaps?fieldSelector=metadata.name%3Da&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&timeoutSeconds=15`,
          'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
        ),
        watch: { lines: 1, meanwhile: [mergePatch(`${CORE}/configmaps/a`, { metadata: { labels: { x: '1' } } })] },
      },
    ],
  },
  {
    area: 'watch',
    name: 'finalizers',
    about: 'An object that waits to be deleted changes first and goes then.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', {}, { finalizers: ['fidelity.test/wait'] })),
      {
        ...get(
          `${CORE}/configmaps?fieldSelector=metadata.name%3Da&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&timeoutSeconds=15`,
        ),
        watch: {
          lines: 2,
          meanwhile: [remove(`${CORE}/configmaps/a`), mergePatch(`${CORE}/configmaps/a`, { metadata: { finalizers: null } })],
        },
      },
    ],
  },
  {
    area: 'watch',
    name: 'unchanged',
    about: 'What changes nothing is not told.',
    requests: [
      post(`${CORE}/configmaps?fieldManager=m`, configMap('a', { k: '1' })),
      {
        ...get(
          `${CORE}/configmaps?fieldSelector=metadata.name%3Da&watch=true&resourceVersion={{0:/metadata/resourceVersion}}&timeoutSeconds=15`,
        ),
        watch: {
          lines: 1,
          meanwhile: [
            mergePatch(`${CORE}/configmaps/a?fieldManager=m`, { data: { k: '1' } }),
            mergePatch(`${CORE}/configmaps/a?fieldManager=m`, { data: { k: '2' } }),
          ],
        },
      },
    ],
  },
  {
    area: 'watch',
    name: 'old-path',
    about: 'The old path of watches, and a watch of one object by its own path.',
    requests: [
      post(`${CORE}/configmaps`, configMap('a', { k: '1' })),
      { ...get('/api/v1/watch/namespaces/{{ns}}/configmaps/a?timeoutSeconds=15'), watch: { lines: 1, meanwhile: [] } },
      { ...get(`${CORE}/configmaps/a?watch=true&timeoutSeconds=15`), watch: { lines: 1, meanwhile: [] } },
      get(`${CORE}/configmaps?watch=true&resourceVersion=1&timeoutSeconds=1&labelSelector=none%3Dx`),
    ],
  },
];
