/** Tags: what follows one is moved before it, it moves at the finish, and the way back restores it; and one tag by itself. */
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { PodController, WebhookConfiguration } from '../../src/core/mesh/kube-objects.ts';
import { generateTag, planTagRemoval, planTagSet, removeTag, setTag } from '../../src/flows/change-tags.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun } from '../../src/flows/start-run.ts';
import { controlPlaneObjects, tagObjects } from '../kit/istio-objects.ts';
import { codeOf, NEVER, World } from '../kit/world.ts';

/** Two namespaces follow the tag prod, a third the default; the tag idle is there as well. */
function shops(): World {
  const world = new World();
  world.cluster
    .put(...tagObjects('prod', 'default'), ...tagObjects('idle', 'default'))
    .namespace('desk', { 'istio.io/rev': 'prod' })
    .workload('desk', 'app', 2)
    .namespace('shop', { 'istio.io/rev': 'prod' })
    .workload('shop', 'web', 1)
    .namespace('plain', { 'istio-injection': 'enabled' })
    .workload('plain', 'site', 1);
  return world;
}

function pointsTo(world: World, tag: string): unknown {
  const configuration = world.cluster.objects.get(`MutatingWebhookConfiguration//istio-revision-tag-${tag}`) as
    WebhookConfiguration | undefined;
  const service = world.cluster.objects.get(`Service/istio-system/istiod-revision-tag-${tag}`);
  const selector = (service?.['spec'] as { selector?: Record<string, string> } | undefined)?.selector;
  return [
    configuration?.metadata.labels?.['istio.io/rev'],
    [...new Set(configuration?.webhooks?.map((w) => w.clientConfig?.service?.name))].join(),
    selector?.['istio.io/rev'],
  ];
}

const CANARY = ['canary', 'istiod-canary', 'canary'];
const OLD = ['default', 'istiod', 'default'];
const labelOf = (world: World, namespace: string): unknown => world.cluster.objects.get(`Namespace//${namespace}`)?.metadata.labels;
const finish = (world: World): ReturnType<typeof finishRun> => finishRun(world.driver(), world.run, NEVER);
const back = (world: World): ReturnType<typeof rollBack> =>
  rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER });
const picture = (world: World): unknown => Object.entries(world.cluster.snapshot()).filter(([key]) => !key.startsWith('CustomResource'));

