/** Tags of a Helm release: they change hands in the write that moves them, and the new release lists them, also after a kill. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { ownerOf } from '../../src/core/mesh/object-owner.ts';
import { rollBack } from '../../src/flows/roll-back.ts';
import { finishRun, resumeRun } from '../../src/flows/start-run.ts';
import type { TagAdoption } from '../../src/ports/installer.ts';
import { helmRecord } from '../kit/fake-releases.ts';
import { tagObjects } from '../kit/istio-objects.ts';
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
  /** The next helm dies in the middle. */
  dies = false;
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
    if (this.dies) {
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
    world.dies = true;
    await expect(finishRun(world.driver(), world.run, NEVER)).rejects.toThrow(Killed);
    expect([world.owner('next'), world.records()]).toEqual([
      [NEW, NEW],
      [1, 2].map((v) => `Secret/istio-system/sh.helm.release.v1.${NEW}.v${v}`),
    ]);
    world.dies = false;
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
