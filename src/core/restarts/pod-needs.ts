/** What one more pod of a workload asks of quotas and nodes. */
import type { Container, PodSpec } from '../mesh/kube-objects.ts';
import { parseQuantity } from '../mesh/quantity.ts';

/** Sums by name of resource, such as `cpu` in cores and `memory` in bytes. */
export interface PodNeeds {
  readonly requests: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, number>>;
}

/**
 * What a pod asks for: its containers and the init containers that go on running, or its hungriest other init container.
 * @param spec of a running pod, whose proxy is in it, or of a template, where it is not
 * @source kubernetes/kubernetes pkg/api/v1/resource/helpers.go PodRequests (a container without a request asks for its limit), v1.34
 */
export function podNeeds(spec: PodSpec | undefined): PodNeeds {
  const init = spec?.initContainers ?? [];
  const running = [...(spec?.containers ?? []), ...init.filter((c) => c.restartPolicy === 'Always')];
  const passing = init.filter((c) => c.restartPolicy !== 'Always');
  const of = (amounts: (container: Container) => Amounts): Record<string, number> =>
    greatest([sum(running.map(amounts)), ...passing.map(amounts).map((one) => sum([one]))]);
  return { requests: of((c) => ({ ...c.resources?.limits, ...c.resources?.requests })), limits: of((c) => c.resources?.limits ?? {}) };
}

type Amounts = Readonly<Record<string, string | number>>;

function sum(all: readonly Amounts[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const amounts of all)
    for (const [name, value] of Object.entries(amounts)) total[name] = (total[name] ?? 0) + (parseQuantity(value) ?? 0);
  return total;
}

function greatest(all: readonly Record<string, number>[]): Record<string, number> {
  const most: Record<string, number> = {};
  for (const amounts of all) for (const [name, value] of Object.entries(amounts)) most[name] = Math.max(most[name] ?? 0, value);
  return most;
}
