/** Whether the remaining steps of a plan still fit the mesh. */
import { sortKeys } from '../controlplane/diff-objects.ts';
import { workloadKey, type MeshInventory } from '../mesh/mesh-inventory.ts';
import { sameIstioVersion } from '../versions/istio-version.ts';
import type { Moves } from '../moves/select-moves.ts';
import { countsOf, countsText, sameCounts } from '../moves/surge.ts';
import type { Plan } from './plan.ts';
import type { Precondition, Step } from './step.ts';

/**
 * @param remaining steps that are neither done nor started: what a run has begun changes the mesh itself
 * @returns what is different, one line each; empty when everything still fits
 */
export function assessPreconditions(remaining: readonly Step[], inventory: MeshInventory): string[] {
  return remaining.flatMap((step) => step.preconditions.flatMap((precondition) => differences(precondition, step, inventory)));
}

function differences(precondition: Precondition, step: Step, inventory: MeshInventory): string[] {
  switch (precondition.holds) {
    case 'revision-exists': {
      const revision = inventory.revisions.find((r) => r.name === precondition.revision && r.deployment !== undefined);
      if (!revision) return [`revision ${precondition.revision} is gone`];
      return sameIstioVersion(revision.version, precondition.version)
        ? []
        : [`revision ${precondition.revision} is version ${revision.version}, was ${precondition.version}`];
    }
    case 'revision-free':
      return inventory.revisions.some((r) => r.name === precondition.revision) ? [`revision ${precondition.revision} exists already`] : [];
    case 'namespace-labels':
      return labelDifferences(precondition, step, inventory);
    case 'workload-exists': {
      const key = workloadKey(precondition.workload);
      return inventory.workloads.some((w) => workloadKey(w) === key) ? [] : [`workload ${key} is gone`];
    }
    case 'workload-pods': {
      const key = workloadKey(precondition.workload);
      const there = inventory.workloads.find((w) => workloadKey(w) === key);
      if (there === undefined || there.desiredPods === precondition.pods) return [];
      return [`gateway ${key} has ${there.desiredPods} pods, had ${precondition.pods}; its shares were counted from these`];
    }
    case 'tag-points-to':
      return tagDifferences(precondition, step, inventory);
    case 'revision-unused':
      // Judged when the step is performed: the run itself makes it true.
      return [];
  }
}

function tagDifferences(precondition: Extract<Precondition, { holds: 'tag-points-to' }>, step: Step, inventory: MeshInventory): string[] {
  const tag = inventory.tags.find((t) => t.name === precondition.tag);
  if (!tag) return [`tag ${precondition.tag} is gone`];
  const isDone = step.kind === 'moveTag' && tag.revision === step.revision;
  return isDone || tag.revision === precondition.revision
    ? []
    : [`tag ${tag.name} points to ${tag.revision}, pointed to ${precondition.revision}`];
}

function labelDifferences(
  precondition: Extract<Precondition, { holds: 'namespace-labels' }>,
  step: Step,
  inventory: MeshInventory,
): string[] {
  const namespace = inventory.namespaces.find((n) => n.name === precondition.namespace && !n.terminating);
  if (!namespace) return [`namespace ${precondition.namespace} is gone`];
  const wanted = step.kind === 'labelNamespace' ? step.set : {};
  const isDone = Object.entries(wanted).every(([key, value]) => (namespace.labels[key] ?? null) === value);
  if (isDone && Object.keys(wanted).length > 0) return [];
  return Object.entries(precondition.labels)
    .filter(([key, value]) => (namespace.labels[key] ?? null) !== value)
    .map(([key, value]) => `namespace ${namespace.name} has ${key}=${namespace.labels[key] ?? 'none'}, had ${value ?? 'none'}`);
}

/** Gateways that their charts would render otherwise today: somebody has changed the values of their releases. */
export function assessRendered(plan: Plan, current: Plan): string[] {
  const textOf = (step: Step): string => ('deployment' in step ? JSON.stringify(sortKeys(step.deployment)) : '');
  return plan.steps.flatMap((step) => {
    if (step.kind !== 'addGateway' || step.deployment === undefined) return [];
    const now = current.steps.find((other) => other.kind === 'addGateway' && workloadKey(other.copy) === workloadKey(step.copy));
    if (now === undefined || textOf(now) === textOf(step)) return [];
    return [`gateway ${workloadKey(step.gateway)} is rendered otherwise than when the plan was made, or not at all`];
  });
}

/** Workloads whose strategy would have to be changed while they restart, or not, otherwise than the plan says. */
export function assessSurges(plan: Plan, moves: Moves): string[] {
  const planned = new Map(
    plan.steps.flatMap((step) =>
      step.kind === 'restartWorkload' || step.kind === 'restartGateway' ? [[workloadKey(step.workload), step] as const] : [],
    ),
  );
  return moves.namespaces
    .flatMap((namespace) => namespace.workloads)
    .flatMap((move) => {
      const key = workloadKey(move.workload);
      const before = planned.get(key)?.surge?.from;
      const now = move.surge?.from;
      const isSame = before === undefined || now === undefined ? before === now : sameCounts(before, now);
      return isSame || !planned.has(key)
        ? []
        : [`the strategy of ${key} is another one: ${countsText(countsOf(move.workload.controller))}`];
    });
}

/** Workloads that would have to move today and that the plan does not know. */
export function assessUnplanned(plan: Plan, moves: Moves): string[] {
  const planned = new Set(
    plan.steps.flatMap((step) => {
      if (step.kind === 'addGateway') return [workloadKey(step.gateway)];
      return 'workload' in step ? [workloadKey(step.workload)] : [];
    }),
  );
  const named = new Set(plan.notMoved.map((stay) => stay.workload));
  return moves.namespaces
    .flatMap((n) => n.workloads.map((move) => workloadKey(move.workload)))
    .filter((key) => !planned.has(key) && !named.has(key))
    .map((key) => `workload ${key} is not in the plan`);
}
