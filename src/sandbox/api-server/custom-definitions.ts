/**
 * The life of custom resource definitions: their resources are served as soon as they are stored, the conditions say so a moment
 * later, and a definition that is deleted takes its custom resources with it.
 */
import type { UserInfo } from '../access/authorizer.ts';
import { timestamp } from '../clock/sandbox-clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import { customResources } from '../resources/custom-resources.ts';
import type { StoreEvent } from '../store/object-store.ts';
import { deleteObject } from './pipeline/delete-object.ts';
import type { ServerCore, WriteContext } from './server-core.ts';
import { updateDirectly, updateObject } from './pipeline/update-object.ts';

export const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';
const SERVER: UserInfo = { username: 'system:apiserver', groups: ['system:masters'] };

interface Names {
  readonly plural: string;
  readonly kind: string;
  readonly singular?: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly [field: string]: unknown;
}

interface DefinitionObject extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly names: Names;
    readonly versions: readonly { readonly name: string; readonly storage: boolean }[];
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly acceptedNames?: Names;
    readonly storedVersions?: readonly string[];
  };
}

export function followDefinitions(core: ServerCore): void {
  core.store.subscribe(DEFINITIONS, (event) => serve(core, event));
  core.store.subscribe(undefined, ({ type, resource }) => {
    if (type === 'DELETED') later(core, () => finishDeletion(core, resource));
  });
}

function serve(core: ServerCore, { type, object }: StoreEvent): void {
  const { name, deletionTimestamp } = object.metadata;
  if (type === 'DELETED') {
    core.registry.setCustom(name, []);
    return;
  }
  const definition = object as DefinitionObject;
  const conflict = kindConflict(core, definition);
  core.registry.setCustom(name, conflict === undefined ? customResources(object) : []);
  if (deletionTimestamp === undefined) later(core, () => establish(core, name, conflict));
  else later(core, () => deleteAll(core, name));
}

/** Does something after the listeners of a write have been told; a clock that could run ahead waits for it. */
function later(core: ServerCore, act: () => Promise<void> | void): void {
  const release = core.clock.hold();
  queueMicrotask(() => {
    void Promise.resolve()
      .then(act)
      .catch((error: unknown) => {
        // Somebody else has changed or deleted it meanwhile: their write leads here again.
        if (!(error instanceof StatusError)) throw error;
      })
      .finally(release);
  });
}

function kindConflict(core: ServerCore, { metadata, spec }: DefinitionObject): string | undefined {
  const others = core.store.list(DEFINITIONS) as readonly DefinitionObject[];
  const taken = others.some(
    (other) =>
      other.metadata.name !== metadata.name &&
      other.spec.group === spec.group &&
      (other.status?.acceptedNames ?? other.spec.names).kind === spec.names.kind,
  );
  return taken ? `${JSON.stringify(spec.names.kind)} is already in use` : undefined;
}

async function establish(core: ServerCore, name: string, conflict: string | undefined): Promise<void> {
  const live = core.store.get(DEFINITIONS, '', name) as DefinitionObject | undefined;
  if (live === undefined || isEstablished(live, conflict)) return;
  await updateObject(core, contextFor(core, 'status'), name, {
    compute: (object) => ({ ...object, status: statusOf(core, object as DefinitionObject, conflict) }),
    trusted: true,
    fromLive: true,
  });
}

function isEstablished({ spec, status }: DefinitionObject, conflict: string | undefined): boolean {
  const stored = spec.versions.find(({ storage }) => storage)?.name ?? '';
  if (status?.storedVersions?.includes(stored) !== true) return false;
  if (JSON.stringify(status.acceptedNames) !== JSON.stringify(conflict === undefined ? accepted(spec.names) : (status.acceptedNames ?? {})))
    return false;
  const wanted = conflict === undefined ? 'True' : 'False';
  return status.conditions?.some(({ type, status: truth }) => type === 'NamesAccepted' && truth === wanted) === true;
}

function statusOf(core: ServerCore, { spec, status }: DefinitionObject, conflict: string | undefined): DefinitionObject['status'] {
  const stored = spec.versions.find(({ storage }) => storage)?.name ?? '';
  const before = status?.storedVersions ?? [];
  const now = timestamp(core.clock);
  const names = { type: 'NamesAccepted', lastTransitionTime: now };
  const established = { type: 'Established', lastTransitionTime: now };
  const conditions: readonly Condition[] =
    conflict === undefined
      ? [
          { ...names, status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
          { ...established, status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
        ]
      : [
          { ...names, status: 'False', reason: 'KindConflict', message: conflict },
          { ...established, status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
        ];
  return {
    ...status,
    acceptedNames: conflict === undefined ? accepted(spec.names) : (status?.acceptedNames ?? { plural: '', kind: '' }),
    conditions: merged(status?.conditions ?? [], conditions),
    storedVersions: before.includes(stored) ? before : [...before, stored],
  };
}

function accepted(names: Names): Names {
  const { plural, kind, singular, listKind, shortNames, categories } = names;
  return {
    ...(categories === undefined ? {} : { categories }),
    kind,
    listKind: listKind ?? `${kind}List`,
    plural,
    ...(shortNames === undefined ? {} : { shortNames }),
    singular: singular ?? kind.toLowerCase(),
  };
}

/** A condition that stays as it is keeps the time at which it became so. */
function merged(before: readonly Condition[], conditions: readonly Condition[]): readonly Condition[] {
  const types = new Set(conditions.map(({ type }) => type));
  const kept = conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    return old?.status === condition.status ? { ...condition, lastTransitionTime: old['lastTransitionTime'] } : condition;
  });
  return [...kept, ...before.filter(({ type }) => !types.has(type))];
}

async function deleteAll(core: ServerCore, name: string): Promise<void> {
  const served = core.registry.byStorage(name);
  for (const { metadata } of core.store.list(name)) {
    if (served === undefined || metadata.deletionTimestamp !== undefined) continue;
    const context = { definition: served, namespace: metadata.namespace ?? '', subresource: '', ...SERVER_WRITES, warnings: [] };
    await deleteObject(core, context, metadata.name, {});
  }
  finishDeletion(core, name);
}

/** The last custom resource of a definition that is being deleted has gone. */
function finishDeletion(core: ServerCore, name: string): void {
  const live = core.store.get(DEFINITIONS, '', name);
  if (live?.metadata.deletionTimestamp === undefined || core.store.list(name).length > 0) return;
  const finalizers = live.metadata.finalizers ?? [];
  if (!finalizers.includes(CLEANUP)) return;
  const compute = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, finalizers: finalizers.filter((finalizer) => finalizer !== CLEANUP) },
  });
  updateDirectly(core, contextFor(core, ''), name, compute);
}

const SERVER_WRITES = { user: SERVER, fieldManager: 'kube-apiserver', dryRun: false } as const;

function contextFor(core: ServerCore, subresource: string): WriteContext {
  const definition = core.registry.byStorage(DEFINITIONS);
  if (definition === undefined) throw new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
  return { definition, namespace: '', subresource, ...SERVER_WRITES, warnings: [] };
}
