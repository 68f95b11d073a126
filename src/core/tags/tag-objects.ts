/**
 * The objects of a tag as `istioctl tag set` writes them, made from a revision's own webhook configuration: a
 * MutatingWebhookConfiguration with two webhooks (four for the tag `default`, five with automatic injection), for
 * `default` the validator of configuration without a revision, and a Service from Istio 1.28 on.
 * @source istio/istio istioctl/pkg/tag/generate.go, manifests/charts/istio-control/istio-discovery/templates/
 *   revision-tags-mwc.yaml and revision-tags-svc.yaml, manifests/charts/default/templates/validatingwebhook.yaml
 *   @ab413ac6 (1.28.2) and @6991a379 (1.29.1), which are alike in this
 */
import { DEFAULT_TAG_CONFIGURATION, DEFAULT_VALIDATOR, revisionLabel, UNREVISIONED, type WebhookObjects } from '../mesh/find-revisions.ts';
import type { KubeObject, LabelSelector, Labels, Service, WebhookConfiguration, WebhookEntry } from '../mesh/kube-objects.ts';
import { compareIstioVersions, parseIstioVersion } from '../versions/istio-version.ts';

/** The tag whose webhooks also serve `istio-injection=enabled`. */
export const DEFAULT_TAG = 'default';
/** istioctl's name as a field manager of tags; writing under it lets istioctl go on from what was written. */
export const TAG_FIELD_MANAGER = 'istio-ci';
export const TAG_SERVICE_PREFIX = 'istiod-revision-tag-';

const INJECTOR = 'sidecar-injector.istio.io';
/** Labels that make istioctl's install and uninstall treat an object as part of an installation. */
const OPERATOR_LABEL = /operator\.istio\.io/;
/** From this version on istioctl keeps a Service beside each tag. */
const FIRST_WITH_SERVICE = '1.28.0';

export interface TagSpec {
  readonly tag: string;
  /** Version of the revision's control plane; `unknown` counts as new, so that a Service is made. */
  readonly version: string;
  /** Also injects where nothing is labelled; only the tag `default` can. */
  readonly autoInject?: boolean;
}

export interface TagObjects {
  readonly configuration: WebhookConfiguration;
  /** Only for the tag `default`. */
  readonly validator?: WebhookConfiguration;
  /** Absent for control planes before 1.28. */
  readonly service?: Service;
}

/** Configurations that a revision has of its own; a usable revision has exactly one. */
export function canonicalConfigurations(objects: Pick<WebhookObjects, 'mutatingWebhooks'>, revision: string): WebhookConfiguration[] {
  return objects.mutatingWebhooks.filter(
    (c) =>
      revisionLabel(c) === revision &&
      c.metadata.labels?.['istio.io/tag'] === undefined &&
      (c.webhooks ?? []).some((w) => w.name.endsWith(INJECTOR)),
  );
}

/** The entry from which istioctl takes CA bundle, address, path and reinvocation policy: the first that injects. */
export function canonicalEntry(canonical: WebhookConfiguration): WebhookEntry | undefined {
  return canonical.webhooks?.find((w) => w.name.endsWith(INJECTOR));
}

/** @param canonical the revision's own configuration, which must have an entry that injects */
export function buildTagObjects(spec: TagSpec, canonical: WebhookConfiguration): TagObjects {
  const isDefault = spec.tag === DEFAULT_TAG;
  return {
    configuration: tagConfiguration(spec, canonical),
    ...(isDefault ? { validator: defaultValidator(canonical) } : {}),
    ...(hasService(spec.version) ? { service: tagService(spec, canonical) } : {}),
  };
}

export function hasService(version: string): boolean {
  const [found, first] = [parseIstioVersion(version), parseIstioVersion(FIRST_WITH_SERVICE)];
  return found === undefined || first === undefined || compareIstioVersions(found, first) >= 0;
}

/** In the order in which istioctl prints them. */
export function listTagObjects({ configuration, validator, service }: TagObjects): KubeObject[] {
  return [configuration, ...(validator === undefined ? [] : [validator]), ...(service === undefined ? [] : [service])];
}

/** Charts append the namespace to the name when it is not istio-system. */
export function tagConfigurationName(tag: string, namespace: string): string {
  const base = DEFAULT_TAG_CONFIGURATION.replace(/default$/, tag);
  return namespace === 'istio-system' ? base : `${base}-${namespace}`;
}

/** Namespace of the control plane behind a revision's own webhooks. */
export function namespaceBehind(canonical: WebhookConfiguration): string {
  return canonicalEntry(canonical)?.clientConfig?.service?.namespace ?? 'istio-system';
}

function tagConfiguration(spec: TagSpec, canonical: WebhookConfiguration): WebhookConfiguration {
  const { annotations } = canonical.metadata;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: tagConfigurationName(spec.tag, namespaceBehind(canonical)),
      labels: tagLabels(canonical, spec.tag, { app: 'sidecar-injector' }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    webhooks: tagEntries(spec).map(([prefix, namespace, object]) => injector(prefix, namespace, object, canonicalEntry(canonical))),
  };
}

/** The revision's own labels but for `app`, without those by which istioctl's installer would take the tag for its own. */
function tagLabels(canonical: KubeObject, tag: string, extra: Labels): Labels {
  const copied = Object.entries(canonical.metadata.labels ?? {}).filter(([key]) => key !== 'app' && !OPERATOR_LABEL.test(key));
  return { ...Object.fromEntries(copied), ...extra, 'istio.io/tag': tag, 'istio.io/rev': revisionLabel(canonical) };
}

type Expressions = NonNullable<LabelSelector['matchExpressions']>;
type TagEntry = readonly [prefix: string, namespace: Expressions, object: Expressions];

