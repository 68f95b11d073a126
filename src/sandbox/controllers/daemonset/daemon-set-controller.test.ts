import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template, workload } from '../../../../test/kit/controllers-world.ts';
import type { DaemonSet, Pod } from '../base/workload-shapes.ts';

const NODES = ['n1', 'n2', 'n3'];

function imagesByNode({ cluster }: ControllersWorld): Record<string, string> {
  const live = (cluster.list('pods') as readonly Pod[]).filter((pod) => pod.metadata.deletionTimestamp === undefined);
  return Object.fromEntries(live.map((pod) => [pod.spec.nodeName, pod.spec.containers?.[0]?.['image']]));
}

function setOf({ cluster }: ControllersWorld): DaemonSet {
  return cluster.get('daemonsets.apps', 'agent', 'shop') as DaemonSet;
}

describe('a DaemonSet', () => {
  it('runs on each node that fits, also on a cordoned one, and on nodes that come', async () => {
    const world = controllersWorld({ nodes: NODES });
    world.cluster.patch('nodes', 'n2', undefined, { spec: { unschedulable: true } });
    world.cluster.patch('nodes', 'n3', undefined, { spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } });
    world.cluster.create('daemonsets.apps', workload('DaemonSet', 'agent'));
    await world.clock.advance(3000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:1', n2: 'app:1' });
    world.cluster.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n4' }, spec: {} });
    await world.clock.advance(3000);
    expect(setOf(world).status).toEqual({
      currentNumberScheduled: 3,
      numberMisscheduled: 0,
      desiredNumberScheduled: 3,
      numberReady: 3,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
      numberAvailable: 3,
    });
    expect(world.errors).toEqual([]);
  });

  it('leaves a node whose labels no longer fit', async () => {
    const world = controllersWorld({ nodes: NODES });
    world.cluster.patch('nodes', 'n1', undefined, { metadata: { labels: { role: 'edge' } } });
    const spec = { ...(template('agent')['spec'] as object), nodeSelector: { role: 'edge' } };
    world.cluster.create('daemonsets.apps', workload('DaemonSet', 'agent', { template: { ...template('agent'), spec } }));
    await world.clock.advance(3000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:1' });
    world.cluster.patch('nodes', 'n1', undefined, { metadata: { labels: { role: null } } });
    await world.clock.advance(3000);
    expect(imagesByNode(world)).toEqual({});
  });

  it('replaces one node after the other', async () => {
    const world = controllersWorld({ nodes: NODES });
    world.cluster.create('daemonsets.apps', workload('DaemonSet', 'agent', { updateStrategy: { type: 'RollingUpdate' } }));
    await world.clock.advance(3000);
    let most = 0;
    world.cluster.onChange('daemonsets.apps', () => (most = Math.max(most, setOf(world).status?.numberUnavailable ?? 0)));
    world.cluster.patch('daemonsets.apps', 'agent', 'shop', { spec: { template: template('agent', 'app:2') } });
    await world.clock.advance(1500);
    expect(Object.values(imagesByNode(world)).toSorted()).toEqual(['app:1', 'app:2', 'app:2']);
    await world.clock.advance(10_000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:2', n2: 'app:2', n3: 'app:2' });
    expect(most).toBe(1);
  });

  it('surges: the old pod goes when the new one is available', async () => {
    const world = controllersWorld({ nodes: ['n1'] });
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    world.cluster.create('daemonsets.apps', workload('DaemonSet', 'agent', { updateStrategy }));
    await world.clock.advance(3000);
    world.cluster.patch('daemonsets.apps', 'agent', 'shop', { spec: { template: template('agent', 'app:2') } });
    await world.clock.advance(500);
    expect(world.cluster.list('pods')).toHaveLength(2);
    await world.clock.advance(3000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:2' });
  });

  it('replaces nothing by itself when it is told OnDelete', async () => {
    const world = controllersWorld({ nodes: ['n1'] });
    world.cluster.create('daemonsets.apps', workload('DaemonSet', 'agent', { updateStrategy: { type: 'OnDelete' } }));
    await world.clock.advance(3000);
    world.cluster.patch('daemonsets.apps', 'agent', 'shop', { spec: { template: template('agent', 'app:2') } });
    await world.clock.advance(5000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:1' });
    world.cluster.delete('pods', world.cluster.list('pods')[0]?.metadata.name ?? '', 'shop');
    await world.clock.advance(5000);
    expect(imagesByNode(world)).toEqual({ n1: 'app:2' });
  });
});
