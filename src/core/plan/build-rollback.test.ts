import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedObjects } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { planOf, stepLines } from '../../../test/kit/plan-of.ts';
import { crd, controlPlaneObjects } from '../../../test/kit/istio-objects.ts';
import { RESTART_ANNOTATION } from './restart-mark.ts';
import { buildRollback, type RollbackInput } from './build-rollback.ts';
import { planSchema, type Plan } from './plan.ts';

const rendered = [crd('gateways.networking.istio.io', ['v1']), ...controlPlaneObjects({ revision: 'canary', version: '1.29.1' })];

/** The mesh after so many steps of the plan below: 1 CRDs, 2 install, 3 label bank, 4 vault, 5 label shop, 6 cart, 7 web, 8 default, 9 remove. */
function after(steps: number): MeshBuilder {
  const builder = new MeshBuilder().object(...sharedObjects());
  if (steps < 9) builder.revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true });
  if (steps >= 2) builder.revision({ revision: 'canary', version: '1.29.1' });
  const on = (step: number): string => (steps >= step ? 'canary' : 'default');
  return builder
    .defaultTo(on(8))
    .namespace('istio-system')
    .namespace('bank', steps >= 3 ? { 'istio.io/rev': 'canary' } : { 'istio.io/rev': 'default' })
    .workload('bank', 'vault', { on: on(4) })
    .namespace('shop', steps >= 5 ? { 'istio.io/rev': 'canary', team: 'a' } : { 'istio-injection': 'enabled', team: 'a' })
    .workload('shop', 'cart', { on: on(6) })
    .workload('shop', 'web', { on: on(7), replicas: 2 });
}

const plan: Plan = planOf(after(0), {}, { rendered });
const IDS = plan.steps.map((step) => step.id);

function input(steps: number, more: Partial<RollbackInput> = {}): RollbackInput {
  const mesh = after(steps);
  return {
    plan,
    touched: new Set(IDS.slice(0, steps)),
    originalRefs: new Map(plan.steps.slice(7, steps).map((step) => [step.id, step.changes.map((change) => change.ref)])),
    inventory: mesh.inventory(),
    // As they are once the originals are back.
    webhooks: (steps < 8 ? mesh : after(7)).inventory().webhooks,
    openMarks: new Set(),
    candidates: mesh.candidates(),
    createdAt: '2026-03-02T12:00:00Z',
    createdBy: 'somebody',
    attempt: 0,
    ...more,
  };
}

const lines = (steps: number, more: Partial<RollbackInput> = {}): string[] =>
  stepLines(buildRollback(input(steps, more))).map((line) => line.replace(/^move back\d*-\d+-/, ''));

const labelBank = 'label-bank: label ns/bank  istio.io/rev: canary → default';
const labelShop = 'label-shop: label ns/shop  istio-injection: none → enabled, istio.io/rev: canary → none';
const vault = 'restart-bank-deploy-vault: restart deploy/vault in bank';
const cart = 'restart-shop-deploy-cart: restart deploy/cart in shop';
const web = 'restart-shop-deploy-web: restart deploy/web in shop';
const removal = 'remove-canary: remove canary (1.29.1): 14 objects, once nothing uses it';
const toDefault = 'default: default: canary → default';
const restored = 'restore-default: put default back';

it('the plan that is taken back is the one that these tests think of', () => {
  expect(IDS).toEqual([
    '01-crds',
    '02-install-canary',
    '03-label-bank',
    '04-restart-bank-deploy-vault',
    '05-label-shop',
    '06-restart-shop-deploy-cart',
    '07-restart-shop-deploy-web',
    '08-default',
    '09-remove-default',
  ]);
});

