/** `kubectl exec`: what a command in a simulated container says. There is no shell and no file system. */
import type { Readable } from 'node:stream';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { CommandResult, RunningContainer } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';

export interface CommandInput {
  readonly pod: KubeObject;
  readonly container: { readonly name: string; readonly env?: readonly { readonly name: string; readonly value?: string }[] };
  readonly running: RunningContainer;
  readonly command: readonly string[];
  /** Absent when the client sends none. */
  readonly stdin?: Readable;
  readonly clock: SandboxClock;
}

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SHELLS = new Set(['sh', 'bash', 'ash', 'dash', 'zsh']);

/** The program of the container is asked first; what it does not know (exit code 127) may be one of the commands here. */
export async function runCommand(input: CommandInput): Promise<CommandResult> {
  const answered = await input.running.exec(input.command);
  if (answered !== undefined && answered.exitCode !== NOT_FOUND) return answered;
  const [program = '', ...args] = input.command;
  const name = program.slice(program.lastIndexOf('/') + 1);
  const run = COMMANDS[name];
  if (run !== undefined) return run(args, input);
  if (SHELLS.has(name)) return failed(`${name}: containers of the sandbox have no shell; commands must be run directly`, NOT_EXECUTABLE);
  return answered ?? failed(`exec: ${JSON.stringify(program)}: executable file not found in $PATH`, NOT_FOUND);
}

function said(stdout: string): CommandResult {
  return { stdout, stderr: '', exitCode: 0 };
}

function failed(stderr: string, exitCode: number): CommandResult {
  return { stdout: '', stderr: `${stderr}\n`, exitCode };
}

type Command = (args: readonly string[], input: CommandInput) => CommandResult | Promise<CommandResult>;

const COMMANDS: Readonly<Record<string, Command | undefined>> = {
  true: () => said(''),
  false: () => ({ stdout: '', stderr: '', exitCode: 1 }),
  echo: (args) => said(args[0] === '-n' ? args.slice(1).join(' ') : `${args.join(' ')}\n`),
  hostname: (_args, { pod }) => said(`${pod.metadata.name}\n`),
  date: (_args, { clock }) => said(`${new Date(clock.nowMs()).toUTCString()}\n`),
  env: (_args, input) => said(environment(input)),
  printenv: (_args, input) => said(environment(input)),
  ls: (args) => list(args.filter((arg) => !arg.startsWith('-'))),
  cat: (args, input) => concatenate(args, input),
  sleep: async ([seconds], { clock }) => {
    const ms = Number(seconds) * 1000;
    if (!(ms >= 0)) return failed(`sleep: invalid time interval '${seconds ?? ''}'`, 1);
    await clock.sleep(ms);
    return said('');
  },
};

function environment({ pod, container }: CommandInput): string {
  const own = (container.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [`${name}=${value}`]));
  return `${['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `HOSTNAME=${pod.metadata.name}`, ...own, 'HOME=/root'].join('\n')}\n`;
}

const ROOT_ENTRIES = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr', 'var'];

function list(paths: readonly string[]): CommandResult {
  const unknown = paths.find((path) => path !== '/' && path !== '.');
  if (unknown !== undefined) return failed(`ls: ${unknown}: No such file or directory`, 1);
  return said(`${ROOT_ENTRIES.join('\n')}\n`);
}

async function concatenate(paths: readonly string[], { pod, stdin }: CommandInput): Promise<CommandResult> {
  if (paths.length === 0) return said(stdin === undefined ? '' : await readAll(stdin));
  const { podIP = '' } = (pod['status'] ?? {}) as { readonly podIP?: string };
  const { name, namespace = '' } = pod.metadata;
  const files: Readonly<Record<string, string | undefined>> = {
    '/etc/hostname': `${name}\n`,
    '/etc/hosts': `127.0.0.1\tlocalhost\n${podIP}\t${name}\n`,
    '/etc/resolv.conf': `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`,
  };
  const missing = paths.find((path) => files[path] === undefined);
  if (missing !== undefined) return failed(`cat: ${missing}: No such file or directory`, 1);
  return said(paths.map((path) => files[path] ?? '').join(''));
}

async function readAll(stdin: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
