/** The eviction subresource: a deletion that PodDisruptionBudgets may refuse (pkg/registry/core/pod/storage/eviction.go, v1.34). */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { notFound, StatusError } from '../../objects/status-error.ts';
import { deleteObject } from './delete-object.ts';
import type { Deletion } from './delete-options.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { matchesSelector } from './selector-match.ts';

interface Budget extends KubeObject {
  readonly spec?: { readonly selector?: Parameters<typeof matchesSelector>[0]; readonly unhealthyPodEvictionPolicy?: string };
  readonly status?: {
    readonly disruptionsAllowed?: number;
    readonly observedGeneration?: number;
    readonly currentHealthy?: number;
    readonly desiredHealthy?: number;
    readonly disruptedPods?: Readonly<Record<string, string>>;
  };
}

const BUDGETS = 'poddisruptionbudgets.policy';

/** @throws StatusError 429 while a budget does not allow it, 500 when several budgets select the pod */
export async function evictPod(core: ServerCore, context: WriteContext, name: string, deletion: Deletion): Promise<void> {
  const pod = core.store.get('pods', context.namespace, name);
  if (pod === undefined) throw notFound(context.definition, name);
  const budget = countsForBudgets(pod) ? budgetOf(core, pod) : undefined;
  if (budget !== undefined && !mayGoUnhealthy(budget, pod)) spend(core, budget, pod, context.dryRun);
  await deleteObject(core, { ...context, subresource: '' }, name, deletion);
}

/** Pods that have ended, wait for a node or are on their way out already disturb nobody. */
function countsForBudgets(pod: KubeObject): boolean {
  const { phase } = (pod['status'] ?? {}) as { readonly phase?: string };
  return pod.metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
}

function budgetOf({ store }: ServerCore, pod: KubeObject): Budget | undefined {
  const all = store.list(BUDGETS, pod.metadata.namespace) as readonly Budget[];
  const [budget, ...others] = all.filter(({ spec }) => matchesSelector(spec?.selector, pod.metadata.labels));
  if (others.length > 0)
    throw new StatusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  return budget;
}

/** A pod that is not ready may go while enough others are, or always, as the budget says. */
function mayGoUnhealthy({ spec, status }: Budget, pod: KubeObject): boolean {
  const { conditions = [] } = (pod['status'] ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  if (conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Takes one disruption from the budget. */
function spend({ store, clock }: ServerCore, budget: Budget, pod: KubeObject, dryRun: boolean): void {
  const { disruptionsAllowed = 0, observedGeneration = 0, currentHealthy = 0, desiredHealthy = 0, disruptedPods } = budget.status ?? {};
  const { name } = budget.metadata;
  if (observedGeneration < (budget.metadata.generation ?? 0))
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (disruptionsAllowed <= 0)
    throw tooManyRequests(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
      undefined,
    );
  if (dryRun) return;
  const disrupted = { ...disruptedPods, [pod.metadata.name]: timestamp(clock) };
  store.put(BUDGETS, { ...budget, status: { ...budget.status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: disrupted } });
}

function tooManyRequests(cause: string, retryAfterSeconds: number | undefined): StatusError {
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: cause }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
