/** Options that say in which order workloads are restarted, and what they become in a request. */
import type { Command } from 'commander';
import { durationSeconds } from './duration.ts';

export interface OrderOptions {
  readonly wave?: readonly string[];
  readonly edge?: readonly string[];
  readonly restartsAtOnce?: string;
  readonly pauseBetween?: string;
}

export function withOrder(command: Command, gatherWhole: (value: string, before: readonly string[] | undefined) => string[]): Command {
  return command
    .option(
      '--wave <what>',
      'restarted together, before the next: NAMESPACE, NAMESPACE/NAME, LABEL=VALUE or 25%; several by commas (repeat)',
      gatherWhole,
    )
    .option('--restarts-at-once <number>', 'how many workloads of a wave restart at the same time (default 1)')
    .option('--pause-between <duration>', 'wait between two waves, or two workloads where there is none: 20s')
    .option('--edge <call>', 'CALLER:CALLEE, each NAMESPACE/NAME: never in one wave (repeat)', gatherWhole);
}

interface DraftWave {
  readonly namespaces: string[];
  readonly workloads: string[];
  readonly labels: Record<string, string>;
  percent?: number;
}

/** @returns the part of a request that is about the order; empty when no option says anything of it */
export function orderOf(options: OrderOptions, mistakes: string[]): { readonly order?: Readonly<Record<string, unknown>> } {
  const { wave = [], edge = [], restartsAtOnce, pauseBetween } = options;
  const waves = wave.map((text) => waveOf(text, mistakes));
  const edges = edge.map((text) => edgeOf(text, mistakes));
  const pauseSeconds = pauseBetween === undefined ? undefined : durationSeconds(pauseBetween);
  if (pauseBetween !== undefined && pauseSeconds === undefined)
    mistakes.push(`--pause-between ${pauseBetween}: it must be a duration such as 20s, 5m or 1h`);
  if (restartsAtOnce !== undefined && !/^\d{1,9}$/.test(restartsAtOnce))
    mistakes.push(`--restarts-at-once ${restartsAtOnce}: it must be a whole number such as 3`);
  if (waves.length + edges.length === 0 && restartsAtOnce === undefined && pauseSeconds === undefined) return {};
  return {
    order: {
      waves,
      edges,
      ...(restartsAtOnce === undefined ? {} : { restartsAtOnce: Number(restartsAtOnce) }),
      ...(pauseSeconds === undefined ? {} : { pauseSeconds }),
    },
  };
}

function waveOf(text: string, mistakes: string[]): DraftWave {
  const wave: DraftWave = { namespaces: [], workloads: [], labels: {} };
  for (const term of text.split(',').map((part) => part.trim())) {
    const percent = /^(\d{1,3})\s*%$/.exec(term);
    const equals = term.indexOf('=');
    if (percent) wave.percent = Number(percent[1]);
    else if (equals > 0) wave.labels[term.slice(0, equals)] = term.slice(equals + 1);
    else if (/^[^/=%\s]+(\/[^/=%\s]+){1,2}$/.test(term)) wave.workloads.push(term);
    else if (/^[^/=%\s]+$/.test(term)) wave.namespaces.push(term);
    else
      mistakes.push(
        `--wave ${text}: ${term === '' ? 'a part of it is empty' : `${term} is no NAMESPACE, NAMESPACE/NAME, LABEL=VALUE or 25%`}`,
      );
  }
  return wave;
}

function edgeOf(text: string, mistakes: string[]): { readonly from: string; readonly to: string } {
  const [from = '', to = '', ...more] = text.split(':');
  if (from === '' || to === '' || more.length > 0) mistakes.push(`--edge ${text}: it must be CALLER:CALLEE, such as shop/web:shop/cart`);
  return { from, to };
}
