import { describe, expect, it } from 'vitest';
import type { LabelSelector, Labels } from '../mesh/kube-objects.ts';
import { readInjectorPolicy } from '../mesh/injector-policy.ts';
import { declinedByIstiod, selectorText } from './declined-by-istiod.ts';

const WEB: LabelSelector = { matchLabels: { app: 'web' } };
const BUILDS: LabelSelector = { matchExpressions: [{ key: 'build', operator: 'Exists' }] };

/** The order in which istiod asks: label before annotation, then never, then always, then its policy. */
it.each<
  [
    policy: string,
    never: LabelSelector[],
    always: LabelSelector[],
    label: string,
    annotation: string,
    pod: Labels,
    declined: RegExp | undefined,
  ]
>([
  ['enabled', [], [], '-', '-', {}, undefined],
  ['enabled', [WEB], [], '-', '-', { app: 'web' }, /neverInjectSelector \(app=web\)/],
  ['enabled', [WEB], [], '-', '-', { app: 'other' }, undefined],
  ['enabled', [BUILDS], [], '-', '-', { build: '7' }, /neverInjectSelector \(build\)/],
  ['enabled', [WEB], [WEB], '-', '-', { app: 'web' }, /neverInjectSelector/],
  ['enabled', [WEB], [], 'true', '-', { app: 'web' }, undefined],
  ['enabled', [WEB], [], '-', 'true', { app: 'web' }, undefined],
  ['enabled', [WEB], [], 'odd', '-', { app: 'web' }, /neverInjectSelector/],
  ['enabled', [{}], [], '-', '-', { app: 'web' }, undefined],
  ['enabled', [], [], '-', 'false', {}, /annotation sidecar.istio.io\/inject is "false"/],
  ['enabled', [], [], '', 'false', {}, undefined],
  ['enabled', [], [], 'false', 'true', {}, /label sidecar.istio.io\/inject is "false"/],
  ['enabled', [], [], 'off', '-', {}, undefined],
  ['disabled', [], [], '-', '-', {}, /policy is "disabled"/],
  ['disabled', [], [], 'true', '-', {}, undefined],
  ['disabled', [], [], '-', 'true', {}, undefined],
  ['disabled', [], [WEB], '-', '-', { app: 'web' }, undefined],
  ['disabled', [], [{}], '-', '-', { app: 'web' }, /policy is "disabled"/],
  ['disabled', [WEB], [WEB], '-', '-', { app: 'web' }, /neverInjectSelector/],
  ['disabled', [], [], 'odd', '-', {}, /policy is "disabled"/],
  ['Enabled', [], [WEB], 'true', '-', { app: 'web' }, /policy is "Enabled", neither/],
  ['', [], [], 'true', '-', {}, /policy is "", neither/],
])('policy %s, never %j, always %j, label %s, annotation %s, pod %j', (policy, never, always, label, annotation, pod, declined) => {
  const key = 'sidecar.istio.io/inject';
  const template = {
    metadata: {
      labels: { ...pod, ...(label === '-' ? {} : { [key]: label }) },
      annotations: annotation === '-' ? {} : { [key]: annotation },
    },
  };
  const said = declinedByIstiod({ namespace: 'shop', template }, { policy, neverInjectSelector: never, alwaysInjectSelector: always });
  if (declined === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(declined);
});

it('nothing is injected on the host network or in namespaces of the system, whatever asks for it', () => {
  const yes = { metadata: { labels: { 'sidecar.istio.io/inject': 'true' } } };
  expect(declinedByIstiod({ namespace: 'shop', template: { ...yes, spec: { hostNetwork: true } } })).toBe('the pod uses the host network');
  expect(declinedByIstiod({ namespace: 'kube-system', template: yes })).toBe('istiod never injects in kube-system');
  expect(declinedByIstiod({ namespace: 'shop', template: yes })).toBeUndefined();
});

describe('what the injector is told', () => {
  it.each<[string, string, unknown]>([
    ['as the chart writes it', 'policy: enabled\nalwaysInjectSelector:\n  []\nneverInjectSelector:\n  []\n', ['enabled', [], []]],
    [
      'with selectors, indented or not, and long templates around it',
      '# a comment\ndefaultTemplates: [sidecar]\npolicy: disabled\nalwaysInjectSelector:\n- matchLabels:\n    app: web\nneverInjectSelector:\n  - matchExpressions:\n    - {key: build, operator: Exists}\ntemplates:\n  sidecar: |\n    policy: {{ odd }} : {\n',
      ['disabled', [BUILDS], [WEB]],
    ],
    ['as JSON', '{"policy":"enabled","neverInjectSelector":[{"matchLabels":{"app":"web"}}]}', ['enabled', [WEB], []]],
    ['without a policy: istiod then injects nothing', 'templates: {}\n', ['', [], []]],
    ['with null for lists', 'policy: enabled\nneverInjectSelector:\nalwaysInjectSelector: null\n', ['enabled', [], []]],
  ])('%s', (_name, text, wanted) => {
    const told = readInjectorPolicy(text);
    expect([told?.policy, told?.neverInjectSelector, told?.alwaysInjectSelector]).toEqual(wanted);
  });

  it('is not known when it cannot be read', () => {
    expect(readInjectorPolicy('policy: [')).toBeUndefined();
    expect(readInjectorPolicy('{"policy"')).toBeUndefined();
  });
});

it('selectors read as kubectl writes them', () => {
  const all: LabelSelector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'a', operator: 'In', values: ['1', '2'] },
      { key: 'b', operator: 'NotIn', values: ['3'] },
      { key: 'c', operator: 'Exists' },
      { key: 'd', operator: 'DoesNotExist' },
    ],
  };
  expect(selectorText(all)).toBe('app=web, a in (1,2), b notin (3), c, !d');
});
