/** Shows a run while it is performed, and says at its end what state things are in and what to do next. */
import { createInterface } from 'node:readline/promises';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { runningPods } from '../core/mesh/mesh-inventory.ts';
import { Problem, type NextStep } from '../core/problems/problem.ts';
import type { Plan } from '../core/plan/plan.ts';
import { activeSteps, stepStatus, type RunRecord } from '../core/run/run-state.ts';
import { rollBack } from '../flows/roll-back.ts';
import { finishRun } from '../flows/start-run.ts';
import type { RunResult } from '../flows/perform-run.ts';
import type { TimeSpan } from '../core/load/time-spans.ts';
import type { RunNews } from '../ports/run-observer.ts';
import type { CommandContext } from './arguments/global-options.ts';
import { compose, type Composed } from './compose.ts';
import { ExitCode } from './exit-codes.ts';
import type { LoadTrouble, RunLoad } from './run-load.ts';
import { openRunView, type RunView } from './views/run-view.ts';
import { renderProblem } from './views/problem-text.ts';
import { count, duration } from './views/words.ts';

/** What a command needs to perform a run in front of a person. */
export interface RunSession {
  readonly context: CommandContext;
  readonly ports: Composed;
  readonly view: RunView;
  /** Given when the person asks to stop between two steps, or the load says that the run should not go on. */
  readonly stopSignal: AbortSignal;
  /** Given when the person asks; what stops a roll-back. */
  readonly askedSignal: AbortSignal;
  /** When the steps that this process performs went on, by the clock of this machine. */
  readonly spans: readonly TimeSpan[];
  /** Set while requests are sent beside the run. */
  readonly load?: RunLoad;
}

/** Ports with a view of the run on them; both are closed at the end, however it comes. */
export async function withRunSession<T>(context: CommandContext, use: (session: RunSession) => Promise<T>): Promise<T> {
  const view = openRunView(context.terminal, Date.now);
  const spans: TimeSpan[] = [];
  const ports = compose(context.options, {
    tell: (news) => {
      if (news.kind === 'event') noteSpan(spans, news);
      view.tell(news);
    },
  });
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    view.note('Stopping after this step. Ctrl-C once more stops at once, which loses nothing either.');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await use({ context, ports, view, spans, stopSignal: stop.signal, askedSignal: stop.signal });
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
    view.close();
    ports.close();
  }
}

function noteSpan(spans: TimeSpan[], { event, record }: Extract<RunNews, { kind: 'event' }>): void {
  if (!('step' in event)) return;
  const steps = [...record.plan.steps, ...(record.backPlan?.steps ?? [])];
  const name = steps.find((step) => step.id === event.step)?.title ?? event.step;
  if (event.type === 'StepStarted') {
    spans.push({ name, fromMs: Date.now() });
    return;
  }
  const index = spans.findLastIndex((span) => span.name === name && span.untilMs === undefined);
  const span = spans[index];
  if (span !== undefined) spans[index] = { ...span, untilMs: Date.now() };
}

/** Asks on a terminal; elsewhere only --yes is a yes. @throws Problem RUN-006 */
export async function confirm(context: CommandContext, question: string, again = 'meshlift plan -o wide'): Promise<void> {
  if (context.options.yes === true) return;
  if (!context.terminal.isInteractive || process.stdin.isTTY !== true) {
    throw new Problem('RUN-006', {
      what: 'This is not a terminal, so nobody can be asked.',
      next: [{ label: 'in scripts', command: 'the same command with --yes' }],
    });
  }
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await reader.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new Problem('RUN-006', {
        what: 'The answer was no.',
        next: [{ label: 'look at it again', command: again }],
      });
  } finally {
    reader.close();
  }
}

/** What a run leaves in the cluster for as long as its record is kept. */
export function footprint(istioNamespace: string): string {
  return [
    `Meshlift adds to the cluster: the CRD meshupgrades.meshlift.io; in ${istioNamespace} a MeshUpgrade, its ConfigMaps (Secrets for`,
    'manifests from standard input and records of Helm releases) and the Lease meshlift; the annotation meshlift.io/restart in pod',
    'templates that it restarts. meshlift forget --everything removes them, except for the annotations.',
  ].join('\n');
}

/**
 * Goes on as the request says (finish, roll-back on failure) and tells the end.
 * @param finish go on with the finish once the workloads are moved
 */
export async function conclude(session: RunSession, result: RunResult, finish = false): Promise<ExitCode> {
  const { context, ports, view, stopSignal } = session;
  const { record } = result;
  const trouble = result.outcome === 'asked' && record.state.direction === 'forward' ? session.load?.trouble() : undefined;
  if (trouble !== undefined) {
    const problem = loadProblem(trouble, session.load?.file ?? '', record);
    // A load that has ended says nothing against the revision.
    return takeBackOrThrow(session, record, problem, trouble.kind === 'failing');
  }
  if (result.outcome === 'moved' && (finish || record.plan.request.finish.removeOld)) {
    return conclude(session, await finishRun(ports, record.name, stopSignal));
  }
  if (result.outcome === 'failed') {
    const problem = await failedProblem(ports, result);
    return takeBackOrThrow(session, record, problem, problem.code !== 'RUN-050');
  }
  view.close();
  context.terminal.out(`\n${endText(result)}`);
  return result.outcome === 'asked' || result.outcome === 'paused' ? ExitCode.refused : ExitCode.done;
}

/**
 * Takes the run back where its request says so, else leaves it to a person. Nothing but a person stops a roll-back.
 * @param isFailure whether the problem is one that a roll-back mends
 */
