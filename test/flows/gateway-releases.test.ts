/** Gateways of Helm releases that end as releases of their own: rendered by the chart, taken over by helm, and back. */
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan/plan.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import type { RunPorts } from '../../src/flows/flow-ports.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { expectPlanFits, finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { FakeHelm, recordsOf, releasesIn } from '../kit/fake-helm.ts';
import { gatewayObjects, type GatewayOptions } from '../kit/fake-gateways.ts';
import { helmRecord } from '../kit/fake-releases.ts';
import { NEVER, World } from '../kit/world.ts';

const CANARY = { install: { with: 'helm', charts: 'charts' }, gateways: { strategy: 'canary' } };
const RELEASE: GatewayOptions = { replicas: 2, release: 'ingress' };
const AUTOSCALED: GatewayOptions = { ...RELEASE, autoscaled: { min: 2, max: 4 }, budget: true, policy: true };
/** What is not taken back: CRDs, and what the run keeps of Helm's records until it is forgotten. */
const NOT_COMPARED = /^CustomResourceDefinition|^Secret\/istio-system\/meshlift-/;

class GatewayWorld extends World {
  readonly helm: FakeHelm = new FakeHelm(this.cluster);

  constructor(options: GatewayOptions = RELEASE) {
    super();
    this.cluster.namespace('edge');
    this.cluster.put(...gatewayObjects('edge', 'ingress', options));
    this.cluster.fill('Deployment/edge/ingress');
  }

  override driver(): RunPorts {
    return { ...super.driver(), installerFor: () => this.helm };
  }

  async toTheEnd(): Promise<RunResult> {
    await startRun(this.driver(), await this.plan(CANARY), NEVER);
    return this.finish();
  }

  finish(): Promise<RunResult> {
    return finishRun(this.driver(), this.run, NEVER);
  }

  back(): Promise<RunResult> {
    return rollBack(this.driver(), { name: this.run, reason: 'test', stopSignal: NEVER });
  }

  async pods(): Promise<string[]> {
    const found = await this.cluster.readWorkload({ kind: 'Deployment', namespace: 'edge', name: 'ingress-canary' });
    return (found?.pods ?? []).map(({ metadata }) => metadata.name);
  }

  of(kind: string): string[] {
    return [...this.cluster.objects.values()]
      .filter((object) => object.kind === kind && object.metadata.namespace === 'edge')
      .map(({ metadata }) => `${metadata.name} of ${metadata.annotations?.['meta.helm.sh/release-name'] ?? 'none'}`);
  }

  end(): unknown {
    const objects = Object.entries(this.cluster.snapshot()).filter(([key]) => !NOT_COMPARED.test(key));
    return { objects, pods: this.cluster.revisionsOf('edge') };
  }
}

const ofRun = (cluster: World['cluster']): string[] => releasesIn(cluster).filter((line) => line.startsWith('ingress'));
const valuesOf = ({ cluster }: World, name: string): unknown => {
  const [record] = recordsOf(cluster, name) as (KubeObject & { data?: { release?: string } })[];
  return (JSON.parse(record?.data?.release ?? '{}') as { config?: unknown }).config;
};
const stepOf = <K extends Plan['steps'][number]['kind']>({ steps }: Plan, kind: K): Extract<Plan['steps'][number], { kind: K }> =>
  steps.find((step) => step.kind === kind) as Extract<Plan['steps'][number], { kind: K }>;

