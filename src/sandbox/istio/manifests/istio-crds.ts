/** Istio's kinds as small CRDs: names and versions are the real ones, every field is allowed. */
import type { KubeObject } from '../../objects/kube-object.ts';

interface Crd {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly short?: string;
  readonly versions: 'networking' | 'security' | 'telemetry' | 'v1alpha3' | 'v1beta1' | 'v1alpha1';
  /** Name and JSON path of columns before the age. */
  readonly columns?: readonly (readonly [name: string, path: string])[];
  readonly noAge?: boolean;
  readonly sinceMinor?: number;
}

const HOST = [['Host', '.spec.host']] as const;

const CRDS: readonly Crd[] = [
  {
    group: 'security',
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    short: 'ap',
    versions: 'security',
    columns: [['Action', '.spec.action']],
  },
  { group: 'networking', kind: 'DestinationRule', plural: 'destinationrules', short: 'dr', versions: 'networking', columns: HOST },
  { group: 'networking', kind: 'EnvoyFilter', plural: 'envoyfilters', versions: 'v1alpha3', noAge: true },
  { group: 'networking', kind: 'Gateway', plural: 'gateways', short: 'gw', versions: 'networking', noAge: true },
  {
    group: 'security',
    kind: 'PeerAuthentication',
    plural: 'peerauthentications',
    short: 'pa',
    versions: 'security',
    columns: [['Mode', '.spec.mtls.mode']],
  },
  { group: 'networking', kind: 'ProxyConfig', plural: 'proxyconfigs', versions: 'v1beta1', noAge: true },
  { group: 'security', kind: 'RequestAuthentication', plural: 'requestauthentications', short: 'ra', versions: 'security', noAge: true },
  {
    group: 'networking',
    kind: 'ServiceEntry',
    plural: 'serviceentries',
    short: 'se',
    versions: 'networking',
    columns: [
      ['Hosts', '.spec.hosts'],
      ['Location', '.spec.location'],
      ['Resolution', '.spec.resolution'],
    ],
  },
  { group: 'networking', kind: 'Sidecar', plural: 'sidecars', versions: 'networking', noAge: true },
  { group: 'telemetry', kind: 'Telemetry', plural: 'telemetries', short: 'telemetry', versions: 'telemetry' },
  { group: 'extensions', kind: 'TrafficExtension', plural: 'trafficextensions', versions: 'v1alpha1', sinceMinor: 30 },
  {
    group: 'networking',
    kind: 'VirtualService',
    plural: 'virtualservices',
    short: 'vs',
    versions: 'networking',
    columns: [
      ['Gateways', '.spec.gateways'],
      ['Hosts', '.spec.hosts'],
    ],
  },
  { group: 'extensions', kind: 'WasmPlugin', plural: 'wasmplugins', versions: 'v1alpha1' },
  {
    group: 'networking',
    kind: 'WorkloadEntry',
    plural: 'workloadentries',
    short: 'we',
    versions: 'networking',
    columns: [['Address', '.spec.address']],
  },
  { group: 'networking', kind: 'WorkloadGroup', plural: 'workloadgroups', short: 'wg', versions: 'networking' },
];

/** @param minor of the version of Istio whose CRDs they are: it decides which version is stored */
export function istioCrds(minor: number): readonly KubeObject[] {
  return CRDS.filter(({ sinceMinor = 0 }) => minor >= sinceMinor).map((crd) => crdObject(crd, minor));
}

/** Served versions, the stored one last. Source: istio/istio, manifests/charts/base/files/crd-all.gen.yaml, tags 1.26.8 to 1.30.3. */
function versionsOf(crd: Crd, minor: number): readonly string[] {
  switch (crd.versions) {
    case 'networking':
      return minor >= 27 ? ['v1alpha3', 'v1beta1', 'v1'] : ['v1', 'v1alpha3', 'v1beta1'];
    case 'security':
      return minor >= 28 ? ['v1beta1', 'v1'] : ['v1', 'v1beta1'];
    case 'telemetry':
      return ['v1', 'v1alpha1'];
    default:
      return [crd.versions];
  }
}

function crdObject(crd: Crd, minor: number): KubeObject {
  const group = `${crd.group}.istio.io`;
  const versions = versionsOf(crd, minor);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${crd.plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'istio' },
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group,
      names: {
        categories: ['istio-io', `${crd.group}-istio-io`],
        kind: crd.kind,
        listKind: `${crd.kind}List`,
        plural: crd.plural,
        ...(crd.short === undefined ? {} : { shortNames: [crd.short] }),
        singular: crd.kind.toLowerCase(),
      },
      scope: 'Namespaced',
      versions: versions.toSorted().map((name) => ({
        name,
        served: true,
        storage: name === versions.at(-1),
        schema: { openAPIV3Schema: SCHEMA },
        subresources: { status: {} },
        ...columnsOf(crd),
      })),
    },
  };
}

const SCHEMA = {
  type: 'object',
  properties: {
    spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
} as const;

function columnsOf({ columns = [], noAge = false }: Crd): object {
  const own = columns.map(([name, jsonPath]) => ({ name, type: 'string', jsonPath }));
  const age = noAge ? [] : [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];
  return own.length + age.length === 0 ? {} : { additionalPrinterColumns: [...own, ...age] };
}