const isIn = (key: string, ...values: string[]): Expressions[number] => ({ key, operator: 'In', values });
const isNotIn = (key: string, ...values: string[]): Expressions[number] => ({ key, operator: 'NotIn', values });
const isAbsent = (key: string): Expressions[number] => ({ key, operator: 'DoesNotExist' });

function tagEntries({ tag, autoInject }: TagSpec): TagEntry[] {
  const notOff = isNotIn('sidecar.istio.io/inject', 'false');
  const noInjection = isAbsent('istio-injection');
  const noRevision = isAbsent('istio.io/rev');
  const named: TagEntry[] = [
    ['rev.namespace', [isIn('istio.io/rev', tag), noInjection], [notOff]],
    ['rev.object', [noRevision, noInjection], [notOff, isIn('istio.io/rev', tag)]],
  ];
  if (tag !== DEFAULT_TAG) return named;
  const ofSystem = isNotIn('kubernetes.io/metadata.name', 'kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage');
  return [
    ...named,
    ['namespace', [isIn('istio-injection', 'enabled')], [notOff]],
    ['object', [noInjection, noRevision], [isIn('sidecar.istio.io/inject', 'true'), noRevision]],
    ...(autoInject === true
      ? [['auto', [noInjection, noRevision, ofSystem], [isAbsent('sidecar.istio.io/inject'), noRevision]] satisfies TagEntry]
      : []),
  ];
}

function injector(prefix: string, namespace: Expressions, object: Expressions, from: WebhookEntry | undefined): WebhookEntry {
  return {
    name: `${prefix}.${INJECTOR}`,
    clientConfig: injectorAddress(from?.clientConfig),
    sideEffects: 'None',
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    failurePolicy: 'Fail',
    reinvocationPolicy: from?.reinvocationPolicy ?? 'Never',
    admissionReviewVersions: ['v1'],
    namespaceSelector: { matchExpressions: namespace },
    objectSelector: { matchExpressions: object },
  } as WebhookEntry;
}

type Address = NonNullable<WebhookEntry['clientConfig']>;

function injectorAddress({ url, service, caBundle }: Address = {}): Address {
  const bundle = caBundle === undefined ? {} : { caBundle };
  if (url !== undefined) return { ...bundle, url };
  return service === undefined ? bundle : { ...bundle, service: { ...service, port: 443 } };
}

/** @returns the validator without a failure policy that istiod has raised already: see {@link withoutRaisedPolicy} */
function defaultValidator(canonical: WebhookConfiguration): WebhookConfiguration {
  const { annotations } = canonical.metadata;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: {
      name: DEFAULT_VALIDATOR,
      labels: tagLabels(canonical, DEFAULT_TAG, { app: 'istiod', istio: 'istiod' }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    webhooks: [
      {
        name: 'validation.istio.io',
        clientConfig: validatorAddress(canonical),
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        // istiod itself raises it to Fail once it has proven that it rejects what is wrong.
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        objectSelector: { matchExpressions: [isAbsent('istio.io/rev')] },
      } as WebhookEntry,
    ],
  };
}

function validatorAddress(canonical: WebhookConfiguration): Address {
  const { url, caBundle } = canonicalEntry(canonical)?.clientConfig ?? {};
  const bundle = caBundle === undefined ? {} : { caBundle };
  if (url !== undefined) return { ...bundle, url: withPath(url, '/validate') };
  const revision = revisionLabel(canonical);
  const name = revision === UNREVISIONED ? 'istiod' : `istiod-${revision}`;
  return { ...bundle, service: { name, namespace: namespaceBehind(canonical), path: '/validate' } };
}

function withPath(url: string, path: string): string {
  const match = /^([a-z]+:\/\/[^/?#]+)/i.exec(url);
  return match === null ? url : `${match[1] ?? ''}${path}`;
}

/** A validator that istiod has made strict stays strict: istioctl leaves the policy of a live one that fails alone. */
export function withoutRaisedPolicy(validator: WebhookConfiguration, live: WebhookConfiguration | undefined): WebhookConfiguration {
  const raised = new Set((live?.webhooks ?? []).filter((w) => w.failurePolicy === 'Fail').map((w) => w.name));
  return {
    ...validator,
    webhooks: (validator.webhooks ?? []).map(({ failurePolicy, ...entry }) => ({
      ...entry,
      ...(raised.has(entry.name) || failurePolicy === undefined ? {} : { failurePolicy }),
    })),
  };
}

/** Rendered by istioctl from its own chart, under the release name `istio`, however the revision was installed. */
function tagService({ tag, version }: TagSpec, canonical: WebhookConfiguration): Service {
  const revision = revisionLabel(canonical);
  const labels = canonical.metadata.labels ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `${TAG_SERVICE_PREFIX}${tag}`,
      namespace: namespaceBehind(canonical),
      labels: {
        app: 'istiod',
        istio: 'pilot',
        'istio.io/rev': revision,
        'istio.io/tag': tag,
        release: 'istio',
        'app.kubernetes.io/name': 'istiod',
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/instance': 'istio',
        'app.kubernetes.io/part-of': 'istio',
        'app.kubernetes.io/version': labels['app.kubernetes.io/version'] ?? version,
        'helm.sh/chart': labels['helm.sh/chart'] ?? `istiod-${version}`,
      },
    },
    spec: {
      ports: [
        { name: 'grpc-xds', port: 15010, protocol: 'TCP' },
        { name: 'https-dns', port: 15012, protocol: 'TCP' },
        { name: 'https-webhook', port: 443, targetPort: 15017, protocol: 'TCP' },
        { name: 'http-monitoring', port: 15014, protocol: 'TCP' },
      ],
      // That of an unrevisioned control plane too names its revision: its pods have the label, with the value default.
      selector: { app: 'istiod', 'istio.io/rev': revision },
    },
  };
}
