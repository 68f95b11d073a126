/** Objects of a cluster in memory: their keys, and what of them is compared. */
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';

/** Annotation of restarted templates. */
export const MARK = 'meshlift.io/restart';

export function keyOf(object: KubeObject): string {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function withoutCounters(object: KubeObject): unknown {
  const { resourceVersion: _version, generation: _generation, uid: _uid, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  const copy = structuredClone({ ...rest, metadata }) as { spec?: { template?: { metadata?: { annotations?: Record<string, string> } } } };
  const annotations = copy.spec?.template?.metadata?.annotations;
  if (annotations) {
    delete annotations[MARK];
    if (Object.keys(annotations).length === 0) delete copy.spec?.template?.metadata?.annotations;
  }
  return copy;
}
