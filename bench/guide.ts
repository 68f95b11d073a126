/**
 * The guide by hand and by Meshlift, on the same mesh and under the same load. Needs what the tests on a real cluster need, and takes
 * the cluster over as they do: what it finds of Istio there is removed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MESHLIFT, run, start, until } from '../test/kit/child-process.ts';
import { kubectl, kubectlJson, NEW_VERSION, OLD_VERSION } from '../test/real/kit/cluster.ts';
import {
  APP_NAMESPACE,
  chartsOf,
  GATEWAYS,
  ingressAddress,
  installGuideMesh,
  NEW,
  OLD,
  openBookinfo,
  releases,
  removeReleases,
  revisionsOf,
} from '../test/real/kit/guide-mesh.ts';
import { cleanCluster } from '../test/real/kit/istio.ts';
import { openTally } from '../test/real/kit/tally.ts';
import { BY_HAND, isPause, LOAD_LINES } from './guide-by-hand.ts';
import { machineText, out } from './measure.ts';

const RATE = '50/s';
const NAMESPACES = [...GATEWAYS, APP_NAMESPACE, 'payments'];
/** The load is there before the first command, and for a moment after the last. */
const LEAD_MS = 1000;
const MOST_ERRORS = 5;
const NEEDED = ['KUBECONFIG', 'MESHLIFT_ISTIOCTL_OLD', 'MESHLIFT_ISTIOCTL_NEW', 'RIG_BOOKINFO'];

interface Upgrade {
  readonly seconds: number;
  readonly commands: number;
}

interface Figures extends Upgrade {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly errors: readonly string[];
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly restarts: number;
  /** Of the processors, everything else on this machine included. */
  readonly busyRatio: number;
  readonly amiss: readonly string[];
}

interface Report {
  readonly requests: number;
  readonly status_codes: Readonly<Record<string, number>>;
  readonly latencies: { readonly '99th': number; readonly max: number };
  readonly errors: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), 'meshlift-bench-'));

/** On a mesh that is made anew for it. */
async function measure(name: string, upgrade: (url: string, results: string) => Promise<Upgrade>): Promise<Figures> {
  await removeReleases();
  await cleanCluster();
  const tally = await openTally();
  try {
    await installGuideMesh();
    await openBookinfo(tally.url);
    const url = `http://${await ingressAddress()}/`;
    await until('the shop answers', async () => (await fetch(url).catch(() => undefined))?.status === 200, 120_000, 1000);
    const results = join(folder, `${name}.ndjson`);
    const before = await templates();
    const busyFrom = processorMs();
    const done = await upgrade(url, results);
    const busyTo = processorMs();
    const after = await templates();
    const report = JSON.parse(await run(MESHLIFT, ['load', 'report', '--type', 'json', results])) as Report;
    return {
      name,
      ...done,
      requests: report.requests,
      failed: report.requests - (report.status_codes['200'] ?? 0),
      errors: report.errors,
      p99Ms: report.latencies['99th'] / 1e6,
      longestMs: report.latencies.max / 1e6,
      restarts: [...after].reduce((sum, [deployment, number]) => sum + number - (before.get(deployment) ?? 0), 0),
      busyRatio: (busyTo.busy - busyFrom.busy) / (busyTo.all - busyFrom.all),
      amiss: await amiss(url),
    };
  } finally {
    tally.close();
  }
}

function processorMs(): { readonly busy: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const all = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0);
  return { busy: all - times.reduce((sum, t) => sum + t.idle, 0), all };
}

/** How many templates each Deployment of applications and gateways had so far. */
async function templates(): Promise<ReadonlyMap<string, number>> {
  const { items } = await kubectlJson<{
    items: { metadata: { namespace: string; name: string; annotations: Record<string, string> } }[];
  }>('get', 'deployments', '-A');
  return new Map(
    items
      .filter(({ metadata }) => NAMESPACES.includes(metadata.namespace))
      .map(({ metadata }) => [
        `${metadata.namespace}/${metadata.name}`,
        Number(metadata.annotations['deployment.kubernetes.io/revision'] ?? '0'),
      ]),
  );
}

async function byHand(url: string, results: string): Promise<Upgrade> {
  const startedMs = performance.now();
  const load = start(MESHLIFT, ['load', 'attack', url, '--rate', RATE, '--duration', '1h', '--quiet', '-o', results]);
  try {
    await wait(LEAD_MS);
    for (const { lines, isLook } of BY_HAND) for (const line of lines) await typed(line, isLook === true);
    await wait(LEAD_MS);
  } finally {
    load.child.kill('SIGTERM');
    await load.done;
  }
  const commands = BY_HAND.flatMap(({ lines }) => lines).filter((line) => !isPause(line)).length + LOAD_LINES.length;
  return { seconds: (performance.now() - startedMs) / 1000, commands };
}

