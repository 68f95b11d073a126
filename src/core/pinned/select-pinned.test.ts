import { describe, expect, it } from 'vitest';
import { destinationRule, envoyFilter, pinnedOf } from '../../../test/kit/pinned-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { keeperOf } from './keeper.ts';
import { pinnedName } from './select-pinned.ts';
import { forRemoval, type PinnedPlan } from './settle-pinned.ts';
import { stillMatched } from './still-matched.ts';
import { configPatches } from './version-patches.ts';

const OLD = String.raw`^1\.28.*`;
const NEW = String.raw`^1\.29.*`;
const OPEN = String.raw`^1\.2[78]`;

function copies(plan: PinnedPlan): string[] {
  return plan.copies.map(({ source, copy, by }) => `${by}: ${source.metadata.name} → ${copy.metadata.name}`);
}

function expressionsOf(object: KubeObject | undefined): unknown[] {
  return object === undefined
    ? []
    : configPatches(object).map((patch) => (patch['match'] as { proxy?: { proxyVersion?: string } }).proxy?.proxyVersion);
}

describe('what is copied', () => {
  it.each<[string, KubeObject[], string[]]>([
    ['nothing', [], []],
    ['an object of any kind with the label of the old revision', [destinationRule('default')], ['revision: cart → cart-canary']],
    [
      'not one of another revision, a tag, or nobody',
      [destinationRule('other'), destinationRule('prod', { name: 'b' }), destinationRule('', { name: 'c' })],
      [],
    ],
    ['a filter of old proxies', [envoyFilter([OLD])], ['version: headers → headers-canary']],
    ['a filter of old proxies with the label: once', [envoyFilter([OLD], { rev: 'default' })], ['both: headers → headers-canary']],
    [
      'a filter with the label and of every version',
      [envoyFilter([undefined], { rev: 'default' })],
      ['revision: headers → headers-canary'],
    ],
    ['not a filter of every version', [envoyFilter([undefined, '', '1.2'])], []],
    ['not one of new proxies, and not one of much older ones', [envoyFilter([NEW]), envoyFilter([String.raw`^1\.20`], { name: 'b' })], []],
    ['not one that its author made ready for both', [envoyFilter([OLD, NEW])], []],
    ['not one that another revision reads', [envoyFilter([OLD], { rev: 'other' })], []],
    ['not one whose expression is not plain', [envoyFilter([OPEN])], []],
    ['but with the label', [envoyFilter([OPEN], { rev: 'default' })], ['both: headers → headers-canary']],
    [
      'in the order of their names',
      [envoyFilter([OLD], { name: 'b' }), envoyFilter([OLD], { name: 'a' }), destinationRule('default')],
      ['revision: cart → cart-canary', 'version: a → a-canary', 'version: b → b-canary'],
    ],
  ])('%s', (_name, objects, wanted) => {
    expect(copies(pinnedOf(objects))).toEqual(wanted);
  });

  it('proxies that lag behind their control plane are old, too', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'web', { on: 'default', proxyVersion: '1.27.4' });
    const filter = envoyFilter([String.raw`^1\.27`]);
    expect(copies(pinnedOf([filter]))).toEqual([]);
    const plan = pinnedOf([filter], { inventory: mesh.inventory() });
    expect([copies(plan), expressionsOf(plan.copies[0]?.copy)]).toEqual([['version: headers → headers-canary'], [String.raw`^1\.29`]]);
  });
});

