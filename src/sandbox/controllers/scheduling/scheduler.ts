/** Gives each pending pod a node: one that it fits on, with the fewest pods of the same controller, then the fewest pods. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { findCondition, replaceCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { controllerOf, keyOf, parseKey } from '../base/ownership.ts';
import { isFinished } from '../base/pod-state.ts';
import type { Condition, Pod } from '../base/workload-shapes.ts';
import { misfit, type Node } from './node-fit.ts';
import { NodeLoad } from './node-load.ts';

/** Pods that a node takes when it does not say how many. */
const DEFAULT_PODS_PER_NODE = 110;

type Choice = { readonly node: string } | { readonly why: string };

/** @param context its writer must be the scheduler's */
export function createScheduler(context: ControllerContext): Controller {
  const { cluster } = context;
  const load = new NodeLoad(cluster);
  /** Pods that found no node: looked at again when a node changes or a pod goes. */
  const waiting = new Set<string>();
  const controller = defineController(context, {
    name: 'default-scheduler',
    watches: [
      {
        resource: 'pods',
        onChange: ({ type, object }, queue) => {
          const key = keyOf(object.metadata);
          if (type === 'DELETED') waiting.delete(key);
          else if (needsNode(object as Pod)) queue.add(key);
          const frees = type === 'DELETED' || isFinished(object as Pod);
          if (frees) for (const other of waiting) queue.add(other);
        },
      },
      {
        resource: 'nodes',
        onChange: (_change, queue) => {
          for (const key of waiting) queue.add(key);
        },
      },
    ],
    reconcile: async (key) => {
      const { namespace, name } = parseKey(key);
      const pod = read<Pod>(cluster, 'pods', name, namespace);
      waiting.delete(key);
      if (pod === undefined || !needsNode(pod)) return;
      const choice = chooseNode(context, load, pod);
      if ('node' in choice) return bind(context, pod, choice.node);
      waiting.add(key);
      await reportUnschedulable(context, pod, choice.why);
    },
  });
  return {
    ...controller,
    start: () => {
      load.start();
      controller.start();
    },
    stop: () => {
      controller.stop();
      load.stop();
    },
  };
}

function needsNode(pod: Pod): boolean {
  const { nodeName, schedulerName = 'default-scheduler', schedulingGates = [] } = pod.spec;
  if (nodeName !== undefined && nodeName !== '') return false;
  return pod.metadata.deletionTimestamp === undefined && schedulerName === 'default-scheduler' && schedulingGates.length === 0;
}

function chooseNode({ cluster, random }: ControllerContext, load: NodeLoad, pod: Pod): Choice {
  const nodes = cluster.list('nodes') as readonly Node[];
  if (nodes.length === 0) return { why: 'no nodes available to schedule pods' };
  const owner = controllerOf(pod)?.uid;
  const reasons = new Map<string, number>();
  let best: { readonly names: string[]; readonly score: readonly [number, number] } | undefined;
  for (const node of nodes) {
    const { name } = node.metadata;
    const why = misfit(pod.spec, node) ?? (load.podsOn(name) >= podLimit(node) ? 'Too many pods' : undefined);
    if (why !== undefined) {
      reasons.set(why, (reasons.get(why) ?? 0) + 1);
      continue;
    }
    const score = [owner === undefined ? 0 : load.podsOf(owner, name), load.podsOn(name)] as const;
    const difference = best === undefined ? -1 : score[0] - best.score[0] || score[1] - best.score[1];
    if (difference < 0) best = { names: [name], score };
    else if (difference === 0) best?.names.push(name);
  }
  const node = best?.names[Math.floor(random() * best.names.length)];
  return node === undefined ? { why: unschedulableText(nodes.length, reasons) } : { node };
}

function podLimit(node: Node): number {
  const pods = Number(node.status?.allocatable?.['pods'] ?? DEFAULT_PODS_PER_NODE);
  return Number.isFinite(pods) ? pods : DEFAULT_PODS_PER_NODE;
}

function unschedulableText(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const parts = [...reasons].map(([why, count]) => `${count} ${why}`).toSorted();
  const [full, hopeless] = [reasons.get('Too many pods') ?? 0, nodes - (reasons.get('Too many pods') ?? 0)];
  const preemption = [
    ...(full > 0 ? [`${full} No preemption victims found for incoming pod`] : []),
    ...(hopeless > 0 ? [`${hopeless} Preemption is not helpful for scheduling`] : []),
  ];
  return `0/${nodes} nodes are available: ${parts.join(', ')}. no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${preemption.join(', ')}.`;
}

async function bind({ writer, events }: ControllerContext, pod: Pod, node: string): Promise<void> {
  const { name, namespace = '', uid } = pod.metadata;
  const metadata = { name, namespace, ...(uid === undefined ? {} : { uid }) };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata, target: { apiVersion: 'v1', kind: 'Node', name: node } };
  try {
    await writer.patch('pods', name, namespace, binding, 'binding');
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  events.record(pod, { type: 'Normal', reason: 'Scheduled', message: `Successfully assigned ${namespace}/${name} to ${node}` });
}

async function reportUnschedulable({ writer, events, clock }: ControllerContext, pod: Pod, message: string): Promise<void> {
  const before = findCondition(pod.status?.conditions, 'PodScheduled');
  if (before?.reason === 'Unschedulable' && before.message === message) return;
  const condition: Condition = {
    type: 'PodScheduled',
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: timestamp(clock),
    reason: 'Unschedulable',
    message,
  };
  const { name, namespace, resourceVersion } = pod.metadata;
  const conditions = replaceCondition(pod.status?.conditions, condition);
  events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
  await writer.patch('pods', name, namespace, { metadata: { resourceVersion }, status: { conditions } }, 'status');
}
