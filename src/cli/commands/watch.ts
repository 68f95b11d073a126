/** Shows a run that somebody else drives, from its record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Transient } from '../../core/problems/problem.ts';
import type { RunRecord } from '../../core/run/run-state.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import type { Composed } from '../compose.ts';
import { ExitCode } from '../exit-codes.ts';
import { openRunView, type RunView } from '../views/run-view.ts';
import { duration } from '../views/words.ts';
import { newestUnfinished, selectRun, withPorts } from './runs.ts';

const POLL_MS = 1000;

/** How each phase ends the watching; a run that is `running` goes on. */
const ENDS: Readonly<Record<Exclude<RunRecord['state']['phase'], 'running'>, ExitCode>> = {
  moved: ExitCode.done,
  finished: ExitCode.done,
  'rolled-back': ExitCode.rolledBack,
  paused: ExitCode.refused,
  failed: ExitCode.failed,
};

/**
 * Tells every event of the record, those of the past first, until the run ends, is paused or has failed, with the exit code that says
 * which. The run itself is not touched.
 */
export async function watchCommand(context: CommandContext, name: string | undefined): Promise<ExitCode> {
  return withPorts(context, async (ports) => {
    const run = await selectRun(ports, name, (runs) => newestUnfinished(runs) ?? runs[0], 'watch');
    const view = openRunView(context.terminal, Date.now);
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    try {
      return await watch(ports, { context, view, name: run.name, signal: stop.signal });
    } finally {
      process.removeListener('SIGINT', onSignal);
      process.removeListener('SIGTERM', onSignal);
      view.close();
    }
  });
}

interface Watching {
  readonly context: CommandContext;
  readonly view: RunView;
  readonly name: string;
  readonly signal: AbortSignal;
}

async function watch(ports: Composed, { context, view, name, signal }: Watching): Promise<ExitCode> {
  let told = 0;
  let alone = false;
  while (!signal.aborted) {
    const record = await loadPatiently(ports, name);
    if (record !== undefined) {
      for (const event of record.events.slice(told)) view.tell({ kind: 'event', event, record });
      told = record.events.length;
      const { phase } = record.state;
      if (phase !== 'running') {
        view.close();
        context.terminal.out(`\n${endText(record)}`);
        return ENDS[phase];
      }
      const isAlone = (await ports.lock.holder()) === undefined;
      if (isAlone && !alone) view.note(`Nobody drives ${name} now. It goes on with: meshlift resume ${name}`);
      alone = isAlone;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  view.close();
  context.terminal.out(`\n${name} goes on without being watched.`);
  return ExitCode.done;
}

/** A cluster that does not answer for a moment is asked again; what was told stands. */
async function loadPatiently(ports: Composed, name: string): Promise<RunRecord | undefined> {
  try {
    return await ports.store.load(name);
  } catch (error) {
    if (error instanceof Transient) return undefined;
    throw error;
  }
}

function endText({ name, state }: RunRecord): string {
  const took = duration(Date.parse(state.lastEventAt) - Date.parse(state.runStartedAt));
  switch (state.phase) {
    case 'moved':
      return `${name} has moved every workload after ${took}.\nNext: meshlift finish ${name}`;
    case 'failed':
      return `${name} has failed: ${state.problem?.code ?? ''} ${state.problem?.what ?? ''}\nNext: meshlift resume ${name}, or meshlift rollback ${name}`;
    case 'paused':
      return `${name} is paused.\nNext: meshlift resume ${name}, or meshlift rollback ${name}`;
    case 'rolled-back':
      return `${name} was taken back after ${took}.\nNext: meshlift status`;
    default:
      return `${name} has finished after ${took}.\nNext: meshlift status`;
  }
}
