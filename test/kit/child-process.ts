/** Other programs as tests run them: the built Meshlift first of all. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

export const MESHLIFT = join(import.meta.dirname, '..', '..', 'bin', 'meshlift');

export interface Outcome {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Outcome>;
  /** All of standard output so far. */
  output(): string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const { cwd } = options;
  const child = spawn(command, args, { env: { ...process.env, ...options.env }, ...(cwd === undefined ? {} : { cwd }) });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, done, output: () => stdout };
}

/** Runs to the end; a failure is an error with all that was printed. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await start(command, args, options).done;
  if (outcome.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 60_000, everyMs = 250): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await pause(everyMs);
  }
}

/** Waits for words in the output of a program. @throws Error with all that it printed when it ends without them */
export async function untilSaid(running: Running, words: string | RegExp, timeoutMs = 60_000): Promise<void> {
  let ended: Outcome | undefined;
  void running.done.then((outcome) => (ended = outcome));
  const isSaid = (): boolean => {
    const output = running.output();
    if (typeof words === 'string' ? output.includes(words) : words.test(output)) return true;
    if (ended !== undefined) throw new Error(`it ended before it said ${String(words)}\n${ended.stdout}\n${ended.stderr}`);
    return false;
  };
  await until(`it says ${String(words)}`, isSaid, timeoutMs, 10);
}

export const pause = (waitMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, waitMs));
