/** A day of a sandbox in virtual time: it passes in seconds, and a seed gives the same events again, byte for byte. */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ClusterWriter } from '../../src/sandbox/cluster/cluster-view.ts';
import type { KubeObject } from '../../src/sandbox/objects/kube-object.ts';
import { StatusError } from '../../src/sandbox/objects/status-error.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { pause } from '../kit/child-process.ts';

const START_MS = Date.UTC(2026, 2, 1);
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SHOP = 'bookinfo';
const DEPLOYMENTS = 'deployments.apps';
const TROUBLES = 'sandbox-troubles';
const MISSING_IMAGE = 'registry.example.com/shop/orders:9.9.9';

interface Day {
  readonly lines: readonly string[];
  readonly realMs: number;
  /** What became of what was done. */
  readonly seen: Readonly<Record<string, unknown>>;
}

/** Everything that is done to the sandbox, at moments of its own clock. */
async function liveADay(seed: number): Promise<Day> {
  const begun = performance.now();
  const lines: string[] = [];
  const time = { kind: 'virtual', startMs: START_MS } as const;
  const sandbox = await startSandbox({ scenario: 'bookinfo', seed, time, eventLog: (line) => lines.push(line) });
  const person = sandbox.cluster.as('kubernetes-admin', 'kubectl');
  const seen: Record<string, unknown> = {};
  try {
    await restart(sandbox, person, ['productpage-v1', 'reviews-v2', 'reviews-v3', 'details-v1']);
    await person.create('cronjobs.batch', halfHourly());
    await sandbox.clock.sleep(2 * MINUTE_MS);
    seen['drained'] = await drain(sandbox, person, 'node-2');
    seen['scaled'] = await followKnob(sandbox, person);
    seen['deadline'] = await missAnImage(sandbox, person);
    seen['refused'] = await loseTheWebhook(sandbox, person);
    await sandbox.clock.sleep(START_MS + DAY_MS - sandbox.clock.nowMs());
    seen['jobs'] = sandbox.cluster.list('jobs.batch', { namespace: 'reports' }).map(({ metadata }) => metadata.name);
    seen['label'] = sandbox.cluster.get('namespaces', SHOP)?.metadata.labels?.['team'];
    seen['unready'] = unready(sandbox);
  } finally {
    await sandbox.stop();
  }
  return { lines, realMs: performance.now() - begun, seen };
}

async function restart({ clock }: Sandbox, person: ClusterWriter, names: readonly string[]): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clock.nowMs()).toISOString() };
  for (const name of names) await person.patch(DEPLOYMENTS, name, SHOP, { spec: { template: { metadata: { annotations } } } });
}

/** As `kubectl drain`: evicts, and tries again while a budget does not allow it. @returns how many pods went, and how often it was refused */
async function drain({ clock, cluster }: Sandbox, person: ClusterWriter, node: string): Promise<{ gone: number; refused: boolean }> {
  await person.patch('nodes', node, undefined, { spec: { unschedulable: true } });
  const here = (): readonly KubeObject[] => cluster.list('pods').filter((pod) => (pod['spec'] as { nodeName?: string }).nodeName === node);
  const gone = here().length;
  let refused = false;
  while (here().length > 0) {
    for (const { metadata } of here().filter((pod) => pod.metadata.deletionTimestamp === undefined))
      await person.evict(metadata.name, metadata.namespace ?? '').catch((error: unknown) => {
        if (!(error instanceof StatusError) || error.status.code !== 429) throw error;
        refused = true;
      });
    await clock.sleep(5 * SECOND_MS);
  }
  await person.patch('nodes', node, undefined, { spec: { unschedulable: null } });
  return { gone, refused };
}

const KNOB = 'sandbox.meshlift.io/desired-replicas';

async function followKnob({ clock, cluster }: Sandbox, person: ClusterWriter): Promise<readonly unknown[]> {
  await person.create('horizontalpodautoscalers.autoscaling', {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'details', namespace: SHOP, annotations: { [KNOB]: '4' } },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'details-v1' }, minReplicas: 1, maxReplicas: 5 },
  });
  const replicas = (): unknown =>
    (cluster.get(DEPLOYMENTS, 'details-v1', SHOP)?.['status'] as { readyReplicas?: number } | undefined)?.readyReplicas;
  const counts: unknown[] = [];
  for (const wanted of ['4', '2']) {
    await person.patch('horizontalpodautoscalers.autoscaling', 'details', SHOP, { metadata: { annotations: { [KNOB]: wanted } } });
    await clock.sleep(MINUTE_MS);
    counts.push(replicas());
  }
  return counts;
}

