import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { findInjectionWebhooks } from '../mesh/find-revisions.ts';
import type { KubeObject, Labels, PodTemplate } from '../mesh/kube-objects.ts';
import type { InjectionWebhook } from '../mesh/mesh-inventory.ts';
import { decidedRevision, type InjectionDecision } from './injection-decision.ts';
import { matchingWebhooks, pinnedProxyImage, resolveInjection } from './resolve-injection.ts';

/** Unrevisioned `default` (through its tag, as istioctl leaves it), `canary` and `stable`. */
const mesh = new MeshBuilder()
  .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
  .defaultTo('default')
  .revision({ revision: 'canary', version: '1.29.1' })
  .revision({ revision: 'stable', version: '1.28.2' })
  .tag('prod', 'canary');
const webhooks = findInjectionWebhooks(mesh.objects());

function decide(namespaceLabels: Labels, podLabels: Labels, more: Partial<PodTemplate> = {}, namespace = 'shop'): InjectionDecision {
  return resolveInjection(
    { namespace, namespaceLabels, template: { ...more, metadata: { labels: podLabels, ...more.metadata } } },
    webhooks,
  );
}

/** The truth table: istio-injection and istio.io/rev of the namespace, sidecar.istio.io/inject and istio.io/rev of the pod. */
const TABLE: readonly (readonly [I: string, R: string, i: string, r: string, result: string])[] = [
  ['enabled', '-', '-', '-', 'default'],
  ['enabled', 'canary', '-', '-', 'default'],
  ['enabled', '-', '-', 'canary', 'default'],
  ['enabled', 'canary', 'false', '-', 'nobody'],
  ['enabled', '-', 'false', 'canary', 'nobody'],
  ['enabled', '-', 'true', '-', 'default'],
  ['enabled', 'ghost', '-', 'ghost', 'default'],
  ['disabled', 'canary', 'true', 'canary', 'nobody'],
  ['', 'canary', '-', '-', 'nobody'],
  ['True', '-', '-', '-', 'nobody'],
  ['disabled', '-', 'true', '-', 'nobody'],
  ['-', '-', 'true', '-', 'default'],
  ['-', 'ghost', '-', '-', 'nobody'],
  ['-', 'canary', '-', '-', 'canary'],
  ['-', 'canary', '-', 'stable', 'canary'],
  ['-', 'canary', 'false', '-', 'nobody'],
  ['-', 'canary', 'true', '-', 'canary'],
  ['-', 'default', '-', '-', 'default'],
  ['-', 'prod', '-', '-', 'canary'],
  ['-', '-', '-', 'canary', 'canary'],
  ['-', '-', '-', 'prod', 'canary'],
  ['-', '-', 'true', 'canary', 'canary'],
  ['-', '-', 'false', 'canary', 'nobody'],
  ['-', '-', '-', '-', 'nobody'],
  ['-', '-', '-', 'ghost', 'nobody'],
];

function labels(pairs: Readonly<Record<string, string>>): Labels {
  return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== '-'));
}

it.each(TABLE)('namespace injection=%s rev=%s, pod inject=%s rev=%s gets %s', (I, R, i, r, result) => {
  const decision = decide(labels({ 'istio-injection': I, 'istio.io/rev': R }), labels({ 'sidecar.istio.io/inject': i, 'istio.io/rev': r }));
  expect(decidedRevision(decision) ?? 'nobody').toBe(result);
});

const twoOthers = (): MeshBuilder =>
  new MeshBuilder()
    .revision({ revision: 'canary', version: '1.29.1' })
    .revision({ revision: 'stable', version: '1.28.2' })
    .tag('prod', 'canary');

