/** A problem as people read it: what, why, what state things are in, the next command. */
import { problemEntry } from '../../core/problems/problem-catalogue.ts';
import type { Problem } from '../../core/problems/problem.ts';
import type { Terminal } from '../terminal.ts';

const INDENT = '         ';

export function renderProblem(problem: Problem, terminal: Terminal): string {
  const entry = problemEntry(problem.code);
  const { what, why, next } = problem.details;
  const state = problem.state.kind === 'nothing-changed' ? 'Nothing was changed.' : problem.state.detail;
  const width = Math.max(0, ...next.filter((n) => n.command !== undefined).map((n) => n.label.length + 1));
  const nextLines = next.map(({ label, command }) => (command === undefined ? label : `${`${label}:`.padEnd(width + 2)}${command}`));
  return [
    `${terminal.tone('bad', '✗')} ${terminal.tone('strong', `${problem.code}  ${entry.title}`)}`,
    field('what', what.split('\n')),
    ...(why === undefined || why === '' ? [] : [field('why', why.split('\n'))]),
    field('state', state.split('\n')),
    field('next', nextLines),
    field('more', [`meshlift explain ${problem.code}`]),
  ].join('\n');
}

function field(name: string, lines: readonly string[]): string {
  return lines.map((line, index) => `${index === 0 ? `  ${name}`.padEnd(INDENT.length) : INDENT}${line}`).join('\n');
}

export function problemJson(problem: Problem): Record<string, unknown> {
  const { what, why, next, facts } = problem.details;
  return {
    code: problem.code,
    title: problemEntry(problem.code).title,
    what,
    why: why ?? '',
    state: problem.state,
    next,
    facts: facts ?? {},
  };
}
