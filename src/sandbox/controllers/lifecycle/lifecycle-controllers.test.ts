import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, workload } from '../../../../test/kit/controllers-world.ts';
import type { KubeObject, OwnerReference } from '../../objects/kube-object.ts';

function configMap(name: string, owners: readonly KubeObject[] = [], extra: Partial<OwnerReference> = {}): KubeObject {
  const ownerReferences = owners.map(({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    ...extra,
  }));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'shop', ...(ownerReferences.length === 0 ? {} : { ownerReferences }) },
  };
}

function add(world: ControllersWorld, object: KubeObject): KubeObject {
  return world.cluster.create('configmaps', object);
}

function names({ cluster }: ControllersWorld): readonly string[] {
  return cluster.list('configmaps', { namespace: 'shop' }).map((one) => one.metadata.name);
}

describe('garbage collection', () => {
  it('takes along what a deployment made', async () => {
    const world = controllersWorld();
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 2 }));
    await world.clock.advance(3000);
    world.cluster.delete('deployments.apps', 'web', 'shop');
    await world.clock.advance(3000);
    expect([world.cluster.list('replicasets.apps'), world.cluster.list('pods')]).toEqual([[], []]);
    expect(world.errors).toEqual([]);
  });

  it('in the foreground the owner goes last', async () => {
    const world = controllersWorld({ goneAfterMs: () => 5000 });
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
    await world.clock.advance(3000);
    world.cluster.delete('deployments.apps', 'web', 'shop', { propagationPolicy: 'Foreground' });
    await world.clock.advance(3000);
    expect(world.cluster.get('deployments.apps', 'web', 'shop')?.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(world.cluster.list('replicasets.apps')[0]?.metadata.finalizers).toEqual(['foregroundDeletion']);
    await world.clock.advance(3000);
    expect([world.cluster.list('deployments.apps'), world.cluster.list('replicasets.apps'), world.cluster.list('pods')]).toEqual([
      [],
      [],
      [],
    ]);
  });

  it('leaves orphans alone', async () => {
    const world = controllersWorld();
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
    await world.clock.advance(3000);
    world.cluster.delete('deployments.apps', 'web', 'shop', { propagationPolicy: 'Orphan' });
    await world.clock.advance(3000);
    expect(world.cluster.list('deployments.apps')).toEqual([]);
    expect(world.cluster.list('replicasets.apps').map((set) => set.metadata.ownerReferences ?? [])).toEqual([[]]);
    expect(world.cluster.list('pods')).toHaveLength(1);
    // A deployment with the same selector adopts what was left.
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
    await world.clock.advance(3000);
    expect(world.cluster.list('replicasets.apps').map((set) => set.metadata.ownerReferences?.[0]?.name)).toEqual(['web']);
    expect(world.cluster.list('pods')).toHaveLength(1);
  });

  it('waits for the last of several owners, and forgets the others', async () => {
    const world = controllersWorld();
    const [a, b] = [add(world, configMap('a')), add(world, configMap('b'))];
    add(world, configMap('child', [a, b]));
    world.cluster.delete('configmaps', 'a', 'shop');
    await world.clock.advance(100);
    expect(world.cluster.get('configmaps', 'child', 'shop')?.metadata.ownerReferences?.map((one) => one.name)).toEqual(['b']);
    world.cluster.delete('configmaps', 'b', 'shop');
    await world.clock.advance(100);
    expect(names(world)).toEqual([]);
  });

  it('takes what names an owner that was never there, but not one of a kind that nobody knows', async () => {
    const world = controllersWorld();
    const ghost: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ghost', uid: 'none' } };
    add(world, configMap('lost', [ghost]));
    add(world, configMap('kept', [{ ...ghost, apiVersion: 'example.com/v1', kind: 'Widget' }]));
    // Another object of the owner's name is not the owner.
    const real = add(world, configMap('real'));
    add(world, configMap('other', [{ ...real, metadata: { ...real.metadata, uid: 'older' } }]));
    await world.clock.advance(100);
    expect(names(world)).toEqual(['kept', 'real']);
  });

  it('does not stop at a ring of owners', async () => {
    const world = controllersWorld();
    const a = add(world, configMap('a'));
    const b = add(world, configMap('b', [a], { blockOwnerDeletion: true }));
    const ownerReferences = configMap('x', [b], { blockOwnerDeletion: true }).metadata.ownerReferences;
    world.cluster.patch('configmaps', 'a', 'shop', { metadata: { ownerReferences } });
    world.cluster.delete('configmaps', 'a', 'shop', { propagationPolicy: 'Foreground' });
    await world.clock.advance(1000);
    expect(names(world)).toEqual([]);
  });
});

