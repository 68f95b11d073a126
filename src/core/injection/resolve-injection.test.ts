import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { findInjectionWebhooks } from '../mesh/find-revisions.ts';
import type { KubeObject, Labels, PodTemplate } from '../mesh/kube-objects.ts';
import { decidedRevision, type InjectionDecision } from './injection-decision.ts';
import { pinnedProxyImage, resolveInjection } from './resolve-injection.ts';

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

it.each([
  [{ 'istio-injection': 'disabled' }, {}, 'switched-off', /"disabled", not "enabled"/],
  [{}, { 'sidecar.istio.io/inject': 'false' }, 'switched-off', /inject is "false"/],
  [{ 'istio.io/rev': 'ghost' }, {}, 'ghost', /istio\.io\/rev=ghost/],
  [{}, { 'istio.io/rev': 'ghost' }, 'ghost', /pod label/],
  [{}, {}, 'not-asked', /neither/],
] as const)('says why nobody injects: %o %o', (namespaceLabels, podLabels, reason, detail) => {
  const decision = decide(namespaceLabels, podLabels);
  expect(decision).toMatchObject({ kind: 'not-injected', reason });
  expect(decision.kind === 'not-injected' ? decision.detail : '').toMatch(detail);
});

describe('istiod itself declines', () => {
  it.each([
    ['in kube-system', 'kube-system', {}],
    ['on the host network', 'shop', { spec: { hostNetwork: true } }],
    ['when an annotation switches it off', 'shop', { metadata: { annotations: { 'sidecar.istio.io/inject': 'false' } } }],
  ])('%s', (_name, namespace, template) => {
    expect(decide({ 'istio.io/rev': 'canary' }, {}, template, namespace)).toMatchObject({ kind: 'not-injected', reason: 'declined' });
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
    });
  });

  it('two that match: the later by name probably wins, and both are named', () => {
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
    expect(decide({}, {}, kubeInjected)).toMatchObject({ kind: 'not-injected', reason: 'in-template' });
  });

  it('is replaced by a webhook that matches, as a real 1.29.1 does it', () => {
    expect(decide({ 'istio.io/rev': 'canary' }, {}, kubeInjected)).toMatchObject({ kind: 'injected', revision: 'canary' });
  });

  it.each([
    ['by annotation', { metadata: { annotations: { 'sidecar.istio.io/proxyImage': 'istio/proxyv2:1.20.0' } } }, 'istio/proxyv2:1.20.0'],
    ['by container', { spec: { containers: [{ name: 'istio-proxy', image: 'mine:1' }] } }, 'mine:1'],
    ['not by auto', { spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] } }, undefined],
    ['not at all', {}, undefined],
  ])('pins its image %s', (_name, template, image) => {
    expect(pinnedProxyImage(template)).toBe(image);
  });
});
