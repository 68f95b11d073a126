/** Requests at a steady rate, and the figures of what became of them. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { decodeHit, encodeHit, type Hit } from '../../core/load/hit.ts';
import { isSuccess, LoadSummarizer } from '../../core/load/load-summary.ts';
import { totalHits } from '../../core/load/pace.ts';
import { parseDurationMs } from '../../core/load/rate.ts';
import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { AttackOptions, ReportOptions } from '../arguments/add-load.ts';
import { buildAttack } from '../arguments/build-attack.ts';
import { usageProblem } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { composeTraffic } from '../compose-load.ts';
import { withReader } from '../compose-reader.ts';
import { ExitCode } from '../exit-codes.ts';
import { loadReportJson, renderLoadHistogram, renderLoadReport } from '../views/load-text.ts';

export async function attackCommand(context: CommandContext, url: string | undefined, options: AttackOptions): Promise<ExitCode> {
  try {
    return await attack(context, url, options);
  } catch (error) {
    // The run that it belongs to tells the problem, and its own state.
    if (options.untilInputEnds !== true || !(error instanceof Problem)) throw error;
    process.stderr.write(`${error.details.what}\n`);
    return ExitCode.failed;
  }
}

async function attack(context: CommandContext, url: string | undefined, options: AttackOptions): Promise<ExitCode> {
  const wanted = buildAttack(options, await sourceOf(context, url, options));
  if (context.options.dryRun === true) {
    context.terminal.out(
      `${totalHits(wanted.pace)} requests to ${wanted.targets.map((target) => target.url).join(', ')}.\nDry run: nothing was sent.`,
    );
    return ExitCode.done;
  }
  const { output } = context.options;
  const file = output === undefined ? undefined : createWriteStream(output);
  const stop = new AbortController();
  const asked = (): void => stop.abort();
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  if (options.untilInputEnds === true) process.stdin.once('close', asked).resume();
  let broken: Error | undefined;
  try {
    await opened(file, output);
    file?.on('error', (error) => {
      broken = error;
      asked();
    });
    const progress = startProgress(context, file !== undefined, totalHits(wanted.pace));
    const sink: Writable = file ?? process.stdout;
    await composeTraffic().attack(
      wanted,
      (hit) => {
        if (broken === undefined) sink.write(`${encodeHit(hit)}\n`);
        progress.add(hit);
      },
      stop.signal,
    );
    progress.end();
  } finally {
    process.off('SIGINT', asked);
    process.off('SIGTERM', asked);
    if (file && !file.destroyed) await finished(file.end()).catch((error: Error) => (broken = error));
    if (options.untilInputEnds === true) process.stdin.destroy();
  }
  if (broken !== undefined) throw unwritable(output, `${fileTrouble(broken)}; what was written before is there`);
  if (output !== undefined) context.terminal.err(`Results are in ${output}.\nNext: meshlift load report ${output}`);
  return ExitCode.done;
}

async function opened(file: ReturnType<typeof createWriteStream> | undefined, path: string | undefined): Promise<void> {
  if (!file) return;
  await new Promise<void>((resolve, reject) => {
    file.once('open', () => resolve());
    file.once('error', (error) => reject(unwritable(path, fileTrouble(error))));
  });
}

function unwritable(path: string | undefined, why: string): Problem {
  return new Problem('ARGS-003', {
    what: `The results cannot be written to ${path ?? ''}: ${why}.`,
    next: [{ label: 'another file', command: 'meshlift load attack … -o FILE' }],
  });
}

async function sourceOf(
  context: CommandContext,
  url: string | undefined,
  options: AttackOptions,
): Promise<{ readonly targetText: string } | { readonly url: string }> {
  const given = [url, options.targets, options.gateway].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw usageProblem(['a URL, --targets FILE or --gateway NAMESPACE/NAME must be given, one of them'], 'meshlift load attack --help');
  if (url !== undefined) return { url };
  if (options.targets !== undefined) return { targetText: readTargets(options.targets) };
  return { url: await gatewayUrl(context, options.gateway ?? '', options) };
}

function readTargets(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `The targets ${path} cannot be read: ${(error as Error).message}`,
      next: [{ label: 'look', command: 'meshlift load attack --help' }],
    });
  }
}

async function gatewayUrl({ options }: CommandContext, name: string, { path, port }: AttackOptions): Promise<string> {
  const inventory = await withReader(options, async (reader) => buildInventory(await reader.readMesh('status')));
  const gateway = inventory.gateways.find((one) => `${one.namespace}/${one.name}` === name);
  const address = gateway?.addresses[0];
  if (address !== undefined) return `http://${address}${port === undefined ? '' : `:${port}`}${path.startsWith('/') ? path : `/${path}`}`;
  const [service] = gateway?.services ?? [];
  const known = inventory.gateways.map((one) => `${one.namespace}/${one.name} ${one.addresses[0] ?? 'without an address'}`);
  throw new Problem('MESH-008', {
    what: gateway ? `The gateway ${name} has no address.` : `There is no gateway ${name}.`,
    why: `Gateways: ${known.join(', ') || 'none'}.`,
    next: [
      ...(gateway === undefined || service === undefined
        ? []
        : [{ label: 'why it has none', command: `kubectl -n ${gateway.namespace} describe service ${service}` }]),
      { label: 'look', command: 'meshlift status' },
    ],
  });
}

interface Progress {
  readonly add: (hit: Hit) => void;
  readonly end: () => void;
}

/** On a terminal one line that is redrawn; in a pipe nothing, since the results may go there. */
function startProgress({ terminal, options }: CommandContext, toFile: boolean, total: number): Progress {
  let ended = 0;
  let failed = 0;
  const draw = (): void => {
    process.stderr.write(`\r${ended} of ${total} answered, ${failed} failed `);
  };
  const timer = terminal.isInteractive && toFile && options.quiet !== true ? setInterval(draw, 200) : undefined;
  return {
    add: (hit) => {
      ended += 1;
      if (!isSuccess(hit)) failed += 1;
    },
    end: () => {
      clearInterval(timer);
      if (timer === undefined) return;
      draw();
      process.stderr.write('\n');
    },
  };
}

