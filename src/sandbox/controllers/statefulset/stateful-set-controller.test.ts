import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template, workload } from '../../../../test/kit/controllers-world.ts';
import type { Pod, StatefulSet } from '../base/workload-shapes.ts';

/** Creations and deletions of pods in their order, with the image at creation. */
function podLog({ cluster }: ControllersWorld): string[] {
  const log: string[] = [];
  cluster.onChange('pods', ({ type, object, previous }) => {
    const { name, deletionTimestamp } = object.metadata;
    const image = (object as Pod).spec.containers?.[0]?.['image'];
    if (type === 'ADDED') log.push(`+${name} ${String(image)}`);
    else if (type === 'MODIFIED' && deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined)
      log.push(`-${name}`);
  });
  return log;
}

function setOf({ cluster }: ControllersWorld): StatefulSet {
  return cluster.get('statefulsets.apps', 'db', 'shop') as StatefulSet;
}

const SPEC = { replicas: 3, serviceName: 'db', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } };

describe('a StatefulSet', () => {
  it('makes one pod after the other, each with its identity and claim', async () => {
    const world = controllersWorld();
    const log = podLog(world);
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } };
    world.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', { ...SPEC, volumeClaimTemplates: [claim] }));
    await world.clock.advance(1500);
    expect(log).toEqual(['+db-0 app:1', '+db-1 app:1']);
    await world.clock.advance(5000);
    expect(log).toEqual(['+db-0 app:1', '+db-1 app:1', '+db-2 app:1']);
    const pod = world.cluster.get('pods', 'db-1', 'shop') as Pod;
    const revision = setOf(world).status?.currentRevision ?? '';
    expect(revision).toMatch(/^db-[bcdfghjklmnpqrstvwxz2456789]{8,10}$/);
    expect(pod.metadata.labels).toEqual({
      app: 'db',
      'controller-revision-hash': revision,
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
    });
    expect(pod.spec).toMatchObject({
      hostname: 'db-1',
      subdomain: 'db',
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }],
    });
    expect(world.cluster.list('persistentvolumeclaims').map((one) => one.metadata.name)).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
    expect(setOf(world).status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    });
    expect(world.errors).toEqual([]);
  });

  it('replaces from the highest ordinal down, each ready before the next', async () => {
    const world = controllersWorld();
    world.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', SPEC));
    await world.clock.advance(10_000);
    const before = setOf(world).status?.currentRevision;
    const log = podLog(world);
    world.cluster.patch('statefulsets.apps', 'db', 'shop', { spec: { template: template('db', 'app:2') } });
    await world.clock.advance(900);
    expect(setOf(world).status).toMatchObject({ currentRevision: before, updatedReplicas: 1, currentReplicas: 2 });
    await world.clock.advance(10_000);
    expect(log).toEqual(['-db-2', '+db-2 app:2', '-db-1', '+db-1 app:2', '-db-0', '+db-0 app:2']);
    const { status } = setOf(world);
    expect(status?.currentRevision).toBe(status?.updateRevision);
    expect(status?.currentRevision).not.toBe(before);
    expect(
      world.cluster
        .list('controllerrevisions.apps')
        .map((one) => one['revision'])
        .toSorted(),
    ).toEqual([1, 2]);
  });

  it('keeps to the partition, also for pods that are made anew', async () => {
    const world = controllersWorld();
    world.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', SPEC));
    await world.clock.advance(10_000);
    const log = podLog(world);
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    world.cluster.patch('statefulsets.apps', 'db', 'shop', { spec: { updateStrategy, template: template('db', 'app:2') } });
    await world.clock.advance(10_000);
    world.cluster.delete('pods', 'db-0', 'shop');
    await world.clock.advance(10_000);
    expect(log).toEqual(['-db-2', '+db-2 app:2', '-db-0', '+db-0 app:1']);
    expect(setOf(world).status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
  });

  it('replaces nothing by itself when it is told OnDelete', async () => {
    const world = controllersWorld();
    world.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', { ...SPEC, updateStrategy: { type: 'OnDelete' } }));
    await world.clock.advance(10_000);
    const log = podLog(world);
    world.cluster.patch('statefulsets.apps', 'db', 'shop', { spec: { template: template('db', 'app:2') } });
    await world.clock.advance(10_000);
    expect(log).toEqual([]);
    world.cluster.delete('pods', 'db-1', 'shop');
    await world.clock.advance(10_000);
    expect(log).toEqual(['-db-1', '+db-1 app:2']);
  });

  it('scales down from the top, one at a time', async () => {
    const world = controllersWorld({ goneAfterMs: () => 1000 });
    world.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', SPEC));
    await world.clock.advance(10_000);
    const log = podLog(world);
    world.cluster.patch('statefulsets.apps', 'db', 'shop', { spec: { replicas: 1 } });
    await world.clock.advance(500);
    expect(log).toEqual(['-db-2']);
    await world.clock.advance(5000);
    expect(log).toEqual(['-db-2', '-db-1']);
    expect(setOf(world).status?.replicas).toBe(1);
  });

  it('makes all at once when it is Parallel, and waits for a broken pod when it is not', async () => {
    const readyAfterMs = (pod: { metadata: { name: string } }): number | undefined => (pod.metadata.name === 'db-1' ? undefined : 1000);
    const parallel = controllersWorld({ readyAfterMs });
    const logP = podLog(parallel);
    parallel.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', { ...SPEC, podManagementPolicy: 'Parallel' }));
    await parallel.clock.advance(100);
    expect(logP).toHaveLength(3);
    const ordered = controllersWorld({ readyAfterMs });
    const logO = podLog(ordered);
    ordered.cluster.create('statefulsets.apps', workload('StatefulSet', 'db', SPEC));
    await ordered.clock.advance(60_000);
    expect(logO).toHaveLength(2);
  });
});
