/** HorizontalPodAutoscalers: scale to what a knob says in place of metrics. Status and limits as `pkg/controller/podautoscaler` of Kubernetes 1.34. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { setCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { keyOf, parseKey } from '../base/ownership.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Condition, ConditionStatus } from '../base/workload-shapes.ts';

const AUTOSCALERS = 'horizontalpodautoscalers.autoscaling';

/** Every autoscaler is looked at this often, and a new or changed one no earlier: `--horizontal-pod-autoscaler-sync-period`. */
const SYNC_PERIOD_MS = 15_000;

/** How many replicas the autoscaler shall want, as an annotation on it; without, what is there is right. */
export const DESIRED_REPLICAS_KNOB = 'sandbox.meshlift.io/desired-replicas';

const TARGETS: Readonly<Record<string, GroupResource>> = {
  Deployment: 'deployments.apps',
  ReplicaSet: 'replicasets.apps',
  StatefulSet: 'statefulsets.apps',
};

interface Autoscaler extends KubeObject {
  readonly spec: {
    readonly scaleTargetRef: { readonly kind: string; readonly name: string; readonly apiVersion?: string };
    readonly minReplicas?: number;
    readonly maxReplicas: number;
  };
  readonly status?: AutoscalerStatus;
}

interface AutoscalerStatus {
  readonly observedGeneration?: number;
  readonly lastScaleTime?: string;
  readonly currentReplicas?: number;
  readonly desiredReplicas: number;
  readonly currentMetrics?: unknown;
  readonly conditions?: readonly Condition[];
}

/** @returns how many replicas the metrics would ask for; undefined leaves it to the annotation */
export type DesiredReplicas = (autoscaler: KubeObject, currentReplicas: number) => number | undefined;

export function createAutoscalerController(context: ControllerContext, desiredReplicas: DesiredReplicas): Controller {
  const { cluster } = context;
  return defineController(context, {
    name: 'horizontal-pod-autoscaler',
    watches: [{ resource: AUTOSCALERS, onChange: ({ object }, queue) => queue.addAfter(keyOf(object.metadata), SYNC_PERIOD_MS) }],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const autoscaler = read<Autoscaler>(cluster, AUTOSCALERS, name, namespace);
      if (autoscaler === undefined) return;
      queue.addAfter(key, SYNC_PERIOD_MS);
      await syncAutoscaler(context, autoscaler, desiredReplicas);
    },
  });
}

async function syncAutoscaler(context: ControllerContext, autoscaler: Autoscaler, desiredReplicas: DesiredReplicas): Promise<void> {
  const { cluster, writer, events } = context;
  const { scaleTargetRef } = autoscaler.spec;
  const { namespace = '' } = autoscaler.metadata;
  const resource = TARGETS[scaleTargetRef.kind];
  const target = resource === undefined ? undefined : cluster.get(resource, scaleTargetRef.name, namespace);
  if (resource === undefined || target === undefined) {
    const missing = resource ?? `${scaleTargetRef.kind.toLowerCase()}s`;
    const message = `the HPA controller was unable to get the target's current scale: ${missing} "${scaleTargetRef.name}" not found`;
    return writeStatus(context, autoscaler, withConditions(context, autoscaler, [['AbleToScale', 'False', 'FailedGetScale', message]]));
  }
  const current = replicasOf(target);
  if (current === 0) {
    const message = 'scaling is disabled since the replica count of the target is zero';
    return writeStatus(
      context,
      autoscaler,
      withConditions(context, autoscaler, [['ScalingActive', 'False', 'ScalingDisabled', message]], { current, desired: 0 }),
    );
  }
  const wish = desiredReplicas(autoscaler, current) ?? knob(autoscaler) ?? current;
  const { desired, limited } = limit(autoscaler, wish);
  const isMoving = desired !== current;
  if (isMoving) {
    await writer.patch(resource, scaleTargetRef.name, namespace, { spec: { replicas: desired } }, 'scale');
    const why = wish < current ? 'All metrics below target' : 'cpu resource utilization (percentage of request) above target';
    events.record(autoscaler, { type: 'Normal', reason: 'SuccessfulRescale', message: `New size: ${desired}; reason: ${why}` });
  }
  const able: ConditionRow = isMoving
    ? ['AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${desired}`]
    : ['AbleToScale', 'True', 'ReadyForNewScale', 'recommended size matches current size'];
  const active = 'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)';
  const rows: readonly ConditionRow[] = [able, ['ScalingActive', 'True', 'ValidMetricFound', active], limited];
  await writeStatus(context, autoscaler, withConditions(context, autoscaler, rows, { current, desired, isMoving }));
}

function replicasOf(target: KubeObject): number {
  return (target['spec'] as { readonly replicas?: number } | undefined)?.replicas ?? 1;
}

function knob({ metadata }: Autoscaler): number | undefined {
  const text = metadata.annotations?.[DESIRED_REPLICAS_KNOB];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

type ConditionRow = readonly [type: string, status: ConditionStatus, reason: string, message: string];

function limit({ spec }: Autoscaler, wish: number): { readonly desired: number; readonly limited: ConditionRow } {
  const min = spec.minReplicas ?? 1;
  const text = (most: string): string => `the desired replica count is ${most} replica count`;
  if (wish < min) return { desired: min, limited: ['ScalingLimited', 'True', 'TooFewReplicas', text('less than the minimum')] };
  if (wish > spec.maxReplicas) {
    return { desired: spec.maxReplicas, limited: ['ScalingLimited', 'True', 'TooManyReplicas', text('more than the maximum')] };
  }
  return { desired: wish, limited: ['ScalingLimited', 'False', 'DesiredWithinRange', 'the desired count is within the acceptable range'] };
}

interface Counts {
  readonly current: number;
  readonly desired: number;
  readonly isMoving?: boolean;
}

function withConditions(
  { clock }: ControllerContext,
  { status, metadata }: Autoscaler,
  rows: readonly ConditionRow[],
  counts?: Counts,
): AutoscalerStatus {
  const now = timestamp(clock);
  let conditions = status?.conditions ?? [];
  for (const [type, state, reason, message] of rows) {
    conditions = setCondition(conditions, { type, status: state, lastTransitionTime: now, reason, message });
  }
  return {
    ...status,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(counts?.isMoving === true ? { lastScaleTime: now } : {}),
    ...(counts === undefined ? {} : { currentReplicas: counts.current }),
    desiredReplicas: counts?.desired ?? status?.desiredReplicas ?? 0,
    conditions,
  };
}

async function writeStatus({ writer, cluster }: ControllerContext, autoscaler: Autoscaler, status: AutoscalerStatus): Promise<void> {
  const latest = read<Autoscaler>(cluster, AUTOSCALERS, autoscaler.metadata.name, autoscaler.metadata.namespace);
  if (latest === undefined || latest.metadata.uid !== autoscaler.metadata.uid || sameContent(latest.status, status)) return;
  try {
    await writer.updateStatus(AUTOSCALERS, { ...latest, status });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
