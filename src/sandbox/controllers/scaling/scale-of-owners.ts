/** How many pods the controllers of some pods want together: the base of percentages in a PodDisruptionBudget. */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject, OwnerReference } from '../../objects/kube-object.ts';
import { controllerOf } from '../base/ownership.ts';

/** Kinds with a scale, and where they are stored. */
const SCALABLE: Readonly<Record<string, GroupResource>> = {
  Deployment: 'deployments.apps',
  ReplicaSet: 'replicasets.apps',
  StatefulSet: 'statefulsets.apps',
  ReplicationController: 'replicationcontrollers',
};

export type ScaleResult = { readonly expected: number } | { readonly why: string };

/** @returns why it cannot be told, in the words of the disruption controller, when a pod's controller has no scale */
export function expectedScale(cluster: ClusterView, pods: readonly KubeObject[]): ScaleResult {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) continue;
    const found = scaleOf(cluster, owner, pod.metadata.namespace ?? '');
    if ('why' in found) return found;
    if (found.uid !== '') scales.set(found.uid, found.replicas);
  }
  return { expected: [...scales.values()].reduce((sum, one) => sum + one, 0) };
}

type OwnerScale = { readonly uid: string; readonly replicas: number } | { readonly why: string };

function scaleOf(cluster: ClusterView, owner: OwnerReference, namespace: string): OwnerScale {
  const resource = SCALABLE[owner.kind];
  const [group = ''] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
  if (resource === undefined)
    return { why: `${plural(owner.kind)}${group === '' ? '' : `.${group}`} does not implement the scale subresource` };
  const object = cluster.get(resource, owner.name, namespace);
  if (object === undefined || object.metadata.uid !== owner.uid) return { uid: '', replicas: 0 };
  const above = owner.kind === 'ReplicaSet' ? controllerOf(object) : undefined;
  if (above?.kind === 'Deployment') return scaleOf(cluster, above, namespace);
  const { replicas = 1 } = (object['spec'] ?? {}) as { readonly replicas?: number };
  return { uid: owner.uid, replicas };
}

function plural(kind: string): string {
  return `${kind.toLowerCase()}s`;
}
