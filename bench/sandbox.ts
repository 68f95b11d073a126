/**
 * The sandbox against what is wanted of it: its start as a process, a small kubectl request, memory with many pods, and the time until
 * many pods are ready. Everything is measured on sandboxes that `meshlift sandbox start` has started.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { compare, machineText, median, out, report } from './measure.ts';

const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'meshlift-bench-'));
/** Sandboxes of this bench only. */
const env = { ...process.env, MESHLIFT_SANDBOX_HOME: home };

const STARTS = 7;
/** After the start, before memory is read. */
const SETTLE_MS = 2000;

function run(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(meshlift, words, { encoding: 'utf8', env });
  if (error !== undefined || status !== 0) throw new Error(`meshlift ${words.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** Beside a process of Node that does nothing, which tells how fast the machine is at the moment. */
function startTime(scenario: string, wanted: string): void {
  const [starts, idle]: [number[], number[]] = [[], []];
  for (let round = 0; round <= STARTS; round += 1) {
    const startedMs = performance.now();
    run('sandbox', 'start', '--scenario', scenario);
    const upMs = performance.now();
    run('sandbox', 'stop');
    const stoppedMs = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    // The first start fills the compile cache of Node.
    if (round === 0) continue;
    starts.push(upMs - startedMs);
    idle.push(performance.now() - stoppedMs);
  }
  out(`meshlift sandbox start --scenario ${scenario}`);
  out(`  median ${median(starts).toFixed(0)} ms   best ${Math.min(...starts).toFixed(0)} ms (wanted: ${wanted})`);
  out(`  ${(median(starts) / median(idle)).toFixed(1)} times the ${median(idle).toFixed(0)} ms of a Node process that does nothing`);
}

function kubectl(): void {
  if (spawnSync('kubectl', ['version', '--client']).status !== 0) return out('kubectl get ns: kubectl is not on PATH');
  run('sandbox', 'start', '--scenario', 'empty');
  try {
    const kubeconfig = run('sandbox', 'kubeconfig').trim();
    const get = ['kubectl', '--kubeconfig', kubeconfig, '--cache-dir', join(home, 'kube'), 'get', 'ns'];
    const contenders = [
      { name: 'kubectl get ns', commands: [get] },
      { name: 'kubectl version --client', commands: [['kubectl', 'version', '--client']] },
    ];
    report('a request of kubectl', compare(contenders, 25), 1.3);
  } finally {
    run('sandbox', 'stop');
  }
}

interface Sample {
  readonly seconds: number;
  /** Of the processor. */
  readonly processorSeconds: number;
  readonly megabytes: number;
  /** The most that it ever had; undefined where the system does not tell. */
  readonly mostMegabytes: number | undefined;
  readonly pods: number;
}

/** In a sandbox as everybody starts it, looked at from outside. */
async function sample(scenario: string): Promise<Sample> {
  const startedMs = performance.now();
  run('sandbox', 'start', '--scenario', scenario);
  const ms = performance.now() - startedMs;
  try {
    await new Promise((resolve) => void setTimeout(resolve, SETTLE_MS));
    const [{ pid = 0 } = {}] = JSON.parse(run('sandbox', 'status', '--output', 'json')) as { pid?: number }[];
    const figures = processFigures(pid);
    return { seconds: ms / 1000, ...figures, pods: await readyPods(run('sandbox', 'kubeconfig').trim()) };
  } finally {
    run('sandbox', 'stop');
  }
}

function processFigures(pid: number): Pick<Sample, 'processorSeconds' | 'megabytes' | 'mostMegabytes'> {
  const { stdout } = spawnSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], { encoding: 'utf8' });
  const [kilobytes = '', time = ''] = stdout.trim().split(/\s+/);
  const processorSeconds = time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0);
  const status = `/proc/${pid}/status`;
  const most = existsSync(status) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
  return { processorSeconds, megabytes: Number(kilobytes) / 1024, mostMegabytes: most === undefined ? undefined : Number(most) / 1024 };
}

interface PodList {
  readonly items: readonly { readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } }[];
}

async function readyPods(path: string): Promise<number> {
  const config = new KubeConfig();
  config.loadFromFile(path);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const text = await new Promise<string>((resolve, reject) => {
    get(`${config.getCurrentCluster()?.server}/api/v1/pods`, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    }).on('error', reject);
  });
  const isReady = ({ status }: PodList['items'][number]): boolean =>
    (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return (JSON.parse(text) as PodList).items.filter(isReady).length;
}

async function world(title: string, scenario: string, wanted: { readonly time?: string; readonly memory?: string } = {}): Promise<void> {
  const { seconds, processorSeconds, megabytes, mostMegabytes, pods } = await sample(scenario);
  const wantedText = (text: string | undefined): string => (text === undefined ? '' : ` (wanted: ${text})`);
  out(title);
  out(`  ready in ${seconds.toFixed(1)} s${wantedText(wanted.time)}   processor ${processorSeconds} s   ${pods} pods ready`);
  const most = mostMegabytes === undefined ? '' : `   at most ${mostMegabytes.toFixed(0)} MB on the way`;
  out(`  ${megabytes.toFixed(0)} MB${wantedText(wanted.memory)}${most}`);
}

async function main(): Promise<void> {
  const load = loadavg()[0] ?? 0;
  out(`${machineText()}, load ${load.toFixed(1)}`);
  startTime('empty', 'at most 300 ms');
  startTime('bookinfo', 'at most 4000 ms');
  kubectl();
  await world('5,000 pods of 500 workloads', 'big:500x1x10,plain', { time: 'at most 10 s' });
  await world('the same in a mesh, with a sidecar in each that a webhook injects', 'big:500x1x10');
  await world('10,000 pods of 1,000 workloads in 1,000 namespaces', 'big:1000x1x10,plain', { memory: 'at most 400 MB' });
  await world('10,000 pods of 10,000 workloads in 1,000 namespaces', 'big:1000x10,plain');
  await world('10,000 pods of 1,000 workloads in a mesh', 'big:1000x1x10');
}

try {
  await main();
} finally {
  rmSync(home, { recursive: true, force: true });
}
