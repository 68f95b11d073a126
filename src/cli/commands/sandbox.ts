/** A cluster of one's own: started in the background, reached through its kubeconfig, stopped again. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Problem } from '../../core/problems/problem.ts';
import type { ManifestsOptions, SandboxNameOptions, SandboxStartOptions, TroubleOptions } from '../arguments/add-sandbox.ts';
import { usageProblem } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import {
  composeManifests,
  composeSandbox,
  knownTroubles,
  mistakesOfScenario,
  mistakesOfTrouble,
  switchTrouble,
} from '../compose-sandbox.ts';
import { ExitCode } from '../exit-codes.ts';
import {
  filesOf,
  folderProblem,
  forgetRunning,
  isAlive,
  listRunning,
  makeFolder,
  processStart,
  readRunning,
  type RunningSandbox,
  writeRunning,
} from '../sandbox-folder.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { renderTable } from '../views/table.ts';

interface StartRequest {
  readonly name: string;
  readonly scenario: string;
  readonly port: number;
  readonly speed: RunningSandbox['speed'];
  readonly seed: number;
}

/** @throws Problem ARGS-001 with every mistake */
function startRequest({ name, scenario, port, speed, seed }: SandboxStartOptions): StartRequest {
  const mistakes = mistakesOfScenario(scenario);
  if (!/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(name)) mistakes.push(`--name ${name}: lower case letters, digits and dashes`);
  if (!/^\d+$/.test(port) || Number(port) > 65_535) mistakes.push(`--port ${port}: it must be a port number, or 0`);
  if (speed !== 'virtual' && (!/^\d+(\.\d+)?$/.test(speed) || Number(speed) < 0.1 || Number(speed) > 1000))
    mistakes.push(`--speed ${speed}: it must be a number from 0.1 to 1000, or virtual`);
  if (!/^\d{1,9}$/.test(seed)) mistakes.push(`--seed ${seed}: it must be a whole number`);
  if (mistakes.length > 0) throw usageProblem(mistakes, 'meshlift sandbox start --help');
  return { name, scenario, port: Number(port), speed: speed === 'virtual' ? speed : Number(speed), seed: Number(seed) };
}

export async function startCommand(context: CommandContext, options: SandboxStartOptions): Promise<ExitCode> {
  const request = startRequest(options);
  const running = readRunning(request.name);
  if (running)
    throw new Problem('SAND-001', {
      what: `The sandbox ${running.name} runs already, at ${running.url} (process ${running.pid}).`,
      next: [
        { label: 'use it', command: `export KUBECONFIG=$(meshlift sandbox kubeconfig --name ${running.name})` },
        { label: 'stop it', command: `meshlift sandbox stop --name ${running.name}` },
        { label: 'another one', command: 'meshlift sandbox start --name NAME' },
      ],
    });
  makeFolder(request.name);
  return options.foreground === true ? runInForeground(context, request) : startInBackground(context, request);
}

/** Virtual time passes while somebody asks, and so much real time beyond. */
const VIRTUAL_REST_MS = 2000;

async function runInForeground(context: CommandContext, request: StartRequest): Promise<ExitCode> {
  const { name, scenario, speed, seed } = request;
  // Before anything is there that a signal would have to clear away.
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const sandbox = await composeSandbox({
    scenario,
    seed,
    port: request.port,
    time: speed === 'virtual' ? { kind: 'virtual', startMs: Date.now(), restAfterMs: VIRTUAL_REST_MS } : { kind: 'real', factor: speed },
    log: (line) => context.terminal.err(line),
  }).catch((error: unknown) => {
    throw didNotStart(request, (error as Error).message);
  });
  const self = { pid: process.pid, process: processStart(process.pid) };
  const running: RunningSandbox = { name, ...self, url: sandbox.url, scenario, speed, seed, startedAt: new Date().toISOString() };
  writeRunning(running, sandbox.kubeconfig);
  tellReady(context, running);
  process.send?.({ ready: running });
  await asked;
  forgetRunning(name);
  await sandbox.stop();
  return ExitCode.done;
}

async function startInBackground(context: CommandContext, request: StartRequest): Promise<ExitCode> {
  const { name, scenario, port, speed, seed } = request;
  const { log } = filesOf(name);
  const logFile = openLog(log);
  const words = ['sandbox', 'start', '--foreground', '--name', name, '--scenario', scenario];
  const figures = ['--port', String(port), '--speed', String(speed), '--seed', String(seed)];
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...words, ...figures], {
    detached: true,
    stdio: ['ignore', logFile, logFile, 'ipc'],
  });
  closeSync(logFile);
  const running = await new Promise<RunningSandbox | undefined>((resolve) => {
    child.once('message', (message) => resolve((message as { ready: RunningSandbox }).ready));
    child.once('exit', () => resolve(undefined));
    child.once('error', () => resolve(undefined));
  });
  if (running === undefined) throw didNotStart(request, lastLines(log));
  child.disconnect();
  child.unref();
  tellReady(context, running);
  return ExitCode.done;
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    throw folderProblem(path, error);
  }
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-6).join('\n');
}