describe('a gateway of a Helm release, made anew by helm', () => {
  it('ends as the only release, with the pods that it had, and a Service of no release', async () => {
    const world = new GatewayWorld(AUTOSCALED);
    await world.apply(CANARY);
    expect(ofRun(world.cluster)).toEqual(['ingress 1 deployed']);
    const service = world.cluster.objects.get('Service/edge/ingress');
    const pods = await world.pods();
    expect((await world.finish()).outcome).toBe('finished');
    expect(ofRun(world.cluster)).toEqual(['ingress-canary 1 deployed']);
    expect([await world.pods(), pods.length]).toEqual([pods, 2]);
    expect(world.cluster.objects.get('Service/edge/ingress')?.['spec']).toEqual(service?.['spec']);
    expect(
      ['Service', 'Deployment', 'ServiceAccount', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'].map((kind) => world.of(kind)),
    ).toEqual([
      ['ingress of none'],
      ['ingress-canary of ingress-canary'],
      ['ingress of ingress-canary'],
      ['ingress-canary of ingress-canary'],
      ['ingress-canary of ingress-canary'],
    ]);
    expect(world.cluster.objects.get('HorizontalPodAutoscaler/edge/ingress-canary')).toMatchObject({
      spec: { minReplicas: 2, maxReplicas: 4, scaleTargetRef: { name: 'ingress-canary' } },
    });
  });

  it('is in the plan as what the chart renders, and says what becomes of the releases', async () => {
    const plan = await new GatewayWorld().plan(CANARY);
    const [add, remove] = [stepOf(plan, 'addGateway'), stepOf(plan, 'removeGateway')];
    expect(add.changes[0]?.diff[0]).toBe('  as chart gateway 1.29.1 renders it with the values of the Helm release ingress, and');
    expect(add.notes?.[0]).toBe(
      'at the finish it becomes the Helm release ingress-canary, in the place of ingress; Service ingress belongs to no release then',
    );
    expect(remove.title).toContain('; the Helm release ingress-canary takes the place of ingress');
    expect(remove.heir).toEqual({
      name: 'ingress-canary',
      namespace: 'edge',
      overrides: {
        name: 'ingress-canary',
        revision: 'canary',
        labels: { app: 'ingress', istio: 'ingress', 'meshlift.io/revision': 'canary' },
        service: { type: 'None' },
        serviceAccount: { name: 'ingress' },
      },
    });
    expect(plan.pins.map(({ name }) => name)).toContain('chart gateway');
  });

  it('is shown where its pods would not be as those that run', async () => {
    const world = new GatewayWorld();
    const live = world.cluster.objects.get('Deployment/edge/ingress') as KubeObject;
    const spec = structuredClone(live['spec']) as { template: { spec: { containers: Record<string, unknown>[] } } };
    spec.template.spec.containers[0] = { ...spec.template.spec.containers[0], image: 'mine' };
    world.cluster.put({ ...live, spec });
    const { notes, changes } = stepOf(await world.plan(CANARY), 'addGateway');
    expect(notes?.at(-1)).toBe(
      'the chart renders these otherwise than deploy/ingress has them: spec.template.spec.containers[istio-proxy].image',
    );
    expect(changes[0]?.diff).toContain('+ spec.template.spec.containers[istio-proxy].image: auto');
  });

  it('has one autoscaler and one budget over its pods throughout: two of them stop each other', async () => {
    const world = new GatewayWorld(AUTOSCALED);
    const most = { HorizontalPodAutoscaler: 0, PodDisruptionBudget: 0 };
    world.cluster.hook = () => {
      for (const kind of ['HorizontalPodAutoscaler', 'PodDisruptionBudget'] as const)
        most[kind] = Math.max(most[kind], world.of(kind).length);
    };
    await world.toTheEnd();
    expect(most).toEqual({ HorizontalPodAutoscaler: 1, PodDisruptionBudget: 1 });
  });

  it('is never without the network policy of one of its releases', async () => {
    const world = new GatewayWorld(AUTOSCALED);
    let fewest = 9;
    world.cluster.hook = () => void (fewest = Math.min(fewest, world.of('NetworkPolicy').length));
    await world.toTheEnd();
    expect([fewest, world.of('NetworkPolicy')]).toEqual([1, ['ingress-canary of ingress-canary']]);
  });

  it('keeps the number of pods that it has where the values of its release say another', async () => {
    const world = new GatewayWorld({ ...RELEASE, replicas: 3, values: { replicaCount: 2 } });
    await world.toTheEnd();
    expect(world.cluster.objects.get('Deployment/edge/ingress-canary')?.['spec']).toMatchObject({ replicas: 3 });
    expect(valuesOf(world, 'ingress-canary')).toMatchObject({ replicaCount: 3 });
  });

  it('keeps values of its release where nobody but Helm reads them', async () => {
    const world = new GatewayWorld({ ...RELEASE, values: { other: 'hush' } });
    await world.toTheEnd();
    expect(valuesOf(world, 'ingress-canary')).toMatchObject({ other: 'hush' });
    await world.back();
    const stored = await world.store.load(world.run);
    expect(JSON.stringify([stored.plan, stored.backPlan, stored.events, world.news])).not.toContain('hush');
  });

  it.each<[string, GatewayOptions]>([
    ['alone', RELEASE],
    ['with an autoscaler and a budget', AUTOSCALED],
    ['with one pod', { ...RELEASE, replicas: 1 }],
  ])('%s comes back as it was, from the move and from the finish', async (_name, options) => {
    const before = new GatewayWorld(options).end();
    for (const toTheEnd of [false, true]) {
      const world = new GatewayWorld(options);
      await world.apply(CANARY);
      if (toTheEnd) expect((await world.finish()).outcome).toBe('finished');
      expect((await world.back()).outcome).toBe('rolled-back');
      expect(world.end()).toEqual(before);
    }
  });
});

describe('a gateway that cannot end as a release of its own is copied, and the plan says why', () => {
  const gone = new Problem('ARGS-002', { what: 'There is no chart gateway in charts.', next: [] });
  const add = (world: GatewayWorld, object: KubeObject): void => void world.cluster.put(object);
  const gateway = (selector: Record<string, string>): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'shop', namespace: 'shop' },
    spec: { selector },
  });

  it.each<[string, GatewayOptions, (world: GatewayWorld) => void, string]>([
    ['no chart', RELEASE, (world) => (world.helm.gatewayChart = gone), 'There is no chart gateway in charts'],
    [
      'another chart',
      { ...RELEASE, chart: 'istio-ingress' },
      () => undefined,
      "the chart of ingress is istio-ingress, not Istio's gateway",
    ],
    ['values that do not render', { ...RELEASE, values: { broken: true } }, () => undefined, 'does not render with the values of ingress'],
    [
      'a name that is taken',
      RELEASE,
      (world) => {
        const record = helmRecord({ name: 'ingress-canary' });
        add(world, { ...record, metadata: { ...record.metadata, namespace: 'edge' } });
      },
      'there is a release ingress-canary already',
    ],
    ['an autoscaler that is gone', { ...RELEASE, values: { autoscaling: { enabled: true } } }, () => undefined, 'the gateway has none'],
    [
      'what somebody added to its pods',
      RELEASE,
      (world) => {
        const live = world.cluster.objects.get('Deployment/edge/ingress') as KubeObject;
        const spec = structuredClone(live['spec']) as { template: { spec: { containers: Record<string, unknown>[] } } };
        spec.template.spec.containers[0] = { ...spec.template.spec.containers[0], env: [{ name: 'MINE', value: '1' }] };
        add(world, { ...live, spec });
      },
      'spec.template.spec.containers[istio-proxy].env, which the chart does not render',
    ],
    [
      'a Gateway that selects what the chart changes',
      RELEASE,
      (world) => {
        const live = world.cluster.objects.get('Deployment/edge/ingress') as KubeObject;
        const spec = structuredClone(live['spec']) as { template: { metadata: { labels: Record<string, string> } } };
        spec.template.metadata.labels['helm.sh/chart'] = 'gateway-1.28.2';
        add(world, { ...live, spec });
        add(world, gateway({ 'helm.sh/chart': 'gateway-1.28.2' }));
      },
      'Gateway shop/shop selects the old pods by a label that the chart gives others',
    ],
    [
      'an object of the chart that is somebody else’s',
      RELEASE,
      (world) => {
        const account = world.cluster.objects.get('ServiceAccount/edge/ingress') as KubeObject;
        add(world, { ...account, metadata: { name: 'ingress', namespace: 'edge' } });
      },
      'ServiceAccount edge/ingress is not of the release ingress',
    ],
  ])('%s', async (_name, options, change, why) => {
    const world = new GatewayWorld(options);
    change(world);
    const step = stepOf(await world.plan(CANARY), 'addGateway');
    expect([step.heir, step.deployment]).toEqual([undefined, undefined]);
    const note = step.notes?.find((line) => line.includes('belongs to no Helm release'));
    expect(note).toContain(why);
    expect(note).toContain('--gateways inPlace');
  });

  it('where helm is not in the request', async () => {
    const world = new GatewayWorld();
    const ports = { ...world.driver(), installerFor: () => world.installer };
    const { planUpgrade } = await import('../../src/flows/plan-upgrade.ts');
    const { request } = await import('../kit/world.ts');
    const { plan } = await planUpgrade(ports, request({ gateways: { strategy: 'canary' } }));
    expect(stepOf(plan, 'addGateway').notes?.[0]).toContain('belongs to no Helm release: helm is not in the request');
  });

  it('and moves as it did before', async () => {
    const world = new GatewayWorld({ ...RELEASE, values: { broken: true } });
    expect((await world.toTheEnd()).outcome).toBe('finished');
    expect(ofRun(world.cluster)).toEqual([]);
    expect(world.of('Deployment')).toEqual(['ingress-canary of none']);
  });
});

