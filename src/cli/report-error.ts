/** The one place where problems are printed. */
import { problemEntry } from '../core/problems/problem-catalogue.ts';
import { Defect, Problem, Transient } from '../core/problems/problem.ts';
import type { CommandContext } from './arguments/global-options.ts';
import { problemJson, renderProblem } from './views/problem-text.ts';
import { isStructured, renderStructured } from './views/structured.ts';

declare const MESHLIFT_VERSION: string;

/** Prints it on standard error. @returns the exit code */
export function reportError(error: unknown, { terminal, format, options }: CommandContext): number {
  const problem = asProblem(error);
  process.stderr.write(
    `${isStructured(format) ? renderStructured({ problem: problemJson(problem) }, format) : renderProblem(problem, terminal)}\n`,
  );
  if (problem.code === 'MELT-001' || options.verbose === true)
    process.stderr.write(`\nmeshlift ${MESHLIFT_VERSION}, node ${process.version}\n${stackOf(error)}\n`);
  return problemEntry(problem.code).exit;
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Transient) {
    return new Problem('KUBE-003', {
      what: `${error.reason}.`,
      next: [
        { label: 'does it answer at all', command: 'kubectl version' },
        { label: 'other contexts', command: 'kubectl config get-contexts' },
      ],
    });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new Problem('MELT-001', {
    what: error instanceof Defect ? text : `An error that was not expected: ${text}`,
    state: { kind: 'changed', detail: 'If a run was in progress, its record is in the cluster, and it can be resumed.' },
    next: [{ label: 'where things stand', command: 'meshlift runs' }],
  });
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
