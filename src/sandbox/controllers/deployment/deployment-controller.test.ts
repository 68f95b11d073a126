import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template, workload } from '../../../../test/kit/controllers-world.ts';
import type { Deployment, ReplicaSet } from '../base/workload-shapes.ts';

function sizesOverTime({ cluster }: ControllersWorld): string[] {
  const seen: string[] = [];
  const note = (): void => {
    const sets = cluster.list('replicasets.apps') as readonly ReplicaSet[];
    const sizes = sets
      .map((set) => [set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '?', set.spec.replicas ?? 1] as const)
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([revision, size]) => `${revision}:${size}`)
      .join(' ');
    if (seen.at(-1) !== sizes) seen.push(sizes);
  };
  cluster.onChange('replicasets.apps', note);
  return seen;
}

function deploymentOf({ cluster }: ControllersWorld): Deployment {
  return cluster.get('deployments.apps', 'web', 'shop') as Deployment;
}

function conditions(world: ControllersWorld): readonly string[] {
  return (deploymentOf(world).status?.conditions ?? []).map((one) => `${one.type}=${one.status} ${one.reason}: ${one.message}`).toSorted();
}

const STRATEGY = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

describe('a deployment', () => {
  it('rolls out one by one with surge 1 and nothing unavailable', async () => {
    const world = controllersWorld();
    const seen = sizesOverTime(world);
    world.cluster.create(
      'deployments.apps',
      workload('Deployment', 'web', { replicas: 3, strategy: STRATEGY, progressDeadlineSeconds: 600 }),
    );
    await world.clock.advance(5000);
    expect(deploymentOf(world).status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    });
    expect(deploymentOf(world).metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', 'app:2') } });
    await world.clock.advance(10_000);
    expect(world.errors).toEqual([]);
    expect(seen).toEqual(['1:3', '1:3 2:1', '1:2 2:1', '1:2 2:2', '1:1 2:2', '1:1 2:3', '1:0 2:3']);
    const [newSet] = (world.cluster.list('replicasets.apps') as readonly ReplicaSet[]).filter((set) => set.spec.replicas === 3);
    expect(conditions(world)).toEqual([
      'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
      `Progressing=True NewReplicaSetAvailable: ReplicaSet "${newSet?.metadata.name}" has successfully progressed.`,
    ]);
    expect(newSet?.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '2',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    expect(world.cluster.list('pods')).toHaveLength(3);
  });

  it('says that the deadline passed, and recovers by the old template', async () => {
    const world = controllersWorld({ readyAfterMs: (pod) => (JSON.stringify(pod).includes('bad:1') ? undefined : 500) });
    const seen = sizesOverTime(world);
    world.cluster.create(
      'deployments.apps',
      workload('Deployment', 'web', { replicas: 2, strategy: STRATEGY, progressDeadlineSeconds: 10 }),
    );
    await world.clock.advance(3000);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', 'bad:1') } });
    await world.clock.advance(9000);
    expect(conditions(world)[1]).toContain('Progressing=True ReplicaSetUpdated');
    await world.clock.advance(5000);
    expect(conditions(world)[1]).toMatch(/^Progressing=False ProgressDeadlineExceeded: ReplicaSet "web-\w+" has timed out progressing\.$/);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web') } });
    await world.clock.advance(3000);
    expect(seen).toEqual(['1:2', '1:2 2:1', '2:1 3:2', '2:0 3:2']);
    expect(conditions(world)[1]).toContain('Progressing=True NewReplicaSetAvailable');
    expect(world.errors).toEqual([]);
  });

  it('rolls over to a third template in the middle', async () => {
    const world = controllersWorld({ readyAfterMs: (pod) => (JSON.stringify(pod).includes('bad:1') ? undefined : 500) });
    const seen = sizesOverTime(world);
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 3, strategy: STRATEGY }));
    await world.clock.advance(3000);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', 'bad:1') } });
    await world.clock.advance(3000);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', 'app:3') } });
    await world.clock.advance(10_000);
    expect(seen.join(', ')).toBe(
      '1:3, 1:3 2:1, 1:3 2:1 3:0, 1:3 2:0 3:0, 1:3 2:0 3:1, 1:2 2:0 3:1, 1:2 2:0 3:2, 1:1 2:0 3:2, 1:1 2:0 3:3, 1:0 2:0 3:3',
    );
  });

  it('recreates only when the last old pod is gone', async () => {
    const world = controllersWorld({ goneAfterMs: () => 2000 });
    const seen = sizesOverTime(world);
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 2, strategy: { type: 'Recreate' } }));
    await world.clock.advance(3000);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', 'app:2') } });
    await world.clock.advance(1900);
    expect(seen).toEqual(['1:2', '1:0']);
    await world.clock.advance(5000);
    expect(seen).toEqual(['1:2', '1:0', '1:0 2:2']);
  });

  it('waits for minReadySeconds', async () => {
    const world = controllersWorld();
    world.cluster.create(
      'deployments.apps',
      workload('Deployment', 'web', { replicas: 1, minReadySeconds: 30, progressDeadlineSeconds: 600 }),
    );
    await world.clock.advance(20_000);
    expect(deploymentOf(world).status).toMatchObject({ readyReplicas: 1, unavailableReplicas: 1 });
    await world.clock.advance(15_000);
    expect(deploymentOf(world).status?.availableReplicas).toBe(1);
  });

  it('does nothing while paused but scale, and forgets revisions beyond the limit', async () => {
    const world = controllersWorld({ readyAfterMs: () => 100 });
    world.cluster.create(
      'deployments.apps',
      workload('Deployment', 'web', { replicas: 1, revisionHistoryLimit: 1, progressDeadlineSeconds: 600 }),
    );
    await world.clock.advance(1000);
    for (const image of ['app:2', 'app:3', 'app:4']) {
      world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { template: template('web', image) } });
      await world.clock.advance(3000);
    }
    expect(world.cluster.list('replicasets.apps')).toHaveLength(2);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { paused: true, replicas: 4, template: template('web', 'app:5') } });
    await world.clock.advance(3000);
    // Nothing has the new template yet, so that both revisions are old ones.
    expect(world.cluster.list('replicasets.apps')).toHaveLength(1);
    expect(world.cluster.list('pods')).toHaveLength(4);
    expect(conditions(world)[1]).toBe('Progressing=Unknown DeploymentPaused: Deployment is paused');
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { paused: false } });
    await world.clock.advance(10_000);
    expect(deploymentOf(world).status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 });
    expect(conditions(world)[1]).toContain('NewReplicaSetAvailable');
    expect(world.errors).toEqual([]);
  });

  it('reports that pods are refused, until they no longer are', async () => {
    const world = controllersWorld();
    world.errors.length = 0;
    world.cluster.refuse = (verb, resource) => {
      if (verb === 'create' && resource === 'pods') throw new Error('webhook is down');
    };
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 2, progressDeadlineSeconds: 600 }));
    await world.clock.advance(2000);
    expect(conditions(world)).toContain('ReplicaFailure=True FailedCreate: webhook is down');
    world.cluster.refuse = undefined;
    await world.clock.advance(600_000);
    expect(conditions(world).join()).not.toContain('ReplicaFailure');
    expect(deploymentOf(world).status?.availableReplicas).toBe(2);
  });
});
