/**
 * The sandbox against what is wanted of it: its start as a process, a small kubectl request, memory with many pods, and the time until
 * many pods are ready. Each world has a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bigScenario } from '../src/sandbox/scenarios/big.ts';
import { startSandbox, type Sandbox } from '../src/sandbox/start-sandbox.ts';
import { compare, report } from './measure.ts';

const self = fileURLToPath(import.meta.url);
const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
const [world] = process.argv.slice(2);
const home = world === undefined ? mkdtempSync(join(tmpdir(), 'meshlift-bench-')) : '';
/** Sandboxes of this bench only. */
const env = { ...process.env, MESHLIFT_SANDBOX_HOME: home };

const STARTS = 7;
/** Each workload has ten pods. */
const FIVE_THOUSAND_PODS = { namespaces: 500, workloads: 1, replicas: 10 } as const;
const WORLDS = {
  plain: { ...FIVE_THOUSAND_PODS, mesh: false },
  mesh: FIVE_THOUSAND_PODS,
  large: { namespaces: 1000, workloads: 10, mesh: false },
  'large-mesh': { namespaces: 1000, workloads: 10 },
} as const;
type World = keyof typeof WORLDS;

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
  readonly megabytes: number;
  readonly pods: number;
}

function out(line: string): void {
  process.stdout.write(`${line}\n`);
}

function run(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(meshlift, words, { encoding: 'utf8', env });
  if (error !== undefined || status !== 0) throw new Error(`meshlift ${words.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
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

/** In a process of its own, with the collector at hand. */
function sample(which: World): Sample {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', self, which], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Sample;
}

async function measure(which: World): Promise<void> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const sandbox = await startSandbox({ scenario: bigScenario(WORLDS[which]) });
  const used = process.cpuUsage(before);
  const ms = performance.now() - startedMs;
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => void setTimeout(resolve, 500));
    (globalThis as { gc?: () => void }).gc?.();
  }
  const figures: Sample = {
    ms,
    cpuMs: (used.user + used.system) / 1000,
    megabytes: process.memoryUsage().rss / 2 ** 20,
    pods: readyPods(sandbox),
  };
  process.stdout.write(JSON.stringify(figures));
  await sandbox.stop();
  process.exit(0);
}

function readyPods({ cluster }: Sandbox): number {
  const isReady = (status: unknown): boolean =>
    ((status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).some(
      (condition) => condition.type === 'Ready' && condition.status === 'True',
    );
  return cluster.list('pods').filter((pod) => isReady(pod['status'])).length;
}

function main(): void {
  const load = loadavg()[0] ?? 0;
  out(
    `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${load.toFixed(1)}`,
  );
  startTime('empty', 'at most 300 ms');
  startTime('bookinfo', 'at most 4000 ms');
  kubectl();
  ready('5,000 pods of 500 workloads, from nothing until all are ready', 'plain', ' (wanted: at most 10 s)');
  ready('the same in a mesh, with a sidecar in each that a webhook injects', 'mesh');
  memory('10,000 pods of as many workloads in 1,000 namespaces', 'large');
  memory('the same in a mesh', 'large-mesh');
}

function ready(title: string, which: World, wanted = ''): void {
  const { ms, cpuMs, megabytes, pods } = sample(which);
  out(title);
  out(`  ${seconds(ms)}${wanted}   processor ${seconds(cpuMs)}   ${pods} pods ready   ${megabytes.toFixed(0)} MB`);
}

function memory(title: string, which: World): void {
  const { ms, megabytes, pods } = sample(which);
  out(title);
  out(`  ${megabytes.toFixed(0)} MB (wanted: at most 400 MB)   ${pods} pods ready after ${seconds(ms)}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

if (world !== undefined) await measure(world as World);
else
  try {
    main();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
