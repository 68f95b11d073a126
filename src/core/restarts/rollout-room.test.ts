/** How many pods a rollout takes away, adds, and whether it takes all of them. */
import { expect, it } from 'vitest';
import type { Workload } from '../mesh/mesh-inventory.ts';
import { reasonTakenDown, rolloutRoom } from './rollout-room.ts';

const as = (kind: Workload['kind'], desiredPods: number, strategy: Workload['strategy'] = {}): Workload => ({
  kind,
  namespace: 'n',
  name: 'w',
  apiVersion: 'apps/v1',
  template: {},
  desiredPods,
  strategy,
  pods: [],
});
const rolling = (maxUnavailable: number | string, maxSurge: number | string): Workload['strategy'] => ({
  rollingUpdate: { maxUnavailable, maxSurge },
});

it.each<[string, Workload, boolean]>([
  ['1 pod, defaults', as('Deployment', 1), false],
  ['3 pods, defaults', as('Deployment', 3), false],
  ['none', as('Deployment', 0, rolling('100%', 0)), false],
  ['1 pod, one may be missing', as('Deployment', 1, rolling(1, 1)), true],
  ['2 pods, one may be missing', as('Deployment', 2, rolling(1, 0)), false],
  ['2 pods, two may be missing', as('Deployment', 2, rolling(2, 1)), true],
  ['2 pods, a percentage is rounded down', as('Deployment', 2, rolling('99%', 0)), false],
  ['2 pods, all of them', as('Deployment', 2, rolling('100%', '50%')), true],
  ['1 pod, nothing may change: Kubernetes lets one be missing', as('Deployment', 1, rolling(0, 0)), true],
  ['1 pod, both percentages round to nothing but the surge', as('Deployment', 1, rolling('25%', '1%')), false],
  ['1 pod, a number as a text', as('Deployment', 1, rolling('1', '0')), true],
  ['3 pods, an unreadable limit', as('Deployment', 3, rolling('many', 1)), false],
  ['Recreate', as('Deployment', 5, { type: 'Recreate' }), true],
  ['StatefulSet of 1', as('StatefulSet', 1), true],
  ['StatefulSet of 2', as('StatefulSet', 2), false],
  ['DaemonSet on no node', as('DaemonSet', 0), false],
  ['DaemonSet on 1 node', as('DaemonSet', 1), true],
  ['DaemonSet on 2 nodes', as('DaemonSet', 2), false],
  ['DaemonSet on 2 nodes, half rounds up', as('DaemonSet', 2, rolling('51%', 0)), true],
  ['DaemonSet on 1 node that surges', as('DaemonSet', 1, rolling(0, '1%')), false],
  ['a Job', as('Job', 1), false],
])('%s: taken down %s', (_name, workload, expected) => {
  expect(reasonTakenDown(workload) !== undefined).toBe(expected);
});

it.each<[string, Workload, string]>([
  ['1 pod', as('Deployment', 1, { type: 'Recreate' }), '1 pod, strategy Recreate'],
  ['2 pods', as('Deployment', 2, rolling('100%', 0)), '2 pods, maxUnavailable 100%'],
  ['1 node', as('DaemonSet', 1), '1 pod on 1 node, maxSurge 0'],
  ['2 nodes', as('DaemonSet', 2, rolling(2, 0)), '2 pods, maxSurge 0'],
])('says why: %s', (_name, workload, reason) => {
  expect(reasonTakenDown(workload)).toBe(reason);
});

it.each<[string, Workload, [missing: number, surge: number]]>([
  ['defaults of 1', as('Deployment', 1), [0, 1]],
  ['defaults of 8', as('Deployment', 8), [2, 2]],
  ['neither', as('Deployment', 8, rolling(0, 0)), [1, 0]],
  ['Recreate', as('Deployment', 3, { type: 'Recreate' }), [3, 0]],
  ['a StatefulSet', as('StatefulSet', 3), [1, 0]],
  ['a DaemonSet', as('DaemonSet', 3), [1, 0]],
  ['a DaemonSet that surges', as('DaemonSet', 3, rolling(0, 1)), [0, 1]],
])('%s: pods missing and beyond', (_name, workload, [missing, surge]) => {
  expect(rolloutRoom(workload)).toEqual({ missing, surge });
});
