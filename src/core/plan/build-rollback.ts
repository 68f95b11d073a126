/**
 * The plan that takes a run back. It has its own order and is not the forward list reversed: what serves everybody first
 * (a removed control plane, the default, tags), then labels and workloads, the new control plane last.
 */
import { ownObjects } from '../controlplane/own-objects.ts';
import { refKey } from '../controlplane/object-identity.ts';
import { decidedRevision } from '../injection/injection-decision.ts';
import { resolveInjection } from '../injection/resolve-injection.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { runningPods, workloadKey, type InjectionWebhook, type MeshInventory, type Workload } from '../mesh/mesh-inventory.ts';
import { isInjectedGateway } from '../mesh/build-gateways.ts';
import { applyLabels, reasonProxyStays, type WorkloadMove } from '../moves/select-moves.ts';
import { REVISION_LABEL, withTemplateLabel, type TemplateLabel } from '../moves/select-gateways.ts';
import { reasonNotRestartable } from '../moves/restartable.ts';
import { copiesBackDrafts, foreignPinned } from './build-pinned-steps.ts';
import { RESTART_ANNOTATION } from './restart-mark.ts';
import { labelStep, numberSteps, removeStep, restartStep, shortName, type StepDraft } from './build-steps.ts';
import { gatewaysBack, type GatewayBack } from './gateway-back.ts';
import { withRelease } from './release-drafts.ts';
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
  const drafts = [
    ...restoreDrafts(touched, input),
    ...namespaces.drafts,
    ...copiesBackDrafts(touched, input.originalRefs),
    ...removalDrafts(touched, input),
  ];
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
  const tags = touched.filter((step): step is StepOf<'moveTag'> => step.kind === 'moveTag');
  return [
    ...(removed
      ? [restoreDraft({ step: removed, revision: removed.revision, expect: 'control-plane', title: `put ${removed.revision} back` }, input)]
      : []),
    ...(moved
      ? [restoreDraft({ step: moved, revision: moved.from, expect: 'default', title: `default: ${moved.revision} → ${moved.from}` }, input)]
      : []),
    ...tags.map((step) =>
      restoreDraft({ step, revision: step.from, expect: 'tag', title: `tag ${step.tag}: ${step.revision} → ${step.from}` }, input),
    ),
  ];
}

interface Restoring {
  readonly step: Step;
  readonly revision: string;
  readonly expect: StepOf<'restoreObject'>['expect'];
  readonly title: string;
}

function restoreDraft({ step, revision, expect, title }: Restoring, input: RollbackInput): StepDraft {
  const refs = input.originalRefs.get(step.id) ?? step.changes.map((change) => change.ref);
  return {
    slug: restoreSlug(step, revision, expect),
    kind: 'restoreObject',
    title,
    phase: 'move',
    preconditions: [],
    changes: refs.map((ref): ObjectChange => ({
      action: expect === 'control-plane' || wasDeleted(step, ref) ? 'create' : 'update',
      ref,
      diff: [],
    })),
    doneWhen: expect === 'control-plane' ? 'its objects are there again and istiod is ready' : 'the objects are as they were',
    undo: 'go forward again with a new plan',
    originalsOf: step.id,
    revision,
    expect,
    ...releaseBack(step, expect),
  };
}

/** The records of a release that the step took away or changed come back with its objects. */
function releaseBack(step: Step, expect: Restoring['expect']): Pick<StepOf<'restoreObject'>, 'release'> {
  const release =
    step.kind === 'removeControlPlane' || step.kind === 'removeGateway'
      ? step.release
      : step.kind === 'moveDefault'
        ? step.baseRelease
        : undefined;
  if (release === undefined || expect === 'shared') return {};
  return { release: { name: release.name, namespace: release.namespace } };
}

function restoreSlug(step: Step, revision: string, expect: Restoring['expect']): string {
  if (expect === 'control-plane') return `restore-${revision}`;
  if (step.kind === 'moveTag') return `tag-${step.tag}`;
  return step.kind === 'removeGateway' ? `restore-${step.gateway.namespace}-${step.gateway.name}` : expect;
}