describe.each([
  ['by the webhooks of the unrevisioned control plane', twoOthers().revision({ revision: 'default', version: '1.28.2' }), 'default'],
  ['by a tag that points to a revision', twoOthers().defaultTo('stable'), 'stable'],
  ['by nobody', twoOthers(), undefined],
])('the same table where the default is served %s', (_name, builder, serving) => {
  const hooks = findInjectionWebhooks(builder.objects());
  it.each(TABLE)('namespace injection=%s rev=%s, pod inject=%s rev=%s', (I, R, i, r, result) => {
    const decision = resolveInjection(
      {
        namespace: 'shop',
        namespaceLabels: labels({ 'istio-injection': I, 'istio.io/rev': R }),
        template: { metadata: { labels: labels({ 'sidecar.istio.io/inject': i, 'istio.io/rev': r }) } },
      },
      hooks,
    );
    const wanted = result === 'default' ? serving : result === 'nobody' ? undefined : result;
    expect(decidedRevision(decision)).toBe(wanted);
    expect(decision.kind).toBe(wanted === undefined ? 'not-injected' : 'injected');
  });
});

it('the procedure in five questions and the selectors of the webhooks always agree', () => {
  const serves: Readonly<Record<string, string>> = { default: 'default', canary: 'canary', stable: 'stable', prod: 'canary' };
  const asProcedure = (I?: string, R?: string, i?: string, r?: string): string | undefined => {
    if (i === 'false') return undefined;
    if (I !== undefined) return I === 'enabled' ? 'default' : undefined;
    if (R !== undefined) return serves[R];
    if (r !== undefined) return serves[r];
    return i === 'true' ? 'default' : undefined;
  };
  const maybe = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom('-', ...values);
  const revision = maybe('default', 'canary', 'stable', 'prod', 'ghost', '');
  const absent = (value: string): string | undefined => (value === '-' ? undefined : value);
  fc.assert(
    fc.property(maybe('enabled', 'disabled', '', 'true'), revision, maybe('true', 'false', 'odd'), revision, (I, R, i, r) => {
      const decision = decide(
        labels({ 'istio-injection': I, 'istio.io/rev': R, team: 'a' }),
        labels({ 'sidecar.istio.io/inject': i, 'istio.io/rev': r, app: 'x' }),
      );
      expect(decidedRevision(decision)).toBe(asProcedure(absent(I), absent(R), absent(i), absent(r)));
    }),
    { numRuns: 1000 },
  );
});

describe('where everything is injected that does not say otherwise', () => {
  const hooks = findInjectionWebhooks(
    new MeshBuilder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .object(
        injectorWebhooks({
          configuration: 'istio-revision-tag-default',
          value: 'default',
          revision: 'canary',
          tag: 'default',
          service: 'istiod-canary',
          servesDefault: true,
          servesUnlabelled: true,
        }),
      )
      .objects(),
  );
  it.each<[string, Labels, Labels, string, string | undefined]>([
    ['nothing is labelled', {}, {}, 'shop', 'canary'],
    ['the pod says true', {}, { 'sidecar.istio.io/inject': 'true' }, 'shop', 'canary'],
    ['the pod says false', {}, { 'sidecar.istio.io/inject': 'false' }, 'shop', undefined],
    ['the namespace is switched off', { 'istio-injection': 'disabled' }, {}, 'shop', undefined],
    ['the namespace follows a ghost', { 'istio.io/rev': 'ghost' }, {}, 'shop', undefined],
    ['the pod follows a ghost', {}, { 'istio.io/rev': 'ghost' }, 'shop', undefined],
    ['a namespace of the system', {}, {}, 'kube-system', undefined],
  ])('%s', (_name, namespaceLabels, podLabels, namespace, revision) => {
    const decision = resolveInjection({ namespace, namespaceLabels, template: { metadata: { labels: podLabels } } }, hooks);
    expect(decidedRevision(decision)).toBe(revision);
  });
});

it('one that injects is named, with its entry', () => {
  expect(decide({ 'istio.io/rev': 'prod' }, {})).toMatchObject({
    kind: 'injected',
    revision: 'canary',
    webhook: { configuration: 'istio-revision-tag-prod', tag: 'prod' },
    entryName: 'rev.namespace.sidecar-injector.istio.io',
  });
});

