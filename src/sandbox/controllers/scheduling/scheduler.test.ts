import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template, workload } from '../../../../test/kit/controllers-world.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { Pod, PodSpec } from '../base/workload-shapes.ts';
import { misfit, tolerates } from './node-fit.ts';

function nodeOf({ cluster }: ControllersWorld): readonly (string | undefined)[] {
  return (cluster.list('pods') as readonly Pod[]).map((pod) => pod.spec.nodeName);
}

function pod(spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one', namespace: 'shop' }, spec };
}

function waiting({ cluster }: ControllersWorld): unknown {
  const { status } = cluster.get('pods', 'one', 'shop') as Pod;
  return status?.conditions?.find((one) => one.type === 'PodScheduled');
}

describe('the scheduler', () => {
  it('spreads the pods of a workload over the nodes', async () => {
    const world = controllersWorld({ nodes: ['a', 'b', 'c'] });
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 6 }));
    await world.clock.advance(3000);
    expect(nodeOf(world).toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('says why a pod waits, and places it once a node fits', async () => {
    const world = controllersWorld({ nodes: ['a', 'b'] });
    world.cluster.patch('nodes', 'a', undefined, { spec: { unschedulable: true } });
    world.cluster.create('pods', pod({ nodeSelector: { disk: 'ssd' } }));
    await world.clock.advance(100);
    expect(waiting(world)).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
      message:
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable. no new claims to deallocate, " +
        'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    });
    world.cluster.patch('nodes', 'b', undefined, { metadata: { labels: { disk: 'ssd' } } });
    await world.clock.advance(100);
    expect(nodeOf(world)).toEqual(['b']);
    expect(world.errors).toEqual([]);
  });

  it('waits for room on a full node', async () => {
    const world = controllersWorld({ nodes: [] });
    world.cluster.create('pods', pod());
    await world.clock.advance(100);
    expect(waiting(world)).toMatchObject({ message: 'no nodes available to schedule pods' });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'small' }, spec: {}, status: { allocatable: { pods: '1' } } };
    world.cluster.create('pods', { ...pod({ nodeName: 'small' }), metadata: { name: 'first', namespace: 'shop' } });
    world.cluster.create('nodes', node);
    await world.clock.advance(100);
    expect(waiting(world)).toMatchObject({ message: expect.stringContaining('1 Too many pods') as string });
    world.cluster.delete('pods', 'first', 'shop');
    await world.clock.advance(100);
    expect((world.cluster.get('pods', 'one', 'shop') as Pod).spec.nodeName).toBe('small');
  });

  it('leaves pods of other schedulers and gated ones alone', async () => {
    const world = controllersWorld();
    world.cluster.create('pods', pod({ schedulerName: 'mine' }));
    world.cluster.create('pods', { ...pod({ schedulingGates: [{ name: 'wait' }] }), metadata: { name: 'two', namespace: 'shop' } });
    await world.clock.advance(100);
    expect(nodeOf(world)).toEqual([undefined, undefined]);
  });
});

describe('a node', () => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a', labels: { zone: 'x', cores: '8' } } };
  const affinity = (expression: object): PodSpec => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [expression] } } },
  });

  it.each([
    { spec: {}, fits: true },
    { spec: { nodeSelector: { zone: 'x' } }, fits: true },
    { spec: { nodeSelector: { zone: 'y' } }, fits: false },
    { spec: affinity({ matchExpressions: [{ key: 'zone', operator: 'In', values: ['x', 'y'] }] }), fits: true },
    { spec: affinity({ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['x'] }] }), fits: false },
    { spec: affinity({ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['4'] }] }), fits: true },
    { spec: affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }), fits: false },
    { spec: affinity({}), fits: false },
  ])('$spec', ({ spec, fits }) => expect(misfit(spec, node) === undefined).toBe(fits));

  it.each([
    { toleration: { key: 'k', operator: 'Exists' }, ok: true },
    { toleration: { operator: 'Exists' }, ok: true },
    { toleration: { key: 'k', value: 'v' }, ok: true },
    { toleration: { key: 'k', value: 'w' }, ok: false },
    { toleration: { key: 'k', operator: 'Exists', effect: 'NoExecute' }, ok: false },
    { toleration: { key: 'other', operator: 'Exists' }, ok: false },
    { toleration: {}, ok: false },
  ])('tainted k=v, with $toleration', ({ toleration, ok }) => {
    expect(tolerates([toleration], { key: 'k', value: 'v', effect: 'NoSchedule' })).toBe(ok);
  });

  it('has room for what its template says', () => expect(misfit(template('web')['spec'] as PodSpec, node)).toBeUndefined());
});
