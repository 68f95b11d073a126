/**
 * The guide that people follow, as one command: a mesh that Helm installed, with an ingress, an egress and an east-west gateway,
 * a tag of Helm's and one of istioctl's, and pinned EnvoyFilters, under load from outside. There, back from the middle, with a
 * driver that is killed five times, and finished.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeHit } from '../../src/core/load/hit.ts';
import { MESHLIFT, start, until, untilSaid, type Running } from '../kit/child-process.ts';
import { revisionOf, type PodJson } from '../scenarios/cluster-under-test.ts';
import { countedSince, templateCounts } from '../scenarios/restarts.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import { kubectl, kubectlJson, meshlift, meshliftOk, NEW_VERSION, scratch } from './kit/cluster.ts';
import {
  APP_NAMESPACE,
  chartsOf,
  GATEWAYS,
  helm,
  ingressAddress,
  installGuideMesh,
  NEW,
  OLD,
  openBookinfo,
  openTally,
  releases,
  removeReleases,
  type Tally,
} from './kit/guide-mesh.ts';
import { cleanCluster } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';

const NAMESPACES = [...GATEWAYS, APP_NAMESPACE, 'payments'];
/** Requests a second, highest first: the highest that this machine serves with a third of it to spare is taken. */
const RATES = [50, 25, 10];
const MOST_BUSY_RATIO = 0.7;
const CONTROL_SECONDS = 15;
const MOST_SENT_AGAIN_RATIO = 0.01;

let tally: Tally;
let url: string;
let rate = RATES[0] ?? 0;
let before: Record<string, unknown>;
let releasesBefore: string[];
const figures: string[] = [];

beforeAll(async () => {
  await cleanCluster();
  tally = await openTally();
  await installGuideMesh();
  await openBookinfo(tally.url);
  url = `http://${await ingressAddress()}/`;
  await until('the shop answers', async () => (await fetch(url).catch(() => undefined))?.status === 200, 120_000, 1000);
  before = await snapshot(realCluster, NAMESPACES);
  releasesBefore = await releases();
});
afterAll(async () => {
  for (const line of figures) process.stdout.write(`guide ${line}\n`);
  tally.close();
  await removeReleases();
  await cleanCluster();
});

function guide(...more: string[]): string[] {
  const install = ['--with', 'helm', '--charts', chartsOf(NEW_VERSION)];
  return ['apply', '--to', NEW_VERSION, ...install, '--gateways', 'canary', ...more, '--yes'];
}

function withLoad(file: string): string[] {
  return ['--load', `${rate}/s`, '--load-target', url, '--load-results', join(scratch, file)];
}

/**
 * Each request was answered with success, and each reached the application. It counts a few more: the one request before a run
 * begins, and those that a proxy sent again, as Istio's default retries do.
 * @returns how many requests there were
 */
function expectAllServed(name: string, file: string): number {
  const hits = readFileSync(join(scratch, file), 'utf8')
    .split('\n')
    .flatMap((line) => decodeHit(line) ?? []);
  const failed = hits.filter((hit) => hit.code !== 200);
  const latencies = hits.map((hit) => hit.latencyMs).toSorted((a, b) => a - b);
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(0);
  const again = tally.count() - hits.length;
  figures.push(
    `${name}: ${hits.length} sent at ${rate}/s, ${failed.length} failed, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; the server counted ${again} more`,
  );
  expect(failed.map(({ code, error }) => `${code} ${error}`)).toEqual([]);
  expect(again).toBeGreaterThanOrEqual(0);
  expect(again).toBeLessThanOrEqual(1 + hits.length * MOST_SENT_AGAIN_RATIO);
  return hits.length;
}

function busyMs(): { busy: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const all = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0);
  return { busy: all - times.reduce((sum, t) => sum + t.idle, 0), all };
}

async function control(perSecond: number): Promise<number> {
  tally.reset();
  const from = busyMs();
  const file = `control-${perSecond}.ndjson`;
  await meshliftOk('load', 'attack', url, '--rate', `${perSecond}/s`, '--duration', `${CONTROL_SECONDS}s`, '-o', join(scratch, file));
  const to = busyMs();
  rate = perSecond;
  expectAllServed('control', file);
  return (to.busy - from.busy) / (to.all - from.all);
}

async function revisionsOf(namespace: string): Promise<Set<string | undefined>> {
  const { items } = await kubectlJson<{ items: PodJson[] }>('-n', namespace, 'get', 'pods');
  return new Set(items.filter((pod) => pod.metadata.deletionTimestamp === undefined).map(revisionOf));
}

