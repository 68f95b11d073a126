import type { Container, PodDisruptionBudget } from '../../mesh/kube-objects.ts';
import { matchesSelector } from '../../mesh/match-selector.ts';
import { runningPods, PROXY_CONTAINER, workloadKey, type Workload } from '../../mesh/mesh-inventory.ts';
import type { WorkloadMove } from '../../moves/select-moves.ts';
import { namesWorkload } from '../../request/upgrade-request.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { Finding, FindingCode } from '../finding.ts';

function movesOf(context: CheckContext): readonly WorkloadMove[] {
  return (context.moves?.namespaces ?? []).flatMap((n) => n.workloads);
}

/** A gateway that is made anew is not restarted: its pods only go once others serve. */
function restartsOf(context: CheckContext): readonly WorkloadMove[] {
  return movesOf(context).filter((move) => move.canary !== true);
}

function hazard(
  code: FindingCode,
  { workload }: WorkloadMove,
  context: CheckContext,
  text: { what: string; why: string; next: string[] },
): Finding {
  const accepted = context.request.acceptDowntime.some((entry) => namesWorkload(entry, workload));
  return { code, level: 'error', objects: [workloadKey(workload)], ...text, ...(accepted ? { accepted: true } : {}) };
}

function overrides(workload: Workload): string[] {
  const name = `${workload.namespace}/${workload.name}`;
  return [`--skip ${name}, or --accept-downtime ${name}`];
}

export const takenDown: Check = {
  name: 'workloads that a restart takes down',
  codes: ['WORK-001'],
  look(context) {
    return restartsOf(context).flatMap((move) => {
      const reason = reasonTakenDown(move.workload);
      if (reason === undefined) return [];
      const what = `${move.workload.namespace}/${move.workload.name} would be down while it restarts (${reason})`;
      return [
        hazard('WORK-001', move, context, {
          what,
          why: 'Its callers get errors until the new pod is ready.',
          next: [...(move.gateway ? ['--gateways canary makes a new one beside it'] : []), ...overrides(move.workload)],
        }),
      ];
    });
  },
};

/** Why no pod serves at some moment of a restart; undefined when one always does. */
export function reasonTakenDown(workload: Workload): string | undefined {
  switch (workload.kind) {
    case 'Deployment':
      return reasonDeploymentDown(workload);
    case 'StatefulSet':
      return workload.desiredPods === 1 ? 'a StatefulSet of 1 pod is stopped before it is started again' : undefined;
    case 'DaemonSet':
      return reasonDaemonSetDown(workload);
    default:
      return undefined;
  }
}

function reasonDeploymentDown({ desiredPods, strategy }: Workload): string | undefined {
  const pods = `${desiredPods} ${desiredPods === 1 ? 'pod' : 'pods'}`;
  if (strategy.type === 'Recreate') return `${pods}, strategy Recreate`;
  const { maxUnavailable = '25%', maxSurge = '25%' } = strategy.rollingUpdate ?? {};
  const unavailable = resolveCount(maxUnavailable, desiredPods, 'down');
  const surge = resolveCount(maxSurge, desiredPods, 'up');
  // Both resolving to 0 is taken as one unavailable by the Deployment controller.
  const down = unavailable === 0 && surge === 0 ? 1 : unavailable;
  return desiredPods > 0 && down >= desiredPods ? `${pods}, maxUnavailable ${maxUnavailable}` : undefined;
}

function reasonDaemonSetDown({ desiredPods, strategy }: Workload): string | undefined {
  const { maxUnavailable = 1, maxSurge = 0 } = strategy.rollingUpdate ?? {};
  const isDown =
    desiredPods > 0 && resolveCount(maxSurge, desiredPods, 'up') === 0 && resolveCount(maxUnavailable, desiredPods, 'up') >= desiredPods;
  return isDown ? `${desiredPods === 1 ? '1 pod on 1 node' : `${desiredPods} pods`}, maxSurge 0` : undefined;
}

/** @source kubernetes/apimachinery pkg/util/intstr GetScaledValueFromIntOrPercent: surge rounds up, unavailable down */
function resolveCount(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = Number.parseFloat(value);
  if (!value.endsWith('%') || Number.isNaN(percent)) return Number.isNaN(Number(value)) ? 0 : Number(value);
  return round === 'up' ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}

export const disruptionBudgets: Check = {
  name: 'PodDisruptionBudgets that allow nothing',
  codes: ['WORK-002'],
  look(context) {
    return restartsOf(context).flatMap((move) => {
      const budget = context.podDisruptionBudgets.find((b) => isExhausted(b) && covers(b, move.workload));
      if (!budget) return [];
      const name = `${move.workload.namespace}/${move.workload.name}`;
      const what = `${name}: its PodDisruptionBudget ${budget.metadata.name} allows no disruption now`;
      return [
        hazard('WORK-002', move, context, { what, why: 'A restart takes it below what its owner wants.', next: overrides(move.workload) }),
      ];
    });
  },
};

