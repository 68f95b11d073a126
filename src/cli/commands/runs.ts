/** What people do with runs that are there: list, pause, resume, finish, roll back, forget. */
import type { Plan } from '../../core/plan/plan.ts';
import { Problem } from '../../core/problems/problem.ts';
import { isLeftOut } from '../../core/run/decide-next-action.ts';
import { activeSteps, stepStatus, type RunRecord } from '../../core/run/run-state.ts';
import { needsRollbackPlan, planRollback, rollBack } from '../../flows/roll-back.ts';
import { finishRun, resumeRun } from '../../flows/start-run.ts';
import type { RunSummary } from '../../ports/run-store.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { compose, type Composed } from '../compose.ts';
import { conclude, confirm, withRunSession, type RunSession } from '../drive.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderPlan } from '../views/plan-text.ts';
import { renderRuns } from '../views/runs-text.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { count } from '../views/words.ts';
import { withLoad, type LoadOfRun } from '../with-load.ts';

export async function withPorts<T>(context: CommandContext, use: (ports: Composed) => Promise<T>): Promise<T> {
  const ports = compose(context.options);
  try {
    return await use(ports);
  } finally {
    ports.close();
  }
}

/** The run that is meant: the one that is named, else the one that is chosen of all, newest first. @throws Problem RUN-003 */
export async function selectRun(
  ports: Composed,
  name: string | undefined,
  choose: (runs: readonly RunSummary[]) => RunSummary | undefined,
  what: string,
): Promise<RunSummary> {
  const runs = await ports.store.list();
  const found = name === undefined ? choose(runs) : runs.find((run) => run.name === name);
  if (found) return found;
  throw new Problem('RUN-003', {
    what: name === undefined ? `There is no run to ${what}.` : `There is no run ${name}.`,
    why: runs.length === 0 ? 'No run is recorded in this cluster.' : `Runs: ${runs.map((run) => `${run.name} (${run.phase})`).join(', ')}.`,
    next: [{ label: 'look', command: 'meshlift runs' }],
  });
}

function dryRun(context: CommandContext, ...lines: readonly string[]): ExitCode {
  context.terminal.out([...lines, 'Dry run: nothing was changed.'].join('\n'));
  return ExitCode.done;
}

/** What a run would go on with. */
export function dryResume(context: CommandContext, record: RunRecord): ExitCode {
  const left = activeSteps(record).filter((step) => !['done', 'skipped'].includes(stepStatus(record.state, step)));
  return dryRun(
    context,
    left.length === 0 ? `${record.name} has no step left.` : `${record.name} would go on with:`,
    ...left.map((step) => `  ${step.title}`),
  );
}

const isUnfinished = (run: RunSummary): boolean => ['running', 'paused', 'failed'].includes(run.phase);

export const newestUnfinished = (runs: readonly RunSummary[]): RunSummary | undefined => runs.find(isUnfinished);

export async function runsCommand(context: CommandContext): Promise<ExitCode> {
  return withPorts(context, async (ports) => {
    const runs = await ports.store.list();
    if (isStructured(context.format)) context.terminal.out(renderStructured(runs, context.format));
    else if (context.format === 'name') context.terminal.out(runs.map((run) => run.name).join('\n'));
    else context.terminal.out(renderRuns(runs, Date.now()));
    return ExitCode.done;
  });
}

export async function pauseCommand(context: CommandContext, name: string | undefined): Promise<ExitCode> {
  return withPorts(context, async (ports) => {
    const run = await selectRun(ports, name, newestUnfinished, 'pause');
    if (!isUnfinished(run))
      throw new Problem('RUN-005', {
        what: `${run.name} is ${run.phase}; there is nothing to pause.`,
        next: [{ label: 'look', command: 'meshlift runs' }],
      });
    if (context.options.dryRun === true) return dryRun(context, `${run.name} would be paused.`);
    await ports.store.setPaused(run.name, true);
    const holder = await ports.lock.holder();
    context.terminal.out(
      holder ? `${run.name} pauses after its present step (driven by ${holder.identity}).` : `${run.name} is paused; nobody drives it now.`,
    );
    context.terminal.out(`Next: meshlift resume ${run.name}, or meshlift rollback ${run.name}`);
    return ExitCode.done;
  });
}

