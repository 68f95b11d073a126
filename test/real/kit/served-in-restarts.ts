/** What each deployment serves while it is restarted itself. */
import type { Running } from '../../kit/child-process.ts';
import type { Tally } from './tally.ts';

export interface Restart {
  readonly seconds: number;
  /** Different requests that the deployment's own pods served meanwhile, old ones and new ones. */
  readonly requests: number;
}

/**
 * Looks at the tally in the moments in which a driver says that the restart of a deployment has started, and that it is done.
 * @returns the restarts that are done, by deployment
 */
export function watchRestarts(driver: Running, namespace: string, tally: Tally): ReadonlyMap<string, Restart> {
  const restarts = new Map<string, Restart>();
  const begun = new Map<string, { readonly atMs: number; readonly requests: number }>();
  const line = new RegExp(`restart-${namespace}-deploy-(\\S+) (started|done)`);
  let rest = '';
  driver.child.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    for (const [, name = '', moment] of lines.flatMap((text) => [line.exec(text) ?? []])) {
      const now = { atMs: Date.now(), requests: tally.requests(name) };
      const from = begun.get(name);
      if (moment === 'started') begun.set(name, now);
      else if (from !== undefined) restarts.set(name, { seconds: (now.atMs - from.atMs) / 1000, requests: now.requests - from.requests });
    }
  });
  return restarts;
}
