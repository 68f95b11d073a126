/** Calls all validating webhooks at once. As apiserver pkg/admission/plugin/webhook/validating, v1.34. */
import type { AdmissionAttributes } from '../admission.ts';
import { matchWebhook } from './match-webhook.ts';
import type { Webhook } from './registered-webhooks.ts';
import { callWebhook, type CallOptions } from './review-call.ts';

export interface ValidationOptions extends CallOptions {
  readonly webhooks: () => readonly Webhook[];
}

/**
 * @returns warnings, in the order of the webhooks
 * @throws StatusError of the first webhook that refuses, by their order (a real server gives that of the quickest)
 */
export async function callValidatingWebhooks(attributes: AdmissionAttributes, options: ValidationOptions): Promise<readonly string[]> {
  const calls = options.webhooks().flatMap((webhook) => {
    const invocation = matchWebhook(webhook, attributes, options);
    return invocation === undefined ? [] : [{ webhook, invocation, attributes, kind: 'validating' as const }];
  });
  const outcomes = await Promise.allSettled(calls.map((call) => callWebhook(call, options)));
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused !== undefined) throw refused.reason;
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value?.warnings ?? []) : []));
}
