/** What `why` answers: what pods run on, what the next one gets, who decides, and what would change it. */
import type { NotInjectedReason } from '../injection/injection-decision.ts';
import type { TracedWebhook } from '../injection/trace-webhooks.ts';
import type { SyncState, WorkloadKind, WorkloadRef } from '../mesh/mesh-inventory.ts';

export interface WhyTarget {
  readonly kind: WorkloadKind | 'Namespace';
  /** For a namespace, its own name. */
  readonly namespace: string;
  readonly name: string;
  /** Set for a pod that a workload owns. */
  readonly ownedBy?: WorkloadRef;
}

export interface DecidingLabel {
  readonly on: 'namespace' | 'pod';
  readonly label: string;
  readonly value: string;
  /** Field managers that set it, as the object tells; empty when it does not say. */
  readonly managers: readonly string[];
  /** A tool that would set a change back: `Argo CD (shop)`, `Helm release shop`, `Flux Kustomization apps`. */
  readonly tool?: string;
}

export interface NextPod {
  /**
   * `injected`; `nothing`: no proxy, and no error; `refused`: the API server does not create it; `in-template`: the proxy stands
   * in the pod template, and no webhook replaces it; `made-by-istiod`: istiod writes the pod for a Gateway of the Gateway API.
   */
  readonly gets: 'injected' | 'nothing' | 'refused' | 'in-template' | 'made-by-istiod';
  /** Of the istiod that injects, or that makes the gateway; for a refused pod, of the one that could not be asked. */
  readonly revision?: string;
  readonly version?: string;
  /** Image of the proxy, as far as settings and template tell. */
  readonly image?: string;
  /** What in the template fixes the image, whatever the revision. */
  readonly imagePinnedBy?: string;
  readonly reason?: NotInjectedReason;
  /** Why it gets nothing, or is refused; empty when it is injected. */
  readonly detail: string;
  readonly decidedBy: readonly DecidingLabel[];
  /** Labels of Istio that are there and change nothing. */
  readonly without: readonly Pick<DecidingLabel, 'on' | 'label' | 'value'>[];
  /** Every injection webhook of the cluster, in the order in which the API server goes through them. */
  readonly webhooks: readonly TracedWebhook[];
}

export interface PodNow {
  readonly name: string;
  readonly ready: boolean;
  /** Revision that injected it; absent when it has no proxy, or nothing tells. */
  readonly revision?: string;
  readonly version?: string;
  readonly image?: string;
  /** istiod pods that list its proxy. */
  readonly istiods: readonly string[];
  /** Their revisions, each once; another one than `revision` when the proxy was told to connect elsewhere. */
  readonly connectedTo: readonly string[];
  /** `unknown`: an istiod did not say which proxies are connected to it. */
  readonly proxy: SyncState | 'none' | 'not-connected' | 'unknown';
  /** What is other than in the next pod; empty when nothing is. */
  readonly differs: string;
}

/** One line of the chain of evidence. */
export interface Evidence {
  readonly label: string;
  readonly text: string;
}

/** One way to another answer. */
export interface Change {
  /** What it brings about, as a heading: `To move the running pods`. */
  readonly what: string;
  /** What to do that is not a command; empty when the commands say it. */
  readonly how: string;
  readonly commands: readonly string[];
}

/** Where a workload stands in a run that is not finished. */
export interface InRun {
  readonly run: string;
  /** One sentence. */
  readonly answer: string;
  readonly evidence: readonly Evidence[];
  readonly next: readonly string[];
}

export interface WhyAnswer {
  readonly target: WhyTarget;
  /** One sentence: what it gets, and what runs now. */
  readonly answer: string;
  readonly pods: readonly PodNow[];
  readonly next: NextPod;
  readonly evidence: readonly Evidence[];
  readonly changes: readonly Change[];
  readonly inRun?: InRun;
  /** What could not be looked at, and may change the answer. */
  readonly unknown: readonly string[];
}
