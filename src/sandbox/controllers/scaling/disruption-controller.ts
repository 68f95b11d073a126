/** PodDisruptionBudgets say how many pods may be evicted now: `pkg/controller/disruption` of Kubernetes 1.34. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { replaceCondition } from '../base/conditions.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read, type Watch } from '../base/controller.ts';
import { scaledValue } from '../base/int-or-percent.ts';
import { selects } from '../base/label-selector.ts';
import { keyOf, parseKey } from '../base/ownership.ts';
import { isReady, isTerminating, podPhase } from '../base/pod-state.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Condition, IntOrPercent, LabelSelector, Pod } from '../base/workload-shapes.ts';
import { watchSelectedPods } from '../network/watch-selected-pods.ts';
import { expectedScale } from './scale-of-owners.ts';

const BUDGETS = 'poddisruptionbudgets.policy';

/** How long an eviction that was allowed may take to show in the pod, before it no longer counts. */
const DISRUPTION_TIMEOUT_MS = 120_000;

interface BudgetStatus {
  readonly observedGeneration?: number;
  readonly disruptedPods?: Readonly<Record<string, string>>;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly conditions?: readonly Condition[];
}

interface Budget extends KubeObject {
  readonly spec: { readonly minAvailable?: IntOrPercent; readonly maxUnavailable?: IntOrPercent; readonly selector?: LabelSelector };
  readonly status?: BudgetStatus;
}

export function createDisruptionController(context: ControllerContext): Controller {
  const { cluster } = context;
  return defineController(context, {
    name: 'disruption-controller',
    watches: [
      { resource: BUDGETS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      watchSelectedPods({
        cluster,
        resource: BUDGETS,
        selects: (budget, labels) => selects((budget as Budget).spec.selector, labels),
        matters: (pod, previous) => changesBudget(pod as Pod, previous as Pod),
      }),
      ...['deployments.apps', 'replicasets.apps', 'statefulsets.apps'].map((resource) => watchScales(context, resource)),
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const budget = read<Budget>(cluster, BUDGETS, name, namespace);
      if (budget === undefined) return;
      const { status, againMs } = statusOf(context, budget);
      if (againMs !== undefined) queue.addAfter(key, againMs);
      if (sameContent(status, budget.status)) return;
      try {
        await context.writer.updateStatus(BUDGETS, { ...budget, status });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  });
}

function changesBudget(pod: Pod, previous: Pod): boolean {
  return (
    podPhase(pod) !== podPhase(previous) ||
    isReady(pod) !== isReady(previous) ||
    isTerminating(pod) !== isTerminating(previous) ||
    !sameContent(pod.metadata.labels, previous.metadata.labels) ||
    !sameContent(pod.metadata.ownerReferences, previous.metadata.ownerReferences)
  );
}

/** Percentages are of what the workloads want, so that scaling matters too. */
function watchScales({ cluster }: ControllerContext, resource: GroupResource): Watch {
  const replicas = (object: KubeObject): unknown => (object['spec'] as { readonly replicas?: number } | undefined)?.replicas;
  return {
    resource,
    onChange: ({ object, previous }, queue) => {
      if (previous !== undefined && replicas(previous) === replicas(object)) return;
      for (const budget of cluster.list(BUDGETS, { namespace: object.metadata.namespace ?? '' })) queue.add(keyOf(budget.metadata));
    },
  };
}

interface StatusResult {
  readonly status: BudgetStatus;
  readonly againMs?: number;
}

function statusOf({ cluster, clock, events }: ControllerContext, budget: Budget): StatusResult {
  const { generation } = budget.metadata;
  const selector = budget.spec.selector;
  const pods = (cluster.list('pods', { namespace: budget.metadata.namespace ?? '' }) as readonly Pod[]).filter(
    (pod) => selects(selector, pod.metadata.labels) && !['Succeeded', 'Failed'].includes(podPhase(pod)),
  );
  if (pods.length === 0) events.record(budget, { type: 'Normal', reason: 'NoPods', message: 'No matching pods found' });
  const wanted = wantedHealthy(expectedScale(cluster, pods), budget, pods.length);
  const now = timestamp(clock);
  if ('why' in wanted) return { status: failedStatus(budget, wanted.why, now) };
  const { disruptedPods, againMs } = stillDisrupted(budget, pods, clock.nowMs());
  const healthy = pods.filter((pod) => isReady(pod) && !isTerminating(pod) && disruptedPods?.[pod.metadata.name] === undefined).length;
  const allowed = wanted.expected <= 0 ? 0 : Math.max(0, healthy - wanted.desired);
  const status: BudgetStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(disruptedPods === undefined ? {} : { disruptedPods }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: wanted.desired,
    expectedPods: wanted.expected,
    conditions: replaceCondition(budget.status?.conditions, {
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      lastTransitionTime: now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    }),
  };
  return { status, ...(againMs === undefined ? {} : { againMs }) };
}

type Wanted = { readonly expected: number; readonly desired: number } | { readonly why: string };

function wantedHealthy(scale: ReturnType<typeof expectedScale>, { spec }: Budget, pods: number): Wanted {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') return { expected: pods, desired: minAvailable };
  if (minAvailable === undefined && maxUnavailable === undefined) return { expected: 0, desired: 0 };
  if ('why' in scale) return scale;
  const { expected } = scale;
  if (maxUnavailable !== undefined) return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up')) };
  return { expected, desired: scaledValue(minAvailable ?? 0, expected, 'up') };
}

/** Evictions that were allowed but do not show in the pods yet. */
function stillDisrupted(
  { status }: Budget,
  pods: readonly Pod[],
  nowMs: number,
): { readonly disruptedPods?: Readonly<Record<string, string>>; readonly againMs?: number } {
  const live = new Set(pods.filter((pod) => !isTerminating(pod)).map((pod) => pod.metadata.name));
  const entries = Object.entries(status?.disruptedPods ?? {}).filter(([name, since]) => {
    return live.has(name) && Date.parse(since) + DISRUPTION_TIMEOUT_MS > nowMs;
  });
  if (entries.length === 0) return {};
  const ends = entries.map(([, since]) => Date.parse(since) + DISRUPTION_TIMEOUT_MS - nowMs);
  return { disruptedPods: Object.fromEntries(entries), againMs: Math.min(...ends) };
}

function failedStatus(budget: Budget, why: string, now: string): BudgetStatus {
  const before = budget.status;
  const { generation } = budget.metadata;
  return {
    currentHealthy: before?.currentHealthy ?? 0,
    desiredHealthy: before?.desiredHealthy ?? 0,
    expectedPods: before?.expectedPods ?? 0,
    ...(before?.observedGeneration === undefined ? {} : { observedGeneration: before.observedGeneration }),
    disruptionsAllowed: 0,
    conditions: replaceCondition(before?.conditions, {
      type: 'DisruptionAllowed',
      status: 'False',
      reason: 'SyncFailed',
      message: why,
      lastTransitionTime: now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    }),
  };
}
