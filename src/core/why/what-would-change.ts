/** What a person would have to do for another answer: restarts, labels, and what is in the way. */
import { decidedRevision } from '../injection/injection-decision.ts';
import { failedByIstiod } from '../injection/declined-by-istiod.ts';
import { resolveInjection, type InjectionSubject } from '../injection/resolve-injection.ts';
import type { Labels } from '../mesh/kube-objects.ts';
import { runningPods, type InjectionWebhook, type MeshInventory, type Workload } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import { applyLabels } from '../moves/select-moves.ts';
import { shortName } from '../plan/build-steps.ts';
import type { Change, NextPod, PodNow } from './why-answer.ts';

type Patch = Readonly<Record<string, string | null>>;

/** Labels to set (or remove: null) so that pods get a revision. */
interface LabelWay {
  readonly namespace: Patch;
  readonly pod: Patch;
}

/** Other revisions that are offered. */
const OFFERED = 2;

/** More workloads than these are not named one by one. */
const MANY = 6;

export interface ChangeInput {
  readonly subject: InjectionSubject;
  /** Undefined for a namespace. */
  readonly workload?: Workload;
  /** The workload, or those of the namespace. */
  readonly workloads: readonly Workload[];
  /** Those with pods that are other than the next one would be. */
  readonly behind: readonly Workload[];
  readonly pods: readonly PodNow[];
  readonly next: NextPod;
  readonly inventory: MeshInventory;
}

/** @returns the likeliest first; empty when nothing can be done but what is there already */
export function whatWouldChange(input: ChangeInput): Change[] {
  const { next, subject } = input;
  // ztunnel is no proxy that a webhook could give.
  if (subject.template.metadata?.labels?.['app'] === 'ztunnel') return [];
  return [
    ...restarts(input),
    ...obstacles(input),
    ...(next.gets === 'made-by-istiod' || next.reason === 'declined' ? [] : otherRevisions(input)),
  ];
}

function restarts({ behind, workload, pods, next }: ChangeInput): Change[] {
  const [first] = behind;
  if (first === undefined) return [];
  const label = next.decidedBy.find((one) => one.on === 'namespace' && one.label === 'istio.io/rev')?.value;
  if (behind.length > MANY && label !== undefined)
    return [{ what: 'To move the running pods', how: '', commands: [`meshlift migrate ${first.namespace} --to ${label}`] }];
  const isOne = workload !== undefined;
  const commands = behind.flatMap((one) =>
    reasonNotRestartable(one) === undefined ? [restartCommand(one)] : byHand(one, isOne ? pods : []),
  );
  const reasons = behind.flatMap((one) => {
    const reason = reasonNotRestartable(one);
    return reason === undefined ? [] : [isOne ? reason : `${shortName(one)}: ${reason}`];
  });
  return [
    {
      what: isOne && pods.length === 1 ? 'To move the running pod' : 'To move the running pods',
      how: reasons.join('; '),
      commands: grouped(commands),
    },
  ];
}

function restartCommand({ namespace, ...workload }: Workload): string {
  return `kubectl -n ${namespace} rollout restart ${shortName({ namespace, ...workload })}`;
}

function byHand({ kind, namespace, name }: Workload, pods: readonly PodNow[]): string[] {
  const names = pods.filter((pod) => pod.differs !== '').map((pod) => pod.name);
  if (kind === 'Rollout') return [`kubectl argo rollouts -n ${namespace} restart ${name}`];
  if (['Pod', 'Job', 'CronJob', 'Deployment'].includes(kind) || names.length === 0) return [];
  return [`kubectl -n ${namespace} delete pod ${names.join(' ')}`];
}

/** Restarts of one namespace in one line. */
function grouped(commands: readonly string[]): string[] {
  const byStart = Map.groupBy(commands, (command) => /^kubectl -n \S+ rollout restart /.exec(command)?.[0] ?? command);
  return [...byStart].map(([start, all]) =>
    all.length === 1 ? (all[0] ?? '') : `${start}${all.map((c) => c.slice(start.length)).join(' ')}`,
  );
}

/** What stands in the way of injection, or of the revision's own image. */
function obstacles({ subject, next, inventory }: ChangeInput): Change[] {
  const change = (what: string, how: string, ...commands: readonly string[]): Change[] => [{ what, how, commands }];
  const refusing = next.webhooks.find(({ fate }) => fate === 'refuses');
  if (
    next.gets === 'refused' &&
    failedByIstiod(subject, inventory.webhooks.find((w) => w.configuration === refusing?.configuration)?.policy) !== undefined
  )
    return change('To let pods be created', 'Name only templates that istiod has in the annotation inject.istio.io/templates.');
  if (next.gets === 'refused' && refusing !== undefined) {
    const see = `kubectl get mutatingwebhookconfiguration ${refusing.configuration} -o yaml`;
    return change('To let pods be created', 'Bring back what the webhook calls, or remove the webhook if its revision is gone.', see);
  }
  if (next.gets === 'made-by-istiod')
    return change(
      'To get another revision',
      'Set the label istio.io/rev of its Gateway, or of the namespace: istiod then replaces the pods at once.',
    );
  if (next.gets === 'in-template')
    return change('To let the mesh choose the proxy', 'Take the proxy out of the template, and let a label ask for it.');
  if (next.imagePinnedBy !== undefined)
    return change(
      'To get the image of the revision',
      `Take ${next.imagePinnedBy} out of the template, or give the container the image auto.`,
    );
  if (next.reason !== 'declined') return [];
  const declining = next.webhooks.find(({ fate }) => fate === 'declines');
  return change('To get a sidecar', declinedRemedy(subject, declining?.revision ?? '', inventory.istioNamespace));
}

