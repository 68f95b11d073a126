/** What hangs on control planes beside workloads: webhooks, names of Services, machines, routes, waypoints, other clusters. */
import type { ObjectRef } from './kube-objects.ts';
import type { ReadCluster } from './mesh-objects.ts';

export interface MeshAttachments {
  readonly webhookCalls: readonly WebhookCall[];
  readonly tagServices: readonly TagService[];
  /** Services of the Istio namespaces by which an istiod is reached from outside of the cluster. */
  readonly exposures: readonly Exposure[];
  readonly virtualMachines: readonly VirtualMachine[];
  /** Objects of the Gateway API but Gateways that only one revision reads (`istio.io/rev`). */
  readonly routes: readonly { readonly ref: ObjectRef; readonly revision: string }[];
  readonly waypointUsers: readonly WaypointUser[];
  /** The name by which Istio knows this cluster; absent when no istiod and no proxy told it. */
  readonly clusterId?: string;
  /** Other clusters that an istiod of this one reads, each once. */
  readonly remoteClusters: readonly ReadCluster[];
}

/** One webhook configuration, of any name, that calls an istiod. */
export interface WebhookCall {
  readonly ref: ObjectRef;
  /** Value of its own label istio.io/rev; absent when it has none. */
  readonly label?: string;
  readonly tag?: string;
  /** `Service istio-system/istiod-canary`, or the URL. */
  readonly target: string;
  /** Revisions whose istiods are behind the target; for a Service that does not exist, the one that its name tells. */
  readonly revisions: readonly string[];
}

/** The Service that istioctl makes for a tag since 1.28. */
export interface TagService {
  readonly namespace: string;
  readonly name: string;
  readonly tag: string;
  readonly revision: string;
}

export interface Exposure {
  readonly service: string;
  readonly type: string;
  readonly revisions: readonly string[];
}

export interface VirtualMachine {
  readonly kind: 'WorkloadEntry' | 'WorkloadGroup';
  readonly namespace: string;
  readonly name: string;
  /** Value of istio.io/rev in the labels that it gives to its machines; absent when it gives none. */
  readonly revisionLabel?: string;
  /** The istiod pod to which the machine is connected, as that istiod noted it; absent while it is not. */
  readonly connectedTo?: string;
}

/** An object whose traffic goes through a waypoint. */
export interface WaypointUser {
  /** `namespace shop`, `Service shop/cart`, `Pod shop/cart-0`. */
  readonly object: string;
  /** `<namespace>/<name>` of the Gateway. */
  readonly waypoint: string;
}
