import { describe, expect, it } from 'vitest';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { workloadKey } from '../mesh/mesh-inventory.ts';
import { applyLabels, labelsToSet, selectMoves, type Moves, type MoveScope } from './select-moves.ts';

const CANARY = { label: 'canary', revision: 'canary', version: '1.29.1' };

function builder(): MeshBuilder {
  return new MeshBuilder().revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true }).defaultTo('default');
}

function moves(mesh: MeshBuilder, scope: Partial<MoveScope> = {}): Moves {
  return selectMoves(mesh.inventory(), { from: 'default', to: CANARY, namespaces: [], skip: [], ...scope });
}

function picture({ namespaces, notMoved }: Moves): unknown {
  return {
    moved: Object.fromEntries(
      namespaces.map((n) => [
        n.namespace.name,
        { set: n.set, restarts: n.workloads.map((w) => `${w.workload.name}→${w.revision ?? 'none'}`) },
      ]),
    ),
    stays: Object.fromEntries(notMoved.map((s) => [s.workload.name, s.keepsOldInUse])),
  };
}

describe('the label patch', () => {
  it.each([
    [{ 'istio-injection': 'enabled' }, { 'istio-injection': null, 'istio.io/rev': 'canary' }],
    [{ 'istio-injection': 'enabled', 'istio.io/rev': 'canary' }, { 'istio-injection': null }],
    [{ 'istio.io/rev': 'old' }, { 'istio.io/rev': 'canary' }],
    [{ 'istio.io/rev': 'canary' }, {}],
    [{}, { 'istio.io/rev': 'canary' }],
  ])('%o needs %o', (labels, set) => {
    expect(labelsToSet(labels, 'canary')).toEqual(set);
    expect(applyLabels({ ...labels, team: 'a' }, set)).toEqual({ team: 'a', 'istio.io/rev': 'canary' });
  });
});

describe('which namespaces', () => {
  const shop: WorkloadOptions = { on: 'default' };

  it('those that resolve to the old revision by their own label, before the new one is installed', () => {
    const mesh = builder()
      .namespace('by-injection', { 'istio-injection': 'enabled' })
      .workload('by-injection', 'a', shop)
      .namespace('by-rev', { 'istio.io/rev': 'default' })
      .workload('by-rev', 'b', shop)
      .namespace('off', { 'istio-injection': 'disabled' })
      .workload('off', 'c')
      .namespace('plain')
      .workload('plain', 'd')
      .namespace('ending', { 'istio-injection': 'enabled' }, { deletionTimestamp: 'now' });
    expect(picture(moves(mesh))).toEqual({
      moved: {
        'by-injection': { set: { 'istio-injection': null, 'istio.io/rev': 'canary' }, restarts: ['a→canary'] },
        'by-rev': { set: { 'istio.io/rev': 'canary' }, restarts: ['b→canary'] },
      },
      stays: {},
    });
  });

  it('one that was relabelled before, but still has old pods', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('half', { 'istio.io/rev': 'canary' })
      .workload('half', 'old', shop)
      .workload('half', 'new', { on: 'canary', proxyVersion: '1.29.1' });
    expect(picture(moves(mesh))).toEqual({ moved: { half: { set: {}, restarts: ['old→canary'] } }, stays: {} });
  });

  it('not those that follow a tag, or that ask pod by pod: their pods are named', () => {
    const mesh = builder()
      .tag('prod', 'default')
      .namespace('tagged', { 'istio.io/rev': 'prod' })
      .workload('tagged', 'a', shop)
      .namespace('single')
      .workload('single', 'b', { ...shop, template: { metadata: { labels: { app: 'b', 'sidecar.istio.io/inject': 'true' } } } });
    const result = moves(mesh);
    expect(picture(result)).toEqual({ moved: {}, stays: { a: true, b: true } });
    expect(result.notMoved.map((s) => s.reason)).toEqual([
      'the namespace has no label; its pod template asks with sidecar.istio.io/inject=true',
      'the namespace follows istio.io/rev=prod; name it with -n to relabel it',
    ]);
  });

  it('only those that are named, when some are; the others are left, and named', () => {
    const mesh = builder()
      .namespace('a', { 'istio-injection': 'enabled' })
      .workload('a', 'x', shop)
      .namespace('b', { 'istio-injection': 'enabled' })
      .workload('b', 'y', shop);
    expect(picture(moves(mesh, { namespaces: ['b'] }))).toEqual({
      moved: { b: { set: { 'istio-injection': null, 'istio.io/rev': 'canary' }, restarts: ['y→canary'] } },
      stays: { x: true },
    });
  });

  it('a named one that was never in the mesh joins it', () => {
    const mesh = builder().revision({ revision: 'canary', version: '1.29.1' }).namespace('fresh').workload('fresh', 'a');
    const [fresh] = moves(mesh, { from: undefined, namespaces: ['fresh'] }).namespaces;
    expect(fresh?.set).toEqual({ 'istio.io/rev': 'canary' });
    expect(fresh?.workloads[0]).toMatchObject({ firstSidecar: true, revision: 'canary' });
  });

  it('one that could not reach the target is said to be unreachable', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1', webhooksDeactivated: true })
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'a', shop);
    const result = moves(mesh);
    expect(result.unreachable.map((u) => u.namespace)).toEqual(['shop']);
    expect(result.namespaces).toEqual([]);
  });
});

