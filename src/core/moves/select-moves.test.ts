import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import type { PodTemplate } from '../mesh/kube-objects.ts';
import { workloadKey } from '../mesh/mesh-inventory.ts';
import { reasonNotRestartable } from './restartable.ts';
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

  it('a tag is followed when the namespace is named, or when the tag is the target itself', () => {
    const tagged = (): MeshBuilder =>
      builder()
        .revision({ revision: 'canary', version: '1.29.1' })
        .tag('prod', 'default')
        .namespace('tagged', { 'istio.io/rev': 'prod' })
        .workload('tagged', 'a', shop);
    expect(picture(moves(tagged(), { namespaces: ['tagged'] }))).toEqual({
      moved: { tagged: { set: { 'istio.io/rev': 'canary' }, restarts: ['a→canary'] } },
      stays: {},
    });
    const moved = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .tag('prod', 'canary')
      .namespace('tagged', { 'istio.io/rev': 'prod' });
    expect(picture(moves(moved.workload('tagged', 'a', shop), { to: { ...CANARY, label: 'prod' } }))).toEqual({
      moved: { tagged: { set: {}, restarts: ['a→canary'] } },
      stays: {},
    });
  });

  it('the tag default is no tag to follow: it is the default', () => {
    const mesh = builder().namespace('by-default', { 'istio.io/rev': 'default' }).workload('by-default', 'a', shop);
    expect(picture(moves(mesh))).toEqual({
      moved: { 'by-default': { set: { 'istio.io/rev': 'canary' }, restarts: ['a→canary'] } },
      stays: {},
    });
  });

  it('with both labels, the one that rules decides, and is removed', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('both', { 'istio-injection': 'enabled', 'istio.io/rev': 'canary' })
      .workload('both', 'a', shop)
      .namespace('off', { 'istio-injection': 'disabled', 'istio.io/rev': 'default' })
      .workload('off', 'b');
    expect(picture(moves(mesh))).toEqual({ moved: { both: { set: { 'istio-injection': null }, restarts: ['a→canary'] } }, stays: {} });
  });

  it('one without workloads gets its label; one that is right already gets nothing', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('empty', { 'istio-injection': 'enabled' })
      .namespace('done', { 'istio.io/rev': 'canary' })
      .workload('done', 'a', { on: 'canary', proxyVersion: '1.29.1' });
    expect(picture(moves(mesh))).toEqual({
      moved: { empty: { set: { 'istio-injection': null, 'istio.io/rev': 'canary' }, restarts: [] } },
      stays: {},
    });
  });

  it('one that is named and right already gets nothing', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('done', { 'istio.io/rev': 'canary' })
      .workload('done', 'a', { on: 'canary', proxyVersion: '1.29.1' });
    expect(moves(mesh, { namespaces: ['done'] })).toEqual({ namespaces: [], notMoved: [], unreachable: [] });
  });

  it('one that is on the target with nothing old left is not touched, whatever else is in it', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('done', { 'istio.io/rev': 'canary' })
      .workload('done', 'late');
    expect(moves(mesh).namespaces).toEqual([]);
    const owner = { kind: 'ReplicaSet', name: 'late-hash', uid: 'uid-Deployment-done-late-ReplicaSet' };
    mesh.pod('done', 'late-old', { on: 'default', owner });
    expect(picture(moves(mesh))).toEqual({ moved: { done: { set: {}, restarts: ['late→canary'] } }, stays: {} });
  });

  it('those that name the old revision itself', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: '1-28-2', version: '1.28.2' })
      .tag('prod', '1-28-2')
      .namespace('by-name', { 'istio.io/rev': '1-28-2' })
      .workload('by-name', 'a', { on: '1-28-2' })
      .namespace('by-tag', { 'istio.io/rev': 'prod' })
      .workload('by-tag', 'b', { on: '1-28-2' });
    expect(picture(moves(mesh, { from: '1-28-2' }))).toEqual({
      moved: { 'by-name': { set: { 'istio.io/rev': 'canary' }, restarts: ['a→canary'] } },
      stays: { b: true },
    });
  });

  it('those that follow a tag, when tags move as well; they get its label back', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .tag('prod', 'default')
      .tag('moved', 'canary')
      .tag('other', 'elsewhere')
      .namespace('tagged', { 'istio.io/rev': 'prod' })
      .workload('tagged', 'a', shop)
      .namespace('ahead', { 'istio.io/rev': 'moved' })
      .workload('ahead', 'b', shop)
      .namespace('far', { 'istio.io/rev': 'other' });
    const result = moves(mesh, { moveTags: true });
    expect(picture(result)).toEqual({
      moved: { ahead: { set: {}, restarts: ['b→canary'] }, tagged: { set: { 'istio.io/rev': 'canary' }, restarts: ['a→canary'] } },
      stays: {},
    });
    expect(result.namespaces.map(({ namespace, backTo }) => [namespace.name, backTo])).toEqual([
      ['ahead', undefined],
      ['tagged', 'prod'],
    ]);
  });

  it('a tag behind istio-injection is not followed', () => {
    const mesh = builder()
      .tag('prod', 'default')
      .namespace('both', { 'istio-injection': 'enabled', 'istio.io/rev': 'prod' })
      .workload('both', 'a', shop);
    expect(picture(moves(mesh))).toMatchObject({ moved: { both: { restarts: ['a→canary'] } }, stays: {} });
  });

  it('come by name', () => {
    const mesh = builder();
    for (const name of ['b', 'c', 'a']) mesh.namespace(name, { 'istio-injection': 'enabled' });
    expect(moves(mesh).namespaces.map((n) => n.namespace.name)).toEqual(['a', 'b', 'c']);
  });

  it('without an old revision, only those that are named', () => {
    const mesh = builder().namespace('a', { 'istio-injection': 'enabled' }).workload('a', 'x', shop);
    mesh.namespace('off', { 'istio-injection': 'disabled' }).workload('off', 'y');
    expect(moves(mesh, { from: undefined })).toEqual({ namespaces: [], notMoved: [], unreachable: [] });
    expect(picture(moves(mesh, { from: undefined, namespaces: ['a'] }))).toMatchObject({
      moved: { a: { restarts: ['x→canary'] } },
      stays: {},
    });
  });

  it.each<[string, (mesh: MeshBuilder) => MeshBuilder, Partial<MoveScope>, RegExp]>([
    [
      'has no label, and its template asks for a sidecar',
      (m) => m.namespace('x').workload('x', 'w', { ...shop, template: { metadata: { labels: { 'sidecar.istio.io/inject': 'true' } } } }),
      {},
      /asks with sidecar\.istio\.io\/inject=true$/,
    ],
    ['has no label, and nothing asks', (m) => m.namespace('x').workload('x', 'w', shop), {}, /nothing in the pod template asks/],
    [
      'resolves to something else',
      (m) => m.namespace('x', { 'istio-injection': 'disabled' }).workload('x', 'w', shop),
      {},
      /do not resolve to default$/,
    ],
    [
      'follows another revision',
      (m) => m.namespace('x', { 'istio.io/rev': 'stable' }).workload('x', 'w', shop),
      {},
      /^the namespace follows istio\.io\/rev=stable; name it with -n/,
    ],
    [
      'is switched off, and has both labels',
      (m) => m.namespace('x', { 'istio-injection': 'disabled', 'istio.io/rev': 'default' }).workload('x', 'w', shop),
      {},
      /do not resolve to default$/,
    ],
    [
      'is not named',
      (m) => m.namespace('x', { 'istio-injection': 'enabled' }).workload('x', 'w', shop),
      { namespaces: ['y'] },
      /^namespace x is not part of this run$/,
    ],
    [
      'is being deleted',
      (m) => m.namespace('x', { 'istio-injection': 'enabled' }, { deletionTimestamp: 'now' }).workload('x', 'w', shop),
      {},
      /delet|terminat|ending/,
    ],
  ])('says why a workload is left whose namespace %s', (_name, change, scope, reason) => {
    const result = moves(change(builder().namespace('y', { 'istio-injection': 'enabled' })), scope);
    expect(result.notMoved).toMatchObject([
      { workload: { name: 'w' }, keepsOldInUse: true, reason: expect.stringMatching(reason) as string },
    ]);
  });

  it('pods of others, ended and terminating ones keep nothing in use', () => {
    const mesh = builder()
      .revision({ revision: 'other', version: '1.28.0' })
      .namespace('x')
      .workload('x', 'other', { on: 'other' })
      .workload('x', 'done', { kind: 'Job', on: 'default', phase: 'Failed' })
      .pod('x', 'going', { on: 'default', deleting: true });
    expect(moves(mesh).notMoved).toEqual([]);
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
      'a StatefulSet with a partition of 1',
      { kind: 'StatefulSet', strategy: { rollingUpdate: { partition: 1 } } },
      'its partition of 1 keeps pods below that ordinal as they are',
    ],
    ['a StatefulSet with a partition of 0', { kind: 'StatefulSet', strategy: { rollingUpdate: { partition: 0 } } }, 'restart'],
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

  const GATEWAY_API: PodTemplate = {
    metadata: {
      labels: {
        app: 'x',
        'sidecar.istio.io/inject': 'false',
        'gateway.networking.k8s.io/gateway-name': 'x',
        'gateway.istio.io/managed': 'istio.io-gateway-controller',
      },
      annotations: { 'istio.io/rev': 'default' },
    },
    spec: { containers: [{ name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
  };
  const KUBE_INJECTED: PodTemplate = {
    metadata: {
      labels: { app: 'x', 'sidecar.istio.io/inject': 'false' },
      annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"],"revision":"default"}' },
    },
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
  };

  it.each([
    ['the gateway of a Gateway, which its istiod makes', GATEWAY_API],
    ['one that went through kube-inject, and switched the webhook off', KUBE_INJECTED],
  ])('not one whose proxy stands in its template, since its next pod would be the same: %s', (_name, template) => {
    const mesh = builder().namespace('shop', { 'istio-injection': 'enabled' }).workload('shop', 'x', { on: 'default', template });
    const { namespaces, notMoved } = moves(mesh);
    expect(namespaces.flatMap((n) => n.workloads.map((w) => [w.workload.name, w.revision]))).toEqual([]);
    expect(notMoved).toMatchObject([{ workload: { name: 'x' }, keepsOldInUse: true }]);
  });

  it('one that went through kube-inject is injected anew by a webhook that matches, and pins nothing', () => {
    const template = { ...KUBE_INJECTED, metadata: { ...KUBE_INJECTED.metadata, labels: { app: 'x' } } };
    const mesh = builder().namespace('shop', { 'istio-injection': 'enabled' }).workload('shop', 'x', { on: 'default', template });
    const [move] = moves(mesh).namespaces[0]?.workloads ?? [];
    expect([move?.revision, move?.pinnedImage]).toEqual(['canary', undefined]);
  });

  it('a pinned one moves, and says so', () => {
    const annotations = { 'sidecar.istio.io/proxyImage': 'mine/proxy:1' };
    const mesh = builder()
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'x', { on: 'default', template: { metadata: { annotations } } });
    expect(moves(mesh).namespaces[0]?.workloads).toMatchObject([
      { revision: 'canary', pinnedImage: 'mine/proxy:1', firstSidecar: false, gateway: false },
    ]);
  });

  it('the label of a pod changes nothing where its namespace has one', () => {
    const mesh = builder()
      .revision({ revision: 'stable', version: '1.28.2' })
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'x', { on: 'default', template: { metadata: { labels: { app: 'x', 'istio.io/rev': 'stable' } } } });
    expect(picture(moves(mesh))).toMatchObject({ moved: { shop: { restarts: ['x→canary'] } } });
  });

  it('one that has its first sidecar before it is everywhere has no first one any more', () => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'x', { pods: 1 })
      .pod('shop', 'x-extra', { on: 'canary', owner: { kind: 'ReplicaSet', name: 'x-hash', uid: 'uid-Deployment-shop-x-ReplicaSet' } });
    const result = moves(mesh, { from: undefined, namespaces: ['shop'] });
    expect(result.namespaces[0]?.workloads).toMatchObject([{ firstSidecar: false }]);
  });

  it('one that loses its sidecar moves to none', () => {
    const mesh = builder()
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'x', { on: 'default', template: { metadata: { labels: { app: 'x', 'sidecar.istio.io/inject': 'false' } } } });
    expect(moves(mesh).namespaces[0]?.workloads).toMatchObject([{ revision: undefined, firstSidecar: false }]);
  });

  it.each([
    ['1.29.1', '1.29.0', ['x']],
    ['1.29.1', '1.29.1-distroless', []],
    ['unknown', '1.29.0', []],
    ['1.29.1', 'latest', []],
  ])('on the right revision at version %s, a proxy of %s: %o', (version, proxyVersion, restarted) => {
    const mesh = builder()
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'x', { on: 'canary', proxyVersion, connectedTo: null });
    const result = moves(mesh, { from: undefined, to: { ...CANARY, version }, namespaces: ['shop'] });
    expect(result.namespaces.flatMap((n) => n.workloads.map((w) => w.workload.name))).toEqual(restarted);
  });

  it('one that cannot be restarted keeps the old revision in use only with pods of it', () => {
    const mesh = builder()
      .revision({ revision: 'other', version: '1.28.0' })
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'a', { kind: 'Job', on: 'default' })
      .workload('shop', 'b', { kind: 'Job', on: 'other' });
    expect(picture(moves(mesh))).toMatchObject({ stays: { a: true, b: false } });
    mesh.workload('shop', 'c', { kind: 'StatefulSet', on: 'other', strategy: { type: 'OnDelete' } });
    mesh.pod('shop', 'c-old', { on: 'default', owner: { kind: 'StatefulSet', name: 'c', uid: 'uid-StatefulSet-shop-c' } });
    expect(picture(moves(mesh))).toMatchObject({ stays: { c: true } });
    expect(picture(moves(mesh.workload('shop', 'd', { kind: 'Job' }), { from: undefined, namespaces: ['shop'] }))).toMatchObject({
      stays: { a: false, c: false, d: false },
    });
  });

  it('the reasons of those that cannot be restarted each say what to do or to wait for', () => {
    const reasons = (['Rollout', 'ReplicaSet', 'Job', 'CronJob', 'Pod'] as const).map((kind) =>
      reasonNotRestartable({ kind, namespace: 'n', name: 'x', apiVersion: 'v', template: {}, desiredPods: 1, strategy: {}, pods: [] }),
    );
    expect(reasons.every((reason) => reason !== undefined && /restart|delete|until/.test(reason))).toBe(true);
    expect(new Set(reasons).size).toBe(reasons.length);
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
        template: { metadata: { labels: { app: 'pinned' }, annotations: { 'sidecar.istio.io/proxyImage': 'mine/x:1.20.0' } } },
      });
    expect(moves(mesh, { from: undefined, namespaces: ['shop'] }).namespaces[0]?.workloads.map((w) => w.workload.name)).toEqual(['older']);
  });

  it('in that order whatever the order in which they were read', () => {
    const gateway: WorkloadOptions = { on: 'default', template: { metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } } };
    const wanted = ['deployment/gw-a', 'statefulset/gw-b', 'deployment/a', 'deployment/b', 'statefulset/a'];
    fc.assert(
      fc.property(fc.shuffledSubarray(wanted, { minLength: wanted.length }), (order) => {
        const mesh = builder().namespace('shop', { 'istio-injection': 'enabled' });
        for (const entry of order) {
          const [kind, name = ''] = entry.split('/');
          mesh.workload('shop', name, {
            ...(name.startsWith('gw') ? gateway : { on: 'default' }),
            kind: kind === 'deployment' ? 'Deployment' : 'StatefulSet',
          });
        }
        expect(moves(mesh).namespaces[0]?.workloads.map((w) => workloadKey(w.workload))).toEqual(wanted.map((entry) => `shop/${entry}`));
      }),
    );
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
