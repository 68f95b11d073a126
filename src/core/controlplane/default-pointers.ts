/**
 * What it takes to make a revision the default in all three senses: injection, validation and leadership. The objects
 * are those that `istioctl tag set default --overwrite` leaves behind, so istioctl goes on from them.
 * @source istio/istio istioctl/pkg/tag/generate.go and manifests/charts/istio-control/istio-discovery/templates/
 *   revision-tags-mwc.yaml, manifests/charts/default/templates/validatingwebhook.yaml @86c9f01
 */
import {
  DEFAULT_TAG_CONFIGURATION,
  DEFAULT_VALIDATOR,
  findInjectionWebhooks,
  revisionLabel,
  type WebhookObjects,
} from '../mesh/find-revisions.ts';
import { sortKeys } from './diff-objects.ts';
import { refKey, refOf } from './object-identity.ts';
import type { KubeObject, LabelSelector, ObjectRef, Service, WebhookConfiguration, WebhookEntry } from '../mesh/kube-objects.ts';

export interface DefaultMove {
  /** Absent when the object is created. */
  readonly before?: KubeObject;
  readonly after: KubeObject;
}

const NEVER_MATCH: LabelSelector = { matchLabels: { 'istio.io/deactivated': 'never-match' } };
/** Labels that make istioctl's install and uninstall treat an object as part of an installation. */
const OPERATOR_LABEL = /operator\.istio\.io/;
const DEFAULT_TAG_SERVICE = 'istiod-revision-tag-default';

/**
 * @param objects the mesh as it is; webhook configurations and Services are looked at
 * @param revision the revision that shall be the default; it must have its own webhook configuration and Service
 * @returns the objects to write, in the order in which no pod is left without a sidecar in between; empty when it is the
 *   default already, undefined when the revision lacks its own webhooks or Service
 */
export function buildDefaultMove(objects: WebhookObjects, revision: string): DefaultMove[] | undefined {
  const canonical = objects.mutatingWebhooks.find(
    (c) => isOwn(c, revision) && (c.webhooks ?? []).some((w) => w.name.endsWith('sidecar-injector.istio.io')),
  );
  const validator = objects.validatingWebhooks.find(
    (c) =>
      isOwn(c, revision) && c.metadata.name !== DEFAULT_VALIDATOR && (c.webhooks ?? []).some((w) => w.name.endsWith('validation.istio.io')),
  );
  const service = ownService(canonical, objects.services);
  if (!canonical || !service) return undefined;
  const moves = [
    ...moveConfiguration(tagConfiguration(objects), () => newTagConfiguration(canonical), canonical),
    ...(validator
      ? moveConfiguration(byName(objects.validatingWebhooks, DEFAULT_VALIDATOR), () => newValidator(validator), validator)
      : []),
    ...moveTagService(objects.services, service, revision),
    ...deactivations(objects),
  ];
  return moves.filter((move) => JSON.stringify(sortKeys(move.before)) !== JSON.stringify(sortKeys(move.after)));
}

function isOwn(configuration: WebhookConfiguration, revision: string): boolean {
  return revisionLabel(configuration) === revision && configuration.metadata.labels?.['istio.io/tag'] === undefined;
}

function byName<T extends KubeObject>(objects: readonly T[], name: string): T | undefined {
  return objects.find((o) => o.metadata.name === name);
}

function tagConfiguration(objects: WebhookObjects): WebhookConfiguration | undefined {
  return objects.mutatingWebhooks.find((c) => c.metadata.labels?.['istio.io/tag'] === 'default');
}

function ownService(canonical: WebhookConfiguration | undefined, services: readonly Service[]): Service | undefined {
  const target = canonical?.webhooks?.find((w) => w.clientConfig?.service)?.clientConfig?.service;
  return services.find((s) => s.metadata.name === target?.name && s.metadata.namespace === target?.namespace);
}

/**
 * An unrevisioned configuration that still answers for the default, even one of the revision itself, would inject a
 * second time beside the tag. It goes last: for a moment a pod is injected by both, of which the later by name remains,
 * as before; the other way round it would get no sidecar.
 */
function deactivations(objects: WebhookObjects): DefaultMove[] {
  const active = new Set(
    findInjectionWebhooks(objects)
      .filter((w) => w.tag === undefined && !w.deactivated && /^(namespace|object|auto)\./.test(w.entry.name))
      .map((w) => w.configuration),
  );
  return objects.mutatingWebhooks
    .filter((c) => active.has(c.metadata.name))
    .map((before) => ({
      before,
      after: {
        ...before,
        webhooks: (before.webhooks ?? []).map((w) => ({ ...w, namespaceSelector: NEVER_MATCH, objectSelector: NEVER_MATCH })),
      },
    }));
}

/** Points an existing configuration at another revision, or makes a new one. Everything else in it stays. */
function moveConfiguration(
  existing: WebhookConfiguration | undefined,
  make: () => WebhookConfiguration,
  canonical: WebhookConfiguration,
): DefaultMove[] {
  if (!existing) return [{ after: make() }];
  const target = canonical.webhooks?.find((w) => w.clientConfig !== undefined)?.clientConfig;
  const labels = { ...existing.metadata.labels, 'istio.io/rev': revisionLabel(canonical) };
  const webhooks = (existing.webhooks ?? []).map((w): WebhookEntry => ({ ...w, clientConfig: retarget(w.clientConfig, target) }));
  return [{ before: existing, after: { ...existing, metadata: { ...existing.metadata, labels }, webhooks } }];
}

