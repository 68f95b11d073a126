/**
 * What it takes to make a revision the default in all three senses: injection, validation and leadership. The objects
 * are those that `istioctl tag set default --overwrite` leaves behind, so istioctl goes on from them.
 * @source istio/istio istioctl/pkg/tag/generate.go and manifests/charts/istio-control/istio-discovery/templates/
 *   revision-tags-mwc.yaml, manifests/charts/default/templates/validatingwebhook.yaml @86c9f01
 */
import { DEFAULT_VALIDATOR, findInjectionWebhooks, revisionLabel, type WebhookObjects } from '../mesh/find-revisions.ts';
import type { KubeObject, LabelSelector, ObjectRef, WebhookConfiguration } from '../mesh/kube-objects.ts';
import { changesOf, formerConfiguration, ownService, tagMoves, type TagMove } from '../tags/tag-moves.ts';
import { buildTagObjects, canonicalConfigurations, DEFAULT_TAG, withoutRaisedPolicy } from '../tags/tag-objects.ts';
import { retarget } from '../tags/retarget.ts';
import { refKey, refOf } from './object-identity.ts';

export type DefaultMove = TagMove;

const NEVER_MATCH: LabelSelector = { matchLabels: { 'istio.io/deactivated': 'never-match' } };

export interface DefaultMoveOptions {
  /** Version of the revision; absent: a Service of the tag follows where there is one, and none is made. */
  readonly version?: string;
  /** Also injects where nothing is labelled; what an existing tag does stays. */
  readonly autoInject?: boolean;
}

/**
 * @param objects the mesh as it is; webhook configurations and Services are looked at
 * @param revision the revision that shall be the default; it must have its own webhook configuration and Service
 * @returns the objects to write, in the order in which no pod is left without a sidecar in between; empty when it is the
 *   default already, undefined when the revision lacks its own webhooks or Service
 */
export function buildDefaultMove(
  objects: WebhookObjects,
  revision: string,
  { version, autoInject = false }: DefaultMoveOptions = {},
): DefaultMove[] | undefined {
  const canonical = canonicalConfigurations(objects, revision)[0];
  const service = canonical && ownService(canonical, objects.services);
  if (!canonical || !service) return undefined;
  const tag = tagMoves(objects, { tag: DEFAULT_TAG, revision, ...(version === undefined ? {} : { version }), autoInject }) ?? [];
  const [injection, ...others] = tag;
  const moves = [
    ...(injection === undefined ? [] : [injection]),
    ...(hasOwnValidator(objects, revision) ? [validatorMove(objects, canonical)] : []),
    ...others,
    ...deactivations(objects),
  ];
  return changesOf(moves);
}

/** A revision that validates nothing must not be asked to validate for everybody. */
function hasOwnValidator(objects: WebhookObjects, revision: string): boolean {
  return objects.validatingWebhooks.some(
    (c) =>
      revisionLabel(c) === revision &&
      c.metadata.labels?.['istio.io/tag'] === undefined &&
      c.metadata.name !== DEFAULT_VALIDATOR &&
      (c.webhooks ?? []).some((w) => w.name.endsWith('validation.istio.io')),
  );
}

function validatorMove(objects: WebhookObjects, canonical: WebhookConfiguration): DefaultMove {
  const existing = objects.validatingWebhooks.find((c) => c.metadata.name === DEFAULT_VALIDATOR);
  const made = buildTagObjects({ tag: DEFAULT_TAG, version: 'unknown' }, canonical).validator as WebhookConfiguration;
  const wanted = withoutRaisedPolicy(made, existing);
  if (!existing) return { after: wanted, wanted };
  const service = made.webhooks?.[0]?.clientConfig?.service;
  if (service !== undefined && isOfBaseChart(existing)) {
    const after = pointTo(existing, revisionLabel(canonical), service);
    return { before: existing, after, wanted: after };
  }
  return { before: existing, after: retarget(existing, { wanted, former: formerConfiguration(objects, existing) }), wanted };
}

/** Made by the base chart, and not replaced by a tag since: istioctl copies Helm's annotations too, and adds the label of the tag. */
function isOfBaseChart({ metadata }: WebhookConfiguration): boolean {
  return metadata.annotations?.['meta.helm.sh/release-name'] !== undefined && metadata.labels?.['istio.io/tag'] === undefined;
}

/** What `defaultRevision` of the base chart changes and nothing else, so that its release and the cluster say the same. */
function pointTo(
  existing: WebhookConfiguration,
  revision: string,
  service: { readonly name: string; readonly namespace: string },
): WebhookConfiguration {
  return {
    ...existing,
    metadata: { ...existing.metadata, labels: { ...existing.metadata.labels, 'istio.io/rev': revision } },
    webhooks: (existing.webhooks ?? []).map((webhook) => ({
      ...webhook,
      clientConfig: {
        ...webhook.clientConfig,
        service: { ...webhook.clientConfig?.service, name: service.name, namespace: service.namespace },
      },
    })),
  };
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
