/** What every search for uses needs to know of a mesh, worked out once. */
import { decidedRevision } from '../injection/injection-decision.ts';
import { proxyInTemplate, resolveInjection } from '../injection/resolve-injection.ts';
import { injectedRevision } from '../mesh/read-proxy.ts';
import { workloadKey, type MeshInventory, type MeshNamespace, type Workload, type WorkloadRef } from '../mesh/mesh-inventory.ts';

export interface UsageContext {
  readonly revision: string;
  readonly inventory: MeshInventory;
  /** It has no istiod any more, or never had one. */
  readonly gone: boolean;
  /** Names of the other revisions that have an istiod. */
  readonly others: readonly string[];
  /** The other revision where there is just one, else the word REVISION: for commands. */
  readonly another: string;
  /** Namespaces that are not being deleted. */
  readonly namespaces: ReadonlyMap<string, MeshNamespace>;
  /** Keys of the workloads whose next pod gets the revision, each with how. */
  readonly nextPods: ReadonlyMap<string, NextPod>;
}

/** `injected`: by a webhook; `written`: a proxy of the revision is in the template; `named`: by a label that leads nowhere. */
export type NextPod = 'injected' | 'written' | 'named';

export function usageContext(revision: string, inventory: MeshInventory): UsageContext {
  const living = inventory.revisions.filter((r) => r.deployment !== undefined).map((r) => r.name);
  const others = living.filter((name) => name !== revision);
  const namespaces = new Map(inventory.namespaces.filter((ns) => !ns.terminating).map((ns) => [ns.name, ns]));
  const gone = !living.includes(revision);
  const nextPods = inventory.workloads.flatMap((workload): [string, NextPod][] => {
    const namespace = namespaces.get(workload.namespace);
    const next = namespace && nextPod(workload, namespace, { revision, inventory, gone });
    return next === undefined ? [] : [[workloadKey(workload), next]];
  });
  return {
    revision,
    inventory,
    gone,
    others,
    another: others.length === 1 ? (others[0] ?? 'REVISION') : 'REVISION',
    namespaces,
    nextPods: new Map(nextPods),
  };
}

function nextPod(
  workload: Workload,
  namespace: MeshNamespace,
  { revision, inventory, gone }: Pick<UsageContext, 'revision' | 'inventory' | 'gone'>,
): NextPod | undefined {
  if (workload.kind === 'Pod' || workload.ended === true || isNodeAgent(workload)) return undefined;
  const { template } = workload;
  const decision = resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template }, inventory.webhooks);
  if (decidedRevision(decision) === revision) return 'injected';
  if (decision.kind === 'refused') return decision.revision === revision ? 'injected' : undefined;
  if (decision.kind !== 'not-injected') return undefined;
  if (proxyInTemplate(template) !== undefined)
    return injectedRevision({ metadata: template.metadata ?? {}, spec: template.spec ?? {} }) === revision ? 'written' : undefined;
  return gone && decision.reason === 'ghost' && template.metadata?.labels?.['istio.io/rev'] === revision ? 'named' : undefined;
}

/** The agents of Istio on every node, which no webhook injects. */
export function isNodeAgent(workload: Workload): boolean {
  return isZtunnel(workload) || isCni(workload);
}

export function isZtunnel({ kind, template }: Workload): boolean {
  return kind === 'DaemonSet' && template.metadata?.labels?.['app'] === 'ztunnel';
}

/** @source istio/istio manifests/charts/istio-cni/templates/daemonset.yaml @86c9f01 */
export function isCni({ kind, template }: Workload): boolean {
  return kind === 'DaemonSet' && template.metadata?.labels?.['k8s-app'] === 'istio-cni-node';
}

/** Whether a label that names a revision or a tag leads to the revision. */
export function leadsTo(value: string, { revision, inventory }: Pick<UsageContext, 'revision' | 'inventory'>): boolean {
  return (tagTarget(value, inventory) ?? value) === revision;
}

function tagTarget(value: string, { tags, attachments }: MeshInventory): string | undefined {
  return tags.find((tag) => tag.name === value)?.revision ?? attachments.tagServices.find((s) => s.tag === value)?.revision;
}

/** `deployment/cart`, as kubectl takes it. */
export function kubectlName({ kind, name }: Pick<WorkloadRef, 'kind' | 'name'>): string {
  return `${kind === 'Rollout' ? 'rollouts.argoproj.io' : kind.toLowerCase()}/${name}`;
}

/** Name of the Gateway for which istiod makes a Deployment; undefined for any other workload. */
export function managedGateway({ template }: Workload): string | undefined {
  const labels = template.metadata?.labels ?? {};
  return labels['gateway.istio.io/managed'] === undefined ? undefined : labels['gateway.networking.k8s.io/gateway-name'];
}

export function relabelGateway(namespace: string, name: string, another: string): string {
  return `kubectl -n ${namespace} label gateways.gateway.networking.k8s.io ${name} istio.io/rev=${another} --overwrite`;
}
