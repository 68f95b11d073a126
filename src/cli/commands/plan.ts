import { writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { refusing } from '../../core/findings/run-checks.ts';
import { encodePlan, planDigest } from '../../core/plan/plan-file.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import { planUpgrade } from '../../flows/plan-upgrade.ts';
import { buildRequest, type RequestOptions } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { compose } from '../compose.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderCheck } from '../views/check-text.ts';
import { renderPlan } from '../views/plan-text.ts';
import { isStructured, renderStructured } from '../views/structured.ts';

/** @param file where the plan is written; undefined: it is only shown */
export async function planCommand(context: CommandContext, options: RequestOptions, file: string | undefined): Promise<ExitCode> {
  const { terminal, format } = context;
  const request = buildRequest('upgrade', options, context.options.namespace);
  const ports = compose(context.options);
  try {
    const { plan, report } = await planUpgrade(ports, request);
    if (isStructured(format)) {
      terminal.out(renderStructured({ ...plan, digest: planDigest(plan, sha256) }, format));
    } else {
      terminal.out(renderPlan(plan, terminal, { wide: format === 'wide' }));
      if (report.findings.length > 0 || report.couldNotLook.length > 0)
        terminal.out(`\n${renderCheck(report, { from: plan.from, to: plan.to }, terminal)}`);
    }
    if (file !== undefined) writePlan(file, encodePlan(plan, sha256));
    if (!isStructured(format))
      terminal.out(`\n${conclusion(file, plan.steps.length, refusing(report).length, sha256(encodePlan(plan, sha256)))}`);
    return ExitCode.done;
  } finally {
    ports.close();
  }
}

function conclusion(file: string | undefined, steps: number, refused: number, digest: string): string {
  if (steps === 0) return 'Nothing to do.';
  const blocked = refused > 0 ? ' It will be refused while the errors above are there.' : '';
  if (file === undefined) return `Next: the same with -o plan.yaml, then meshlift apply plan.yaml.${blocked}`;
  return `Wrote ${file} (sha256 ${digest.slice(0, 8)}…).${blocked} Next: meshlift apply ${file}`;
}

function writePlan(file: string, text: string): void {
  try {
    // Rendered values may be sensitive, so that only the owner reads the file.
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    throw new Problem('ARGS-003', {
      what: `${file} cannot be written: ${fileTrouble(error)}.`,
      next: [{ label: 'another place', command: '-o FILE' }],
    });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