describe('values that changed since the plan was made', () => {
  it('make the plan stale before it begins', async () => {
    const world = new GatewayWorld();
    const plan = await world.plan(CANARY);
    expect((await expectPlanFits(world.driver(), plan)).report.findings).toBeDefined();
    const record = recordsOf(world.cluster, 'ingress')[0] as KubeObject;
    world.cluster.put({ ...record, data: helmRecord({ name: 'ingress', chart: 'gateway', values: { env: { MINE: '1' } } }).data });
    const stale = await expectPlanFits(world.driver(), plan).catch((error: unknown) => error as Problem);
    expect(stale instanceof Problem ? [stale.code, stale.details.what] : stale).toEqual([
      'PLAN-013',
      expect.stringContaining('gateway edge/deployment/ingress is rendered otherwise than when the plan was made'),
    ]);
  });

  it('stop the finish before helm would restart pods; with the old ones it goes on', async () => {
    const world = new GatewayWorld();
    await world.apply(CANARY);
    const record = recordsOf(world.cluster, 'ingress')[0] as KubeObject;
    const other = helmRecord({ name: 'ingress', chart: 'gateway', values: { env: { MINE: '1' } } });
    world.cluster.put({ ...record, data: other.data });
    const pods = await world.pods();
    const { problem } = await world.finish();
    expect([problem?.code, problem?.details.what]).toEqual(['RUN-072', expect.stringContaining('+ spec.template')]);
    expect([await world.pods(), ofRun(world.cluster)]).toEqual([pods, ['ingress 1 deployed']]);
    expect(world.cluster.objects.has('Deployment/edge/ingress')).toBe(true);
    world.cluster.put(record);
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    expect(ofRun(world.cluster)).toEqual(['ingress-canary 1 deployed']);
  });
});

