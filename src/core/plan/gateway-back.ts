/** The way back of a gateway that was moved to a Deployment beside it: its own pods serve first, then the new ones go. */
import { workloadKey, type MeshInventory } from '../mesh/mesh-inventory.ts';
import type { StepDraft } from './build-steps.ts';
import { podsText } from './gateway-drafts.ts';
import type { AutoscalerBounds, GatewayRef } from './gateway-step.ts';
import type { Plan } from './plan.ts';
import type { ObjectChange, Step, StepOf } from './step.ts';

export interface GatewayBack {
  readonly namespace: string;
  /** Keys of its two Deployments, which no other step of the way back touches. */
  readonly deployments: readonly string[];
  readonly drafts: readonly StepDraft[];
}

export interface GatewayBackInput {
  readonly plan: Plan;
  readonly touched: readonly Step[];
  readonly inventory: MeshInventory;
  /** The revision that a Deployment's next pods get once labels are back. */
  readonly revisionOf: (gateway: GatewayRef) => string | undefined;
  /** The step that gives back what a removal took. */
  readonly restore: (step: StepOf<'removeGateway'>) => StepDraft;
}

/** @returns one entry for each gateway to which a new Deployment was added, or may have been */
export function gatewaysBack(input: GatewayBackInput): GatewayBack[] {
  return input.touched
    .filter((step): step is StepOf<'addGateway'> => step.kind === 'addGateway')
    .map((add) => ({
      namespace: add.gateway.namespace,
      deployments: [workloadKey(add.gateway), workloadKey(add.copy)],
      drafts: draftsFor(add, input),
    }));
}

function draftsFor(add: StepOf<'addGateway'>, input: GatewayBackInput): StepDraft[] {
  const removal = input.touched.find(
    (step): step is StepOf<'removeGateway'> => step.kind === 'removeGateway' && workloadKey(step.gateway) === workloadKey(add.gateway),
  );
  return [...(removal === undefined ? [] : [input.restore(removal)]), shiftBack(add, input), removeCopy(add, input)];
}

/** The autoscaler as it was is known from the step that makes one like it for the new Deployment. */
function originalAutoscaler({ gateway }: StepOf<'addGateway'>, { steps }: Plan): AutoscalerBounds | undefined {
  return steps
    .flatMap((step) => (step.kind === 'shiftGateway' && workloadKey(step.gateway) === workloadKey(gateway) ? step.bounds : []))
    .find((bound) => bound.like !== undefined || bound.target !== undefined);
}

function podsOf(add: StepOf<'addGateway'>): number {
  const counted = add.preconditions.find((p) => p.holds === 'workload-pods');
  return counted?.pods ?? 1;
}

function shiftBack(add: StepOf<'addGateway'>, { plan, inventory, revisionOf }: GatewayBackInput): StepDraft {
  const { gateway, copy, services } = add;
  const wanted = (ref: GatewayRef): number => inventory.workloads.find((w) => workloadKey(w) === workloadKey(ref))?.desiredPods ?? 0;
  const [pods, old, fresh] = [podsOf(add), wanted(gateway), wanted(copy)];
  const autoscaler = originalAutoscaler(add, plan);
  const revision = revisionOf(gateway) ?? plan.from?.revision ?? '';
  return {
    slug: `shift-${gateway.namespace}-${gateway.name}-back`,
    kind: 'shiftGateway',
    title: `shift gateway ${gateway.name} in ${gateway.namespace} back: ${podsText(pods)} of deploy/${gateway.name}, none of deploy/${copy.name}`,
    phase: 'move',
    preconditions: [],
    changes: [replicas(gateway, old, pods), replicas(copy, fresh, 0)],
    doneWhen: `its pods are ready on ${revision} and among the endpoints before the new ones go, and these have drained and ended`,
    undo: 'go forward again with a new plan',
    gateway,
    up: { workload: gateway, from: old, to: pods, revision },
    down: { workload: copy, from: fresh, to: 0 },
    services,
    bounds: autoscaler === undefined ? [] : boundsBack(autoscaler, gateway.name, fresh),
  };
}

/** One that went along with the pods goes back with them. Else: the new one's is held at what it has until its pods go; the old one's is as it was before any pod comes. */
function boundsBack({ name, like = '', min, max, target }: AutoscalerBounds, gateway: string, fresh: number): AutoscalerBounds[] {
  if (target !== undefined) return [{ name, min, max, when: 'first', target: gateway }];
  return [...(fresh === 0 ? [] : [{ name, min: fresh, max: fresh, when: 'first' as const }]), { name: like, min, max, when: 'first' }];
}

function replicas(ref: GatewayRef, from: number, to: number): ObjectChange {
  return {
    action: 'update',
    ref: { apiVersion: 'apps/v1', ...ref },
    diff: from === to ? [] : [`- spec.replicas: ${from}`, `+ spec.replicas: ${to}`],
  };
}

function removeCopy(add: StepOf<'addGateway'>, { plan }: GatewayBackInput): StepDraft {
  const { copy } = add;
  const autoscaler = originalAutoscaler(add, plan);
  return {
    slug: `remove-${copy.namespace}-${copy.name}`,
    kind: 'removeGateway',
    title: `remove deploy/${copy.name} in ${copy.namespace}`,
    phase: 'move',
    preconditions: [],
    changes: [
      { action: 'delete', ref: { apiVersion: 'apps/v1', ...copy }, diff: [] },
      ...(add.trial === undefined
        ? []
        : [
            {
              action: 'delete' as const,
              ref: { apiVersion: 'v1', kind: 'Pod', namespace: copy.namespace, name: add.trial.pod },
              diff: [],
            },
          ]),
      ...(autoscaler?.like === undefined
        ? []
        : [
            {
              action: 'delete' as const,
              ref: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace: copy.namespace, name: autoscaler.name },
              diff: [],
            },
          ]),
    ],
    doneWhen: 'no pod of it runs; then it is gone',
    undo: 'go forward again with a new plan',
    gateway: copy,
  };
}
