/** Control planes against which injection cases are played: how they are installed in a real cluster, and the same in a sandbox. */
import { istioManifests } from '../../../src/sandbox/istio/manifests/istio-manifests.ts';
import type { KubeObject } from '../../../src/sandbox/objects/kube-object.ts';
import { annotationCases, injectionCases, type InjectionCase } from '../../kit/injection-cases.ts';

export interface SetUp {
  readonly name: string;
  /** Commands that lead from the set-up before to this one; `{charts-VERSION}` stands for the folder of Istio's charts. */
  readonly commands: readonly string[];
  readonly objects: () => readonly KubeObject[];
  /** The istiod that goes once the control plane runs: its Deployment and its Service, while its webhooks stay. */
  readonly lost?: string;
  /** Whether every annotation is tried here. */
  readonly hasAllAnnotations?: boolean;
}

const CASES_EACH = 60;

const OLD = { revision: 'default', version: '1.28.2' } as const;
const NEW = { revision: '1-29-1', version: '1.29.1', base: false } as const;
const SMALL =
  '--set values.pilot.resources.requests.cpu=50m --set values.pilot.resources.requests.memory=128Mi --set values.pilot.autoscaleEnabled=false';
const SMALL_CHART = '--set resources.requests.cpu=50m --set resources.requests.memory=128Mi --set autoscaleEnabled=false';
/** What a second installation would bring again, or what was moved to it. */
const without = (objects: readonly KubeObject[], ...names: readonly string[]): readonly KubeObject[] =>
  objects.filter(({ metadata }) => !names.includes(metadata.name));

const TAG_OBJECTS = ['istio-revision-tag-default', 'istiod-revision-tag-default'];

function movedDefault(): readonly KubeObject[] {
  return [
    ...without(istioManifests({ ...OLD, defaults: 'istioctl', tags: ['stable'] }), 'istiod-default-validator', ...TAG_OBJECTS),
    ...istioManifests({ ...NEW, defaults: 'istioctl', tags: ['prod'] }),
  ];
}

/** In the order in which a real cluster goes through them. */
export const setUps: readonly SetUp[] = [
  {
    name: 'istioctl',
    commands: [`istioctl-1.28.2 install -y --set profile=minimal ${SMALL}`],
    objects: () => istioManifests({ ...OLD, defaults: 'istioctl' }),
  },
  {
    name: 'istioctl-two',
    commands: [
      `istioctl-1.29.1 install -y --set profile=minimal --set revision=1-29-1 ${SMALL}`,
      'istioctl-1.29.1 tag set prod --revision 1-29-1 -y',
      'istioctl-1.29.1 tag set stable --revision default -y',
    ],
    objects: () => [...istioManifests({ ...OLD, defaults: 'istioctl', tags: ['stable'] }), ...istioManifests({ ...NEW, tags: ['prod'] })],
    hasAllAnnotations: true,
  },
  {
    name: 'istioctl-moved',
    commands: ['istioctl-1.29.1 tag set default --revision 1-29-1 --overwrite -y'],
    objects: movedDefault,
  },
  {
    name: 'dangling',
    commands: [
      // Both: the API server goes on to use connections that it has, as long as somebody answers at the other end.
      'kubectl delete service -n istio-system istiod-1-29-1',
      'kubectl delete deployment -n istio-system istiod-1-29-1 --cascade=foreground',
      'kubectl wait pods -n istio-system -l istio.io/rev=1-29-1 --for=delete --timeout=60s',
    ],
    objects: movedDefault,
    lost: 'istiod-1-29-1',
  },
  {
    name: 'helm',
    commands: [
      'istioctl-1.29.1 uninstall --purge -y',
      'kubectl wait clusterroles,clusterrolebindings -l istio.io/rev=default --for=delete --timeout=60s',
      // Tags that people made stay.
      'kubectl delete mutatingwebhookconfigurations -l istio.io/tag',
      'kubectl delete services -n istio-system -l istio.io/tag',
      `helm install istiod {charts-1.28.2}/istiod -n istio-system --wait --timeout 120s ${SMALL_CHART}`,
    ],
    objects: () => istioManifests({ ...OLD, defaults: 'helm' }),
  },
  {
    name: 'helm-overlap',
    commands: [
      `helm install istiod-1-29-1 {charts-1.29.1}/istiod -n istio-system --set revision=1-29-1 --set revisionTags={default} --wait --timeout 120s ${SMALL_CHART}`,
    ],
    objects: () => [
      ...istioManifests({ ...OLD, defaults: 'helm' }),
      ...without(istioManifests({ ...NEW, defaults: 'istioctl' }), 'istiod-default-validator'),
    ],
  },
  {
    name: 'revision-only',
    commands: [
      'helm uninstall istiod -n istio-system --wait',
      'kubectl delete mutatingwebhookconfiguration istio-revision-tag-default',
      'kubectl delete service -n istio-system istiod-revision-tag-default --ignore-not-found',
    ],
    objects: () => istioManifests({ ...NEW, base: true }),
  },
];

export function casesOf({ name, hasAllAnnotations }: SetUp): readonly InjectionCase[] {
  const seed = 1 + setUps.findIndex((setUp) => setUp.name === name);
  return [...injectionCases(name, seed, CASES_EACH), ...(hasAllAnnotations === true ? annotationCases(name, seed) : [])];
}