function declinedRemedy({ namespace, template }: InjectionSubject, revision: string, istioNamespace: string): string {
  if (template.spec?.hostNetwork === true) return 'Not on the host network: istiod never injects such pods.';
  if (/^kube-|^local-path-storage$/.test(namespace)) return 'Not in this namespace: istiod never injects here.';
  if (template.metadata?.annotations?.['sidecar.istio.io/inject'] === 'false')
    return 'Take the annotation sidecar.istio.io/inject out of the template.';
  return `Change what the injector of ${revision} is told (its ConfigMap in ${istioNamespace}), or set the pod label sidecar.istio.io/inject=true.`;
}

function otherRevisions(input: ChangeInput): Change[] {
  const { next, inventory } = input;
  const others = inventory.revisions.filter((r) => r.deployment !== undefined && (next.gets !== 'injected' || r.name !== next.revision));
  return others
    .toReversed()
    .slice(0, OFFERED)
    .flatMap((revision) => {
      const way = labelWay(revision.name, input);
      const verb = next.gets === 'injected' ? 'To get' : 'To get a proxy from';
      return way === undefined
        ? []
        : [{ what: `${verb} ${revision.name} (${revision.version})`, ...instructions(way, revision.name, input) }];
    });
}

/** The smallest change of labels that leads to a revision, tried out on the webhooks that are there; undefined when none does. */
function labelWay(revision: string, { subject, workload, inventory }: ChangeInput): LabelWay | undefined {
  const { namespaceLabels, template } = subject;
  const isUnlabelled = namespaceLabels['istio-injection'] === undefined && namespaceLabels['istio.io/rev'] === undefined;
  const withoutInjection = namespaceLabels['istio-injection'] === undefined ? {} : { 'istio-injection': null };
  const withoutRevision = namespaceLabels['istio.io/rev'] === undefined ? {} : { 'istio.io/rev': null };
  const onNamespace: Patch[] = [
    { 'istio.io/rev': revision, ...withoutInjection },
    { 'istio-injection': 'enabled', ...withoutRevision },
    ...inventory.tags.filter((tag) => tag.revision === revision).map((tag) => ({ 'istio.io/rev': tag.name, ...withoutInjection })),
  ];
  const allowed: Patch = template.metadata?.labels?.['sidecar.istio.io/inject'] === 'false' ? { 'sidecar.istio.io/inject': null } : {};
  const ways: LabelWay[] = [
    ...(isUnlabelled && workload !== undefined ? [{ namespace: {}, pod: { 'istio.io/rev': revision, ...allowed } }] : []),
    ...(Object.keys(allowed).length > 0 ? [{ namespace: {}, pod: allowed }] : []),
    ...onNamespace.map((namespace) => ({ namespace, pod: allowed })),
  ];
  return ways.find((way) => leadsTo(revision, way, subject, inventory.webhooks));
}

function leadsTo(
  revision: string,
  { namespace, pod }: LabelWay,
  subject: InjectionSubject,
  webhooks: readonly InjectionWebhook[],
): boolean {
  const labels: Labels = applyLabels(subject.template.metadata?.labels ?? {}, pod);
  const changed: InjectionSubject = {
    ...subject,
    namespaceLabels: applyLabels(subject.namespaceLabels, namespace),
    template: { ...subject.template, metadata: { ...subject.template.metadata, labels } },
  };
  return decidedRevision(resolveInjection(changed, webhooks)) === revision;
}

function instructions({ namespace, pod }: LabelWay, revision: string, input: ChangeInput): Pick<Change, 'how' | 'commands'> {
  const { subject, workload, next, workloads } = input;
  const onNamespace = Object.keys(namespace).length > 0;
  const onPod = Object.keys(pod).length > 0;
  const tool = next.decidedBy.find((label) => (label.on === 'namespace' ? onNamespace : onPod))?.tool;
  const toRestart = workloads.filter(
    (one) => reasonNotRestartable(one) === undefined && runningPods(one).some((p) => p.revision !== revision),
  );
  const migrate = namespace['istio.io/rev'] === revision && !onPod ? `meshlift migrate ${subject.namespace} --to ${revision}` : undefined;
  return {
    how: [
      ...(tool === undefined ? [] : [`${tool} deploys what carries the label: change it there, or it is set back.`]),
      ...(onPod && workload === undefined ? [`In pod templates: ${labelWords(pod)}.`] : []),
      ...(onNamespace && workload !== undefined ? ['This is for the whole namespace.'] : []),
      ...(migrate === undefined ? [] : [`"${migrate}" does it and verifies it; by hand:`]),
    ].join(' '),
    commands: [
      ...(onNamespace ? [`kubectl label namespace ${subject.namespace} ${labelWords(namespace)} --overwrite`] : []),
      ...(onPod && workload !== undefined ? templateCommand(workload, pod) : []),
      // A change of the template is a restart already.
      ...(onNamespace && !onPod ? grouped(toRestart.map(restartCommand)) : []),
    ],
  };
}

function templateCommand(workload: Workload, pod: Patch): string[] {
  const { kind, namespace } = workload;
  if (kind === 'Pod' || kind === 'Job') return [];
  const template = { metadata: { labels: pod } };
  const patch = kind === 'CronJob' ? { spec: { jobTemplate: { spec: { template } } } } : { spec: { template } };
  return [`kubectl -n ${namespace} patch ${shortName(workload)} --type merge -p '${JSON.stringify(patch)}'`];
}

function labelWords(patch: Patch): string {
  return Object.entries(patch)
    .map(([key, value]) => (value === null ? `${key}-` : `${key}=${value}`))
    .join(' ');
}