describe('from every step', () => {
  it.each<[number, string[]]>([
    [0, []],
    [1, []],
    [2, [removal]],
    [3, [labelBank, removal]],
    [4, [labelBank, vault, removal]],
    [5, [labelBank, vault, labelShop, removal]],
    [6, [labelBank, vault, labelShop, cart, removal]],
    [7, [labelBank, vault, labelShop, cart, web, removal]],
    [8, [toDefault, labelBank, vault, labelShop, cart, web, removal]],
    [9, [restored, toDefault, labelBank, vault, labelShop, cart, web, removal]],
  ])('%i', (steps, expected) => {
    expect(lines(steps)).toEqual(expected);
  });

  it('it is a plan like any other', () => {
    for (let steps = 0; steps <= 9; steps += 1) {
      const back = buildRollback(input(steps));
      expect(planSchema.parse(back)).toEqual(back);
      expect(back.steps.every((step) => step.phase === 'move')).toBe(true);
      expect([back.from, back.to]).toEqual([plan.to, plan.from]);
      expect(back.metadata).toEqual({ name: 'to-canary-back', createdAt: '2026-03-02T12:00:00Z', createdBy: 'somebody' });
      expect([back.pins, back.carriedOver, back.valueDifferences]).toEqual([[], '', []]);
    }
  });

  it('in an order in which nobody loses what it stands on, whatever was touched and whatever the mesh looks like', () => {
    fc.assert(
      fc.property(fc.subarray(IDS), fc.integer({ min: 0, max: 9 }), (touched, steps) => {
        const kinds = buildRollback(input(steps, { touched: new Set(touched) })).steps.map((step) => step.kind);
        const rank = kinds.map((kind) => ['restoreObject', 'labelNamespace', 'restartWorkload', 'removeControlPlane'].indexOf(kind));
        expect(rank.every((r) => r >= 0)).toBe(true);
        expect(kinds.slice(0, kinds.lastIndexOf('restoreObject') + 1).every((kind) => kind === 'restoreObject')).toBe(true);
        expect(kinds.indexOf('removeControlPlane')).toBe(touched.includes('02-install-canary') ? kinds.length - 1 : -1);
      }),
    );
  });
});

