/** JSON merge patches (RFC 7386), with what evanphx/json-patch, which the API server uses, does beyond the RFC. */
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';
import { isJsonObject, jsonKind } from './go-text.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Merges a patch into an object. Parts that no field of the patch touches are shared with the object.
 * @throws StatusError 400 for a patch that is no object
 */
export function applyMergePatch(object: KubeObject, patch: unknown): KubeObject {
  if (patch === null) throw badRequest('Invalid JSON Patch');
  if (!isJsonObject(patch)) {
    throw badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`);
  }
  return mergeObjects(object, patch) as unknown as KubeObject;
}

function mergeObjects(object: Json, patch: Json): Json {
  const merged = new Map(Object.entries(object));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergeValue(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

function mergeValue(current: unknown, patch: unknown): unknown {
  if (!isJsonObject(current)) return withoutNulls(patch);
  // A list that takes the place of an object keeps its nulls.
  return isJsonObject(patch) ? mergeObjects(current, patch) : patch;
}

/** Drops null fields at every depth, inside of lists too; nulls that are items stay. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(fields.map(([name, item]) => [name, withoutNulls(item)]));
}
