/**
 * A tag's object that exists, as it is once it points to another revision: what istioctl would apply is put over it, and
 * what it had copied from the former revision goes. Everything else in it stays.
 */
import type { KubeObject, Labels, Service, WebhookConfiguration, WebhookEntry } from '../mesh/kube-objects.ts';

const HELM_RELEASE = /^meta\.helm\.sh\//;
/** Labels in which Helm's charts name the release and the chart that an object belongs to. */
const RELEASE_LABELS = [
  'release',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/version',
  'helm.sh/chart',
];

export interface Retargeting {
  /** What istioctl would apply. */
  readonly wanted: KubeObject;
  /** The revision's own object whose labels the existing one was made with; absent when it is gone. */
  readonly former?: KubeObject | undefined;
  /**
   * The own object of a new revision whose Helm release takes the tag over: the release is named as it is named there.
   * Absent when nothing changes hands.
   */
  readonly heir?: KubeObject | undefined;
}

/** @returns the whole object to write; alike to `existing` when it points there already */
export function retarget<T extends KubeObject>(existing: T, { wanted, former, heir }: Retargeting): T {
  const labels = { ...withoutCopied(existing.metadata.labels, former?.metadata.labels, wanted.metadata.labels), ...wanted.metadata.labels };
  const annotations = {
    ...withoutCopied(existing.metadata.annotations, former?.metadata.annotations, wanted.metadata.annotations),
    ...wanted.metadata.annotations,
  };
  const handedOver = heir === undefined ? { labels, annotations } : handOver({ labels, annotations }, heir);
  const { annotations: _annotations, ...metadata } = existing.metadata;
  const hasAnnotations = Object.keys(handedOver.annotations).length > 0;
  return {
    ...existing,
    metadata: { ...metadata, labels: handedOver.labels, ...(hasAnnotations ? { annotations: handedOver.annotations } : {}) },
    ...content(existing, wanted),
  };
}

/** Without what stands there only because the former revision had it. */
function withoutCopied(own: Labels = {}, former: Labels = {}, wanted: Labels = {}): Labels {
  return Object.fromEntries(
    Object.entries(own).filter(([key, value]) => wanted[key] !== undefined || former[key] !== value || /operator\.istio\.io/.test(key)),
  );
}

interface Marks {
  readonly labels: Labels;
  readonly annotations: Labels;
}

function handOver({ labels, annotations }: Marks, heir: KubeObject): Marks {
  const named = RELEASE_LABELS.flatMap((key) => (heir.metadata.labels?.[key] === undefined ? [] : [[key, heir.metadata.labels[key]]]));
  const release = Object.entries(heir.metadata.annotations ?? {}).filter(([key]) => HELM_RELEASE.test(key));
  return { labels: { ...labels, ...Object.fromEntries(named) }, annotations: { ...annotations, ...Object.fromEntries(release) } };
}

function content(existing: KubeObject, wanted: KubeObject): Partial<WebhookConfiguration & Service> {
  if (existing.kind === 'Service') {
    const [own, next] = [existing as Service, wanted as Service];
    return { spec: { ...own.spec, selector: next.spec?.selector ?? {} } };
  }
  const wantedEntries = (wanted as WebhookConfiguration).webhooks ?? [];
  const liveEntries = (existing as WebhookConfiguration).webhooks ?? [];
  const live = new Map(liveEntries.map((w) => [w.name, w]));
  const names = new Set(wantedEntries.map((w) => w.name));
  const others = liveEntries.filter((w) => !names.has(w.name));
  return {
    webhooks: [
      ...wantedEntries.map((w) => entryOver(live.get(w.name), w)),
      ...others.map((w): WebhookEntry => ({ ...w, clientConfig: addressOver(w.clientConfig, wantedEntries[0]?.clientConfig) })),
    ],
  };
}

/** Fields that only the live entry has, such as a timeout, stay. */
function entryOver(live: WebhookEntry | undefined, wanted: WebhookEntry): WebhookEntry {
  if (live === undefined) return wanted;
  const rules = sameRules(live.rules, wanted.rules) ? live.rules : wanted.rules;
  return {
    ...live,
    ...wanted,
    clientConfig: addressOver(live.clientConfig, wanted.clientConfig),
    ...(rules === undefined ? {} : { rules }),
  };
}

/** A webhook has a Service or a URL, never both; the port that the API server adds stays. */
function addressOver(live: WebhookEntry['clientConfig'] = {}, wanted: WebhookEntry['clientConfig'] = {}): Address {
  const { url: _url, service, ...rest } = live;
  const { service: wantedService, ...others } = wanted;
  return { ...rest, ...others, ...(wantedService === undefined ? {} : { service: { ...service, ...wantedService } }) };
}

type Address = NonNullable<WebhookEntry['clientConfig']>;

/** The API server adds a scope to each rule. */
function sameRules(live: WebhookEntry['rules'], wanted: WebhookEntry['rules']): boolean {
  const plain = (rules: WebhookEntry['rules']): string =>
    JSON.stringify(
      (rules ?? []).map((rule) => {
        const { scope: _scope, ...rest } = rule as { scope?: string } & Record<string, unknown>;
        return Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1));
      }),
    );
  return plain(live) === plain(wanted);
}
