/** One call of one webhook: asks, and turns the answer into a verdict. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { createReview, readAnswer, reviewVersionOf, type ReviewAnswer } from './admission-review.ts';
import { CallFailure, denied, dryRunUnsupported, failedCall } from './call-failure.ts';
import type { Invocation, MatchOptions } from './match-webhook.ts';
import type { Webhook, WebhookKind } from './registered-webhooks.ts';
import type { WebhookClient } from './webhook-client.ts';

export interface CallOptions extends MatchOptions {
  readonly client: Pick<WebhookClient, 'post'>;
  /** Names each review, a UUID. */
  readonly newUid: () => string;
}

export interface ReviewCall {
  readonly webhook: Webhook;
  readonly invocation: Invocation;
  readonly attributes: AdmissionAttributes;
  readonly kind: WebhookKind;
}

/**
 * @returns the answer of a webhook that allows the request; undefined when it cannot be called and that does not matter
 * @throws StatusError when it refuses, or cannot be called and that matters
 */
export async function callWebhook(call: ReviewCall, options: CallOptions): Promise<ReviewAnswer | undefined> {
  const { webhook } = call;
  try {
    const answer = await ask(call, options);
    if (!answer.allowed) throw denied(webhook.name, answer.status);
    return answer;
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    if (webhook.ignoresFailures) return undefined;
    throw failedCall(webhook.name, error);
  }
}

async function ask(
  { webhook, invocation, attributes, kind }: ReviewCall,
  { client, newUid, definitions }: CallOptions,
): Promise<ReviewAnswer> {
  if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') throw dryRunUnsupported(webhook.name);
  const version = reviewVersionOf(webhook);
  const uid = newUid();
  const served = definitions(attributes.storage);
  const { object, oldObject } = attributes;
  const objects = { object: toInvoked(object, invocation, served), oldObject: toInvoked(oldObject, invocation, served) };
  const body = await client.post(webhook, createReview({ uid, version }, attributes, invocation, objects));
  return readAnswer(body, { uid, version, mutating: kind === 'mutating' });
}

/** The object in the version that the webhook asked for. */
export function toInvoked(
  object: KubeObject | undefined,
  { converted }: Invocation,
  served: readonly ResourceDefinition[],
): KubeObject | undefined {
  return object === undefined || converted === undefined ? object : convert(object, converted, served);
}

/** Between versions of one resource, by way of the stored one. Objects of other kinds, such as a Scale, stay as they are. */
export function convert(object: KubeObject, target: ResourceDefinition, served: readonly ResourceDefinition[]): KubeObject {
  const source = served.find((one) => apiVersionOf(one) === object.apiVersion && one.kind === object.kind);
  if (source === undefined || source === target) return object;
  const stored = source.toStorage?.(object) ?? { ...object, apiVersion: source.storageApiVersion };
  return target.fromStorage?.(stored) ?? { ...stored, apiVersion: apiVersionOf(target), kind: target.kind };
}

export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}