describe('which workloads', () => {
  const judged = (name: string, options: WorkloadOptions, scope: Partial<MoveScope> = {}): unknown => {
    const mesh = builder()
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', name, { on: 'default', ...options });
    const result = moves(mesh, scope);
    const restarts = result.namespaces.flatMap((n) => n.workloads.map((w) => w.workload.name));
    return restarts.length > 0 ? 'restart' : (result.notMoved[0]?.reason ?? 'right already');
  };

  it.each<[string, WorkloadOptions, unknown]>([
    ['a Deployment', {}, 'restart'],
    ['a StatefulSet', { kind: 'StatefulSet' }, 'restart'],
    ['a DaemonSet', { kind: 'DaemonSet' }, 'restart'],
    ['a paused Deployment', { spec: { paused: true } }, 'the Deployment is paused: kubectl rollout resume it first'],
    [
      'a StatefulSet with OnDelete',
      { kind: 'StatefulSet', strategy: { type: 'OnDelete' } },
      'its update strategy is OnDelete: delete its pods by hand',
    ],
    [
      'a StatefulSet with a partition',
      { kind: 'StatefulSet', strategy: { rollingUpdate: { partition: 2 } } },
      'its partition of 2 keeps pods below that ordinal as they are',
    ],
    [
      'a DaemonSet with OnDelete',
      { kind: 'DaemonSet', strategy: { type: 'OnDelete' } },
      'its update strategy is OnDelete: delete its pods by hand',
    ],
    ['a Job', { kind: 'Job' }, 'a Job ends by itself; its pod keeps its sidecar until then'],
    ['a CronJob between runs', { kind: 'CronJob', pods: 0 }, 'right already'],
    ['a Rollout', { kind: 'Rollout' }, 'Argo Rollout: restart it with kubectl argo rollouts restart'],
    ['a bare ReplicaSet', { kind: 'ReplicaSet' }, 'a ReplicaSet without a Deployment does not replace its pods: delete them by hand'],
    ['one that is scaled to zero', { replicas: 0 }, 'right already'],
    [
      'one that switched its sidecar off',
      { on: undefined as never, template: { metadata: { labels: { app: 'x', 'sidecar.istio.io/inject': 'false' } } } },
      'right already',
    ],
    ['one whose pods have finished', { phase: 'Succeeded' }, 'right already'],
  ])('%s', (_name, options, expected) => {
    expect(judged('x', options)).toBe(expected);
  });

  it('not one that is left out by name, with or without its kind', () => {
    for (const skip of ['shop/x', 'shop/deployment/x', 'shop/Deployment/x'])
      expect(judged('x', {}, { skip: [skip] })).toBe('left out by the request');
    expect(judged('x', {}, { skip: ['other/x', 'shop/statefulset/x'] })).toBe('restart');
  });

  it('bare pods stay and keep the old revision in use', () => {
    const mesh = builder().namespace('shop', { 'istio-injection': 'enabled' }).pod('shop', 'bare', { on: 'default' });
    expect(moves(mesh).notMoved).toMatchObject([{ workload: { kind: 'Pod', name: 'bare' }, keepsOldInUse: true }]);
  });

  it('on the right revision already, only those with another proxy; a pinned one never', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'current', { on: 'canary', proxyVersion: '1.29.1' })
      .workload('shop', 'older', { on: 'canary', proxyVersion: '1.29.0' })
      .workload('shop', 'pinned', {
        on: 'canary',
        proxyVersion: '1.20.0',
        template: { metadata: { labels: { app: 'pinned' }, annotations: { 'sidecar.istio.io/proxyImage': 'x:1.20.0' } } },
      });
    expect(moves(mesh, { from: undefined, namespaces: ['shop'] }).namespaces[0]?.workloads.map((w) => w.workload.name)).toEqual(['older']);
  });

  it('in a stable order: gateways first, then by kind and name', () => {
    const mesh = builder().namespace('shop', { 'istio-injection': 'enabled' });
    const gateway: WorkloadOptions = {
      on: 'default',
      template: { metadata: { labels: { app: 'z' }, annotations: { 'inject.istio.io/templates': 'gateway' } } },
    };
    for (const name of ['b', 'a', 'c']) mesh.workload('shop', name, { on: 'default' });
    mesh.workload('shop', 'z', gateway).workload('shop', 'a', { kind: 'StatefulSet', on: 'default' });
    expect(moves(mesh).namespaces[0]?.workloads.map((w) => workloadKey(w.workload))).toEqual([
      'shop/deployment/z',
      'shop/deployment/a',
      'shop/deployment/b',
      'shop/deployment/c',
      'shop/statefulset/a',
    ]);
  });
});
