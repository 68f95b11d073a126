/** The mesh in the field's own words, built from raw objects by `buildInventory`. */
import type { Container, Labels, ObjectRef, PodController, PodTemplate, UpdateStrategy, WebhookEntry } from './kube-objects.ts';
import type { MeshAttachments } from './mesh-attachments.ts';
import type { IstiodReport, SyncEntry, Unread } from './mesh-objects.ts';
import type { InjectorPolicy } from './injector-policy.ts';
import type { ObjectOwner } from './object-owner.ts';

export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Rollout' | 'ReplicaSet' | 'Job' | 'CronJob' | 'Pod';

/** How a revision's control plane came into the cluster, as far as its objects tell. */
export type InstallMethod = 'istioctl' | 'helm' | 'manifests';

/** One istiod with what belongs to it. `name` is `default` for an unrevisioned one. */
export interface Revision {
  readonly name: string;
  /** Namespace of its Deployment. */
  readonly namespace: string;
  /** Name of its Deployment; absent when only webhooks of it are left. */
  readonly deployment?: string;
  /** Name of the Service its webhooks and proxies use. */
  readonly service?: string;
  /** Control plane version as its image or `/version` says; `unknown` when neither does. */
  readonly version: string;
  readonly replicas: { readonly desired: number; readonly ready: number };
  readonly installedBy: InstallMethod;
  /** Name of the Helm release, when Helm installed it. */
  readonly helmRelease?: string;
  /** Names of its own (not tag) mutating webhook configurations. */
  readonly mutatingWebhooks: readonly string[];
  readonly validatingWebhooks: readonly string[];
  /** Tags that point to it, sorted; `default` included. */
  readonly tags: readonly string[];
  /** The three senses of `default` that it serves. */
  readonly defaultFor: readonly DefaultSense[];
  readonly istiods: readonly IstiodReport[];
}

/**
 * The three pointers that are called default and can disagree (istio.md 3.3): who injects `istio-injection=enabled`,
 * who validates unlabelled configuration, and which revision is preferred in leader election and by istioctl.
 */
export type DefaultSense = 'injection' | 'validation' | 'leadership';

/** One entry of a mutating webhook configuration that injects sidecars. */
export interface InjectionWebhook {
  readonly configuration: string;
  /** Revision that the configuration's label names; `default` when it has none. */
  readonly revision: string;
  /** Tag it implements; absent for a revision's own webhooks. */
  readonly tag?: string;
  readonly entry: WebhookEntry;
  /** Its Service exists, and a Deployment's pods are behind it; false for a dangling webhook. */
  readonly serviceExists: boolean;
  readonly hasCaBundle: boolean;
  /** istioctl's marker that switches a webhook off. */
  readonly deactivated: boolean;
  /**
   * Revisions of the istiods whose pods its Service selects: they answer, whatever the label says. Absent when that is not seen:
   * a URL, a Service without a selector, no such Deployment, or Deployments were not read.
   */
  readonly answeredBy?: readonly string[];
  /** What the istiod that answers declines by its settings; absent when they were not read. */
  readonly policy?: InjectorPolicy;
}

export interface Tag {
  readonly name: string;
  readonly revision: string;
  readonly configuration: string;
  readonly owner: ObjectOwner;
  /** Set when a Helm release owns it. */
  readonly helmRelease?: string;
}

export interface MeshNamespace {
  readonly name: string;
  readonly labels: Labels;
  readonly resourceVersion?: string;
  readonly terminating: boolean;
  /** Field managers that set one of Istio's labels. */
  readonly labelManagers: readonly { readonly label: string; readonly manager: string }[];
}

/** A live connection of one proxy to one istiod pod. */
export interface ProxyConnection {
  readonly istiodPod: string;
  readonly revision: string;
  readonly entry: SyncEntry;
  readonly sync: SyncState;
}

/** `synced`: everything sent was acknowledged; `stale`: something was not; `not-sent`: nothing was sent yet. */
export type SyncState = 'synced' | 'stale' | 'not-sent';

