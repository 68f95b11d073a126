/** What stands around workloads and bears on a restart, put in order once for all of them. */
import type {
  HorizontalPodAutoscaler,
  KubeObject,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ResourceQuota,
} from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { podNeeds } from './pod-needs.ts';
import { parseQuantity } from '../mesh/quantity.ts';
import { meshDrainSeconds } from './termination.ts';

/** Kinds that may be unreadable, by the plural under which what was not read is named. */
export type Surrounding = 'poddisruptionbudgets' | 'horizontalpodautoscalers' | 'persistentvolumeclaims' | 'resourcequotas' | 'nodes';

/** A node that takes new pods, with what nobody has asked for there. */
export interface NodeRoom {
  readonly labels: Readonly<Record<string, string>>;
  readonly free: Readonly<Record<string, number>>;
}

export interface Surroundings {
  readonly budgets: ReadonlyMap<string, readonly PodDisruptionBudget[]>;
  /** By `namespace/kind/name` of what they scale, the kind as written. */
  readonly autoscalers: ReadonlyMap<string, HorizontalPodAutoscaler>;
  /** By `namespace/name`. */
  readonly claims: ReadonlyMap<string, PersistentVolumeClaim>;
  readonly quotas: ReadonlyMap<string, readonly ResourceQuota[]>;
  readonly nodes: readonly NodeRoom[];
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** How long proxies let connections end where their pods do not say it. */
  readonly drainSeconds: number;
  readonly unread: ReadonlySet<Surrounding>;
}

/** @param meshConfig the text `mesh` of the revision that workloads leave */
export function gatherSurroundings(objects: MeshObjects, meshConfig: string | undefined): Surroundings {
  return {
    budgets: Map.groupBy(objects.podDisruptionBudgets, namespaceOf),
    autoscalers: new Map(
      objects.autoscalers.map((scaler) => {
        const target = scaler.spec?.scaleTargetRef;
        return [`${namespaceOf(scaler)}/${target?.kind ?? ''}/${target?.name ?? ''}`, scaler];
      }),
    ),
    claims: new Map(objects.volumeClaims.map((claim) => [nameOf(claim), claim])),
    quotas: Map.groupBy(objects.resourceQuotas, namespaceOf),
    nodes: nodeRooms(objects.nodes, objects.pods),
    pods: new Map(objects.pods.map((pod) => [nameOf(pod), pod])),
    drainSeconds: meshDrainSeconds(meshConfig),
    unread: new Set(objects.unread.map(({ what }) => /^[a-z]+/.exec(what)?.[0] as Surrounding)),
  };
}

function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? '';
}

function nameOf(object: KubeObject): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}

function nodeRooms(nodes: readonly Node[], pods: readonly Pod[]): NodeRoom[] {
  const podsOn = Map.groupBy(
    pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'),
    (pod) => pod.spec?.nodeName ?? '',
  );
  return nodes.filter(takesPods).map((node): NodeRoom => {
    const there = podsOn.get(node.metadata.name) ?? [];
    const free = Object.fromEntries(
      Object.entries(node.status?.allocatable ?? {}).map(([name, value]) => [name, parseQuantity(value) ?? Number.POSITIVE_INFINITY]),
    );
    if (free['pods'] !== undefined) free['pods'] -= there.length;
    for (const pod of there)
      for (const [name, amount] of Object.entries(podNeeds(pod.spec).requests)) if (free[name] !== undefined) free[name] -= amount;
    return { labels: node.metadata.labels ?? {}, free };
  });
}

/** Whether a pod that tolerates nothing may be put there now. */
function takesPods({ spec, status }: Node): boolean {
  const isReady = status?.conditions?.find((condition) => condition.type === 'Ready')?.status !== 'False';
  return spec?.unschedulable !== true && isReady && !(spec?.taints ?? []).some(({ effect }) => effect !== 'PreferNoSchedule');
}
