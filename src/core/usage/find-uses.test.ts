import { describe, expect, it } from 'vitest';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { unusedOld } from '../../../test/kit/unused-mesh.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { findUses } from './find-uses.ts';
import { usageVerdict } from './usage.ts';

function uses(mesh: MeshBuilder): string[] {
  return findUses('old', mesh.inventory()).uses.map((use) => `${use.kind} ${use.object}${use.passing ? ' (passing)' : ''}`);
}

/** The same mesh, in which the Service of a revision is gone, so that its webhooks refuse pods. */
function withoutService(mesh: MeshBuilder, service = 'istiod-old'): MeshBuilder {
  const objects = mesh.objects();
  return new MeshBuilder({ ...objects, services: objects.services.filter((s) => s.metadata.name !== service) });
}

const ASKS_OLD: WorkloadOptions = { template: { metadata: { labels: { app: 'x', 'istio.io/rev': 'old' } } } };
const SCALED_JOB: KubeObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'scaled',
    namespace: 'shop',
    uid: 'scaled',
    ownerReferences: [{ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', name: 's', uid: 's', controller: true }],
  },
};

/** A Job in `plain` that asks for the old revision. */
function job(status: Record<string, unknown>, spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'x', namespace: 'plain' },
    spec: { template: ASKS_OLD.template, ...spec },
    status,
  };
}

it('nothing uses it: unused', () => {
  const usage = findUses('old', unusedOld().inventory());
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
      'a StatefulSet of zero',
      (m) => m.namespace('plain').workload('plain', 'x', { kind: 'StatefulSet', replicas: 0, ...ASKS_OLD }),
      ['template plain/statefulset/x'],
    ],
    [
      'a template that would be refused',
      (m) => withoutService(m.namespace('plain').workload('plain', 'x', { replicas: 0, ...ASKS_OLD })),
      ['template plain/deployment/x'],
    ],
    [
      'a namespace whose pods would be refused',
      (m) => withoutService(m.namespace('empty', { 'istio.io/rev': 'old' })),
      ['namespace namespace empty'],
    ],
    [
      'a Job that an unknown controller made',
      (m) => m.object(SCALED_JOB).pod('shop', 'scaled-0', { on: 'old', owner: { kind: 'Job', name: 'scaled', uid: 'scaled' } }),
      ['connection shop/scaled-0'],
    ],
    ['a pod that waits', (m) => m.pod('shop', 'bare', { on: 'old', phase: 'Pending' }), ['pod shop/bare']],
    [
      'a terminating pod that has lost its connection',
      (m) => m.pod('shop', 'bare', { on: 'old', connectedTo: null, deleting: true }),
      ['pod shop/bare (passing)'],
    ],
    [
      'a namespace that follows a tag of it',
      (m) => m.tag('prod', 'old').namespace('tagged', { 'istio.io/rev': 'prod' }),
      ['namespace namespace tagged', 'tag tag prod'],
    ],
  ])('%s', (_name, change, expected) => {
    expect(uses(change(unusedOld()))).toEqual(expected);
    expect(usageVerdict(findUses('old', change(unusedOld()).inventory()))).toBe('used');
  });

  it('the default', () => {
    const mesh = new MeshBuilder().revision({ revision: 'old', version: '1.28.2' }).defaultTo('old');
    expect(uses(mesh)).toEqual(['default default']);
    expect(findUses('old', mesh.inventory()).uses[0]?.detail).toBe('it is the default for injection, validation, leadership');
  });

  it.each([
    ['injection', 'MutatingWebhookConfiguration', 'istio-revision-tag-default', 'leadership'],
    ['validation', 'ValidatingWebhookConfiguration', 'istiod-default-validator', 'validation'],
  ])('the default in one sense only, as %s shows it', (_name, kind, name, sense) => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'old', version: '1.28.2' })
      .object({ apiVersion: 'x', kind, metadata: { name, labels: { 'istio.io/rev': 'old' } }, webhooks: [] });
    expect(findUses('old', mesh.inventory()).uses).toMatchObject([{ kind: 'default', detail: `it is the default for ${sense}` }]);
  });

  it.each<[string, (mesh: MeshBuilder) => MeshBuilder, string]>([
    ['a pod of a Deployment', (m) => m.workload('shop', 'x', { on: 'old' }), 'connected (Deployment x)'],
    ['a bare pod', (m) => m.pod('shop', 'x', { on: 'old' }), 'connected, a pod without a controller'],
    ['a terminating pod', (m) => m.pod('shop', 'x', { on: 'old', deleting: true }), 'connected, terminating'],
    ['a pod that is not connected', (m) => m.workload('shop', 'x', { on: 'old', connectedTo: null }), 'injected by it (Deployment x)'],
    ['a VM', (m) => m.connection('old', 'vm.fleet'), 'connected to istiod-old-abc; no pod of this cluster has that name'],
    ['a namespace', (m) => m.namespace('x', { 'istio.io/rev': 'old' }), 'istio.io/rev=old resolves to it'],
    ['a tag', (m) => m.tag('prod', 'old'), 'points to it (istio-revision-tag-prod)'],
    ['a Deployment', (m) => m.namespace('p').workload('p', 'x', { ...ASKS_OLD }), 'its next pod would get it'],
    [
      'a Deployment of zero',
      (m) => m.namespace('p').workload('p', 'x', { replicas: 0, ...ASKS_OLD }),
      'scaled to zero; its next pod would get it',
    ],
    ['a CronJob', (m) => m.namespace('p').workload('p', 'x', { kind: 'CronJob', pods: 0, ...ASKS_OLD }), 'its next run would get it'],
  ])('%s is told with its reason', (_name, change, detail) => {
    expect(findUses('old', change(unusedOld()).inventory()).uses.map((use) => use.detail)).toEqual([detail]);
  });

  it('a namespace with istio-injection, while the default is there', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'old', version: '1.28.2' })
      .defaultTo('old')
      .namespace('x', { 'istio-injection': 'enabled' });
    expect(findUses('old', mesh.inventory()).uses.map((use) => [use.kind, use.detail])).toContainEqual([
      'namespace',
      'istio-injection=enabled resolves to it',
    ]);
  });

  it('two pods of a Deployment that is connected are told once each, the template apart', () => {
    const mesh = unusedOld().namespace('busy', { 'istio.io/rev': 'old' }).workload('busy', 'x', { replicas: 2, on: 'old' });
    expect(uses(mesh)).toEqual(['connection busy/x-0', 'connection busy/x-1', 'template busy/deployment/x', 'namespace namespace busy']);
  });

  it('a pinned object', () => {
    const pinned = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'f', namespace: 'shop', labels: { 'istio.io/rev': 'old' } },
    };
    expect(uses(unusedOld({ pinnedObjects: [pinned] }))).toEqual(['pinned-object EnvoyFilter shop/f']);
  });
});

