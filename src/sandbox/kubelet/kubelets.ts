/** The nodes of a sandbox and what runs on them. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Cluster, ClusterChange } from '../cluster/cluster-view.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { ProgramFactory } from '../cluster/pod-program.ts';
import type { PodRuntimes } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import { createKubeletKnobs, type KubeletKnobs } from './kubelet-knobs.ts';
import type { KubeletNode, KubeletSurroundings } from './kubelet-node.ts';
import { LEASE_NAMESPACE, nodeAddress, nodeLease, nodeObject, nodeStatus, planNodes, type NodePlan } from './node-objects.ts';
import { createEventRecorder } from './pod-events.ts';
import { podSpec } from './pod-spec.ts';
import { PodWorker } from './pod-worker.ts';
import { createProbeWheel } from './probe-wheel.ts';

export interface KubeletsInput {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly network: PodNetwork;
  /** 0 to 1, from the sandbox's seed. */
  readonly random: () => number;
  /** The first one that knows an image makes the program. */
  readonly programs: readonly ProgramFactory[];
  /** How many, `node-1` and on, or which. */
  readonly nodes: number | readonly NodePlan[];
  readonly knobs?: KubeletKnobs;
}

export interface Kubelets {
  readonly knobs: KubeletKnobs;
  /** For the streams of the API server. */
  readonly runtimes: PodRuntimes;
  /** Writes the Node objects and runs the pods that are bound to them, now and from now on. */
  readonly start: () => Promise<void>;
  /** A node under pressure throws a pod out: phase Failed, reason Evicted. @returns false when no kubelet runs it */
  readonly evictPod: (namespace: string, name: string, message: string) => boolean;
  /** Every program is killed; nothing is written any more. */
  readonly stop: () => void;
}

const LEASES = 'leases.coordination.k8s.io';

export function createKubelets(input: KubeletsInput): Kubelets {
  const { cluster, clock } = input;
  const knobs = input.knobs ?? createKubeletKnobs();
  const wheel = createProbeWheel(clock);
  const { network, random, programs } = input;
  const surroundings: KubeletSurroundings = { cluster, clock, network, random, programs, knobs, wheel };
  const plans = planNodes(input.nodes);
  const nodes = new Map(newNodes(plans, surroundings).map((node) => [node.name, node]));
  /** By uid of the pod. */
  const workers = new Map<string, PodWorker>();
  const stops: (() => void)[] = [];

  const take = (pod: KubeObject): void => {
    const { uid = '' } = pod.metadata;
    const worker = workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      return;
    }
    const node = nodes.get(podSpec(pod).nodeName ?? '');
    if (node === undefined) return;
    const begun = new PodWorker(pod, node, surroundings);
    workers.set(uid, begun);
    begun.start();
  };
  const drop = (pod: KubeObject): void => {
    const { uid = '' } = pod.metadata;
    workers.get(uid)?.removed();
    workers.delete(uid);
  };
  const onPod = ({ type, object }: ClusterChange): void => (type === 'DELETED' ? drop(object) : take(object));

  return {
    knobs,
    runtimes: { container: (podUid, name) => workers.get(podUid)?.container(name) },
    start: async () => {
      for (const [number, plan] of plans.entries()) await register(input, plan, number);
      stops.push(
        cluster.onChange('pods', onPod),
        cluster.onChange('nodes', (change) => {
          if (change.type === 'DELETED') nodeGone(change.object.metadata.name, surroundings);
        }),
        knobs.onChange(() => {
          for (const worker of workers.values()) worker.reconsider();
        }),
      );
      for (const pod of cluster.list('pods')) take(pod);
    },
    evictPod: (namespace, name, message) => {
      const worker = workers.get(cluster.get('pods', name, namespace)?.metadata.uid ?? '');
      worker?.evict('Evicted', message);
      return worker !== undefined;
    },
    stop: () => {
      for (const stop of stops) stop();
      wheel.stop();
      for (const worker of workers.values()) worker.removed();
      workers.clear();
    },
  };
}

function newNodes(plans: readonly NodePlan[], { cluster, clock, knobs }: KubeletSurroundings): readonly KubeletNode[] {
  let events = 0;
  const nextNumber = (): number => (events += 1);
  return plans.map(({ name }, number) => {
    const writer = cluster.as(`system:node:${name}`, 'kubelet');
    const recorder = createEventRecorder({ clock, writer, knobs, node: name, nextNumber });
    return { name, ip: nodeAddress(number), writer, events: recorder, images: new Set<string>() };
  });
}

async function register({ cluster, clock }: KubeletsInput, plan: NodePlan, number: number): Promise<void> {
  const writer = cluster.as(`system:node:${plan.name}`, 'kubelet');
  const release = clock.hold();
  try {
    const stored = cluster.get('nodes', plan.name) ?? (await writer.create('nodes', nodeObject(plan, number)));
    await writer.updateStatus('nodes', { ...stored, status: nodeStatus(plan, number, clock) });
    if (cluster.get(LEASES, plan.name, LEASE_NAMESPACE) === undefined && cluster.get('namespaces', LEASE_NAMESPACE) !== undefined)
      await writer.create(LEASES, nodeLease(stored, clock));
  } finally {
    release();
  }
}

/** Its pods go with it, as the garbage collector of pods sees to in a real cluster. */
function nodeGone(name: string, { cluster, clock }: KubeletSurroundings): void {
  const writer = cluster.as('system:serviceaccount:kube-system:pod-garbage-collector', 'kube-controller-manager');
  const remove = async (pod: KubeObject): Promise<void> => {
    try {
      await writer.delete('pods', pod.metadata.name, pod.metadata.namespace, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  };
  const release = clock.hold();
  void Promise.resolve()
    .then(() =>
      Promise.all(
        cluster
          .list('pods')
          .filter((pod) => podSpec(pod).nodeName === name)
          .map(remove),
      ),
    )
    .finally(release);
}
