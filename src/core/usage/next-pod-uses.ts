/** What would get a revision as soon as it makes pods: templates, also those without pods, and namespaces. */
import { decidedRevision } from '../injection/injection-decision.ts';
import { resolveInjection } from '../injection/resolve-injection.ts';
import { injectedRevision } from '../mesh/read-proxy.ts';
import { workloadKey, type MeshNamespace, type Workload } from '../mesh/mesh-inventory.ts';
import { isZtunnel, kubectlName, leadsTo, managedGateway, relabelGateway, type NextPod, type UsageContext } from './usage-context.ts';
import type { Use } from './usage.ts';

export function templateUses(context: UsageContext): Use[] {
  return context.inventory.workloads.flatMap((workload): Use[] => {
    const next = context.nextPods.get(workloadKey(workload));
    if (next === undefined) return [];
    return [
      {
        kind: 'template',
        object: workloadKey(workload),
        detail: nextPodDetail(workload, next, context),
        toFree: freeTemplate(workload, next, context),
        passing: false,
      },
    ];
  });
}

function nextPodDetail(workload: Workload, next: NextPod, { revision }: UsageContext): string {
  if (next === 'written') return `${pause(workload)}a proxy of it is written into its template`;
  if (next === 'named') return `${pause(workload)}its template has istio.io/rev=${revision}: its next pod would get no sidecar`;
  return `${pause(workload)}its next ${workload.kind === 'CronJob' ? 'run' : 'pod'} would get it`;
}

function pause(workload: Workload): string {
  if (workload.suspended === true) return 'suspended; ';
  const isScaled = workload.kind !== 'CronJob' && workload.kind !== 'Job' && workload.kind !== 'DaemonSet';
  return isScaled && workload.desiredPods === 0 ? 'scaled to zero; ' : '';
}

function freeTemplate(workload: Workload, next: NextPod, { namespaces, another }: UsageContext): string {
  const kubectl = `kubectl -n ${workload.namespace}`;
  if (workload.kind === 'Job') return `let it end, or ${kubectl} delete ${kubectlName(workload)}`;
  const gateway = managedGateway(workload);
  if (gateway !== undefined) return relabelGateway(workload.namespace, gateway, another);
  if (next === 'written') return 'write its template anew with the proxy of another revision, or take the proxy out';
  const labels = namespaces.get(workload.namespace)?.labels ?? {};
  const byNamespace = labels['istio.io/rev'] !== undefined || labels['istio-injection'] !== undefined;
  if (byNamespace) return freeNamespace(workload.namespace, labels, another);
  const path = workload.kind === 'CronJob' ? 'spec.jobTemplate.spec.template' : 'spec.template';
  return `set istio.io/rev=${another} in ${path}.metadata.labels of ${kubectlName(workload)} in ${workload.namespace}`;
}

function freeNamespace(name: string, labels: MeshNamespace['labels'], another: string): string {
  const old = labels['istio-injection'] === undefined ? '' : ' istio-injection-';
  return `kubectl label namespace ${name} istio.io/rev=${another}${old} --overwrite`;
}

export function namespaceUses(context: UsageContext): Use[] {
  return [...context.namespaces.values()].flatMap((namespace): Use[] => {
    const detail = namespaceDetail(namespace, context);
    if (detail === undefined) return [];
    const toFree = freeNamespace(namespace.name, namespace.labels, context.another);
    return [{ kind: 'namespace', object: `namespace ${namespace.name}`, detail, toFree, passing: false }];
  });
}

function namespaceDetail({ name, labels }: MeshNamespace, { revision, inventory, gone }: UsageContext): string | undefined {
  const label = ['istio-injection', 'istio.io/rev'].find((key) => labels[key] !== undefined);
  if (label === undefined) return undefined;
  const decision = resolveInjection({ namespace: name, namespaceLabels: labels, template: {} }, inventory.webhooks);
  const text = `${label}=${labels[label] ?? ''}`;
  if (decision.kind === 'refused') return decision.revision === revision ? `${text} resolves to it: ${decision.detail}` : undefined;
  if (decidedRevision(decision) === revision) return `${text} resolves to it`;
  if (gone && labels['istio.io/rev'] === revision && decision.kind === 'not-injected' && decision.reason === 'ghost')
    return `istio.io/rev=${revision} leads nowhere: its next pods get no sidecar`;
  return undefined;
}

/** Labels of namespaces that name the revision and decide nothing. */
export function idleLabels({ revision, namespaces, gone, inventory }: UsageContext): string[] {
  return [...namespaces.values()]
    .filter(({ labels }) => labels['istio.io/rev'] === revision)
    .filter((namespace) => namespaceDetail(namespace, { revision, gone, inventory } as UsageContext) === undefined)
    .map(({ name, labels }) =>
      labels['istio-injection'] === undefined
        ? `namespace ${name} has istio.io/rev=${revision}, which no webhook serves`
        : `namespace ${name} has istio.io/rev=${revision}, which istio-injection=${labels['istio-injection']} beats`,
    );
}

/** The ztunnel of a node asks one istiod, by the name in its template, whatever namespaces and tags say. */
export function ztunnelUses(context: UsageContext): Use[] {
  return context.inventory.workloads.filter(isZtunnel).flatMap((workload): Use[] => {
    const { template, namespace, name } = workload;
    const configured = injectedRevision({ metadata: template.metadata ?? {}, spec: template.spec ?? {} }) ?? 'default';
    const asked = configured.startsWith('revision-tag-') ? configured.slice('revision-tag-'.length) : configured;
    if (!leadsTo(asked, context)) return [];
    return [
      {
        kind: 'ztunnel',
        object: `${namespace}/${name}`,
        detail: `its pods ask the istiod of ${asked}`,
        toFree: freeZtunnel(workload, context.another),
        passing: false,
      },
    ];
  });
}

export function freeZtunnel({ namespace, name }: Workload, another: string): string {
  return `helm upgrade ${name} istio/ztunnel -n ${namespace} --reuse-values --set revision=${another}; it restarts on every node`;
}
