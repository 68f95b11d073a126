/**
 * Calls mutating webhooks one after the other, each with what the ones before it made of the object.
 * As apiserver pkg/admission/plugin/webhook/mutating, v1.34.
 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { sameJson } from '../../resources/json-tree.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { internalError } from './call-failure.ts';
import { matchWebhook, type Invocation } from './match-webhook.ts';
import type { Webhook } from './registered-webhooks.ts';
import { apiVersionOf, callWebhook, convert, toInvoked, type CallOptions } from './review-call.ts';

export interface MutationOptions extends CallOptions {
  readonly webhooks: () => readonly Webhook[];
  /** JSON patch (RFC 6902). @throws Error when it cannot be applied */
  readonly applyJsonPatch: (object: KubeObject, operations: readonly unknown[]) => KubeObject;
}

/** What has to be known of the first round in the second. */
export class Reinvocation {
  /** Called before and willing to be called again, once somebody else changes the object. */
  #invoked = new Set<string>();
  readonly #due = new Set<string>();

  /** Something has changed the object: all that were called before it are due. */
  requireInvoked(): void {
    for (const id of this.#invoked) this.#due.add(id);
    this.#invoked = new Set();
  }

  add(id: string): void {
    this.#invoked.add(id);
  }

  isDue(id: string): boolean {
    return this.#due.has(id);
  }
}

export interface MutationRound {
  readonly object: KubeObject | undefined;
  readonly warnings: readonly string[];
  /** A webhook has changed the object. */
  readonly hasChanged: boolean;
}

/** @param isSecond calls only webhooks that are due @throws StatusError when one refuses */
export async function callMutatingWebhooks(
  attributes: AdmissionAttributes,
  options: MutationOptions,
  reinvocation: Reinvocation,
  isSecond: boolean,
): Promise<MutationRound> {
  let { object } = attributes;
  let hasChanged = false;
  const warnings: string[] = [];
  for (const webhook of options.webhooks()) {
    const current = object === undefined ? attributes : { ...attributes, object };
    const invocation = matchWebhook(webhook, current, options);
    if (invocation === undefined || (isSecond && !reinvocation.isDue(webhook.id))) continue;
    const answer = await callWebhook({ webhook, invocation, attributes: current, kind: 'mutating' }, options);
    warnings.push(...(answer?.warnings ?? []));
    const changed = patched(webhook, current, { invocation, patch: answer?.patch ?? [] }, options);
    if (changed !== undefined) {
      object = changed;
      hasChanged = true;
      reinvocation.requireInvoked();
    }
    if (webhook.isReinvocable) reinvocation.add(webhook.id);
  }
  return { object, warnings, hasChanged };
}

/** @returns undefined when the patch changes nothing */
function patched(
  webhook: Webhook,
  { object, storage }: AdmissionAttributes,
  { invocation, patch }: { readonly invocation: Invocation; readonly patch: readonly unknown[] },
  options: MutationOptions,
): KubeObject | undefined {
  if (patch.length === 0) return undefined;
  if (object === undefined) {
    const name = JSON.stringify(webhook.name);
    throw internalError(`admission webhook ${name} attempted to modify the object, which is not supported for this operation`);
  }
  const served = options.definitions(storage);
  const before = toInvoked(object, invocation, served) ?? object;
  const after = withDefaults(apply(before, patch, options), served);
  if (sameJson(before, after)) return undefined;
  const own = served.find((one) => apiVersionOf(one) === object.apiVersion && one.kind === object.kind);
  return invocation.converted === undefined || own === undefined ? after : convert(after, own, served);
}

function apply(object: KubeObject, patch: readonly unknown[], { applyJsonPatch }: MutationOptions): KubeObject {
  try {
    return applyJsonPatch(object, patch);
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : String(error));
  }
}

function withDefaults(object: KubeObject, served: ReturnType<CallOptions['definitions']>): KubeObject {
  const definition = served.find((one) => apiVersionOf(one) === object.apiVersion && one.kind === object.kind);
  return definition?.applyDefaults?.(object) ?? object;
}
