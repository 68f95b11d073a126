/** What a restart would hurt, as the choice for each workload found it, and what a restart does not move. */
import { workloadKey, type Workload } from '../../mesh/mesh-inventory.ts';
import type { RestartCode, RestartReason } from '../../moves/restart-choice.ts';
import { canBeEvicted } from '../../moves/restartable.ts';
import type { WorkloadMove } from '../../moves/select-moves.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { Finding } from '../finding.ts';

function movesOf(context: CheckContext): readonly WorkloadMove[] {
  return (context.moves?.namespaces ?? []).flatMap((n) => n.workloads);
}

function nameOf({ namespace, name }: Workload): string {
  return `${namespace}/${name}`;
}

function overrides({ workload, restart }: WorkloadMove, mayPass: boolean): string[] {
  const wait = mayPass ? ', =wait to wait for it' : '';
  return [`--restart-as ${nameOf(workload)}=${restart?.whenAllowed ?? 'restart'} to do it all the same${wait}, or =skip to leave it`];
}

/** What happens when it is ignored, and what helps before one gives way. */
interface Hazard {
  readonly why: string;
  readonly mend?: (move: WorkloadMove) => string[];
}

const HAZARDS: Readonly<Partial<Record<RestartCode, Hazard>>> = {
  'WORK-001': {
    why: 'Its callers get errors until the new pod is ready.',
    mend: ({ gateway }) => (gateway ? ['--gateways canary makes a new one beside it'] : []),
  },
  'WORK-002': { why: 'A restart takes it below what its owner wants.' },
  'WORK-003': { why: 'Traffic reaches a new pod before its application answers.' },
  'WORK-004': {
    why: 'A restart would make it worse, and its end could not be judged.',
    mend: ({ workload }) => [`kubectl -n ${workload.namespace} get pods`],
  },
  'WORK-007': {
    why: 'It moves to the new control plane with the old proxy.',
    mend: () => ['Remove the pin from its template.'],
  },
  'WORK-009': {
    why: 'Requests that are still answered then are cut off.',
    mend: () => ['Give its template a longer terminationGracePeriodSeconds.'],
  },
  'WORK-010': { why: 'The pods that are left have more to do than its autoscaler wants.' },
  'WORK-011': {
    why: 'The new pod would be refused, and the restart would not get on.',
    mend: ({ workload }) => [`kubectl -n ${workload.namespace} describe resourcequota`],
  },
  'WORK-012': {
    why: 'The restart waits until a node is added or room is made, and stops when that takes too long.',
    mend: () => ['kubectl describe nodes'],
  },
  'WORK-014': {
    why: 'Its strategy is changed together with the restart, and is put back when the new pods are proven.',
    mend: ({ workload }) => [`--restart-as ${nameOf(workload)}=restart restarts it by its own strategy`],
  },
  'WORK-013': { why: 'The new pod would wait for the volume, and the old one would wait for the new one.' },
};

function hazardCheck(name: string, ...codes: RestartCode[]): Check {
  return {
    name,
    codes,
    look(context) {
      return movesOf(context).flatMap((move) =>
        (move.restart?.reasons ?? []).flatMap((reason): Finding[] =>
          reason.code !== undefined && codes.includes(reason.code) ? [hazardFinding(reason.code, reason, move)] : [],
        ),
      );
    },
  };
}

function hazardFinding(code: RestartCode, { weight, text, allowed, passing }: RestartReason, move: WorkloadMove): Finding {
  const mend = HAZARDS[code]?.mend?.(move) ?? [];
  return {
    code,
    level: weight === 'ask' ? 'error' : 'warning',
    objects: [workloadKey(move.workload)],
    what: `${nameOf(move.workload)} ${text}`,
    why: HAZARDS[code]?.why ?? '',
    next: weight === 'ask' ? [...mend, ...overrides(move, passing !== undefined)] : mend,
    ...(allowed === true ? { accepted: true } : {}),
  };
}

export const takenDown = hazardCheck('workloads that a restart takes down', 'WORK-001');
export const disruptionBudgets = hazardCheck('PodDisruptionBudgets that allow nothing', 'WORK-002');
export const probes = hazardCheck('readiness probes', 'WORK-003');
export const health = hazardCheck('workloads healthy before they are moved', 'WORK-004');
export const pinnedProxies = hazardCheck('pinned proxies', 'WORK-007');
export const graceTime = hazardCheck('time that pods have to end', 'WORK-009');
export const autoscalers = hazardCheck('autoscalers at their limit', 'WORK-010');
export const surges = hazardCheck('strategies that are changed while workloads restart', 'WORK-014');
export const surgeRoom = hazardCheck('room for one more pod', 'WORK-011', 'WORK-012', 'WORK-013');

export const preStop: Check = {
  name: 'time between the end of a pod and its last request',
  codes: ['WORK-008'],
  look(context) {
    const without = movesOf(context)
      .filter(({ restart }) => restart?.reasons.some(({ code }) => code === 'WORK-008') === true)
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

export const firstSidecars: Check = {
  name: 'first sidecars',
  codes: ['WORK-005'],
  look(context) {
    return movesOf(context)
      .filter((move) => move.firstSidecar)
      .map(({ workload }): Finding => ({
        code: 'WORK-005',
        level: 'warning',
        objects: [workloadKey(workload)],
        what: `${nameOf(workload)} has no sidecar now and gets one`,
        why: 'It joins the mesh with this restart.',
        next: [`--skip ${nameOf(workload)}`],
      }));
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
        next: [
          ...(canBeEvicted(workload) ? [`--restart-as ${nameOf(workload)}=evict has its pods evicted one by one`] : []),
          'Deal with it before meshlift finish.',
        ],
      }));
  },
};