function retarget(
  own: WebhookEntry['clientConfig'] = {},
  target: WebhookEntry['clientConfig'] = {},
): NonNullable<WebhookEntry['clientConfig']> {
  const { url: _url, service: ownService, caBundle: _caBundle, ...rest } = own;
  return {
    ...rest,
    ...(target.url === undefined ? {} : { url: target.url }),
    ...(target.service === undefined
      ? {}
      : { service: { ...(ownService ?? target.service), name: target.service.name, namespace: target.service.namespace } }),
    ...(target.caBundle === undefined ? {} : { caBundle: target.caBundle }),
  };
}

function tagLabels(canonical: KubeObject, extra: Record<string, string>): Record<string, string> {
  const copied = Object.entries(canonical.metadata.labels ?? {}).filter(([key]) => !OPERATOR_LABEL.test(key));
  return { ...Object.fromEntries(copied), 'istio.io/tag': 'default', 'istio.io/rev': revisionLabel(canonical), ...extra };
}

/** Webhook entries of a tag named default, made from a revision's own entries. */
function newTagConfiguration(canonical: WebhookConfiguration): WebhookConfiguration {
  const template = (canonical.webhooks ?? []).find((w) => w.name.endsWith('sidecar-injector.istio.io'));
  const expression = (
    key: string,
    operator: string,
    values?: readonly string[],
  ): { key: string; operator: string; values?: readonly string[] } => ({
    key,
    operator,
    ...(values === undefined ? {} : { values }),
  });
  const notOff = expression('sidecar.istio.io/inject', 'NotIn', ['false']);
  const noInjection = expression('istio-injection', 'DoesNotExist');
  const noRevision = expression('istio.io/rev', 'DoesNotExist');
  const entry = (
    prefix: string,
    namespace: LabelSelector['matchExpressions'],
    object: LabelSelector['matchExpressions'],
  ): WebhookEntry => ({
    ...(template as WebhookEntry),
    name: `${prefix}.sidecar-injector.istio.io`,
    namespaceSelector: { matchExpressions: namespace ?? [] },
    objectSelector: { matchExpressions: object ?? [] },
  });
  const namespaceSuffix = nameSuffix(canonical);
  return {
    apiVersion: canonical.apiVersion,
    kind: canonical.kind,
    metadata: { name: `${DEFAULT_TAG_CONFIGURATION}${namespaceSuffix}`, labels: tagLabels(canonical, { app: 'sidecar-injector' }) },
    webhooks: [
      entry('rev.namespace', [expression('istio.io/rev', 'In', ['default']), noInjection], [notOff]),
      entry('rev.object', [noRevision, noInjection], [notOff, expression('istio.io/rev', 'In', ['default'])]),
      entry('namespace', [expression('istio-injection', 'In', ['enabled'])], [notOff]),
      entry('object', [noInjection, noRevision], [expression('sidecar.istio.io/inject', 'In', ['true']), noRevision]),
    ],
  };
}

/** Charts append the namespace to the name when it is not istio-system. */
function nameSuffix(canonical: WebhookConfiguration): string {
  const namespace = canonical.webhooks?.find((w) => w.clientConfig?.service)?.clientConfig?.service?.namespace ?? 'istio-system';
  return namespace === 'istio-system' ? '' : `-${namespace}`;
}

function newValidator(own: WebhookConfiguration): WebhookConfiguration {
  return {
    apiVersion: own.apiVersion,
    kind: own.kind,
    metadata: { name: DEFAULT_VALIDATOR, labels: tagLabels(own, {}) },
    webhooks: (own.webhooks ?? []).slice(0, 1).map((w) => ({
      ...w,
      name: 'validation.istio.io',
      // istiod itself raises it to Fail once it has proven that it rejects what is wrong.
      failurePolicy: 'Ignore',
      objectSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'DoesNotExist' }] },
    })),
  };
}

/** istioctl 1.28 and later keep a Service beside the default tag; where there is one, it follows. */
function moveTagService(services: readonly Service[], own: Service, revision: string): DefaultMove[] {
  const existing = services.find((s) => s.metadata.name === DEFAULT_TAG_SERVICE && s.metadata.namespace === own.metadata.namespace);
  if (!existing) return [];
  const labels = { ...existing.metadata.labels, 'istio.io/rev': revision };
  const selector = own.spec?.selector ?? {};
  return [{ before: existing, after: { ...existing, metadata: { ...existing.metadata, labels }, spec: { ...existing.spec, selector } } }];
}

/** Webhook configurations and Services as they are once originals are back; `undefined` marks what did not exist. */
export function withOriginals(
  objects: WebhookObjects,
  originals: readonly { readonly ref: ObjectRef; readonly object: KubeObject | undefined }[],
): WebhookObjects {
  const keys = new Set(originals.map((original) => refKey(original.ref)));
  const put = <T extends KubeObject>(list: readonly T[], kind: string): T[] => [
    ...list.filter((object) => !keys.has(refKey(refOf(object)))),
    ...originals.flatMap(({ object }) => (object?.kind === kind ? [object as T] : [])),
  ];
  return {
    mutatingWebhooks: put(objects.mutatingWebhooks, 'MutatingWebhookConfiguration'),
    validatingWebhooks: put(objects.validatingWebhooks, 'ValidatingWebhookConfiguration'),
    services: put(objects.services, 'Service'),
  };
}
