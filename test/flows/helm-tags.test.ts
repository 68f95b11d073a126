/** Tags of a Helm release: they change hands in the write that moves them, and the new release lists them, also after a kill. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { ownerOf } from '../../src/core/mesh/object-owner.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun } from '../../src/flows/start-run.ts';
import type { TagAdoption } from '../../src/ports/installer.ts';
import { helmRecord } from '../kit/fake-releases.ts';
import { defaultObjects, tagObjects } from '../kit/istio-objects.ts';
import { NEVER, World } from '../kit/world.ts';

const OLD = 'istiod-old';
const NEW = 'istiod-canary';

/** As Helm leaves what is in the manifest of a release. */
function owned(object: KubeObject, release: string): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: {
        ...object.metadata.labels,
        release,
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/instance': release,
        'operator.istio.io/component': 'Pilot',
      },
      annotations: { 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': 'istio-system' },
    },
  };
}

class Killed extends Error {}

class HelmWorld extends World {
  readonly adoptions: TagAdoption['tags'][] = [];
  /** helm dies in the middle when it is to list this tag, or any. */
  diesFor: string | undefined;
  #version = 1;

  constructor() {
    super();
    this.cluster
      .put(...['prod', 'next'].flatMap((tag) => tagObjects(tag, 'default')).map((object) => owned(object, OLD)))
      .put(helmRecord({ name: NEW, values: {} }))
      .namespace('shop', { 'istio.io/rev': 'prod' })
      .workload('shop', 'web', 1);
    this.installer.rendered = this.installer.rendered.map((o) => (/Webhook|Service$|Deployment/.test(o.kind) ? owned(o, NEW) : o));
    Object.assign(this.installer, { adoptTags: (adoption: TagAdoption) => this.#adopt(adoption) });
  }

  async #adopt({ release, tags }: TagAdoption): Promise<void> {
    this.#version += 1;
    const record = { name: release.name, version: this.#version, values: { revisionTags: tags } };
    if (this.diesFor !== undefined && tags.some((tag) => tag === this.diesFor || this.diesFor === 'any')) {
      this.cluster.put(helmRecord({ ...record, status: 'pending-upgrade' }));
      this.killDriver();
      throw new Killed();
    }
    this.adoptions.push(tags);
    this.cluster.put(helmRecord(record));
    return Promise.resolve();
  }

  owner(tag: string): unknown {
    const keys = [`MutatingWebhookConfiguration//istio-revision-tag-${tag}`, `Service/istio-system/istiod-revision-tag-${tag}`];
    return keys.map((key) => ownerOf(this.cluster.objects.get(key) as KubeObject)).map((owner) => owner.kind === 'helm' && owner.release);
  }

  records(): string[] {
    return [...this.cluster.objects.keys()].filter((key) => key.startsWith(`Secret/istio-system/sh.helm.release.v1.${NEW}`));
  }

  /** The tag of the default is one of the old release, too. */
  withDefault(): this {
    const tag = defaultObjects('default').filter(({ kind }) => kind !== 'ValidatingWebhookConfiguration');
    this.cluster.put(...tag.map((object) => owned(object, OLD)));
    return this;
  }

  async upgrade(): Promise<void> {
    await this.apply({ install: { with: 'helm', charts: 'charts' } });
  }
}

describe('tags of the old release', () => {
  it('go to the new one, which lists them', async () => {
    const world = new HelmWorld();
    await world.upgrade();
    expect([world.owner('prod'), world.adoptions]).toEqual([[OLD, OLD], []]);
    expect((await finishRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    expect([world.owner('prod'), world.owner('next')]).toEqual([
      [NEW, NEW],
      [NEW, NEW],
    ]);
    expect(world.adoptions).toEqual([['next'], ['next', 'prod']]);
  });

  it('are as before after the way back', async () => {
    const world = new HelmWorld();
    const tags = (): unknown => Object.entries(world.cluster.snapshot()).filter(([key]) => key.includes('revision-tag-'));
    const before = tags();
    await world.upgrade();
    await finishRun(world.driver(), world.run, NEVER);
    expect((await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER })).outcome).toBe('rolled-back');
    expect(tags()).toEqual(before);
  });

  it('are not deleted by what a killed helm left: its record goes, and it begins anew', async () => {
    const world = new HelmWorld();
    await world.upgrade();
    world.diesFor = 'any';
    await expect(finishRun(world.driver(), world.run, NEVER)).rejects.toThrow(Killed);
    expect([world.owner('next'), world.records()]).toEqual([
      [NEW, NEW],
      [1, 2].map((v) => `Secret/istio-system/sh.helm.release.v1.${NEW}.v${v}`),
    ]);
    world.diesFor = undefined;
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    expect(world.records().map((key) => key.at(-1))).toEqual(['1', '3', '4']);
    expect(world.adoptions.at(-1)).toEqual(['next', 'prod']);
    expect(world.owner('prod')).toEqual([NEW, NEW]);
  });

  it('are named in the plan with what becomes of them', async () => {
    const world = new HelmWorld();
    const { steps } = await world.plan({ install: { with: 'helm', charts: 'charts' } });
    const moves = steps.filter((step) => step.kind === 'moveTag');
    expect(moves.map((step) => [step.tag, step.helmRelease, step.heir?.name])).toEqual([
      ['next', OLD, NEW],
      ['prod', OLD, NEW],
    ]);
    const without = (await world.plan()).steps.filter((step) => step.kind === 'moveTag');
    expect(without.map((step) => [step.heir, step.notes])).toEqual(
      ['next', 'prod'].map(() => [undefined, [`the Helm release ${OLD} owns it; afterwards no release does`]]),
    );
  });
});

describe('the default as a tag of the old release', () => {
  const finish = async (world: HelmWorld): Promise<unknown> => (await finishRun(world.driver(), world.run, NEVER)).outcome;

  it('goes to the new one with the default, and is listed beside the others', async () => {
    const world = new HelmWorld().withDefault();
    await world.upgrade();
    expect(await finish(world)).toBe('finished');
    expect(world.owner('default')).toEqual([NEW, NEW]);
    expect(world.adoptions).toEqual([['next'], ['next', 'prod'], ['next', 'prod', 'default']]);
  });

  it('is said in the plan; without helm at hand with the command that lists all of them', async () => {
    const world = new HelmWorld().withDefault();
    const step = (await world.plan({ install: { with: 'helm', charts: 'charts' } })).steps.find((one) => one.kind === 'moveDefault');
    expect(step).toMatchObject({
      heir: { name: NEW, namespace: 'istio-system' },
      notes: [`tag default: the Helm release ${NEW} takes it over from ${OLD}, in the same write`],
    });
    const bare = (await world.plan()).steps.find((one) => one.kind === 'moveDefault');
    expect([bare?.heir, bare?.notes]).toEqual([undefined, [`tag default: the Helm release ${OLD} owns it; afterwards no release does`]]);
    expect(
      (await new HelmWorld().plan({ install: { with: 'helm', charts: 'charts' } })).steps.find((one) => one.kind === 'moveDefault')?.heir,
    ).toBe(undefined);
  });

  it('is listed after a kill in the middle of it', async () => {
    const world = new HelmWorld().withDefault();
    await world.upgrade();
    world.diesFor = 'default';
    await expect(finishRun(world.driver(), world.run, NEVER)).rejects.toThrow(Killed);
    expect(world.owner('default')).toEqual([NEW, NEW]);
    world.diesFor = undefined;
    expect((await resumeRun(world.driver(), world.run, NEVER)).outcome).toBe('finished');
    expect(world.adoptions.at(-1)).toEqual(['next', 'prod', 'default']);
  });

  it('is as before after the way back', async () => {
    const world = new HelmWorld().withDefault();
    const tags = (): unknown => Object.entries(world.cluster.snapshot()).filter(([key]) => key.includes('revision-tag-'));
    const before = tags();
    await world.upgrade();
    await finish(world);
    expect((await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER })).outcome).toBe('rolled-back');
    expect(tags()).toEqual(before);
  });

  it('is taken from the record of a release that was there before the run, too', async () => {
    const world = new HelmWorld().withDefault();
    await world.apply({ action: 'install', install: { with: 'helm', charts: 'charts' } });
    await world.driver().store.forget(world.run);
    const records = world.records();
    await world.apply({ install: { with: 'helm', charts: 'charts' } });
    await finish(world);
    expect(world.records()).not.toEqual(records);
    expect((await rollBack(world.driver(), { name: world.run, reason: 'test', stopSignal: NEVER })).outcome).toBe('rolled-back');
    expect(world.records()).toEqual(records);
  });
});
