/** Objects that only the old revision or old proxies obey, from the plan to the finish and back. */
import { describe, expect, it } from 'vitest';
import { planUpgrade } from '../../src/flows/plan-upgrade.ts';
import { expectPlanFits, finishRun, resumeRun, startRun } from '../../src/flows/start-run.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { decodePlan, encodePlan } from '../../src/core/plan/plan-file.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { controlPlaneObjects } from '../kit/istio-objects.ts';
import { destinationRule, envoyFilter, sha256 } from '../kit/pinned-objects.ts';
import { codeOf, NEVER, request, World } from '../kit/world.ts';

const OLD = String.raw`^1\.28.*`;
const NEW = String.raw`^1\.29.*`;
const ISTIOS_OWN = /^(EnvoyFilter|DestinationRule)/;
const back = { reason: 'test', stopSignal: NEVER };

function shop(...objects: readonly KubeObject[]): World {
  const world = new World().withShop();
  world.cluster.put(...objects);
  return world;
}

/** One of each kind: by label, by version, by both. */
const THREE = [destinationRule('default'), envoyFilter([OLD]), envoyFilter([OLD, undefined], { name: 'both', rev: 'default' })];

function picture(world: World): Record<string, unknown> {
  return Object.fromEntries(Object.entries(world.cluster.snapshot()).filter(([key]) => !key.startsWith('CustomResourceDefinition')));
}

function names(world: World): string[] {
  return [...world.cluster.objects.values()]
    .filter((o) => ISTIOS_OWN.test(o.kind))
    .map((o) => `${o.kind}/${o.metadata.name}`)
    .toSorted();
}

const SOURCES = ['DestinationRule/cart', 'EnvoyFilter/both', 'EnvoyFilter/headers'];
const COPIES = ['DestinationRule/cart-canary', 'EnvoyFilter/both-canary', 'EnvoyFilter/headers-canary'];

async function findings(world: World, more: Record<string, unknown> = {}): Promise<string[]> {
  const { report } = await planUpgrade(world.driver(), request(more));
  return report.findings.filter((f) => f.code.startsWith('CONF')).map((f) => `${f.code} ${f.level} ${f.objects.join(',')}`);
}

