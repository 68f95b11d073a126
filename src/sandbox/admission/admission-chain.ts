/** All that looks at a write before it is stored, in the order of a real API server: its own rules, then webhooks. */
import type { RbacAuthorizer } from '../access/rbac-authorizer.ts';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { sameJson } from '../resources/json-tree.ts';
import type { ResourceDefinition } from '../resources/resource-definition.ts';
import type { AdmissionAttributes, AdmissionChain, AdmissionResult } from './admission.ts';
import type { AdmissionRule } from './admission-rule.ts';
import { limitRanges } from './rules/limit-ranges.ts';
import { namespaceLabel } from './rules/namespace-label.ts';
import { namespaceLifecycle } from './rules/namespace-lifecycle.ts';
import { podPriority } from './rules/pod-priority.ts';
import { podSecurity } from './rules/pod-security.ts';
import { podServiceAccount } from './rules/pod-service-account.ts';
import { podTolerations } from './rules/pod-tolerations.ts';
import { roleEscalation } from './rules/role-escalation.ts';
import { webhookConditions } from './rules/webhook-conditions.ts';
import { callMutatingWebhooks, Reinvocation, type MutationOptions } from './webhooks/call-mutating-webhooks.ts';
import { callValidatingWebhooks } from './webhooks/call-validating-webhooks.ts';
import { isExempt } from './webhooks/match-webhook.ts';
import { createWebhookReader } from './webhooks/registered-webhooks.ts';
import { createWebhookClient } from './webhooks/webhook-client.ts';

export interface AdmissionOptions {
  readonly view: ClusterView;
  readonly network: Pick<PodNetwork, 'resolve' | 'resolveService'>;
  readonly clock: Pick<SandboxClock, 'nowMs' | 'after' | 'outside'>;
  /** 0 to 1, for generated names. */
  readonly random: () => number;
  /** Names each review, a UUID. */
  readonly newUid: () => string;
  /** All served versions of what is stored under a key: for defaults after patches, and for webhooks that ask for other versions. */
  readonly definitions: (storage: AdmissionAttributes['storage']) => readonly ResourceDefinition[];
  /** JSON patch (RFC 6902), of webhooks. @throws Error when it cannot be applied */
  readonly applyJsonPatch: (object: KubeObject, operations: readonly unknown[]) => KubeObject;
  /** With it, nobody can give rights by roles and bindings that he does not have. */
  readonly authorizer?: RbacAuthorizer;
  /** See AddressOptions. */
  readonly routesToEndpoints?: boolean;
  /** See ClientOptions. */
  readonly maxHoldMs?: number;
}

export interface ClosableAdmissionChain extends AdmissionChain {
  /** Closes idle connections to webhooks. */
  readonly close: () => void;
}

/**
 * Rules: namespace lifecycle and label, limit ranges (defaults only), service accounts, priority, tolerations, pod security,
 * escalation of rights. Not here: quotas, admission policies (CEL), storage and ingress class defaults, node restriction.
 */
export function createAdmissionChain(options: AdmissionOptions): ClosableAdmissionChain {
  const { view, authorizer } = options;
  const rules: readonly AdmissionRule[] = [
    namespaceLabel(),
    namespaceLifecycle(view),
    limitRanges(view),
    podServiceAccount(options),
    podPriority(view),
    podTolerations(),
    webhookConditions(),
    podSecurity(view),
    ...(authorizer === undefined ? [] : [roleEscalation(view, authorizer)]),
  ];
  const client = createWebhookClient(options);
  const webhooks = createWebhookReader(view);
  const calls = { ...options, client };
  const mutation: MutationOptions = { ...calls, webhooks: () => webhooks('mutating') };
  const validation = { ...calls, webhooks: () => webhooks('validating') };
  return {
    mutate: (attributes) => mutate(attributes, rules, mutation),
    validate: async (attributes) => {
      for (const rule of rules) rule.validate?.(attributes);
      const warnings = rules.flatMap((rule) => rule.warn?.(attributes) ?? []);
      return isExempt(attributes) ? warnings : [...warnings, ...(await callValidatingWebhooks(attributes, validation))];
    },
    close: client.close,
  };
}

/** Webhooks may add what rules have to complete, such as containers, so both have a second turn when a webhook changed something. */
async function mutate(sent: AdmissionAttributes, rules: readonly AdmissionRule[], options: MutationOptions): Promise<AdmissionResult> {
  const attributes = await applyRules(sent, rules);
  if (isExempt(attributes)) return resultOf(attributes.object, []);
  const reinvocation = new Reinvocation();
  const first = await callMutatingWebhooks(attributes, options, reinvocation, false);
  if (!first.hasChanged) return resultOf(first.object, first.warnings);
  const again = await applyRules(withObject(attributes, first.object), rules);
  if (!sameJson(again.object, first.object)) reinvocation.requireInvoked();
  const second = await callMutatingWebhooks(again, options, reinvocation, true);
  return resultOf(second.object, [...first.warnings, ...second.warnings]);
}

async function applyRules(attributes: AdmissionAttributes, rules: readonly AdmissionRule[]): Promise<AdmissionAttributes> {
  let next = attributes;
  for (const rule of rules) {
    rule.check?.(next);
    if (rule.mutate !== undefined && next.object !== undefined) next = withObject(next, await rule.mutate(next, next.object));
  }
  return next;
}

function withObject(attributes: AdmissionAttributes, object: KubeObject | undefined): AdmissionAttributes {
  return object === undefined || object === attributes.object ? attributes : { ...attributes, object };
}

function resultOf(object: KubeObject | undefined, warnings: readonly string[]): AdmissionResult {
  return { ...(object === undefined ? {} : { object }), warnings };
}