describe('an upgrade', () => {
  it('moves what follows a tag first; the tag and its labels come at the finish', async () => {
    const world = shops();
    const { steps } = await world.plan();
    const of = (phase: string): string[] => steps.filter((s) => s.phase === phase).map((s) => s.title.replace(/ +/g, ' '));
    expect(of('move').filter((title) => title.startsWith('label'))).toEqual([
      'label ns/desk istio.io/rev: prod → canary',
      'label ns/plain istio-injection: enabled → none, istio.io/rev: none → canary',
      'label ns/shop istio.io/rev: prod → canary',
    ]);
    expect(of('finish').map((title) => title.split(':')[0])).toEqual([
      'tag idle',
      'tag prod',
      'label ns/desk istio.io/rev',
      'label ns/shop istio.io/rev',
      'default',
      'remove default (1.28.2)',
    ]);
    expect((await world.apply()).outcome).toBe('moved');
    expect([world.cluster.revisionsOf('desk'), pointsTo(world, 'prod'), labelOf(world, 'desk')]).toEqual([
      { canary: 2 },
      OLD,
      { 'istio.io/rev': 'canary' },
    ]);
    expect((await finish(world)).outcome).toBe('finished');
    expect([pointsTo(world, 'prod'), pointsTo(world, 'idle')]).toEqual([CANARY, CANARY]);
    expect([labelOf(world, 'desk'), labelOf(world, 'shop'), labelOf(world, 'plain')]).toEqual([
      { 'istio.io/rev': 'prod' },
      { 'istio.io/rev': 'prod' },
      { 'istio.io/rev': 'canary' },
    ]);
    expect([...world.cluster.restarts.values()]).toEqual([1, 1, 1]);
    expect(world.cluster.objects.has('Deployment/istio-system/istiod')).toBe(false);
  });

  it('is taken back from its end, every object as before', async () => {
    const world = shops();
    const before = picture(world);
    await world.apply();
    await finish(world);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect(picture(world)).toEqual(before);
    expect([world.cluster.revisionsOf('desk'), world.cluster.revisionsOf('shop')]).toEqual([{ default: 2 }, { default: 1 }]);
  });

  it('of one namespace leaves a tag that another one follows, and names who does', async () => {
    const world = shops();
    await world.apply({ scope: { namespaces: ['shop', 'plain'] } });
    const { outcome, problem } = await finish(world);
    expect([outcome, problem?.code]).toEqual(['failed', 'TAGS-010']);
    expect(problem?.details.what).toContain('desk/deployment/app');
    expect([pointsTo(world, 'prod'), pointsTo(world, 'idle')]).toEqual([OLD, CANARY]);
  });

  it('that shall keep tags leaves them and what follows them', async () => {
    const world = shops();
    const { steps, notMoved } = await world.plan({ finish: { moveTags: false } });
    expect(steps.some((step) => step.kind === 'moveTag')).toBe(false);
    expect(notMoved.map((stay) => stay.workload)).toEqual(['desk/deployment/app', 'shop/deployment/web']);
  });

  it('relabels what follows a tag, or the old revision, by a label of its own, and gives the labels back', async () => {
    const world = shops();
    world.cluster
      .namespace('bare')
      .workload('bare', 'lone', 2, 'Deployment', { labels: { 'istio.io/rev': 'prod' } })
      .workload('bare', 'store', 2, 'StatefulSet', { labels: { 'istio.io/rev': 'default' } });
    const before = picture(world);
    const labels = (): unknown =>
      ['Deployment/bare/lone', 'StatefulSet/bare/store'].map(
        (key) => (world.cluster.objects.get(key) as PodController).spec?.template?.metadata?.labels?.['istio.io/rev'],
      );
    const { steps, notMoved } = await world.plan();
    expect(notMoved).toEqual([]);
    expect(steps.find((step) => step.title.includes('deploy/lone'))).toMatchObject({
      kind: 'restartWorkload',
      title: 'restart deploy/lone in bare, istio.io/rev: prod → canary',
      templateLabel: { from: 'prod', to: 'canary' },
      notes: ['its manifest still says istio.io/rev=prod: say canary there before it is deployed again'],
    });
    await world.apply();
    expect([world.cluster.revisionsOf('bare'), labels()]).toEqual([{ canary: 4 }, ['canary', 'canary']]);
    expect((await finish(world)).outcome).toBe('finished');
    expect(pointsTo(world, 'prod')).toEqual(CANARY);
    expect((await back(world)).outcome).toBe('rolled-back');
    expect([world.cluster.revisionsOf('bare'), labels(), pointsTo(world, 'prod')]).toEqual([{ default: 4 }, ['prod', 'default'], OLD]);
    expect(picture(world)).toEqual(before);
  });

  it('stops at a tag that somebody pointed elsewhere, and goes on past one that is gone', async () => {
    const world = shops();
    world.cluster.put(...controlPlaneObjects({ revision: 'other', version: '1.28.2' }));
    await world.apply({ from: { revision: 'default' } });
    world.cluster.remove('MutatingWebhookConfiguration', 'istio-revision-tag-idle');
    world.cluster.put(...tagObjects('prod', 'other'));
    const { outcome, problem, record } = await finish(world);
    expect([outcome, problem?.code]).toEqual(['failed', 'TAGS-009']);
    expect(problem?.details.what).toContain('points to other');
    expect([...record.state.steps].filter(([id]) => id.includes('-tag-')).map(([, status]) => status)).toEqual(['skipped', 'failed']);
  });

  it('does not move a tag while something that may follow it could not be read', async () => {
    const world = shops();
    await world.apply();
    world.cluster.unread = [{ what: 'jobs in all namespaces', why: 'no permission' }];
    expect((await finish(world)).problem?.code).toBe('RUN-031');
  });

  it('is planned again when a tag points elsewhere than the plan found it', async () => {
    const world = shops();
    const plan = await world.plan();
    world.cluster.put(...controlPlaneObjects({ revision: 'other', version: '1.28.2' }), ...tagObjects('idle', 'other'));
    const { expectPlanFits } = await import('../../src/flows/start-run.ts');
    const fits = expectPlanFits(world.driver(), { ...plan, request: { ...plan.request, from: { revision: 'default' } } });
    expect(await codeOf(fits)).toBe('PLAN-013');
  });
});

