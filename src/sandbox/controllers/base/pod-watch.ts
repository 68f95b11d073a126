/** The watch on pods that all pod controllers share: a change concerns the pod's controller, or those that may adopt it. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import type { Watch } from './controller.ts';
import { selects } from './label-selector.ts';
import { controllerKey, controllerOf, keyOf } from './ownership.ts';
import type { LabelSelector } from './workload-shapes.ts';

export function watchPodsOf(cluster: Cluster, resource: GroupResource, kind: string): Watch {
  return {
    resource: 'pods',
    onChange: ({ object, previous }, queue) => {
      const owner = controllerKey(object, kind);
      if (owner !== undefined) queue.add(owner);
      const before = previous === undefined ? undefined : controllerKey(previous, kind);
      if (before !== undefined && before !== owner) queue.add(before);
      if (controllerOf(object) === undefined) {
        for (const key of adopters(cluster, resource, object)) queue.add(key);
      }
    },
  };
}

function adopters(cluster: Cluster, resource: GroupResource, { metadata }: KubeObject): readonly string[] {
  if (metadata.labels === undefined) return [];
  const candidates = cluster.list(resource, { namespace: metadata.namespace ?? '' });
  return candidates.filter((one) => selects(selectorOf(one), metadata.labels)).map((one) => keyOf(one.metadata));
}

function selectorOf(object: KubeObject): LabelSelector | undefined {
  return (object['spec'] as { readonly selector?: LabelSelector } | undefined)?.selector;
}
