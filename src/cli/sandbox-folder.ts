/** What this machine knows of its sandboxes: one folder each, with a kubeconfig, a log and who runs it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { Problem } from '../core/problems/problem.ts';

const runningSchema = z.object({
  name: z.string(),
  pid: z.int().positive(),
  /** When that process began, as `processStart` tells it. */
  process: z.string(),
  url: z.string(),
  scenario: z.string(),
  /** How many times faster than the machine's clock; `virtual` passes only while somebody is there, as fast as it can. */
  speed: z.union([z.number(), z.literal('virtual')]),
  seed: z.int(),
  startedAt: z.string(),
});

export type RunningSandbox = z.infer<typeof runningSchema>;

/** `MESHLIFT_SANDBOX_HOME`, else the XDG folder for state. */
function home(): string {
  const { env } = process;
  return env['MESHLIFT_SANDBOX_HOME'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'meshlift', 'sandboxes');
}

export interface SandboxFiles {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly log: string;
}

export function filesOf(name: string): SandboxFiles {
  const folder = join(home(), name);
  return { folder, kubeconfig: join(folder, 'kubeconfig'), log: join(folder, 'sandbox.log') };
}

/** @throws Problem SAND-004 when the folder cannot be written */
export function makeFolder(name: string): SandboxFiles {
  const files = filesOf(name);
  try {
    mkdirSync(files.folder, { recursive: true, mode: 0o700 });
    writeWhole(join(files.folder, '.try'), '');
    rmSync(join(files.folder, '.try'));
  } catch (error) {
    throw folderProblem(files.folder, error);
  }
  return files;
}

export function folderProblem(path: string, error: unknown): Problem {
  return new Problem('SAND-004', {
    what: `${path} cannot be written: ${(error as Error).message}`,
    next: [{ label: 'another place', command: 'MESHLIFT_SANDBOX_HOME=FOLDER meshlift sandbox start' }],
  });
}

/** The kubeconfig comes first: who sees that a sandbox runs can use it. */
export function writeRunning(running: RunningSandbox, kubeconfig: string): void {
  const files = filesOf(running.name);
  writeWhole(files.kubeconfig, kubeconfig);
  chmodSync(files.kubeconfig, 0o600);
  writeWhole(join(files.folder, 'running.json'), `${JSON.stringify(running, null, 2)}\n`);
}

/** A file is there whole or not at all. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** @returns undefined when it does not run; what a killed one left behind does not count */
export function readRunning(name: string): RunningSandbox | undefined {
  try {
    const running = runningSchema.safeParse(JSON.parse(readFileSync(join(filesOf(name).folder, 'running.json'), 'utf8')));
    return running.success && isAlive(running.data) ? running.data : undefined;
  } catch {
    return undefined;
  }
}

export function listRunning(): RunningSandbox[] {
  if (!existsSync(home())) return [];
  return readdirSync(home()).flatMap((name) => readRunning(name) ?? []);
}

export function forgetRunning(name: string): void {
  rmSync(join(filesOf(name).folder, 'running.json'), { force: true });
  rmSync(filesOf(name).kubeconfig, { force: true });
}

/** Whether the process that wrote the file still runs, and not another one that was given its number. */
export function isAlive({ pid, process: begun }: Pick<RunningSandbox, 'pid' | 'process'>): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return processStart(pid) === begun;
}

/** Tells a process from another one of the same number: when it began. @returns `''` for one that has ended */
export function processStart(pid: number): string {
  try {
    // The name of the program, in brackets, may hold blanks. Source: proc_pid_stat(5), fields 3 (state) and 22 (starttime).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return existsSync('/proc/self') ? '' : startByPs(pid);
  }
}

/** Where there is no /proc, as on macOS. */
function startByPs(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}
