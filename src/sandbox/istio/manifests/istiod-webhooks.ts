/** Webhook configurations of a control plane and of the tags that point to it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { revisionLabels, commonLabels, type ManifestPlan } from './manifest-options.ts';
import { service } from './istiod-workload.ts';

interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

const INJECTION = 'istio-injection';
const REVISION = 'istio.io/rev';
const INJECT = 'sidecar.istio.io/inject';

const is = (key: string, value: string): Requirement => ({ key, operator: 'In', values: [value] });
const isNot = (key: string, value: string): Requirement => ({ key, operator: 'NotIn', values: [value] });
const absent = (key: string): Requirement => ({ key, operator: 'DoesNotExist' });

interface Entry {
  readonly prefix: string;
  readonly namespace: readonly Requirement[];
  readonly object: readonly Requirement[];
}

/** Which pods a revision or tag injects: by the label of the namespace, or of the pod. */
function namedEntries(name: string): readonly Entry[] {
  return [
    { prefix: 'rev.namespace', namespace: [is(REVISION, name), absent(INJECTION)], object: [isNot(INJECT, 'false')] },
    { prefix: 'rev.object', namespace: [absent(REVISION), absent(INJECTION)], object: [isNot(INJECT, 'false'), is(REVISION, name)] },
  ];
}

/** Which pods the default injects besides. */
const DEFAULT_ENTRIES: readonly Entry[] = [
  { prefix: 'namespace', namespace: [is(INJECTION, 'enabled')], object: [isNot(INJECT, 'false')] },
  { prefix: 'object', namespace: [absent(INJECTION), absent(REVISION)], object: [is(INJECT, 'true'), absent(REVISION)] },
];

/** The selectors with which istioctl puts webhooks out of use when a tag takes over. */
const NEVER = { matchLabels: { 'istio.io/deactivated': 'never-match' } };

function mutatingConfiguration(
  plan: ManifestPlan,
  name: string,
  content: { readonly entries: readonly Entry[]; readonly active: boolean; readonly labels?: Readonly<Record<string, string>> },
): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name,
      labels: { ...(content.labels === undefined ? revisionLabels(plan) : tagLabels(plan, content.labels)), app: 'sidecar-injector' },
    },
    webhooks: content.entries.map(({ prefix, namespace, object }) => ({
      name: `${prefix}.sidecar-injector.istio.io`,
      clientConfig: { service: { name: plan.name, namespace: plan.namespace, path: '/inject', port: 443 } },
      sideEffects: 'None',
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      admissionReviewVersions: ['v1'],
      namespaceSelector: content.active ? { matchExpressions: namespace } : NEVER,
      objectSelector: content.active ? { matchExpressions: object } : NEVER,
    })),
  };
}

/** Made lenient; the istiod itself makes it strict once it answers. */
function validatingConfiguration(
  plan: ManifestPlan,
  name: string,
  content: { readonly webhook: string; readonly selector: Requirement; readonly labels?: Readonly<Record<string, string>> },
): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name, labels: { ...commonLabels(plan), app: 'istiod', istio: 'istiod', 'istio.io/rev': plan.revision, ...content.labels } },
    webhooks: [
      {
        name: content.webhook,
        clientConfig: { service: { name: plan.name, namespace: plan.namespace, path: '/validate' } },
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        objectSelector: { matchExpressions: [content.selector] },
      },
    ],
  };
}

export function istiodWebhooks(plan: ManifestPlan): readonly KubeObject[] {
  const { defaults = 'none', tags = [] } = plan.options;
  const ownEntries = plan.revision === 'default' ? [...namedEntries('default'), ...DEFAULT_ENTRIES] : namedEntries(plan.revision);
  const takenOver = plan.revision === 'default' && defaults === 'istioctl';
  const elsewhere = plan.namespace === 'istio-system' ? '' : `-${plan.namespace}`;
  return [
    mutatingConfiguration(plan, `istio-sidecar-injector${plan.suffix}${elsewhere}`, { entries: ownEntries, active: !takenOver }),
    validatingConfiguration(plan, `istio-validator${plan.suffix}-${plan.namespace}`, {
      webhook: 'rev.validation.istio.io',
      selector: is(REVISION, plan.revision),
    }),
    ...(defaults === 'none' ? [] : [defaultValidator(plan, defaults === 'istioctl')]),
    ...[...tags.filter((tag) => tag !== 'default'), ...(defaults === 'istioctl' ? ['default'] : [])].flatMap((tag) =>
      tagObjects(plan, tag),
    ),
  ];
}

/** What validates configuration that names no revision. */
function defaultValidator(plan: ManifestPlan, tagged: boolean): KubeObject {
  return validatingConfiguration(plan, 'istiod-default-validator', {
    webhook: 'validation.istio.io',
    selector: absent(REVISION),
    ...(tagged ? { labels: { 'istio.io/tag': 'default' } } : {}),
  });
}

/** A tag: webhooks under its name that call the revision; since 1.28 also a Service. */
function tagObjects(plan: ManifestPlan, tag: string): readonly KubeObject[] {
  const name = `istio-revision-tag-${tag}${plan.namespace === 'istio-system' ? '' : `-${plan.namespace}`}`;
  const entries = tag === 'default' ? [...namedEntries(tag), ...DEFAULT_ENTRIES] : namedEntries(tag);
  const labels = { 'istio.io/tag': tag };
  return [
    mutatingConfiguration(plan, name, { entries, active: true, labels }),
    ...(plan.minor >= 28 ? [tagService(plan, tag, tagLabels(plan, labels))] : []),
  ];
}

/** Its selector names the revision, that of an unrevisioned control plane too. */
function tagService(plan: ManifestPlan, tag: string, labels: Readonly<Record<string, string>>): KubeObject {
  const made = service(plan, `istiod-revision-tag-${tag}`, labels);
  return { ...made, spec: { ...(made['spec'] as object), selector: { app: 'istiod', 'istio.io/rev': plan.revision } } };
}

/** istioctl takes its component off the tags that people make, so that it never removes them along with a revision. */
function tagLabels(plan: ManifestPlan, tag: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { 'operator.istio.io/component': component = '', ...labels } = revisionLabels(plan);
  return { ...labels, ...tag, ...(tag['istio.io/tag'] === 'default' ? { 'operator.istio.io/component': component } : {}) };
}