/** Leaves a workload out that has not begun to move, or could not. The driver takes it up before the next step. */
export async function skipCommand(context: CommandContext, workload: string, name: string | undefined): Promise<ExitCode> {
  return withPorts(context, async (ports) => {
    const run = await selectRun(ports, name, newestUnfinished, 'leave a workload out of');
    const record = await ports.store.load(run.name);
    expectCanBeLeftOut(workload, record);
    if (context.options.dryRun === true) return dryRun(context, `${workload} would be left out of ${run.name}.`);
    await ports.store.leaveOut(run.name, workload);
    const holder = await ports.lock.holder();
    const from = record.plan.from?.revision ?? 'its revision';
    context.terminal.out(`${workload} is left out of ${run.name}; it stays on ${from}, which cannot be removed before it has moved.`);
    context.terminal.out(holder ? `${holder.identity} goes on without it.` : `Next: meshlift resume ${run.name}`);
    return ExitCode.done;
  });
}

/** @throws Problem MESH-004 when the run does not restart it, RUN-005 when it is too late or goes back */
function expectCanBeLeftOut(workload: string, { name, plan, state }: RunRecord): void {
  const step = plan.steps.find((each) => isLeftOut(each, [workload]));
  if (step === undefined)
    throw new Problem('MESH-004', {
      what: `${name} does not restart a workload ${workload}.`,
      why: 'Workloads are named NAMESPACE/NAME, or NAMESPACE/KIND/NAME; a gateway that moves in shares is taken back as a whole.',
      next: [{ label: 'look', command: `meshlift resume ${name} --dry-run` }],
    });
  const status = stepStatus(state, step);
  const late = { done: 'has moved already', started: 'is being restarted', skipped: 'is left out already' } as const;
  if (state.direction === 'forward' && (status === 'waiting' || status === 'failed')) return;
  throw new Problem('RUN-005', {
    what: state.direction === 'back' ? `${name} is being taken back.` : `${workload} ${late[status as keyof typeof late]}.`,
    next: [{ label: 'look', command: 'meshlift runs' }],
  });
}

export interface ResumeOptions extends LoadOptions {
  readonly finish?: boolean;
}

export interface LoadOptions {
  readonly loadResults?: string;
}

/** The load goes on with every part of a run. */
function loadOf({ name, plan }: Pick<RunRecord, 'name' | 'plan'>, { loadResults }: LoadOptions, part: string): LoadOfRun {
  return { request: plan.request.load, name, part, resultsFile: loadResults };
}

/** A roll-back is stopped by a person, and never by its load. */
function signalOf({ stopSignal, askedSignal }: RunSession, { state }: RunRecord): AbortSignal {
  return state.direction === 'back' ? askedSignal : stopSignal;
}

export async function resumeCommand(context: CommandContext, name: string | undefined, options: ResumeOptions): Promise<ExitCode> {
  return withRunSession(context, async (session) => {
    const { ports } = session;
    const run = await selectRun(ports, name, newestUnfinished, 'resume');
    const record = await ports.store.load(run.name);
    if (context.options.dryRun === true) return dryResume(context, record);
    return withLoad(session, loadOf(record, options, 'resume'), async (loaded) =>
      conclude(loaded, await resumeRun(ports, run.name, signalOf(loaded, record)), options.finish === true),
    );
  });
}

export async function finishCommand(context: CommandContext, name: string | undefined, options: LoadOptions = {}): Promise<ExitCode> {
  return withRunSession(context, async (session) => {
    const { ports } = session;
    const run = await selectRun(ports, name, (runs) => runs.find((r) => r.phase === 'moved' || isUnfinished(r)), 'finish');
    const { plan } = await ports.store.load(run.name);
    const steps = plan.steps.filter((step) => step.phase === 'finish');
    context.terminal.out(
      renderPlan({ ...plan, steps, notMoved: plan.notMoved, valueDifferences: [] }, context.terminal, { wide: context.format === 'wide' }),
    );
    if (context.options.dryRun === true) return dryRun(context);
    await confirm(context, `Remove ${plan.from?.revision ?? 'the old revision'} from ${plan.mesh.cluster} once nothing uses it?`);
    return withLoad(session, loadOf({ name: run.name, plan }, options, 'finish'), async (loaded) =>
      conclude(loaded, await finishRun(ports, run.name, loaded.stopSignal)),
    );
  });
}

