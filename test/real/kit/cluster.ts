/** The cluster that the tests are given: any throw-away one. They take it over and leave it clean. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MESHLIFT, run, start, type Outcome } from '../../kit/child-process.ts';

export const OLD_VERSION = process.env['MESHLIFT_OLD_VERSION'] ?? '1.28.2';
export const NEW_VERSION = process.env['MESHLIFT_NEW_VERSION'] ?? '1.29.1';
/** An image with fortio and a shell. */
export const APP_IMAGE = process.env['MESHLIFT_TEST_IMAGE'] ?? 'docker.io/fortio/fortio:latest';

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
