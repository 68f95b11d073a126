/** The steps of a plan, one function for each kind. */
import type { CrdChange } from '../controlplane/crd-changes.ts';
import { buildDefaultMove } from '../controlplane/default-pointers.ts';
import { diffWanted } from '../controlplane/diff-objects.ts';
import { refKey, refOf } from '../controlplane/object-identity.ts';
import type { KubeObject, ObjectRef, WebhookConfiguration, Service } from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { runningPods, type MeshNamespace, type WorkloadRef } from '../mesh/mesh-inventory.ts';
import type { NamespaceMove, WorkloadMove } from '../moves/select-moves.ts';
import { moveNotes, templateLabelDiff } from './move-notes.ts';
import { countsText, SURGE_COUNTS } from '../moves/surge.ts';
import type { Endpoint } from './resolve-endpoints.ts';
import type { ObjectChange, Step } from './step.ts';

/** A step before its number is known. */
export type StepDraft = Step extends infer S ? (S extends Step ? Omit<S, 'id'> & { readonly slug: string } : never) : never;

/** Gives drafts their ids: `03-label-shop`. Ids are stable within a plan and mark restarts in pod templates. */
export function numberSteps(drafts: readonly StepDraft[], prefix = ''): Step[] {
  const width = Math.max(2, String(drafts.length).length);
  return drafts.map(
    ({ slug, ...draft }, index) => ({ id: `${prefix}${String(index + 1).padStart(width, '0')}-${slug}`, ...draft }) as Step,
  );
}

export function crdsStep(changes: readonly CrdChange[], version: string): StepDraft {
  return {
    slug: 'crds',
    kind: 'crds',
    title: changes.length === 1 ? `1 CRD becomes that of ${version}` : `${changes.length} CRDs become those of ${version}`,
    phase: 'move',
    preconditions: [],
    changes: changes.map((change): ObjectChange => ({
      action: change.live ? 'update' : 'create',
      ref: refOf(change.rendered),
      shared: true,
      diff: [...change.diff],
    })),
    doneWhen: 'the API server has established every CRD',
    undo: 'not taken back: CRDs are shared, and stored objects may use the new version',
  };
}

export function installStep(target: Endpoint, beside: Endpoint | undefined, objects: InstallObjects): StepDraft {
  return {
    slug: `install-${target.revision}`,
    kind: 'installControlPlane',
    title: `install ${target.revision} (${target.version}) with ${objects.with}${objects.release === undefined ? '' : `, release ${objects.release.name}`}`,
    phase: 'move',
    preconditions: [
      { holds: 'revision-free', revision: target.revision },
      ...(beside === undefined ? [] : [{ holds: 'revision-exists' as const, revision: beside.revision, version: beside.version }]),
    ],
    changes: [
      ...objects.own.map((object): ObjectChange => ({ action: 'create', ref: refOf(object), diff: [] })),
      ...objects.shared.flatMap((object): ObjectChange[] => sharedChange(withLabels(object, objects.stamp), objects.live)),
    ],
    doneWhen: `istiod is ready, its webhook has a CA bundle, and a dry-run pod is injected by ${target.revision}`,
    undo: `delete the ${objects.own.length} objects of ${target.revision}; shared objects stay`,
    revision: target.revision,
    version: target.version,
    namespace: objects.namespace,
    ...(beside === undefined ? {} : { beside: beside.revision }),
    ...(objects.release === undefined ? {} : { release: { ...objects.release } }),
  };
}

export interface InstallObjects {
  readonly with: string;
  readonly namespace: string;
  readonly own: readonly KubeObject[];
  readonly shared: readonly KubeObject[];
  readonly live: readonly KubeObject[];
  /** Labels that the installer puts on every object beyond what it renders. */
  readonly stamp: Readonly<Record<string, string>>;
  /** The Helm release that the control plane becomes. */
  readonly release?: { readonly name: string; readonly namespace: string };
}

function withLabels(object: KubeObject, stamp: Readonly<Record<string, string>>): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...stamp } } };
}

