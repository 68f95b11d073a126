/** Finds control planes, tags and the three senses of `default` in raw objects. */
import { versionOfImage } from '../versions/istio-version.ts';
import { readInjectorPolicy, type InjectorPolicy } from './injector-policy.ts';
import type { ConfigMap, KubeObject, PodController, Service, WebhookConfiguration, WebhookEntry } from './kube-objects.ts';
import { matchesSelector, selectsPod } from './match-selector.ts';
import type { DefaultSense, InjectionWebhook, InstallMethod, Revision, Tag } from './mesh-inventory.ts';
import type { IstiodReport, MeshObjects } from './mesh-objects.ts';
import { helmReleaseOf, ownerOf } from './object-owner.ts';

/** Name of the webhook configuration whose label alone tells istiod and istioctl which revision is the default. */
export const DEFAULT_TAG_CONFIGURATION = 'istio-revision-tag-default';
/** Name of the webhook configuration that validates configuration without a revision label. */
export const DEFAULT_VALIDATOR = 'istiod-default-validator';
/** The name under which an unrevisioned control plane appears in labels and in Meshlift. */
export const UNREVISIONED = 'default';

export function revisionLabel(object: KubeObject): string {
  return object.metadata.labels?.['istio.io/rev'] || UNREVISIONED;
}

/** The part of a mesh in which webhooks live; with Deployments and ConfigMaps, who answers them is seen as well. */
export type WebhookObjects = Pick<MeshObjects, 'mutatingWebhooks' | 'validatingWebhooks' | 'services'> &
  Partial<Pick<MeshObjects, 'deployments' | 'configMaps'>>;

/** Every injection webhook entry of the cluster, those of tags, deactivated and dangling ones included. */
export function findInjectionWebhooks(objects: WebhookObjects): InjectionWebhook[] {
  const istiods = (objects.deployments ?? []).filter(isIstiod);
  const policies = injectorPolicies(objects.configMaps ?? []);
  return objects.mutatingWebhooks.flatMap((configuration) =>
    injectionEntries(configuration).map((entry) => {
      const tag = configuration.metadata.labels?.['istio.io/tag'];
      const revision = revisionLabel(configuration);
      const answeredBy = revisionsBehind(entry, objects.services, istiods);
      const policy = policies.get(answeredBy[0] ?? revision);
      return {
        configuration: configuration.metadata.name,
        revision,
        ...(tag === undefined ? {} : { tag }),
        entry,
        serviceExists: targetExists(entry, objects.services),
        hasCaBundle: (entry.clientConfig?.caBundle ?? '') !== '',
        deactivated: entry.namespaceSelector?.matchLabels?.['istio.io/deactivated'] !== undefined,
        ...(answeredBy.length === 0 ? {} : { answeredBy }),
        ...(policy === undefined ? {} : { policy }),
      };
    }),
  );
}

/** Revisions of the istiods that the Service of a webhook selects, each once. */
function revisionsBehind(entry: WebhookEntry, services: readonly Service[], istiods: readonly PodController[]): string[] {
  const target = entry.clientConfig?.service;
  const service =
    target === undefined ? undefined : services.find((s) => s.metadata.name === target.name && s.metadata.namespace === target.namespace);
  if (service === undefined) return [];
  const behind = istiods.filter(
    (d) =>
      d.metadata.namespace === service.metadata.namespace && selectsPod(service.spec?.selector, d.spec?.template?.metadata?.labels ?? {}),
  );
  return [...new Set(behind.map(revisionOfDeployment))];
}

/** Settings of the injector by revision; those that cannot be read are absent. */
function injectorPolicies(configMaps: readonly ConfigMap[]): Map<string, InjectorPolicy> {
  const policies = new Map<string, InjectorPolicy>();
  for (const configMap of configMaps) {
    const { config, values } = configMap.data ?? {};
    const policy = config === undefined || values === undefined ? undefined : readInjectorPolicy(config);
    if (policy !== undefined) policies.set(revisionLabel(configMap), policy);
  }
  return policies;
}

function injectionEntries(configuration: WebhookConfiguration): readonly WebhookEntry[] {
  return (configuration.webhooks ?? []).filter((w) => w.name.endsWith('sidecar-injector.istio.io'));
}

function targetExists(entry: WebhookEntry, services: readonly Service[]): boolean {
  const target = entry.clientConfig?.service;
  if (!target) return entry.clientConfig?.url !== undefined;
  return services.some((s) => s.metadata.name === target.name && s.metadata.namespace === target.namespace);
}