describe('a copy', () => {
  it('without a label holds only what would stop to apply; one with the label everything', () => {
    const patches = [undefined, OLD, '1.2', OLD, OPEN];
    const [plain, labelled] = [pinnedOf([envoyFilter(patches)]), pinnedOf([envoyFilter(patches, { rev: 'default' })])].map(
      (plan) => plan.copies[0],
    );
    expect(expressionsOf(plain?.copy)).toEqual([NEW, NEW]);
    expect(expressionsOf(labelled?.copy)).toEqual([undefined, NEW, '1.2', NEW, OPEN]);
    expect([plain?.notRewritten, labelled?.notRewritten]).toEqual([[OPEN], [OPEN]]);
    expect([plain?.replacesSource, labelled?.replacesSource]).toEqual([false, true]);
    expect(pinnedOf([envoyFilter([OLD, OLD])]).copies[0]?.replacesSource).toBe(true);
  });

  it('is equal in everything that a person wrote', () => {
    const source = destinationRule('default', {
      metadata: {
        uid: 'u',
        resourceVersion: '7',
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        managedFields: [{ manager: 'kubectl' }],
        finalizers: ['x/y'],
        labels: { 'istio.io/rev': 'default', team: 'a', 'app.kubernetes.io/instance': 'mine' },
        annotations: { note: 'by hand', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
    });
    expect(pinnedOf([{ ...source, status: { x: 1 } }]).copies[0]?.copy).toEqual({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: {
        name: 'cart-canary',
        namespace: 'shop',
        labels: { 'istio.io/rev': 'canary', team: 'a', 'app.kubernetes.io/instance': 'mine' },
        annotations: { note: 'by hand' },
      },
      spec: source['spec'],
    });
  });

  it('never gets a label that its source does not have', () => {
    expect(pinnedOf([envoyFilter([OLD])]).copies[0]?.copy.metadata).toEqual({ name: 'headers-canary', namespace: 'shop' });
  });

  it('takes the place of the old revision in the name of an earlier copy', () => {
    const more = { from: { revision: '1-28-2', version: '1.28.2' }, to: { revision: '1-29-1', version: '1.29.1' } };
    const named = (...names: string[]): string[] =>
      copies(
        pinnedOf(
          names.map((name) => envoyFilter([OLD], { name, rev: '1-28-2' })),
          more,
        ),
      );
    expect(named('x-1-28-2')).toEqual(['both: x-1-28-2 → x-1-29-1']);
    expect(named('1-28-2')).toEqual(['both: 1-28-2 → 1-28-2-1-29-1']);
    expect(named('x', 'x-1-28-2')).toEqual(['both: x → x-1-29-1', 'both: x-1-28-2 → x-1-28-2-1-29-1']);
  });

  it('has a name that the API server takes, however long the other one is', () => {
    const names = [`${'a'.repeat(250)}.x`, `${'a'.repeat(250)}.y`].map(
      (name) => pinnedOf([envoyFilter([OLD], { name })]).copies[0]?.copy.metadata.name ?? '',
    );
    for (const name of names)
      expect([name.length <= 253, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name), name.endsWith('-canary')]).toEqual([true, true, true]);
    expect(new Set(names).size).toBe(2);
  });
});

describe('what is there already', () => {
  const whole = pinnedOf([envoyFilter([OLD], { rev: 'default' })]).copies[0]?.copy as KubeObject;
  const source = envoyFilter([OLD], { rev: 'default' });

  it.each<[string, KubeObject, 'present' | 'taken']>([
    ['an equal copy', whole, 'present'],
    ['with marks of the server', { ...whole, metadata: { ...whole.metadata, uid: 'u', resourceVersion: '1' } }, 'present'],
    ['with other labels beside', { ...whole, metadata: { ...whole.metadata, labels: { ...whole.metadata.labels, more: 'x' } } }, 'present'],
    ['of another revision', { ...whole, metadata: { ...whole.metadata, labels: { 'istio.io/rev': 'other' } } }, 'taken'],
    ['without a revision', { ...whole, metadata: { name: whole.metadata.name, namespace: 'shop' } }, 'taken'],
    ['with other content', { ...whole, spec: { configPatches: [] } }, 'taken'],
    ['with more content', { ...whole, spec: { ...(whole['spec'] as object), priority: 5 } }, 'taken'],
  ])('%s: %s', (_name, there, where) => {
    const plan = pinnedOf([source, there]);
    expect([plan.copies.length, plan.present.length, plan.taken.length]).toEqual([
      0,
      where === 'present' ? 1 : 0,
      where === 'taken' ? 1 : 0,
    ]);
  });

  it('a filter of another name that says the same for new proxies, made by hand', () => {
    const plan = pinnedOf([envoyFilter([OLD]), envoyFilter([NEW], { name: 'headers-for-29' })]);
    expect([plan.copies, plan.present.map(({ there }) => there.metadata.name), plan.gained]).toEqual([[], ['headers-for-29'], []]);
    const elsewhere = pinnedOf([envoyFilter([OLD]), envoyFilter([NEW], { name: 'headers-for-29', namespace: 'zoo' })]);
    expect([elsewhere.copies.length, elsewhere.gained.map(({ source: object }) => pinnedName(object))]).toEqual([
      1,
      ['EnvoyFilter/zoo/headers-for-29'],
    ]);
  });

  it('where only a removal was asked for, what has a copy is covered and the rest is not', () => {
    const plan = forRemoval(pinnedOf([source, whole, destinationRule('default'), envoyFilter([OLD], { name: 'by-version' })]));
    expect([plan.copies, plan.present.length, plan.uncovered.map(pinnedName)]).toEqual([[], 1, ['DestinationRule/shop/cart']]);
  });
});

describe('what is left out', () => {
  it('by name, in whatever case; a name that nothing has is told', () => {
    const plan = pinnedOf([destinationRule('default'), envoyFilter([OLD])], {
      skip: ['destinationrule/shop/cart', 'EnvoyFilter/shop/Headers', 'Sidecar/shop/x'],
    });
    expect([plan.copies, plan.skipped.map(pinnedName), plan.unknownSkips]).toEqual([
      [],
      ['DestinationRule/shop/cart', 'EnvoyFilter/shop/headers'],
      ['Sidecar/shop/x'],
    ]);
  });

  it('what the installation of the old control plane made', () => {
    const filter = envoyFilter([OLD], { rev: 'default', labels: { 'operator.istio.io/component': 'Pilot' } });
    const plan = pinnedOf([filter]);
    expect([plan.copies, plan.ofInstallation.map(pinnedName)]).toEqual([[], ['EnvoyFilter/shop/headers']]);
  });

  it('expressions of which nobody knows whom they match', () => {
    const plan = pinnedOf([envoyFilter(['[', OLD])]);
    expect([plan.unknown.map(({ expressions }) => expressions), copies(plan)]).toEqual([[['[']], ['version: headers → headers-canary']]);
    const unknown = pinnedOf([envoyFilter([OLD])], { from: { revision: 'default', version: 'unknown' } });
    expect([unknown.unknown.length, unknown.copies]).toEqual([1, []]);
  });
});

describe('who keeps an object', () => {
  it.each<[string, Parameters<typeof envoyFilter>[1], string | undefined]>([
    ['nobody', {}, undefined],
    ['kubectl', { metadata: { managedFields: [{ manager: 'kubectl-client-side-apply' }] } }, undefined],
    ['Argo CD by label', { labels: { 'argocd.argoproj.io/instance': 'shop' } }, 'Argo CD'],
    [
      'Argo CD by annotation',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:networking.istio.io/EnvoyFilter:shop/headers' } },
      'Argo CD',
    ],
    ['Argo CD by its field manager', { metadata: { managedFields: [{ manager: 'argocd-controller' }] } }, 'argocd-controller'],
    ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } }, 'Flux'],
    ['Helm by its marks', { annotations: { 'meta.helm.sh/release-name': 'shop' } }, 'the Helm release shop'],
    ['Helm by its field manager', { metadata: { managedFields: [{ manager: 'helm' }] } }, 'Helm'],
    [
      'a controller',
      { metadata: { ownerReferences: [{ apiVersion: 'x/v1', kind: 'Route', name: 'r', uid: 'u', controller: true }] } },
      'Route r',
    ],
  ])('%s', (_name, options, keeper) => {
    const filter = envoyFilter([OLD], options);
    const plan = pinnedOf([filter]);
    expect([keeperOf(filter), plan.kept.length, plan.copies.length]).toEqual([
      keeper,
      keeper === undefined ? 0 : 1,
      keeper === undefined ? 1 : 0,
    ]);
  });

  it('it is copied when that is accepted, without the marks of whoever keeps it', () => {
    const filter = envoyFilter([OLD], {
      labels: {
        'argocd.argoproj.io/instance': 'shop',
        'app.kubernetes.io/instance': 'shop',
        'app.kubernetes.io/managed-by': 'x',
        team: 'a',
      },
      annotations: {
        'argocd.argoproj.io/tracking-id': 'shop:x/headers',
        'argocd.argoproj.io/sync-wave': '1',
        'helm.sh/chart': 'c',
        note: 'n',
      },
    });
    const copy = pinnedOf([filter], { accept: ['CONF-010:EnvoyFilter/shop/headers'] }).copies[0];
    expect([copy?.keeper, copy?.copy.metadata.labels, copy?.copy.metadata.annotations]).toEqual(['Argo CD', { team: 'a' }, { note: 'n' }]);
    expect(pinnedOf([filter], { accept: ['CONF-010:EnvoyFilter/shop/other'] }).copies).toEqual([]);
  });
});

describe('proxies that a filter still applies to', () => {
  const mesh = (proxyVersion: string): MeshBuilder =>
    new MeshBuilder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'web', { on: 'canary', proxyVersion });

  it('by version, those of machines included; unknown counts', () => {
    expect(stillMatched([OLD], mesh('1.29.1').inventory())).toEqual([]);
    expect(stillMatched([OLD], mesh('1.28.2').inventory())).toEqual(['shop/web-0']);
    expect(stillMatched([OPEN, OLD], mesh('1.27.9').inventory())).toEqual(['shop/web-0']);
    expect(stillMatched([OLD], mesh('1.29.1').connection('canary', 'machine.legacy', { istioVersion: '1.28.9' }).inventory())).toEqual([
      'machine.legacy',
    ]);
    expect(stillMatched(['['], mesh('1.29.1').inventory())).toEqual(['shop/web-0']);
  });

  it.each(['Succeeded', 'Failed'])('and not those of a pod that has %s, as one that is about to be gone has', (phase) => {
    const ended = mesh('1.29.1').pod('shop', 'web-old', { on: 'default', proxyVersion: '1.28.2', phase, deleting: true });
    expect(stillMatched([OLD], ended.inventory())).toEqual([]);
  });
});
