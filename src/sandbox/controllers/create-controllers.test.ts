import { expect, it } from 'vitest';
import { controllersWorld, template, workload } from '../../../test/kit/controllers-world.ts';
import { seededRandom } from '../../../test/kit/rollout-cases.ts';

async function run(seed: number): Promise<readonly string[]> {
  const world = controllersWorld({ nodes: ['a', 'b', 'c'], random: seededRandom(seed), recordEvents: 'all' });
  for (const [kind, name] of [
    ['Deployment', 'web'],
    ['StatefulSet', 'db'],
    ['DaemonSet', 'agent'],
  ] as const) {
    const resource = `${kind.toLowerCase()}s.apps`;
    world.cluster.create(resource, workload(kind, name, { replicas: 3 }));
    await world.clock.advance(1500);
    world.cluster.patch(resource, name, 'shop', { spec: { template: template(name, 'app:2') } });
  }
  await world.clock.advance(20_000);
  world.cluster.delete('deployments.apps', 'web', 'shop', { propagationPolicy: 'Foreground' });
  await world.clock.advance(5000);
  const nodes = world.cluster.list('pods').map((pod) => `${pod.metadata.name} ${JSON.stringify(pod['spec'])}`);
  return [...world.cluster.writes.map(({ verb, resource, name, user }) => `${verb} ${resource} ${name} ${user}`), ...nodes];
}

it('does the same in the same order for the same seed', async () => {
  const [first, again] = [await run(7), await run(7)];
  expect(first.length).toBeGreaterThan(100);
  expect(again).toEqual(first);
  expect(new Set(first.map((line) => line.split(' ')[3]).filter((user) => user?.startsWith('system:')))).toEqual(
    new Set(['system:kube-controller-manager', 'system:kube-scheduler']),
  );
});

it('does nothing after it was stopped', async () => {
  const world = controllersWorld();
  world.controllers.stop();
  world.cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
  await world.clock.advance(5000);
  await world.controllers.idle();
  expect(world.cluster.writes).toEqual([]);
});