function isExhausted(budget: PodDisruptionBudget): boolean {
  return (budget.status?.disruptionsAllowed ?? 0) === 0;
}

function covers(budget: PodDisruptionBudget, workload: Workload): boolean {
  return (
    budget.metadata.namespace === workload.namespace && matchesSelector(budget.spec?.selector, workload.template.metadata?.labels ?? {})
  );
}

export const probes: Check = {
  name: 'readiness probes',
  codes: ['WORK-003'],
  look(context) {
    return movesOf(context).flatMap((move) => {
      const containers = appContainers(move.workload);
      if (containers.length === 0 || containers.some((c) => c.readinessProbe !== undefined)) return [];
      const what = `${move.workload.namespace}/${move.workload.name} has no readiness probe`;
      return [
        hazard('WORK-003', move, context, {
          what,
          why: 'Traffic reaches a new pod before its application answers.',
          next: overrides(move.workload),
        }),
      ];
    });
  },
};

export const preStop: Check = {
  name: 'time between the end of a pod and its last request',
  codes: ['WORK-008'],
  look(context) {
    const without = movesOf(context)
      .filter(({ workload }) => appContainers(workload).some((c) => (c.ports ?? []).length > 0 && c.lifecycle?.preStop === undefined))
      .map(({ workload }) => workloadKey(workload));
    if (without.length === 0) return [];
    return [
      {
        code: 'WORK-008',
        level: 'warning',
        objects: without,
        what: `${without.length} ${without.length === 1 ? 'workload has' : 'workloads have'} no preStop delay: ${without.slice(0, 3).join(', ')}${without.length > 3 ? ', …' : ''}`,
        why: 'A container can stop before all callers know that the pod is gone.',
        next: ['Add lifecycle.preStop.sleep to the containers that serve.'],
      },
    ];
  },
};

/** Containers of the application: the proxy is not one, and a gateway's proxy has its probe from the injector. */
function appContainers(workload: Workload): readonly Container[] {
  return (workload.template.spec?.containers ?? []).filter((c) => c.name !== PROXY_CONTAINER);
}

export const health: Check = {
  name: 'workloads healthy before they are moved',
  codes: ['WORK-004'],
  look(context) {
    return movesOf(context).flatMap((move) => {
      const ready = runningPods(move.workload).filter((pod) => pod.ready).length;
      if (ready >= move.workload.desiredPods) return [];
      const what = `${move.workload.namespace}/${move.workload.name}: ${ready} of ${move.workload.desiredPods} pods are ready`;
      const next = [`kubectl -n ${move.workload.namespace} get pods`, ...overrides(move.workload)];
      return [hazard('WORK-004', move, context, { what, why: 'A restart would make it worse, and its end could not be judged.', next })];
    });
  },
};

export const sidecarChanges: Check = {
  name: 'first sidecars and pinned proxies',
  codes: ['WORK-005', 'WORK-007'],
  look(context) {
    const first = movesOf(context).filter((move) => move.firstSidecar);
    const pinned = movesOf(context).filter((move) => move.pinnedImage !== undefined);
    return [
      ...first.map(({ workload }): Finding => ({
        code: 'WORK-005',
        level: 'warning',
        objects: [workloadKey(workload)],
        what: `${workload.namespace}/${workload.name} has no sidecar now and gets one`,
        why: 'It joins the mesh with this restart.',
        next: overrides(workload).map((text) => text.split(',')[0] ?? text),
      })),
      ...pinned.map(({ workload, pinnedImage }): Finding => ({
        code: 'WORK-007',
        level: 'warning',
        objects: [workloadKey(workload)],
        what: `${workload.namespace}/${workload.name} pins its proxy to ${pinnedImage ?? ''}`,
        why: 'It moves to the new control plane with the old proxy.',
        next: ['Remove the pin from its template.'],
      })),
    ];
  },
};

export const notMoved: Check = {
  name: 'workloads that a restart does not move',
  codes: ['WORK-006'],
  look({ moves }) {
    return (moves?.notMoved ?? [])
      .filter((stay) => stay.keepsOldInUse)
      .map(({ workload, reason }): Finding => ({
        code: 'WORK-006',
        level: 'warning',
        objects: [workloadKey(workload)],
        what: `${workload.namespace}/${workload.name} (${workload.kind}) stays: ${reason}`,
        why: 'The old revision cannot be removed while it is there.',
        next: ['Deal with it before meshlift finish.'],
      }));
  },
};