describe('the steps', () => {
  it('of the way there do not get their ids again, and neither do those of an attempt before', () => {
    const ids = (attempt: number): string[] => buildRollback(input(9, { attempt })).steps.map((step) => step.id);
    expect(ids(0).every((id) => /^back-\d\d-/.test(id))).toBe(true);
    expect(ids(1).every((id) => /^back2-\d\d-/.test(id))).toBe(true);
    expect(new Set([...IDS, ...ids(0), ...ids(1), ...ids(2)]).size).toBe(IDS.length + 3 * ids(0).length);
  });

  it('put back what the record holds, in the step that took it away', () => {
    const [controlPlane, pointer] = buildRollback(input(9)).steps;
    expect(controlPlane).toMatchObject({
      kind: 'restoreObject',
      originalsOf: '09-remove-default',
      revision: 'default',
      expect: 'control-plane',
    });
    expect(controlPlane?.changes.map((change) => change.action)).toEqual(Array.from({ length: 14 }, () => 'create'));
    expect(pointer).toMatchObject({ kind: 'restoreObject', originalsOf: '08-default', revision: 'default', expect: 'default' });
  });

  it('set the labels as the plan found them, and only those', () => {
    const step = buildRollback(input(5)).steps.find((s) => s.kind === 'labelNamespace' && s.namespace === 'shop');
    expect(step).toMatchObject({
      set: { 'istio-injection': 'enabled', 'istio.io/rev': null },
      revision: 'default',
      preconditions: [{ holds: 'namespace-labels', labels: { 'istio-injection': null, 'istio.io/rev': 'canary' } }],
    });
  });

  it('wait for the revision that the pods get once the labels are back', () => {
    const restarts = buildRollback(input(7)).steps.flatMap((step) =>
      step.kind === 'restartWorkload' ? [[step.workload.name, step.revision, step.pods]] : [],
    );
    expect(restarts).toEqual([
      ['vault', 'default', 1],
      ['cart', 'default', 1],
      ['web', 'default', 2],
    ]);
  });

  it('give shared objects back what the installation changed of them, before the new control plane goes', () => {
    const ref = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'istio-system', name: 'istio-reader-service-account' };
    const back = buildRollback(input(2, { originalRefs: new Map([['02-install-canary', [ref]]]) }));
    expect(back.steps.map((step) => step.title)).toEqual([
      '1 shared object as before',
      'remove canary (1.29.1): 14 objects, once nothing uses it',
    ]);
    expect(back.steps[0]).toMatchObject({ originalsOf: '02-install-canary', expect: 'shared', changes: [{ action: 'update', ref }] });
  });

  it('remove what is there of an installation that was cut off, and nothing that others have', () => {
    const half = after(0).object(...rendered.filter((o) => ['ConfigMap', 'ServiceAccount'].includes(o.kind)));
    const back = buildRollback(input(2, { inventory: half.inventory(), candidates: half.candidates() }));
    expect(
      back.steps.flatMap((step) => step.changes.map((change) => `${change.action} ${change.ref.kind} ${change.ref.name}`)).toSorted(),
    ).toEqual([
      'delete ConfigMap istio-canary',
      'delete ConfigMap istio-sidecar-injector-canary',
      'delete ConfigMap values-canary',
      'delete ServiceAccount istiod-canary',
    ]);
  });

  it('are those of the mesh as it is: pods that are right already are left alone', () => {
    const mesh = after(5).workload('shop', 'late', { on: 'canary' });
    expect(lines(5, { inventory: mesh.inventory() })).toEqual([labelBank, vault, labelShop, cart.replaceAll('cart', 'late'), removal]);
  });

  it('hold for a workload whose new pods are still to come: it was told to restart', () => {
    const { workloads, ...rest } = after(6).inventory();
    const mark = 'to-canary/07-restart-shop-deploy-web';
    const told = workloads.map((w) =>
      w.name === 'web' ? { ...w, template: { metadata: { annotations: { [RESTART_ANNOTATION]: mark } } } } : w,
    );
    const inventory = { ...rest, workloads: told };
    expect(lines(7, { inventory, openMarks: new Set([mark]) })).toEqual([labelBank, vault, labelShop, cart, web, removal]);
    expect(lines(7, { inventory, openMarks: new Set() })).toEqual([labelBank, vault, labelShop, cart, removal]);
  });

  it('leave labels alone that are back already, and whatever else changed', () => {
    const inventory = after(7).inventory();
    const changed = {
      ...inventory,
      namespaces: inventory.namespaces.map((n) => (n.name === 'shop' ? { ...n, labels: { 'istio-injection': 'enabled', team: 'b' } } : n)),
    };
    expect(lines(7, { inventory: changed })).toEqual([labelBank, vault, cart, web, removal]);
  });

  it('pass over namespaces that are gone or going', () => {
    const inventory = after(7).inventory();
    const without = {
      ...inventory,
      namespaces: inventory.namespaces.filter((n) => n.name !== 'shop'),
      workloads: inventory.workloads.filter((w) => w.namespace !== 'shop'),
    };
    const ending = { ...inventory, namespaces: inventory.namespaces.map((n) => (n.name === 'shop' ? { ...n, terminating: true } : n)) };
    for (const changed of [without, ending]) expect(lines(7, { inventory: changed })).toEqual([labelBank, vault, removal]);
  });

  it('do not touch namespaces that the run did not come to', () => {
    const mesh = after(4).namespace('zoo', { 'istio.io/rev': 'canary' }).workload('zoo', 'ape', { on: 'canary' });
    expect(lines(4, { inventory: mesh.inventory() })).toEqual([labelBank, vault, removal]);
  });

  it('restart workloads whose labels the run did not change', () => {
    const touched = new Set(['04-restart-bank-deploy-vault']);
    const mesh = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .namespace('bank', { 'istio.io/rev': 'default' })
      .workload('bank', 'vault', { on: 'canary' });
    const { inventory } = { inventory: mesh.inventory() };
    expect(lines(4, { touched, inventory, webhooks: inventory.webhooks })).toEqual([vault]);
  });

  it('name who cannot be restarted, and whether that keeps the new revision in use', () => {
    const mesh = after(7).workload('shop', 'orphan', { kind: 'ReplicaSet', on: 'canary' });
    const back = buildRollback(input(7, { inventory: mesh.inventory() }));
    expect(back.notMoved).toEqual([
      { workload: 'shop/replicaset/orphan', reason: expect.stringMatching(/^rs\/orphan: a ReplicaSet/) as unknown, keepsOldInUse: true },
    ]);
  });

  it('take gateways first', () => {
    const gateway = {
      metadata: { labels: { app: 'z', 'sidecar.istio.io/inject': 'true' }, annotations: { 'inject.istio.io/templates': 'gateway' } },
    };
    const mesh = after(7).workload('shop', 'z-gateway', { on: 'canary', template: gateway });
    const back = buildRollback(input(7, { inventory: mesh.inventory() }));
    expect(
      back.steps.flatMap((step) => ('workload' in step && step.workload.namespace === 'shop' ? [[step.kind, step.workload.name]] : [])),
    ).toEqual([
      ['restartGateway', 'z-gateway'],
      ['restartWorkload', 'cart'],
      ['restartWorkload', 'web'],
    ]);
  });

  it('finished and terminating pods are not counted', () => {
    const mesh = after(3).workload('bank', 'job-like', { on: 'default', phase: 'Succeeded' }).workload('bank', 'idle', { replicas: 0 });
    expect(lines(3, { inventory: mesh.inventory() })).toEqual([labelBank, removal]);
  });
});
