/** StatefulSets: which changes concern which set, their revisions and status. The order of pods is in stateful-set-sync.ts. */
import { claimObjects } from '../base/claim-objects.ts';
import { type Controller, type ControllerContext, defineController, isNotFound, read } from '../base/controller.ts';
import { keyOf, parseKey } from '../base/ownership.ts';
import { nextAvailabilityMs } from '../base/pod-state.ts';
import { watchPodsOf } from '../base/pod-watch.ts';
import { currentRevision, truncateHistory } from '../base/revision-history.ts';
import { sameContent } from '../base/stable-hash.ts';
import type { Pod, StatefulSet } from '../base/workload-shapes.ts';
import { ordinalOf, revisionOf } from './stateful-pod.ts';
import { StatefulSetSync } from './stateful-set-sync.ts';

const STATEFUL_SETS = 'statefulsets.apps';

export function createStatefulSetController(context: ControllerContext): Controller {
  const { cluster, clock } = context;
  return defineController(context, {
    name: 'statefulset-controller',
    watches: [
      { resource: STATEFUL_SETS, onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) },
      watchPodsOf(cluster, STATEFUL_SETS, 'StatefulSet'),
    ],
    reconcile: async (key, queue) => {
      const { namespace, name } = parseKey(key);
      const set = read<StatefulSet>(cluster, STATEFUL_SETS, name, namespace);
      if (set === undefined) return;
      const pods = await syncStatefulSet(context, set);
      const againMs = nextAvailabilityMs(pods, set.spec.minReadySeconds ?? 0, clock.nowMs());
      if (againMs !== undefined) queue.addAfter(key, againMs);
    },
  });
}

async function syncStatefulSet(context: ControllerContext, set: StatefulSet): Promise<readonly Pod[]> {
  const { cluster, writer } = context;
  const pods = (await claimObjects(context, {
    resource: 'pods',
    owner: set,
    selector: set.spec.selector,
    mayAdopt: (pod) => ordinalOf(set, pod) !== undefined,
  })) as readonly Pod[];
  const naming = { owner: set, hashLabel: 'controller.kubernetes.io/hash', collisionCount: set.status?.collisionCount ?? 0 };
  const { revision: update, history, collisionCount } = await currentRevision(context, naming);
  const current = history.find((one) => one.metadata.name === set.status?.currentRevision) ?? update;
  const { status, ...result } = await new StatefulSetSync({ context, set, pods, current, update, collisionCount }).run();
  const latest = read<StatefulSet>(cluster, STATEFUL_SETS, set.metadata.name, set.metadata.namespace);
  if (latest !== undefined && latest.metadata.uid === set.metadata.uid && !sameContent(latest.status, status)) {
    try {
      await writer.updateStatus(STATEFUL_SETS, { ...latest, status });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  if ('error' in result) throw result.error;
  const live = [current, update].map((one) => one.metadata.name);
  await truncateHistory(context, set, history, new Set([...live, ...pods.map(revisionOf)]));
  return pods;
}