interface Condition {
  readonly type: string;
  readonly reason?: string;
}

/** @returns the reason why a Deployment is not progressing any more, and after how many seconds */
async function missAnImage({ clock, cluster }: Sandbox, person: ClusterWriter): Promise<readonly unknown[]> {
  await person.patch('configmaps', TROUBLES, 'kube-system', { data: { 'missing-image': `image=${MISSING_IMAGE}` } });
  await clock.sleep(SECOND_MS);
  const labels = { app: 'orders' };
  const createdMs = clock.nowMs();
  await person.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'orders', namespace: SHOP },
    spec: {
      progressDeadlineSeconds: 120,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'orders', image: MISSING_IMAGE }] } },
    },
  });
  const progress = (): string | undefined => {
    const status = cluster.get(DEPLOYMENTS, 'orders', SHOP)?.['status'] as { conditions?: readonly Condition[] } | undefined;
    return status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
  };
  while (progress() !== 'ProgressDeadlineExceeded' && clock.nowMs() < createdMs + HOUR_MS) await clock.sleep(SECOND_MS);
  const reason = progress();
  const seconds = Math.round((clock.nowMs() - createdMs) / SECOND_MS);
  await person.delete(DEPLOYMENTS, 'orders', SHOP);
  return [reason, seconds >= 120 && seconds <= 130];
}

/** Two troubles that begin later by the sandbox's clock. @returns whether pods were refused meanwhile */
async function loseTheWebhook(sandbox: Sandbox, person: ClusterWriter): Promise<boolean> {
  const { clock, cluster } = sandbox;
  const data = {
    'webhook-down': 'revision=default,after=60s',
    'relabelled-namespace': `namespace=${SHOP},label=team,value=night,after=7200s`,
  };
  await person.patch('configmaps', TROUBLES, 'kube-system', { data });
  await clock.sleep(90 * SECOND_MS);
  await restart(sandbox, person, ['ratings-v1', 'reviews-v1']);
  await clock.sleep(5 * MINUTE_MS);
  const refused = cluster
    .list('events', { namespace: SHOP })
    .some((event) => event['reason'] === 'FailedCreate' && String(event['message']).includes('failed calling webhook'));
  await person.patch('configmaps', TROUBLES, 'kube-system', { data: { 'webhook-down': null } });
  return refused;
}

function halfHourly(): KubeObject {
  const containers = [{ name: 'sync', image: 'docker.io/library/busybox:1.37', command: ['sh', '-c', 'sleep 5'] }];
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'sync', namespace: 'reports' },
    spec: { schedule: '*/30 * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers } } } } },
  };
}

function unready({ cluster }: Sandbox): readonly string[] {
  return cluster
    .list(DEPLOYMENTS)
    .filter(({ spec, status }) => (status as { readyReplicas?: number }).readyReplicas !== (spec as { replicas: number }).replicas)
    .map(({ metadata }) => metadata.name);
}

const added = ({ lines }: Day, resource: string, name: RegExp): readonly string[] =>
  lines.filter((line) => {
    const [, , type, of, key = ''] = line.split(' ');
    return type === 'ADDED' && of === resource && name.test(key);
  });

describe('a day in virtual time', () => {
  let first: Day;

  beforeAll(async () => {
    first = await liveADay(7);
  }, 60_000);

  it('brings everything to its end', () => {
    expect(first.seen).toEqual({
      drained: { gone: expect.any(Number) as number, refused: expect.any(Boolean) as boolean },
      scaled: [4, 2],
      deadline: ['ProgressDeadlineExceeded', true],
      refused: true,
      jobs: expect.arrayContaining([expect.stringMatching(/^nightly-report-/), expect.stringMatching(/^sync-/)]) as string[],
      label: 'night',
      unready: [],
    });
  });

  it('runs each CronJob at its times', () => {
    const jobs = added(first, 'jobs.batch', /^reports\/sync-/);
    expect(jobs.map((line) => line.split(' ')[1]?.slice(11, 19))).toEqual(
      Array.from({ length: 47 }, (_, index) => new Date(START_MS + (index + 1) * 30 * MINUTE_MS).toISOString().slice(11, 19)),
    );
    expect(added(first, 'jobs.batch', /^reports\/nightly-report-/).map((line) => line.split(' ')[1])).toEqual([
      expect.stringMatching(/^2026-03-01T02:30:00\./),
    ]);
  });

  it('takes seconds', () => {
    console.info(`24 h of bookinfo: ${(first.realMs / 1000).toFixed(1)} s, ${first.lines.length} writes`);
    // Far more than it takes, since other tests run at the same time.
    expect(first.realMs).toBeLessThan(60_000);
  });

  it('has the same events again with the same seed, byte for byte', { timeout: 60_000 }, async () => {
    const second = await liveADay(7);
    const different = first.lines.findIndex((line, index) => second.lines[index] !== line);
    expect({ at: different, line: second.lines[different] }).toEqual({ at: -1, line: undefined });
    expect(second.lines.length).toBe(first.lines.length);
  });

  it('has others with another seed', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    const time = { kind: 'virtual', startMs: START_MS } as const;
    const other = await startSandbox({ scenario: 'bookinfo', seed: 8, time, eventLog: (line) => lines.push(line) });
    await other.stop();
    expect(lines.length).toBeGreaterThan(300);
    expect(lines.filter((line, index) => first.lines[index] === line)).toEqual([]);
  });
});