describe('what is no reason', () => {
  it.each<[string, (mesh: MeshBuilder) => MeshBuilder]>([
    ['a pod that has ended', (m) => m.workload('shop', 'once', { kind: 'Job', on: 'old', phase: 'Succeeded' })],
    ['a namespace that is being deleted', (m) => m.namespace('ending', { 'istio.io/rev': 'old' }, { deletionTimestamp: 'now' })],
    ['its own webhooks', (m) => m],
    [
      'a workload in a namespace that is being deleted',
      (m) => m.namespace('ending', {}, { deletionTimestamp: 'now' }).workload('ending', 'x', { replicas: 0, ...ASKS_OLD }),
    ],
    ['a Job that has ended', (m) => m.namespace('plain').object(job({ conditions: [{ type: 'Complete', status: 'True' }] }))],
    ['a Job that has failed for good', (m) => m.namespace('plain').object(job({ conditions: [{ type: 'Failed', status: 'True' }] }))],
    [
      'a finished bare pod',
      (m) => m.namespace('plain').pod('plain', 'x', { labels: { 'istio.io/rev': 'old' }, on: 'old', phase: 'Failed' }),
    ],
    [
      'a tag, a namespace and a pod of the other revision',
      (m) => m.tag('prod', 'new').namespace('x', { 'istio.io/rev': 'prod' }).pod('x', 'p', { on: 'new' }),
    ],
    ['a VM and a remote proxy of the other revision', (m) => m.connection('new', 'vm.fleet')],
    [
      'a namespace that the other revision would refuse',
      (m) => withoutService(m.namespace('x', { 'istio.io/rev': 'new' }).workload('x', 'w', { replicas: 0 }), 'istiod-new'),
    ],
    ['a namespace without labels', (m) => m.namespace('plain').workload('plain', 'x')],
    ['a namespace that asks for a ghost', (m) => m.namespace('x', { 'istio.io/rev': 'older' })],
  ])('%s', (_name, change) => {
    expect(uses(change(unusedOld()))).toEqual([]);
  });
});

it('an object that is pinned to the other revision, and a revision that is not there, are no use', () => {
  const pinned = { apiVersion: 'x/v1', kind: 'EnvoyFilter', metadata: { name: 'f', namespace: 'shop', labels: { 'istio.io/rev': 'new' } } };
  expect(uses(unusedOld({ pinnedObjects: [pinned] }))).toEqual([]);
  expect(findUses('ghost', unusedOld().inventory())).toEqual({
    revision: 'ghost',
    gone: true,
    others: ['old', 'new'],
    uses: [],
    unknown: [],
    notes: [],
  });
});

it('where everything is injected by default, workloads use it, and their namespaces have no label that does', () => {
  const everywhere = injectorWebhooks({
    configuration: 'c',
    value: 'default',
    revision: 'old',
    tag: 'all',
    service: 'istiod-old',
    servesUnlabelled: true,
  });
  const mesh = unusedOld().object(everywhere).namespace('plain').workload('plain', 'x', { replicas: 0 });
  expect(uses(mesh)).toEqual(['template plain/deployment/x', 'tag tag all']);
});

describe('unknown is never unused', () => {
  it('when something could not be read', () => {
    const usage = findUses('old', unusedOld({ unread: [{ what: 'pods in all namespaces', why: 'no permission' }] }).inventory());
    expect([usageVerdict(usage), usage.unknown]).toEqual(['unknown', ['pods in all namespaces: no permission']]);
  });

  it('but a use that was found is a use, whatever else is unknown', () => {
    const mesh = new MeshBuilder({ unread: [{ what: 'jobs.batch', why: 'no permission' }] })
      .revision({ revision: 'old', version: '1.28.2' }, { error: 'no answer' })
      .pod('shop', 'x', { on: 'old', connectedTo: null });
    const usage = findUses('old', mesh.inventory());
    expect([usageVerdict(usage), usage.unknown]).toEqual([
      'used',
      ['jobs.batch: no permission', 'proxies of istio-system/istiod-old-abc: no answer'],
    ]);
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
