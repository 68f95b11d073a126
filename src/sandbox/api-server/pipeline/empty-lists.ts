/**
 * Network policies are compared so that an empty list is another thing than none, and what is stored has no empty lists:
 * each write with one counts as a change (kubernetes pkg/registry/networking/networkpolicy/strategy.go, v1.34).
 */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';

const STRICTLY_COMPARED = 'networkpolicies.networking.k8s.io';

/** @param written before its empty lists were dropped @param next with its generation; raised when only empty lists differ */
export function withEmptyListsCounted(definition: ResourceDefinition, live: KubeObject, written: KubeObject, next: KubeObject): KubeObject {
  if (definition.storage !== STRICTLY_COMPARED || next.metadata.generation !== live.metadata.generation) return next;
  if (!hasEmptyList(written['spec'])) return next;
  return { ...next, metadata: { ...next.metadata, generation: (live.metadata.generation ?? 0) + 1 } };
}

function hasEmptyList(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || value.some(hasEmptyList);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasEmptyList);
}
