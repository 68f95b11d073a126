/**
 * A write that changes nothing but the times in managedFields changes nothing.
 * @source kubernetes/apiserver pkg/endpoints/handlers/fieldmanager/equality.go, v0.34
 */
import type { KubeObject, ManagedFieldsEntry } from '../objects/kube-object.ts';
import { jsonEqual } from './json-values.ts';

/** @returns `after` with the times of `before` when the objects are otherwise equal, else `after` itself */
export function keepUnchangedTimes(before: KubeObject, after: KubeObject): KubeObject {
  const old = before.metadata.managedFields ?? [];
  const { managedFields: present = [], ...metadata } = after.metadata;
  if (old === present || old.length === 0 || old.length !== present.length) return after;
  if (!present.every((entry, index) => jsonEqual(withoutTime(entry), withoutTime(old[index])))) return after;
  const { managedFields: _old, ...oldMetadata } = before.metadata;
  if (!jsonEqual({ ...before, metadata: oldMetadata }, { ...after, metadata })) return after;
  return { ...after, metadata: { ...metadata, managedFields: old } };
}

function withoutTime(entry: ManagedFieldsEntry | undefined): unknown {
  const { time: _time, ...rest } = entry ?? {};
  return rest;
}
