/** Which gateways move, how, and why some stay. */
import { describe, expect, it } from 'vitest';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { withTemplateLabel } from './select-gateways.ts';
import { selectMoves, type Moves, type MoveScope } from './select-moves.ts';

const TO = { label: 'canary', revision: 'canary', version: '1.29.1' };

function mesh(): MeshBuilder {
  return new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .tag('prod', 'default')
    .namespace('edge')
    .namespace('shop', { 'istio-injection': 'enabled' })
    .workload('shop', 'web', { on: 'default' });
}

function gateway(labels: Record<string, string>, more: WorkloadOptions = {}): WorkloadOptions {
  const metadata = { labels: { app: 'gw', ...labels }, annotations: { 'inject.istio.io/templates': 'gateway' } };
  return { on: 'default', replicas: 2, template: { metadata }, ...more };
}

function withService(built: MeshBuilder, namespace = 'edge'): MeshBuilder {
  return built.object({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'gw', namespace }, spec: { selector: { app: 'gw' } } });
}

function moves(built: MeshBuilder, scope: Partial<MoveScope> = {}): Moves {
  return selectMoves(built.inventory(), { from: 'default', to: TO, namespaces: [], skip: [], ...scope });
}

function told({ namespaces, notMoved }: Moves, name = 'gw'): unknown {
  const move = namespaces.flatMap((n) => n.workloads).find((m) => m.workload.name === name);
  if (move !== undefined) {
    const { templateLabel: label, canary, inPlaceBecause, revision } = move;
    return [
      revision,
      label && `${label.from ?? 'none'}→${label.to ?? 'none'}`,
      canary === true ? 'canary' : (inPlaceBecause ?? 'in place'),
    ];
  }
  const stay = notMoved.find((s) => s.workload.name === name);
  return stay && [stay.reason, stay.keepsOldInUse];
}

const REV = { 'istio.io/rev': 'default' };
const LEFT = 'gateways are left where they are (--gateways leave); it stays on the old revision';

