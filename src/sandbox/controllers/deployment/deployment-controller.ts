/** Deployments: which changes concern which deployment. The work itself is in deployment-sync.ts. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { claimObjects } from '../base/claim-objects.ts';
import { type Controller, type ControllerContext, defineController, read } from '../base/controller.ts';
import { isEmptySelector, selects } from '../base/label-selector.ts';
import { controllerKey, controllerOf, keyOf, parseKey } from '../base/ownership.ts';
import type { Deployment, ReplicaSet } from '../base/workload-shapes.ts';
import { DeploymentSync } from './deployment-sync.ts';

/** @param reportTerminating writes `terminatingReplicas` (feature DeploymentReplicaSetTerminatingReplicas, off in Kubernetes 1.34) */
export function createDeploymentController(context: ControllerContext, reportTerminating: boolean): Controller {
  const { cluster } = context;
  return defineController(context, {
    name: 'deployment-controller',
    watches: [
      { resource: 'deployments.apps', onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      {
        resource: 'replicasets.apps',
        onChange: ({ object, previous }, queue) => {
          for (const key of deploymentsOf(cluster, object)) queue.add(key);
          const before = previous === undefined ? undefined : controllerKey(previous, 'Deployment');
          if (before !== undefined) queue.add(before);
        },
      },
      {
        // A deployment that recreates waits until the last old pod is gone.
        resource: 'pods',
        onChange: ({ type, object }, queue) => {
          const owner = type === 'DELETED' ? controllerOf(object) : undefined;
          const { namespace } = object.metadata;
          const set = owner?.kind === 'ReplicaSet' ? cluster.get('replicasets.apps', owner.name, namespace) : undefined;
          const key = set === undefined ? undefined : controllerKey(set, 'Deployment');
          if (key !== undefined && isRecreate(cluster, key)) queue.add(key);
        },
      },
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const deployment = read<Deployment>(cluster, 'deployments.apps', name, namespace);
      if (deployment === undefined || isEmptySelector(deployment.spec.selector)) return;
      const { selector } = deployment.spec;
      const claimed = await claimObjects(context, { resource: 'replicasets.apps', owner: deployment, selector });
      const replicaSets = claimed as readonly ReplicaSet[];
      const againMs = await new DeploymentSync({ context, deployment, replicaSets, reportTerminating }).run();
      if (againMs !== undefined) queue.addAfter(key, againMs);
    },
  });
}

/** The deployment that controls a ReplicaSet, or those that may adopt it. */
function deploymentsOf(cluster: Cluster, set: KubeObject): readonly string[] {
  const owner = controllerKey(set, 'Deployment');
  if (owner !== undefined) return [owner];
  if (controllerOf(set) !== undefined) return [];
  const candidates = cluster.list('deployments.apps', { namespace: set.metadata.namespace ?? '' }) as readonly Deployment[];
  return candidates.filter((one) => selects(one.spec.selector, set.metadata.labels)).map((one) => keyOf(one.metadata));
}

function isRecreate(cluster: Cluster, key: string): boolean {
  const { namespace, name } = parseKey(key);
  return read<Deployment>(cluster, 'deployments.apps', name, namespace)?.spec.strategy?.type === 'Recreate';
}
