/** What the server itself writes into metadata, and what it does not let clients change there (apiserver, pkg/registry/rest, v0.34). */
import { timestamp } from '../clock/sandbox-clock.ts';
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import type { FieldError } from '../objects/status-error.ts';
import type { ResourceDefinition } from '../resources/resource-definition.ts';
import { shareStructure } from '../store/share-structure.ts';
import type { ServerCore } from './server-core.ts';

/** Letters of generated names: no vowels, and nothing that is easily taken for something else. */
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const MAX_BASE_LENGTH = 63 - SUFFIX_LENGTH;

export function generatedName(base: string, random: () => number): string {
  let name = base.slice(0, MAX_BASE_LENGTH);
  for (let count = 0; count < SUFFIX_LENGTH; count += 1) name += NAME_LETTERS[Math.floor(random() * NAME_LETTERS.length)] ?? 'x';
  return name;
}

/** A version 4 UUID from the sandbox's own randomness. */
export function newUid(random: () => number): string {
  let digits = '';
  for (let count = 0; count < 32; count += 1) digits += Math.floor(random() * 16).toString(16);
  const variant = '89ab'[Math.floor(random() * 4)] ?? '8';
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
}

/** Clients of old still send a link, which has been dropped since. */
type SentMetadata = ObjectMeta & { readonly selfLink?: string };

/** The metadata of an object that is about to be created. */
export function createdMetadata(core: ServerCore, definition: ResourceDefinition, metadata: ObjectMeta, namespace: string): ObjectMeta {
  const {
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    namespace: _namespace,
    selfLink: _link,
    ...kept
  } = metadata as SentMetadata;
  return {
    ...kept,
    ...(namespace === '' ? {} : { namespace }),
    uid: newUid(core.random),
    creationTimestamp: timestamp(core.clock),
    ...(definition.hasGeneration ? { generation: 1 } : {}),
  };
}

/** A client's metadata with what clients may not change as it stands in the live object. */
export function updatedMetadata(live: ObjectMeta, next: ObjectMeta): ObjectMeta {
  const {
    generation: _generation,
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    namespace: _namespace,
    selfLink: _link,
    ...kept
  } = next as SentMetadata;
  const { generation, deletionTimestamp, deletionGracePeriodSeconds, namespace, uid, creationTimestamp, resourceVersion } = live;
  return {
    ...kept,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined || (next.uid ?? '') !== '' ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

/** The generation after a change: raised when anything but metadata and status is different. */
export function withGeneration(definition: ResourceDefinition, live: KubeObject, next: KubeObject): KubeObject {
  if (!definition.hasGeneration) return next;
  const generation = live.metadata.generation ?? 0;
  const raised = sameSpec(definition, live, next) ? generation : generation + 1;
  if (next.metadata.generation === raised || raised === 0) return next;
  return { ...next, metadata: { ...next.metadata, generation: raised } };
}

function sameSpec(definition: ResourceDefinition, live: KubeObject, next: KubeObject): boolean {
  const { metadata: _live, apiVersion: _a, kind: _b, ...before } = live;
  const { metadata: _next, apiVersion: _c, kind: _d, ...after } = next;
  if (definition.subresources.some(({ name }) => name === 'status')) {
    delete (before as Record<string, unknown>)['status'];
    delete (after as Record<string, unknown>)['status'];
  }
  return shareStructure(before, after) === before;
}

/** For resources that do not validate their metadata themselves. */
export function metadataErrorsOnCreate(metadata: ObjectMeta): readonly FieldError[] {
  if (metadata.name !== '') return [];
  return [{ reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' }];
}

const ORDER: readonly (keyof ObjectMeta)[] = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
];

/** The same metadata with its fields in the order in which the real server writes them. */
export function inOrder(metadata: ObjectMeta): ObjectMeta {
  const ordered: Record<string, unknown> = {};
  for (const field of ORDER) if (metadata[field] !== undefined) ordered[field] = metadata[field];
  return ordered as unknown as ObjectMeta;
}
