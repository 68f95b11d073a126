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
import { countedSince, templateCounts } from '../scenarios/restarts.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import { kubectl, meshlift, meshliftOk, NEW_VERSION, scratch } from './kit/cluster.ts';
import {
  APP_NAMESPACE,
  chartsOf,
  DEPLOYMENTS,
  GATEWAYS,
  helm,
  ingressAddress,
  installGuideMesh,
  NEW,
  OLD,
  openBookinfo,
  releases,
  removeReleases,
  revisionsOf,
} from './kit/guide-mesh.ts';
import { cleanCluster } from './kit/istio.ts';
import { realCluster } from './kit/real-cluster.ts';
import { watchRestarts } from './kit/served-in-restarts.ts';
import { openTally, type Tally } from './kit/tally.ts';

/** Of Bookinfo: what the gateway sends requests to. */
const ENTRY = 'productpage-v1';
const NAMESPACES = [...GATEWAYS, APP_NAMESPACE, 'payments'];
/** Requests a second, highest first: the highest that this machine serves with a third of it to spare is taken. */
const RATES = [50, 25, 10];
const MOST_BUSY_RATIO = 0.7;
const CONTROL_SECONDS = 15;
/** Of all requests, what each deployment serves at least while it is restarted; reviews-v1, one pod of five, has a fifth of them. */
const LEAST_SHARE = 1 / 20;

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

interface Served {
  /** `apply` asks the target once, before it sends its load. */
  readonly probes?: number;
  /** What the run said, with its own count at the end. */
  readonly said?: string;
}

/**
 * Each request was answered with success, and the application served exactly those, and the probe: Meshlift's results, its
 * reports and the application's own count are one number. A request that the mesh sent again is still one, and those that
 * Meshlift sends through new gateways are counted apart.
 */
async function expectAllServed(name: string, file: string, { probes = 0, said }: Served = {}): Promise<void> {
  const path = join(scratch, file);
  const hits = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => decodeHit(line) ?? []);
  const failed = hits.filter((hit) => hit.code !== 200);
  const latencies = hits.map((hit) => hit.latencyMs).toSorted((a, b) => a - b);
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(0);
  const [sent, served] = [hits.length, tally.requests(ENTRY)];
  figures.push(
    `${name}: ${sent} sent at ${rate}/s, ${failed.length} failed, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; the server counted ${served}, ` +
      `${probes} of them the probe; the mesh sent ${tally.again(ENTRY)} again, Meshlift asked new gateways ${tally.asked(ENTRY)} times`,
  );
  expect(failed.map(({ code, error }) => `${code} ${error}`)).toEqual([]);
  expect(served).toBe(sent + probes);
  expect(tally.requests('details-v1')).toBe(served);
  if (said !== undefined) expect(said).toContain(`0 of ${sent} requests failed`);
  expect(await meshliftOk('load', 'report', path)).toMatch(new RegExp(`^Requests .* ${sent}, .*\\n[^]*200:${sent}\\n`));
  const report = JSON.parse(await meshliftOk('load', 'report', '--type', 'json', path)) as Record<string, unknown>;
  expect(report).toMatchObject({ requests: sent, success: 1, status_codes: { 200: sent }, errors: [] });
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
  await expectAllServed('control', file);
  return (to.busy - from.busy) / (to.all - from.all);
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
    await expectAllServed('to the middle', 'middle.ndjson', { probes: 1, said: outcome.stdout });
    tally.reset();
    const said = await meshliftOk('rollback', '--yes', '--load-results', join(scratch, 'back.ndjson'));
    await expectAllServed('back from the middle', 'back.ndjson', { said });
    expect(await ingressAddress()).toBe(address);
    expect(await snapshot(realCluster, NAMESPACES)).toEqual(before);
    expect(await releases()).toEqual(releasesBefore);
    expect(await revisionsOf(APP_NAMESPACE)).toEqual(new Set([OLD]));
  });

  it('survives a driver that is killed five times, and restarts each workload once', async () => {
    const templates = await templateCounts(realCluster, APP_NAMESPACE);
    tally.reset();
    const load = start(MESHLIFT, ['load', 'attack', url, '--rate', `${rate}/s`, '--duration', '20m', '-o', join(scratch, 'killed.ndjson')]);
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
    await expectAllServed('with a driver killed five times', 'killed.ndjson');
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
    const driver = start(MESHLIFT, guide('--finish', ...withLoad('guide.ndjson')));
    const restarts = watchRestarts(driver, APP_NAMESPACE, tally);
    const outcome = await driver.done;
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    figures.push(`whole: ${((Date.now() - startedMs) / 1000).toFixed(0)} s`);
    await expectAllServed('there, to the finish', 'guide.ndjson', { probes: 1, said: outcome.stdout });
    for (const name of DEPLOYMENTS) {
      const { seconds, requests } = restarts.get(name) ?? { seconds: Number.NaN, requests: 0 };
      figures.push(`${name} served ${requests} requests during the ${seconds.toFixed(1)} s of its own restart`);
      expect(requests, `what ${name} served during its own restart`).toBeGreaterThan(seconds * rate * LEAST_SHARE);
    }
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