describe('the guide', () => {
  it('has a control run without a lost request, and a rate that leaves the machine room', async () => {
    for (const perSecond of RATES) {
      const busy = await control(perSecond);
      figures.push(`control at ${perSecond}/s: processor ${(busy * 100).toFixed(0)} % busy`);
      if (busy < MOST_BUSY_RATIO) break;
    }
  });

  it('goes back from its middle: nothing lost, the address as before, every object as before', async () => {
    tally.reset();
    const address = await ingressAddress();
    const applying = start(MESHLIFT, guide(...withLoad('middle.ndjson')));
    await untilSaid(applying, 'restart-bookinfo-deploy-reviews-v1 done', 400_000);
    expect((await meshlift('pause')).code).toBe(0);
    const outcome = await applying.done;
    expect([outcome.code, outcome.stderr]).toEqual([3, '']);
    expectAllServed('to the middle', 'middle.ndjson');
    tally.reset();
    await meshliftOk('rollback', '--yes', '--load-results', join(scratch, 'back.ndjson'));
    expectAllServed('back from the middle', 'back.ndjson');
    expect(await ingressAddress()).toBe(address);
    expect(await snapshot(realCluster, NAMESPACES)).toEqual(before);
    expect(await releases()).toEqual(releasesBefore);
    expect(await revisionsOf(APP_NAMESPACE)).toEqual(new Set([OLD]));
  });

  it('survives a driver that is killed five times, and restarts each workload once', async () => {
    const templates = await templateCounts(realCluster, APP_NAMESPACE);
    const load = start(MESHLIFT, ['load', 'attack', url, '--rate', `${rate}/s`, '--duration', '20m', '-o', join(scratch, 'killed.ndjson')]);
    tally.reset();
    try {
      await killAt(guide(), /output .*istiod|install-\S+ started/);
      await killAt(['resume'], /add-\S+ started/);
      await killAt(['resume'], /shift-\S+ done/);
      await killAt(['resume'], /restart-bookinfo-deploy-details-v1 started/);
      await killAt(['resume'], /restart-bookinfo-deploy-reviews-v2 started/);
      await meshliftOk('resume');
    } finally {
      load.child.kill('SIGTERM');
      await load.done;
    }
    expectAllServed('with a driver killed five times', 'killed.ndjson');
    const restarts = countedSince(templates, await templateCounts(realCluster, APP_NAMESPACE));
    expect(new Set(Object.values(restarts))).toEqual(new Set([1]));
    expect((await releases()).filter((line) => !line.endsWith(' deployed'))).toEqual([]);
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(realCluster, NAMESPACES)).toEqual(before);
    expect(await releases()).toEqual(releasesBefore);
  });

  it('is one command from the inventory to the removal of the old releases, and loses nothing', async () => {
    tally.reset();
    const startedMs = Date.now();
    const output = await meshliftOk(...guide('--finish', ...withLoad('guide.ndjson')));
    figures.push(`whole: ${((Date.now() - startedMs) / 1000).toFixed(0)} s`);
    const sent = expectAllServed('there, to the finish', 'guide.ndjson');
    expect(output).toContain(`0 of ${sent} requests failed`);
    for (const namespace of NAMESPACES) expect(await revisionsOf(namespace)).toEqual(new Set([NEW]));
    expect((await releases()).join('\n')).not.toContain(OLD);
    expect(await helm('list', '-n', 'istio-system', '-q')).toContain(`istiod-${NEW}`);
    const ofGateways = (await releases()).filter((line) => GATEWAYS.some((name) => line.startsWith(`${name}/`)));
    expect(ofGateways).toEqual(GATEWAYS.map((name) => `${name}/${name}-${NEW} deployed`).toSorted());
    const tags = await kubectl('get', 'mutatingwebhookconfigurations', '-L', 'istio.io/rev', '--no-headers');
    expect(tags).not.toContain(OLD);
    expect(tags).toContain('istio-revision-tag-prod-stable');
    expect(tags).toContain('istio-revision-tag-prod-canary');
    expect(await kubectl('get', 'namespace', APP_NAMESPACE, '-o', 'jsonpath={.metadata.labels.istio\\.io/rev}')).toBe('prod-stable');
    const { headers } = await fetch(url);
    expect([headers.get('x-by-revision'), headers.get('x-by-version')]).toEqual(['yes', 'yes']);
    expect(await kubectl('-n', APP_NAMESPACE, 'get', 'envoyfilters', '-o', 'name')).not.toMatch(/by-(revision|version)\n/);
  });
});

async function killAt(args: readonly string[], moment: RegExp): Promise<void> {
  const driver: Running = start(MESHLIFT, args);
  await untilSaid(driver, moment, 400_000);
  driver.child.kill('SIGKILL');
  await driver.done;
}
