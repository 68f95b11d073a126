/** What the template of a workload says of how its pods begin and end. */
import type { Container } from '../mesh/kube-objects.ts';
import { PROXY_CONTAINER, type Workload } from '../mesh/mesh-inventory.ts';
import type { RestartReason } from '../moves/restart-choice.ts';
import { drainSeconds, graceSeconds, preStopSeconds } from './termination.ts';

/** Containers of the application: the proxy is not one, and a gateway's proxy has its probe from the injector. */
export function appContainers(workload: Workload): readonly Container[] {
  return (workload.template.spec?.containers ?? []).filter((c) => c.name !== PROXY_CONTAINER);
}

export function probes(workload: Workload): RestartReason[] {
  const containers = appContainers(workload);
  if (containers.length === 0 || containers.some((c) => c.readinessProbe !== undefined)) return [];
  return [{ code: 'WORK-003', weight: 'ask', text: 'has no readiness probe' }];
}

/**
 * A pod is killed when its grace period is over, however long its preStop hooks or its proxy still need. Gateways have a check of
 * their own, which also wants time for the load balancer.
 */
export function shortTermination(workload: Workload, meshDrainSeconds: number): RestartReason[] {
  const containers = appContainers(workload);
  if (containers.length === 0) return [];
  const grace = graceSeconds(workload.template);
  const hook = Math.max(0, ...containers.map((c) => preStopSeconds(c) ?? 0));
  const drain = drainSeconds(workload.template, meshDrainSeconds);
  const longest = hook >= drain ? `its preStop hook takes ${hook} s` : `its proxy drains for ${drain} s`;
  if (Math.max(hook, drain) < grace) return [];
  return [{ code: 'WORK-009', weight: 'note', text: `is killed after ${grace} s, and ${longest}` }];
}
