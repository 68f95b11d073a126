/** A shop in a mesh of Istio 1.28.2: Bookinfo behind a gateway, and a few things that make upgrades interesting. */
import { istioManifests } from '../istio/manifests/istio-manifests.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import {
  deploymentObject,
  disruptionBudgetObject,
  gatewayObjects,
  ingressObjects,
  namespaceObject,
  serviceAccountObject,
  serviceObject,
  statefulSetObject,
} from './scenario-objects.ts';
import type { Scenario } from './scenario.ts';

const SHOP = 'bookinfo';
const INGRESS = 'istio-ingress';
const REPORTS = 'reports';
const PORT = 9080;
const IMAGES = 'docker.io/istio/examples-bookinfo';
const TAG = '1.20.3';

export interface BookinfoOptions {
  /** Tags beside `default`; the namespace reports follows the first one. Each of them holds the old control plane until it is moved. */
  readonly tags?: readonly string[];
}

export function bookinfoScenario({ tags = [] }: BookinfoOptions = {}): Scenario {
  const injected = { 'istio-injection': 'enabled' };
  const [tag] = tags;
  return {
    name: 'bookinfo',
    title: 'Bookinfo behind a gateway, in a mesh of Istio 1.28.2',
    nodes: 2,
    appImages: [`${IMAGES}-*`, 'docker.io/library/postgres:*'],
    istio: {},
    podEvents: 'all',
    stages: [
      { name: 'control plane', objects: controlPlane(tags), until: 'control-plane-ready' },
      {
        name: 'workloads',
        objects: [
          namespaceObject(INGRESS, injected),
          namespaceObject(SHOP, injected),
          namespaceObject(REPORTS, tag === undefined ? injected : { 'istio.io/rev': tag }),
          ...shop(),
          ...reports(),
          ...gatewayObjects(INGRESS, 'istio-ingressgateway', 2),
          ...ingressObjects(SHOP, 'bookinfo', { host: 'productpage', port: PORT }),
        ],
        until: 'workloads-ready',
      },
    ],
  };
}

function controlPlane(tags: readonly string[]): readonly KubeObject[] {
  const istio = istioManifests({ revision: 'default', version: '1.28.2', defaults: 'istioctl', tags });
  return [namespaceObject('istio-system'), ...istio];
}

interface Part {
  readonly app: string;
  readonly version: string;
  readonly replicas: number;
  readonly calls?: readonly string[];
}

const RATINGS = `http://ratings:${PORT}/ratings/0`;

/** ratings has a single replica on purpose. */
const PARTS: readonly Part[] = [
  { app: 'details', version: 'v1', replicas: 2 },
  { app: 'ratings', version: 'v1', replicas: 1 },
  { app: 'reviews', version: 'v1', replicas: 1 },
  { app: 'reviews', version: 'v2', replicas: 2, calls: [RATINGS] },
  { app: 'reviews', version: 'v3', replicas: 2, calls: [RATINGS] },
  { app: 'productpage', version: 'v1', replicas: 2, calls: [`http://details:${PORT}/details/0`, `http://reviews:${PORT}/reviews/0`] },
];

function shop(): readonly KubeObject[] {
  const apps = [...new Set(PARTS.map(({ app }) => app))];
  return [
    ...apps.flatMap((app) => [serviceAccountObject(SHOP, `bookinfo-${app}`), serviceObject(SHOP, app, PORT, { app })]),
    ...PARTS.map(({ app, version, replicas, calls }) =>
      deploymentObject({
        namespace: SHOP,
        name: `${app}-${version}`,
        labels: { app, version },
        image: `${IMAGES}-${app}-${version}:${TAG}`,
        replicas,
        port: PORT,
        serviceAccount: `bookinfo-${app}`,
        ...(calls === undefined ? {} : { calls }),
      }),
    ),
    disruptionBudgetObject(SHOP, 'productpage', { app: 'productpage' }),
    pinnedFilter(),
  ];
}

/** Fits proxies of 1.28 only: it silently stops to apply once they are newer. */
function pinnedFilter(): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'reviews-buffer', namespace: SHOP },
    spec: {
      workloadSelector: { labels: { app: 'reviews' } },
      configPatches: [
        {
          applyTo: 'LISTENER',
          match: { context: 'SIDECAR_INBOUND', proxy: { proxyVersion: '^1\\.28.*' } },
          patch: { operation: 'MERGE', value: { per_connection_buffer_limit_bytes: 65_536 } },
        },
      ],
    },
  };
}

function reports(): readonly KubeObject[] {
  const labels = { app: 'archive' };
  return [
    { ...serviceObject(REPORTS, 'archive', 5432, labels) },
    statefulSetObject({ namespace: REPORTS, name: 'archive', labels, image: 'docker.io/library/postgres:17.2', replicas: 2, port: 5432 }),
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'nightly-report', namespace: REPORTS },
      spec: {
        schedule: '30 2 * * *',
        jobTemplate: {
          spec: {
            template: {
              metadata: { labels: { app: 'nightly-report' } },
              spec: {
                restartPolicy: 'OnFailure',
                containers: [{ name: 'report', image: 'docker.io/library/busybox:1.37', command: ['sh', '-c', 'sleep 20'] }],
              },
            },
          },
        },
      },
    },
  ];
}
