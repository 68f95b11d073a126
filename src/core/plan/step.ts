/** One change of a plan, as data: what, on what, what must hold before, when it is done, and how it is taken back. */
import * as z from 'zod';
import { copyRevisionedObjectsFields, pinnedRemovalSchema } from './pinned-step.ts';
import { baseReleaseSchema, releaseSchema } from './release-step.ts';
import { addGatewayFields, removeGatewayFields, shiftGatewayFields, templateLabelSchema } from './gateway-step.ts';

const objectRefSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
});

const workloadRefSchema = z.strictObject({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout', 'ReplicaSet', 'Job', 'CronJob', 'Pod']),
  namespace: z.string(),
  name: z.string(),
});

/** What happens to one object; `diff` are lines that start with `+`, `-` or a blank, empty when there is nothing to compare. */
const objectChangeSchema = z.strictObject({
  action: z.enum(['create', 'update', 'delete']),
  ref: objectRefSchema,
  /** Set for objects that the running mesh shares. */
  shared: z.boolean().optional(),
  diff: z.array(z.string()).default([]),
});

/** Something that must hold before the step. All are checked again against the mesh as it is. */
const preconditionSchema = z.discriminatedUnion('holds', [
  z.strictObject({ holds: z.literal('revision-exists'), revision: z.string(), version: z.string() }),
  z.strictObject({ holds: z.literal('revision-free'), revision: z.string() }),
  /** A label that is `null` must be absent. */
  z.strictObject({ holds: z.literal('namespace-labels'), namespace: z.string(), labels: z.record(z.string(), z.string().nullable()) }),
  z.strictObject({ holds: z.literal('workload-exists'), workload: workloadRefSchema }),
  /** A gateway has as many pods as its shares were counted from. */
  z.strictObject({ holds: z.literal('workload-pods'), workload: workloadRefSchema, pods: z.number().int() }),
  z.strictObject({ holds: z.literal('revision-unused'), revision: z.string() }),
  /** The tag exists and points there. */
  z.strictObject({ holds: z.literal('tag-points-to'), tag: z.string(), revision: z.string() }),
]);

const common = {
  id: z.string(),
  /** One line for people, such as `restart deploy/cart`. */
  title: z.string(),
  /** `move`: done by apply; `finish`: only when asked. */
  phase: z.enum(['move', 'finish']).default('move'),
  preconditions: z.array(preconditionSchema).default([]),
  changes: z.array(objectChangeSchema).default([]),
  /** When the step counts as done, in words. */
  doneWhen: z.string(),
  /** The wave that it belongs to, from 1: restarts of one wave may be under way together. */
  wave: z.strictObject({ index: z.number().int().min(1), name: z.string() }).optional(),
  /** How it is taken back, in words. */
  undo: z.string(),
  /** What people should know of it or do afterwards, a line each. */
  notes: z.array(z.string()).optional(),
};

/** How a workload is restarted, and why; in a plan that was made before there was a choice it is absent. */
const restartChoiceSchema = z.strictObject({
  do: z.enum(['restart', 'surge', 'wait', 'evict', 'ask', 'skip']),
  reasons: z.array(
    z.strictObject({
      /** The finding that tells it. */
      code: z.string().optional(),
      weight: z.enum(['ask', 'note']),
      /** Said after the name of the workload. */
      text: z.string(),
      /** The request allows it by name. */
      allowed: z.literal(true).optional(),
    }),
  ),
});

const countSchema = z.union([z.number(), z.string()]).nullable();

/** The counts of a rolling strategy that a workload has before its restart, and gets back after it; null: not written. */
const surgeSchema = z.strictObject({ from: z.strictObject({ maxSurge: countSchema, maxUnavailable: countSchema }) });

const labelsSchema = z.record(z.string(), z.string().nullable());

