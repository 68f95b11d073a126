/** What the mesh shows of a gateway that is moved to a Deployment beside it. */
import type { KubeObject, ObjectRef, Pod, PodController } from '../mesh/kube-objects.ts';
import type { IstiodReport } from '../mesh/mesh-objects.ts';

export interface GatewayPods {
  readonly controller: PodController;
  /** Its pods, terminating ones included. */
  readonly pods: readonly Pod[];
}

/** Names of the pods that a Service sends traffic to. */
export interface ServiceEndpoints {
  readonly service: string;
  readonly readyPods: readonly string[];
}

/** What a pod answered on a port, asked from inside the pod. */
export interface PortAnswer {
  readonly port: number;
  readonly pod: string;
  /** Status of any HTTP answer; absent when there was none. */
  readonly status?: number;
  /** Why there was none. */
  readonly error?: string;
}

export interface GatewayObservation {
  readonly kind: 'gateway';
  /** Who gets pods; absent while it does not exist. */
  readonly up?: GatewayPods;
  /** Who loses pods; absent when it is gone. */
  readonly down?: GatewayPods;
  /** The pod that proves everything before a pod of the copy has traffic; absent when there is none, or no more. */
  readonly trial?: Pod;
  readonly endpoints: readonly ServiceEndpoints[];
  /** Of every istiod; empty when it made no sense to ask yet. */
  readonly reports: readonly IstiodReport[];
  /** Autoscalers that the step sets, and those that they are made from. */
  readonly autoscalers: readonly KubeObject[];
  /** Answers of a new pod, and where it gave none, of an old one; empty when not asked. */
  readonly answers: readonly PortAnswer[];
}

export interface GatewayRemovalObservation {
  readonly kind: 'gateway-removal';
  /** Absent when it is gone. */
  readonly gateway?: GatewayPods;
  /** Of what the step deletes, what is still there. */
  readonly present: readonly ObjectRef[];
  /** Shared objects that still belong to its release. */
  readonly owned: readonly ObjectRef[];
  /** Why the release that takes its place is not deployed; absent when it is, or when there is none. */
  readonly heir?: string;
}
