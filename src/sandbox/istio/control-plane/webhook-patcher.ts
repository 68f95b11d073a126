/**
 * Keeps webhook configurations of its revision callable: istiod writes its root into them, and makes validation strict once it answers.
 * Source: istio/istio, pkg/webhooks/webhookpatch.go and pkg/webhooks/validation/controller/controller.go, tag 1.28.2.
 */
import type { Cluster, ClusterWriter } from '../../cluster/cluster-view.ts';
import type { PodNetwork } from '../../cluster/pod-network.ts';
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { IstiodMetrics } from './istiod-metrics.ts';
import { createWorkQueue } from './work-queue.ts';

const MUTATING = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
const VALIDATING = 'validatingwebhookconfigurations.admissionregistration.k8s.io';

export interface WebhookPatcherOptions {
  readonly cluster: Cluster;
  readonly writer: ClusterWriter;
  readonly network: PodNetwork;
  readonly clock: SandboxClock;
  readonly revision: string;
  /** Base64 of the root certificate. */
  readonly caBundle: string;
  readonly metrics: IstiodMetrics;
  /** Whether this istiod refuses bad configuration already, as its own test of it would find. */
  readonly validates: () => boolean;
  readonly log: (line: string) => void;
}

interface Webhook {
  readonly name: string;
  readonly failurePolicy?: string;
  readonly clientConfig: {
    readonly caBundle?: string;
    readonly service?: { readonly name: string; readonly namespace: string; readonly port?: number };
  };
}

/** @returns stops it */
export function startWebhookPatcher(options: WebhookPatcherOptions): () => void {
  const { cluster, clock, revision } = options;
  const queue = createWorkQueue({
    clock,
    work: (key) => (key.startsWith('m/') ? patchMutating(key.slice(2), options) : patchValidating(key.slice(2), options)),
  });
  const watch = (resource: string, prefix: string): (() => void) => {
    const look = (object: KubeObject): void => {
      if (object.metadata.labels?.['istio.io/rev'] === revision) queue.add(`${prefix}/${object.metadata.name}`);
    };
    for (const object of cluster.list(resource)) look(object);
    return cluster.onChange(resource, ({ type, object }) => {
      if (type !== 'DELETED') look(object);
    });
  };
  const stops = [watch(MUTATING, 'm'), watch(VALIDATING, 'v')];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

function webhooksOf(object: KubeObject): readonly Webhook[] {
  return (object['webhooks'] ?? []) as readonly Webhook[];
}

function withBundle(webhook: Webhook, caBundle: string): Webhook {
  return { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } };
}

/** Tags included: their configurations carry the label of the revision that they point to. */
async function patchMutating(name: string, { cluster, writer, revision, caBundle, metrics }: WebhookPatcherOptions): Promise<void> {
  const found = cluster.get(MUTATING, name);
  if (found === undefined || found.metadata.labels?.['istio.io/rev'] !== revision) return;
  const webhooks = webhooksOf(found);
  const own = (webhook: Webhook): boolean => webhook.name.endsWith('sidecar-injector.istio.io');
  if (!webhooks.some((webhook) => own(webhook) && webhook.clientConfig.caBundle !== caBundle)) return;
  metrics.count('webhook_patch_attempts_total', { name: 'sidecar-injector.istio.io' });
  await writer.update(MUTATING, {
    ...found,
    webhooks: webhooks.map((webhook) => (own(webhook) ? withBundle(webhook, caBundle) : webhook)),
  });
}

async function patchValidating(name: string, options: WebhookPatcherOptions): Promise<void> {
  const { cluster, writer, revision, caBundle, metrics, log } = options;
  const found = cluster.get(VALIDATING, name);
  if (found === undefined || found.metadata.labels?.['istio.io/rev'] !== revision) return;
  const webhooks = webhooksOf(found);
  const lenient = webhooks.some((webhook) => webhook.failurePolicy === 'Ignore');
  const strict = lenient && canBeStrict(webhooks, options);
  if (!strict && webhooks.every((webhook) => webhook.clientConfig.caBundle === caBundle)) {
    if (lenient) throw new Error('webhook is not ready, retry');
    return;
  }
  await writer.update(VALIDATING, {
    ...found,
    webhooks: webhooks.map((webhook) => ({ ...withBundle(webhook, caBundle), ...(strict ? { failurePolicy: 'Fail' } : {}) })),
  });
  metrics.count('galley_validation_config_updates', {});
  if (strict) log('Endpoint successfully rejected invalid config. Switching to fail-close.');
  if (lenient && !strict) throw new Error('webhook is not ready, retry');
}

/** istiod asks the API server to try a bad configuration: that must get through the configured Service to an istiod that refuses it. */
function canBeStrict(webhooks: readonly Webhook[], { network, validates }: WebhookPatcherOptions): boolean {
  return (
    validates() &&
    webhooks.every(({ clientConfig: { service } }) => {
      if (service === undefined) return true;
      return network.resolveService(service.namespace, service.name, service.port ?? 443) !== undefined;
    })
  );
}