export async function reportCommand(context: CommandContext, files: readonly string[], options: ReportOptions): Promise<ExitCode> {
  const bounds = boundsOf(options.type);
  const summarizer = new LoadSummarizer();
  const counts = bounds.map(() => 0);
  for (const file of files.length === 0 ? ['-'] : files) {
    await eachHit(file, (hit) => {
      summarizer.add(hit);
      const bucket = bounds.findLastIndex((low) => hit.latencyMs >= low);
      if (bucket >= 0) counts[bucket] = (counts[bucket] ?? 0) + 1;
    });
  }
  const summary = summarizer.summary();
  if (bounds.length > 0) context.terminal.out(renderLoadHistogram(bounds, counts));
  else if (options.type === 'json' || context.format === 'json') context.terminal.out(JSON.stringify(loadReportJson(summary)));
  else context.terminal.out(renderLoadReport(summary));
  return ExitCode.done;
}

/** Lower bounds of `hist[0,10ms]`; none for the other types. @throws Problem ARGS-001 */
function boundsOf(type: string): number[] {
  if (type === 'text' || type === 'json') return [];
  const [, list] = /^hist\[([^\]]+)\]$/.exec(type) ?? [];
  const bounds = (list ?? '').split(',').map((text) => parseDurationMs(text.trim()));
  if (list === undefined || bounds.includes(undefined))
    throw usageProblem([`--type ${type}: it must be text, json, or hist[0,10ms,100ms]`], 'meshlift load report --help');
  const sorted = bounds.map((bound) => bound ?? 0).toSorted((a, b) => a - b);
  return sorted[0] === 0 ? sorted : [0, ...sorted];
}

async function eachHit(path: string, use: (hit: Hit) => void): Promise<void> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      if (text === '') continue;
      const hit = decodeHit(text);
      if (!hit) throw new TypeError(`line ${line} is no result of load attack`);
      use(hit);
    }
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `The results ${path} cannot be read: ${(error as Error).message}`,
      next: [{ label: 'make results', command: 'meshlift load attack URL -o FILE' }],
    });
  }
}
