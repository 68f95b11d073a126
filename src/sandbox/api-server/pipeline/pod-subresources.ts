/** Writes to parts of pods that have a way of their own: binding to a node, ephemeral containers, resources. */
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { conflict } from '../../objects/status-error.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { plainServerError, updateDirectly } from './update-object.ts';

interface PodSpec {
  readonly nodeName?: string;
  readonly containers?: readonly { readonly name: string; readonly resources?: unknown }[];
  readonly ephemeralContainers?: readonly unknown[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

/**
 * Gives a pod to a node, as a scheduler does. As pkg/registry/core/pod/storage/storage.go (BindingREST), v1.34.
 * @throws StatusError 409 for a pod that has a node or is being deleted, 500 for a binding without one
 */
export function bindPod(core: ServerCore, context: WriteContext, name: string, binding: KubeObject): void {
  const { name: node = '', kind = '' } = (binding['target'] ?? {}) as { readonly name?: string; readonly kind?: string };
  if (kind !== '' && kind !== 'Node')
    throw plainServerError(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  if (node === '') throw plainServerError('target.name: Required value');
  const about = { group: '', resource: 'pods/binding', kind: 'Binding' };
  const compute = (pod: KubeObject): KubeObject => {
    const spec = (pod['spec'] ?? {}) as PodSpec;
    const { uid } = binding.metadata;
    if (uid !== undefined && uid !== '' && uid !== pod.metadata.uid)
      throw conflict(
        { ...about, resource: 'pods' },
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`,
      );
    if (pod.metadata.deletionTimestamp !== undefined)
      throw conflict(about, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    if ((spec.nodeName ?? '') !== '')
      throw conflict(about, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
    const { annotations } = binding.metadata;
    return {
      ...pod,
      metadata:
        annotations === undefined ? pod.metadata : { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } },
      spec: { ...spec, nodeName: node },
      status: withScheduled(core, pod),
    };
  };
  updateDirectly(core, context, name, compute);
}

function withScheduled(core: ServerCore, pod: KubeObject): unknown {
  const status = (pod['status'] ?? {}) as { readonly conditions?: readonly Condition[] };
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(core.clock) };
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  return { ...status, conditions: [...others, scheduled] };
}

/** `ephemeralcontainers` and `resize`: of what was written only the one part is taken. */
export function partialPod(subresource: string, live: KubeObject, written: KubeObject): KubeObject {
  const before = (live['spec'] ?? {}) as PodSpec;
  const after = (written['spec'] ?? {}) as PodSpec;
  if (subresource === 'ephemeralcontainers') {
    const { ephemeralContainers } = after;
    return { ...live, spec: { ...before, ...(ephemeralContainers === undefined ? {} : { ephemeralContainers }) } };
  }
  const wanted = new Map((after.containers ?? []).map(({ name, resources }) => [name, resources]));
  const containers = (before.containers ?? []).map((container) => ({
    ...container,
    ...(wanted.has(container.name) ? { resources: wanted.get(container.name) } : {}),
  }));
  return { ...live, spec: { ...before, containers } };
}