describe('killed anywhere', () => {
  /** Dies at the nth call of an effect, inside of helm too. @returns whether there were so many */
  const diesAt = async (world: GatewayWorld, nth: number, go: () => Promise<unknown>): Promise<boolean> => {
    let calls = 0;
    world.cluster.hook = (call) => {
      if (call.startsWith('read') || call === 'dryRunPod' || call === 'askPod') return;
      calls += 1;
      if (calls === nth) throw new Error('killed');
    };
    await go().catch(() => undefined);
    world.cluster.hook = () => undefined;
    world.killDriver();
    return calls >= nth;
  };
  const goOn = async (world: GatewayWorld): Promise<void> => {
    const { phase } = (await world.store.load(world.run)).state;
    if (phase !== 'moved' && phase !== 'finished') await resumeRun(world.driver(), world.run, NEVER);
    if ((await world.store.load(world.run)).state.phase !== 'finished') await world.finish();
  };

  it('it ends as the new release alone, no pod is restarted, and it goes back to the old one alone', async () => {
    const before = new GatewayWorld(AUTOSCALED).end();
    const undisturbed = new GatewayWorld(AUTOSCALED);
    await undisturbed.toTheEnd();
    for (let nth = 1; ; nth += 1) {
      const world = new GatewayWorld(AUTOSCALED);
      const died = await diesAt(world, nth, () => world.toTheEnd());
      if (world.store.runs.size === 0) continue;
      if (died) await goOn(world);
      expect([nth, world.end(), ofRun(world.cluster)]).toEqual([nth, undisturbed.end(), ['ingress-canary 1 deployed']]);
      expect([nth, await world.pods()]).toEqual([nth, await undisturbed.pods()]);
      if (await diesAt(world, 1 + ((nth * 7) % 40), () => world.back())) await world.back();
      expect([nth, world.end()]).toEqual([nth, before]);
      if (!died) break;
    }
  });

  it.each(['helm gateway ServiceAccount', 'helm gateway Deployment', 'helm gateway HorizontalPodAutoscaler'])(
    'at %s: the pending record is dropped, and the same is done again; or it is taken back',
    async (call) => {
      const before = new GatewayWorld(AUTOSCALED).end();
      for (const way of ['on', 'back'] as const) {
        const world = new GatewayWorld(AUTOSCALED);
        await world.apply(CANARY);
        const pods = await world.pods();
        world.cluster.hook = (now) => {
          if (now === call) throw new Error('killed');
        };
        await world.finish().catch(() => undefined);
        world.cluster.hook = () => undefined;
        world.killDriver();
        expect(ofRun(world.cluster)).toEqual(['ingress 1 deployed', 'ingress-canary 1 pending-install']);
        if (way === 'on') {
          await goOn(world);
          expect([ofRun(world.cluster), await world.pods()]).toEqual([['ingress-canary 1 deployed'], pods]);
        } else {
          expect((await world.back()).outcome).toBe('rolled-back');
          expect(world.end()).toEqual(before);
        }
      }
    },
  );
});