function wasDeleted(step: Step, ref: ObjectChange['ref']): boolean {
  return step.kind === 'removeGateway' && step.changes.some((change) => change.action === 'delete' && refKey(change.ref) === refKey(ref));
}

function namespaceDrafts(touched: readonly Step[], input: RollbackInput): { drafts: StepDraft[]; notMoved: NotMoved[] } {
  const labels = touched.filter((s): s is StepOf<'labelNamespace'> => s.kind === 'labelNamespace');
  // A namespace may be labelled twice, the second time back to its tag: what the first found is what it had.
  const labelled = new Map(labels.toReversed().map((s) => [s.namespace, s]));
  const restarted = new Set(touched.flatMap((s) => ('workload' in s ? [s.workload.namespace] : [])));
  const drafts: StepDraft[] = [];
  const notMoved: NotMoved[] = [];
  const gateways = gatewaysBack({
    plan: input.plan,
    touched,
    inventory: input.inventory,
    revisionOf: (gateway) => revisionBack(gateway, labelled.get(gateway.namespace), input),
    restore: (step) =>
      restoreDraft(
        {
          step,
          revision: input.plan.from?.revision ?? '',
          expect: 'gateway',
          title: `put deploy/${step.gateway.name} in ${step.gateway.namespace} back`,
        },
        input,
      ),
  });
  const handled = new Set(gateways.flatMap((gateway) => gateway.deployments));
  for (const name of gatewayNamespacesFirst([...labels.map((s) => s.namespace), ...restarted], gateways, touched)) {
    const namespace = input.inventory.namespaces.find((n) => n.name === name && !n.terminating);
    if (!namespace) continue;
    const label = labelled.get(name);
    const set = label ? originalLabels(label) : {};
    const needed = Object.fromEntries(Object.entries(set).filter(([key, value]) => (namespace.labels[key] ?? null) !== value));
    const back = workloadsBack(name, applyLabels(namespace.labels, set), { ...input, handled, templateLabels: templateLabelsOf(touched) });
    if (Object.keys(needed).length > 0) drafts.push(labelStep(namespace, needed, back.namespaceRevision));
    drafts.push(...gateways.filter((gateway) => gateway.namespace === name).flatMap((gateway) => gateway.drafts));
    drafts.push(...back.moves.map(restartStep).map(inWaveOf(touched)).toSorted(byWave));
    notMoved.push(...back.notMoved);
  }
  return { drafts, notMoved };
}

/** What went together goes back together. */
function inWaveOf(touched: readonly Step[]): (draft: StepDraft) => StepDraft {
  const waves = new Map(touched.flatMap((step) => (step.kind === 'restartWorkload' ? [[workloadKey(step.workload), step.wave]] : [])));
  return (draft) => {
    const wave = draft.kind === 'restartWorkload' ? waves.get(workloadKey(draft.workload)) : undefined;
    return wave === undefined ? draft : { ...draft, wave };
  };
}

/** Gateways, which have none, stay first. */
function byWave(a: StepDraft, b: StepDraft): number {
  return (a.wave?.index ?? 0) - (b.wave?.index ?? 0);
}

function originalLabels(step: StepOf<'labelNamespace'>): Record<string, string | null> {
  return { ...step.preconditions.find((p) => p.holds === 'namespace-labels')?.labels };
}

/** Namespaces in which gateways moved come before all others; otherwise in the order in which they were touched. */
function gatewayNamespacesFirst(names: readonly string[], gateways: readonly GatewayBack[], touched: readonly Step[]): Set<string> {
  const restarted = touched.flatMap((step) => (step.kind === 'restartGateway' ? [step.workload.namespace] : []));
  return new Set([...gateways.map((gateway) => gateway.namespace), ...restarted, ...names]);
}