it.each([
  [{ 'istio-injection': 'disabled' }, {}, 'switched-off', /"disabled", not "enabled"/],
  [{}, { 'sidecar.istio.io/inject': 'false' }, 'switched-off', /inject is "false"/],
  [{ 'istio.io/rev': 'ghost' }, {}, 'ghost', /istio\.io\/rev=ghost/],
  [{}, { 'istio.io/rev': 'ghost' }, 'ghost', /pod label/],
  [{}, {}, 'not-asked', /neither/],
  [{ 'istio-injection': 'enabled', 'istio.io/rev': 'x' }, { 'sidecar.istio.io/inject': 'false' }, 'switched-off', /inject is "false"/],
  [{ 'istio-injection': '' }, {}, 'switched-off', /"", not "enabled"/],
] as const)('says why nobody injects: %o %o', (namespaceLabels, podLabels, reason, detail) => {
  const decision = decide(namespaceLabels, podLabels);
  expect(decision).toMatchObject({ kind: 'not-injected', reason });
  expect(decision.kind === 'not-injected' ? decision.detail : '').toMatch(detail);
});

it.each([
  [{ 'istio-injection': 'enabled' }, {}, /istio-injection=enabled, and no control plane/],
  [{}, { 'sidecar.istio.io/inject': 'true' }, /"true", and no control plane/],
] as const)('says that nobody serves the default: %o %o', (namespaceLabels, podLabels, detail) => {
  const decision = resolveInjection({ namespace: 'shop', namespaceLabels, template: { metadata: { labels: podLabels } } }, []);
  expect(decision).toMatchObject({ kind: 'not-injected', reason: 'ghost', detail: expect.stringMatching(detail) as string });
});

describe('istiod itself declines', () => {
  it.each([
    ['in kube-system', 'kube-system', {}],
    ['in kube-public', 'kube-public', {}],
    ['in kube-node-lease', 'kube-node-lease', {}],
    ['in local-path-storage', 'local-path-storage', {}],
    ['on the host network', 'shop', { spec: { hostNetwork: true } }],
    ['when an annotation switches it off', 'shop', { metadata: { annotations: { 'sidecar.istio.io/inject': 'false' } } }],
  ])('%s', (_name, namespace, template) => {
    expect(decide({ 'istio.io/rev': 'canary' }, {}, template, namespace)).toMatchObject({ kind: 'not-injected', reason: 'declined' });
  });

  it('but not when the annotation asks for it', () => {
    const template = { metadata: { annotations: { 'sidecar.istio.io/inject': 'true' } } };
    expect(decide({ 'istio.io/rev': 'canary' }, {}, template)).toMatchObject({ kind: 'injected', revision: 'canary' });
    expect(decide({}, {}, template)).toMatchObject({ kind: 'not-injected', reason: 'not-asked' });
  });

  it('but a label wins over the annotation', () => {
    const template = { metadata: { labels: { 'sidecar.istio.io/inject': 'true' }, annotations: { 'sidecar.istio.io/inject': 'false' } } };
    expect(decide({ 'istio.io/rev': 'canary' }, {}, template)).toMatchObject({ kind: 'injected', revision: 'canary' });
  });
});

