/** The cluster that the tests are given: any throw-away one. They take it over and leave it clean. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const OLD_VERSION = process.env['MESHLIFT_OLD_VERSION'] ?? '1.28.2';
export const NEW_VERSION = process.env['MESHLIFT_NEW_VERSION'] ?? '1.29.1';
/** An image with fortio and a shell. */
export const APP_IMAGE = process.env['MESHLIFT_TEST_IMAGE'] ?? 'docker.io/fortio/fortio:latest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const MESHLIFT = join(ROOT, 'bin', 'meshlift');

/** A folder for files of one test run. */
export const scratch = mkdtempSync(join(tmpdir(), 'meshlift-real-'));

export function istioctlOld(): string {
  return needed('MESHLIFT_ISTIOCTL_OLD', `the path of istioctl ${OLD_VERSION}`);
}

export function istioctlNew(): string {
  return needed('MESHLIFT_ISTIOCTL_NEW', `the path of istioctl ${NEW_VERSION}`);
}

function needed(name: string, what: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`these tests need ${what} in ${name}, and KUBECONFIG of a cluster that may be thrown away`);
  return value;
}

export interface Outcome {
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
}

export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, { env: { ...process.env, ...options.env } });
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

export const kubectl = (...args: string[]): Promise<string> => run('kubectl', args);

export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

export async function applyYaml(yaml: string): Promise<void> {
  await run('kubectl', ['apply', '-f', '-'], { input: yaml });
}

export const meshlift = (...args: string[]): Promise<Outcome> => start(MESHLIFT, args).done;

/** Runs Meshlift and expects it to succeed. */
export const meshliftOk = (...args: string[]): Promise<string> => run(MESHLIFT, args);

export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await pause(250);
  }
}

export const pause = (waitMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, waitMs));

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
}

export interface PodJson {
  readonly metadata: Meta;
  readonly spec: { readonly containers: readonly ContainerJson[]; readonly initContainers?: readonly ContainerJson[] };
  readonly status: {
    readonly phase: string;
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface ContainerJson {
  readonly name: string;
  readonly image: string;
}

export async function podsOf(namespace: string): Promise<PodJson[]> {
  const list = await kubectlJson<{ items: PodJson[] }>('-n', namespace, 'get', 'pods');
  return list.items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

/** The revision in the status annotation of a pod; undefined when it has no sidecar. */
export function revisionOf(pod: PodJson): string | undefined {
  const status = pod.metadata.annotations?.['sidecar.istio.io/status'];
  return status === undefined ? undefined : (JSON.parse(status) as { revision?: string }).revision;
}