/** Two control planes; the tag prod points to the older one. */
function two(): World {
  const world = shops();
  world.cluster.put(...controlPlaneObjects({ revision: 'canary', version: '1.29.1' }));
  return world;
}

/** The istiod of canary stops answering for good. */
function falls(world: World): void {
  world.cluster.istiods.dead.add('canary');
  world.cluster.istiods.forget('istiod-canary');
}

const asked = { tag: 'prod', revision: 'canary', overwrite: true, autoInject: false };

describe('tag set', () => {
  it('says what it moves, writes it, and sees a pod of a following namespace injected', async () => {
    const world = two();
    const planned = await planTagSet(world.driver(), asked);
    expect(planned.users.workloads.map(({ workload }) => `${workload.namespace}/${workload.name}`)).toEqual(['desk/app', 'shop/web']);
    expect(planned.moves.map(({ after }) => after.kind)).toEqual(['MutatingWebhookConfiguration', 'Service']);
    expect(await setTag(world.driver(), planned)).toEqual({ namespace: 'desk' });
    expect(pointsTo(world, 'prod')).toEqual(CANARY);
    expect((await planTagSet(world.driver(), asked)).moves).toEqual([]);
    expect(world.cluster.restarts.size).toBe(0);
  });

  it('makes a tag that is new, tried by the label of a pod', async () => {
    const world = two();
    const planned = await planTagSet(world.driver(), { ...asked, tag: 'fresh', overwrite: false });
    expect([planned.from, await setTag(world.driver(), planned), pointsTo(world, 'fresh')]).toEqual([undefined, {}, CANARY]);
  });

  it('of the default moves injection, validation and leadership', async () => {
    const world = two();
    const planned = await planTagSet(world.driver(), { ...asked, tag: 'default' });
    expect(planned.moves.map(({ after }) => after.metadata.name)).toEqual([
      'istio-revision-tag-default',
      'istiod-default-validator',
      'istiod-revision-tag-default',
    ]);
    expect(await setTag(world.driver(), planned)).toEqual({ namespace: 'plain' });
    expect(pointsTo(world, 'default')).toEqual(CANARY);
  });

  it.each<[string, string, object]>([
    ['TAGS-002', 'a name with dots', { tag: 'prod.1' }],
    ['TAGS-003', 'the name of a revision', { tag: 'canary', revision: 'default' }],
    ['TAGS-004', 'one that exists', { overwrite: false }],
    ['MESH-002', 'an unknown revision', { revision: 'ghost' }],
    ['MESH-002', 'a tag in place of a revision', { revision: 'idle' }],
  ])('refuses with %s %s', async (code, _name, more) => {
    expect(await codeOf(planTagSet(two().driver(), { ...asked, ...more }))).toBe(code);
  });

  it.each<[string, (world: World) => void]>([
    ['no webhooks', (world) => world.cluster.remove('MutatingWebhookConfiguration', 'istio-sidecar-injector-canary')],
    ['no Service', (world) => world.cluster.remove('Service', 'istiod-canary', 'istio-system')],
    ['no ready pod', falls],
  ])('refuses a revision with %s', async (_name, spoil) => {
    const world = two();
    spoil(world);
    expect(await codeOf(planTagSet(world.driver(), asked))).toBe('TAGS-007');
  });

  it.each<[string, object]>([
    ['TAGS-005', { annotations: { 'meta.helm.sh/release-name': 'istiod' }, labels: { 'operator.istio.io/component': 'Pilot' } }],
    ['TAGS-006', { managedFields: [{ manager: 'argocd-controller' }] }],
  ])('refuses with %s what somebody else owns, and its removal as well', async (code, marks) => {
    const world = two();
    const [tag] = tagObjects('idle', 'default');
    const { labels, ...rest } = marks as { labels?: Record<string, string> };
    world.cluster.put({ ...tag, metadata: { ...tag?.metadata, ...rest, labels: { ...tag?.metadata.labels, ...labels } } } as never);
    expect(await codeOf(planTagSet(world.driver(), { ...asked, tag: 'idle' }))).toBe(code);
    expect(await codeOf(planTagRemoval(world.driver(), 'idle'))).toBe(code);
  });

  it('tells when a pod is not injected in the end', async () => {
    const world = two();
    const planned = await planTagSet(world.driver(), asked);
    falls(world);
    expect(await codeOf(setTag(world.driver(), planned))).toBe('TAGS-009');
  });

  it('waits for no run: while one is driven it is refused', async () => {
    const world = two();
    const planned = await planTagSet(world.driver(), asked);
    await world.driver().lock.acquire();
    expect(await codeOf(setTag(world.driver(), planned))).toBe('RUN-001');
  });
});