describe('webhooks that are not as they should be', () => {
  const only = (...objects: KubeObject[]): ReturnType<typeof findInjectionWebhooks> =>
    findInjectionWebhooks(new MeshBuilder().object(...objects).objects());

  it('a webhook whose Service is gone refuses pods', () => {
    const hooks = only(injectorWebhooks({ configuration: 'x', value: 'old', revision: 'old', service: 'istiod-old' }));
    expect(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'old' }, template: {} }, hooks)).toMatchObject({
      kind: 'refused',
      revision: 'old',
      configuration: 'x',
    });
  });

  it('unless it may be ignored: then pods get nothing', () => {
    const hooks = only(
      injectorWebhooks({ configuration: 'x', value: 'old', revision: 'old', service: 'istiod-old', failurePolicy: 'Ignore' }),
    );
    expect(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'old' }, template: {} }, hooks)).toMatchObject({
      kind: 'not-injected',
      reason: 'ghost',
      detail: 'webhook x cannot be called (Service istio-system/istiod-old does not exist), and is ignored',
    });
  });

  describe('a dangling one beside others', () => {
    const subject = { namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'v' }, template: {} };
    const hook = (configuration: string, revision: string, failurePolicy: 'Fail' | 'Ignore'): KubeObject =>
      injectorWebhooks({ configuration, value: 'v', revision, service: `istiod-${revision}`, failurePolicy });
    const alive = new MeshBuilder().revision({ revision: 'alive', version: '1.29.1' }).objects();
    const decided = (...hooks: KubeObject[]): InjectionDecision =>
      resolveInjection(subject, findInjectionWebhooks({ ...alive, mutatingWebhooks: hooks }));

    it.each([
      ['first', 'a', 'b'],
      ['last', 'b', 'a'],
    ])('that may be ignored leaves the pod to the living one (it is called %s)', (_order, dangling, living) => {
      expect(decided(hook(dangling, 'gone', 'Ignore'), hook(living, 'alive', 'Fail'))).toMatchObject({
        kind: 'injected',
        revision: 'alive',
      });
    });

    it.each([
      ['first', 'a', 'b'],
      ['last', 'b', 'a'],
    ])('that must answer refuses the pod, whatever may be ignored beside it (it is called %s)', (_order, failing, ignored) => {
      expect(decided(hook(failing, 'gone', 'Fail'), hook(ignored, 'lost', 'Ignore'))).toMatchObject({
        kind: 'refused',
        configuration: failing,
      });
    });

    it('refuses before the living one is even called', () => {
      expect(decided(hook('b', 'gone', 'Fail'), hook('a', 'alive', 'Fail'))).toMatchObject({ kind: 'refused', revision: 'gone' });
    });
  });

  it('says where it points to, be it a Service, a URL or nothing', () => {
    const detail = (clientConfig: object): unknown =>
      resolveInjection({ namespace: 'shop', namespaceLabels: {}, template: {} }, [
        {
          configuration: 'c',
          revision: 'r',
          entry: { name: 'x.sidecar-injector.istio.io', clientConfig },
          serviceExists: false,
          hasCaBundle: true,
          deactivated: false,
        },
      ]);
    expect(detail({ service: { name: 'istiod-r', namespace: 'mesh' } })).toMatchObject({ detail: 'Service mesh/istiod-r does not exist' });
    expect(detail({ url: 'https://mesh.example/inject' })).toMatchObject({ detail: 'https://mesh.example/inject does not exist' });
    expect(detail({})).toMatchObject({ detail: 'its target does not exist' });
  });

  it('a dangling one refuses pods that istiod would have declined', () => {
    const hooks = only(injectorWebhooks({ configuration: 'x', value: 'old', revision: 'old', service: 'istiod-old' }));
    const template = { spec: { hostNetwork: true } };
    expect(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'old' }, template }, hooks).kind).toBe('refused');
  });

  it('two of one revision inject the same', () => {
    const twice = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).defaultTo('default');
    const hooks = findInjectionWebhooks(twice.objects());
    expect(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio-injection': 'enabled' }, template: {} }, hooks)).toMatchObject({
      kind: 'injected',
      revision: 'default',
    });
    expect(matchingWebhooks('shop', { 'istio-injection': 'enabled' }, {}, hooks).map((w) => w.configuration)).toEqual([
      'istio-revision-tag-default',
      'istio-sidecar-injector',
    ]);
  });

  it('two that match: the later by name wins, and both are named', () => {
    const overlapping = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .defaultTo('canary');
    const decision = resolveInjection(
      { namespace: 'shop', namespaceLabels: { 'istio-injection': 'enabled' }, template: {} },
      findInjectionWebhooks(overlapping.objects()),
    );
    expect(decision).toEqual({
      kind: 'ambiguous',
      revision: 'default',
      revisions: ['canary', 'default'],
      configurations: ['istio-revision-tag-default', 'istio-sidecar-injector'],
    });
    expect(decidedRevision(decision)).toBe('default');
  });

  it('the order of names counts, not the order in which they were read', () => {
    const hook = (name: string): KubeObject =>
      injectorWebhooks({ configuration: name, value: 'v', revision: name, service: `istiod-${name}` });
    const revisions = ['c', 'a', 'd', 'b'];
    const builder = new MeshBuilder();
    for (const revision of revisions) builder.revision({ revision, version: '1.28.2' });
    fc.assert(
      fc.property(fc.shuffledSubarray(revisions, { minLength: 2 }), (names) => {
        const hooks = findInjectionWebhooks({ ...builder.objects(), mutatingWebhooks: names.map(hook) });
        const decision = resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'v' }, template: {} }, hooks);
        expect(decision).toEqual({
          kind: 'ambiguous',
          revision: names.toSorted().at(-1),
          revisions: names.toSorted(),
          configurations: names.toSorted(),
        });
      }),
    );
  });

  describe('two that inject: which sidecar is left', () => {
    const entry = (revision: string, reinvocationPolicy: string, more: object = {}): InjectionWebhook['entry'] => ({
      name: 'x.sidecar-injector.istio.io',
      clientConfig: { caBundle: 'Y2E=', service: { name: `istiod-${revision}`, namespace: 'istio-system' } },
      reinvocationPolicy,
      ...more,
    });
    const hook = (configuration: string, revision: string, policy: string, more: Partial<InjectionWebhook> = {}): InjectionWebhook => ({
      configuration,
      revision,
      entry: entry(revision, policy),
      serviceExists: true,
      hasCaBundle: true,
      deactivated: false,
      ...more,
    });
    const left = (...hooks: InjectionWebhook[]): string =>
      decidedRevision(resolveInjection({ namespace: 'shop', namespaceLabels: {}, template: {} }, hooks)) ?? 'nobody';

    it.each<[string, string, string, string]>([
      ['the later by name', 'Never', 'Never', 'late'],
      ['the one that is called again', 'IfNeeded', 'Never', 'early'],
      ['the later of two that are called again', 'IfNeeded', 'IfNeeded', 'late'],
      ['the later, called again', 'Never', 'IfNeeded', 'late'],
    ])('%s', (_name, first, second, revision) => {
      expect(left(hook('b', 'late', second), hook('a', 'early', first))).toBe(revision);
    });

    it('none of those whose rules are not about new pods', () => {
      const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
      const having = (change: object): InjectionWebhook =>
        hook('b', 'late', 'Never', { entry: entry('late', 'Never', { rules: [{ ...rule, ...change }] }) });
      expect(left(having({}))).toBe('late');
      expect(left(having({ operations: ['*'], resources: ['*'], scope: 'Namespaced' }))).toBe('late');
      expect(left(having({ resources: ['configmaps', 'pods/*'] }))).toBe('late');
      for (const change of [
        { operations: ['UPDATE'] },
        { apiGroups: ['apps'] },
        { apiVersions: ['v2'] },
        { resources: ['pods/exec'] },
        { resources: ['services'] },
        { scope: 'Cluster' },
      ])
        expect(left(having(change))).toBe('nobody');
      expect(left(hook('b', 'late', 'Never', { entry: entry('late', 'Never', { rules: [] }) }))).toBe('nobody');
    });

    it('one whose istiod declines leaves the sidecar of the other', () => {
      const policy = { policy: 'disabled', neverInjectSelector: [], alwaysInjectSelector: [] };
      expect(left(hook('a', 'early', 'Never'), hook('b', 'late', 'Never', { policy }))).toBe('early');
      expect(left(hook('a', 'early', 'Never', { policy }), hook('b', 'late', 'Never'))).toBe('late');
    });

    it('the istiod behind the Service answers, whatever the label says', () => {
      expect(left(hook('a', 'tagged', 'Never', { answeredBy: ['real'] }))).toBe('real');
      expect(left(hook('a', 'tagged', 'Never', { answeredBy: ['real', 'tagged'] }))).toBe('tagged');
    });

    it('without a CA bundle the pod is refused, unless that may be ignored', () => {
      const decisionKind = (failurePolicy: string): string =>
        resolveInjection({ namespace: 'shop', namespaceLabels: {}, template: {} }, [
          hook('a', 'r', 'Never', { hasCaBundle: false, entry: entry('r', 'Never', { failurePolicy }) }),
        ]).kind;
      expect([decisionKind('Fail'), decisionKind('Ignore')]).toEqual(['refused', 'not-injected']);
    });
  });

  it('the revision behind a Service is read off the Deployment that it selects, with what that injector is told', () => {
    const built = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .object(
        injectorWebhooks({ configuration: 'istio-revision-tag-prod', value: 'prod', revision: 'canary', tag: 'prod', service: 'istiod' }),
      );
    const hooks = findInjectionWebhooks(built.objects()).filter((w) => w.tag === 'prod');
    expect(hooks.map((w) => [w.revision, w.answeredBy, w.policy?.policy])).toEqual([
      ['canary', ['default'], 'enabled'],
      ['canary', ['default'], 'enabled'],
    ]);
    expect(decidedRevision(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio.io/rev': 'prod' }, template: {} }, hooks))).toBe(
      'default',
    );
  });

  it('deactivated ones never match', () => {
    const off = new MeshBuilder().revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true });
    const hooks = findInjectionWebhooks(off.objects());
    expect(hooks.every((w) => w.deactivated)).toBe(true);
    expect(resolveInjection({ namespace: 'shop', namespaceLabels: { 'istio-injection': 'enabled' }, template: {} }, hooks).kind).toBe(
      'not-injected',
    );
  });
});

