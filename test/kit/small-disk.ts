/** A disk of a few pages that only one program sees, for what happens when a disk is full. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { MESHLIFT, start, type Outcome } from './child-process.ts';

/** Whether this machine lets a program without rights mount something for itself. */
export const canMountDisks = spawnSync('unshare', ['-rm', 'true']).status === 0;

export interface SmallDisk {
  /** Where it is; made when it is not there. */
  readonly folder: string;
  readonly kilobytes: number;
  /** Filled before the program starts, so that nothing more can be written. */
  readonly isFull?: boolean;
}

/** Runs Meshlift with a small disk at a folder; what was written there is gone afterwards. */
export function onSmallDisk(
  { folder, kilobytes, isFull = false }: SmallDisk,
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<Outcome> {
  mkdirSync(folder, { recursive: true });
  const fill = isFull ? '{ cat /dev/zero > "$0/filled" 2>/dev/null || true; } && ' : '';
  const script = `mount -t tmpfs -o size=${kilobytes}k none "$0" && ${fill}exec "$@"`;
  return start('unshare', ['-rm', 'sh', '-c', script, folder, MESHLIFT, ...args], options).done;
}