async function takeBackOrThrow(session: RunSession, record: RunRecord, problem: Problem, isFailure: boolean): Promise<ExitCode> {
  const { context, ports, view, askedSignal } = session;
  if (!isFailure || record.plan.request.onFailure !== 'rollback' || record.state.direction !== 'forward') throw problem;
  view.note(`${renderProblem(problem, context.terminal)}\nThe request says: roll back on failure.`);
  const back = await rollBack(ports, { name: record.name, reason: problem.code, stopSignal: askedSignal });
  const code = await conclude(session, back);
  return back.outcome === 'rolled-back' ? ExitCode.rolledBack : code;
}

function loadProblem(trouble: LoadTrouble, file: string, record: RunRecord): Problem {
  const state = { kind: 'paused', detail: `${record.name} stopped ${standsAt(record)}; nothing is half done.` } as const;
  const ways: NextStep[] = [
    { label: 'go on', command: `meshlift resume ${record.name}` },
    { label: 'take back', command: `meshlift rollback ${record.name}` },
  ];
  const look: NextStep = { label: 'what failed', command: `meshlift load report ${file}` };
  return trouble.kind === 'failing'
    ? new Problem('LOAD-002', {
        what: `${trouble.failures.failed} of the last ${trouble.failures.of} requests failed.`,
        state,
        next: [look, ...ways],
      })
    : new Problem('LOAD-003', {
        what: `The load has ended: ${trouble.words}`,
        state,
        next: [{ label: 'go on, with a load', command: `meshlift resume ${record.name} --load-results FILE` }, ...ways.slice(1)],
      });
}

function endText({ outcome, record }: RunResult): string {
  const { plan, state, name } = record;
  // A gateway that was made anew has moved with its last share.
  const moves = plan.steps.filter((s) => 'workload' in s || (s.kind === 'shiftGateway' && s.down.to === 0));
  const restarts = moves.filter((s) => state.steps.get(s.id) === 'done').length;
  const took = duration(Date.parse(state.lastEventAt) - Date.parse(state.runStartedAt));
  const where = standsAt(record);
  switch (outcome) {
    case 'moved':
      return `Moved ${count(restarts, 'workload')} to ${end(plan.to)} in ${took}; ${end(plan.from)} is still there, and everything can be taken back.\nNext: meshlift finish ${name}`;
    case 'finished':
      return finishedText(plan, took);
    case 'rolled-back':
      return `Rolled back: the mesh is as it was before ${name}${plan.steps.some((s) => s.kind === 'crds' && state.steps.has(s.id)) ? ', except for the CRDs, which stay' : ''}.\nNext: meshlift status`;
    case 'asked':
      return `Stopped ${where}; nothing is half done.\nNext: meshlift resume ${name}, or meshlift rollback ${name}`;
    default:
      return `Paused ${where}.\nNext: meshlift resume ${name}, or meshlift rollback ${name}`;
  }
}

function finishedText(plan: Plan, took: string): string {
  switch (plan.request.action) {
    case 'install':
      return `${end(plan.to)} is installed beside ${end(plan.from)} and injects.\nNext: meshlift migrate NAMESPACE --to ${plan.to?.revision ?? ''}`;
    case 'migrate':
      return `Moved to ${end(plan.to)} in ${took}.\nNext: meshlift status`;
    case 'uninstall':
      return `${end(plan.from)} is removed.\nNext: meshlift status`;
    case 'upgrade':
      return `Upgraded to ${end(plan.to)} in ${took}; ${end(plan.from)} is removed.\nNext: meshlift status`;
  }
}

function end(endpoint: Plan['to']): string {
  return endpoint === undefined ? 'the revision' : `${endpoint.revision} (${endpoint.version})`;
}

/** `before step 4 of 12 (restart deploy/cart in shop)`. */
function standsAt(record: RunRecord): string {
  const steps = activeSteps(record);
  const index = steps.findIndex((step) => !['done', 'skipped'].includes(stepStatus(record.state, step)));
  const step = steps[index];
  return step === undefined ? 'after the last step' : `before step ${index + 1} of ${steps.length} (${step.title})`;
}

/** The problem of a failed step, with where the run stands and how many pods are on which revision. */
async function failedProblem(ports: Composed, { record, problem }: RunResult): Promise<Problem> {
  const told = problem ?? storedProblem(record);
  if (told.state.kind !== 'nothing-changed') return told;
  const steps = activeSteps(record);
  const index = steps.findIndex((step) => !['done', 'skipped'].includes(stepStatus(record.state, step)));
  const detail = `paused at step ${index + 1} of ${steps.length} (${steps[index]?.title ?? ''}).${await podsByRevision(ports, record)}`;
  const ways: NextStep[] = [{ label: 'go on', command: `meshlift resume ${record.name}` }];
  if (record.state.direction === 'forward') ways.push({ label: 'take back', command: `meshlift rollback ${record.name}` });
  return told.withState({ kind: 'paused', detail }, [...told.details.next, ...ways]);
}

async function podsByRevision(ports: Composed, record: RunRecord): Promise<string> {
  try {
    const inventory = buildInventory(await ports.reader.readMesh('status'));
    const pods = inventory.workloads.flatMap((workload) => runningPods(workload));
    const on = (revision: string | undefined): number => pods.filter((pod) => pod.revision === revision).length;
    const parts = [record.plan.to, record.plan.from].flatMap((e) =>
      e === undefined ? [] : [`${count(on(e.revision), 'pod')} on ${e.revision}`],
    );
    return parts.length === 0 ? '' : ` ${parts.join(', ')}.`;
  } catch {
    return ' How many pods are where cannot be told now.';
  }
}

function storedProblem(record: RunRecord): Problem {
  const stored = record.state.problem;
  return new Problem((stored?.code ?? 'RUN-005') as Problem['code'], {
    what: stored?.what ?? `${record.name} is ${record.state.phase}.`,
    next: [],
  });
}