function sharedChange(object: KubeObject, live: readonly KubeObject[]): ObjectChange[] {
  const there = live.find((o) => refKey(refOf(o)) === refKey(refOf(object)));
  if (!there) return [{ action: 'create', ref: refOf(object), shared: true, diff: [] }];
  const diff = diffWanted({ ...object, metadata: { labels: object.metadata.labels ?? {} } }, there);
  return diff.length === 0 ? [] : [{ action: 'update', ref: refOf(object), shared: true, diff }];
}

export function labelStep(namespace: MeshNamespace, set: NamespaceMove['set'], revision: string | undefined): StepDraft {
  const before = Object.fromEntries(Object.keys(set).map((key) => [key, namespace.labels[key] ?? null]));
  return {
    slug: `label-${namespace.name}`,
    kind: 'labelNamespace',
    title: `label ns/${namespace.name}  ${labelText(before, set)}`,
    phase: 'move',
    preconditions: [{ holds: 'namespace-labels', namespace: namespace.name, labels: before }],
    changes: [
      {
        action: 'update',
        ref: { apiVersion: 'v1', kind: 'Namespace', name: namespace.name },
        diff: Object.entries(set).flatMap(([key, value]) => [
          ...((before[key] ?? null) === null ? [] : [`- metadata.labels."${key}": ${before[key]}`]),
          ...(value === null ? [] : [`+ metadata.labels."${key}": ${value}`]),
        ]),
      },
    ],
    doneWhen: revision === undefined ? 'the labels are set' : `the labels are set, and a dry-run pod is injected by ${revision}`,
    undo: `set back: ${labelText(set, before)}`,
    namespace: namespace.name,
    set: { ...set },
    revision: revision ?? null,
  };
}

function labelText(from: Readonly<Record<string, string | null | undefined>>, to: Readonly<Record<string, string | null>>): string {
  const show = (value: string | null | undefined): string => value ?? 'none';
  return Object.keys(to)
    .map((key) => `${key}: ${show(from[key])} → ${show(to[key])}`)
    .join(', ');
}

const SHORT_KIND: Readonly<Record<WorkloadRef['kind'], string>> = {
  Deployment: 'deploy',
  StatefulSet: 'sts',
  DaemonSet: 'ds',
  Rollout: 'rollout',
  ReplicaSet: 'rs',
  Job: 'job',
  CronJob: 'cronjob',
  Pod: 'pod',
};

/** `deploy/cart`, as people type it. */
export function shortName(ref: WorkloadRef): string {
  return `${SHORT_KIND[ref.kind]}/${ref.name}`;
}

