import { findingCatalogue, type FindingEntry } from '../../core/findings/finding.ts';
import { problemCatalogue, type ProblemEntry } from '../../core/problems/problem-catalogue.ts';
import { usageProblem } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { ExitCode } from '../exit-codes.ts';

/** Prints the page of a code, or all codes. Works without a cluster. */
export function explainCommand(context: CommandContext, code: string | undefined): ExitCode {
  const { terminal } = context;
  const pages: Readonly<Record<string, ProblemEntry | FindingEntry>> = { ...problemCatalogue, ...findingCatalogue };
  if (code === undefined) {
    for (const [name, entry] of Object.entries(pages)) terminal.out(`${name.padEnd(10)} ${entry.title}`);
    return ExitCode.done;
  }
  const entry = pages[code.toUpperCase()];
  if (!entry) throw usageProblem([`There is no code ${code}.`], 'meshlift explain');
  const kind = 'group' in entry ? `a finding of meshlift check (${entry.group})` : `a problem; exit code ${entry.exit}`;
  terminal.out(
    `${terminal.tone('strong', `${code.toUpperCase()}  ${entry.title}`)}\n${kind}\n\n${entry.meaning}\n\nWhat to do: ${entry.remedy}`,
  );
  return ExitCode.done;
}
