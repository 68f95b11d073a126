import { describe, expect, it } from 'vitest';
import type { Deployment, ReplicaSet } from '../base/workload-shapes.ts';
import { fenceposts, maxUnavailable, newSetReplicas, oldSetScalings, scaleProportionally } from './rollout-arithmetic.ts';

function deployment(replicas: number, surge: number | string, unavailable: number | string, type = 'RollingUpdate'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: {},
      template: { spec: {} },
      strategy: { type, ...(type === 'RollingUpdate' ? { rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } : {}) },
    },
  };
}

function set(name: string, replicas: number, available = replicas, max?: number): ReplicaSet {
  const annotations = max === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': String(max) };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, annotations, creationTimestamp: `2026-01-01T00:00:0${name.slice(-1)}Z` },
    spec: { replicas, selector: {}, template: { spec: {} } },
    status: { replicas, availableReplicas: available },
  };
}

describe('fenceposts', () => {
  it.each([
    { replicas: 4, surge: '25%', unavailable: '25%', gives: [1, 1] },
    { replicas: 1, surge: '25%', unavailable: '25%', gives: [1, 0] },
    { replicas: 10, surge: '25%', unavailable: '25%', gives: [3, 2] },
    { replicas: 3, surge: 0, unavailable: 0, gives: [0, 1] },
    { replicas: 3, surge: 0, unavailable: '25%', gives: [0, 1] },
    { replicas: 3, surge: '1%', unavailable: '1%', gives: [1, 0] },
    { replicas: 5, surge: '100%', unavailable: '100%', gives: [5, 5] },
  ])('$replicas with surge $surge and unavailable $unavailable', ({ replicas, surge, unavailable, gives }) => {
    const { maxSurge, maxUnavailable: most } = fenceposts(deployment(replicas, surge, unavailable));
    expect([maxSurge, most]).toEqual(gives);
  });

  it('never lets more be unavailable than there are', () => {
    expect(maxUnavailable(deployment(2, 0, 5))).toBe(2);
    expect(maxUnavailable(deployment(0, 0, 0))).toBe(0);
    expect(maxUnavailable(deployment(3, 1, 1, 'Recreate'))).toBe(0);
  });

  it('refuses what is no percentage', () => {
    expect(() => fenceposts(deployment(3, 'many', 0))).toThrow('invalid value for IntOrString: "many"');
  });
});

describe('the new ReplicaSet', () => {
  it.each([
    { name: 'first of all', d: deployment(3, 1, 0), current: 0, all: 0, gives: 3 },
    { name: 'room for the surge only', d: deployment(3, 1, 0), current: 0, all: 3, gives: 1 },
    { name: 'no room left', d: deployment(3, 1, 0), current: 1, all: 4, gives: 1 },
    { name: 'more room than is wanted', d: deployment(3, 3, 0), current: 2, all: 2, gives: 3 },
    { name: 'recreate takes all', d: deployment(3, 1, 0, 'Recreate'), current: 0, all: 0, gives: 3 },
    { name: 'over-full after a rollover', d: deployment(3, 1, 0), current: 0, all: 5, gives: 0 },
  ])('$name', ({ d, current, all, gives }) => expect(newSetReplicas(d, current, all)).toBe(gives));
});

describe('old ReplicaSets', () => {
  const sizes = (d: Deployment, newSet: ReplicaSet, old: ReplicaSet[]): Record<string, number> =>
    Object.fromEntries(oldSetScalings(d, newSet, old).map(({ replicaSet, replicas }) => [replicaSet.metadata.name, replicas]));

  it.each([
    { name: 'nothing while the surge pod is not available', d: deployment(3, 1, 0), next: set('n9', 1, 0), old: [set('o1', 3)], gives: {} },
    { name: 'one for one', d: deployment(3, 1, 0), next: set('n9', 1), old: [set('o1', 3)], gives: { o1: 2 } },
    { name: 'what may be unavailable goes at once', d: deployment(4, 0, 2), next: set('n9', 0), old: [set('o1', 4)], gives: { o1: 2 } },
    {
      name: 'unhealthy ones go first',
      d: deployment(3, 1, 0),
      next: set('n9', 1, 0),
      old: [set('o1', 2), set('o2', 2, 0)],
      gives: { o2: 1 },
    },
    { name: 'oldest first', d: deployment(4, 2, 0), next: set('n9', 2), old: [set('o1', 1), set('o2', 3)], gives: { o1: 0, o2: 2 } },
    {
      name: 'a crash loop in the new one blocks the old ones',
      d: deployment(10, 3, 2),
      next: set('n9', 5, 0),
      old: [set('o1', 8)],
      gives: {},
    },
    {
      name: 'a set that still has to delete pods ends the turn',
      d: deployment(3, 1, 1),
      next: set('n9', 2),
      old: [set('o1', 1, 2), set('o2', 1)],
      gives: {},
    },
  ])('$name', ({ d, next, old, gives }) => expect(sizes(d, next, old)).toEqual(gives));
});

describe('scaling in the middle of a rollout', () => {
  const sizes = (d: Deployment, newSet: ReplicaSet | undefined, old: ReplicaSet[]): Record<string, number> =>
    Object.fromEntries(scaleProportionally(d, newSet, old).map(({ replicaSet, replicas }) => [replicaSet.metadata.name, replicas]));

  it.each([
    { name: 'one active set takes all', d: deployment(5, 1, 0), next: set('n9', 0), old: [set('o1', 3)], gives: { o1: 5 } },
    { name: 'none active: the new one', d: deployment(5, 1, 0), next: set('n9', 0), old: [set('o1', 0)], gives: { n9: 5 } },
    {
      name: 'none active and none new: the newest',
      d: deployment(2, 1, 0),
      next: undefined,
      old: [set('o2', 0), set('o1', 0)],
      gives: { o2: 2 },
    },
    {
      // The example of the Kubernetes documentation: 10 with surge 3 and unavailable 2, scaled to 15 at 8 old and 5 new.
      name: '10 to 15',
      d: deployment(15, 3, 2),
      next: set('n9', 5, 5, 13),
      old: [set('o1', 8, 8, 13)],
      gives: { o1: 11, n9: 7 },
    },
    { name: 'down to zero', d: deployment(0, 3, 2), next: set('n9', 5, 5, 13), old: [set('o1', 8, 8, 13)], gives: { o1: 0, n9: 0 } },
    {
      name: 'equal sizes grow from the newest',
      d: deployment(3, 1, 0),
      next: set('n9', 1, 1, 3),
      old: [set('o1', 1, 1, 3)],
      gives: { n9: 3, o1: 1 },
    },
  ])('$name', ({ d, next, old, gives }) => expect(sizes(d, next, old)).toEqual(gives));
});
