/** The watch on pods for what selects them by labels without owning them: services and PodDisruptionBudgets. */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import type { Watch } from '../base/controller.ts';
import { keyOf } from '../base/ownership.ts';
import type { Labels } from '../base/workload-shapes.ts';

export interface SelectorWatch {
  readonly cluster: ClusterView;
  /** What selects. */
  readonly resource: GroupResource;
  readonly selects: (object: KubeObject, labels: Labels | undefined) => boolean;
  /** Whether a change of a pod matters at all. */
  readonly matters: (pod: KubeObject, previous: KubeObject) => boolean;
}

export function watchSelectedPods({ cluster, resource, selects, matters }: SelectorWatch): Watch {
  return {
    resource: 'pods',
    onChange: ({ type, object, previous }, queue) => {
      if (type === 'MODIFIED' && previous !== undefined && !matters(object, previous)) return;
      const namespace = object.metadata.namespace ?? '';
      for (const one of cluster.list(resource, { namespace })) {
        if (selects(one, object.metadata.labels) || (previous !== undefined && selects(one, previous.metadata.labels))) {
          queue.add(keyOf(one.metadata));
        }
      }
    },
  };
}