describe('requests from outside', () => {
  let sandbox: Sandbox;
  let options: RequestOptions;

  beforeAll(async () => {
    sandbox = await startSandbox({ scenario: 'bookinfo', time: { kind: 'virtual', startMs: START_MS } });
    options = optionsFor(sandbox);
  }, 60_000);

  afterAll(() => sandbox.stop());

  /** @returns how much of the sandbox's time passes in a few turns of the machine's */
  const passed = async ({ clock } = sandbox): Promise<number> => {
    const before = clock.nowMs();
    await pause(100);
    return clock.nowMs() - before;
  };

  it('see time stand still until they are answered', async () => {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'slow' }, data: { key: 'value' } });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const answered = Promise.withResolvers<KubeObject>();
    const path = `/api/v1/namespaces/default/configmaps`;
    const request = httpsRequest({ ...options, path, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => answered.resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as KubeObject));
    });
    expect(await passed()).toBeGreaterThan(MINUTE_MS);
    request.write(body.slice(0, 20));
    while ((await passed()) > 0);
    const stoodAtMs = sandbox.clock.nowMs();
    expect(await passed()).toBe(0);
    request.end(body.slice(20));
    const { metadata } = await answered.promise;
    expect(Date.parse(metadata.creationTimestamp ?? '')).toBe(Math.floor(stoodAtMs / SECOND_MS) * SECOND_MS);
    expect(await passed()).toBeGreaterThan(MINUTE_MS);
  });

  it('do not stop it while they only watch', async () => {
    const opened = Promise.withResolvers<void>();
    const request = httpsRequest({ ...options, path: '/api/v1/pods?watch=1&resourceVersion=0' }, (response) => {
      response.resume();
      opened.resolve();
    });
    request.on('error', () => undefined);
    request.end();
    await opened.promise;
    expect(await passed()).toBeGreaterThan(MINUTE_MS);
    request.destroy();
  });

  it('wake a sandbox that stands still while nobody asks', async () => {
    const time = { kind: 'virtual', startMs: START_MS, restAfterMs: 50 } as const;
    const resting = await startSandbox({ scenario: 'bookinfo', time });
    await pause(200);
    expect(await passed(resting)).toBe(0);
    const request = httpsRequest({ ...optionsFor(resting), path: '/api/v1/pods?watch=1' }, (response) => response.resume());
    request.on('error', () => undefined);
    request.end();
    expect(await passed(resting)).toBeGreaterThan(MINUTE_MS);
    request.destroy();
    await pause(200);
    expect(await passed(resting)).toBe(0);
    await resting.stop();
  });

  it('wait for a webhook that hangs as long as its timeout by the clock of the sandbox', async () => {
    sandbox.knobs.istio.changeRevision('default', { webhook: 'hang' });
    const spec = { containers: [{ name: 'app', image: 'docker.io/library/busybox:1.37' }] };
    const writer = sandbox.cluster.as('kubernetes-admin', 'kubectl');
    const beforeMs = sandbox.clock.nowMs();
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stuck', namespace: SHOP }, spec };
    await expect(writer.create('pods', pod)).rejects.toThrow('context deadline exceeded');
    expect(sandbox.clock.nowMs() - beforeMs).toBe(10 * SECOND_MS);
    sandbox.knobs.istio.changeRevision('default', { webhook: 'up' });
  });
});

function optionsFor({ url, kubeconfig }: Sandbox): RequestOptions {
  const config = parse(kubeconfig) as {
    readonly clusters: readonly [{ readonly cluster: { readonly 'certificate-authority-data': string } }];
    readonly users: readonly [{ readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } }];
  };
  const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
  const { user } = config.users[0];
  return {
    host: '127.0.0.1',
    port: Number(new URL(url).port),
    ca: decode(config.clusters[0].cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
    agent: new Agent({ keepAlive: false }),
  };
}
