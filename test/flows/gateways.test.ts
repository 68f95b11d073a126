/** Gateways through the whole loop: in place with the label of their template, and beside the old one in shares. */
import { describe, expect, it } from 'vitest';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { gatewayObjects, type GatewayOptions } from '../kit/fake-gateways.ts';
import { NEVER, World } from '../kit/world.ts';

/** What is not taken back: CRDs, and what the run keeps of Helm's records until it is forgotten. */
const NOT_COMPARED = /^CustomResourceDefinition|^Secret\/istio-system\/meshlift-/;
const CANARY = { gateways: { strategy: 'canary' } };

function withGateway(options: GatewayOptions = {}): World {
  const world = new World().withShop();
  world.cluster.namespace('edge');
  world.cluster.put(...gatewayObjects('edge', 'ingress', options));
  world.cluster.fill('Deployment/edge/ingress');
  return world;
}

function endOf(world: World): unknown {
  return {
    objects: Object.entries(world.cluster.snapshot()).filter(([key]) => !NOT_COMPARED.test(key)),
    pods: [world.cluster.revisionsOf('edge'), world.cluster.revisionsOf('shop')],
  };
}

const takeBack = (world: World): Promise<RunResult> => rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
const finish = (world: World): Promise<RunResult> => finishRun(world.driver(), world.run, NEVER);
const stepTitles = async (world: World): Promise<string[]> => (await world.plan(CANARY)).steps.map((step) => step.title);

describe('a gateway whose own template names the revision', () => {
  it('is restarted with the label of the new one, before everything else', async () => {
    const world = withGateway();
    const result = await world.apply();
    expect(result.outcome).toBe('moved');
    expect(world.cluster.revisionsOf('edge')).toEqual({ canary: 2 });
    expect(world.cluster.restarts.get('Deployment/edge/ingress')).toBe(1);
    const kinds = result.record.plan.steps.map((step) => step.kind);
    expect(kinds.indexOf('restartGateway')).toBeLessThan(kinds.indexOf('labelNamespace'));
    expect((await finish(world)).outcome).toBe('finished');
  });

  it.each<[string, GatewayOptions]>([
    ['that names the revision', {}],
    ['that follows the default', { revision: null }],
    ['that is scaled to zero', { replicas: 0 }],
    ['that Helm owns', { release: 'ingress' }],
  ])('%s comes back as it was', async (_name, options) => {
    const before = endOf(withGateway(options));
    const world = withGateway(options);
    await world.apply();
    expect((await takeBack(world)).outcome).toBe('rolled-back');
    expect(endOf(world)).toEqual(before);
  });

  it('is left where it is when the request says so, and then keeps the old revision in use', async () => {
    const world = withGateway();
    const { record } = await world.apply({ gateways: { strategy: 'leave' } });
    expect(record.plan.notMoved).toMatchObject([{ workload: 'edge/deployment/ingress', keepsOldInUse: true }]);
    expect(world.cluster.revisionsOf('edge')).toEqual({ default: 2 });
    expect((await finish(world)).problem?.code).toBe('RUN-030');
  });
});

