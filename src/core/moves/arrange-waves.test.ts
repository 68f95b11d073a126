import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { orderSchema, type OrderRequest } from '../request/order-request.ts';
import { namesWorkload } from '../request/upgrade-request.ts';
import { arrangeWaves, type Wave } from './arrange-waves.ts';
import { selectMoves, type WorkloadMove } from './select-moves.ts';

const CANARY = { label: 'canary', revision: 'canary', version: '1.29.1' };

/** Workloads `NAMESPACE/NAME`, each with a number of pods. */
function movesOf(pods: Readonly<Record<string, number>>): WorkloadMove[] {
  const mesh = new MeshBuilder().revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true }).defaultTo('default');
  for (const name of new Set(Object.keys(pods).map((key) => key.split('/')[0] ?? '')))
    mesh.namespace(name, { 'istio-injection': 'enabled' });
  for (const [key, replicas] of Object.entries(pods)) {
    const [namespace = '', name = ''] = key.split('/');
    mesh.workload(namespace, name, { on: 'default', replicas, template: { metadata: { labels: { app: name, tier: name.slice(0, 3) } } } });
  }
  const { namespaces } = selectMoves(mesh.inventory(), { from: 'default', to: CANARY, namespaces: [], skip: [] });
  return namespaces.flatMap((namespace) => namespace.workloads);
}

const picture = (waves: readonly Wave[]): Record<string, string[]> =>
  Object.fromEntries(waves.map(({ name, moves }) => [name, moves.map(({ workload }) => `${workload.namespace}/${workload.name}`)]));

const SHOP = { 'bank/vault': 2, 'shop/cart': 1, 'shop/web': 3, 'shop/db': 1 };

describe('waves', () => {
  it.each<[string, Partial<Record<keyof OrderRequest, unknown>>, Record<string, string[]>]>([
    [
      'one for each namespace, more pods first',
      { restartsAtOnce: 2 },
      { bank: ['bank/vault'], shop: ['shop/web', 'shop/cart', 'shop/db'] },
    ],
    [
      'as declared, what is named twice in the first, the rest last',
      { waves: [{ name: 'canary', workloads: ['shop/cart'] }, { namespaces: ['shop'] }] },
      { canary: ['shop/cart'], shop: ['shop/web', 'shop/db'], rest: ['bank/vault'] },
    ],
    ['by labels of pods', { waves: [{ labels: { app: 'db' } }] }, { 'app=db': ['shop/db'], rest: ['shop/web', 'bank/vault', 'shop/cart'] }],
    [
      'by shares of all workloads, rounded up, those of earlier waves included',
      { waves: [{ percent: 10 }, { percent: 50 }, { percent: 100 }] },
      { '10 %': ['shop/web'], '50 %': ['bank/vault'], '100 %': ['shop/cart', 'shop/db'] },
    ],
    [
      'a share is filled up behind what is named',
      { waves: [{ workloads: ['shop/db'], percent: 50 }] },
      { 'shop/db, 50 %': ['shop/web', 'shop/db'], rest: ['bank/vault', 'shop/cart'] },
    ],
    ['a wave that holds nothing more is left out', { waves: [{ percent: 100 }, { namespaces: ['shop'] }] }, { '100 %': Object.keys(SHOP) }],
    [
      'both ends of a call are kept apart',
      { edges: [{ from: 'shop/web', to: 'shop/cart' }] },
      { bank: ['bank/vault'], 'shop a': ['shop/web', 'shop/db'], 'shop b': ['shop/cart'] },
    ],
    [
      'circles of calls are no obstacle',
      {
        edges: [
          { from: 'shop/web', to: 'shop/cart' },
          { from: 'shop/cart', to: 'shop/db' },
          { from: 'shop/db', to: 'shop/web' },
        ],
      },
      { bank: ['bank/vault'], 'shop a': ['shop/web'], 'shop b': ['shop/cart'], 'shop c': ['shop/db'] },
    ],
  ])('%s', (_, order, expected) => {
    const found = picture(arrangeWaves(movesOf(SHOP), orderSchema.parse(order)));
    const sorted = (waves: Record<string, string[]>): unknown =>
      Object.entries(waves).map(([name, moves]) => [name, name === '100 %' ? moves.toSorted() : moves]);
    expect(sorted(found)).toEqual(sorted(expected));
  });

  it('of no moves are none', () => {
    expect(arrangeWaves([], orderSchema.parse({ restartsAtOnce: 3 }))).toEqual([]);
  });

  const KEYS = Array.from({ length: 12 }, (_, index) => `n${index % 3}/w${index}`);
  const key = fc.constantFrom(...KEYS);
  const anyOrder = fc.record({
    waves: fc.array(
      fc.oneof(
        fc.record({ workloads: fc.array(key, { minLength: 1, maxLength: 4 }) }),
        fc.record({ namespaces: fc.constantFrom(['n0'], ['n1', 'n2']) }),
        fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
      ),
      { maxLength: 4 },
    ),
    edges: fc.array(
      fc.record({ from: key, to: key }).filter(({ from, to }) => from !== to),
      { maxLength: 12 },
    ),
  });
  const anyPods = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: KEYS.length, maxLength: KEYS.length });

  it('hold every move once, none is empty, and no wave holds both ends of a call', () => {
    fc.assert(
      fc.property(anyOrder, anyPods, (draft, pods) => {
        const order = orderSchema.parse(draft);
        const moves = movesOf(Object.fromEntries(KEYS.map((name, index) => [name, pods[index] ?? 1])));
        const waves = arrangeWaves(moves, order);
        expect(waves.flatMap((wave) => wave.moves).toSorted(byName)).toEqual(moves.toSorted(byName));
        for (const wave of waves) {
          expect(wave.moves.length).toBeGreaterThan(0);
          for (const a of wave.moves) for (const b of wave.moves) expect(a !== b && areNeighbours(a, b, order.edges)).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });
});

function areNeighbours({ workload: a }: WorkloadMove, { workload: b }: WorkloadMove, edges: OrderRequest['edges']): boolean {
  return edges.some(({ from, to }) => (namesWorkload(from, a) && namesWorkload(to, b)) || (namesWorkload(from, b) && namesWorkload(to, a)));
}

function byName(a: WorkloadMove, b: WorkloadMove): number {
  return a.workload.name < b.workload.name ? -1 : 1;
}
