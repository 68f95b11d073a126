/** Puts the answer together: for a workload, for one of its pods, or for a namespace. */
import type { InjectionSubject } from '../injection/resolve-injection.ts';
import type { KubeObject, PodTemplate } from '../mesh/kube-objects.ts';
import { PROXY_CONTAINER, type Workload, type WorkloadRef } from '../mesh/mesh-inventory.ts';
import { shortName } from '../plan/build-steps.ts';
import { evidenceOf, inTheWay } from './evidence.ts';
import { inRun, type SeenRun } from './in-a-run.ts';
import { nextPod, type Carriers, type Seen } from './next-pod.ts';
import { podNow, podsNow } from './running-pods.ts';
import { namespaceSentence, podSentence, workloadSentence } from './sentences.ts';
import { whatWouldChange } from './what-would-change.ts';
import type { NextPod, WhyAnswer, WhyTarget } from './why-answer.ts';

/**
 * @param target found by `findTarget`
 * @param run a run that is not finished, if there is one
 * @returns an answer for whatever state the mesh is in; never throws
 */
export function explainWhy(target: WhyTarget, seen: Seen, run?: SeenRun): WhyAnswer {
  const answer = target.kind === 'Namespace' ? explainNamespace(target, seen) : explainWorkload(target, seen);
  const inside = run === undefined ? undefined : inRun(target, run, seen.objects);
  return { target, ...answer, ...(inside === undefined ? {} : { inRun: inside }), unknown: unknowns(seen) };
}

type Part = Omit<WhyAnswer, 'target' | 'inRun' | 'unknown'>;

function explainWorkload(target: WhyTarget, seen: Seen): Part {
  const { inventory } = seen;
  const workload = workloadOf(target.ownedBy ?? { ...target, kind: target.kind as WorkloadRef['kind'] }, seen);
  const subject = subjectOf(workload, seen);
  const next = nextPod(subject, seen, carriersOf(workload, seen));
  const pod = target.kind === 'Pod' ? workload.pods.find((one) => one.name === target.name) : undefined;
  const pods = pod === undefined ? podsNow(workload.pods, next, inventory) : [podNow(pod, next, inventory)];
  const behind = pods.some((one) => one.differs !== '') ? [workload] : [];
  const input = { subject, workload, next, pods, inventory };
  return {
    answer: pod === undefined ? workloadSentence(workload, next, pods) : podSentence(pod, workload, next, pods[0]),
    pods,
    next,
    evidence: [...evidenceOf(input), ...inTheWay(input)],
    changes: whatWouldChange({ ...input, workloads: [workload], behind }),
  };
}

function explainNamespace({ name }: WhyTarget, seen: Seen): Part {
  const { inventory } = seen;
  const subject: InjectionSubject = { namespace: name, namespaceLabels: labelsOf(name, seen), template: {} };
  const next = nextPod(subject, seen, carriersOf(undefined, seen, name));
  const workloads = inventory.workloads.filter((w) => w.namespace === name);
  const judged = workloads.map((workload) => {
    const own = nextPod(subjectOf(workload, seen), seen);
    return { workload, own, pods: podsNow(workload.pods, own, inventory) };
  });
  const pods = judged.flatMap((one) => one.pods);
  const input = { subject, next, pods, inventory };
  const behind = judged.filter((one) => one.pods.some((pod) => pod.differs !== '')).map(({ workload }) => workload);
  const others = judged.filter(({ own }) => own.gets !== next.gets || own.revision !== next.revision);
  return {
    answer: namespaceSentence(name, next, pods),
    pods,
    next,
    evidence: [
      ...evidenceOf(input),
      ...others.map(({ workload, own }) => ({ label: 'but', text: exceptionText(workload, own) })),
      ...inTheWay(input),
    ],
    changes: whatWouldChange({ ...input, workloads, behind }),
  };
}

function exceptionText(workload: Workload, next: NextPod): string {
  const name = shortName(workload);
  if (next.gets === 'injected') {
    const label = next.decidedBy.find(({ on }) => on === 'pod');
    return `${name} gets ${next.revision ?? ''}${label === undefined ? '' : `: its pod template has ${label.label}=${label.value}`}`;
  }
  return `${name} ${next.gets === 'refused' ? 'is refused' : next.gets === 'nothing' ? 'gets no proxy' : 'keeps its own proxy'}: ${next.detail}`;
}