/** What the next pod of a gateway gets once the labels of its namespace are back. */
function revisionBack(
  ref: { readonly namespace: string; readonly name: string },
  label: StepOf<'labelNamespace'> | undefined,
  { inventory, webhooks }: RollbackInput,
): string | undefined {
  const workload = inventory.workloads.find((w) => w.kind === 'Deployment' && w.namespace === ref.namespace && w.name === ref.name);
  const namespace = inventory.namespaces.find((n) => n.name === ref.namespace);
  if (workload === undefined || namespace === undefined) return undefined;
  const namespaceLabels = applyLabels(namespace.labels, label === undefined ? {} : originalLabels(label));
  return decidedRevision(resolveInjection({ namespace: ref.namespace, namespaceLabels, template: workload.template }, webhooks));
}

/** Labels of pod templates that restarts changed, by the key of the workload. */
function templateLabelsOf(touched: readonly Step[]): ReadonlyMap<string, TemplateLabel> {
  return new Map(
    touched.flatMap((step) =>
      'workload' in step && step.templateLabel !== undefined ? [[workloadKey(step.workload), step.templateLabel]] : [],
    ),
  );
}

interface WorkloadsBackInput extends RollbackInput {
  /** Deployments that have steps of their own. */
  readonly handled: ReadonlySet<string>;
  readonly templateLabels: ReadonlyMap<string, TemplateLabel>;
}

/** Workloads of a namespace whose running pods differ from what they get once the labels are back. */
function workloadsBack(
  name: string,
  labels: Readonly<Record<string, string>>,
  { inventory, plan, webhooks, openMarks, handled, templateLabels }: WorkloadsBackInput,
): { moves: WorkloadMove[]; notMoved: NotMoved[]; namespaceRevision: string | undefined } {
  const moves: WorkloadMove[] = [];
  const notMoved: NotMoved[] = [];
  for (const workload of inventory.workloads.filter((w) => w.namespace === name && !handled.has(workloadKey(w)))) {
    const label = templateLabelBack(workload, templateLabels);
    const template = withTemplateLabel(workload.template, label?.to ?? null, label !== undefined);
    const revision = decidedRevision(resolveInjection({ namespace: name, namespaceLabels: labels, template }, webhooks));
    const running = runningPods(workload);
    const differing = running.filter((pod) => pod.revision !== revision);
    const rollsOut = running.length > 0 && openMarks.has(workload.template.metadata?.annotations?.[RESTART_ANNOTATION] ?? '');
    if (differing.length === 0 && !rollsOut && label === undefined) continue;
    const reason = reasonNotRestartable(workload) ?? (revision === undefined ? reasonProxyStays(workload) : undefined);
    if (reason === undefined)
      moves.push({
        workload,
        revision,
        gateway: isInjectedGateway(workload),
        firstSidecar: false,
        ...(label === undefined ? {} : { templateLabel: label }),
      });
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

/** The change that gives a template the label that it had; undefined when it has it. */
function templateLabelBack(workload: Workload, labels: ReadonlyMap<string, TemplateLabel>): TemplateLabel | undefined {
  const changed = labels.get(workloadKey(workload));
  const now = workload.template.metadata?.labels?.[REVISION_LABEL] ?? null;
  return changed === undefined || now === changed.from ? undefined : { from: now, to: changed.from };
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
  const bare = removeStep({ revision: install.revision, version: plan.to?.version ?? install.version }, objects, []);
  const removal = withRelease(bare, install.release, undefined) as typeof bare;
  const foreign = foreignPinned(install.revision, input.inventory.pinnedObjects, copyRefs(touched, input));
  return [...sharedDrafts(install, input), { ...removal, phase: 'move' as const, ...(foreign === undefined ? {} : { pinned: foreign }) }];
}

function copyRefs(touched: readonly Step[], { originalRefs }: RollbackInput): readonly ObjectChange['ref'][] {
  return touched.flatMap((step) => (step.kind === 'copyRevisionedObjects' ? (originalRefs.get(step.id) ?? []) : []));
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