async function typed(line: string, isLook: boolean): Promise<void> {
  const tools = [
    `istioctl() { "${process.env['MESHLIFT_ISTIOCTL_NEW']}" "$@"; }`,
    `helm() { command "${process.env['MESHLIFT_HELM'] ?? 'helm'}" "$@"; }`,
    'set -o pipefail',
  ];
  const env = { OLD, NEW, OLD_CHARTS: chartsOf(OLD_VERSION), NEW_CHARTS: chartsOf(NEW_VERSION) };
  const { code, stderr } = await start('bash', ['-c', [...tools, line].join('\n')], { cwd: folder, env }).done;
  if (code !== 0 && !isLook) throw new Error(`by hand: ${line} ended with ${code}: ${stderr}`);
}

function words(url: string): readonly string[] {
  const charts = ['--with', 'helm', '--charts', chartsOf(NEW_VERSION)];
  return ['apply', '--to', NEW_VERSION, ...charts, '--load', RATE, '--load-target', url, '--finish', '--yes'];
}

async function byMeshlift(url: string, results: string): Promise<Upgrade> {
  const startedMs = performance.now();
  await run(MESHLIFT, [...words(url), '--load-results', results]);
  return { seconds: (performance.now() - startedMs) / 1000, commands: 1 };
}

/** What is not as it should be at the end, whoever did it. */
async function amiss(url: string): Promise<string[]> {
  const found: string[] = [];
  for (const namespace of NAMESPACES) {
    const revisions = [...(await revisionsOf(namespace))].filter((revision) => revision !== NEW);
    found.push(...revisions.map((revision) => `pods of ${revision ?? 'no revision'} in ${namespace}`));
  }
  found.push(...(await releases()).filter((line) => line.includes(OLD)).map((line) => `release ${line}`));
  for (const tag of ['prod-stable', 'prod-canary']) {
    const revision = await kubectl('get', 'mutatingwebhookconfiguration', `istio-revision-tag-${tag}`, '-o', REVISION).catch(
      () => 'nothing',
    );
    if (revision !== NEW) found.push(`tag ${tag} leads to ${revision}`);
  }
  const { headers } = await fetch(url);
  for (const name of ['x-by-revision', 'x-by-version']) if (headers.get(name) !== 'yes') found.push(`EnvoyFilter of ${name} has no effect`);
  return found;
}

const REVISION = String.raw`jsonpath={.metadata.labels.istio\.io/rev}`;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

function print(figures: Figures): void {
  const { name, requests, failed, p99Ms, longestMs, commands, restarts, busyRatio } = figures;
  out(
    `  ${name.padEnd(8)} ${figures.seconds.toFixed(0)} s, ${failed} of ${requests} requests failed, p99 ${p99Ms.toFixed(0)} ms, ` +
      `longest ${longestMs.toFixed(0)} ms, ${commands} commands typed, ${restarts} restarts, ` +
      `processors ${(busyRatio * 100).toFixed(0)} % busy; at the end ${figures.amiss.join(', ') || 'all as it should be'}`,
  );
  for (const error of figures.errors.slice(0, MOST_ERRORS)) out(`    ${error}`);
}

async function compareGuides(): Promise<void> {
  out(`guide: Istio ${OLD_VERSION} to ${NEW_VERSION}, ${RATE} through the ingress gateway`);
  out(machineText());
  const hand = await measure('by hand', byHand);
  const meshlift = await measure('meshlift', byMeshlift);
  out('by hand, as a script types it; a person reads and types besides');
  out(`  in a second terminal: ${LOAD_LINES.map((words) => `$ meshlift ${words}`).join(', and at the end ')}`);
  for (const { part, lines } of BY_HAND) out([`  ${part}`, ...lines.map((line) => `    $ ${line}`)].join('\n'));
  out(`by Meshlift\n  $ meshlift ${words('$URL').join(' ').replace(chartsOf(NEW_VERSION), '$NEW_CHARTS')}`);
  out('figures');
  print(hand);
  print(meshlift);
  const ratio = (of: (figures: Figures) => number): string => (of(meshlift) / of(hand)).toFixed(2);
  out(
    `  meshlift to by hand: time ${ratio((f) => f.seconds)}, commands ${ratio((f) => f.commands)}, restarts ${ratio((f) => f.restarts)}; ` +
      `failed ${meshlift.failed} to ${hand.failed} (wanted: 0)`,
  );
  if (meshlift.failed > 0 || meshlift.amiss.length > 0) process.exitCode = 1;
}

const missing = NEEDED.filter((name) => process.env[name] === undefined);
if (missing.length > 0) out(`guide: not measured; it needs a cluster that may be thrown away, and ${missing.join(', ')}`);
else {
  try {
    await compareGuides();
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await removeReleases();
    await cleanCluster();
  }
}