describe('in a namespace without a label', () => {
  it.each<[string, WorkloadOptions, Partial<MoveScope>, unknown]>([
    ['its template names the old revision', gateway(REV), {}, ['canary', 'default→canary', 'in place']],
    ['its template follows a tag', gateway({ 'istio.io/rev': 'prod' }), {}, ['canary', 'prod→canary', 'in place']],
    ['its template follows the default', gateway({ 'sidecar.istio.io/inject': 'true' }), {}, ['canary', 'none→canary', 'in place']],
    ['its template is right already, its pods are not', gateway({ 'istio.io/rev': 'canary' }), {}, ['canary', undefined, 'in place']],
    ['it is there already', gateway({ 'istio.io/rev': 'canary' }, { on: 'canary' }), {}, undefined],
    ['it is scaled to zero', gateway(REV, { replicas: 0 }), {}, ['canary', 'default→canary', 'in place']],
    ['it is of another revision', gateway({ 'istio.io/rev': 'other' }, { on: 'other' }), {}, undefined],
    ['it is named among others', gateway(REV), { namespaces: ['edge'] }, ['canary', 'default→canary', 'in place']],
    ['others are named', gateway(REV), { namespaces: ['shop'] }, ['namespace edge is not part of this run', true]],
    ['it is skipped', gateway(REV), { skip: ['edge/gw'] }, ['left out by the request', true]],
    ['gateways are left', gateway(REV), { gateways: 'leave' }, [LEFT, true]],
    [
      'its selector names the revision',
      gateway(REV, { spec: { selector: { matchLabels: { app: 'gw', ...REV } } } }),
      {},
      ['its selector names istio.io/rev, which cannot change; --gateways canary makes a new one', true],
    ],
    [
      'its selector names the revision, and it is made anew',
      gateway(REV, { spec: { selector: { matchLabels: { app: 'gw', ...REV } } } }),
      { gateways: 'canary' },
      ['canary', 'default→canary', 'canary'],
    ],
    ['it is made anew', gateway(REV), { gateways: 'canary' }, ['canary', 'default→canary', 'canary']],
    [
      'it is a DaemonSet, to be made anew',
      gateway(REV, { kind: 'DaemonSet', strategy: { rollingUpdate: { maxSurge: 1 } } }),
      { gateways: 'canary' },
      ['canary', 'default→canary', 'a DaemonSet cannot share its pods with a second one'],
    ],
    [
      'it is scaled to zero, to be made anew',
      gateway(REV, { replicas: 0 }),
      { gateways: 'canary' },
      ['canary', 'default→canary', 'it is scaled to zero'],
    ],
    [
      'its proxy stands in the template, as the IstioOperator writes it',
      gateway(
        { ...REV, 'sidecar.istio.io/inject': 'false' },
        {
          template: {
            metadata: {
              labels: { app: 'gw', ...REV, 'sidecar.istio.io/inject': 'false' },
              annotations: { 'inject.istio.io/templates': 'gateway' },
            },
            spec: { containers: [{ name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
          },
        },
      ),
      {},
      ['its template has a container istio-proxy, and no webhook replaces it: make it anew as an injected gateway', true],
    ],
    [
      'istiod manages it',
      gateway({ ...REV, 'gateway.istio.io/managed': 'istio.io-gateway-controller' }),
      {},
      [expect.stringContaining('the namespace has no label'), true],
    ],
  ])('%s', (_name, options, scope, expected) => {
    expect(told(moves(withService(mesh().workload('edge', 'gw', options)), scope))).toEqual(expected);
  });

  it('without a Service nothing can be shifted', () => {
    const built = mesh().workload('edge', 'gw', gateway(REV));
    expect(told(moves(built, { gateways: 'canary' }))).toEqual([
      'canary',
      'default→canary',
      'no Service selects its pods, so nothing can be shifted',
    ]);
  });

  it('an application beside it whose template names the revision moves after it', () => {
    const built = mesh()
      .workload('edge', 'gw', gateway(REV))
      .workload('edge', 'app', { on: 'default', template: { metadata: { labels: REV } } });
    expect(moves(built).namespaces.flatMap((n) => n.workloads.map((move) => move.workload.name))).toEqual(['gw', 'app', 'web']);
  });

  it('gets one when it is named and runs more than gateways', () => {
    const built = mesh()
      .workload('edge', 'gw', gateway(REV))
      .workload('edge', 'app', { on: 'default', template: { metadata: { labels: REV } } });
    expect(moves(built, { namespaces: ['edge'] }).namespaces.map((n) => n.set)).toEqual([{ 'istio.io/rev': 'canary' }]);
  });
});

describe('in a namespace whose label decides', () => {
  const built = (): MeshBuilder => withService(mesh().workload('shop', 'gw', gateway({ 'sidecar.istio.io/inject': 'true' })), 'shop');

  it.each<[MoveScope['gateways'], unknown]>([
    [undefined, ['canary', undefined, 'in place']],
    ['canary', ['canary', undefined, 'canary']],
    ['leave', [LEFT, true]],
  ])('with strategy %s', (strategy, expected) => {
    expect(told(moves(built(), strategy === undefined ? {} : { gateways: strategy }))).toEqual(expected);
  });
});

it('gateways come first: those that no label moves, then the others, then applications', () => {
  const built = mesh()
    .namespace('a-app', { 'istio-injection': 'enabled' })
    .workload('a-app', 'x', { on: 'default' })
    .workload('edge', 'gw', gateway(REV))
    .workload('shop', 'gw', gateway({}));
  expect(moves(built).namespaces.map((n) => n.namespace.name)).toEqual(['edge', 'shop', 'a-app']);
});

it('a template is changed in its label alone', () => {
  const template = { metadata: { labels: { app: 'gw', ...REV }, annotations: { a: 'b' } }, spec: {} };
  expect(withTemplateLabel(template, 'new').metadata).toEqual({ labels: { app: 'gw', 'istio.io/rev': 'new' }, annotations: { a: 'b' } });
  expect(withTemplateLabel(template, null).metadata?.labels).toEqual({ app: 'gw' });
  expect(withTemplateLabel(template, null, false)).toBe(template);
});
