/**
 * Writes a pod's status from what its kubelet remembers.
 * @source kubernetes/kubernetes pkg/kubelet/status/generate.go and getPhase of pkg/kubelet/kubelet_pods.go @v1.34; the shape is that of a real
 * kubelet v1.34.3, conditions in its order
 */
import type { KubeObject } from '../objects/kube-object.ts';
import type { ContainerRecord } from './container-record.ts';
import { containerStatus, seconds } from './container-status.ts';
import { podSpec, qosClass, storedStatus, type PodCondition, type PodStatus } from './pod-spec.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PodFacts {
  readonly pod: KubeObject;
  readonly records: readonly ContainerRecord[];
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly hostIp: string;
  readonly podIp: string | undefined;
  /** The sandbox with its network is there. */
  readonly sandboxReady: boolean;
  /** Nothing runs any more, and nothing will. */
  readonly ended: boolean;
  /** Why the node put an end to it, such as Evicted. */
  readonly verdict?: { readonly reason: string; readonly message: string };
}

/** The phase that follows from the containers, and the one that is reported: a pod is not over while something of it runs. */
export function podPhase({ pod, records, ended, verdict }: PodFacts): { readonly reached: PodPhase; readonly reported: PodPhase } {
  const before = storedStatus(pod).phase;
  if (before === 'Succeeded' || before === 'Failed') return { reached: before, reported: before };
  const restartPolicy = podSpec(pod).restartPolicy ?? 'Always';
  const reached = verdict === undefined ? reachedPhase(records, restartPolicy, ended) : 'Failed';
  const isOver = reached === 'Succeeded' || reached === 'Failed';
  if (!isOver || ended) return { reached, reported: reached };
  // Sidecars are stopped first; and the old phase is kept until nothing runs any more.
  const runs = records.some(({ state }) => state.kind === 'running');
  return runs ? { reached: 'Running', reported: 'Running' } : { reached, reported: before === 'Running' ? 'Running' : 'Pending' };
}

function reachedPhase(records: readonly ContainerRecord[], restartPolicy: string, ended: boolean): PodPhase {
  const initFailed = records.some(({ role, state }) => role === 'init' && state.kind === 'terminated' && state.exitCode !== 0);
  if (initFailed && restartPolicy === 'Never') return 'Failed';
  const { running, waiting, stopped, succeeded } = countMains(records);
  if (ended) return stopped > 0 && stopped === succeeded ? 'Succeeded' : 'Failed';
  if (waiting > 0) return 'Pending';
  if (running > 0 || restartPolicy === 'Always') return 'Running';
  if (stopped === succeeded) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

/** A container that waits for its next run counts as stopped, by the run before. */
function countMains(records: readonly ContainerRecord[]): Readonly<Record<'running' | 'waiting' | 'stopped' | 'succeeded', number>> {
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const { role, state, lastState } of records) {
    if (role !== 'main') continue;
    if (state.kind === 'running') {
      counts.running += 1;
      continue;
    }
    const last = state.kind === 'terminated' ? state : lastState;
    if (last === undefined) counts.waiting += 1;
    else counts.stopped += 1;
    if (last?.exitCode === 0) counts.succeeded += 1;
  }
  return counts;
}

export function podStatus(facts: PodFacts): PodStatus {
  const { pod, records, podIp, hostIp, verdict } = facts;
  const phase = podPhase(facts);
  const generation = pod.metadata.generation;
  const stored = storedStatus(pod);
  const inits = records.filter(({ role }) => role !== 'main').map(containerStatus);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: phase.reported,
    conditions: conditionsOf(facts, phase.reached),
    ...verdict,
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime: stored.startTime ?? seconds(facts.startedAtMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: records.filter(({ role }) => role === 'main').map(containerStatus),
    qosClass: stored.qosClass ?? qosClass(podSpec(pod)),
  };
}

/** A pod that is stopped before its main containers were started keeps the conditions that it had. */
function neverStarted({ records, ended }: PodFacts): boolean {
  const started = records.some(({ role, containerId }) => role === 'main' && containerId !== undefined);
  const failed = records.some(({ role, state }) => role === 'init' && state.kind === 'terminated' && state.exitCode !== 0);
  return ended && !started && !failed;
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const TRUE: Verdict = { status: 'True' };

function conditionsOf(facts: PodFacts, phase: PodPhase): readonly PodCondition[] {
  const stored = storedStatus(facts.pod).conditions ?? [];
  const containersReady = containersReadyVerdict(facts.records, neverStarted(facts) ? 'Pending' : phase);
  const own: readonly (readonly [string, Verdict])[] = [
    ['PodReadyToStartContainers', { status: facts.sandboxReady ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(facts.records, phase)],
    ['Ready', readyVerdict(facts.pod, containersReady, stored)],
    ['ContainersReady', containersReady],
  ];
  const generation = facts.pod.metadata.generation;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const conditions = own.map(([type, verdict]): PodCondition => {
    const before = stored.find((condition) => condition.type === type);
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    return { type, ...verdict, lastProbeTime: null, lastTransitionTime: since ?? seconds(facts.nowMs), ...observed };
  });
  const scheduled = stored.find(({ type }) => type === 'PodScheduled') ?? {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: seconds(facts.nowMs),
  };
  const ownTypes = new Set([...own.map(([type]) => type), 'PodScheduled']);
  // Conditions of others, such as readiness gates and DisruptionTarget, are theirs.
  return [...stored.filter(({ type }) => !ownTypes.has(type)), ...conditions, { ...scheduled, ...observed }];
}

function initializedVerdict(records: readonly ContainerRecord[], phase: PodPhase): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (records.some(({ role, containerId }) => role === 'main' && containerId !== undefined)) return TRUE;
  const incomplete = records.filter(({ role, started, ready }) => (role === 'sidecar' && !started) || (role === 'init' && !ready));
  if (incomplete.length === 0) return TRUE;
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: ${names(incomplete)}` };
}

function containersReadyVerdict(records: readonly ContainerRecord[], phase: PodPhase): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const unready = records.filter(({ role, ready }) => role !== 'init' && !ready);
  if (unready.length === 0) return TRUE;
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: ${names(unready)}` };
}

function readyVerdict(pod: KubeObject, containersReady: Verdict, stored: readonly PodCondition[]): Verdict {
  if (containersReady.status === 'False') return containersReady;
  const messages = (podSpec(pod).readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = stored.find(({ type }) => type === conditionType);
    if (gate === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return gate.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  if (messages.length === 0) return TRUE;
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function names(records: readonly ContainerRecord[]): string {
  return `[${records.map(({ spec }) => spec.name).join(' ')}]`;
}
