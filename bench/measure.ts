/** Runs commands in turn, A B A B …, so that a slow moment of the machine hits all alike; medians and ratios are what counts. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';

export interface Contender {
  readonly name: string;
  /** Commands run one after the other; their times add up. */
  readonly commands: readonly (readonly string[])[];
}

export interface Timing {
  readonly name: string;
  readonly medianMs: number;
  readonly bestMs: number;
}

export function out(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** 0 of nothing. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** What was measured on: `2 × AMD EPYC, 24 GiB`. */
export function machineText(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
}

export function compare(contenders: readonly Contender[], rounds: number): Timing[] {
  const times = new Map(contenders.map((c) => [c.name, [] as number[]]));
  for (const contender of contenders) runOnce(contender);
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) times.get(contender.name)?.push(runOnce(contender));
  }
  return contenders.map(({ name }) => {
    const ofOne = times.get(name) ?? [];
    return { name, medianMs: median(ofOne), bestMs: Math.min(...ofOne) };
  });
}

function runOnce({ commands }: Contender): number {
  const startedMs = performance.now();
  for (const [command = '', ...args] of commands) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  }
  return performance.now() - startedMs;
}

/** Prints a row for each, and the ratio of the first to the second. */
export function report(title: string, timings: readonly Timing[], limit?: number): void {
  const [ours, theirs] = timings;
  const ratio = ours && theirs ? ours.medianMs / theirs.medianMs : Number.NaN;
  process.stdout.write(`${title}\n`);
  for (const { name, medianMs, bestMs } of timings)
    process.stdout.write(`  ${name.padEnd(52)} median ${medianMs.toFixed(1).padStart(8)} ms   best ${bestMs.toFixed(1).padStart(8)} ms\n`);
  process.stdout.write(`  ratio ${ratio.toFixed(2)}${limit === undefined ? '' : ` (wanted: at most ${limit})`}\n`);
}
