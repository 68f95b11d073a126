import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template, workload } from '../../../../test/kit/controllers-world.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { EndpointSlice } from './endpoint-slices.ts';

function service(spec: Readonly<Record<string, unknown>>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', labels: { team: 'a' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.0.0.1',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...spec,
    },
  };
}

function slices({ cluster }: ControllersWorld): readonly EndpointSlice[] {
  return cluster.list('endpointslices.discovery.k8s.io') as readonly EndpointSlice[];
}

function conditions(world: ControllersWorld): readonly string[] {
  return slices(world).flatMap(({ endpoints }) =>
    (endpoints ?? []).map((one) => `${one.conditions.ready} ${one.conditions.serving} ${one.conditions.terminating}`),
  );
}

describe('endpoints of a service', () => {
  it('become ready with the pods, and go through terminating', async () => {
    const world = controllersWorld({ goneAfterMs: () => 3000 });
    world.cluster.create('services', service({}));
    await world.clock.advance(10);
    expect(slices(world)).toMatchObject([{ endpoints: null, ports: null, addressType: 'IPv4' }]);
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
    await world.clock.advance(500);
    expect(conditions(world)).toEqual(['false false false']);
    expect(world.cluster.get('endpoints', 'web', 'shop')?.['subsets']).toMatchObject([{ notReadyAddresses: [{ ip: '127.1.0.1' }] }]);
    await world.clock.advance(1000);
    expect(conditions(world)).toEqual(['true true false']);
    const [slice] = slices(world);
    const [pod] = world.cluster.list('pods');
    expect(slice?.metadata.labels).toEqual({
      team: 'a',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    });
    expect(slice?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
    expect(slice?.endpoints?.[0]).toMatchObject({
      addresses: ['127.1.0.1'],
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', name: pod?.metadata.name, namespace: 'shop', uid: pod?.metadata.uid },
    });
    expect(world.cluster.get('endpoints', 'web', 'shop')?.['subsets']).toMatchObject([
      { addresses: [{ ip: '127.1.0.1', nodeName: 'node-1' }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
    ]);
    world.cluster.patch('deployments.apps', 'web', 'shop', { spec: { replicas: 0 } });
    await world.clock.advance(1000);
    expect(conditions(world)).toEqual(['false true true']);
    await world.clock.advance(5000);
    expect(conditions(world)).toEqual([]);
    world.cluster.delete('services', 'web', 'shop');
    await world.clock.advance(1000);
    expect([slices(world), world.cluster.list('endpoints')]).toEqual([[], []]);
    expect(world.errors).toEqual([]);
  });

  it('are ready before the pods are when the service says so', async () => {
    const world = controllersWorld({ readyAfterMs: () => undefined });
    world.cluster.create('services', service({ publishNotReadyAddresses: true, clusterIP: 'None' }));
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
    await world.clock.advance(1000);
    expect(conditions(world)).toEqual(['true false false']);
    expect(slices(world)[0]?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    expect(world.cluster.get('endpoints', 'web', 'shop')?.['subsets']).toMatchObject([{ addresses: [{ ip: '127.1.0.1' }] }]);
  });

  it('take named ports from each pod, with a slice for each answer', async () => {
    const world = controllersWorld();
    world.cluster.create('services', service({ ports: [{ port: 80, targetPort: 'web' }] }));
    for (const [name, containerPort] of [
      ['a', 8080],
      ['b', 9090],
    ] as const) {
      const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'web', containerPort }] }];
      const pods = { ...template('web'), metadata: { labels: { app: 'web', name } }, spec: { containers } };
      world.cluster.create(
        'deployments.apps',
        workload('Deployment', name, { replicas: 1, selector: { matchLabels: { name } }, template: pods }),
      );
    }
    await world.clock.advance(3000);
    expect(
      slices(world)
        .map(({ ports }) => ports?.map((one) => one.port))
        .toSorted(),
    ).toEqual([[8080], [9090]]);
  });

  it('fill slices of a hundred, and leave those alone that did not change', async () => {
    const world = controllersWorld({ nodes: ['n1', 'n2', 'n3'] });
    world.cluster.create('services', service({}));
    world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 150 }));
    await world.clock.advance(5000);
    expect(
      slices(world)
        .map(({ endpoints }) => endpoints?.length)
        .toSorted(),
    ).toEqual([100, 50]);
    const before = slices(world).map(({ metadata }) => metadata.resourceVersion);
    world.cluster.delete('pods', slices(world)[0]?.endpoints?.[0]?.targetRef.name ?? '', 'shop');
    // Before the pod that takes its place has an address.
    await world.clock.advance(2);
    expect(slices(world).filter(({ metadata }, index) => metadata.resourceVersion !== before[index])).toHaveLength(1);
    await world.clock.advance(5000);
    expect(conditions(world).filter((one) => one === 'true true false')).toHaveLength(150);
  });
});

describe('a load balancer', () => {
  it('gives an address, and takes it back', async () => {
    const world = controllersWorld({ loadBalancerAddress: () => ({ ip: '127.9.9.9' }) });
    world.cluster.create('services', service({ type: 'LoadBalancer' }));
    await world.clock.advance(100);
    const found = world.cluster.get('services', 'web', 'shop');
    expect(found?.['status']).toEqual({ loadBalancer: { ingress: [{ ip: '127.9.9.9', ipMode: 'VIP' }] } });
    expect(found?.metadata.finalizers).toEqual(['service.kubernetes.io/load-balancer-cleanup']);
    world.cluster.patch('services', 'web', 'shop', { spec: { type: 'ClusterIP' } });
    await world.clock.advance(100);
    expect(world.cluster.get('services', 'web', 'shop')?.['status']).toEqual({ loadBalancer: {} });
    world.cluster.patch('services', 'web', 'shop', { spec: { type: 'LoadBalancer' } });
    await world.clock.advance(100);
    world.cluster.delete('services', 'web', 'shop');
    await world.clock.advance(100);
    expect(world.cluster.get('services', 'web', 'shop')).toBeUndefined();
    expect(world.errors).toEqual([]);
  });
});
