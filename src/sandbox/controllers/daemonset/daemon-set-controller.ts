/** DaemonSets: a pod on each node that fits, replaced as the update strategy says. `pkg/controller/daemon` of Kubernetes 1.34. */
import { claimObjects } from '../base/claim-objects.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { isEmptySelector } from '../base/label-selector.ts';
import { keyOf, parseKey } from '../base/ownership.ts';
import { createPod, deletePod } from '../base/pod-control.ts';
import { isAvailable, isFinished, isReady, isTerminating, nextAvailabilityMs } from '../base/pod-state.ts';
import { watchPodsOf } from '../base/pod-watch.ts';
import { currentRevision, truncateHistory } from '../base/revision-history.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { DaemonSet, DaemonSetStatus, Pod } from '../base/workload-shapes.ts';
import type { Node } from '../scheduling/node-fit.ts';
import { slowStart } from '../replicaset/slow-start.ts';
import { daemonPodPlan, HASH_LABEL, judgeNode, targetNode } from './daemon-nodes.ts';
import { daemonLimits, nextReplacements } from './daemon-update.ts';

const DAEMON_SETS = 'daemonsets.apps';

export function createDaemonSetController(context: ControllerContext): Controller {
  const { cluster, clock } = context;
  return defineController(context, {
    name: 'daemonset-controller',
    watches: [
      { resource: DAEMON_SETS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      watchPodsOf(cluster, DAEMON_SETS, 'DaemonSet'),
      {
        resource: 'nodes',
        onChange: (change, queue) => {
          if (change.previous !== undefined && !mattersToDaemons(change.previous as Node, change.object as Node)) return;
          for (const set of cluster.list(DAEMON_SETS)) queue.add(keyOf(set.metadata));
        },
      },
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const set = read<DaemonSet>(cluster, DAEMON_SETS, name, namespace);
      if (set === undefined || isEmptySelector(set.spec.selector)) return;
      const pods = await syncDaemonSet(context, set);
      const againMs = nextAvailabilityMs(pods, set.spec.minReadySeconds ?? 0, clock.nowMs());
      if (againMs !== undefined) queue.addAfter(key, againMs);
    },
  });
}

/** Heartbeats are no reason to look at every DaemonSet. */
function mattersToDaemons(before: Node, after: Node): boolean {
  return !sameContent([before.spec, before.metadata.labels], [after.spec, after.metadata.labels]);
}

async function syncDaemonSet(context: ControllerContext, set: DaemonSet): Promise<readonly Pod[]> {
  const naming = { owner: set, hashLabel: HASH_LABEL, collisionCount: set.status?.collisionCount ?? 0 };
  const { revision, history, collisionCount } = await currentRevision(context, naming);
  const hash = revision.metadata.labels?.[HASH_LABEL] ?? '';
  if (set.metadata.deletionTimestamp === undefined) {
    await runOnNodes(context, set, hash);
    await update(context, set, hash);
  }
  const pods = await podsOf(context, set);
  const live = history.filter((one) => pods.some((pod) => pod.metadata.labels?.[HASH_LABEL] === one.metadata.labels?.[HASH_LABEL]));
  await truncateHistory(context, set, history, new Set([revision, ...live].map((one) => one.metadata.name)));
  await writeStatus(context, set, calculateStatus(context, set, pods, { hash, collisionCount }));
  return pods;
}

async function podsOf(context: ControllerContext, set: DaemonSet): Promise<readonly Pod[]> {
  return (await claimObjects(context, { resource: 'pods', owner: set, selector: set.spec.selector })) as readonly Pod[];
}

function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const nodes = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = targetNode(pod.spec);
    const there = nodes.get(name);
    if (there === undefined) nodes.set(name, [pod]);
    else there.push(pod);
  }
  return nodes;
}

/** Creates what is missing, deletes what is too much, has ended, or has no place any more. */
async function runOnNodes(context: ControllerContext, set: DaemonSet, hash: string): Promise<void> {
  const podsByNode = byNode(await podsOf(context, set));
  const nodes = context.cluster.list('nodes') as readonly Node[];
  const missing: string[] = [];
  const surplus: Pod[] = [];
  for (const node of nodes) {
    const { name } = node.metadata;
    const pods = podsByNode.get(name) ?? [];
    const { shouldRun, mayStay } = judgeNode(set, node);
    const live = pods.filter((pod) => !isTerminating(pod));
    if (!mayStay) surplus.push(...live);
    else {
      const ended = live.filter(isFinished);
      const running = live.filter((pod) => !isFinished(pod));
      surplus.push(...ended, ...tooMany(context, set, running, hash));
      const isFree = allowsSurge(set) ? running.length === 0 && ended.length === 0 : pods.length === 0;
      if (shouldRun && isFree) missing.push(name);
    }
  }
  const names = new Set(nodes.map((node) => node.metadata.name));
  for (const [name, pods] of podsByNode) if (!names.has(name)) surplus.push(...pods.filter((pod) => !isTerminating(pod)));
  await apply(context, set, hash, { missing, surplus });
}