describe('an upgrade', () => {
  it('copies them before anything moves, and removes the old ones with the old control plane', async () => {
    const world = shop(...THREE);
    const plan = await world.plan();
    expect(plan.steps.map((step) => step.kind).slice(0, 4)).toEqual([
      'crds',
      'installControlPlane',
      'copyRevisionedObjects',
      'labelNamespace',
    ]);
    expect((await startRun(world.driver(), plan, NEVER)).outcome).toBe('moved');
    expect(names(world)).toEqual([...SOURCES, ...COPIES].toSorted());
    const { outcome, record } = await finishRun(world.driver(), world.run, NEVER);
    expect([outcome, names(world)]).toEqual(['finished', COPIES]);
    const copy = world.cluster.objects.get('EnvoyFilter/shop/both-canary');
    expect([copy?.metadata.labels, JSON.stringify(copy?.['spec'])]).toEqual([
      { 'istio.io/rev': 'canary' },
      expect.stringContaining(JSON.stringify(NEW).slice(1, -1)),
    ]);
    expect(record.state.phase).toBe('finished');
  });

  it('says in the plan what becomes of each, and that it was written for the old version', async () => {
    const steps = (await shop(...THREE).plan()).steps;
    expect(steps.find((step) => step.kind === 'copyRevisionedObjects')?.notes).toEqual([
      'DestinationRule shop/cart → cart-canary; written for 1.28.2, so look whether it fits 1.29.1',
      `EnvoyFilter shop/both → both-canary, proxyVersion ${OLD} → ${NEW}; written for 1.28.2, so look whether it fits 1.29.1`,
      `EnvoyFilter shop/headers → headers-canary, proxyVersion ${OLD} → ${NEW}; written for 1.28.2, so look whether it fits 1.29.1`,
    ]);
    expect(steps.at(-1)?.notes).toEqual([
      'DestinationRule shop/cart goes with it: its copy took its place',
      'EnvoyFilter shop/both goes with it: its copy took its place',
      `EnvoyFilter shop/headers goes if no proxy is left that ${OLD} matches`,
    ]);
    expect(
      steps
        .at(-1)
        ?.changes.slice(0, 3)
        .map(({ action, ref }) => `${action} ${ref.kind}/${ref.name}`),
    ).toEqual(['delete DestinationRule/cart', 'delete EnvoyFilter/both', 'delete EnvoyFilter/headers']);
  });

  it('has no such step when nothing is pinned, and asks for no such permission', async () => {
    const world = shop(envoyFilter([undefined]));
    for (const verb of ['create', 'update', 'delete']) world.cluster.denied.add(`${verb} *`);
    const { plan, report } = await planUpgrade(world.driver(), request());
    expect([plan.steps.some((s) => s.kind === 'copyRevisionedObjects'), plan.steps.at(-1)?.notes]).toEqual([false, undefined]);
    expect(report.findings.map((f) => f.code)).not.toContain('PLAT-001');
    world.cluster.put(destinationRule('default'));
    expect((await planUpgrade(world.driver(), request())).report.findings.map((f) => f.code)).toContain('PLAT-001');
  });

  it('finds them, and refuses nothing', async () => {
    expect(await findings(shop(...THREE))).toEqual([
      'CONF-001 info DestinationRule/shop/cart,EnvoyFilter/shop/both',
      'CONF-008 info EnvoyFilter/shop/both',
      'CONF-008 info EnvoyFilter/shop/headers',
    ]);
    expect(await findings(shop())).toEqual([]);
  });

  it('keeps a filter of old proxies while there is such a proxy, and says so', async () => {
    const world = shop(envoyFilter([OLD]));
    world.cluster
      .put(...controlPlaneObjects({ revision: 'third', version: '1.28.5' }))
      .namespace('lab', { 'istio.io/rev': 'third' })
      .workload('lab', 'slow');
    await world.apply({ from: { revision: 'default' } });
    const { outcome, record } = await finishRun(world.driver(), world.run, NEVER);
    expect([outcome, names(world)]).toEqual(['finished', ['EnvoyFilter/headers', 'EnvoyFilter/headers-canary']]);
    const done = record.events.flatMap((event) => (event.type === 'StepDone' ? event.evidence : []));
    expect(done).toContain(`EnvoyFilter shop/headers stays: there were proxies that ${OLD} matches, or of unknown version`);
    expect((await rollBack(world.driver(), { name: world.run, ...back })).outcome).toBe('rolled-back');
    expect(names(world)).toEqual(['EnvoyFilter/headers']);
  });

  it('leaves what somebody changed after it was copied, and says so', async () => {
    const world = shop(...THREE);
    await world.apply();
    const changed = destinationRule('default', { metadata: { labels: { 'istio.io/rev': 'default', team: 'b' } } });
    world.cluster.put(changed);
    const { outcome, record } = await finishRun(world.driver(), world.run, NEVER);
    expect([outcome, names(world)]).toEqual(['finished', [...COPIES, 'DestinationRule/cart'].toSorted()]);
    const done = record.events.flatMap((event) => (event.type === 'StepDone' ? event.evidence : []));
    expect(done).toContain('DestinationRule shop/cart stays: it was changed after its copy was planned');
    expect((await rollBack(world.driver(), { name: world.run, ...back })).outcome).toBe('rolled-back');
    expect([names(world), world.cluster.objects.get('DestinationRule/shop/cart')?.metadata.labels]).toEqual([
      SOURCES,
      changed.metadata.labels,
    ]);
  });

  it('never removes a filter that still applies to new proxies', async () => {
    const world = shop(envoyFilter([OLD, undefined]));
    await world.apply();
    await finishRun(world.driver(), world.run, NEVER);
    expect(names(world)).toEqual(['EnvoyFilter/headers', 'EnvoyFilter/headers-canary']);
  });

  it('one that came after the plan keeps the old revision in use', async () => {
    const world = shop(...THREE);
    await world.apply();
    world.cluster.put(destinationRule('default', { name: 'late' }));
    const { outcome, problem } = await finishRun(world.driver(), world.run, NEVER);
    expect([outcome, problem?.code, problem?.details.what]).toEqual([
      'failed',
      'RUN-030',
      expect.stringContaining('DestinationRule shop/late'),
    ]);
    expect(names(world)).toEqual(expect.arrayContaining(SOURCES));
    world.cluster.remove('DestinationRule', 'late', 'shop');
    expect((await finishRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
  });

  it('in parts ends like all at once', async () => {
    const world = shop(...THREE);
    await world.apply({ action: 'install' });
    expect(names(world)).toEqual(SOURCES);
    await world.apply({ action: 'migrate', to: { revision: 'canary' }, install: undefined, scope: { namespaces: ['shop'], skip: [] } });
    expect(names(world)).toEqual([...SOURCES, ...COPIES].toSorted());
    await world.apply({ action: 'uninstall', from: { revision: 'default' }, to: { revision: 'canary' }, install: undefined });
    // A filter of old proxies is no matter of the revision.
    expect(names(world)).toEqual([...COPIES, 'EnvoyFilter/headers'].toSorted());
  });

  it('a removal alone is refused while there is no copy', async () => {
    const world = shop(destinationRule('default'));
    await world.apply({ action: 'install' });
    const uninstall = { action: 'uninstall', from: { revision: 'default' }, to: { revision: 'canary' }, install: undefined };
    expect(await findings(world, uninstall)).toEqual(['CONF-001 error DestinationRule/shop/cart']);
  });
});

describe('what is in the way', () => {
  const copyOf = (spec: unknown): KubeObject => ({ ...envoyFilter([NEW], { name: 'headers-canary' }), spec });

  it('copies that are there: nothing to do, and the way back leaves them', async () => {
    const world = shop(envoyFilter([OLD]), envoyFilter([NEW], { name: 'headers-canary' }));
    expect((await world.plan()).steps.map((s) => s.kind)).not.toContain('copyRevisionedObjects');
    await world.apply();
    await rollBack(world.driver(), { name: world.run, ...back });
    expect(names(world)).toEqual(['EnvoyFilter/headers', 'EnvoyFilter/headers-canary']);
  });

  it('objects that somebody made ready for the new revision stay when it is taken back', async () => {
    const mine = destinationRule('canary', { name: 'cart-canary' });
    const world = shop(destinationRule('default'), mine, destinationRule('canary', { name: 'other' }));
    await world.apply();
    expect((await rollBack(world.driver(), { name: world.run, ...back })).outcome).toBe('rolled-back');
    expect(names(world)).toEqual(['DestinationRule/cart', 'DestinationRule/cart-canary', 'DestinationRule/other']);
  });

  it('a name that is taken', async () => {
    const world = shop(envoyFilter([OLD]), copyOf({ configPatches: [] }));
    expect(await findings(world)).toEqual(['CONF-011 error EnvoyFilter/shop/headers']);
    expect(await codeOf(expectPlanFits(world.driver(), await world.plan()))).toBe('CHEK-001');
    expect(await findings(world, { scope: { skipPinned: ['EnvoyFilter/shop/headers'] } })).toEqual([]);
  });

  it('a name that is taken between the plan and the step: nothing is overwritten', async () => {
    const world = shop(envoyFilter([OLD]));
    const plan = await world.plan();
    world.cluster.put(copyOf({ configPatches: [] }));
    const { outcome, problem } = await startRun(world.driver(), plan, NEVER);
    expect([outcome, problem?.code, world.cluster.objects.get('EnvoyFilter/shop/headers-canary')?.['spec']]).toEqual([
      'failed',
      'RUN-035',
      { configPatches: [] },
    ]);
    world.cluster.remove('EnvoyFilter', 'headers-canary', 'shop');
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('moved');
  });

  it('nothing, when the plan was in a file in between', async () => {
    const world = shop(...THREE);
    const plan = decodePlan(encodePlan(await world.plan(), sha256), 'plan.yaml', sha256);
    expect(plan instanceof Problem).toBe(false);
    expect(await codeOf(expectPlanFits(world.driver(), plan as Plan))).toBe('none');
    expect((await startRun(world.driver(), plan as Plan, NEVER)).outcome).toBe('moved');
  });

  it('an original that is another one than in the plan', async () => {
    const world = shop(envoyFilter([OLD]));
    const plan = await world.plan();
    world.cluster.put(envoyFilter([OLD, OLD]));
    expect(await codeOf(expectPlanFits(world.driver(), plan))).toBe('PLAN-013');
    expect((await startRun(world.driver(), plan, NEVER)).problem?.code).toBe('RUN-035');
    world.cluster.put(destinationRule('default'));
    const problem = await expectPlanFits(world.driver(), plan).catch((error: unknown) => error);
    expect((problem as Problem).details.what).toMatch(/DestinationRule\/shop\/cart is pinned, and not in the plan/);
  });

  it('an original that is gone is not copied', async () => {
    const world = shop(...THREE);
    const plan = await world.plan();
    world.cluster.remove('EnvoyFilter', 'headers', 'shop');
    const { outcome, record } = await startRun(world.driver(), plan, NEVER);
    expect([outcome, names(world)]).toEqual(['moved', [...SOURCES, ...COPIES].filter((name) => !name.includes('headers')).toSorted()]);
    const done = record.events.flatMap((event) => (event.type === 'StepDone' ? event.evidence : []));
    expect(done).toContain('EnvoyFilter shop/headers is gone and was not copied');
  });

  it('a webhook that refuses the copy: its words, and how to leave it out; what was made is taken back', async () => {
    const world = shop(...THREE);
    world.cluster.hook = (call, moment) => {
      if (call !== 'putObject' || moment !== 'before' || world.cluster.objects.has('EnvoyFilter/shop/both-canary') === false) return;
      throw new Problem('KUBE-006', { what: 'admission webhook "rev.validation.istio.io" denied the request: bad patch', next: [] });
    };
    const { outcome, problem } = await world.apply();
    expect([outcome, problem?.code]).toEqual(['failed', 'RUN-034']);
    expect(problem?.details.what).toMatch(/EnvoyFilter shop\/headers-canary.*bad patch/);
    expect(problem?.details.next.at(-1)?.command).toBe('meshlift plan --skip-pinned EnvoyFilter/shop/headers …');
    world.cluster.hook = () => undefined;
    await rollBack(world.driver(), { name: world.run, ...back });
    expect(names(world)).toEqual(SOURCES);
  });

  it('an expression that nobody can write anew', async () => {
    const world = shop(envoyFilter([String.raw`^1\.2[78]`]));
    expect(await findings(world)).toEqual(['CONF-008 error EnvoyFilter/shop/headers']);
    expect(await findings(world, { accept: ['CONF-008'] })).toEqual(['CONF-008 error EnvoyFilter/shop/headers']);
    expect(await findings(world, { scope: { skipPinned: ['EnvoyFilter/shop/headers'] } })).toEqual([]);
  });
});

describe('who does not want it', () => {
  it('leaves an object out: neither copied nor removed, and it keeps nothing in use', async () => {
    const world = shop(...THREE);
    const { outcome } = await world.apply({ scope: { skipPinned: ['DestinationRule/shop/cart', 'EnvoyFilter/shop/headers'] } });
    expect([outcome, (await finishRun(world.driver(), world.run, NEVER)).outcome]).toEqual(['moved', 'finished']);
    expect(names(world)).toEqual(['DestinationRule/cart', 'EnvoyFilter/both-canary', 'EnvoyFilter/headers']);
  });

  it('a name that nothing has is a mistake', async () => {
    expect(await codeOf(shop(...THREE).plan({ scope: { skipPinned: ['EnvoyFilter/shop/nothing'] } }))).toBe('MESH-010');
  });

  it('what Helm keeps is refused; when accepted it is copied, and the original stays', async () => {
    const kept = destinationRule('default', { metadata: { annotations: { 'meta.helm.sh/release-name': 'shop' } } });
    const world = shop(kept);
    expect(await findings(world)).toEqual(['CONF-010 error DestinationRule/shop/cart']);
    expect((await world.plan()).steps.map((s) => s.kind)).not.toContain('copyRevisionedObjects');
    await world.apply({ accept: ['CONF-010:DestinationRule/shop/cart'] });
    expect((await finishRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    expect(names(world)).toEqual(['DestinationRule/cart', 'DestinationRule/cart-canary']);
    expect(world.cluster.objects.get('DestinationRule/shop/cart-canary')?.metadata.annotations).toBeUndefined();
  });
});

describe('the way back', () => {
  it.each<[string, boolean]>([
    ['from the end of the moves', false],
    ['from the finish', true],
  ])('%s leaves everything as it was', async (_name, finished) => {
    const world = shop(...THREE);
    const before = picture(world);
    await world.apply();
    if (finished) await finishRun(world.driver(), world.run, NEVER);
    const { outcome, record } = await rollBack(world.driver(), { name: world.run, ...back });
    expect([outcome, picture(world)]).toEqual(['rolled-back', before]);
    const steps = record.backPlan?.steps.map((step) => (step.kind === 'restoreObject' ? `restore ${step.expect}` : step.kind)) ?? [];
    const copies = steps.indexOf('restore pinned');
    expect([steps.lastIndexOf('restartWorkload') < copies, steps.at(copies + 1), steps.at(-1)]).toEqual([
      true,
      'removeControlPlane',
      'removeControlPlane',
    ]);
    if (finished) expect(steps[0]).toBe('restore control-plane');
  });
});
