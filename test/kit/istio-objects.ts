/** Objects of control planes as Istio's charts shape them, reduced to what Meshlift looks at. */
import type { KubeObject, LabelSelector, PodController, WebhookConfiguration, WebhookEntry } from '../../src/core/mesh/kube-objects.ts';

const NAMESPACE = 'istio-system';

function selector(...expressions: readonly (readonly [key: string, operator: string, ...values: string[]])[]): LabelSelector {
  return {
    matchExpressions: expressions.map(([key, operator, ...values]) => ({ key, operator, ...(values.length > 0 ? { values } : {}) })),
  };
}

const NOT_OFF = ['sidecar.istio.io/inject', 'NotIn', 'false'] as const;
const NO_INJECTION = ['istio-injection', 'DoesNotExist'] as const;
const NO_REVISION = ['istio.io/rev', 'DoesNotExist'] as const;
const NO_INJECT = ['sidecar.istio.io/inject', 'DoesNotExist'] as const;
const NOT_OF_THE_SYSTEM = ['kubernetes.io/metadata.name', 'NotIn', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export interface WebhookOptions {
  readonly configuration: string;
  /** Value that labels ask for: revision or tag. */
  readonly value: string;
  readonly revision: string;
  readonly tag?: string;
  readonly service: string;
  /** Also serves `istio-injection=enabled` and pods that ask for the default. */
  readonly servesDefault?: boolean;
  /** Also injects where nothing is labelled (`enableNamespacesByDefault`). */
  readonly servesUnlabelled?: boolean;
  readonly deactivated?: boolean;
  readonly caBundle?: string;
  readonly failurePolicy?: string;
}

export function injectorWebhooks(options: WebhookOptions): WebhookConfiguration {
  const { value, revision, tag, service, caBundle = 'Y2E=', failurePolicy = 'Fail' } = options;
  const entry = (prefix: string, namespaceSelector: LabelSelector, objectSelector: LabelSelector): WebhookEntry => ({
    name: `${prefix}.sidecar-injector.istio.io`,
    clientConfig: { caBundle, service: { name: service, namespace: NAMESPACE, path: '/inject', port: 443 } },
    failurePolicy,
    reinvocationPolicy: 'Never',
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    ...REVIEWS,
    ...(options.deactivated === true ? { namespaceSelector: NEVER, objectSelector: NEVER } : { namespaceSelector, objectSelector }),
  });
  const own = [
    entry('rev.namespace', selector(['istio.io/rev', 'In', value], NO_INJECTION), selector(NOT_OFF)),
    entry('rev.object', selector(NO_REVISION, NO_INJECTION), selector(NOT_OFF, ['istio.io/rev', 'In', value])),
  ];
  const forDefault = [
    entry('namespace', selector(['istio-injection', 'In', 'enabled']), selector(NOT_OFF)),
    entry('object', selector(NO_INJECTION, NO_REVISION), selector(['sidecar.istio.io/inject', 'In', 'true'], NO_REVISION)),
  ];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: options.configuration,
      labels: { app: 'sidecar-injector', 'istio.io/rev': revision, ...(tag === undefined ? {} : { 'istio.io/tag': tag }) },
    },
    webhooks: [
      ...own,
      ...(options.servesDefault === true ? forDefault : []),
      ...(options.servesUnlabelled === true
        ? [entry('auto', selector(NO_INJECTION, NO_REVISION, NOT_OF_THE_SYSTEM), selector(NO_INJECT, NO_REVISION))]
        : []),
    ],
  };
}

/** What every webhook of Istio says of its reviews. */
const REVIEWS = { sideEffects: 'None', admissionReviewVersions: ['v1'] };

const NEVER: LabelSelector = { matchLabels: { 'istio.io/deactivated': 'never-match' } };

export function validator(name: string, revision: string, service: string): WebhookConfiguration {
  const isDefault = name === 'istiod-default-validator';
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: {
      name,
      labels: { app: 'istiod', istio: 'istiod', 'istio.io/rev': revision, ...(isDefault ? { 'istio.io/tag': 'default' } : {}) },
    },
    webhooks: [
      {
        name: isDefault ? 'validation.istio.io' : 'rev.validation.istio.io',
        clientConfig: { caBundle: 'Y2E=', service: { name: service, namespace: NAMESPACE, path: '/validate', port: 443 } },
        failurePolicy: 'Fail',
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        ...REVIEWS,
        objectSelector: isDefault ? selector(NO_REVISION) : selector(['istio.io/rev', 'In', revision]),
      },
    ],
  };
}

export interface RevisionOptions {
  /** `default` for an unrevisioned one. */
  readonly revision: string;
  readonly version: string;
  /** Its own webhooks serve the default as well; only an unrevisioned one does that. */
  readonly webhooksDeactivated?: boolean;
  readonly installedBy?: 'istioctl' | 'helm' | 'manifests';
  readonly mesh?: string;
  readonly originalValues?: string;
  readonly ready?: boolean;
}