function allowsSurge(set: DaemonSet): boolean {
  return set.spec.updateStrategy?.type !== 'OnDelete' && daemonLimits(set, 1).maxSurge > 0;
}

/** All but the oldest; while surging, a new pod that is not yet available may stand beside an old one that is. */
function tooMany({ clock }: ControllerContext, set: DaemonSet, running: readonly Pod[], hash: string): readonly Pod[] {
  const oldestFirst = running.toSorted((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''));
  if (!allowsSurge(set)) return oldestFirst.slice(1);
  if (running.length <= 1) return [];
  const fresh = oldestFirst.find((pod) => pod.metadata.labels?.[HASH_LABEL] === hash);
  const old = oldestFirst.find((pod) => pod.metadata.labels?.[HASH_LABEL] !== hash);
  const isDone = fresh !== undefined && isAvailable(fresh, set.spec.minReadySeconds ?? 0, clock.nowMs());
  const keepsOld = old !== undefined && isReady(old) && !isDone;
  return oldestFirst.filter((pod) => pod !== fresh && !(pod === old && (keepsOld || fresh === undefined)));
}

async function update(context: ControllerContext, set: DaemonSet, hash: string): Promise<void> {
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const nodes = context.cluster.list('nodes') as readonly Node[];
  const wanted = nodes.filter((node) => judgeNode(set, node).shouldRun);
  const podsByNode = byNode(await podsOf(context, set));
  for (const node of nodes) if (!wanted.includes(node)) podsByNode.delete(node.metadata.name);
  const next = nextReplacements({ set, hash, podsByNode, desired: wanted.length, nowMs: context.clock.nowMs() });
  await apply(context, set, hash, { missing: next.surges, surplus: next.deletions.filter((pod) => !isTerminating(pod)) });
}

interface DaemonChanges {
  readonly missing: readonly string[];
  readonly surplus: readonly Pod[];
}

async function apply(context: ControllerContext, set: DaemonSet, hash: string, { missing, surplus }: DaemonChanges): Promise<void> {
  const result = await slowStart(missing.length, context.workers, async (index) => {
    await createPod(context, daemonPodPlan(set, hash, missing[index] ?? ''));
  });
  for (const pod of surplus) await deletePod(context, set, pod);
  if ('error' in result) throw result.error;
}

function calculateStatus(
  { cluster, clock }: ControllerContext,
  set: DaemonSet,
  pods: readonly Pod[],
  { hash, collisionCount }: { readonly hash: string; readonly collisionCount: number },
): DaemonSetStatus {
  const podsByNode = byNode(pods);
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  for (const node of cluster.list('nodes') as readonly Node[]) {
    const there = podsByNode.get(node.metadata.name) ?? [];
    if (!judgeNode(set, node).shouldRun) {
      count.misscheduled += there.length > 0 ? 1 : 0;
      continue;
    }
    count.desired += 1;
    count.current += there.length > 0 ? 1 : 0;
    const youngestFirst = there.toSorted((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''));
    const ready = there.some(isReady);
    count.ready += ready ? 1 : 0;
    count.available += there.some((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.nowMs())) ? 1 : 0;
    count.updated += youngestFirst.some((pod) => pod.metadata.labels?.[HASH_LABEL] === hash && !isTerminating(pod)) ? 1 : 0;
  }
  const { generation } = set.metadata;
  const unavailable = count.desired - count.available;
  return {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(count.updated === 0 ? {} : { updatedNumberScheduled: count.updated }),
    ...(count.available === 0 ? {} : { numberAvailable: count.available }),
    ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
    ...(collisionCount === 0 ? {} : { collisionCount }),
  };
}

async function writeStatus({ writer, cluster }: ControllerContext, set: DaemonSet, status: DaemonSetStatus): Promise<void> {
  const latest = read<DaemonSet>(cluster, DAEMON_SETS, set.metadata.name, set.metadata.namespace);
  if (latest === undefined || latest.metadata.uid !== set.metadata.uid || sameContent(latest.status, status)) return;
  try {
    await writer.updateStatus(DAEMON_SETS, { ...latest, status });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
