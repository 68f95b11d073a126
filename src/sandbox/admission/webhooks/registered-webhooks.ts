/** Reads webhook configurations into what calls need, in the order in which webhooks are called. */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { integer, isRecord, list, record, records, text, type Json } from '../../resources/json-tree.ts';

export interface WebhookRule {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  /** `pods`, `pods/log`, all subresources of pods, or `*` in place of either part. */
  readonly resources: readonly string[];
  readonly scope: string;
}

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly port: number;
}

export interface Webhook {
  /** Configuration, name and place: unique, also where a configuration names two webhooks alike. */
  readonly id: string;
  readonly name: string;
  readonly service: ServiceReference | undefined;
  readonly url: string;
  /** PEM; empty for the certificates that the machine trusts. */
  readonly caBundle: string;
  readonly rules: readonly WebhookRule[];
  readonly ignoresFailures: boolean;
  /** Also called for other versions of a resource in its rules. */
  readonly matchesEquivalent: boolean;
  readonly namespaceSelector: Json;
  readonly objectSelector: Json;
  readonly hasConditions: boolean;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly reviewVersions: readonly string[];
  readonly isReinvocable: boolean;
}

export type WebhookKind = 'mutating' | 'validating';

const DEFAULT_TIMEOUT_SECONDS = 10;

/** @returns a reader of all webhooks of a kind: configurations by name, webhooks as they are listed in them */
export function createWebhookReader(view: Pick<ClusterView, 'list'>): (kind: WebhookKind) => readonly Webhook[] {
  // Stored objects are frozen, so that what was read from one stays right.
  const known = new WeakMap<KubeObject, readonly Webhook[]>();
  return (kind) =>
    view.list(`${kind}webhookconfigurations.admissionregistration.k8s.io`).flatMap((configuration) => {
      const webhooks =
        known.get(configuration) ?? records(configuration['webhooks']).map((one, index) => toWebhook(configuration, one, index));
      known.set(configuration, webhooks);
      return webhooks;
    });
}

/** Fields that are left out have the values that the API server's defaults give them. */
function toWebhook(configuration: KubeObject, webhook: Json, index: number): Webhook {
  const config = record(webhook['clientConfig']);
  const name = text(webhook['name']);
  return {
    id: `${configuration.metadata.name}/${name}/${index}`,
    name,
    service: isRecord(config['service']) ? toService(config['service']) : undefined,
    url: text(config['url']),
    caBundle: Buffer.from(text(config['caBundle']), 'base64').toString('utf8'),
    rules: records(webhook['rules']).map(toRule),
    ignoresFailures: webhook['failurePolicy'] === 'Ignore',
    matchesEquivalent: webhook['matchPolicy'] !== 'Exact',
    namespaceSelector: record(webhook['namespaceSelector']),
    objectSelector: record(webhook['objectSelector']),
    hasConditions: list(webhook['matchConditions']).length > 0,
    sideEffects: text(webhook['sideEffects']),
    timeoutSeconds: integer(webhook['timeoutSeconds']) || DEFAULT_TIMEOUT_SECONDS,
    reviewVersions: strings(webhook['admissionReviewVersions']),
    isReinvocable: webhook['reinvocationPolicy'] === 'IfNeeded',
  };
}

function toService(service: Json): ServiceReference {
  return {
    namespace: text(service['namespace']),
    name: text(service['name']),
    path: text(service['path']),
    port: integer(service['port']) || 443,
  };
}

function toRule(rule: Json): WebhookRule {
  return {
    operations: strings(rule['operations']),
    apiGroups: strings(rule['apiGroups']),
    apiVersions: strings(rule['apiVersions']),
    resources: strings(rule['resources']),
    scope: text(rule['scope']) || '*',
  };
}

function strings(value: unknown): readonly string[] {
  return list(value).filter((item): item is string => typeof item === 'string');
}
