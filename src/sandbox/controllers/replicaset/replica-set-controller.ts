/** ReplicaSets keep the number of their pods: `pkg/controller/replicaset` of Kubernetes 1.34. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import { claimObjects } from '../base/claim-objects.ts';
import { findCondition, removeCondition, setCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read, messageOf } from '../base/controller.ts';
import { hasLabels } from '../base/label-selector.ts';
import { controllerOf, keyOf, parseKey } from '../base/ownership.ts';
import { createPod, deletePod } from '../base/pod-control.ts';
import { isActive, isAvailable, isReady, isTerminating, nextAvailabilityMs } from '../base/pod-state.ts';
import { watchPodsOf } from '../base/pod-watch.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Condition, Pod, ReplicaSet, ReplicaSetStatus } from '../base/workload-shapes.ts';
import { podsToDelete } from './deletion-order.ts';
import { slowStart } from './slow-start.ts';

const REPLICA_SETS = 'replicasets.apps';

/** Most pods that one look creates or deletes. */
const BURST_REPLICAS = 500;

/** @param reportTerminating writes `terminatingReplicas` (feature DeploymentReplicaSetTerminatingReplicas, off in Kubernetes 1.34) */
export function createReplicaSetController(context: ControllerContext, reportTerminating: boolean): Controller {
  const { cluster, clock } = context;
  return defineController(context, {
    name: 'replicaset-controller',
    watches: [
      { resource: REPLICA_SETS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      watchPodsOf(cluster, REPLICA_SETS, 'ReplicaSet'),
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const set = read<ReplicaSet>(cluster, REPLICA_SETS, name, namespace);
      if (set === undefined) return;
      const claimed = (await claimObjects(context, {
        resource: 'pods',
        owner: set,
        selector: set.spec.selector,
        mayAdopt: (pod) => isActive(pod as Pod),
      })) as readonly Pod[];
      const active = claimed.filter(isActive);
      const failure = set.metadata.deletionTimestamp === undefined ? await manageReplicas(context, set, active) : undefined;
      const terminating = reportTerminating ? claimed.filter(isTerminating).length : undefined;
      await writeStatus(context, set, calculateStatus(context, { set, active, failure, terminating }));
      if (failure !== undefined) throw failure.error;
      const againMs = nextAvailabilityMs(active, set.spec.minReadySeconds ?? 0, clock.nowMs());
      if (againMs !== undefined) queue.addAfter(key, againMs);
    },
  });
}

interface Failure {
  readonly error: unknown;
}

async function manageReplicas(context: ControllerContext, set: ReplicaSet, active: readonly Pod[]): Promise<Failure | undefined> {
  const difference = active.length - (set.spec.replicas ?? 1);
  const count = Math.min(Math.abs(difference), BURST_REPLICAS);
  if (difference < 0) {
    const result = await slowStart(count, context.workers, async () => {
      await createPod(context, { owner: set, template: set.spec.template });
    });
    return 'error' in result ? { error: result.error } : undefined;
  }
  if (difference === 0) return undefined;
  const nowMs = context.clock.nowMs();
  let failure: Failure | undefined;
  for (const pod of podsToDelete({ pods: active, related: relatedPods(context, set), count, nowMs })) {
    try {
      await deletePod(context, set, pod);
    } catch (error) {
      failure ??= { error };
    }
  }
  return failure;
}

/** Active pods of all ReplicaSets that have the same controller. */
function relatedPods({ cluster }: ControllerContext, set: ReplicaSet): readonly Pod[] {
  const namespace = set.metadata.namespace ?? '';
  const owner = controllerOf(set);
  const sets = owner === undefined ? [set] : cluster.list(REPLICA_SETS, { namespace, ownerUid: owner.uid });
  return sets.flatMap((one) => cluster.list('pods', { namespace, ownerUid: one.metadata.uid ?? '' }) as readonly Pod[]).filter(isActive);
}

interface StatusInput {
  readonly set: ReplicaSet;
  readonly active: readonly Pod[];
  readonly failure: Failure | undefined;
  readonly terminating: number | undefined;
}

function calculateStatus({ clock }: ControllerContext, { set, active, failure, terminating }: StatusInput): ReplicaSetStatus {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const count = (matches: (pod: Pod) => boolean): number => active.filter(matches).length;
  const templateLabels = set.spec.template.metadata?.labels;
  const conditions = failureConditions(set, active.length, failure, timestamp(clock));
  const { generation } = set.metadata;
  return {
    replicas: active.length,
    ...positive(
      'fullyLabeledReplicas',
      count((pod) => hasLabels(templateLabels, pod.metadata.labels)),
    ),
    ...positive('readyReplicas', count(isReady)),
    ...positive(
      'availableReplicas',
      count((pod) => isAvailable(pod, minReadySeconds, clock.nowMs())),
    ),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function positive(field: string, value: number): Readonly<Record<string, number>> {
  return value === 0 ? {} : { [field]: value };
}

function failureConditions(set: ReplicaSet, active: number, failure: Failure | undefined, now: string): readonly Condition[] {
  const { status } = set;
  if (failure === undefined) return removeCondition(status?.conditions, 'ReplicaFailure');
  if (findCondition(status?.conditions, 'ReplicaFailure') !== undefined) return status?.conditions ?? [];
  const message = messageOf(failure.error);
  const reason = active < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
  return setCondition(status?.conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: now, reason, message });
}

async function writeStatus({ writer, cluster }: ControllerContext, set: ReplicaSet, status: ReplicaSetStatus): Promise<void> {
  // The pods were made for the set as it was read, whatever happened to it meanwhile.
  const latest = read<ReplicaSet>(cluster, REPLICA_SETS, set.metadata.name, set.metadata.namespace);
  if (latest === undefined || latest.metadata.uid !== set.metadata.uid || sameContent(latest.status, status)) return;
  try {
    await writer.updateStatus(REPLICA_SETS, { ...latest, status });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