describe('tag remove', () => {
  it('removes the objects of a tag that nothing follows', async () => {
    const world = two();
    await removeTag(world.driver(), await planTagRemoval(world.driver(), 'idle'));
    expect(pointsTo(world, 'idle')).toEqual([undefined, '', undefined]);
  });

  it.each([
    ['TAGS-001', 'ghost'],
    ['TAGS-008', 'prod'],
    ['TAGS-011', 'default'],
  ])('refuses with %s the tag %s', async (code, tag) => {
    expect(await codeOf(planTagRemoval(two().driver(), tag))).toBe(code);
  });

  it('of a tag that only a pod follows names it', async () => {
    const world = two();
    world.cluster.namespace('bare').workload('bare', 'lone', 1, 'Deployment', { labels: { 'istio.io/rev': 'idle' } });
    const problem = await planTagRemoval(world.driver(), 'idle').catch((error: unknown) => error);
    expect(String(problem)).toContain('Deployment bare/lone, by its own label');
  });

  it('is refused while it is unknown who follows it', async () => {
    const world = two();
    world.cluster.unread = [{ what: 'pods in all namespaces', why: 'no permission' }];
    expect(await codeOf(planTagRemoval(world.driver(), 'idle'))).toBe('MESH-007');
  });

  it('of the default is possible where an unrevisioned control plane serves it by itself', async () => {
    const world = two();
    world.cluster.put(...controlPlaneObjects({ revision: 'default', version: '1.28.2' }), ...tagObjects('default', 'canary'));
    expect((await planTagRemoval(world.driver(), 'default')).heir).toBe('default');
  });
});

it('tag generate prints and writes nothing', async () => {
  const world = two();
  const before = world.cluster.snapshot();
  const objects = await generateTag(world.driver(), { tag: 'default', revision: 'canary', autoInject: true });
  expect(objects.map((o) => o.kind)).toEqual(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration', 'Service']);
  expect((objects[0] as WebhookConfiguration).webhooks).toHaveLength(5);
  expect(parse(JSON.stringify(objects))).toEqual(objects);
  expect(world.cluster.snapshot()).toEqual(before);
});
