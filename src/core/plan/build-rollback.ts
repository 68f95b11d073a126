/**
 * The plan that takes a run back. It has its own order and is not the forward list reversed: what serves everybody first
 * (a removed control plane, the default), then labels and workloads, the new control plane last.
 */
import { ownObjects } from '../controlplane/own-objects.ts';
import { refKey } from '../controlplane/object-identity.ts';
import { decidedRevision } from '../injection/injection-decision.ts';
import { resolveInjection } from '../injection/resolve-injection.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { workloadKey, type InjectionWebhook, type MeshInventory } from '../mesh/mesh-inventory.ts';
import { isInjectedGateway } from '../mesh/build-gateways.ts';
import { applyLabels, reasonProxyStays, runningPods, type WorkloadMove } from '../moves/select-moves.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import { RESTART_ANNOTATION } from './restart-mark.ts';
import { labelStep, numberSteps, removeStep, restartStep, shortName, type StepDraft } from './build-steps.ts';
import type { NotMoved, Plan } from './plan.ts';
import type { ObjectChange, Step, StepOf } from './step.ts';

export interface RollbackInput {
  readonly plan: Plan;
  /** Ids of the steps whose effect was intended: done, started or failed. */
  readonly touched: ReadonlySet<string>;
  /** Restart marks of steps that were begun and not done: whoever carries one has pods that may not be there yet. */
  readonly openMarks: ReadonlySet<string>;
  /** What the record holds of each touched step, as references. */
  readonly originalRefs: ReadonlyMap<string, readonly ObjectChange['ref'][]>;
  readonly inventory: MeshInventory;
  /** The injection webhooks as they will be once the originals are back: they decide what pods get then. */
  readonly webhooks: readonly InjectionWebhook[];
  /** Objects that could belong to the control plane that was installed. */
  readonly candidates: readonly KubeObject[];
  readonly createdAt: string;
  readonly createdBy: string;
  /** How often the roll-back was planned before; each time its steps get ids of their own. */
  readonly attempt: number;
}

/** @returns a plan of the same type; without steps when nothing was touched that can be taken back */
export function buildRollback(input: RollbackInput): Plan {
  const touched = input.plan.steps.filter((step) => input.touched.has(step.id));
  const namespaces = namespaceDrafts(touched, input);
  const drafts = [...restoreDrafts(touched, input), ...namespaces.drafts, ...removalDrafts(touched, input)];
  const { from, to, ...rest } = input.plan;
  return {
    ...rest,
    metadata: { name: `${input.plan.metadata.name}-back`, createdAt: input.createdAt, createdBy: input.createdBy },
    ...(to === undefined ? {} : { from: to }),
    ...(from === undefined ? {} : { to: from }),
    pins: [],
    valueDifferences: [],
    carriedOver: '',
    notMoved: namespaces.notMoved,
    steps: numberSteps(drafts, input.attempt === 0 ? 'back-' : `back${input.attempt + 1}-`),
  };
}

/** A removed control plane comes first: the default can only point to what is there. */
function restoreDrafts(touched: readonly Step[], input: RollbackInput): StepDraft[] {
  const removed = touched.find((step): step is StepOf<'removeControlPlane'> => step.kind === 'removeControlPlane');
  const moved = touched.find((step): step is StepOf<'moveDefault'> => step.kind === 'moveDefault');
  return [
    ...(removed
      ? [restoreDraft({ step: removed, revision: removed.revision, expect: 'control-plane', title: `put ${removed.revision} back` }, input)]
      : []),
    ...(moved
      ? [restoreDraft({ step: moved, revision: moved.from, expect: 'default', title: `default: ${moved.revision} → ${moved.from}` }, input)]
      : []),
  ];
}

interface Restoring {
  readonly step: Step;
  readonly revision: string;
  readonly expect: 'control-plane' | 'default' | 'shared';
  readonly title: string;
}

function restoreDraft({ step, revision, expect, title }: Restoring, input: RollbackInput): StepDraft {
  const refs = input.originalRefs.get(step.id) ?? step.changes.map((change) => change.ref);
  return {
    slug: { 'control-plane': `restore-${revision}`, default: 'default', shared: 'shared' }[expect],
    kind: 'restoreObject',
    title,
    phase: 'move',
    preconditions: [],
    changes: refs.map((ref): ObjectChange => ({ action: expect === 'control-plane' ? 'create' : 'update', ref, diff: [] })),
    doneWhen: expect === 'control-plane' ? 'its objects are there again and istiod is ready' : 'the objects are as they were',
    undo: 'go forward again with a new plan',
    originalsOf: step.id,
    revision,
    expect,
  };
}

