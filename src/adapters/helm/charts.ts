/** Istio's charts, wherever they are: in a folder, in a repository, or in a registry. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Pin } from '../../core/plan/plan.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import { parseIstioVersion, sameIstioVersion } from '../../core/versions/istio-version.ts';
import { runTool } from '../tools/run-tool.ts';

export type ChartName = 'base' | 'istiod' | 'gateway';

/** Where a folder may hold them: as people unpack them, and as Istio's release and its source do. */
const FOLDERS: Readonly<Record<ChartName, readonly string[]>> = {
  base: ['base'],
  gateway: ['gateway'],
  istiod: ['istiod', 'istio-control/istio-discovery', 'istio-discovery'],
};

export interface ChartSource {
  /** A folder, the URL of a repository, the name of one that helm knows, or `oci://HOST/PATH`. */
  readonly charts: string;
  /** Version of the charts in a repository or registry. */
  readonly version: string | undefined;
}

export interface Chart {
  readonly name: ChartName;
  /** On this machine; charts from elsewhere are there until `use` ends. */
  readonly path: string;
  readonly version: string;
  readonly appVersion?: string;
  readonly pin: Pin;
}

const LONGEST_PULL_MS = 120_000;

/**
 * Gives charts to `use`; those from elsewhere are fetched first and gone afterwards.
 * @param pinned pins of a plan: a chart that is not the one of its pin is a problem
 * @throws Problem ARGS-002 when a folder lacks one, TOOL-003 with helm's words when it cannot be fetched, PLAN-003 when it is of
 *   another version than `target`, PLAN-015
 */
export async function withCharts<T>(
  helm: string,
  source: ChartSource,
  wanted: { readonly names: readonly ChartName[]; readonly target: string | undefined; readonly pinned: readonly Pin[] },
  use: (charts: Readonly<Record<ChartName, Chart>>) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'meshlift-charts-'));
  try {
    const charts = await Promise.all(wanted.names.map((name) => locateChart(helm, source, name, folder)));
    for (const chart of charts) {
      expectPinned(chart, wanted.pinned);
      expectVersion(chart, wanted.target);
    }
    return await use(Object.fromEntries(charts.map((chart) => [chart.name, chart])) as Record<ChartName, Chart>);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isRemote({ charts }: ChartSource): boolean {
  return /^(oci|https?):\/\//.test(charts) || (!existsSync(charts) && /^[\w.-]+$/.test(charts) && !charts.startsWith('.'));
}

async function locateChart(helm: string, source: ChartSource, name: ChartName, folder: string): Promise<Chart> {
  const { charts, version } = source;
  if (!isRemote(source)) {
    const path = pathInFolder(charts, name, version);
    return describe(helm, { name, path, from: path });
  }
  const reference = /^https?:/.test(charts) ? [name, '--repo', charts] : [`${charts.replace(/\/$/, '')}/${name}`];
  const into = join(folder, name);
  mkdirSync(into);
  await runTool(helm, ['pull', ...reference, ...(version === undefined ? [] : ['--version', version]), '--destination', into], {
    timeoutMs: LONGEST_PULL_MS,
  });
  const [file = ''] = readdirSync(into).filter((entry) => entry.endsWith('.tgz'));
  return describe(helm, { name, path: join(into, file), from: `${charts.replace(/\/$/, '')}/${name}` });
}

/** Helm itself tells what a chart is. */
async function describe(helm: string, chart: { name: ChartName; path: string; from: string }): Promise<Chart> {
  const { stdout } = await runTool(helm, ['show', 'chart', chart.path]);
  const { name, version, appVersion } = parse(stdout) as { name?: string; version?: string; appVersion?: string };
  if (name !== chart.name) throw noCharts(`${chart.from} is the chart ${name ?? 'without a name'}, not ${chart.name}.`, chart.from);
  return {
    name: chart.name,
    path: chart.path,
    version: version ?? 'unknown',
    ...(appVersion === undefined ? {} : { appVersion: String(appVersion) }),
    pin: { name: `chart ${chart.name}`, path: chart.from, version: version ?? 'unknown', sha256: digestOfTree(chart.path) },
  };
}

/** Of several archives the one of the wanted version. */
function pathInFolder(charts: string, name: ChartName, version: string | undefined): string {
  let found: string | undefined;
  try {
    const folder = FOLDERS[name].map((one) => join(charts, one)).find((one) => existsSync(join(one, 'Chart.yaml')));
    const archives = readdirSync(charts).filter((entry) => new RegExp(`^${name}-v?\\d.*\\.tgz$`).test(entry));
    const archive = archives.find((entry) => entry === `${name}-${version ?? ''}.tgz`) ?? archives.at(-1);
    found = folder ?? (archive === undefined ? undefined : join(charts, archive));
  } catch (error) {
    throw noCharts(`${charts} cannot be read: ${fileTrouble(error)}.`, charts);
  }
  if (found !== undefined) return found;
  throw noCharts(`There is no chart ${name} in ${charts}: neither ${name}/Chart.yaml nor ${name}-VERSION.tgz.`, charts);
}

function noCharts(what: string, charts: string): Problem {
  return new Problem('ARGS-002', {
    what,
    why: '--charts is a folder with the charts base and istiod, the URL or the name of a repository, or oci://HOST/PATH.',
    next: [{ label: 'look', command: `ls ${charts}` }],
  });
}

/** Over names and contents of all files, in the order of their names; of an archive over the archive. */
function digestOfTree(path: string): string {
  const hash = createHash('sha256');
  if (!statSync(path).isDirectory()) return hash.update(readFileSync(path)).digest('hex');
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile());
  for (const name of files.toSorted())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(path, name)))
      .update('\0');
  return hash.digest('hex');
}

function expectPinned({ name, pin }: Chart, pinned: readonly Pin[]): void {
  const planned = pinned.find((other) => other.name === pin.name);
  if (planned === undefined || planned.sha256 === pin.sha256) return;
  throw new Problem('PLAN-015', {
    what: `${pin.path} is not the chart ${name} that the plan was made from.`,
    next: [{ label: 'make a new plan', command: 'meshlift plan --to VERSION -o FILE' }],
  });
}

/** Vendors count their charts in their own way; either of the two versions of a chart may be Istio's. */
function expectVersion({ pin, version, appVersion }: Chart, target: string | undefined): void {
  const told = [appVersion, version].filter((text) => text !== undefined && parseIstioVersion(text) !== undefined) as string[];
  if (target === undefined || told.length === 0 || told.some((text) => sameIstioVersion(text, target))) return;
  throw new Problem('PLAN-003', {
    what: `${pin.path} is ${pin.name} ${version}${appVersion === undefined || appVersion === version ? '' : ` (app ${appVersion})`}; the target is ${target}.`,
    why: 'A control plane is installed with the charts of its own version.',
    next: [{ label: 'say where the right ones are', command: '--charts FOLDER, REPOSITORY or oci://HOST/PATH' }],
    facts: { version, appVersion, wanted: target },
  });
}