describe('a gateway that is made anew beside the old one', () => {
  it('moves in shares of pods, never with fewer than before, and its Service is not touched', async () => {
    const world = withGateway({ replicas: 4 });
    expect((await stepTitles(world)).filter((title) => /gateway|beside|deploy\/ingress/.test(title))).toEqual([
      'add deploy/ingress-canary beside deploy/ingress in edge: 1 of 5 pods, 20 % (asked: 10 %)',
      'shift gateway ingress in edge to 50 %: 2 of 4 pods are of deploy/ingress-canary',
      'shift gateway ingress in edge to 100 %: 4 of 4 pods are of deploy/ingress-canary',
      'remove deploy/ingress in edge, whose traffic deploy/ingress-canary has',
    ]);
    const service = world.cluster.objects.get('Service/edge/ingress');
    let fewest = Number.POSITIVE_INFINITY;
    world.cluster.hook = () => {
      fewest = Math.min(fewest, world.cluster.readyIn('edge', 'ingress'));
    };
    expect((await world.apply(CANARY)).outcome).toBe('moved');
    expect(fewest).toBe(4);
    expect(world.cluster.revisionsOf('edge')).toEqual({ canary: 4 });
    expect(world.cluster.objects.get('Deployment/edge/ingress')?.['spec']).toMatchObject({ replicas: 0 });
    expect((await finish(world)).outcome).toBe('finished');
    expect(world.cluster.objects.has('Deployment/edge/ingress')).toBe(false);
    expect(world.cluster.objects.get('Service/edge/ingress')).toEqual(service);
  });

  it.each<[string, GatewayOptions]>([
    ['with one pod', { replicas: 1 }],
    ['with several', { replicas: 3 }],
    ['with an autoscaler', { replicas: 2, autoscaled: { min: 2, max: 5 } }],
    ['of a Helm release', { replicas: 2, release: 'ingress', autoscaled: { min: 1, max: 5 } }],
    ['that follows the default', { replicas: 2, revision: null }],
  ])('%s comes back as it was, from the move and from the finish', async (_name, options) => {
    const before = endOf(withGateway(options));
    for (const toTheEnd of [false, true]) {
      const world = withGateway(options);
      await world.apply(CANARY);
      if (toTheEnd) expect((await finish(world)).outcome).toBe('finished');
      expect((await takeBack(world)).outcome).toBe('rolled-back');
      expect(endOf(world)).toEqual(before);
    }
  });

  it('has the autoscaler that the old one had, once it has all the traffic', async () => {
    const world = withGateway({ replicas: 2, autoscaled: { min: 2, max: 5 } });
    await world.apply(CANARY);
    expect(world.cluster.objects.get('HorizontalPodAutoscaler/edge/ingress-canary')).toMatchObject({
      spec: { scaleTargetRef: { name: 'ingress-canary' }, minReplicas: 2, maxReplicas: 5 },
    });
    await finish(world);
    expect([...world.cluster.objects.keys()].filter((key) => key.startsWith('HorizontalPodAutoscaler/edge'))).toEqual([
      'HorizontalPodAutoscaler/edge/ingress-canary',
    ]);
  });

  it('belongs to no Helm release, and what it shares with the old one no longer does either', async () => {
    const world = withGateway({ release: 'ingress' });
    await world.apply(CANARY);
    expect(world.cluster.objects.has('Secret/edge/sh.helm.release.v1.ingress.v1')).toBe(true);
    await finish(world);
    const left = [...world.cluster.objects.values()].filter((object) => object.metadata.namespace === 'edge');
    expect(left.map((object) => `${object.kind}/${object.metadata.name}`).toSorted()).toEqual([
      'Deployment/ingress-canary',
      'Service/ingress',
      'ServiceAccount/ingress',
    ]);
    expect(JSON.stringify(left)).not.toMatch(/helm/i);
  });

  it('leaves a Helm release that may have more than the gateway, and says so', async () => {
    const options = { release: 'edge-stack', chart: 'stack' };
    const world = withGateway(options);
    const before = endOf(withGateway(options));
    const removal = (await world.plan(CANARY)).steps.find((step) => step.kind === 'removeGateway');
    expect(removal?.notes?.[0]).toContain('the Helm release edge-stack stays (its chart stack may make more than this gateway)');
    await world.apply(CANARY);
    await finish(world);
    expect(world.cluster.objects.get('Service/edge/ingress')?.metadata.annotations).toMatchObject({
      'meta.helm.sh/release-name': 'edge-stack',
    });
    expect(world.cluster.objects.has('Secret/edge/sh.helm.release.v1.edge-stack.v1')).toBe(true);
    await takeBack(world);
    expect(endOf(world)).toEqual(before);
  });

  it('proves itself by a pod that no Service selects, before it has any traffic', async () => {
    const world = withGateway();
    world.cluster.silentPods = /ingress-canary/;
    const { problem } = await world.apply(CANARY);
    expect([problem?.code, problem?.details.what]).toEqual(['RUN-070', expect.stringContaining('does not answer on port 8080')]);
    expect(world.cluster.revisionsOf('edge')).toEqual({ default: 2, canary: 1 });
    expect(world.cluster.objects.has('Deployment/edge/ingress-canary')).toBe(false);
    expect(world.cluster.readyIn('edge', 'ingress')).toBe(2);
    expect((await takeBack(world)).outcome).toBe('rolled-back');
    expect(endOf(world)).toEqual(endOf(withGateway()));
  });

  it('has traffic from its first pod on where Gateways need every label that the Service selects', async () => {
    const world = withGateway();
    world.cluster.put({
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'all', namespace: 'shop' },
      spec: { selector: { app: 'ingress', istio: 'ingress' } },
    });
    const add = (await world.plan(CANARY)).steps.find((step) => step.kind === 'addGateway');
    expect([add?.trial, add?.notes?.[0]]).toEqual([undefined, expect.stringContaining('no pod can prove itself before it has traffic')]);
    world.cluster.silentPods = /ingress-canary/;
    expect((await world.apply(CANARY)).problem?.code).toBe('RUN-070');
    expect(world.cluster.readyIn('edge', 'ingress')).toBe(3);
    world.cluster.silentPods = /^$/;
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });

  it('does not mind a port on which nobody listens', async () => {
    const world = withGateway();
    world.cluster.silentPorts.add(8080);
    expect((await world.apply(CANARY)).outcome).toBe('moved');
  });

  it('in a namespace whose label decides follows that label, and comes back after it', async () => {
    const make = (): World => {
      const world = withGateway({ revision: null });
      world.cluster.relabel('edge', { 'istio-injection': 'enabled' });
      return world;
    };
    const before = endOf(make());
    const world = make();
    expect((await world.apply(CANARY)).outcome).toBe('moved');
    expect(world.cluster.revisionsOf('edge')).toEqual({ canary: 2 });
    expect((await takeBack(world)).outcome).toBe('rolled-back');
    expect(endOf(world)).toEqual(before);
  });

  it('is not removed while it has pods', async () => {
    const world = withGateway();
    await world.apply(CANARY);
    await world.cluster.patchObject(
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'edge', name: 'ingress' },
      { spec: { replicas: 1 } },
    );
    world.clock.pass(5000);
    expect((await finish(world)).problem?.code).toBe('RUN-071');
    expect(world.cluster.objects.has('Deployment/edge/ingress')).toBe(true);
  });
});