function namespaceDrafts(touched: readonly Step[], input: RollbackInput): { drafts: StepDraft[]; notMoved: NotMoved[] } {
  const labelled = new Map(touched.filter((s): s is StepOf<'labelNamespace'> => s.kind === 'labelNamespace').map((s) => [s.namespace, s]));
  const restarted = new Set(touched.flatMap((s) => ('workload' in s ? [s.workload.namespace] : [])));
  const drafts: StepDraft[] = [];
  const notMoved: NotMoved[] = [];
  for (const name of new Set([...labelled.keys(), ...restarted])) {
    const namespace = input.inventory.namespaces.find((n) => n.name === name && !n.terminating);
    if (!namespace) continue;
    const label = labelled.get(name);
    const set = label ? originalLabels(label) : {};
    const needed = Object.fromEntries(Object.entries(set).filter(([key, value]) => (namespace.labels[key] ?? null) !== value));
    const back = workloadsBack(name, applyLabels(namespace.labels, set), input);
    if (Object.keys(needed).length > 0) drafts.push(labelStep(namespace, needed, back.namespaceRevision));
    drafts.push(...back.moves.map(restartStep));
    notMoved.push(...back.notMoved);
  }
  return { drafts, notMoved };
}

function originalLabels(step: StepOf<'labelNamespace'>): Record<string, string | null> {
  return { ...step.preconditions.find((p) => p.holds === 'namespace-labels')?.labels };
}

/** Workloads of a namespace whose running pods differ from what they get once the labels are back. */
function workloadsBack(
  name: string,
  labels: Readonly<Record<string, string>>,
  { inventory, plan, webhooks, openMarks }: RollbackInput,
): { moves: WorkloadMove[]; notMoved: NotMoved[]; namespaceRevision: string | undefined } {
  const moves: WorkloadMove[] = [];
  const notMoved: NotMoved[] = [];
  for (const workload of inventory.workloads.filter((w) => w.namespace === name)) {
    const revision = decidedRevision(resolveInjection({ namespace: name, namespaceLabels: labels, template: workload.template }, webhooks));
    const running = runningPods(workload);
    const differing = running.filter((pod) => pod.revision !== revision);
    const rollsOut = running.length > 0 && openMarks.has(workload.template.metadata?.annotations?.[RESTART_ANNOTATION] ?? '');
    if (differing.length === 0 && !rollsOut) continue;
    const reason = reasonNotRestartable(workload) ?? (revision === undefined ? reasonProxyStays(workload) : undefined);
    if (reason === undefined) moves.push({ workload, revision, gateway: isInjectedGateway(workload), firstSidecar: false });
    else
      notMoved.push({
        workload: workloadKey(workload),
        reason: `${shortName(workload)}: ${reason}`,
        keepsOldInUse: differing.some((pod) => pod.revision === plan.to?.revision),
      });
  }
  const namespaceRevision = decidedRevision(resolveInjection({ namespace: name, namespaceLabels: labels, template: {} }, webhooks));
  return { moves: moves.toSorted(gatewaysFirst), notMoved, namespaceRevision };
}

function gatewaysFirst(a: WorkloadMove, b: WorkloadMove): number {
  if (a.gateway !== b.gateway) return a.gateway ? -1 : 1;
  return workloadKey(a.workload) < workloadKey(b.workload) ? -1 : 1;
}

/** Only what this run installed is removed. */
function removalDrafts(touched: readonly Step[], input: RollbackInput): StepDraft[] {
  const { candidates, plan } = input;
  const install = touched.find((step): step is StepOf<'installControlPlane'> => step.kind === 'installControlPlane');
  if (!install) return [];
  const planned = new Set(
    install.changes.filter((change) => change.action === 'create' && change.shared !== true).map((change) => refKey(change.ref)),
  );
  const own = ownObjects(install.revision, candidates);
  const halfInstalled = candidates.filter((o) =>
    planned.has(
      refKey({
        apiVersion: o.apiVersion,
        kind: o.kind,
        name: o.metadata.name,
        ...(o.metadata.namespace === undefined ? {} : { namespace: o.metadata.namespace }),
      }),
    ),
  );
  const objects = [
    ...new Map([...own, ...halfInstalled].map((o) => [`${o.kind}/${o.metadata.namespace ?? ''}/${o.metadata.name}`, o])).values(),
  ];
  const removal = removeStep({ revision: install.revision, version: plan.to?.version ?? install.version }, objects, []);
  return [...sharedDrafts(install, input), { ...removal, phase: 'move' as const }];
}

/** Shared objects that the installation changed, such as the reader's service account, get their labels back. */
function sharedDrafts(install: StepOf<'installControlPlane'>, input: RollbackInput): StepDraft[] {
  const refs = input.originalRefs.get(install.id) ?? [];
  if (refs.length === 0) return [];
  return [
    restoreDraft(
      {
        step: install,
        revision: install.revision,
        expect: 'shared',
        title: `${refs.length} shared ${refs.length === 1 ? 'object' : 'objects'} as before`,
      },
      input,
    ),
  ];
}