/** Everything that belongs to one control plane alone. */
export function controlPlaneObjects(options: RevisionOptions): KubeObject[] {
  const { revision, version, installedBy = 'istioctl' } = options;
  const suffix = revision === 'default' ? '' : `-${revision}`;
  const name = `istiod${suffix}`;
  const labels = {
    app: 'istiod',
    'istio.io/rev': revision,
    ...(installedBy === 'istioctl' ? { 'operator.istio.io/managed': 'Reconcile', 'operator.istio.io/component': 'Pilot' } : {}),
  };
  const podLabels: Record<string, string> = { app: 'istiod', 'istio.io/rev': revision, istio: revision === 'default' ? 'pilot' : 'istiod' };
  const object = (apiVersion: string, kind: string, objectName: string, more: Record<string, unknown> = {}): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: objectName, ...(kind.startsWith('Cluster') ? {} : { namespace: NAMESPACE }), labels },
    ...more,
  });
  const unlabelled = (apiVersion: string, kind: string, objectName: string, more: Record<string, unknown> = {}): KubeObject => {
    const made = object(apiVersion, kind, objectName, more);
    return installedBy === 'istioctl' ? made : { ...made, metadata: { ...made.metadata, labels: { app: 'istiod' } } };
  };
  const rbac = 'rbac.authorization.k8s.io/v1';
  const binding = (kind: string, objectName: string, roleKind: string, account: string): KubeObject =>
    unlabelled(rbac, kind, objectName, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: objectName },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }],
    });
  return [
    istiodDeployment(name, labels, podLabels, options),
    object('v1', 'Service', name, {
      spec: {
        selector: revision === 'default' ? { app: 'istiod', istio: 'pilot' } : { app: 'istiod', 'istio.io/rev': revision },
        ports: [
          { name: 'https-dns', port: 15012 },
          { name: 'https-webhook', port: 443 },
        ],
      },
    }),
    object('v1', 'ConfigMap', `istio${suffix}`, {
      data: { mesh: options.mesh ?? 'rootNamespace: istio-system\ntrustDomain: cluster.local\n' },
    }),
    object('v1', 'ConfigMap', `istio-sidecar-injector${suffix}`, { data: { config: 'policy: enabled\n', values: '{}' } }),
    object('v1', 'ConfigMap', `values${suffix}`, {
      data: { 'original-values': options.originalValues ?? `{"global":{"tag":"${version}"}}`, 'merged-values': '{}' },
    }),
    unlabelled('v1', 'ServiceAccount', name),
    unlabelled(rbac, 'Role', name),
    binding('RoleBinding', name, 'Role', name),
    unlabelled(rbac, 'ClusterRole', `istiod-clusterrole${suffix}-${NAMESPACE}`),
    binding('ClusterRoleBinding', `istiod-clusterrole${suffix}-${NAMESPACE}`, 'ClusterRole', name),
    unlabelled(rbac, 'ClusterRole', `istio-reader-clusterrole${suffix}-${NAMESPACE}`),
    binding('ClusterRoleBinding', `istio-reader-clusterrole${suffix}-${NAMESPACE}`, 'ClusterRole', 'istio-reader-service-account'),
    injectorWebhooks({
      configuration: `istio-sidecar-injector${suffix}`,
      value: revision,
      revision,
      service: name,
      servesDefault: revision === 'default',
      deactivated: options.webhooksDeactivated === true,
    }),
    validator(`istio-validator${suffix}-${NAMESPACE}`, revision, name),
  ];
}

function istiodDeployment(
  name: string,
  labels: Readonly<Record<string, string>>,
  podLabels: Readonly<Record<string, string>>,
  options: RevisionOptions,
): PodController {
  const ready = options.ready === false ? 0 : 1;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels,
      generation: 1,
      ...(options.installedBy === 'helm' ? { annotations: { 'meta.helm.sh/release-name': name } } : {}),
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: podLabels },
      template: {
        metadata: { labels: { ...podLabels, 'sidecar.istio.io/inject': 'false' } },
        spec: {
          containers: [
            { name: 'discovery', image: `docker.io/istio/pilot:${options.version}`, env: [{ name: 'REVISION', value: options.revision }] },
          ],
          serviceAccountName: name,
        } as never,
      },
    },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: ready, availableReplicas: ready },
  };
}

/** What istioctl leaves for the default: a tag, a validator and a Service. */
export function defaultObjects(revision: string): KubeObject[] {
  const service = revision === 'default' ? 'istiod' : `istiod-${revision}`;
  return [
    injectorWebhooks({
      configuration: 'istio-revision-tag-default',
      value: 'default',
      revision,
      tag: 'default',
      service,
      servesDefault: true,
    }),
    validator('istiod-default-validator', revision, service),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'istiod-revision-tag-default',
        namespace: NAMESPACE,
        labels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': revision, 'istio.io/tag': 'default' },
      },
      spec: { selector: { app: 'istiod', 'istio.io/rev': revision }, ports: [{ port: 15012 }] },
    },
  ];
}

/** What istioctl leaves for a tag. */
export function tagObjects(tag: string, revision: string): KubeObject[] {
  const service = revision === 'default' ? 'istiod' : `istiod-${revision}`;
  return [
    injectorWebhooks({ configuration: `istio-revision-tag-${tag}`, value: tag, revision, tag, service }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: `istiod-revision-tag-${tag}`,
        namespace: NAMESPACE,
        labels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': revision, 'istio.io/tag': tag },
      },
      spec: {
        selector: { app: 'istiod', 'istio.io/rev': revision },
        ports: [{ port: 15012 }],
      },
    },
  ];
}

/** Shared by all revisions. */
export function sharedObjects(): KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'istio-reader-service-account', namespace: NAMESPACE, labels: { app: 'istio-reader' } },
    },
  ];
}

export function crd(name: string, versions: readonly string[], note = ''): KubeObject {
  const [plural = '', ...group] = name.split('.');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: group.join('.'),
      names: { plural, kind: plural },
      scope: 'Namespaced',
      versions: versions.map((v) => ({ name: v, served: true, storage: v === versions[0], schema: { note } })),
    },
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  };
}

/** Whether a Gateway is Istio's own, and not one of the Gateway API. */
export function isIstios(apiVersion: string | undefined): boolean {
  return apiVersion?.startsWith('networking.istio.io/') === true;
}
