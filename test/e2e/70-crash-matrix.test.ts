/**
 * The driver is killed after stored events that chance has chosen, again and again in one upgrade, through the real adapters;
 * the next one goes on. The end is that of an upgrade which nothing happened to, and every workload was restarted once.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { seededRandom } from '../../src/sandbox/clock/seeded-random.ts';
import { until, untilSaid, type Outcome } from '../kit/child-process.ts';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { storedEvents } from '../kit/stored-events.ts';
import { meshliftOk, revisionsOf } from '../scenarios/cluster-under-test.ts';
import { countedSince, templateCounts } from '../scenarios/restarts.ts';
import { openShop, someOfShop } from '../scenarios/shop.ts';
import { snapshot } from '../scenarios/snapshot.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 });

const SEED = 20_261;
/** In upgrades of their own. */
const FRESH_POINTS = 5;
/** In one upgrade. */
const POINTS = 8;
const cluster = new SandboxCluster({ speed: 15 });
const apps = someOfShop('quotes', 'ledger');
const onceEach = Object.fromEntries(apps.map(({ name }) => [name, 1]));
const random = seededRandom(SEED);
let apply: string[];
let before: Record<string, unknown>;
let unharmed: Record<string, unknown>;
/** Events of an upgrade that nothing happens to. */
let events: number;

beforeAll(async () => {
  await cluster.prepare();
  await cluster.istio.installOld();
  await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, apps);
  apply = ['apply', '--to', cluster.newVersion, '--revision', 'canary', ...(await cluster.istio.source('canary')), '--yes'];
  before = await snapshot(cluster, ['shop']);
  await meshliftOk(cluster, ...apply);
  unharmed = await snapshot(cluster, ['shop']);
  events = (await storedEvents(cluster.objects)).length;
  await takeBack();
});
afterAll(() => cluster.cleanUp());

/** Leaves nothing of the run. */
async function takeBack(): Promise<void> {
  await meshliftOk(cluster, 'rollback', '--yes');
  await meshliftOk(cluster, 'forget', '--everything', '--yes');
  expect(await snapshot(cluster, ['shop'])).toEqual(before);
}

/** Kills without warning once that many events are stored. @returns how it ended if that was before */
async function killAfter(args: readonly string[], stored: number): Promise<Outcome | undefined> {
  const driver = cluster.start(args);
  let ended: Outcome | undefined;
  void driver.done.then((outcome) => (ended = outcome));
  const isMoment = async (): Promise<boolean> => ended !== undefined || (await storedEvents(cluster.objects)).length >= stored;
  await until(`${stored} events are stored`, isMoment, 60_000, 2);
  driver.child.kill('SIGKILL');
  await driver.done;
  return ended;
}

/** On a busy machine the kill may come after the last event. */
async function resumeUnlessEnded(): Promise<void> {
  const stored = await storedEvents(cluster.objects);
  if (stored.at(-1)?.type !== 'RunEnded') await meshliftOk(cluster, 'resume');
}

/** So many places among the stored events, in their order. */
function chosen(count: number): number[] {
  // Not after the last one: then there is nothing left to do.
  const places = Array.from({ length: events - 1 }, (_, index) => index + 1);
  for (let at = places.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [places[at], places[other]] = [places[other] ?? 0, places[at] ?? 0];
  }
  return places.slice(0, count).toSorted((a, b) => a - b);
}

it(`is killed after ${FRESH_POINTS} of its stored events, one upgrade for each, and resumed once`, async () => {
  for (const point of chosen(FRESH_POINTS)) {
    const templatesBefore = await templateCounts(cluster, 'shop');
    const early = await killAfter(apply, point);
    if (early === undefined || early.code === null) await resumeUnlessEnded();
    else expect(early).toMatchObject({ code: 0 });
    expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop')), `killed after event ${point}`).toEqual(onceEach);
    expect(await snapshot(cluster, ['shop']), `killed after event ${point}`).toEqual(unharmed);
    expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['canary']));
    await takeBack();
  }
});

it('is killed again and again in one upgrade', async () => {
  const templatesBefore = await templateCounts(cluster, 'shop');
  let args: readonly string[] = apply;
  // Each takeover is an event itself.
  for (const [kills, point] of chosen(POINTS).entries()) {
    const early = await killAfter(args, point + kills);
    args = ['resume'];
    if (early !== undefined && early.code !== null) break;
  }
  await resumeUnlessEnded();
  expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual(onceEach);
  expect(await snapshot(cluster, ['shop'])).toEqual(unharmed);
  await takeBack();
});

it('is killed before the last object of a control plane whose istiod has begun to change the others', async () => {
  const templatesBefore = await templateCounts(cluster, 'shop');
  const driver = cluster.start(apply);
  await untilSaid(driver, /waiting \S+install/);
  driver.child.kill('SIGKILL');
  await driver.done;
  await until('istiod validates', validates, 30_000, 20);
  await cluster.objects.remove('mutatingwebhookconfigurations', { name: 'istio-sidecar-injector-canary' });
  await meshliftOk(cluster, 'resume');
  expect(countedSince(templatesBefore, await templateCounts(cluster, 'shop'))).toEqual(onceEach);
  expect(await snapshot(cluster, ['shop'])).toEqual(unharmed);
  await takeBack();
});

async function validates(): Promise<boolean> {
  const selector = 'istio.io/rev=canary';
  const found = await cluster.objects.list<{ webhooks: { failurePolicy: string }[] }>(['validatingwebhookconfigurations'], { selector });
  return found.some(({ webhooks }) => webhooks.every(({ failurePolicy }) => failurePolicy === 'Fail'));
}
