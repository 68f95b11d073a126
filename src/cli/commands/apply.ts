import { readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { refusing } from '../../core/findings/run-checks.ts';
import { decodePlan, runName } from '../../core/plan/plan-file.ts';
import type { Plan } from '../../core/plan/plan.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { UpgradeRequest } from '../../core/request/upgrade-request.ts';
import { planUpgrade } from '../../flows/plan-upgrade.ts';
import { alreadyApplied, expectPlanFits, refusedProblem, resumeRun, startRun } from '../../flows/start-run.ts';
import { buildRequest, usageProblem, type RequestOptions } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { conclude, confirm, footprint, withRunSession, type RunSession } from '../drive.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderCheck } from '../views/check-text.ts';
import { renderPlan } from '../views/plan-text.ts';
import { withLoad } from '../with-load.ts';
import { dryResume } from './runs.ts';

export interface ApplyOptions extends RequestOptions {
  readonly finish?: boolean;
  readonly loadResults?: string;
}

/** What `apply` does besides what the plan says. */
interface Doing {
  readonly finish: boolean;
  /** Where the results of the load go. */
  readonly loadResults: string | undefined;
}

/** Applies a plan file, or plans and applies in one go when no file is given. */
export async function applyCommand(context: CommandContext, file: string | undefined, options: ApplyOptions): Promise<ExitCode> {
  if (file === undefined) {
    if (options.to === undefined)
      throw usageProblem(['Say which plan: meshlift apply FILE; or what for: meshlift apply --to VERSION'], 'meshlift apply --help');
    return performRequest(context, buildRequest('upgrade', options, context.options.namespace), doingOf(options));
  }
  expectOnlyFinish(options, context.options.namespace);
  return withRunSession(context, async (session) => {
    const { ports } = session;
    const plan = await readPlan(file, ports.sha256);
    const name = runName(plan, ports.sha256);
    const existing = (await ports.store.list()).find((run) => run.name === name);
    const doing = doingOf(options);
    if (existing && ['running', 'paused', 'failed'].includes(existing.phase)) {
      context.terminal.err(`${name} was begun before; going on with it.`);
      if (context.options.dryRun === true) return dryResume(context, await ports.store.load(name));
      return withLoad(session, { request: plan.request.load, name, resultsFile: doing.loadResults }, async (loaded) =>
        conclude(loaded, await resumeRun(ports, name, loaded.stopSignal), doing.finish),
      );
    }
    if (existing) throw alreadyApplied(existing);
    const { report } = await expectPlanFits(ports, plan);
    context.terminal.out(renderPlan(plan, context.terminal, { wide: context.format === 'wide' }));
    if (report.findings.length > 0) context.terminal.out(`\n${renderCheck(report, plan, context.terminal)}`);
    return begin(session, plan, doing);
  });
}

function doingOf({ finish, loadResults }: ApplyOptions): Doing {
  return { finish: finish === true, loadResults };
}

/** A plan is applied as it was made; an option that would change it is never dropped in silence. */
function expectOnlyFinish({ finish: _finish, loadResults: _loadResults, ...options }: ApplyOptions, namespaces: readonly string[]): void {
  const given = Object.keys(options).map((name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (namespaces.length > 0) given.push('--namespace');
  if (given.length === 0) return;
  throw usageProblem(
    [`${given.join(', ')}: a plan file is applied as it was made; say it when the plan is made`],
    'meshlift plan --to VERSION … -o FILE',
  );
}

async function readPlan(file: string, sha256: (text: string) => string): Promise<Plan> {
  let text: string;
  try {
    text = file === '-' ? await readText(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `${file} cannot be read: ${fileTrouble(error)}.`,
      next: [{ label: 'make a plan', command: 'meshlift plan --to VERSION -o FILE' }],
    });
  }
  const plan = decodePlan(text, file, sha256);
  if (plan instanceof Problem) throw plan;
  return plan;
}

/** Plans, shows, asks and performs in one go: install, migrate, uninstall, and apply without a file. */
export async function performRequest(context: CommandContext, request: UpgradeRequest, doing: Doing): Promise<ExitCode> {
  return withRunSession(context, async (session) => {
    const { ports } = session;
    const { plan, report } = await planUpgrade(ports, request);
    context.terminal.out(renderPlan(plan, context.terminal, { wide: context.format === 'wide' }));
    if (report.findings.length > 0) context.terminal.out(`\n${renderCheck(report, plan, context.terminal)}`);
    if (refusing(report).length > 0) throw refusedProblem(report);
    return begin(session, plan, doing);
  });
}

async function begin(session: RunSession, plan: Plan, { finish, loadResults }: Doing): Promise<ExitCode> {
  const { context, ports } = session;
  if (plan.steps.length === 0) {
    context.terminal.out('\nNothing to do.');
    return ExitCode.done;
  }
  context.terminal.out(`\n${footprint(plan.mesh.istioNamespace)}\n`);
  if (context.options.dryRun === true) {
    context.terminal.out('Dry run: nothing was changed.');
    return ExitCode.done;
  }
  await confirm(context, `Apply to ${plan.mesh.cluster}?`);
  const name = runName(plan, ports.sha256);
  return withLoad(session, { request: plan.request.load, name, resultsFile: loadResults, begins: true }, async (loaded) =>
    conclude(loaded, await startRun(ports, plan, loaded.stopSignal), finish),
  );
}