export async function rollbackCommand(context: CommandContext, name: string | undefined, options: LoadOptions = {}): Promise<ExitCode> {
  return withRunSession(context, async (session) => {
    const { ports, stopSignal } = session;
    const record = await ports.store.load((await selectRunToTakeBack(ports, name)).name);
    const run = record.name;
    let shown: Plan | undefined;
    if (needsRollbackPlan(record)) {
      shown = await planRollback(ports, record);
      const plan = shown;
      if (plan.steps.length === 0) {
        const line = `${run} stopped before it changed anything; there is nothing to take back.`;
        if (context.options.dryRun === true) return dryRun(context, line, 'It would be closed.');
        context.terminal.out(line);
        return conclude(session, await rollBack(ports, { name: run, reason: 'asked for', stopSignal, shown }));
      }
      context.terminal.out(`${context.terminal.tone('strong', `Take back ${run}: ${plan.steps.length} steps`)}\n`);
      context.terminal.out(
        renderPlan(plan, context.terminal, { wide: context.format === 'wide' })
          .split('\n')
          .slice(2)
          .join('\n'),
      );
      if (context.options.dryRun === true) return dryRun(context);
      await confirm(context, `Roll back on ${plan.mesh.cluster}?`);
    } else if (context.options.dryRun === true) return dryResume(context, record);
    return withLoad(session, loadOf(record, options, 'rollback'), async (loaded) => {
      const back = await rollBack(ports, {
        name: run,
        reason: 'asked for',
        stopSignal: loaded.askedSignal,
        ...(shown === undefined ? {} : { shown }),
      });
      return conclude(loaded, back);
    });
  });
}

/**
 * Without a name the run in progress is meant, else the newest one. Never one before it: what came after has changed
 * what it would take back.
 */
async function selectRunToTakeBack(ports: Composed, name: string | undefined): Promise<RunSummary> {
  const inProgress = (run: RunSummary): boolean => isUnfinished(run) || run.phase === 'moved';
  const choose = (runs: readonly RunSummary[]): RunSummary | undefined =>
    runs.find((run) => inProgress(run) || (run.name === runs[0]?.name && run.phase !== 'rolled-back'));
  return selectRun(ports, name, choose, 'take back');
}

export async function forgetCommand(context: CommandContext, name: string | undefined, everything: boolean): Promise<ExitCode> {
  return withPorts(context, async (ports) => {
    const holder = await ports.lock.holder();
    if (holder)
      throw new Problem('RUN-001', {
        what: `${holder.identity} drives a run on this mesh.`,
        next: [{ label: 'stop it between two steps', command: 'meshlift pause' }],
      });
    if (everything) {
      if (context.options.dryRun === true) {
        const runs = await ports.store.list();
        return dryRun(
          context,
          `Would remove ${count(runs.length, 'record')}${runs.map((run) => `\n  ${run.name} (${run.phase})`).join('')}`,
          'Would remove the Lease meshlift and the CRD meshupgrades.meshlift.io.',
        );
      }
      await confirm(context, 'Remove the record of every run, the lock and the CRD?');
      await ports.store.forgetEverything();
      context.terminal.out('Nothing of Meshlift is left in the cluster, except restart annotations in pod templates.');
      return ExitCode.done;
    }
    if (name === undefined)
      throw new Problem('ARGS-001', { what: 'Say which run, or --everything.', next: [{ label: 'look', command: 'meshlift runs' }] });
    const run = await selectRun(ports, name, () => undefined, 'forget');
    if (context.options.dryRun === true) return dryRun(context, `Would remove the record of ${run.name} (${run.phase}).`);
    if (isUnfinished(run))
      await confirm(context, `${run.name} is ${run.phase}. Its record is what it could be taken back with. Remove it?`);
    await ports.store.forget(run.name);
    context.terminal.out(`The record of ${run.name} is removed.`);
    return ExitCode.done;
  });
}
