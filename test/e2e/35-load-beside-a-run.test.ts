/** `apply --load`: requests before, during and after a run, by a process of their own, and what they make of the run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeHit } from '../../src/core/load/hit.ts';
import { start, until, untilSaid, type Outcome } from '../kit/child-process.ts';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { canMountDisks, onSmallDisk } from '../kit/small-disk.ts';
import { meshlift, meshliftOk, revisionsOf } from '../scenarios/cluster-under-test.ts';
import { expectProblem } from '../scenarios/expect-problem.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 90_000 });

const cluster = new SandboxCluster({ speed: 4, scenario: 'bookinfo' });
let target: string;
let install: readonly string[];

beforeAll(async () => {
  await cluster.prepare();
  const service = await cluster.objects.get<{ status: { loadBalancer: { ingress: { ip: string }[] } } }>('services', {
    namespace: 'istio-ingress',
    name: 'istio-ingressgateway',
  });
  target = `http://${service.status.loadBalancer.ingress[0]?.ip ?? ''}:8080/productpage`;
  install = await cluster.istio.source('canary');
});
afterAll(() => cluster.cleanUp());
afterEach(async () => {
  await cluster.endDrivers();
  await cluster.endTroubles();
  await meshlift(cluster, 'rollback', '--yes');
  await meshliftOk(cluster, 'forget', '--everything', '--yes');
});

function words(...load: string[]): string[] {
  return ['apply', '--to', cluster.newVersion, '--revision', 'canary', ...install, '--load', '50/s', ...load, '--yes'];
}

function hits(file: string): number[] {
  const lines = readFileSync(join(cluster.scratch, file), 'utf8').split('\n');
  return lines.flatMap((line) => decodeHit(line)?.code ?? []);
}

describe('a run with a load', () => {
  it('says that nothing was lost, with its bound; the results are all there; the way back has its own', async () => {
    const there = await meshliftOk(cluster, ...words('--load-target', target, '--load-results', 'there.ndjson'));
    const codes = hits('there.ndjson');
    expect(codes.length).toBeGreaterThan(200);
    expect(new Set(codes)).toEqual(new Set([200]));
    expect(there).toContain(`0 of ${codes.length} requests failed (at 95 %: fewer than `);
    expect(there).toContain('Next: meshlift load report there.ndjson');
    const back = await meshliftOk(cluster, 'rollback', '--yes', '--load-results', 'back.ndjson');
    expect(back).toContain(`0 of ${hits('back.ndjson').length} requests failed`);
    expect(await revisionsOf(cluster, 'bookinfo')).toEqual(new Set(['default']));
  });

  it('is taken back by itself when the new revision fails requests, and says during which steps', async () => {
    await cluster.trouble('failing-proxies', 'revision=canary', 'ratio=0.1');
    const outcome = await meshlift(cluster, ...words('--load-target', target, '--on-failure', 'rollback', '--load-results', 'bad.ndjson'));
    expectProblem(outcome, 'LOAD-002', 4);
    expect(outcome.stdout).toContain('Rolled back: the mesh is as it was');
    expect(outcome.stdout).toMatch(/\d+ of \d+ requests failed\./);
    expect(outcome.stdout).toMatch(/\d+ failed: (restart|label) /);
    expect(await revisionsOf(cluster, 'bookinfo')).toEqual(new Set(['default']));
    expect(hits('bad.ndjson').at(-1)).toBe(200);
  });

  it('goes on through failures that the request allows', async () => {
    await cluster.trouble('failing-proxies', 'revision=canary', 'ratio=0.1');
    const allowed = words('--load-target', target, '--load-stop-at', '90/100', '--load-results', 'allowed.ndjson');
    const output = await meshliftOk(cluster, ...allowed);
    expect(output).toMatch(/[1-9]\d* of \d+ requests failed\./);
    expect(output).toContain('Moved ');
  });

  it('stops between two steps when the load is gone, since it would prove nothing', async () => {
    const running = cluster.start(words('--load-target', target));
    await untilSaid(running, 'label-bookinfo done');
    await start('pkill', ['-KILL', '-f', `load attack ${target}`]).done;
    const outcome = await running.done;
    expectProblem(outcome, 'LOAD-003', 1);
    expect(outcome.stderr).toContain('nothing is half done');
  });

  it('ends its load with it, even when it is killed', async () => {
    const running = cluster.start(words('--load-target', target));
    await untilSaid(running, 'install-canary done');
    running.child.kill('SIGKILL');
    await running.done;
    await until('the load is gone', async () => (await start('pgrep', ['-f', `load attack ${target}`]).done).code === 1, 10_000, 100);
  });
});

describe.skipIf(!canMountDisks)('a disk that is full', () => {
  const folder = join(cluster.scratch, 'disk');
  const results = join(folder, 'results.ndjson');
  // Room for some 270 results: the run has begun and is not over when they are there.
  const apply = (isFull: boolean): Promise<Outcome> =>
    onSmallDisk(
      { folder, kilobytes: 64, isFull },
      words('--load-target', target, '-n', 'reports', '--load', '200/s', '--load-results', results),
      {
        env: cluster.env(),
        cwd: cluster.scratch,
      },
    );

  it('in mid-run: it stops between two steps, says what and where, and goes on with another file', async () => {
    const outcome = await apply(false);
    expectProblem(outcome, 'LOAD-003', 1);
    expect(outcome.stderr).toContain('results.ndjson: the disk is full; what was written before is there.');
    expect(outcome.stderr).toMatch(/stopped before step \d+ of \d+ .*nothing is half done/);
    expect(outcome.stderr).not.toContain('Nothing was changed');
    expect(outcome.stderr).toMatch(/meshlift resume \S+ --load-results FILE/);
    expect(await meshliftOk(cluster, 'resume', '--load-results', 'rest.ndjson')).toContain('Moved ');
    expect(new Set(hits('rest.ndjson'))).toEqual(new Set([200]));
  });

  it('before it begins: nothing begins', async () => {
    const outcome = await apply(true);
    expectProblem(outcome, 'LOAD-003', 1);
    expect(outcome.stderr).toContain('the disk is full');
    expect(outcome.stderr).toContain('Nothing was changed.');
    expect(await meshliftOk(cluster, 'runs')).toContain('No run');
  });
});

it('the results of one part of a run never replace those of another', async () => {
  const names = (): string[] => readdirSync(cluster.scratch).filter((name) => name.endsWith('.load.ndjson') || /load-\d/.test(name));
  const before = names().length;
  const running = cluster.start(words('--load-target', target, '-n', 'reports'));
  await untilSaid(running, 'install-canary done');
  running.child.kill('SIGINT');
  expectStopped(await running.done);
  const again = cluster.start(['resume']);
  await untilSaid(again, 'label-reports');
  again.child.kill('SIGINT');
  expectStopped(await again.done);
  await meshliftOk(cluster, 'resume');
  expect(names().length - before).toBe(3);
});

function expectStopped({ code, stdout }: Outcome): void {
  expect([code, stdout.includes('nothing is half done')]).toEqual([3, true]);
}

describe('a load that makes no sense', () => {
  it('asks before it goes to what is no gateway of this mesh', async () => {
    const strange = words('--load-target', 'http://127.0.0.1:9/').filter((word) => word !== '--yes');
    const outcome = await meshlift(cluster, ...strange);
    expectProblem(outcome, 'RUN-006', 3);
  });

  it('has a target that does not answer: nothing begins', async () => {
    const outcome = await meshlift(cluster, ...words('--load-target', 'http://127.0.0.1:9/'));
    expectProblem(outcome, 'LOAD-001', 1);
    expect(outcome.stderr).toContain('Nothing was changed.');
    expect(await meshliftOk(cluster, 'runs')).toContain('No run');
  });

  it.each([
    ['a rate of nothing', ['--load', '0', '--load-target', 'http://127.0.0.1:9/'], '--load 0: it must be a rate'],
    ['an absurd rate', ['--load', '90000/s', '--load-target', 'http://127.0.0.1:9/'], 'the most is 20000/s'],
    ['a judge of nothing', ['--load-target', 'http://127.0.0.1:9/', '--load-stop-at', '0/100'], '--load-stop-at 0/100: it must be'],
    ['a rate that sends nothing', ['--load', '1/h', '--load-target', 'http://127.0.0.1:9/'], '--load 1/h: the least is 1/m'],
    ['no target', ['--load', '5/s'], '--load, --load-host and --load-stop-at need --load-target URL'],
    ['a target that is no URL', ['--load-target', 'gateway'], 'must be a URL'],
  ])('is refused at once: %s', async (_what, load, said) => {
    const outcome = await meshlift(cluster, 'apply', '--to', cluster.newVersion, ...install, ...load, '--yes');
    expectProblem(outcome, 'ARGS-001', 2);
    expect(outcome.stderr).toContain(said);
  });

  it('has results that cannot be written: nothing begins', async () => {
    const outcome = await meshlift(cluster, ...words('--load-target', target, '--load-results', '/nonexistent/results'));
    expectProblem(outcome, 'ARGS-003', 2);
  });
});
