/**
 * `meshlift plan` for 10,000 workloads in 100 namespaces of a sandbox, against reading the same objects with kubectl. The sandbox answers
 * on the same processors, so that both wait for it alike.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { machineText, median, out } from './measure.ts';

const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meshlift-bench-'));
const env = { ...process.env, MESHLIFT_SANDBOX_HOME: folder };

const NAMESPACES = Number(process.env['MESHLIFT_BENCH_NAMESPACES'] ?? 100);
const WORKLOADS_EACH = 100;
const SCENARIO = `big:${NAMESPACES}x${WORKLOADS_EACH}x1`;
const ROUNDS = 3;
const WATCH_MS = 50;
/** What a plan reads of a mesh, in the words of kubectl. */
const KINDS =
  'pods,deployments,statefulsets,daemonsets,replicasets,jobs,cronjobs,namespaces,services,mutatingwebhookconfigurations,validatingwebhookconfigurations,poddisruptionbudgets,horizontalpodautoscalers,persistentvolumeclaims,resourcequotas,nodes';

interface Run {
  readonly seconds: number;
  readonly peakMb: number;
}

function meshliftText(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(meshlift, words, { encoding: 'utf8', env, maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0) throw new Error(`meshlift ${words.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** The most memory of a process itself, as Linux counts it; 0 elsewhere. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function timed(command: string, args: readonly string[]): Promise<Run> {
  const startedMs = performance.now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  let peakMb = 0;
  const watch = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid ?? 0))), WATCH_MS);
  const code = await ended.finally(() => clearInterval(watch));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
  return { seconds: (performance.now() - startedMs) / 1000, peakMb };
}

/** The median of the times, and the most memory of all. */
function middle(runs: readonly Run[]): Run {
  return { seconds: median(runs.map((run) => run.seconds)), peakMb: Math.max(...runs.map((run) => run.peakMb)) };
}

async function main(): Promise<void> {
  if (spawnSync('kubectl', ['version', '--client']).status !== 0) return out('plan: not measured; kubectl is not on PATH');
  meshliftText('sandbox', 'start', '--scenario', SCENARIO);
  try {
    const kubeconfig = meshliftText('sandbox', 'kubeconfig').trim();
    const manifests = join(folder, '1-29-1.yaml');
    writeFileSync(manifests, meshliftText('sandbox', 'manifests', '--revision', '1-29-1', '--version', '1.29.1'));
    await untilSettled(kubeconfig);
    const plan = ['plan', '--kubeconfig', kubeconfig, '--to', '1.29.1', '--manifests', manifests, '-o', join(folder, 'plan.yaml')];
    const get = ['--kubeconfig', kubeconfig, 'get', KINDS, '-A', '-o', 'json'];
    const runs = { ours: [] as Run[], theirs: [] as Run[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      runs.ours.push(await timed(meshlift, plan));
      runs.theirs.push(await timed('kubectl', get));
    }
    const [ours, theirs] = [middle(runs.ours), middle(runs.theirs)];
    out(machineText());
    out(`plan of ${SCENARIO}`);
    out(`  meshlift plan     median ${ours.seconds.toFixed(1)} s, at most ${ours.peakMb.toFixed(0)} MB (wanted: 10 s, 512 MB)`);
    out(`  kubectl get json  median ${theirs.seconds.toFixed(1)} s, at most ${theirs.peakMb.toFixed(0)} MB`);
    out(`  ratio ${(ours.seconds / theirs.seconds).toFixed(2)} (wanted: at most 1.5)`);
  } finally {
    meshliftText('sandbox', 'stop');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Until every workload has its pods, and none of them is new. */
async function untilSettled(kubeconfig: string): Promise<void> {
  for (let left = 120; left > 0; left -= 1) {
    const { stdout } = spawnSync('kubectl', ['--kubeconfig', kubeconfig, 'get', 'deployments', '-A', '--no-headers'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const lines = stdout.split('\n').filter((line) => line !== '');
    if (lines.length >= NAMESPACES * WORKLOADS_EACH && lines.every((line) => /\s(\d+)\/\1\s/.test(line))) return;
    await sleep(5000);
  }
  throw new Error('the sandbox did not settle in ten minutes');
}

await main();
