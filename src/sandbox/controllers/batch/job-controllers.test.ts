import { describe, expect, it } from 'vitest';
import { type ControllersWorld, controllersWorld, template } from '../../../../test/kit/controllers-world.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { CronJob, Job } from './batch-shapes.ts';
import { readIndexes, writeIndexes } from './job-pods.ts';

function job(spec: Readonly<Record<string, unknown>> = {}, name = 'load'): KubeObject {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'shop' }, spec: { template: template(name), ...spec } };
}

function jobOf({ cluster }: ControllersWorld, name = 'load'): Job {
  return cluster.get('jobs.batch', name, 'shop') as Job;
}

function conditionsOf(world: ControllersWorld): readonly string[] {
  return (jobOf(world).status?.conditions ?? []).map((one) => `${one.type}=${one.status} ${one.reason}: ${one.message}`);
}

const SUCCEEDS = { endsAfterMs: () => ({ ms: 2000, phase: 'Succeeded' as const }) };
const FAILS = { endsAfterMs: () => ({ ms: 500, phase: 'Failed' as const }) };

describe('a job', () => {
  it('runs so many pods at a time until enough have succeeded, and keeps them', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('jobs.batch', job({ completions: 3, parallelism: 2 }));
    await world.clock.advance(1500);
    expect(jobOf(world).status).toMatchObject({ active: 2, ready: 2, terminating: 0 });
    await world.clock.advance(10_000);
    expect(jobOf(world).status).toMatchObject({ succeeded: 3, ready: 0, uncountedTerminatedPods: {} });
    expect(jobOf(world).status).not.toHaveProperty('active');
    expect(conditionsOf(world)).toEqual([
      'SuccessCriteriaMet=True CompletionsReached: Reached expected number of succeeded pods',
      'Complete=True CompletionsReached: Reached expected number of succeeded pods',
    ]);
    const pods = world.cluster.list('pods');
    expect(pods).toHaveLength(3);
    expect(pods.flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
    expect(pods[0]?.metadata.labels).toMatchObject({ 'batch.kubernetes.io/job-name': 'load', 'job-name': 'load' });
    expect(world.errors).toEqual([]);
  });

  it('gives up after the back-off limit, waiting longer after each failure', async () => {
    const world = controllersWorld(FAILS);
    const created: number[] = [];
    world.cluster.onChange('pods', ({ type }) => void (type === 'ADDED' && created.push(world.clock.nowMs() - Date.UTC(2026, 0, 1))));
    world.cluster.create('jobs.batch', job({ backoffLimit: 2, completions: 1 }));
    await world.clock.advance(120_000);
    expect(created.map((ms) => Math.round(ms / 1000))).toEqual([0, 11, 31]);
    expect(jobOf(world).status).toMatchObject({ failed: 3 });
    expect(conditionsOf(world).at(-1)).toBe('Failed=True BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('ends at its deadline', async () => {
    const world = controllersWorld();
    world.cluster.create('jobs.batch', job({ activeDeadlineSeconds: 5 }));
    await world.clock.advance(10_000);
    expect(conditionsOf(world).at(-1)).toBe('Failed=True DeadlineExceeded: Job was active longer than specified deadline');
    expect(world.cluster.list('pods').filter((pod) => pod.metadata.finalizers !== undefined)).toEqual([]);
  });

  it('starts when it is no longer suspended', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('jobs.batch', job({ suspend: true, completions: 1 }));
    await world.clock.advance(3000);
    expect(world.cluster.list('pods')).toEqual([]);
    expect(conditionsOf(world)).toEqual(['Suspended=True JobSuspended: Job suspended']);
    world.cluster.patch('jobs.batch', 'load', 'shop', { spec: { suspend: false } });
    await world.clock.advance(5000);
    expect(conditionsOf(world)).toContain('Suspended=False JobResumed: Job resumed');
    expect(conditionsOf(world).at(-1)).toContain('Complete=True');
  });

  it('runs one pod for each index', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('jobs.batch', job({ completions: 3, parallelism: 3, completionMode: 'Indexed' }));
    await world.clock.advance(5000);
    expect(jobOf(world).status).toMatchObject({ completedIndexes: '0-2', succeeded: 3 });
    expect(
      world.cluster
        .list('pods')
        .map((pod) => pod.metadata.labels?.['batch.kubernetes.io/job-completion-index'])
        .toSorted(),
    ).toEqual(['0', '1', '2']);
  });

  it('goes with its pods when its time to live is over', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('jobs.batch', job({ completions: 1, ttlSecondsAfterFinished: 30 }));
    await world.clock.advance(20_000);
    expect(world.cluster.list('pods')).toHaveLength(1);
    await world.clock.advance(20_000);
    expect([world.cluster.list('jobs.batch'), world.cluster.list('pods')]).toEqual([[], []]);
  });

  it.each([
    ['', []],
    ['0', [0]],
    ['0,1', [0, 1]],
    ['0-2,5,7-9', [0, 1, 2, 5, 7, 8, 9]],
  ])('writes indexes as %j', (text, indexes) => {
    expect([writeIndexes(indexes), readIndexes(text)]).toEqual([text, indexes]);
  });
});

describe('a cron job', () => {
  const cron = (spec: Readonly<Record<string, unknown>>): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace: 'shop' },
    spec: { schedule: '*/1 * * * *', jobTemplate: { spec: { completions: 1, template: template('tick') } }, ...spec },
  });
  const minutes = ({ cluster }: ControllersWorld): readonly number[] =>
    cluster.list('jobs.batch').map((one) => Number(one.metadata.name.split('-')[1]) - Date.UTC(2026, 0, 1) / 60_000);

  it('starts a job at each time of its schedule, and keeps the last three', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('cronjobs.batch', cron({}));
    await world.clock.advance(5.5 * 60_000);
    expect(minutes(world)).toEqual([3, 4, 5]);
    expect((world.cluster.get('cronjobs.batch', 'tick', 'shop') as CronJob).status).toEqual({
      lastScheduleTime: '2026-01-01T00:05:00Z',
      lastSuccessfulTime: '2026-01-01T00:05:02Z',
    });
    expect(world.errors).toEqual([]);
  });

  it.each([
    { concurrencyPolicy: 'Allow', running: [1, 2, 3] },
    { concurrencyPolicy: 'Forbid', running: [1] },
    { concurrencyPolicy: 'Replace', running: [3] },
  ])('obeys $concurrencyPolicy while the job before still runs', async ({ concurrencyPolicy, running }) => {
    const world = controllersWorld();
    world.cluster.create('cronjobs.batch', cron({ concurrencyPolicy }));
    await world.clock.advance(3.5 * 60_000);
    expect(minutes(world)).toEqual(running);
    expect((world.cluster.get('cronjobs.batch', 'tick', 'shop') as CronJob).status?.active).toHaveLength(running.length);
  });

  it('starts once for the times that it missed while suspended', async () => {
    const world = controllersWorld(SUCCEEDS);
    world.cluster.create('cronjobs.batch', cron({ suspend: true }));
    await world.clock.advance(4.5 * 60_000);
    expect(minutes(world)).toEqual([]);
    world.cluster.patch('cronjobs.batch', 'tick', 'shop', { spec: { suspend: false } });
    await world.clock.advance(10_000);
    expect(minutes(world)).toEqual([4]);
  });
});