function didNotStart({ name, port }: StartRequest, why: string): Problem {
  const taken = /EADDRINUSE/.test(why);
  return new Problem('SAND-003', {
    what: taken ? `Port ${port} is taken.` : `The sandbox ${name} did not start.`,
    ...(taken || why === '' ? {} : { why }),
    next: [
      taken
        ? { label: 'a free port', command: 'meshlift sandbox start --port 0' }
        : { label: 'in the foreground', command: 'meshlift sandbox start --foreground' },
    ],
  });
}

/** Waits of commands against virtual time. */
const VIRTUAL_FACTOR = 100;

function tellReady({ terminal }: CommandContext, { name, url, scenario, speed }: RunningSandbox): void {
  const factor = speed === 'virtual' ? VIRTUAL_FACTOR : speed;
  terminal.out(
    [
      `The sandbox ${name} (${scenario}) is up at ${url}.`,
      `Next: export KUBECONFIG=${filesOf(name).kubeconfig}${factor > 1 ? ` MESHLIFT_SANDBOX_SPEED=${factor}` : ''}`,
      '      meshlift status',
      `      meshlift sandbox stop${name === 'default' ? '' : ` --name ${name}`}`,
    ].join('\n'),
  );
}

/** How long a sandbox may take to end by itself. */
const LONGEST_END_MS = 10_000;

export async function stopCommand({ terminal }: CommandContext, { name }: SandboxNameOptions): Promise<ExitCode> {
  const running = runningOrProblem(name);
  process.kill(running.pid, 'SIGTERM');
  const deadline = performance.now() + LONGEST_END_MS;
  while (isAlive(running) && performance.now() < deadline) await new Promise((resolve) => void setTimeout(resolve, 20));
  if (isAlive(running)) process.kill(running.pid, 'SIGKILL');
  forgetRunning(name);
  terminal.out(`The sandbox ${name} is stopped; what was in it is gone.`);
  return ExitCode.done;
}

function runningOrProblem(name: string): RunningSandbox {
  const running = readRunning(name);
  if (running) return running;
  throw new Problem('SAND-002', {
    what: `No sandbox ${name} runs on this machine.`,
    why: `Running: ${
      listRunning()
        .map((one) => one.name)
        .join(', ') || 'none'
    }.`,
    next: [{ label: 'start it', command: `meshlift sandbox start${name === 'default' ? '' : ` --name ${name}`}` }],
  });
}

export function sandboxStatusCommand({ terminal, format }: CommandContext): ExitCode {
  const running = listRunning();
  if (isStructured(format)) terminal.out(renderStructured(running, format));
  else if (running.length === 0) terminal.out('No sandbox runs on this machine.\nNext: meshlift sandbox start');
  else terminal.out(renderSandboxes(running));
  return ExitCode.done;
}

function renderSandboxes(running: readonly RunningSandbox[]): string {
  return renderTable(
    [
      { title: 'NAME', cell: (one) => one.name },
      { title: 'SCENARIO', cell: (one) => one.scenario },
      { title: 'URL', cell: (one) => one.url },
      { title: 'SPEED', align: 'right', cell: ({ speed }) => (speed === 'virtual' ? speed : `${speed}×`) },
      { title: 'PROCESS', align: 'right', cell: (one) => String(one.pid) },
      { title: 'KUBECONFIG', cell: (one) => filesOf(one.name).kubeconfig },
    ],
    running,
  );
}

export function kubeconfigCommand({ terminal }: CommandContext, { name }: SandboxNameOptions): ExitCode {
  terminal.out(filesOf(runningOrProblem(name).name).kubeconfig);
  return ExitCode.done;
}

export async function manifestsCommand({ terminal }: CommandContext, options: ManifestsOptions): Promise<ExitCode> {
  const { revision, version } = options;
  if (!/^1\.(2[6-9]|3[01])\.\d+$/.test(version))
    throw usageProblem([`--version ${version}: it must be 1.26.x to 1.31.x`], 'meshlift sandbox manifests --help');
  terminal.out(await composeManifests({ revision, version }));
  return ExitCode.done;
}

export async function troubleCommand(
  { terminal }: CommandContext,
  trouble: string | undefined,
  options: TroubleOptions,
): Promise<ExitCode> {
  if (trouble === undefined) {
    const troubles = await knownTroubles();
    terminal.out(
      renderTable(
        [
          { title: 'TROUBLE', cell: (one) => one.name },
          { title: 'SETTINGS', cell: (one) => one.settings.join(' ') },
          { title: '', cell: (one) => one.explanation },
        ],
        troubles,
      ),
    );
    return ExitCode.done;
  }
  const written = (options.set ?? []).join(',');
  const mistakes = options.off === true ? [] : await mistakesOfTrouble(trouble, settingsOf(options));
  if (mistakes.length > 0) throw usageProblem(mistakes, 'meshlift sandbox trouble');
  const { name } = runningOrProblem(options.name);
  await switchTrouble(filesOf(name).kubeconfig, trouble, options.off === true ? null : written);
  const off = `meshlift sandbox trouble ${trouble} --off${name === 'default' ? '' : ` --name ${name}`}`;
  terminal.out(options.off === true ? `${trouble} is off.` : `${trouble} is on${written === '' ? '' : `: ${written}`}.\nNext: ${off}`);
  return ExitCode.done;
}

/** When it begins is no setting of the trouble. */
function settingsOf({ set = [] }: TroubleOptions): Record<string, string> {
  const pairs = set.map((text): [string, string] => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  });
  return Object.fromEntries(pairs.filter(([key]) => key !== 'after'));
}
