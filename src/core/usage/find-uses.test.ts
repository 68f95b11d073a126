import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { findUses, usageVerdict } from './find-uses.ts';

/** Two control planes of which nothing uses `old`. */
function clean(extra: ConstructorParameters<typeof MeshBuilder>[0] = {}): MeshBuilder {
  return new MeshBuilder(extra)
    .revision({ revision: 'old', version: '1.28.2' })
    .revision({ revision: 'new', version: '1.29.1' })
    .defaultTo('new')
    .namespace('shop', { 'istio.io/rev': 'new' })
    .workload('shop', 'web', { on: 'new', proxyVersion: '1.29.1' });
}

function uses(mesh: MeshBuilder): string[] {
  return findUses('old', mesh.inventory()).uses.map((use) => `${use.kind} ${use.object}${use.passing ? ' (passing)' : ''}`);
}

it('nothing uses it: unused', () => {
  const usage = findUses('old', clean().inventory());
  expect([usage.uses, usage.unknown, usageVerdict(usage)]).toEqual([[], [], 'unused']);
});

describe('each single reason is found', () => {
  it.each<[string, (mesh: MeshBuilder) => MeshBuilder, string[]]>([
    ['a connected pod', (m) => m.pod('shop', 'bare', { on: 'old' }), ['connection shop/bare']],
    ['a pod that is not connected', (m) => m.pod('shop', 'bare', { on: 'old', connectedTo: null }), ['pod shop/bare']],
    [
      'a pod of the new revision that is still listed by the old istiod',
      (m) => m.connection('old', 'web-0.shop'),
      ['connection shop/web-0'],
    ],
    ['a VM or remote proxy', (m) => m.connection('old', 'vm.fleet'), ['connection vm.fleet']],
    ['a terminating pod', (m) => m.pod('shop', 'bare', { on: 'old', deleting: true }), ['connection shop/bare (passing)']],
    ['a Job', (m) => m.workload('shop', 'once', { kind: 'Job', on: 'old' }), ['connection shop/once-0']],
    ['a namespace label', (m) => m.namespace('empty', { 'istio.io/rev': 'old' }), ['namespace namespace empty']],
    ['a tag', (m) => m.tag('prod', 'old'), ['tag tag prod']],
    [
      'a template that asks pod by pod',
      (m) =>
        m
          .namespace('plain')
          .workload('plain', 'x', { replicas: 0, template: { metadata: { labels: { app: 'x', 'istio.io/rev': 'old' } } } }),
      ['template plain/deployment/x'],
    ],
    [
      'a CronJob between runs',
      (m) =>
        m
          .namespace('plain')
          .workload('plain', 'x', { kind: 'CronJob', pods: 0, template: { metadata: { labels: { 'istio.io/rev': 'old' } } } }),
      ['template plain/cronjob/x'],
    ],
    [
      'a namespace that follows a tag of it',
      (m) => m.tag('prod', 'old').namespace('tagged', { 'istio.io/rev': 'prod' }),
      ['namespace namespace tagged', 'tag tag prod'],
    ],
  ])('%s', (_name, change, expected) => {
    expect(uses(change(clean()))).toEqual(expected);
    expect(usageVerdict(findUses('old', change(clean()).inventory()))).toBe('used');
  });

  it('the default', () => {
    const mesh = new MeshBuilder().revision({ revision: 'old', version: '1.28.2' }).defaultTo('old');
    expect(uses(mesh)).toEqual(['default default']);
  });

  it('a pinned object', () => {
    const pinned = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'f', namespace: 'shop', labels: { 'istio.io/rev': 'old' } },
    };
    expect(uses(clean({ pinnedObjects: [pinned] }))).toEqual(['pinned-object EnvoyFilter shop/f']);
  });
});

describe('what is no reason', () => {
  it.each<[string, (mesh: MeshBuilder) => MeshBuilder]>([
    ['a pod that has ended', (m) => m.workload('shop', 'once', { kind: 'Job', on: 'old', phase: 'Succeeded' })],
    ['a namespace that is being deleted', (m) => m.namespace('ending', { 'istio.io/rev': 'old' }, { deletionTimestamp: 'now' })],
    ['its own webhooks', (m) => m],
  ])('%s', (_name, change) => {
    expect(uses(change(clean()))).toEqual([]);
  });
});

describe('unknown is never unused', () => {
  it('when something could not be read', () => {
    const usage = findUses('old', clean({ unread: [{ what: 'pods in all namespaces', why: 'no permission' }] }).inventory());
    expect([usageVerdict(usage), usage.unknown]).toEqual(['unknown', ['pods in all namespaces: no permission']]);
  });

  it('when its istiod does not answer; that of another revision does not matter', () => {
    const silent = (revision: string): MeshBuilder => {
      const other = revision === 'old' ? 'new' : 'old';
      return new MeshBuilder()
        .revision({ revision, version: '1.28.2' }, { error: 'no answer' })
        .revision({ revision: other, version: '1.29.1' })
        .defaultTo('new');
    };
    expect(usageVerdict(findUses('old', silent('old').inventory()))).toBe('unknown');
    expect(usageVerdict(findUses('old', silent('new').inventory()))).toBe('unused');
  });
});