export interface MeshPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly workload: WorkloadRef;
  readonly phase: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** RFC 3339; empty when the server did not say. */
  readonly createdAt: string;
  /** Revision that injected it (or that its gateway belongs to); absent when it has no proxy. */
  readonly revision?: string;
  /** Absent when the pod has no proxy container. */
  readonly proxy?: PodProxy;
  readonly connections: readonly ProxyConnection[];
}

export interface PodProxy {
  readonly image: string;
  /** From the live connection when there is one, else read off the image tag; `unknown` for digests. */
  readonly version: string;
  /** The proxy runs as an init container that never ends (Istio's native sidecar). */
  readonly native: boolean;
  readonly type: 'sidecar' | 'gateway' | 'waypoint' | 'ztunnel';
  /** Host of the istiod that the proxy was configured with; absent means `istiod.<istio namespace>.svc`. */
  readonly discoveryHost?: string;
}

export interface WorkloadRef {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** What owns pods. */
export interface Workload extends WorkloadRef {
  readonly apiVersion: string;
  readonly template: PodTemplate;
  /** Wanted pods: replicas, nodes for a DaemonSet, 1 for a bare Pod, 0 for a CronJob between runs. */
  readonly desiredPods: number;
  readonly strategy: UpdateStrategy;
  readonly pods: readonly MeshPod[];
  /** A Job that has completed or failed, so that it makes no further pods. */
  readonly ended?: true;
  /** A Job or CronJob that is suspended. */
  readonly suspended?: true;
  /** The object itself for kinds that can be restarted by their template. */
  readonly controller?: PodController;
}

/** A workload whose pods are gateways, with where the outside reaches it. */
export interface Gateway {
  readonly namespace: string;
  readonly name: string;
  readonly source: 'injected' | 'gateway-api';
  /** istiod makes and changes its Deployment, so that it follows labels by itself, at once. */
  readonly managed: boolean;
  /** Of the Gateway API: its class, and the controller of that class where it is known. */
  readonly className?: string;
  readonly controller?: string;
  /** Value of the label istio.io/rev of a Gateway itself, which beats the one of its namespace. */
  readonly revisionLabel?: string;
  readonly workload?: WorkloadRef;
  readonly services: readonly string[];
  readonly addresses: readonly string[];
}

export interface MeshInventory {
  readonly readAtMs: number;
  readonly clusterName: string;
  readonly clusterUid: string;
  readonly istioNamespace: string;
  readonly serverVersion: string;
  readonly revisions: readonly Revision[];
  readonly tags: readonly Tag[];
  readonly webhooks: readonly InjectionWebhook[];
  readonly namespaces: readonly MeshNamespace[];
  readonly workloads: readonly Workload[];
  readonly gateways: readonly Gateway[];
  /** Connections that no listed pod explains: VMs, remote clusters, pods that are gone. */
  readonly strayConnections: readonly ProxyConnection[];
  /** Istio objects that only one revision reads (`istio.io/rev`). */
  readonly pinnedObjects: readonly { readonly ref: ObjectRef; readonly revision: string }[];
  /** `.data.mesh` and the injector's values by revision name; absent keys were not found or not read. */
  readonly meshConfigs: Readonly<Record<string, { readonly mesh?: string; readonly originalValues?: string }>>;
  readonly attachments: MeshAttachments;
  readonly unread: readonly Unread[];
}

/** Names of the containers that are Istio's proxy. */
export const PROXY_CONTAINER = 'istio-proxy';

/** All containers of a pod spec in which a proxy may run: native sidecars are init containers. */
export function proxyContainers(
  spec: { containers?: readonly Container[]; initContainers?: readonly Container[] } | undefined,
): Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].filter((c) => c.name === PROXY_CONTAINER);
}

/** `namespace/kind/name` in lower case, the form in which workloads are named in requests, ids and messages. */
export function workloadKey(ref: WorkloadRef): string {
  return `${ref.namespace}/${ref.kind.toLowerCase()}/${ref.name}`;
}

/** Pods that run or are starting: finished and terminating ones do not count. */
export function runningPods({ pods }: Pick<Workload, 'pods'>): MeshPod[] {
  return pods.filter((pod) => !pod.terminating && isAlive(pod));
}

/** Whether its containers may run: those of a pod that has succeeded or failed have ended, its proxy with them. */
export function isAlive({ phase }: Pick<MeshPod, 'phase'>): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed';
}
