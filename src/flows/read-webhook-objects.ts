import type { WebhookObjects } from '../core/mesh/find-revisions.ts';
import type { Service, WebhookConfiguration } from '../core/mesh/kube-objects.ts';
import type { RunPorts } from './flow-ports.ts';

/** Webhook configurations, and the Services of the Istio namespace. */
export async function readWebhookObjects(ports: Pick<RunPorts, 'reader'>): Promise<WebhookObjects> {
  const objects = await ports.reader.readControlPlaneObjects();
  return {
    mutatingWebhooks: objects.filter((o): o is WebhookConfiguration => o.kind === 'MutatingWebhookConfiguration'),
    validatingWebhooks: objects.filter((o): o is WebhookConfiguration => o.kind === 'ValidatingWebhookConfiguration'),
    services: objects.filter((o): o is Service => o.kind === 'Service'),
  };
}
