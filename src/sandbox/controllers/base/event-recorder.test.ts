import { describe, expect, it } from 'vitest';
import { controllersWorld, workload, type ControllersWorld, type WorldOptions } from '../../../../test/kit/controllers-world.ts';

async function events(options: WorldOptions, act: (world: ControllersWorld) => void): Promise<readonly [string[], ControllersWorld]> {
  const world = controllersWorld(options);
  act(world);
  await world.clock.advance(3000);
  const texts = world.cluster
    .list('events')
    .map((one) => `${String(one['count'])} ${String(one['type'])} ${String(one['reason'])}: ${String(one['message'])}`);
  return [texts.toSorted(), world];
}

const createWeb = ({ cluster }: ControllersWorld): void => {
  cluster.create('deployments.apps', workload('Deployment', 'web', { replicas: 1 }));
};

describe('events', () => {
  it('tell what happened, each once, and go after an hour', async () => {
    const [texts, world] = await events({ recordEvents: 'all' }, createWeb);
    expect(texts).toEqual([
      expect.stringMatching(/^1 Normal ScalingReplicaSet: Scaled up replica set web-\w+ from 0 to 1$/),
      expect.stringMatching(/^1 Normal Scheduled: Successfully assigned shop\/web-\w+-\w+ to node-1$/),
      expect.stringMatching(/^1 Normal SuccessfulCreate: Created pod: web-\w+-\w+$/),
    ]);
    expect(world.cluster.list('events')[0]).toMatchObject({
      involvedObject: { namespace: 'shop' },
      source: { component: expect.any(String) as string },
    });
    await world.clock.advance(3_600_000);
    expect(world.cluster.list('events')).toEqual([]);
  });

  it('are counted when they come again', async () => {
    const [texts] = await events({ recordEvents: 'warnings' }, (world) => {
      world.cluster.refuse = (verb, resource) => {
        if (verb === 'create' && resource === 'pods') throw new Error('no');
      };
      createWeb(world);
    });
    expect(texts).toEqual([expect.stringMatching(/^([5-9]|1\d) Warning FailedCreate: Error creating: no$/)]);
  });

  it('are left out when they are too many', async () => {
    expect((await events({ recordEvents: 'none' }, createWeb))[0]).toEqual([]);
  });
});