export function findTags(objects: MeshObjects): Tag[] {
  const tags = objects.mutatingWebhooks.flatMap((configuration): Tag[] => {
    const name = configuration.metadata.labels?.['istio.io/tag'];
    if (name === undefined || injectionEntries(configuration).length === 0) return [];
    const helmRelease = helmReleaseOf(configuration);
    return [
      {
        name,
        revision: revisionLabel(configuration),
        configuration: configuration.metadata.name,
        owner: ownerOf(configuration),
        ...(helmRelease === undefined ? {} : { helmRelease }),
      },
    ];
  });
  return tags.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** Validating webhook configurations that belong to Istio: their webhooks are named `…validation.istio.io`. */
export function findValidators(objects: MeshObjects): WebhookConfiguration[] {
  return objects.validatingWebhooks.filter((c) => (c.webhooks ?? []).some((w) => w.name.endsWith('validation.istio.io')));
}

/** Every revision that has a Deployment or, left over, only webhooks. Sorted by version of their text, then name. */
export function findRevisions(objects: MeshObjects): Revision[] {
  const webhooks = findInjectionWebhooks(objects);
  const defaults = findDefaults(objects, webhooks);
  const tags = findTags(objects);
  const validators = findValidators(objects);
  const deployed = objects.deployments.filter(isIstiod).map((deployment) => ({ name: revisionOfDeployment(deployment), deployment }));
  const names = new Set(deployed.map((d) => d.name));
  const ghosts = [...new Set(webhooks.map((w) => w.revision))].filter((name) => !names.has(name));
  const own = (name: string): Pick<Revision, 'mutatingWebhooks' | 'validatingWebhooks' | 'tags' | 'defaultFor'> => ({
    mutatingWebhooks: [...new Set(webhooks.filter((w) => w.revision === name && w.tag === undefined).map((w) => w.configuration))],
    validatingWebhooks: validators
      .filter((v) => revisionLabel(v) === name && v.metadata.name !== DEFAULT_VALIDATOR)
      .map((v) => v.metadata.name),
    tags: tags.filter((t) => t.revision === name).map((t) => t.name),
    defaultFor: (Object.keys(defaults) as DefaultSense[]).filter((sense) => defaults[sense] === name),
  });
  return [
    ...deployed.map(({ name, deployment }) => ({ ...revisionOf(name, deployment, objects), ...own(name) })),
    ...ghosts.map((name): Revision => ({
      name,
      namespace: objects.istioNamespace,
      version: 'unknown',
      replicas: { desired: 0, ready: 0 },
      installedBy: 'manifests',
      istiods: [],
      ...own(name),
    })),
  ].toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }) || a.name.localeCompare(b.name));
}

export function isIstiod(deployment: PodController): boolean {
  const labels = deployment.spec?.template?.metadata?.labels ?? deployment.metadata.labels ?? {};
  return labels['app'] === 'istiod' && (deployment.spec?.template?.spec?.containers ?? []).some((c) => c.name === 'discovery');
}

/** istiod's own idea of its revision: the variable REVISION of its container, else the label. */
export function revisionOfDeployment(deployment: PodController): string {
  const discovery = discoveryContainer(deployment);
  return discovery?.env?.find((e) => e.name === 'REVISION')?.value || revisionLabel(deployment);
}

function discoveryContainer(deployment: PodController): { env?: readonly { name: string; value?: string }[]; image?: string } | undefined {
  return deployment.spec?.template?.spec?.containers?.find((c) => c.name === 'discovery');
}

function revisionOf(
  name: string,
  deployment: PodController,
  objects: MeshObjects,
): Omit<Revision, 'mutatingWebhooks' | 'validatingWebhooks' | 'tags' | 'defaultFor'> {
  const namespace = deployment.metadata.namespace ?? objects.istioNamespace;
  const istiods = objects.istiods.filter((report) => report.namespace === namespace && report.revision === name);
  const helmRelease = deployment.metadata.annotations?.['meta.helm.sh/release-name'];
  const service = serviceOf(deployment, objects.services);
  return {
    name,
    namespace,
    deployment: deployment.metadata.name,
    ...(service === undefined ? {} : { service }),
    version: versionOf(deployment, istiods),
    replicas: { desired: deployment.spec?.replicas ?? 1, ready: deployment.status?.readyReplicas ?? 0 },
    installedBy: installMethod(deployment),
    ...(helmRelease === undefined ? {} : { helmRelease }),
    istiods,
  };
}

function versionOf(deployment: PodController, istiods: readonly IstiodReport[]): string {
  const asked = istiods.find((report) => report.version !== undefined)?.version;
  const image = discoveryContainer(deployment)?.image;
  return asked ?? (image === undefined ? undefined : versionOfImage(image)) ?? 'unknown';
}

/** The Service that selects the Deployment's pods and is not made for a tag. */
function serviceOf(deployment: PodController, services: readonly Service[]): string | undefined {
  const podLabels = deployment.spec?.template?.metadata?.labels ?? {};
  return services.find(
    (s) =>
      s.metadata.namespace === deployment.metadata.namespace &&
      s.metadata.labels?.['istio.io/tag'] === undefined &&
      selectsPod(s.spec?.selector, podLabels) &&
      (s.spec?.ports ?? []).some((p) => p.port === 15012),
  )?.metadata.name;
}

/** istioctl stamps what it installs as managed; Helm leaves its release in annotations; what has neither was applied. */
function installMethod(deployment: PodController): InstallMethod {
  if (deployment.metadata.annotations?.['meta.helm.sh/release-name'] !== undefined) return 'helm';
  return deployment.metadata.labels?.['operator.istio.io/managed'] === undefined ? 'manifests' : 'istioctl';
}

/** Which revision is the default in each of the three senses; a sense that nobody serves is absent. */
export function findDefaults(objects: MeshObjects, webhooks: readonly InjectionWebhook[]): Partial<Record<DefaultSense, string>> {
  const injecting = webhooks.filter(
    (w) =>
      !w.deactivated &&
      matchesSelector(w.entry.namespaceSelector, { 'istio-injection': 'enabled' }) &&
      matchesSelector(w.entry.objectSelector, {}),
  );
  const injection = injecting.toSorted((a, b) => a.configuration.localeCompare(b.configuration)).at(-1)?.revision;
  const validator = objects.validatingWebhooks.find((c) => c.metadata.name === DEFAULT_VALIDATOR);
  const leader = objects.mutatingWebhooks.find((c) => c.metadata.name === DEFAULT_TAG_CONFIGURATION);
  return {
    ...(injection === undefined ? {} : { injection }),
    ...(validator === undefined ? {} : { validation: revisionLabel(validator) }),
    ...(leader === undefined ? {} : { leadership: revisionLabel(leader) }),
  };
}
