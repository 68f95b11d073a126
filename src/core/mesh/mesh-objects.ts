/** Everything that was read from a cluster in one look, raw, with what could not be read. */
import type {
  ConfigMap,
  CronJob,
  GatewayApiGateway,
  GatewayClass,
  HorizontalPodAutoscaler,
  Job,
  KubeObject,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodController,
  PodDisruptionBudget,
  ResourceQuota,
  Service,
  WebhookConfiguration,
  WorkloadEntryOrGroup,
} from './kube-objects.ts';

/** Something that could not be read, and why. Unknown is never taken for good. */
export interface Unread {
  /** For example `pods in all namespaces` or `proxies of istio-system/istiod-7d4-x`. */
  readonly what: string;
  /** One line: the server's own words, or the error. */
  readonly why: string;
  /** The rule that would allow it, when the reason was a missing permission. */
  readonly missingRule?: { readonly verb: string; readonly group: string; readonly resource: string; readonly namespace?: string };
}

/** One proxy's line in `/debug/syncz` of one istiod pod, as that istiod told it. */
export interface SyncEntry {
  /** `<pod>.<namespace>` */
  readonly proxy: string;
  /** sidecar, router, waypoint, ztunnel; absent from istiods older than 1.18. */
  readonly proxyType?: string;
  readonly istioVersion?: string;
  readonly clusterId?: string;
  /** Per xDS type (`CDS`, `LDS`, `EDS`, `RDS`, `ECDS`): the nonce sent and the nonce acknowledged; empty when none. */
  readonly types: Readonly<Record<string, { readonly sent: string; readonly acked: string }>>;
}

/** A cluster in `/debug/clusterz` of an istiod. */
export interface ReadCluster {
  readonly id: string;
  /** `<namespace>/<name>` of the Secret with its kubeconfig; absent for the cluster in which the istiod runs. */
  readonly secret?: string;
  /** As istiod says it: `synced`, `syncing`, `timeout`, `closed`. */
  readonly syncStatus: string;
}

/** What one istiod pod says of itself and of the proxies connected to it. */
export interface IstiodReport {
  readonly pod: string;
  readonly namespace: string;
  /** Value of the pod's label `istio.io/rev`; `default` when unrevisioned. */
  readonly revision: string;
  /** From `/version` or the image; absent when it could not be asked. */
  readonly version?: string;
  readonly proxies: readonly SyncEntry[];
  /** The clusters whose API servers it reads, its own included; absent when it was not asked or did not say. */
  readonly clusters?: readonly ReadCluster[];
  /** Set when the debug endpoint did not answer: then `proxies` is empty and means nothing. */
  readonly error?: string;
}

export interface MeshObjects {
  readonly readAtMs: number;
  /** Name of the kubeconfig context; what people call the cluster. */
  readonly clusterName: string;
  /** uid of the namespace kube-system: the identity of the cluster. Empty when it could not be read. */
  readonly clusterUid: string;
  readonly istioNamespace: string;
  /** gitVersion of the API server, for example `v1.34.3`. */
  readonly serverVersion: string;
  readonly namespaces: readonly KubeObject[];
  readonly pods: readonly Pod[];
  readonly deployments: readonly PodController[];
  readonly statefulSets: readonly PodController[];
  readonly daemonSets: readonly PodController[];
  readonly replicaSets: readonly PodController[];
  /** argoproj.io Rollouts; empty where the kind is not served. */
  readonly rollouts: readonly PodController[];
  readonly jobs: readonly Job[];
  readonly cronJobs: readonly CronJob[];
  readonly services: readonly Service[];
  readonly podDisruptionBudgets: readonly PodDisruptionBudget[];
  /** These four bear on restarts; empty in a look that is not for a plan. */
  readonly autoscalers: readonly HorizontalPodAutoscaler[];
  readonly volumeClaims: readonly PersistentVolumeClaim[];
  readonly resourceQuotas: readonly ResourceQuota[];
  readonly nodes: readonly Node[];
  readonly mutatingWebhooks: readonly WebhookConfiguration[];
  readonly validatingWebhooks: readonly WebhookConfiguration[];
  /** ConfigMaps of the Istio namespace only. */
  readonly configMaps: readonly ConfigMap[];
  readonly gatewayApiGateways: readonly GatewayApiGateway[];
  /** Empty where the kind is not served, and in a look that is not for a plan. */
  readonly gatewayClasses: readonly GatewayClass[];
  /** Objects of the Gateway API but Gateways that carry the label `istio.io/rev`; empty in a look that is not for a plan. */
  readonly revisionedRoutes: readonly KubeObject[];
  /** Every WorkloadEntry and WorkloadGroup; empty in a look that is not for a plan. */
  readonly virtualMachines: readonly WorkloadEntryOrGroup[];
  /** Istio's own objects that carry the label `istio.io/rev`, whole. */
  readonly pinnedObjects: readonly KubeObject[];
  /** Every EnvoyFilter, whole; empty in a look that is not for a plan. */
  readonly envoyFilters: readonly KubeObject[];
  /** Every Gateway of Istio's own API, whole; empty in a look that is not for a plan. */
  readonly istioGateways: readonly KubeObject[];
  readonly istiods: readonly IstiodReport[];
  readonly unread: readonly Unread[];
}