function plainRef({ apiVersion, kind, namespace, name }: ObjectRef): ObjectChange['ref'] {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** @param notes what people should know of it */
export function restartStep(move: WorkloadMove, notes = moveNotes(move)): StepDraft {
  const { workload } = move;
  const pods = runningPods(workload).length;
  const from = [...new Set(runningPods(workload).map((pod) => pod.revision ?? 'none'))].join(', ');
  const replaced = move.evict === true ? 'every pod evicted once, one after another' : 'rolled out';
  return {
    slug: `restart-${workload.namespace}-${SHORT_KIND[workload.kind]}-${workload.name}`,
    kind: move.gateway ? 'restartGateway' : 'restartWorkload',
    title: `restart ${shortName(workload)} in ${workload.namespace}${move.templateLabel === undefined ? '' : `, istio.io/rev: ${move.templateLabel.from ?? 'none'} → ${move.templateLabel.to ?? 'none'}`}`,
    phase: 'move',
    preconditions: [{ holds: 'workload-exists', workload: { kind: workload.kind, namespace: workload.namespace, name: workload.name } }],
    changes: [
      {
        action: 'update',
        ref: { apiVersion: workload.apiVersion, kind: workload.kind, namespace: workload.namespace, name: workload.name },
        diff: [
          ...templateLabelDiff(move),
          '+ spec.template.metadata.annotations."meshlift.io/restart": RUN/STEP',
          ...(move.surge === undefined ? [] : [`+ spec.strategy.rollingUpdate: ${countsText(SURGE_COUNTS)}, until it is proven`]),
        ],
      },
    ],
    doneWhen:
      move.revision === undefined
        ? `${replaced}, and every pod is ready without a proxy`
        : `${replaced}, every pod is ready and injected by ${move.revision}, its proxy connected to ${move.revision} and synced, steadily${move.surge === undefined ? '' : `; its strategy is ${countsText(move.surge.from)} again`}`,
    undo: `restart it again once the labels are back (${from})`,
    ...(notes.length === 0 ? {} : { notes }),
    workload: { kind: workload.kind, namespace: workload.namespace, name: workload.name },
    revision: move.revision ?? null,
    pods,
    ...(move.templateLabel === undefined ? {} : { templateLabel: { ...move.templateLabel } }),
    ...(move.restart === undefined
      ? {}
      : { restart: { do: move.restart.do, reasons: move.restart.reasons.map(({ passing: _passing, ...one }) => one) } }),
    ...(move.surge === undefined ? {} : { surge: { from: { ...move.surge.from } } }),
    ...(move.waitFor === undefined ? {} : { waitFor: move.waitFor.map(plainRef) }),
    ...(move.evict === undefined ? {} : { evict: move.evict }),
  };
}

/**
 * Moves the default in all three senses.
 * @param objects the mesh with what the new revision adds, since it need not be installed yet
 */
export function moveDefaultStep(objects: MeshObjects, to: string, from: string): StepDraft {
  const moves = buildDefaultMove(objects, to) ?? [];
  return {
    slug: 'default',
    kind: 'moveDefault',
    title: `default: ${from} → ${to} (injection, validation, leadership)`,
    phase: 'finish',
    preconditions: [{ holds: 'revision-unused', revision: from }],
    changes: moves.map(({ before, after }): ObjectChange => ({
      action: before ? 'update' : 'create',
      ref: refOf(after),
      shared: true,
      diff: before ? diffWanted(after, before).filter((line) => !line.includes('caBundle')) : [],
    })),
    doneWhen: `the webhooks that serve the default point to ${to}`,
    undo: `put the webhooks back as they were (${from})`,
    revision: to,
    from,
  };
}

/** The mesh with the objects of a control plane that is about to be installed. */
export function withRendered(objects: MeshObjects, rendered: readonly KubeObject[]): MeshObjects {
  const of = (kind: string): KubeObject[] => rendered.filter((o) => o.kind === kind);
  const present = new Set([...objects.mutatingWebhooks, ...objects.validatingWebhooks, ...objects.services].map((o) => refKey(refOf(o))));
  const fresh = <T extends KubeObject>(list: KubeObject[]): T[] => list.filter((o) => !present.has(refKey(refOf(o)))) as T[];
  return {
    ...objects,
    mutatingWebhooks: [...objects.mutatingWebhooks, ...fresh<WebhookConfiguration>(of('MutatingWebhookConfiguration'))],
    validatingWebhooks: [...objects.validatingWebhooks, ...fresh<WebhookConfiguration>(of('ValidatingWebhookConfiguration'))],
    services: [...objects.services, ...fresh<Service>(of('Service'))],
  };
}

export function removeStep(from: Endpoint, own: readonly KubeObject[], keeps: readonly KubeObject[]): StepDraft {
  return {
    slug: `remove-${from.revision}`,
    kind: 'removeControlPlane',
    title: `remove ${from.revision} (${from.version}): ${own.length} objects, once nothing uses it`,
    phase: 'finish',
    preconditions: [{ holds: 'revision-unused', revision: from.revision }],
    changes: own.map((object): ObjectChange => ({ action: 'delete', ref: refOf(object), diff: [] })),
    doneWhen: `nothing uses ${from.revision}, by objects and by connections; then its objects are gone`,
    undo: 'create the objects again as they were, and wait until istiod injects',
    revision: from.revision,
    keeps: keeps.map(refOf),
  };
}