describe('a proxy that is written into the template', () => {
  const kubeInjected: PodTemplate = {
    metadata: { annotations: { 'sidecar.istio.io/status': '{"revision":"default"}' } },
    spec: { initContainers: [{ name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
  };

  it('is what runs when no webhook matches', () => {
    expect(decide({}, {}, kubeInjected)).toMatchObject({
      kind: 'not-injected',
      reason: 'in-template',
      detail: expect.stringContaining('kube-inject') as string,
    });
    expect(decide({}, {}, { spec: { containers: [{ name: 'istio-proxy' }] } })).toMatchObject({
      reason: 'in-template',
      detail: expect.stringContaining('container istio-proxy') as string,
    });
  });

  it('is not pinned by kube-inject: a webhook takes out what the status annotation lists, and puts in its own', () => {
    const status = (listed: object): Labels => ({ 'sidecar.istio.io/status': JSON.stringify({ ...listed, revision: 'default' }) });
    const image = 'istio/proxyv2:1.28.2';
    expect([
      pinnedProxyImage({
        metadata: { annotations: status({ initContainers: ['istio-init'], containers: ['istio-proxy'] }) },
        spec: { containers: [{ name: 'istio-proxy', image }] },
      }),
      pinnedProxyImage({
        metadata: { annotations: status({ initContainers: ['istio-init', 'istio-proxy'], containers: null }) },
        spec: { initContainers: [{ name: 'istio-proxy', image }] },
      }),
    ]).toEqual([undefined, undefined]);
  });

  it('is replaced by a webhook that matches, as a real 1.29.1 does it', () => {
    expect(decide({ 'istio.io/rev': 'canary' }, {}, kubeInjected)).toMatchObject({ kind: 'injected', revision: 'canary' });
  });

  it.each([
    ['by annotation', { metadata: { annotations: { 'sidecar.istio.io/proxyImage': 'istio/proxyv2:1.20.0' } } }, 'istio/proxyv2:1.20.0'],
    ['not by a name without a registry', { metadata: { annotations: { 'sidecar.istio.io/proxyImage': 'proxyv2' } } }, undefined],
    ['by container', { spec: { containers: [{ name: 'istio-proxy', image: 'mine:1' }] } }, 'mine:1'],
    ['by a native sidecar', { spec: { initContainers: [{ name: 'istio-proxy', image: 'mine:2' }] } }, 'mine:2'],
    [
      'by a container that kube-inject did not add',
      {
        metadata: { annotations: { 'sidecar.istio.io/status': '{"initContainers":["istio-init"],"containers":null}' } },
        spec: { containers: [{ name: 'istio-proxy', image: 'mine:3' }] },
      },
      'mine:3',
    ],
    ['not by auto', { spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] } }, undefined],
    ['not at all', {}, undefined],
  ])('pins its image %s', (_name, template, image) => {
    expect(pinnedProxyImage(template)).toBe(image);
  });
});