describe('killed anywhere', () => {
  class Killed extends Error {}
  const killAt = (world: World, wanted: number): string[] => {
    const moments: string[] = [];
    const moment = (name: string): void => {
      moments.push(name);
      if (moments.length !== wanted) return;
      world.killDriver();
      throw new Killed();
    };
    world.store.hooks.beforeAppend = (event) => moment(`before ${event.type}`);
    world.store.hooks.afterAppend = (event) => moment(`after ${event.type}`);
    world.cluster.hook = (call, when) => {
      if (!call.startsWith('read') && call !== 'dryRunPod' && call !== 'askPod') moment(`${when} ${call}`);
    };
    return moments;
  };
  const survive = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  };
  const OPTIONS: GatewayOptions = { replicas: 2, release: 'ingress', autoscaled: { min: 2, max: 4 } };
  const upgrade = async (world: World): Promise<void> => {
    await startRun(world.driver(), await world.plan(CANARY), NEVER);
    await finish(world);
  };
  const goOn = async (world: World): Promise<void> => {
    if (!world.store.runs.has(world.run)) return upgrade(world);
    const { phase, finishAsked } = (await world.store.load(world.run)).state;
    if (phase === 'finished') return;
    if (phase === 'moved') return void (await finish(world));
    await resumeRun(world.driver(), world.run, NEVER);
    if (!finishAsked) await finish(world);
  };

  it('it ends alike', async () => {
    const undisturbed = withGateway(OPTIONS);
    await upgrade(undisturbed);
    const counting = withGateway(OPTIONS);
    const moments = killAt(counting, -1);
    await upgrade(counting);
    for (const [index, moment] of [...moments].entries()) {
      const world = withGateway(OPTIONS);
      killAt(world, index + 1);
      await survive(() => upgrade(world));
      killAt(world, -1);
      await goOn(world);
      expect([moment, endOf(world)]).toEqual([moment, endOf(undisturbed)]);
    }
  });

  it('it can be taken back, and the way back ends alike wherever it is killed', async () => {
    const before = endOf(withGateway(OPTIONS));
    const counting = withGateway(OPTIONS);
    const moments = killAt(counting, -1);
    await upgrade(counting);
    for (const [index, moment] of [...moments].entries()) {
      const world = withGateway(OPTIONS);
      killAt(world, index + 1);
      await survive(() => upgrade(world));
      killAt(world, -1);
      if (!world.store.runs.has(world.run)) continue;
      const { steps } = (await world.store.load(world.run)).state;
      if (![...steps.keys()].some((step) => !step.endsWith('-crds'))) continue;
      killAt(world, 1 + ((index * 7) % 40));
      await survive(() => takeBack(world));
      killAt(world, -1);
      if ((await world.store.load(world.run)).state.phase !== 'rolled-back') await takeBack(world);
      expect([moment, endOf(world)]).toEqual([moment, before]);
    }
  });
});
