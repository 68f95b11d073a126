/** Releases of Helm in a run: made, brought along, taken away by their records, and brought back as they were. */
import { describe, expect, it } from 'vitest';
import type { ControlPlaneInstaller } from '../../src/ports/installer.ts';
import type { RunPorts } from '../../src/flows/flow-ports.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { planUpgrade } from '../../src/flows/plan-upgrade.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { FakeHelm, installedByHelm, recordsOf, releasesIn } from '../kit/fake-helm.ts';
import { helmRecord } from '../kit/fake-releases.ts';
import { NEVER, request, World } from '../kit/world.ts';

const FINISH = { install: { with: 'helm', charts: 'charts' }, finish: { removeOld: true } };
const BEFORE = ['istio-base 1 deployed', 'istiod 1 superseded', 'istiod 2 deployed'];
const AFTER = ['istio-base 1 superseded', 'istio-base 2 deployed', 'istiod-canary 1 deployed'];

class HelmWorld extends World {
  readonly helm: FakeHelm = new FakeHelm(this.cluster);

  constructor(options: { readonly chart?: string } = {}) {
    super();
    installedByHelm(this.cluster, options);
    this.withShop();
  }

  override driver(): RunPorts {
    return { ...super.driver(), installerFor: (): ControlPlaneInstaller => this.helm };
  }

  /** The whole way, as `apply --finish` goes it. */
  async toTheEnd(plan: Plan): Promise<RunResult> {
    const moved = await startRun(this.driver(), plan, NEVER);
    return moved.outcome === 'moved' ? finishRun(this.driver(), this.run, NEVER) : moved;
  }

  async onToTheEnd(): Promise<RunResult> {
    const { state } = await this.store.load(this.run);
    const result = state.finishAsked ? undefined : await resumeRun(this.driver(), this.run, NEVER);
    return result === undefined || result.outcome === 'moved' ? finishRun(this.driver(), this.run, NEVER) : result;
  }

  async back(): Promise<RunResult> {
    return rollBack(this.driver(), { name: this.run, reason: 'test', stopSignal: NEVER });
  }

  /** Dies at a call, and another driver goes on. */
  async killedAt(call: string, go: () => Promise<unknown>): Promise<void> {
    let killed = false;
    this.cluster.hook = (now) => {
      if (now !== call || killed) return;
      killed = true;
      throw new Error('killed');
    };
    await go().catch(() => undefined);
    expect(killed).toBe(true);
    this.cluster.hook = () => undefined;
    this.killDriver();
  }
}

/** Everything but CRDs, records that Helm does not show, and what the run keeps. */
function picture(world: World): unknown {
  return Object.fromEntries(
    Object.entries(world.cluster.snapshot()).filter(
      ([key]) => !/^CustomResourceDefinition|^Secret\/istio-system\/meshlift-|istiod\.v1$/.test(key),
    ),
  );
}

const stepOf = (plan: Plan, kind: string): Plan['steps'][number] | undefined => plan.steps.find((step) => step.kind === kind);

describe('an upgrade with helm', () => {
  it('says in the plan which releases it makes, brings along and takes away', async () => {
    const { steps } = await new HelmWorld().plan(FINISH);
    const titles = steps.map((step) => step.title).filter((title) => /release/i.test(title));
    expect(titles).toEqual([
      'install canary (1.29.1) with helm, release istiod-canary',
      'default: default → canary (injection, validation, leadership), and the Helm release istio-base',
      expect.stringMatching(/^remove default \(1\.28\.2\): \d+ objects and the records of the Helm release istiod, once nothing uses it$/),
    ]);
  });

  it('leaves only the new releases, and the base release says what the cluster says', async () => {
    const world = new HelmWorld();
    expect((await world.toTheEnd(await world.plan(FINISH))).outcome).toBe('finished');
    expect(releasesIn(world.cluster)).toEqual(AFTER);
    const base = recordsOf(world.cluster, 'istio-base').find(({ metadata }) => metadata.labels?.['status'] === 'deployed');
    const inside = JSON.parse((base?.['data'] as { release: string } | undefined)?.release ?? '{}') as { config: unknown };
    expect(inside.config).toEqual({ global: { hub: 'mine' }, defaultRevision: 'canary' });
  });

  it('points the validator of the base release elsewhere, and leaves everything else of it to helm', async () => {
    const world = new HelmWorld();
    const [before] = [world.cluster.objects.get('ValidatingWebhookConfiguration//istiod-default-validator')];
    await world.toTheEnd(await world.plan(FINISH));
    const after = world.cluster.objects.get('ValidatingWebhookConfiguration//istiod-default-validator');
    expect(JSON.stringify(after).replaceAll('"canary"', '"default"').replaceAll('istiod-canary', 'istiod')).toBe(
      JSON.stringify({ ...before, metadata: { ...before?.metadata, resourceVersion: after?.metadata.resourceVersion } }),
    );
  });

  it('is taken back with every release as it was', async () => {
    const world = new HelmWorld();
    const before = picture(world);
    await world.toTheEnd(await world.plan(FINISH));
    expect((await world.back()).outcome).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
    expect(releasesIn(world.cluster)).toEqual(BEFORE.filter((release) => release !== 'istiod 1 superseded'));
  });

  it('keeps no values of a release where everybody may read them', async () => {
    const world = new HelmWorld();
    world.cluster.put(helmRecord({ name: 'istio-base', version: 1, chart: 'base', values: { secret: 'hush' } }));
    await world.toTheEnd(await world.plan(FINISH));
    await world.back();
    const record = await world.store.load(world.run);
    expect(JSON.stringify([record.plan, record.backPlan, record.events, world.news])).not.toContain('hush');
  });

  it('keeps the records of a chart that holds more than the control plane, and says so', async () => {
    const world = new HelmWorld({ chart: 'platform' });
    const plan = await world.plan(FINISH);
    expect(stepOf(plan, 'removeControlPlane')?.notes).toEqual([expect.stringContaining('its chart is platform')]);
    await world.toTheEnd(plan);
    expect(releasesIn(world.cluster)).toContain('istiod 2 deployed');
  });
});

