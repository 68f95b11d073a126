/** Proxies that live: what is connected to the istiods of a revision, and pods that it made. */
import { isAlive, workloadKey, type MeshPod, type ProxyConnection, type Workload } from '../mesh/mesh-inventory.ts';
import { freeZtunnel } from './next-pod-uses.ts';
import { isZtunnel, kubectlName, managedGateway, relabelGateway, type UsageContext } from './usage-context.ts';
import type { Use } from './usage.ts';

/** A pod that is connected is told once, as a connection. */
export function proxyUses(context: UsageContext): Use[] {
  const { revision, inventory } = context;
  const pods = inventory.workloads.flatMap((workload) => workload.pods.map((pod) => ({ workload, pod })));
  const isConnected = (pod: MeshPod): boolean => pod.connections.some((c) => c.revision === revision);
  const use = (kind: 'connection' | 'pod', how: string, { workload, pod }: (typeof pods)[number]): Use => ({
    kind,
    object: `${pod.namespace}/${pod.name}`,
    detail: `${how}${ownerDetail(pod)}`,
    toFree: freePod(workload, pod, context),
    passing: pod.terminating,
  });
  return [
    ...pods.filter(({ pod }) => isConnected(pod)).map((one) => use('connection', 'connected', one)),
    ...inventory.strayConnections.filter((c) => c.revision === revision).map((c) => stray(c, context)),
    ...pods
      .filter(({ pod }) => pod.revision === revision && !isConnected(pod) && isAlive(pod))
      .map((one) => use('pod', 'injected by it', one)),
  ];
}

function ownerDetail(pod: MeshPod): string {
  if (pod.terminating) return ', terminating';
  return pod.workload.kind === 'Pod' ? ', a pod without a controller' : ` (${pod.workload.kind} ${pod.workload.name})`;
}

function freePod(workload: Workload, pod: MeshPod, { nextPods, another }: UsageContext): string {
  if (pod.terminating) return 'wait: it goes by itself';
  const kubectl = `kubectl -n ${pod.namespace}`;
  if (workload.kind === 'Pod') return `${kubectl} delete pod ${pod.name}; whoever made it makes it anew`;
  if (workload.kind === 'Job' || workload.kind === 'CronJob') return 'wait: a run ends by itself';
  if (isZtunnel(workload)) return freeZtunnel(workload, another);
  const gateway = managedGateway(workload);
  if (gateway !== undefined) return `${relabelGateway(pod.namespace, gateway, another)}; istiod replaces its pods at once`;
  const restart =
    workload.kind === 'Rollout'
      ? `kubectl argo rollouts -n ${pod.namespace} restart ${workload.name}`
      : workload.kind === 'ReplicaSet'
        ? `${kubectl} delete pod ${pod.name}`
        : `${kubectl} rollout restart ${kubectlName(workload)}`;
  return nextPods.has(workloadKey(workload)) ? `${restart}, once its template is free` : restart;
}

function stray(connection: ProxyConnection, { inventory }: UsageContext): Use {
  const { entry, istiodPod } = connection;
  const { clusterId } = inventory.attachments;
  if (clusterId !== undefined && entry.clusterId !== undefined && entry.clusterId !== clusterId)
    return {
      kind: 'remote',
      object: entry.proxy,
      detail: `a proxy of cluster ${entry.clusterId}, connected to ${istiodPod}`,
      toFree: `move it in its own cluster; meshlift in-use --context CONTEXT tells why it is there`,
      passing: false,
      unexplained: true,
    };
  return {
    kind: 'connection',
    object: entry.proxy,
    detail: `connected to ${istiodPod}; no pod of this cluster has that name`,
    toFree:
      'stop it, or start its proxy again with the discoveryAddress of another revision (istioctl x workload entry configure --revision)',
    passing: false,
    unexplained: true,
  };
}
