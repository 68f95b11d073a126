import { describe, expect, it } from 'vitest';
import { controlPlaneObjects } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { planOf } from '../../../test/kit/plan-of.ts';
import { selectMoves } from '../moves/select-moves.ts';
import { assessPreconditions, assessUnplanned } from './assess-preconditions.ts';
import type { Plan } from './plan.ts';

const OLD = { revision: 'default', version: '1.28.2' };
const shop = { 'istio-injection': 'enabled' };

interface Options {
  readonly labels?: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly without?: readonly string[];
  readonly deleting?: boolean;
}

function mesh({ labels = shop, version = '1.28.2', without = [], deleting = false }: Options = {}): MeshBuilder {
  const builder = new MeshBuilder();
  if (!without.includes('default')) builder.revision({ ...OLD, version });
  if (!without.includes('shop')) builder.namespace('shop', labels, deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {});
  for (const name of ['cart', 'web'].filter((n) => !without.includes(n))) builder.workload('shop', name, { on: 'default' });
  return builder;
}

const plan: Plan = planOf(mesh());
const differences = (builder: MeshBuilder, steps = plan.steps): string[] => assessPreconditions(steps, builder.inventory());

describe('a plan fits', () => {
  it.each<[string, MeshBuilder]>([
    ['the mesh that it was made from', mesh()],
    ['one with more in it', mesh().namespace('more', shop).workload('more', 'x')],
    ['one with other labels beside', mesh({ labels: { ...shop, team: 'b' } })],
    ['one with the labels that it would set', mesh({ labels: { 'istio.io/rev': 'canary', team: 'b' } })],
    ['a variant of the same version', mesh({ version: '1.28.2-distroless' })],
  ])('%s', (_name, builder) => {
    expect(differences(builder)).toEqual([]);
  });
});

describe('what is different is named', () => {
  it.each<[string, MeshBuilder, string[]]>([
    ['the old revision is gone', mesh({ without: ['default'] }), ['revision default is gone']],
    ['it has another version', mesh({ version: '1.28.3' }), ['revision default is version 1.28.3, was 1.28.2']],
    ['only its webhooks are left', webhooksOnly(), ['revision default is gone']],
    ['the new revision is there', mesh().revision({ revision: 'canary', version: '1.29.1' }), ['revision canary exists already']],
    [
      'a label is another one',
      mesh({ labels: { 'istio-injection': 'disabled' } }),
      ['namespace shop has istio-injection=disabled, had enabled'],
    ],
    ['a label is gone', mesh({ labels: {} }), ['namespace shop has istio-injection=none, had enabled']],
    ['a label has come', mesh({ labels: { ...shop, 'istio.io/rev': 'x' } }), ['namespace shop has istio.io/rev=x, had none']],
    [
      'half of what it would set is there',
      mesh({ labels: { ...shop, 'istio.io/rev': 'canary' } }),
      ['namespace shop has istio.io/rev=canary, had none'],
    ],
    [
      'a namespace is gone',
      mesh({ without: ['shop', 'cart', 'web'] }),
      ['namespace shop is gone', 'workload shop/deployment/cart is gone', 'workload shop/deployment/web is gone'],
    ],
    ['a namespace is going', mesh({ deleting: true }), ['namespace shop is gone']],
    ['a workload is gone', mesh({ without: ['cart'] }), ['workload shop/deployment/cart is gone']],
    [
      'a workload is of another kind',
      mesh({ without: ['cart'] }).workload('shop', 'cart', { kind: 'StatefulSet' }),
      ['workload shop/deployment/cart is gone'],
    ],
  ])('%s', (_name, builder, lines) => {
    expect(differences(builder)).toEqual(lines);
  });

  it('only for the steps that are asked about', () => {
    const changed = mesh({ without: ['cart'], labels: {} });
    expect(differences(changed, plan.steps.slice(0, 1))).toEqual([]);
    expect(differences(changed, plan.steps.slice(1, 2))).toEqual(['namespace shop has istio-injection=none, had enabled']);
    expect(differences(changed, [])).toEqual([]);
  });

  it('whether a revision is unused is judged when it is removed, not before', () => {
    expect(
      differences(
        mesh(),
        plan.steps.filter((step) => step.phase === 'finish'),
      ),
    ).toEqual([]);
  });
});

/** Its Deployment was deleted, its webhook configuration was left. */
function webhooksOnly(): MeshBuilder {
  const webhooks = controlPlaneObjects(OLD).filter((o) => o.kind === 'MutatingWebhookConfiguration');
  return mesh({ without: ['default'] }).object(...webhooks);
}

describe('workloads that came after the plan', () => {
  const moves = (builder: MeshBuilder): ReturnType<typeof selectMoves> =>
    selectMoves(builder.inventory(), {
      from: 'default',
      to: { label: 'canary', revision: 'canary', version: '1.29.1' },
      namespaces: [],
      skip: [],
    });

  it('are named', () => {
    const later = mesh().workload('shop', 'new', { on: 'default' }).namespace('more', shop).workload('more', 'x', { on: 'default' });
    expect(assessUnplanned(plan, moves(later))).toEqual([
      'workload more/deployment/x is not in the plan',
      'workload shop/deployment/new is not in the plan',
    ]);
  });

  it('unless they would not have to move, or the plan says that they stay', () => {
    expect(assessUnplanned(plan, moves(mesh()))).toEqual([]);
    expect(assessUnplanned(plan, moves(mesh().namespace('plain').workload('plain', 'x')))).toEqual([]);
    const skipping = planOf(mesh(), { scope: { skip: ['shop/web'] } });
    expect(assessUnplanned(skipping, moves(mesh()))).toEqual([]);
  });
});
