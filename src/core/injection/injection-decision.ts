/** What the next pod of a template would get, and why. */
import type { InjectionWebhook } from '../mesh/mesh-inventory.ts';

export type InjectionDecision =
  /** One webhook matches and its istiod injects. */
  | { readonly kind: 'injected'; readonly revision: string; readonly webhook: InjectionWebhook; readonly entryName: string }
  /** No sidecar, and no error. */
  | { readonly kind: 'not-injected'; readonly reason: NotInjectedReason; readonly detail: string }
  /**
   * Webhooks of more than one revision inject. `revision` is the one that is left in the pod: each injection replaces the one
   * before, the order is that of the names, and those that may be called again come after all others.
   */
  | {
      readonly kind: 'ambiguous';
      readonly revision: string;
      readonly revisions: readonly string[];
      readonly configurations: readonly string[];
    }
  /** A webhook matches, but cannot be called, or its istiod fails at the pod: pods are refused. */
  | { readonly kind: 'refused'; readonly revision: string; readonly configuration: string; readonly detail: string };

export type NotInjectedReason =
  /** Labels ask for nothing. */
  | 'not-asked'
  /** `istio-injection` has another value than `enabled`, or the pod says `sidecar.istio.io/inject: "false"`. */
  | 'switched-off'
  /** A label names a revision or tag for which no webhook exists. */
  | 'ghost'
  /** The webhook matches, but istiod itself declines: host network, system namespaces, annotation, its own settings. */
  | 'declined'
  /** A sidecar or a whole proxy is written into the template, so injection is not what decides. */
  | 'in-template';

/** The revision that the next pod gets; undefined when it gets none or is refused. */
export function decidedRevision(decision: InjectionDecision): string | undefined {
  return decision.kind === 'injected' || decision.kind === 'ambiguous' ? decision.revision : undefined;
}
