/** A run with a load beside it, when its request asks for one. */
import { existsSync } from 'node:fs';
import { countBySpan } from '../core/load/time-spans.ts';
import type { LoadSummary } from '../core/load/load-summary.ts';
import { Problem } from '../core/problems/problem.ts';
import type { LoadRequest } from '../core/request/upgrade-request.ts';
import { confirm, type RunSession } from './drive.ts';
import type { ExitCode } from './exit-codes.ts';
import type { RunLoad } from './run-load.ts';
import type { Terminal } from './terminal.ts';
import { renderRunLoad } from './views/load-text.ts';

export interface LoadOfRun {
  /** Of the request; absent: the run has no load. */
  readonly request: LoadRequest | undefined;
  /** Of the run. */
  readonly name: string;
  /** Where the results go, what was there before is replaced; absent: a file of the run's and the part's name that is not there yet. */
  readonly resultsFile: string | undefined;
  /** Part of the run, when it is not its beginning: `resume`. */
  readonly part?: string;
  /** The run begins now, so that the target is looked at first. A run that goes on, or back, does so whatever the target answers. */
  readonly begins?: boolean;
}

/**
 * Sends the load before, during and after `perform`, and says at the end what became of it, however that came. The session that
 * `perform` gets is stopped when too many requests fail.
 * @throws Problem LOAD-001 when the target does not answer, RUN-006 when it is not of this mesh and nobody agreed; before anything changed
 */
export async function withLoad(
  session: RunSession,
  { request, name, resultsFile, part, begins = false }: LoadOfRun,
  perform: (session: RunSession) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (request === undefined) return perform(session);
  const { context, ports, view, spans, stopSignal } = session;
  const { expectTargetAnswers, startRunLoad, strangeTarget } = await import('./run-load.ts');
  if (begins) {
    const question = await strangeTarget(request, ports.reader);
    if (question !== undefined) await confirm(context, question);
    await expectTargetAnswers(request);
  }
  const load = await startRunLoad(request, name, resultsFile ?? freeFile(`${name}${part === undefined ? '' : `.${part}`}.load`));
  if (begins) await expectGoesOn(load);
  try {
    return await perform({ ...session, load, stopSignal: AbortSignal.any([stopSignal, load.signal]) });
  } finally {
    view.close();
    const { summary, failedAtMs } = await load.stop();
    const during = countBySpan(failedAtMs, spans, 'between steps');
    context.terminal.out(`\n${tonedLoad(context.terminal, renderRunLoad({ request, summary, during, file: load.file }), summary)}`);
  }
}

/** Results of an earlier part of the same run are never written over. */
function freeFile(base: string): string {
  for (let part = 1; ; part += 1) {
    const file = part === 1 ? `${base}.ndjson` : `${base}-${part}.ndjson`;
    if (!existsSync(file)) return file;
  }
}

/** @throws Problem LOAD-003 when the load has ended before the run began */
async function expectGoesOn(load: RunLoad): Promise<void> {
  const trouble = load.trouble();
  if (trouble?.kind !== 'ended') return;
  await load.stop();
  throw new Problem('LOAD-003', {
    what: `The load has ended: ${trouble.words}`,
    why: 'Without it the run would prove nothing, so it was not begun.',
    next: [{ label: 'another file', command: 'the same command with --load-results FILE' }],
  });
}

/** The first line says whether it went well; without a request nothing did. */
function tonedLoad(terminal: Terminal, text: string, { failed, requests }: LoadSummary): string {
  const [first = '', ...rest] = text.split('\n');
  return [terminal.tone(failed === 0 && requests > 0 ? 'good' : 'bad', first), ...rest].join('\n');
}
