/** Brings a scenario's objects in, stage by stage, as somebody with kubectl would. */
import type { ApiServer } from './api-server/api-server.ts';
import type { SandboxClock, Timer } from './clock/sandbox-clock.ts';
import type { ClusterView } from './cluster/cluster-view.ts';
import type { KubeObject } from './objects/kube-object.ts';
import { areWorkloadsReady, isControlPlaneReady, RESOURCES_OF_READINESS } from './scenarios/scenario-readiness.ts';
import type { Scenario, ScenarioStage } from './scenarios/scenario.ts';

const LOOK_AFTER_MS = 10;
const LONGEST_STAGE_MS = 300_000;

/** @throws Error when a stage does not come to its end, and what the API server refuses */
export async function playScenario(api: ApiServer, clock: SandboxClock, scenario: Scenario): Promise<void> {
  for (const stage of scenario.stages) {
    for (const object of stage.objects) await bringIn(api, object);
    await reached(api.cluster, clock, stage);
  }
}

async function bringIn({ cluster, registry }: ApiServer, object: KubeObject): Promise<void> {
  const definition = registry.byKind(object.apiVersion, object.kind);
  if (definition === undefined) throw new Error(`the cluster does not know ${object.kind} of ${object.apiVersion}`);
  await cluster.as('system:apiserver', 'meshlift-sandbox').create(definition.storage, object);
}

async function reached(cluster: ClusterView, clock: SandboxClock, { name, until }: ScenarioStage): Promise<void> {
  if (until === 'applied') return;
  const isReached = until === 'control-plane-ready' ? isControlPlaneReady : areWorkloadsReady;
  if (isReached(cluster)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let look: Timer | undefined;
  // Many changes that come together are looked at once.
  const lookSoon = (): void => {
    look ??= clock.after(LOOK_AFTER_MS, () => {
      look = undefined;
      if (isReached(cluster)) resolve();
    });
  };
  const stops = RESOURCES_OF_READINESS.map((resource) => cluster.onChange(resource, lookSoon));
  const deadline = clock.after(LONGEST_STAGE_MS, () =>
    reject(new Error(`the stage "${name}" did not come to its end in ${LONGEST_STAGE_MS / 1000} s`)),
  );
  try {
    await promise;
  } finally {
    for (const stop of stops) stop();
    deadline.cancel();
    look?.cancel();
  }
}
