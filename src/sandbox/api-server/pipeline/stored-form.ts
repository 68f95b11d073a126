/** Objects are stored in one version and served in several. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { apiVersionOf } from '../resource-registry.ts';

/** The object as a resource's version shows it; the very object of the store where that is the stored version. */
export function asServed(definition: ResourceDefinition, stored: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(definition);
  if (definition.fromStorage !== undefined && stored.apiVersion !== apiVersion) return definition.fromStorage(stored);
  if (stored.apiVersion === apiVersion && stored.kind === definition.kind) return stored;
  return { ...stored, apiVersion, kind: definition.kind };
}

export function asStored(definition: ResourceDefinition, served: KubeObject): KubeObject {
  if (definition.toStorage !== undefined) return definition.toStorage(served);
  if (served.apiVersion === definition.storageApiVersion) return served;
  return { ...served, apiVersion: definition.storageApiVersion };
}