describe('a driver that is killed', () => {
  it.each(['install Deployment', 'helm install'])('at %s leaves a pending release, and the next one leaves none', async (call) => {
    const world = new HelmWorld();
    const plan = await world.plan(FINISH);
    await world.killedAt(call, () => world.toTheEnd(plan));
    expect(releasesIn(world.cluster)).toContain('istiod-canary 1 pending-install');
    expect((await world.onToTheEnd()).outcome).toBe('finished');
    expect(releasesIn(world.cluster)).toEqual(AFTER);
    expect(Math.max(...world.cluster.restarts.values())).toBe(1);
  });

  it('while the base release is upgraded leaves it pending, and the next one leaves it deployed', async () => {
    const world = new HelmWorld();
    const plan = await world.plan(FINISH);
    await world.killedAt('helm upgrade', () => world.toTheEnd(plan));
    expect(releasesIn(world.cluster)).toContain('istio-base 2 pending-upgrade');
    expect((await world.onToTheEnd()).outcome).toBe('finished');
    expect(releasesIn(world.cluster)).toEqual(AFTER);
  });

  it.each(['install Deployment', 'helm install', 'helm upgrade', 'deleteObject'])(
    'at %s is taken back, and no release is left pending',
    async (call) => {
      const world = new HelmWorld();
      const before = picture(world);
      const plan = await world.plan(FINISH);
      await world.killedAt(call, () => world.toTheEnd(plan));
      expect((await world.back()).outcome).toBe('rolled-back');
      expect(picture(world)).toEqual(before);
    },
  );
});

/** Dies at the nth call of anything, and another driver goes on; `false` when the whole needs no more calls than that. */
async function diesAt(world: HelmWorld, nth: number, go: () => Promise<unknown>): Promise<boolean> {
  let calls = 0;
  world.cluster.hook = () => {
    calls += 1;
    if (calls === nth) throw new Error('killed');
  };
  await go().catch(() => undefined);
  world.cluster.hook = () => undefined;
  world.killDriver();
  return calls >= nth;
}

describe('killed anywhere', () => {
  it('it ends with the new releases alone, and goes back to the old ones alone', async () => {
    for (let nth = 1; ; nth += 1) {
      const world = new HelmWorld();
      const before = picture(world);
      const plan = await world.plan(FINISH);
      const died = await diesAt(world, nth, () => world.toTheEnd(plan));
      if (world.store.runs.size === 0) continue;
      if (died) expect([nth, (await world.onToTheEnd()).outcome]).toEqual([nth, 'finished']);
      expect([nth, releasesIn(world.cluster)]).toEqual([nth, AFTER]);
      const diedAgain = await diesAt(world, nth, () => world.back());
      if (diedAgain) expect([nth, (await world.back()).outcome]).toEqual([nth, 'rolled-back']);
      expect([nth, picture(world)]).toEqual([nth, before]);
      if (!died) break;
    }
  });
});

describe('a release that is in the way', () => {
  it('of the base chart, pending since the plan was made: the step fails and names the way out', async () => {
    const world = new HelmWorld();
    const moved = await world.apply({ ...FINISH, finish: {} });
    expect(moved.outcome).toBe('moved');
    world.cluster.put(helmRecord({ name: 'istio-base', version: 2, status: 'pending-upgrade', chart: 'base' }));
    const failed = await finishRun(world.driver(), world.run, NEVER);
    expect([failed.outcome, failed.problem?.code]).toEqual(['failed', 'TOOL-006']);
    expect(failed.problem?.details.next.map((step) => step.command)).toContain('helm rollback istio-base -n istio-system');
  });

  it.each([
    ['pending', helmRecord({ name: 'istiod', version: 3, status: 'pending-upgrade' }), 'HELM-001'],
    ['the name of the new one', helmRecord({ name: 'istiod-canary' }), 'HELM-002'],
    ['the name of the new one, pending', helmRecord({ name: 'istiod-canary', status: 'pending-install' }), 'HELM-001'],
  ])('%s: refused before anything is changed', async (_name, record, code) => {
    const world = new HelmWorld();
    world.cluster.put(record);
    const { report } = await planUpgrade(world.driver(), request(FINISH));
    expect(report.findings.filter((finding) => finding.level === 'error').map((finding) => finding.code)).toEqual([code]);
  });

  it('of the base chart, when the new control plane does not come by helm: refused with the command', async () => {
    const world = new HelmWorld();
    const { report } = await planUpgrade(world.driver(), request({ install: { with: 'manifests', paths: ['x'] } }));
    const [finding] = report.findings.filter(({ code }) => code === 'HELM-004');
    expect(finding?.next[0]).toContain('helm upgrade istio-base CHART -n istio-system --reuse-values --set defaultRevision=canary');
  });
});

it('CRDs belong to the base release afterwards', async () => {
  const world = new HelmWorld();
  await world.apply(FINISH);
  const crd = [...world.cluster.objects.values()].find(({ kind }) => kind === 'CustomResourceDefinition');
  expect(crd?.metadata.annotations).toMatchObject({ 'meta.helm.sh/release-name': 'istio-base' });
});