/** A workload that went away between two looks is one without pods. */
function workloadOf(ref: WorkloadRef, { inventory }: Seen): Workload {
  const found = inventory.workloads.find((w) => w.kind === ref.kind && w.namespace === ref.namespace && w.name === ref.name);
  return found ?? { ...ref, apiVersion: '', template: {}, desiredPods: 0, strategy: {}, pods: [] };
}

function labelsOf(namespace: string, { inventory }: Seen): Readonly<Record<string, string>> {
  return inventory.namespaces.find((n) => n.name === namespace)?.labels ?? {};
}

function subjectOf(workload: Workload, seen: Seen): InjectionSubject {
  const template = workload.kind === 'Pod' ? beforeInjection(workload.template) : withControllerLabels(workload);
  return { namespace: workload.namespace, namespaceLabels: labelsOf(workload.namespace, seen), template };
}

/** A bare pod as it would be created again: without what its injection added. */
function beforeInjection(template: PodTemplate): PodTemplate {
  const { 'sidecar.istio.io/status': status, ...annotations } = template.metadata?.annotations ?? {};
  if (status === undefined) return template;
  const others = <T extends { readonly name: string }>(list: readonly T[] = []): T[] => list.filter(({ name }) => name !== PROXY_CONTAINER);
  const { containers, initContainers } = template.spec ?? {};
  return {
    metadata: { ...template.metadata, annotations },
    spec: { ...template.spec, containers: others(containers), initContainers: others(initContainers) },
  };
}

/** Labels that a controller adds to the pods that it makes; an injector's selectors see them too. Their values are not known before. */
const ADDED: Readonly<Partial<Record<Workload['kind'], readonly string[]>>> = {
  Deployment: ['pod-template-hash'],
  ReplicaSet: [],
  Rollout: ['rollouts-pod-template-hash'],
  StatefulSet: ['controller-revision-hash', 'statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index'],
  DaemonSet: ['controller-revision-hash', 'pod-template-generation'],
  CronJob: ['job-name', 'controller-uid', 'batch.kubernetes.io/job-name', 'batch.kubernetes.io/controller-uid'],
};

function withControllerLabels({ kind, template }: Workload): PodTemplate {
  const added = Object.fromEntries((ADDED[kind] ?? []).map((label) => [label, 'unknown']));
  return { ...template, metadata: { ...template.metadata, labels: { ...added, ...template.metadata?.labels } } };
}

function carriersOf(workload: Workload | undefined, { objects }: Seen, namespace = workload?.namespace ?? ''): Carriers {
  const isIt = (object: KubeObject): boolean =>
    object.kind === workload?.kind && object.metadata.name === workload.name && object.metadata.namespace === workload.namespace;
  const template = [
    ...objects.deployments,
    ...objects.statefulSets,
    ...objects.daemonSets,
    ...objects.rollouts,
    ...objects.replicaSets,
    ...objects.jobs,
    ...objects.cronJobs,
    ...objects.pods,
  ].find(isIt);
  const carrier = objects.namespaces.find((object) => object.metadata.name === namespace);
  return { ...(carrier === undefined ? {} : { namespace: carrier }), ...(template === undefined ? {} : { template }) };
}

function unknowns({ inventory }: Seen): string[] {
  const silent = inventory.revisions.flatMap((r) =>
    r.istiods.flatMap(({ pod, error }) => (error === undefined ? [] : [`which proxies are connected to ${pod}: ${error}`])),
  );
  const withConditions = inventory.webhooks.filter((w) => !w.deactivated && (w.entry.matchConditions ?? []).length > 0);
  return [
    ...inventory.unread.map(({ what, why }) => `${what}: ${why}`),
    ...silent,
    ...[...new Set(withConditions.map((w) => w.configuration))].map(
      (name) => `the matchConditions of ${name}: Meshlift does not evaluate them, and takes them to be true`,
    ),
  ];
}