describe('a namespace', () => {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' }, spec: { finalizers: ['kubernetes'] } };

  it('has a service account and the CA, which come back', async () => {
    const world = controllersWorld();
    world.cluster.create('namespaces', namespace);
    await world.clock.advance(100);
    expect(world.cluster.get('serviceaccounts', 'default', 'shop')).toBeDefined();
    expect(world.cluster.get('configmaps', 'kube-root-ca.crt', 'shop')?.['data']).toEqual({ 'ca.crt': 'the CA' });
    world.cluster.delete('serviceaccounts', 'default', 'shop');
    world.cluster.patch('configmaps', 'kube-root-ca.crt', 'shop', { data: { 'ca.crt': 'another' } });
    await world.clock.advance(100);
    expect(world.cluster.get('serviceaccounts', 'default', 'shop')).toBeDefined();
    expect(world.cluster.get('configmaps', 'kube-root-ca.crt', 'shop')?.['data']).toEqual({ 'ca.crt': 'the CA' });
  });

  it('is emptied, says what it waits for, and goes', async () => {
    const world = controllersWorld({ goneAfterMs: () => 5000 });
    world.cluster.create('namespaces', namespace);
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 2 }));
    world.cluster.create('configmaps', {
      ...configMap('held'),
      metadata: { name: 'held', namespace: 'shop', finalizers: ['example.com/hold'] },
    });
    await world.clock.advance(3000);
    world.cluster.delete('namespaces', 'shop', undefined);
    await world.clock.advance(2000);
    const conditions = (): readonly string[] => {
      const { status } = world.cluster.get('namespaces', 'shop') as unknown as {
        readonly status: { readonly conditions: readonly Record<string, string>[] };
      };
      return status.conditions.map((one) => `${one['type']}=${one['status']} ${one['message']}`);
    };
    expect(conditions()).toEqual([
      'NamespaceDeletionDiscoveryFailure=False All resources successfully discovered',
      'NamespaceDeletionGroupVersionParsingFailure=False All legacy kube types successfully parsed',
      'NamespaceDeletionContentFailure=False All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining=True Some resources are remaining: configmaps. has 1 resource instances, pods. has 2 resource instances',
      'NamespaceFinalizersRemaining=True Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    ]);
    await world.clock.advance(5000);
    expect(conditions()[3]).toContain('Some resources are remaining: configmaps. has 1 resource instances');
    world.cluster.patch('configmaps', 'held', 'shop', { metadata: { finalizers: null } });
    await world.clock.advance(1000);
    expect(world.cluster.get('namespaces', 'shop')).toBeUndefined();
    expect(world.errors).toEqual([]);
  });

  it('also loses custom resources, whose definition goes after them', async () => {
    const world = controllersWorld();
    const definition: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com', finalizers: ['customresourcecleanup.apiextensions.k8s.io'] },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' } },
    };
    const widget = (name: string): KubeObject => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, namespace: name } });
    world.cluster.create('customresourcedefinitions.apiextensions.k8s.io', definition);
    for (const name of ['shop', 'other']) {
      world.cluster.create('namespaces', { ...namespace, metadata: { name } });
      world.cluster.create('widgets.example.com', widget(name));
    }
    await world.clock.advance(100);
    world.cluster.delete('namespaces', 'shop', undefined);
    await world.clock.advance(1000);
    expect(world.cluster.get('namespaces', 'shop')).toBeUndefined();
    expect(world.cluster.list('widgets.example.com')).toHaveLength(1);
    world.cluster.delete('customresourcedefinitions.apiextensions.k8s.io', 'widgets.example.com', undefined);
    await world.clock.advance(1000);
    expect(world.cluster.list('widgets.example.com')).toEqual([]);
  });
});
