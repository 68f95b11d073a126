import { describe, expect, it } from 'vitest';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { buildInventory } from '../mesh/build-inventory.ts';
import type { Unread } from '../mesh/mesh-objects.ts';
import { Problem } from '../problems/problem.ts';
import { findTarget, targetText } from './find-target.ts';

const builder = new MeshBuilder()
  .namespace('shop')
  .namespace('bank')
  .namespace('web')
  .workload('shop', 'cart', { on: 'default' })
  .workload('shop', 'web')
  .workload('shop', 'ledger', { kind: 'StatefulSet' })
  .workload('shop', 'night', { kind: 'CronJob', pods: 1 })
  .workload('bank', 'cart')
  .workload('bank', 'cart', { kind: 'DaemonSet', pods: 0 })
  .pod('bank', 'alone.v1');
const objects = builder.objects();
const seen = { objects, inventory: buildInventory(objects) };

const find = (text: string, ...namespaces: string[]): string => targetText(findTarget(text, namespaces, seen));

describe('names as kubectl takes them', () => {
  it.each<[text: string, namespaces: string[], found: string]>([
    ['shop/cart', [], 'deploy/cart -n shop'],
    ['cart', ['shop'], 'deploy/cart -n shop'],
    ['deploy/cart', ['shop'], 'deploy/cart -n shop'],
    ['deployments.apps/cart', ['bank'], 'deploy/cart -n bank'],
    ['Deployment/cart', ['shop'], 'deploy/cart -n shop'],
    ['ds/cart', [], 'ds/cart -n bank'],
    ['sts/ledger', [], 'sts/ledger -n shop'],
    ['ledger', [], 'sts/ledger -n shop'],
    ['shop/deploy/cart', [], 'deploy/cart -n shop'],
    ['shop/deployment/cart', [], 'deploy/cart -n shop'],
    ['pod/cart-0', ['shop'], 'pod/cart-0 -n shop'],
    ['shop/cart-0', [], 'pod/cart-0 -n shop'],
    ['cart-0.shop', [], 'pod/cart-0 -n shop'],
    ['ledger-0', [], 'pod/ledger-0 -n shop'],
    ['alone.v1', [], 'pod/alone.v1 -n bank'],
    ['alone.v1.bank', [], 'pod/alone.v1 -n bank'],
    ['ns/shop', [], 'ns/shop'],
    ['namespace/web', ['shop'], 'ns/web'],
    ['shop', [], 'ns/shop'],
    ['web', ['shop'], 'deploy/web -n shop'],
    ['rs/cart-hash', ['shop'], 'deploy/cart -n shop'],
    ['job/night-hash', [], 'cronjob/night -n shop'],
    ['cj/night', [], 'cronjob/night -n shop'],
    ['shop/cart', ['bank'], 'deploy/cart -n shop'],
  ])('%s in %j', (text, namespaces, found) => {
    expect(find(text, ...namespaces)).toBe(found);
  });

  it('a pod of a workload says whose it is', () => {
    expect(findTarget('cart-0', ['shop'], seen).ownedBy).toEqual({ kind: 'Deployment', namespace: 'shop', name: 'cart' });
    expect(findTarget('alone.v1', [], seen).ownedBy).toBeUndefined();
  });
});

function problemOf(text: string, namespaces: string[] = [], unread: Unread[] = []): Problem {
  try {
    findTarget(text, namespaces, { objects, inventory: { ...seen.inventory, unread } });
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error(`${text} was found`);
}

describe('what is not found, or more than once', () => {
  it.each<[string, string[], string, string, string[]]>([
    ['cart', [], 'MESH-011', 'cart could be 3 things.', ['deploy/cart -n bank', 'ds/cart -n bank', 'deploy/cart -n shop']],
    ['web', [], 'MESH-011', 'web could be 2 things.', ['ns/web', 'deploy/web -n shop']],
    ['shop/crat', [], 'MESH-004', 'There is no workload, pod or namespace called crat in shop.', ['deploy/cart -n shop']],
    ['deploy/wep', ['shop'], 'MESH-004', 'There is no Deployment called wep in shop.', ['deploy/web -n shop']],
    ['sts/cart', ['shop'], 'MESH-004', 'There is no StatefulSet called cart in shop.', []],
    ['nothing-like-it', [], 'MESH-004', 'There is no workload, pod or namespace called nothing-like-it.', []],
    ['shop/widget/cart', [], 'MESH-004', 'There is no workload, pod or namespace called shop/widget/cart.', ['deploy/cart -n shop']],
    ['shpo/cart', [], 'MESH-003', 'There is no namespace shpo.', []],
    ['cart', ['bnak'], 'MESH-003', 'There is no namespace bnak.', []],
    ['ns/shpo', [], 'MESH-003', 'There is no namespace shpo.', []],
  ])('%s in %j is %s', (text, namespaces, code, what, near) => {
    const problem = problemOf(text, namespaces);
    expect([problem.code, problem.details.what]).toEqual([code, what]);
    const commands = problem.details.next.flatMap(({ command = '' }) => (command.startsWith('meshlift why ') ? [command.slice(13)] : []));
    expect(near.filter((target) => !commands.includes(target))).toEqual([]);
    if (near.length === 0) expect(commands).toEqual([]);
  });

  it('a namespace that is near is named', () => {
    expect(problemOf('ns/shpo').details.why).toBe('Near it: shop.');
  });

  it('may be among what could not be read', () => {
    const problem = problemOf('crat', ['shop'], [{ what: 'deployments.apps in all namespaces', why: 'no permission' }]);
    expect([problem.code, problem.details.what]).toEqual([
      'MESH-007',
      'crat was not found, and these could not be read: deployments.apps in all namespaces (no permission).',
    ]);
    expect(problemOf('crat', ['shop'], [{ what: 'gateways', why: 'no permission' }]).code).toBe('MESH-004');
  });
});
