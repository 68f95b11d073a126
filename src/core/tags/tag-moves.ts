/** Which objects are written to point a tag at a revision: each as it is, and as it will be. */
import { revisionLabel, type WebhookObjects } from '../mesh/find-revisions.ts';
import { helmReleaseOf } from '../mesh/object-owner.ts';
import type { KubeObject, LabelSelector, Service, WebhookConfiguration } from '../mesh/kube-objects.ts';
import { buildTagObjects, canonicalConfigurations, canonicalEntry, TAG_SERVICE_PREFIX, type TagObjects } from './tag-objects.ts';
import { retarget } from './retarget.ts';

export interface TagMove {
  /** Absent when the object is created. */
  readonly before?: KubeObject;
  /** The whole object afterwards. */
  readonly after: KubeObject;
  /** What istioctl would apply of it; absent for objects that it changes in another way. */
  readonly wanted?: KubeObject;
}

export interface TagTarget {
  readonly tag: string;
  readonly revision: string;
  /** Version of its control plane; absent: a Service of the tag follows where there is one, and none is made. */
  readonly version?: string;
  readonly autoInject?: boolean;
}

/**
 * @returns objects to write, the webhooks first: they decide who injects; those that are right already included. Undefined
 *   when the revision has no webhook configuration or no Service of its own, so that nothing can point to it
 */
export function tagMoves(objects: WebhookObjects, target: TagTarget): TagMove[] | undefined {
  const canonical = canonicalConfigurations(objects, target.revision)[0];
  const service = canonical && ownService(canonical, objects.services);
  if (!canonical || (!service && canonicalEntry(canonical)?.clientConfig?.url === undefined)) return undefined;
  const { tag } = target;
  const existing = objects.mutatingWebhooks.find((c) => c.metadata.labels?.['istio.io/tag'] === tag);
  const autoInject = target.autoInject === true || hasAutoEntry(existing);
  const made = buildTagObjects({ tag, version: target.version ?? 'unknown', autoInject }, canonical);
  const live = made.service && objects.services.find((s) => s.metadata.name === `${TAG_SERVICE_PREFIX}${tag}` && isBeside(s, made.service));
  return [configurationMove(objects, existing, made, canonical), ...serviceMoves({ live, made, target, heir: service, objects })];
}

/** Only what points elsewhere than it should, in the same order; what merely looks different, such as another label, is left alone. */
export function changesOf(moves: readonly TagMove[]): TagMove[] {
  return moves.filter(({ before, after }) => before === undefined || pointerText(before) !== pointerText(after));
}

/** Everything of an object that decides who injects or validates, who looks after it, and whose it is. */
function pointerText(object: KubeObject): string {
  const { labels = {}, annotations = {} } = object.metadata;
  return canonicalText({
    revision: labels['istio.io/rev'],
    tag: labels['istio.io/tag'],
    release: annotations['meta.helm.sh/release-name'],
    selector: (object as Service).spec?.selector,
    webhooks: (object as WebhookConfiguration).webhooks?.map(({ name, clientConfig = {}, namespaceSelector, objectSelector }) => ({
      name,
      caBundle: clientConfig.caBundle,
      url: clientConfig.url,
      service: clientConfig.service && { ...clientConfig.service, port: undefined },
      namespaceSelector: selectorOrEmpty(namespaceSelector),
      objectSelector: selectorOrEmpty(objectSelector),
    })),
  });
}

/** The API server writes an absent selector as an empty one. */
function selectorOrEmpty(selector: LabelSelector | undefined): LabelSelector {
  return selector ?? {};
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The Service behind a revision's own webhooks. */
export function ownService(canonical: WebhookConfiguration, services: readonly Service[]): Service | undefined {
  const target =
    canonicalEntry(canonical)?.clientConfig?.service ?? canonical.webhooks?.find((w) => w.clientConfig?.service)?.clientConfig?.service;
  return services.find((s) => s.metadata.name === target?.name && s.metadata.namespace === target?.namespace);
}

/** The own configuration of the revision that an object was made for; undefined when that is gone. */
export function formerConfiguration(objects: WebhookObjects, existing: KubeObject): WebhookConfiguration | undefined {
  return canonicalConfigurations(objects, revisionLabel(existing))[0];
}

function hasAutoEntry(existing: WebhookConfiguration | undefined): boolean {
  return (existing?.webhooks ?? []).some((w) => w.name.startsWith('auto.'));
}

function isBeside(service: Service, made: Service | undefined): boolean {
  return service.metadata.namespace === made?.metadata.namespace;
}

function configurationMove(
  objects: WebhookObjects,
  existing: WebhookConfiguration | undefined,
  made: TagObjects,
  canonical: WebhookConfiguration,
): TagMove {
  const wanted = { ...made.configuration };
  if (!existing) return { after: wanted, wanted };
  const named = { ...wanted, metadata: { ...wanted.metadata, name: existing.metadata.name } };
  const after = retarget(existing, { wanted: named, former: formerConfiguration(objects, existing), heir: heirOf(existing, canonical) });
  return { before: existing, after, wanted: named };
}

interface ServiceMove {
  readonly live: Service | undefined;
  readonly made: TagObjects;
  readonly target: TagTarget;
  readonly heir: Service | undefined;
  readonly objects: WebhookObjects;
}

function serviceMoves({ live, made, target, heir }: ServiceMove): TagMove[] {
  const wanted = made.service;
  if (!wanted) return [];
  if (!live) return target.version === undefined ? [] : [{ after: wanted, wanted }];
  return [{ before: live, after: retarget(live, { wanted, heir: heirOf(live, heir) }), wanted }];
}

/** What a Helm release owns goes to the release of the new revision, in the same write. */
function heirOf(existing: KubeObject, own: KubeObject | undefined): KubeObject | undefined {
  return helmReleaseOf(existing) === undefined || own === undefined || own.metadata.annotations?.['meta.helm.sh/release-name'] === undefined
    ? undefined
    : own;
}