export const stepSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('crds') }),
  z.strictObject({
    ...common,
    kind: z.literal('installControlPlane'),
    revision: z.string(),
    version: z.string(),
    namespace: z.string(),
    /** The running revision that must stay as it is. */
    beside: z.string().optional(),
    /** The Helm release that it becomes. */
    release: releaseSchema.optional(),
  }),
  z.strictObject({ ...common, kind: z.literal('copyRevisionedObjects'), ...copyRevisionedObjectsFields }),
  z.strictObject({
    ...common,
    kind: z.literal('labelNamespace'),
    namespace: z.string(),
    set: labelsSchema,
    revision: z.string().nullable(),
  }),
  z.strictObject({
    ...common,
    kind: z.enum(['restartWorkload', 'restartGateway']),
    workload: workloadRefSchema,
    /** Revision that every new pod must be injected by; null when the template resolves to no injection. */
    revision: z.string().nullable(),
    /** Set when the pods show their revision without an injected proxy of their own kind. */
    pods: z.number().int().nonnegative(),
    /** The label `istio.io/rev` of the pod template, changed together with the mark. */
    templateLabel: templateLabelSchema.optional(),
    restart: restartChoiceSchema.optional(),
    /** Set when its strategy is changed for the time of the restart. */
    surge: surgeSchema.optional(),
    /** Objects that must let it go before it begins. */
    waitFor: z.array(objectRefSchema).optional(),
    /** Set when its pods are evicted one by one, since its controller does not replace them by itself. */
    evict: z.literal(true).optional(),
  }),
  z.strictObject({ ...common, kind: z.literal('addGateway'), ...addGatewayFields }),
  z.strictObject({ ...common, kind: z.literal('shiftGateway'), ...shiftGatewayFields }),
  z.strictObject({ ...common, kind: z.literal('removeGateway'), ...removeGatewayFields }),
  z.strictObject({
    ...common,
    kind: z.literal('moveTag'),
    tag: z.string(),
    revision: z.string(),
    from: z.string(),
    /** Version of the revision; from 1.28 on a tag has a Service. */
    version: z.string(),
    /** The Helm release that owns the tag, whose place the release of the new revision takes; absent when none does. */
    helmRelease: z.string().optional(),
    /** The release of the new revision, which lists the tag afterwards; absent when there is none, or nothing changes hands. */
    heir: releaseSchema.optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('moveDefault'),
    revision: z.string(),
    from: z.string(),
    baseRelease: baseReleaseSchema.optional(),
    /** The release of the new revision, which lists the tag of the default afterwards; absent when no release owns that, or takes it over. */
    heir: releaseSchema.optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('removeControlPlane'),
    revision: z.string(),
    /** Objects that are shared and stay. */
    keeps: z.array(objectRefSchema).default([]),
    /** Objects that only this revision, or only proxies of its version, obeyed. */
    pinned: pinnedRemovalSchema.optional(),
    /** The Helm release whose records go when its objects are gone. */
    release: releaseSchema.optional(),
  }),
  /** Puts objects back as the record holds them: the removed control plane, the webhooks of the default revision, a removed gateway, or shared objects. */
  z.strictObject({
    ...common,
    kind: z.literal('restoreObject'),
    originalsOf: z.string(),
    revision: z.string(),
    expect: z.enum(['control-plane', 'default', 'shared', 'gateway', 'tag', 'pinned']),
    /** The Helm release whose records come back as they were set aside. */
    release: releaseSchema.optional(),
    /** The same of a release that took a tag over, unless the run installed it. */
    heir: releaseSchema.optional(),
    /** The Helm release that had taken the place of a gateway's, and whose records go. */
    successor: releaseSchema.optional(),
  }),
]);

export type Step = z.infer<typeof stepSchema>;
export type StepKind = Step['kind'];
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;
export type ObjectChange = z.infer<typeof objectChangeSchema>;
export type Precondition = z.infer<typeof preconditionSchema>;

/** Every kind of step, those that later releases perform included: the list is closed. */
export const allStepKinds = [
  'crds',
  'installControlPlane',
  'copyRevisionedObjects',
  'addGateway',
  'shiftGateway',
  'restartGateway',
  'labelNamespace',
  'restartWorkload',
  'moveTag',
  'moveDefault',
  'gate',
  'approve',
  'soak',
  'removeGateway',
  'removeControlPlane',
  'restoreObject',
] as const;
